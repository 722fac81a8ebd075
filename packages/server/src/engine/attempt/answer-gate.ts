import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'

/** Maximum number of bytes before the head of the final response has been read. */
const MAX_BYTES_BEFORE_STATUS = 65_536
const MAX_INTERIM_ANSWERS = 16
/** Length of `HTTP/1.1 200`. */
const STATUS_END = 12
const START = Buffer.from('HTTP/1.')
const DIGIT_0 = 48
const HEAD_END = Buffer.from('\r\n\r\n')

export type AnswerFault = 'POSTHORN_ANSWER_MALFORMED' | 'POSTHORN_ANSWER_TOO_LARGE'

/** Refuses a response; `code` says why. */
class BadAnswer extends Error {
  readonly code: AnswerFault

  constructor(code: AnswerFault) {
    super('The response was refused before its status')
    this.code = code
  }
}

/**
 * Sits between a socket and undici's parser, for what the parser gets wrong or leaves unbounded before the status:
 * - A limited number of interim responses (1xx) is dropped here. undici closes the connection on `100 Continue`, which
 *   a client must be able to read even if it did not ask for it (RFC 9110 §15.2), and accepts others without a limit: a
 *   receiver that flooded them, or sent an endless reason phrase, kept the whole node busy.
 * - Data that doesn't begin like a response is refused as malformed, instead of as a lost connection.
 * - Data without a request ends the connection. It can't be a response, and must not become one to the next request.
 */
export class AnswerGate {
  /** A request was sent, and its response has not ended yet. */
  #isInUse = false
  /** A response was read from the current socket. */
  #hasAnswered = false
  /** A request was sent, and the status of its response has not been read yet. */
  #isWaiting = false
  /** The data so far is the beginning of a response that might still turn out to be an interim one. */
  #isAtStart = false
  #held: Buffer | undefined
  #bytes = 0
  #interimAnswers = 0

  attach(socket: Socket): void {
    this.#hasAnswered = false
    const read = socket.read.bind(socket)
    socket.read = (size?: number) => {
      const chunk = read(size) as Buffer | null
      if (chunk === null) return null
      if (!this.#isInUse) return this.#refuse(socket)
      if (!this.#isWaiting) return chunk
      const passed = this.#pass(chunk)
      if (!(passed instanceof BadAnswer)) return passed
      this.#isWaiting = false
      // Deferred, because the socket must not be destroyed from within the parser's own call.
      queueMicrotask(() => socket.destroy(passed))
      return null
    }
  }

  /** A request is about to be written. */
  begin(): void {
    this.#isInUse = true
    this.#isWaiting = true
    this.#isAtStart = true
    this.#held = undefined
    this.#bytes = 0
    this.#interimAnswers = 0
  }

  /** The status was read. */
  open(): void {
    this.#isWaiting = false
    this.#hasAnswered = true
  }

  /** The response has ended. */
  close(): void {
    this.#isInUse = false
    this.#isWaiting = false
  }

  /**
   * Without an error, undici sends a request that has not been written yet on a new connection. A receiver that speaks
   * first there too would keep it connecting for ever, so on a new connection the request fails.
   */
  #refuse(socket: Socket): null {
    if (this.#hasAnswered) socket.destroy()
    else socket.destroy(new BadAnswer('POSTHORN_ANSWER_MALFORMED'))
    return null
  }

  #pass(chunk: Buffer): Buffer | null | BadAnswer {
    this.#bytes += chunk.length
    if (this.#bytes > MAX_BYTES_BEFORE_STATUS) return new BadAnswer('POSTHORN_ANSWER_TOO_LARGE')
    if (!this.#isAtStart) return chunk
    let rest = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = undefined
    while (rest.length >= STATUS_END) {
      const hundreds = hundredsOf(rest)
      if (hundreds === undefined) return new BadAnswer('POSTHORN_ANSWER_MALFORMED')
      if (hundreds > 1) {
        this.#isAtStart = false
        return rest
      }
      const end = rest.indexOf(HEAD_END)
      if (end < 0) break
      if (++this.#interimAnswers > MAX_INTERIM_ANSWERS) return new BadAnswer('POSTHORN_ANSWER_TOO_LARGE')
      rest = rest.subarray(end + HEAD_END.length)
    }
    if (rest.length > 0) this.#held = rest
    return null
  }
}

/** Returns the first digit of the status; undefined if it isn't a response, or one that switches protocols (101). */
function hundredsOf(answer: Buffer): number | undefined {
  if (START.compare(answer, 0, START.length) !== 0) return undefined
  const [hundreds, tens, ones] = [answer[9]! - DIGIT_0, answer[10]! - DIGIT_0, answer[11]! - DIGIT_0]
  const isStatus = [hundreds, tens, ones].every(digit => digit >= 0 && digit <= 9)
  if (!isStatus || hundreds === 0 || (hundreds === 1 && tens === 0 && ones === 1)) return undefined
  return hundreds
}
