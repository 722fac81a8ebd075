const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9
const SEMICOLON = 59
/** Maximum number of bytes that are not content: sizes, extensions, line ends, trailers. */
const MAX_OVERHEAD_BYTES = 65_536
/** Beyond 2^48 a chunk has no end that anyone would wait for. */
const MAX_SIZE_DIGITS = 12

type State = 'before_size' | 'size' | 'extension' | 'data' | 'after_data' | 'trailer' | 'complete' | 'broken'

/**
 * The chunked transfer coding (RFC 9112 §7.1), byte by byte where it is not content. Line ends can be LF alone,
 * extensions are passed over, trailers are dropped.
 */
export class Chunks {
  #state: State = 'before_size'
  #size = 0
  #digits = 0
  #hasDigit = false
  #overhead = 0
  /** A trailer line has begun. */
  #isInLine = false

  get isComplete(): boolean {
    return this.#state === 'complete'
  }

  /** Where the next chunk begins can't be known. */
  get isBroken(): boolean {
    return this.#state === 'broken'
  }

  /**
   * Reads until the bytes or the body end, and returns where that is.
   * @param onData called with each piece of content; returning false ends the reading
   */
  read(bytes: Buffer, from: number, onData: (piece: Buffer) => boolean): number {
    let at = from
    while (at < bytes.length && this.#state !== 'complete' && this.#state !== 'broken') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#size)
        this.#size -= end - at
        if (this.#size === 0) this.#state = 'after_data'
        const piece = bytes.subarray(at, end)
        at = end
        if (!onData(piece)) return at
      } else {
        if (++this.#overhead > MAX_OVERHEAD_BYTES) this.#state = 'broken'
        else this.#take(bytes[at++]!)
      }
    }
    return at
  }

  #take(byte: number): void {
    switch (this.#state) {
      case 'before_size':
        if (byte === SPACE || byte === TAB) return
        this.#state = 'size'
        this.#size = 0
        this.#digits = 0
        this.#hasDigit = false
        this.#takeSize(byte)
        return
      case 'size':
        this.#takeSize(byte)
        return
      case 'extension':
        if (byte === LF) this.#state = this.#size === 0 ? 'trailer' : 'data'
        return
      case 'after_data':
        if (byte === LF) this.#state = 'before_size'
        else if (byte !== CR) this.#state = 'broken'
        return
      case 'trailer':
        if (byte !== LF) {
          if (byte !== CR) this.#isInLine = true
        } else if (this.#isInLine) this.#isInLine = false
        else this.#state = 'complete'
    }
  }

  #takeSize(byte: number): void {
    const digit = hexDigitOf(byte)
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit
      this.#hasDigit = true
      // Zeros in front make a size longer, but not larger.
      if (this.#size > 0) this.#digits++
      if (this.#digits > MAX_SIZE_DIGITS) this.#state = 'broken'
      return
    }
    const isEnd = byte === LF || byte === CR || byte === SEMICOLON || byte === SPACE || byte === TAB
    if (!isEnd || !this.#hasDigit) {
      this.#state = 'broken'
      return
    }
    this.#state = 'extension'
    if (byte === LF) this.#take(byte)
  }
}

function hexDigitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
