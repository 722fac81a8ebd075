/**
 * What few attempts have to say besides their error: why exactly they failed, and that the request was repeated on a new
 * connection. It is stored in front of the response's headers, under names that begin with a space, which no response
 * has: so other attempts pay nothing for it. It is removed together with the response.
 */
import type { AttemptDetail } from '../../../base/model.ts'

export type AttemptNotes = {
  readonly detail: AttemptDetail | null
  /** The request was lost on a kept connection and repeated on a new one (C12). */
  readonly reconnected: boolean
}

const DETAIL = ' detail'
const RECONNECTED = ' reconnected'

/** @param headers the response's, names and values alternately */
export function withNotes(headers: readonly string[], { detail, reconnected }: AttemptNotes): readonly string[] {
  if (detail === null && !reconnected) return headers
  const { code, value } = detail ?? { code: '', value: null }
  const noted = detail === null ? [] : [DETAIL, value === null ? code : `${code} ${value}`]
  return [...noted, ...(reconnected ? [RECONNECTED, ''] : []), ...headers]
}

/** Takes apart what `withNotes` returned. */
export function readNotes(stored: readonly string[]): AttemptNotes & { readonly headers: readonly string[] } {
  let detail: AttemptDetail | null = null
  let reconnected = false
  let at = 0
  for (; stored[at]?.startsWith(' ') === true; at += 2) {
    if (stored[at] === RECONNECTED) reconnected = true
    else if (stored[at] === DETAIL) detail = detailOf(stored[at + 1]!)
  }
  return { detail, reconnected, headers: at === 0 ? stored : stored.slice(at) }
}

function detailOf(text: string): AttemptDetail {
  const space = text.indexOf(' ')
  return space < 0 ? { code: text, value: null } : { code: text.slice(0, space), value: text.slice(space + 1) }
}
