import type { Endpoint } from '@posthorn/client'
import { Badge } from '../../kit/badge.tsx'
import type { IconName } from '../../kit/icon.tsx'
import { shownName } from '../../lib/names.ts'
import type { Tone } from '../../lib/states.ts'
import { common } from '../../strings/en/common.ts'
import { endpoints as words } from '../../strings/en/endpoints.ts'
import { wordsFor } from '../../strings/en/errors.ts'

/** What an endpoint's badge says: its health, or that it is disabled, which matters more. */
export type ShownHealth = Endpoint['health']['state'] | 'disabled'

const LOOKS: Readonly<Record<ShownHealth, readonly [Tone, IconName]>> = {
  healthy: ['green', 'check'],
  failing: ['red', 'cross'],
  paused: ['amber', 'clock'],
  unknown: ['grey', 'minus'],
  disabled: ['violet', 'pause'],
}

export function shownHealth({ state, health }: Pick<Endpoint, 'state' | 'health'>): ShownHealth {
  return state === 'disabled' ? 'disabled' : health.state
}

export function HealthBadge({ endpoint }: { readonly endpoint: Pick<Endpoint, 'state' | 'health'> }) {
  const shown = shownHealth(endpoint)
  const [tone, icon] = LOOKS[shown]
  return (
    <Badge tone={tone} icon={icon}>
      {words.health[shown]}
    </Badge>
  )
}

/** Why it fails, in a word or two: `503`, `connection refused`. Null if it doesn't, or nothing is known. */
export function whyFailing({ health }: Pick<Endpoint, 'health'>): string | null {
  const { lastError, lastStatus } = health
  if (lastError === null) return null
  return lastStatus === null ? wordsFor(lastError).short : String(lastStatus)
}

/** What people call it: its name, its uid, or where it is. */
export function titleOf({ name, uid, url }: Pick<Endpoint, 'name' | 'uid' | 'url'>): string {
  return shownName(name ?? uid ?? withoutScheme(url))
}

/** `hooks.acme.example/orders`: the scheme is always the same. Null: a listener. */
export function withoutScheme(url: string | null): string {
  if (url === null) return common.listener
  return url.replace(/^https?:\/\//, '').replace(/\/$/, '')
}
