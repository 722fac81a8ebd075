import type { Target } from '../../guard/target.ts'
import type { Warning } from '../checks/warnings.ts'

/** A URL that a member of the endpoint gives. */
export type GivenTarget = { readonly field: string; readonly target: Target }

/** The others are of the same kinds. */
const MAX_SHOWN = 8

/** A URL is encoded rather than refused, but its owner should know: a receiver might compare it, or have signed it. */
export function adviseOnEncoding(targets: readonly GivenTarget[]): Warning[] {
  return targets.flatMap(({ field, target: { encoded, url } }): Warning[] => {
    if (encoded.length === 0) return []
    const shown = encoded
      .slice(0, MAX_SHOWN)
      .map(character => `${nameOf(character)} as ${encodeURIComponent(character)}`)
    const others = encoded.length > MAX_SHOWN ? ' and others' : ''
    const what = `A URL cannot contain some of its characters, so Posthorn encoded them: ${shown.join(', ')}${others}.`
    return [{ code: 'url_encoded', detail: `${what} Requests are sent to ${url}.`, field }]
  })
}

const nameOf = (character: string): string => (character === ' ' ? 'a space' : character)
