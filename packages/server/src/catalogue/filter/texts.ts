/** How a filter's operators test a string. Each takes time in proportion to the string, whatever the filter says. */
import type { TextOperator } from './language.ts'

/** Tests strings against the texts of one operator. One text has to fit. */
export type TextTest = {
  readonly fits: (value: string) => boolean
  /** How many texts a string is tested against. */
  readonly count: number
  /** Whether a string is read as a whole, rather than compared with texts of a bounded length. */
  readonly readsAll: boolean
}

/**
 * Maximum length of a text that is searched for within a string. The engine's own search is linear up to 250 characters;
 * with longer texts, some strings of 1 MiB took it four seconds.
 */
export const MAX_SEARCHED_CHARACTERS = 200

/** Compiles an operator's texts, each of which is not empty. */
export function createTextTest(operator: TextOperator, texts: readonly string[]): TextTest {
  const readsAll = operator === 'contains' || operator === 'wildcard'
  const tests = texts.map(testOf(operator))
  const [only] = tests
  const fits = tests.length === 1 && only !== undefined ? only : (value: string) => tests.some(test => test(value))
  return { fits, count: texts.length, readsAll }
}

function testOf(operator: TextOperator): (text: string) => (value: string) => boolean {
  switch (operator) {
    case 'prefix':
      return text => value => value.startsWith(text)
    case 'suffix':
      return text => value => value.endsWith(text)
    case 'contains':
      return text => value => value.includes(text)
    case 'equalsIgnoreCase':
      return createCaseless
    case 'wildcard':
      return createWildcard
  }
}

/** Compiles a pattern in which `*` stands for any number of characters, including none. */
export function createWildcard(pattern: string): (value: string) => boolean {
  const parts = pattern.split('*')
  if (parts.length === 1) return value => value === pattern
  const first = parts[0]!
  const last = parts.at(-1)!
  const middle = parts.slice(1, -1).filter(part => part !== '')
  const shortest = parts.reduce((sum, part) => sum + part.length, 0)
  return value => {
    if (value.length < shortest || !value.startsWith(first) || !value.endsWith(last)) return false
    let at = first.length
    // Match each part as early as possible: no later place leaves more room for the parts after it.
    for (const part of middle) {
      const found = value.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= value.length - last.length
  }
}

/** The longest text that a pattern searches for: a part that is bound to neither end. */
export function longestSearched(pattern: string): number {
  return Math.max(
    0,
    ...pattern
      .split('*')
      .slice(1, -1)
      .map(part => part.length),
  )
}

/** A regular expression for a longer text can overflow the engine's stack while it is compiled. */
const CHARACTERS_A_PATTERN = 100

/**
 * Compares without regard to case, by Unicode's simple case folding (CaseFolding.txt, statuses C and S): that is how
 * regular expressions with the flags `i` and `u` compare (ECMA-262, Canonicalize). A character folds to one character of
 * as many UTF-16 units, so `ẞ` equals `ß` but not `ss`, and strings of different lengths never match.
 */
function createCaseless(text: string): (value: string) => boolean {
  const patterns: { readonly from: number; readonly to: number; readonly pattern: RegExp }[] = []
  const characters = Array.from(text)
  let from = 0
  for (let at = 0; at < characters.length; at += CHARACTERS_A_PATTERN) {
    const part = characters.slice(at, at + CHARACTERS_A_PATTERN)
    const to = from + part.join('').length
    const escaped = part.map(character => `\\u{${character.codePointAt(0)!.toString(16)}}`).join('')
    patterns.push({ from, to, pattern: new RegExp(`^${escaped}$`, 'iu') })
    from = to
  }
  return value =>
    value.length === text.length && patterns.every(({ from, to, pattern }) => pattern.test(value.slice(from, to)))
}
