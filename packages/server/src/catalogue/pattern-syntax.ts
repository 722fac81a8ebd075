/** Reads regular expressions (with the flag `u`) as far as it takes to judge how long matching can take. */

/** Ranges of code points, first and last. */
export type CharSet = readonly (readonly [number, number])[]

export type PatternNode =
  /** One character of the set. */
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  /** `most` can be infinite. */
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly least: number; readonly most: number }
  /** `^`, or something else that matches no character. */
  | { readonly kind: 'edge'; readonly isStart: boolean }

const MAX_CODE_POINT = 0x10_ffff
const ANY: CharSet = [[0, MAX_CODE_POINT]]
const DIGITS: CharSet = [[0x30, 0x39]]
const WORD: CharSet = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
const SPACE: CharSet = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
const LINE_ENDS: CharSet = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]
const CONTROLS: Readonly<Record<string, number>> = { t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d, '0': 0x00 }
/** Nesting of groups: more is not read. */
const MAX_DEPTH = 32

/** What is not read: look-around, back-references, flags, and what is no regular expression at all. */
class Unread extends Error {}

/** Undefined if the pattern has something that this doesn't read. */
export function readPattern(pattern: string): PatternNode | undefined {
  try {
    const reader = new Reader(Array.from(pattern))
    return reader.whole()
  } catch (error) {
    if (error instanceof Unread) return undefined
    throw error
  }
}

/** All characters that are not in the set. */
export function complement(set: CharSet): CharSet {
  const sorted = [...set].sort(([a], [b]) => a - b)
  const rest: [number, number][] = []
  let next = 0
  for (const [from, to] of sorted) {
    if (from > next) rest.push([next, from - 1])
    next = Math.max(next, to + 1)
  }
  if (next <= MAX_CODE_POINT) rest.push([next, MAX_CODE_POINT])
  return rest
}

export const overlap = (a: CharSet, b: CharSet): boolean =>
  a.some(([from, to]) => b.some(([start, end]) => from <= end && start <= to))

class Reader {
  readonly #text: readonly string[]
  #at = 0
  #depth = 0

  constructor(text: readonly string[]) {
    this.#text = text
  }

  whole(): PatternNode {
    const node = this.#choice()
    if (this.#at < this.#text.length) throw new Unread()
    return node
  }

  #peek(): string | undefined {
    return this.#text[this.#at]
  }

