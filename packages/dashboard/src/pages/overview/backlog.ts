import type { Overview } from '@posthorn/client'
import { onForget } from '../../lib/forget.ts'

/** How long a backlog is remembered, in milliseconds. */
const KEPT_MS = 15 * 60_000
/** Nearer samples tell nothing new, in milliseconds. */
const APART_MS = 3_000

type Sample = { readonly at: number; readonly due: number }

const samples = new Map<string | null, readonly Sample[]>()
onForget(() => samples.clear())

/** Notes how large the backlog was. The server has no history of it, so its trend begins when the page is opened. */
export function noteBacklog({ tenant, at, backlog }: Pick<Overview, 'tenant' | 'at' | 'backlog'>): void {
  if (backlog === null) return
  const now = Date.parse(at)
  const before = samples.get(tenant) ?? []
  const last = before.at(-1)
  if (last !== undefined && now - last.at < APART_MS) return
  samples.set(tenant, [...before.filter(sample => now - sample.at <= KEPT_MS), { at: now, due: backlog.due }])
}

/** The backlog since the page was opened, at most 15 minutes, oldest first. */
export function backlogOf(tenant: string | null): readonly Sample[] {
  return samples.get(tenant) ?? []
}
