import { Badge } from '../../kit/badge.tsx'
import type { IconName } from '../../kit/icon.tsx'
import type { KeyState } from '../../lib/api-keys.ts'
import type { Tone } from '../../lib/states.ts'
import { access } from '../../strings/en/access.ts'

const LOOKS: Readonly<Record<KeyState, { readonly tone: Tone; readonly icon: IconName }>> = {
  active: { tone: 'green', icon: 'check' },
  expiring: { tone: 'amber', icon: 'clock' },
  expired: { tone: 'grey', icon: 'minus' },
  revoked: { tone: 'grey', icon: 'cross' },
}

/** Whether an API key works. */
export function KeyBadge({ state }: { readonly state: KeyState }) {
  return (
    <Badge tone={LOOKS[state].tone} icon={LOOKS[state].icon}>
      {access.keys.states[state]}
    </Badge>
  )
}