  #take(): string {
    const character = this.#text[this.#at++]
    if (character === undefined) throw new Unread()
    return character
  }

  #skips(text: string): boolean {
    if (this.#text.slice(this.#at, this.#at + text.length).join('') !== text) return false
    this.#at += text.length
    return true
  }

  #choice(): PatternNode {
    if (++this.#depth > MAX_DEPTH) throw new Unread()
    const options = [this.#sequence()]
    while (this.#skips('|')) options.push(this.#sequence())
    this.#depth--
    return options.length === 1 ? options[0]! : { kind: 'choice', options }
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = []
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      parts.push(this.#repeated(this.#atom()))
    }
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts }
  }

  #repeated(part: PatternNode): PatternNode {
    const [least, most] = this.#quantifier()
    if (least === 1 && most === 1) return part
    if (part.kind === 'edge') throw new Unread()
    // Lazy or not: the same ways are tried, in another order.
    this.#skips('?')
    return { kind: 'repeat', part, least, most }
  }

  #quantifier(): readonly [number, number] {
    if (this.#skips('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.#skips('+')) return [1, Number.POSITIVE_INFINITY]
    if (this.#skips('?')) return [0, 1]
    if (!this.#skips('{')) return [1, 1]
    const least = this.#digits()
    const most = this.#skips(',') ? (this.#peek() === '}' ? Number.POSITIVE_INFINITY : this.#digits()) : least
    if (!this.#skips('}')) throw new Unread()
    // `x{1}` is x, and `x{1}?` has a mark to skip.
    if (least === 1 && most === 1) this.#skips('?')
    return [least, most]
  }

  #digits(): number {
    let text = ''
    while (/^\d$/.test(this.#peek() ?? '')) text += this.#take()
    if (text === '') throw new Unread()
    return Number(text)
  }

  #atom(): PatternNode {
    const character = this.#take()
    switch (character) {
      case '^':
        return { kind: 'edge', isStart: true }
      case '$':
        return { kind: 'edge', isStart: false }
      case '.':
        return { kind: 'set', set: complement(LINE_ENDS) }
      case '(':
        return this.#group()
      case '[':
        return { kind: 'set', set: this.#class() }
      case '\\':
        if (this.#skips('b') || this.#skips('B')) return { kind: 'edge', isStart: false }
        return { kind: 'set', set: this.#escape() }
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        throw new Unread()
      default:
        return { kind: 'set', set: single(character) }
    }
  }

  #group(): PatternNode {
    if (this.#skips('?')) {
      if (this.#skips('<')) {
        if (this.#peek() === '=' || this.#peek() === '!') throw new Unread()
        while (this.#take() !== '>') {}
      } else if (!this.#skips(':')) throw new Unread()
    }
    const node = this.#choice()
    if (!this.#skips(')')) throw new Unread()
    return node
  }

  #class(): CharSet {
    const isNegated = this.#skips('^')
    const ranges: (readonly [number, number])[] = []
    let isExact = true
    while (!this.#skips(']')) {
      const { set, isKnown } = this.#classPart()
      isExact &&= isKnown
      const [first] = set
      if (this.#peek() === '-' && this.#text[this.#at + 1] !== ']') {
        this.#at++
        const [last] = this.#classPart().set
        if (first === undefined || last === undefined) throw new Unread()
        ranges.push([first[0], last[1]])
      } else ranges.push(...set)
    }
    if (!isNegated) return ranges
    // The complement of more than the set would be less than its complement.
    return isExact ? complement(ranges) : ANY
  }

  /** `isKnown`: exactly these characters, not at least these. */
  #classPart(): { readonly set: CharSet; readonly isKnown: boolean } {
    const character = this.#take()
    if (character !== '\\') return { set: single(character), isKnown: true }
    if (this.#skips('b')) return { set: single('\b'), isKnown: true }
    if (this.#skips('-')) return { set: single('-'), isKnown: true }
    const isProperty = this.#peek() === 'p' || this.#peek() === 'P'
    return { set: this.#escape(), isKnown: !isProperty }
  }

  /** After its backslash. At least the characters that it matches. */
  #escape(): CharSet {
    const character = this.#take()
    switch (character) {
      case 'd':
        return DIGITS
      case 'D':
        return complement(DIGITS)
      case 'w':
        return WORD
      case 'W':
        return complement(WORD)
      case 's':
        return SPACE
      case 'S':
        return complement(SPACE)
      case 'p':
      case 'P':
        if (!this.#skips('{')) throw new Unread()
        while (this.#take() !== '}') {}
        return ANY
      case 'x':
        return this.#hex(2)
      case 'u':
        return this.#unicode()
      case 'c':
        return single(String.fromCharCode(this.#take().charCodeAt(0) % 32))
      default: {
        const control = CONTROLS[character]
        if (control !== undefined) return [[control, control]]
        if (/^[\^$\\.*+?()[\]{}|/]$/.test(character)) return single(character)
        throw new Unread()
      }
    }
  }

  #unicode(): CharSet {
    if (!this.#skips('{')) {
      const [[unit]] = this.#hex(4) as [[number, number]]
      // Half of a character: the two halves are one character if both are written this way.
      return unit >= 0xd800 && unit <= 0xdfff ? ANY : [[unit, unit]]
    }
    let text = ''
    for (let next = this.#take(); next !== '}'; next = this.#take()) text += next
    return codePoint(text)
  }

  #hex(length: number): CharSet {
    let text = ''
    while (text.length < length) text += this.#take()
    return codePoint(text)
  }
}

function codePoint(hex: string): CharSet {
  if (!/^[0-9a-fA-F]+$/.test(hex)) throw new Unread()
  const value = Number.parseInt(hex, 16)
  return [[value, value]]
}

function single(character: string): CharSet {
  const code = character.codePointAt(0)!
  return [[code, code]]
}
