/** A text without escapes, and where in the text each of its characters begins. */
export type Unescaped = {
  readonly text: string
  /** The last entry is the end of the original. Undefined if nothing was escaped. Valid until the next call. */
  readonly starts: Uint32Array | undefined
}

/** Longer texts, such as large secrets, get arrays of their own. */
const KEPT_LENGTH = 32_768
// Kept, since a response's 200 KB for each attempt would be garbage that only a full collection frees.
const keptCodes = Buffer.alloc(KEPT_LENGTH)
const keptStarts = new Uint32Array(KEPT_LENGTH + 1)

/**
 * Undoes the escapes of JSON, HTML and URLs in the first `end` characters: `%2B`, `\u002B`, `\x2B`, `&#x2B;`, `&#43;`,
 * `\/`, `&lt;`.
 * @param wide the character to put for one beyond U+00FF
 */
export function withoutEscapes(text: string, end: number, wide: number): Unescaped {
  const isAll = end === text.length
  if (!text.includes('\\') && !text.includes('%') && !text.includes('&')) {
    return { text: isAll ? text : text.slice(0, end), starts: undefined }
  }
  const isShort = end <= KEPT_LENGTH
  const codes = isShort ? keptCodes : Buffer.alloc(end)
  const starts = isShort ? keptStarts : new Uint32Array(end + 1)
  let length = 0
  for (let at = 0; at < end; length++) {
    let code = text.charCodeAt(at)
    starts[length] = at
    let taken = 1
    // Only these three characters begin an escape.
    if (code === PERCENT || code === BACKSLASH || code === AMPERSAND) {
      const undone =
        code === PERCENT ? percentAt(text, at) : code === BACKSLASH ? backslashAt(text, at) : entityAt(text, at)
      if (undone !== 0) {
        code = undone & CODE_MASK
        taken = undone >> LENGTH_SHIFT
      }
    }
    codes[length] = code > 0xff ? wide : code
    at += taken
  }
  starts[length] = end
  return { text: codes.toString('latin1', 0, length), starts }
}

const codeOf = (character: string): number => character.charCodeAt(0)
const PERCENT = codeOf('%')
const BACKSLASH = codeOf('\\')
const AMPERSAND = codeOf('&')
const SEMICOLON = codeOf(';')
const HASH = codeOf('#')
const TAB = codeOf('\t')
const [U, X, T] = [codeOf('u'), codeOf('x'), codeOf('t')]
/** A letter's bit that is set in lower case. */
const LOWER = 0x20
const [ZERO, NINE, A] = [codeOf('0'), codeOf('9'), codeOf('a')]

/** An escape is one number: its code, and its length from this bit on. Zero: none. */
const LENGTH_SHIFT = 16
const CODE_MASK = 0xffff
const escapeOf = (code: number, length: number): number => (length << LENGTH_SHIFT) | code

/** Returns −1 if it is not a hexadecimal digit. `code` can be NaN, past the end. */
function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO
  const lower = code | LOWER
  return lower >= A && lower < A + 6 ? lower - A + 10 : -1
}

/** The value of two hexadecimal digits. Negative if they are not. */
function hexPairAt(text: string, at: number): number {
  const [high, low] = [hexDigit(text.charCodeAt(at)), hexDigit(text.charCodeAt(at + 1))]
  return high < 0 || low < 0 ? -1 : (high << 4) | low
}

function percentAt(text: string, at: number): number {
  const code = hexPairAt(text, at + 1)
  return code < 0 ? 0 : escapeOf(code, 3)
}

function backslashAt(text: string, at: number): number {
  if (at + 1 >= text.length) return 0
  const literal = text.charCodeAt(at + 1)
  const lower = literal | LOWER
  if (lower === U) {
    const code = text.charCodeAt(at + 2) === ZERO && text.charCodeAt(at + 3) === ZERO ? hexPairAt(text, at + 4) : -1
    return code < 0 ? 0 : escapeOf(code, 6)
  }
  if (lower === X) {
    const code = hexPairAt(text, at + 2)
    return code < 0 ? 0 : escapeOf(code, 4)
  }
  return escapeOf(literal === T ? TAB : literal, 2)
}

function entityAt(text: string, at: number): number {
  const first = text.charCodeAt(at + 1)
  if (first === HASH) {
    const isHex = (text.charCodeAt(at + 2) | LOWER) === X
    return isHex ? numberAt(text, at, at + 3, 16, 2) : numberAt(text, at, at + 2, 10, 3)
  }
  if (!ENTITY_BEGINS.has(first | LOWER)) return 0
  ENTITY.lastIndex = at + 1
  const name = ENTITY.exec(text)?.[1]
  return name === undefined ? 0 : escapeOf(codeOf(ENTITIES[name.toLowerCase()]!), name.length + 2)
}

const ENTITY = /(amp|lt|gt|quot|apos);/iy
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
/** Asked before the expression, which takes longer than all the rest. */
const ENTITY_BEGINS = new Set(['a', 'l', 'g', 'q'].map(codeOf))

/** How many zeros more a number can begin with. */
const MORE_ZEROS = 4

/** An entity with a number that has up to that many digits after its zeros. */
function numberAt(text: string, begin: number, from: number, base: 10 | 16, maxDigits: number): number {
  let value = 0
  let at = from
  for (; at < from + MORE_ZEROS + maxDigits; at++) {
    const digit = hexDigit(text.charCodeAt(at))
    if (digit < 0 || digit >= base) break
    value = value * base + digit
  }
  if (at === from || text.charCodeAt(at) !== SEMICOLON || value >= base ** maxDigits) return 0
  return escapeOf(value, at + 1 - begin)
}
