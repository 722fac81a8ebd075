/** How a filter's operators test a string. Each takes time in proportion to the string, whatever the filter says. */
import type { TextOperator } from './language.ts'

/** What a test of long strings uses, so that it can be interrupted. */
export type Tools = {
  /** Finds a text in a value, from an index on. -1 if it isn't there. */
  readonly search: (value: string, text: string, from: number) => number
  /** Counts what else takes long, as characters to be searched. */
  readonly charge: (characters: number) => void
}

const AT_ONCE: Tools = { search: (value, text, from) => value.indexOf(text, from), charge() {} }

/** Whether a text fits a string. Default: it can't be interrupted. */
export type TextTest = (value: string, tools?: Tools) => boolean

/** Tests strings against the texts of one operator. One text has to fit. */
export type TextTests = {
  readonly tests: readonly TextTest[]
  readonly fits: (value: string) => boolean
  /** Whether a string is read as a whole, rather than compared with texts of a bounded length. */
  readonly readsAll: boolean
  /** Whether a test takes long with long strings. */
  readonly isSlow: boolean
}

/**
 * Maximum length of a text that is searched for within a string. The engine's own search is linear up to 250 characters;
 * with longer texts, some strings of 1 MiB took it four seconds.
 */
export const MAX_SEARCHED_CHARACTERS = 200

/** Compiles an operator's texts, each of which is not empty. */
export function createTextTests(operator: TextOperator, texts: readonly string[]): TextTests {
  const readsAll = operator === 'contains' || operator === 'wildcard'
  const tests = texts.map(testOf(operator))
  const [only] = tests
  const fits = tests.length === 1 && only !== undefined ? only : (value: string) => tests.some(test => test(value))
  return { tests, fits, readsAll, isSlow: readsAll || operator === 'equalsIgnoreCase' }
}

function testOf(operator: TextOperator): (text: string) => TextTest {
  switch (operator) {
    case 'prefix':
      return text => value => value.startsWith(text)
    case 'suffix':
      return text => value => value.endsWith(text)
    case 'contains':
      return text =>
        (value, { search } = AT_ONCE) =>
          search(value, text, 0) >= 0
    case 'equalsIgnoreCase':
      return createCaseless
    case 'wildcard':
      return createWildcard
  }
}

/** Compiles a pattern in which `*` stands for any number of characters, including none. */
export function createWildcard(pattern: string): TextTest {
  const parts = pattern.split('*')
  if (parts.length === 1) return value => value === pattern
  const first = parts[0]!
  const last = parts.at(-1)!
  const middle = parts.slice(1, -1).filter(part => part !== '')
  const shortest = parts.reduce((sum, part) => sum + part.length, 0)
  return (value, { search } = AT_ONCE) => {
    if (value.length < shortest || !value.startsWith(first) || !value.endsWith(last)) return false
    let at = first.length
    // Match each part as early as possible: no later place leaves more room for the parts after it.
    for (const part of middle) {
      const found = search(value, part, at)
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
/** Compiling a character's variants takes as long as searching as many: 2 µs. */
const CHARACTERS_A_VARIANT = 256

/**
 * Compares without regard to case, by Unicode's simple case folding (CaseFolding.txt, statuses C and S): that is how
 * regular expressions with the flags `i` and `u` compare (ECMA-262, Canonicalize). A character folds to one character of
 * as many UTF-16 units, so `ẞ` equals `ß` but not `ss`, and strings of different lengths never match.
 */
function createCaseless(text: string): TextTest {
  const parts: { readonly from: number; readonly to: number; readonly part: readonly string[]; pattern?: RegExp }[] = []
  const characters = Array.from(text)
  let from = 0
  for (let at = 0; at < characters.length; at += CHARACTERS_A_PATTERN) {
    const part = characters.slice(at, at + CHARACTERS_A_PATTERN)
    const to = from + part.join('').length
    parts.push({ from, to, part })
    from = to
  }
  const patternOf = (each: (typeof parts)[number], { charge }: Tools): RegExp => {
    if (each.pattern !== undefined) return each.pattern
    charge(each.part.length * CHARACTERS_A_VARIANT)
    const escaped = each.part.map(character => `\\u{${character.codePointAt(0)!.toString(16)}}`).join('')
    each.pattern = new RegExp(`^${escaped}$`, 'iu')
    return each.pattern
  }
  return (value, tools = AT_ONCE) =>
    value.length === text.length && parts.every(each => patternOf(each, tools).test(value.slice(each.from, each.to)))
}
