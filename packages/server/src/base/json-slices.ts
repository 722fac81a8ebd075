/**
 * Parses JSON a part at a time, for texts that `JSON.parse` takes tens of milliseconds for. It is several times slower
 * in all, but it can pause between any two values. The result is the same as that of `JSON.parse`.
 */
import { Buffer } from 'node:buffer'

/** What values take in memory besides their characters, in bytes, on the high side. */
const BYTES_A_CONTAINER = 64
const BYTES_A_VALUE = 16
const BYTES_A_STRING = 24
const BYTES_A_MEMBER = 32
/** The effort of a value besides its characters: a character's is 1. */
const STEPS_A_VALUE = 10

/** What comes next. */
type State = 'value' | 'first element' | 'first key' | 'key' | 'after value' | 'end'

/** An array or object that is being filled. */
type Level = { readonly value: unknown[] | Record<string, unknown>; key: string }

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const SPACE = /[ \t\n\r]*/y

export class SlicedParse {
  readonly #text: string
  #at = 0
  #state: State = 'value'
  readonly #levels: Level[] = []
  #root: unknown
  #bytes: number
  #stepsLeft = 0

  /** @param bytes UTF-8 */
  constructor(bytes: Uint8Array) {
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    // Parts of the text can keep all of it in memory.
    this.#bytes = this.#text.length
  }

  /** About how much memory the values take that have been parsed so far. */
  get bytes(): number {
    return this.#bytes
  }

  get isDone(): boolean {
    return this.#state === 'end'
  }

  /** The whole value, once it is done. */
  get value(): unknown {
    return this.#root
  }

  /**
   * Parses on. Returns whether it is done. Throws SyntaxError.
   *
   * @param steps about the number of characters to read; a string or number is read as a whole
   */
  continue(steps: number): boolean {
    this.#stepsLeft = steps
    while (this.#state !== 'end' && this.#stepsLeft > 0) {
      const before = this.#at
      this.#advance()
      this.#stepsLeft -= this.#at - before + STEPS_A_VALUE
    }
    return this.isDone
  }

  #advance(): void {
    this.#skipSpace()
    switch (this.#state) {
      case 'first element':
        this.#state = 'value'
        if (this.#skips(']')) this.#close()
        return
      case 'first key':
        this.#state = 'key'
        if (this.#skips('}')) this.#close()
        return
      case 'key':
        this.#readKey()
        return
      case 'value':
        this.#readValue()
        return
      default:
        this.#readAfterValue()
    }
  }

  #readKey(): void {
    if (this.#text[this.#at] !== '"') this.#fail()
    this.#levels.at(-1)!.key = this.#readString()
    this.#bytes += BYTES_A_MEMBER
    this.#skipSpace()
    if (!this.#skips(':')) this.#fail()
    this.#state = 'value'
  }

  #readValue(): void {
    switch (this.#text[this.#at]) {
      case '{':
        this.#open({}, 'first key')
        return
      case '[':
        this.#open([], 'first element')
        return
      case '"':
        this.#put(this.#readString())
        break
      case 't':
        this.#put(this.#readWord('true', true))
        break
      case 'f':
        this.#put(this.#readWord('false', false))
        break
      case 'n':
        this.#put(this.#readWord('null', null))
        break
      default:
        this.#put(this.#readNumber())
    }
    this.#state = 'after value'
  }

  #readAfterValue(): void {
    const level = this.#levels.at(-1)
    if (level === undefined) {
      if (this.#at < this.#text.length) this.#fail()
      this.#state = 'end'
      return
    }
    const isArray = Array.isArray(level.value)
    if (this.#skips(',')) this.#state = isArray ? 'value' : 'key'
    else if (this.#skips(isArray ? ']' : '}')) this.#close()
    else this.#fail()
  }

  #open(value: Level['value'], state: State): void {
    this.#at++
    this.#put(value)
    this.#bytes += BYTES_A_CONTAINER
    this.#levels.push({ value, key: '' })
    this.#state = state
  }

  #close(): void {
    this.#levels.pop()
    this.#state = 'after value'
  }

  #put(value: unknown): void {
    this.#bytes += BYTES_A_VALUE
    const level = this.#levels.at(-1)
    if (level === undefined) this.#root = value
    else if (Array.isArray(level.value)) level.value.push(value)
    else if (level.key !== '__proto__') level.value[level.key] = value
    // By assignment it would be the prototype.
    else Object.defineProperty(level.value, level.key, { value, writable: true, enumerable: true, configurable: true })
  }

  #readString(): string {
    const text = this.#text
    const start = this.#at
    let isEscaped = false
    let at = start + 1
    for (let code = text.charCodeAt(at); code !== 0x22; code = text.charCodeAt(at)) {
      // Past the end it is not a number.
      if (!(code >= 0x20)) this.#fail()
      if (code === 0x5c) {
        isEscaped = true
        at++
      }
      at++
    }
    this.#at = at + 1
    this.#bytes += BYTES_A_STRING + 2 * (at - start)
    return isEscaped ? (JSON.parse(text.slice(start, at + 1)) as string) : text.slice(start + 1, at)
  }

  #readNumber(): number {
    NUMBER.lastIndex = this.#at
    const found = NUMBER.exec(this.#text)
    if (found === null) return this.#fail()
    this.#at += found[0].length
    return Number(found[0])
  }

  #readWord<Value>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) this.#fail()
    this.#at += word.length
    return value
  }

  #skips(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skipSpace(): void {
    // Mostly there is none.
    if (!(this.#text.charCodeAt(this.#at) <= 0x20)) return
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
  }

  #fail(): never {
    throw new SyntaxError(`Not JSON at character ${this.#at}`)
  }
}
