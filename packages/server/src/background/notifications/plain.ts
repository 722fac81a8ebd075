/** Text that others have given, in messages that people read: it must not look like more of the message. */

const MAX_CHARACTERS = 60
/** Invisible, and no part of any URL: mail programs and chats make no link of what it is in. */
const JOINER = '\u2060'
/** What makes a link of words: `evil.example`, `mailto:ada`, `ada@evil.example`, `/path`, `+1 555`. */
const LINKING = /([.:@/\\\u3002\uff0e\uff61])(?=\S)/gu

/**
 * Text on one line, without control characters, marks that reverse its direction, and links. Longer text is cut.
 * HTML, Markdown and what Slack has instead are escaped by the forms (forms.ts).
 */
export function plain(text: string): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  const characters = [...line]
  const short = characters.length > MAX_CHARACTERS ? `${characters.slice(0, MAX_CHARACTERS).join('')}…` : line
  return short.replace(LINKING, `${JOINER}$1${JOINER}`)
}

/** The same in quotes, which show where it begins and ends. */
export const quoted = (text: string): string => `“${plain(text).replace(/[“”"]/g, "'")}”`
