/**
 * The head of a response (RFC 9112 §4, §5, §6.3), line by line. It accepts what curl and browsers accept: a status says
 * whether the receiver has the event, so a line that is merely odd must not make it unreadable. An odd head ends the
 * connection after its response, because someone else might find another end in it.
 */

/** Why a head can't be read. */
export type HeadFault =
  /** The first line doesn't begin with `HTTP/`. */
  | 'not_http'
  /** The first line has no version or status. */
  | 'status_line'
  /** A line contains a byte of zero, which no client accepts. */
  | 'null_byte'
  /** The receiver switches to another protocol (101), which was not asked for. */
  | 'protocol_switch'

/** How the end of the body is found. */
export type Framing = 'length' | 'chunked' | 'close'

const SPACE = 32
const TAB = 9
const ZERO = 48
const START = 'http/'
/** Version and status, however they are spaced. The reason phrase can be missing, and so can the space before it. */
const STATUS_LINE = /^http\/(\d)(?:\.(\d{1,3}))?[ \t]+(\d{3})(?:\D.*)?$/is
const NONE: readonly string[] = []
/** Beyond it, a length is not exact. */
const MAX_LENGTH = Number.MAX_SAFE_INTEGER

export class Head {
  /** 0 until the status line was read. */
  status = 0
  /** Names and values alternately, as received, but for folds (RFC 9112 §5.2). */
  headers: string[] = []
  framing: Framing = 'close'
  /** Length of the body, if that is how it is framed. */
  length = 0
  /** The first `Retry-After`. Null if there is none. */
  retryAfter: string | null = null
  /** How long the receiver keeps the connection idle (`Keep-Alive: timeout=…`), in seconds. Null if it doesn't say. */
  keepAliveSeconds: number | null = null
  /** Whether the connection can be used again once the body has been read. */
  isReusable = true
  /** Where in the last line a fault was found. */
  faultAt = 0

  #isOld = false
  #connection = ''
  #keepAlive = ''
  readonly #lengths: string[] = []
  readonly #encodings: string[] = []

