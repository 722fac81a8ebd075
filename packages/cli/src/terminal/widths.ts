/** Text in columns of a terminal, where some characters are two wide and some have no width. */
// Not a library that needs Intl.Segmenter: making the first one takes 35 ms, which every start would pay.
import measure from 'fast-string-truncated-width'

/** Colours and other escape sequences have no width. */
export const widthOf = (text: string): number => measure(text).width

const ELLIPSIS = '…'

/** Cuts a text without escape sequences to a width, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  const { index, ellipsed } = measure(text, { limit: width, ellipsis: ELLIPSIS })
  return text.slice(0, index) + (ellipsed ? ELLIPSIS : '')
}

export const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)))

export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text

/** Breaks a text at spaces into lines of a width. A word that is wider has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter(each => each !== '')) {
    const last = lines.at(-1)
    if (last === undefined || widthOf(last) + 1 + widthOf(word) > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

/**
 * What others wrote (names, payloads, responses) on one line: control characters and those that change the direction of
 * text are shown as escapes, so that nothing can move the cursor, colour the terminal or hide what stands there.
 */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, unit => {
    // Joins emoji and letters of some scripts, and can't do harm.
    if (unit === '\u200d' || unit === '\u200c') return unit
    if (unit === '\n') return '\\n'
    if (unit === '\t') return ' '
    return `\\u{${unit.codePointAt(0)!.toString(16)}}`
  })
}
