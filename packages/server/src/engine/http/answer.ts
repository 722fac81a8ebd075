/**
 * Reads one response from the bytes of a connection (RFC 9112), without sockets or time. Everything before the body is
 * bounded: the head, the interim responses (1xx) before it, and the sum of both. Of a head that is larger than what is
 * kept, the beginning counts, with the status: the receiver has taken the request.
 */
import { Chunks } from './chunks.ts'
import { commonStart, Head, type HeadFault } from './head.ts'

export type AnswerFaultReason = HeadFault | 'head_too_large' | 'too_many_interim'

/** Why there is no status. */
export type AnswerFault = {
  readonly reason: AnswerFaultReason
  /** Which byte of everything received since the request shows it, from 0. */
  readonly at: number
}

/** Receives a response as it is read. Both functions return false to end the reading. */
export type AnswerSink = {
  onHead(head: Head): boolean
  /** @param piece is only valid during the call */
  onBody(piece: Buffer): boolean
}

/**
 * - `head`: the status is still to come
 * - `body`: the status was read, and the body goes on
 * - `complete`: the response has ended
 * - `broken`: the end of the body can't be found; its status stands
 * - `refused`: there is no status, and will be none (`fault`)
 */
export type AnswerState = 'head' | 'body' | 'complete' | 'broken' | 'refused'

/** How much of a head is kept. An interim response has no more. */
const MAX_HEAD_BYTES = 16_384
/** How large the head of the final response can be, as in browsers; curl takes a little more. */
const MAX_SKIPPED_HEAD_BYTES = 262_144
const MAX_INTERIM_ANSWERS = 16
const MAX_BYTES_BEFORE_STATUS = 65_536
/** Length of `HTTP/`. */
const START_LENGTH = 5
const HEAD_END = Buffer.from('\r\n\r\n')
const LF = 10
const CR = 13

export class Answer {
  state: AnswerState = 'head'
  fault: AnswerFault | undefined
  /** Bytes came after the end of the response. They are not looked at. */
  hasMore = false
  readonly #sink: AnswerSink
  readonly #isOfConnect: boolean
  #head = new Head()
  /** The beginning of a line whose end has not arrived. */
  #partial = ''
  #headBytes = 0
  /** The head is too large to be kept, so that only its end is sought. */
  #isSkipping = false
  /** What is skipped has begun a line. */
  #isInLine = false
  #bytesBefore = 0
  #interimAnswers = 0
  #bodyBytes = 0
  #chunks: Chunks | undefined

  /** @param isOfConnect of a CONNECT: a success has no body, whatever its head says (RFC 9110 §9.3.6). Default: false */
  constructor(sink: AnswerSink, isOfConnect = false) {
    this.#sink = sink
    this.#isOfConnect = isOfConnect
  }

  /** Whether the connection can be used for another request. */
  get isReusable(): boolean {
    return this.state === 'complete' && this.#head.isReusable && !this.hasMore
  }

  /** Length of what has arrived, while the state is `head`. */
  get headBytes(): number {
    return this.#bytesBefore + this.#headBytes + this.#partial.length
  }

  get keepAliveSeconds(): number | null {
    return this.#head.keepAliveSeconds
  }

  /** @param bytes is only valid during the call, and only what the sink gets of it is looked at again */
  read(bytes: Buffer): void {
    const at = this.state === 'head' ? this.#readHeads(bytes) : 0
    if (this.state === 'body') this.#readBody(bytes, at)
    else if (this.state === 'complete' && at < bytes.length) this.hasMore = true
  }

  /** The receiver ended the connection. */
  finish(): void {
    if (this.state !== 'body') return
    const { framing } = this.#head
    this.state = framing === 'close' ? 'complete' : 'broken'
  }

  /** Returns where the body begins, if the final head has been read. */
  #readHeads(bytes: Buffer): number {
    let at = 0
    while (this.state === 'head' && at < bytes.length) {
      at = this.#isSkipping ? this.#skipHead(bytes, at) : this.#readHead(bytes, at)
    }
    return at
  }

  #readHead(bytes: Buffer, from: number): number {
    // No more is turned into text than the head needs, since its strings keep that text in memory.
    const end = bytes.indexOf(HEAD_END, from)
    const room = MAX_HEAD_BYTES - this.#headBytes - this.#partial.length + 1
    const upTo = Math.min(bytes.length, from + room, end < 0 ? bytes.length : end + HEAD_END.length)
    const text = bytes.toString('latin1', from, upTo)
    let at = 0
    for (let lf = text.indexOf('\n'); lf >= 0; lf = text.indexOf('\n', at)) {
      const line = this.#partial === '' ? text.slice(at, lf) : this.#partial + text.slice(at, lf)
      this.#partial = ''
      at = lf + 1
      const isHeadOver = this.#readLine(line.endsWith('\r') ? line.slice(0, -1) : line)
      this.#headBytes += line.length + 1
      if (this.#isOverLimit()) return from + at
      if (isHeadOver) this.#endHead()
      if (isHeadOver || this.state !== 'head') return from + at
    }
    const isNew = this.#partial.length < START_LENGTH
    this.#partial += text.slice(at)
    if (!this.#isOverLimit() && isNew && this.#head.status === 0) this.#checkStart(this.#partial)
    return upTo
  }

  /** Refuses another protocol by its first bytes. It might have no lines, and would be waited for until the timeout. */
  #checkStart(partial: string): void {
    if (partial === '' || partial === '\r') return
    const start = commonStart(partial)
    if (start < Math.min(partial.length, START_LENGTH)) this.#refuse('not_http', start)
  }

  /** Returns whether it was the last line of a head. */
  #readLine(line: string): boolean {
    const head = this.#head
    if (head.status === 0) {
      if (line === '') {
        // Left over from a body that was longer than announced.
        head.isReusable = false
        return false
      }
      const fault = head.readStatusLine(line)
      if (fault !== null) this.#refuse(fault, head.faultAt)
      return false
    }
    if (line === '') return true
    const fault = head.readLine(line)
    if (fault !== null) this.#refuse(fault, head.faultAt)
    return false
  }

  #isOverLimit(): boolean {
    if (this.state === 'refused') return true
    const bytes = this.#headBytes + this.#partial.length
    if (bytes > MAX_HEAD_BYTES && this.#head.status >= 200 && !this.#isOfConnect) this.#beginSkipping()
    else if (bytes > MAX_HEAD_BYTES) this.#refuse('head_too_large', MAX_HEAD_BYTES - this.#headBytes)
    else if (this.#bytesBefore + bytes > MAX_BYTES_BEFORE_STATUS) this.#refuse('too_many_interim', 0)
    return (this.state as AnswerState) === 'refused'
  }

  /** The status counts, and the headers so far. */
  #beginSkipping(): void {
    this.#isSkipping = true
    this.#isInLine = this.#partial !== '' && this.#partial !== '\r'
    this.#headBytes += this.#partial.length
    this.#partial = ''
  }

  /** Seeks the empty line at the end of a head. Returns where it ends. */
  #skipHead(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (++this.#headBytes > MAX_SKIPPED_HEAD_BYTES) {
        this.#refuse('head_too_large', MAX_SKIPPED_HEAD_BYTES - this.#headBytes)
        return at
      }
      if (byte !== LF) this.#isInLine ||= byte !== CR
      else if (this.#isInLine) this.#isInLine = false
      else {
        this.#head.end()
        this.#sink.onHead(this.#head)
        // Where the body ends might have been in what was skipped.
        this.state = 'broken'
        return at + 1
      }
    }
    return bytes.length
  }

  #refuse(reason: AnswerFaultReason, at: number): void {
    this.state = 'refused'
    this.fault = { reason, at: this.#bytesBefore + this.#headBytes + at }
  }

  #endHead(): void {
    const head = this.#head
    if (head.status < 200) {
      this.#bytesBefore += this.#headBytes
      this.#headBytes = 0
      this.#head = new Head()
      if (++this.#interimAnswers > MAX_INTERIM_ANSWERS) this.#refuse('too_many_interim', 0)
      return
    }
    head.end()
    this.state = 'body'
    if (head.framing === 'chunked') this.#chunks = new Chunks()
    if (!this.#sink.onHead(head)) this.state = 'broken'
    else if (this.#isOfConnect && head.status < 300) this.state = 'complete'
    else if (head.framing === 'length' && head.length === 0) this.state = 'complete'
  }

  #readBody(bytes: Buffer, from: number): void {
    if (from >= bytes.length) return
    if (this.#chunks === undefined) this.#readPlain(bytes, from)
    else this.#readChunks(this.#chunks, bytes, from)
  }

  #readPlain(bytes: Buffer, from: number): void {
    const { framing, length } = this.#head
    const end = framing === 'close' ? bytes.length : Math.min(bytes.length, from + length - this.#bodyBytes)
    this.#bodyBytes += end - from
    if (!this.#sink.onBody(bytes.subarray(from, end))) this.state = 'broken'
    else if (framing === 'length' && this.#bodyBytes === length) {
      this.state = 'complete'
      this.hasMore = end < bytes.length
    }
  }

  #readChunks(chunks: Chunks, bytes: Buffer, from: number): void {
    let isStopped = false
    const end = chunks.read(bytes, from, piece => {
      isStopped = !this.#sink.onBody(piece)
      return !isStopped
    })
    if (isStopped || chunks.isBroken) this.state = 'broken'
    else if (chunks.isComplete) {
      this.state = 'complete'
      this.hasMore = end < bytes.length
    }
  }
}