  /** Something in the head can be read in more than one way. */
  #odd(): void {
    this.isReusable = false
  }

  /** Reads the first line, without its end. */
  readStatusLine(line: string): HeadFault | null {
    // Nearly all responses take this way.
    const isUsual = line.startsWith('HTTP/1.1 ') && (line.length === 12 || line.charCodeAt(12) === SPACE)
    const digits = isUsual ? line.slice(9, 12) : ''
    if (isUsual && isDigits(digits)) this.status = Number(digits)
    else {
      const found = STATUS_LINE.exec(line)
      if (found === null) return this.#refuseStatusLine(line)
      const [, major, minor, status] = found
      this.status = Number(status)
      this.#isOld = !(major === '1' && minor !== undefined && Number(minor) > 0)
    }
    if (line.includes('\0')) return this.#fault('null_byte', line.indexOf('\0'))
    if (line.includes('\r')) this.#odd()
    if (this.status === 101) return this.#fault('protocol_switch', 0)
    return this.status < 100 ? this.#fault('status_line', line.indexOf(' ') + 1) : null
  }

  #refuseStatusLine(line: string): HeadFault {
    const common = commonStart(line)
    if (common < START.length) return this.#fault('not_http', common)
    const space = line.search(/[ \t]/)
    return this.#fault('status_line', space < 0 ? START.length : space + 1)
  }

  #fault(fault: HeadFault, at: number): HeadFault {
    this.faultAt = at
    return fault
  }

  /** Reads a header line, without its end. */
  readLine(line: string): HeadFault | null {
    if (line.includes('\0')) return this.#fault('null_byte', line.indexOf('\0'))
    // RFC 9112 §2.2: a CR alone is read as a space.
    if (line.includes('\r')) {
      this.#odd()
      line = line.replaceAll('\r', ' ')
    }
    const first = line.charCodeAt(0)
    if (first === SPACE || first === TAB) return this.#fold(line)
    const colon = line.indexOf(':')
    if (colon < 1) {
      // Browsers pass over lines that aren't fields. What one of them was meant to say can't be known.
      this.#odd()
      return null
    }
    const name = trimEnd(line, 0, colon)
    if (name.length !== colon) this.#odd()
    this.headers.push(name, trim(line, colon + 1, line.length))
    return null
  }

  /** RFC 9112 §5.2: a line that begins with a space continues the one before, and the break is read as a space. */
  #fold(line: string): null {
    const { headers } = this
    if (headers.length === 0) {
      this.#odd()
      return null
    }
    const more = trim(line, 0, line.length)
    const last = headers.length - 1
    if (more !== '') headers[last] = headers[last] === '' ? more : `${headers[last]} ${more}`
    return null
  }

  /** All lines were read: finds out how the body ends. */
  end(): void {
    const { headers } = this
    for (let at = 0; at < headers.length; at += 2) this.#notice(headers[at]!, headers[at + 1]!)
    this.#frame()
    const isKept = this.#isOld ? hasToken(this.#connection, 'keep-alive') : !hasToken(this.#connection, 'close')
    if (!isKept || this.framing === 'close') this.isReusable = false
    const timeout = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})/i.exec(this.#keepAlive)?.[1]
    if (timeout !== undefined) this.keepAliveSeconds = Number(timeout)
  }

  #notice(name: string, value: string): void {
    // Compared by length first, because this runs for each header of each response.
    switch (name.length) {
      case 10: {
        const lower = name.toLowerCase()
        if (lower === 'connection') this.#connection += `,${value}`
        else if (lower === 'keep-alive') this.#keepAlive += `,${value}`
        return
      }
      case 11:
        if (this.retryAfter === null && name.toLowerCase() === 'retry-after') this.retryAfter = value
        return
      case 14:
        if (name.toLowerCase() === 'content-length') this.#lengths.push(value)
        return
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') this.#encodings.push(value)
    }
  }

  /** RFC 9112 §6.3, for a response to POST. */
  #frame(): void {
    const encodings = this.#encodings.length === 0 ? NONE : itemsOf(this.#encodings).filter(item => item !== 'identity')
    const length = this.#lengths.length === 0 ? null : lengthOf(this.#lengths)
    if (this.status === 204 || this.status === 304) {
      this.framing = 'length'
      // A body that is announced but can't be might follow later, as if it were the response to the next request.
      const isEmpty = length === null || length === 0 || this.status === 304
      if (!isEmpty || encodings.length > 0) this.#odd()
      return
    }
    if (encodings.length > 0) {
      this.framing = encodings.at(-1) === 'chunked' ? 'chunked' : 'close'
      if (length !== null || this.#isOld || encodings.length > 1) this.#odd()
      return
    }
    if (length === null || length === undefined) return
    this.framing = 'length'
    this.length = length
  }
}

/**
 * The length that all `Content-Length` headers agree on; RFC 9110 §8.6 allows repetitions. Undefined if there is none
 * that can be relied on: the body then ends with the connection, or when enough of it was read.
 */
function lengthOf(values: readonly string[]): number | undefined {
  const [first, ...others] = itemsOf(values)
  if (first === undefined || !/^\d+$/.test(first) || others.some(other => other !== first)) return undefined
  return Math.min(Number(first), MAX_LENGTH)
}

/** The elements of lists in headers, in lower case and without parameters. */
const itemsOf = (values: readonly string[]): string[] =>
  values.flatMap(value => value.split(',').map(item => item.split(';', 1)[0]!.trim().toLowerCase()))

const hasToken = (list: string, token: string): boolean =>
  list !== '' && list.split(',').some(item => item.trim().toLowerCase() === token)

/** How many characters of the line are those that a response begins with. */
export function commonStart(line: string): number {
  let at = 0
  while (at < START.length && at < line.length && line.charAt(at).toLowerCase() === START[at]) at++
  return at
}

function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO
    if (digit < 0 || digit > 9) return false
  }
  return true
}

function trim(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++
  return trimEnd(text, from, to)
}

function trimEnd(text: string, from: number, to: number): string {
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB
