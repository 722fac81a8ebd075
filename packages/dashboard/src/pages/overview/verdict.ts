import type { Overview } from '@posthorn/client'
import { arrivingShare, type Outcomes, type Steps } from '../../lib/outcomes.ts'

/** The answer to "do webhooks arrive?". */
export type Verdict =
  | { readonly kind: 'none' | 'most' }
  | { readonly kind: 'except'; readonly endpoints: number | null; readonly tenants: number | null }
  | { readonly kind: 'late'; readonly waitingMs: number }
  | { readonly kind: 'all' | 'quiet' }

export const VERDICT_TONES: Readonly<Record<Verdict['kind'], 'bad' | 'warn' | 'good' | 'quiet'>> = {
  none: 'bad',
  most: 'bad',
  except: 'warn',
  late: 'warn',
  all: 'good',
  quiet: 'quiet',
}

/** How many outcomes are enough to tell, if the newest steps have them. */
const ENOUGH = 20
/** A backlog younger than this is the usual work under way, in milliseconds. */
const LATE_MS = 60_000

/** The outcomes of the newest steps of a period: of as many steps as it takes for them to tell. */
export function newest({ steps }: Steps, enough = ENOUGH): Outcomes {
  const sum = { delivered: 0, retrying: 0, exhausted: 0, cancelled: 0 }
  for (const step of steps.toReversed()) {
    sum.delivered += step.delivered
    sum.retrying += step.retrying
    sum.exhausted += step.exhausted
    if (sum.delivered + sum.retrying + sum.exhausted >= enough) break
  }
  return sum
}

/** Whether webhooks arrive: first whether any do, then which don't, then whether they do in time. */
export function verdictOf(overview: Pick<Overview, 'at' | 'backlog' | 'failing'>, steps: Steps): Verdict {
  const { failing, backlog } = overview
  const now = newest(steps)
  const share = arrivingShare(now)
  if (now.delivered === 0 && now.retrying + now.exhausted >= 5) return { kind: 'none' }
  if (share !== null && share < 0.5 && now.exhausted >= 5) return { kind: 'most' }
  if (failing.count !== 0) return { kind: 'except', endpoints: failing.count, tenants: failing.tenants }
  const waitingMs = backlog?.oldestDueAt ? Date.parse(overview.at) - Date.parse(backlog.oldestDueAt) : 0
  if (waitingMs >= LATE_MS) return { kind: 'late', waitingMs }
  return { kind: steps.steps.every(step => step.delivered + step.exhausted === 0) ? 'quiet' : 'all' }
}
