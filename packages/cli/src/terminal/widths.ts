/** Text in columns of a terminal, where some characters are two wide and some have no width. */
import stringWidth from 'string-width'

/** Colours and other escape sequences have no width. */
export const widthOf = (text: string): number => stringWidth(text)

const ELLIPSIS = '…'
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Cuts a text without escape sequences to a width, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 1) return ''
  let [kept, used] = ['', 0]
  for (const { segment } of GRAPHEMES.segment(text)) {
    const next = widthOf(segment)
    if (used + next > width - 1) break
    kept += segment
    used += next
  }
  return kept + ELLIPSIS
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
