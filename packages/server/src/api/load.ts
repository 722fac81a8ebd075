/**
 * What is under way, so that a stop can wait for it and an overload is refused before it costs memory. Bodies are
 * counted by what they announce, before they are read; answers by the most that they can come to.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'

/** Calls at once, pipelined ones included: there is no use in more of them waiting than the store lets wait. */
const MAX_CALLS = 10_000
/** Answers to reads that are being made or sent. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024
/** What a page of events can come to, and about what any other answer can. */
const EVENTS_ANSWER_BYTES = 8 * 1024 * 1024
const PAGES_OF_EVENTS: ReadonlySet<string> = new Set(['listEvents', 'listRejectedEvents'])
const ANSWER_BYTES = 1024 * 1024

export type Limits = {
  /** Of one body. */
  readonly maxBodyBytes: number
  /** Of all bodies that are being read or worked on. */
  readonly bodyMemoryBytes: number
}

/** One call that is under way. */
export type Call = { bodyBytes: number; answerBytes: number }

export class Load {
  readonly #limits: Limits
  #calls = 0
  #bodyBytes = 0
  #answerBytes = 0
  #waiting: (() => void)[] = []

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Counts a call until its answer is out. */
  begin(answer: ServerResponse): Call {
    const call = { bodyBytes: 0, answerBytes: 0 }
    this.#calls++
    answer.once('close', () => {
      this.#calls--
      this.#bodyBytes -= call.bodyBytes
      this.#answerBytes -= call.answerBytes
      if (this.#calls === 0) for (const resolve of this.#waiting.splice(0)) resolve()
    })
    return call
  }

  /** Sets aside what the call needs. False if there is no room; a call that is alone always has it. */
  admit(call: Call, request: FastifyRequest): boolean {
    if (this.#calls > MAX_CALLS) return false
    const bodyBytes = this.#announced(request)
    const answerBytes = answerBytesOf(request)
    const { bodyMemoryBytes } = this.#limits
    if (bodyBytes > 0 && this.#bodyBytes > 0 && this.#bodyBytes + bodyBytes > bodyMemoryBytes) return false
    if (this.#answerBytes + answerBytes > MAX_ANSWER_BYTES) return false
    call.bodyBytes = bodyBytes
    call.answerBytes = answerBytes
    this.#bodyBytes += bodyBytes
    this.#answerBytes += answerBytes
    return true
  }

  async untilNone(): Promise<void> {
    if (this.#calls > 0) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  /** A body in chunks can come to the most that one may; one that is larger is refused unread. */
  #announced({ headers }: FastifyRequest): number {
    const { maxBodyBytes } = this.#limits
    if (headers['transfer-encoding'] !== undefined) return maxBodyBytes
    const length = Number(headers['content-length'] ?? 0)
    return length > maxBodyBytes ? 0 : length
  }
}

function answerBytesOf({ method, routeOptions }: FastifyRequest): number {
  if (method !== 'GET') return 0
  return PAGES_OF_EVENTS.has(routeOptions.schema?.operationId ?? '') ? EVENTS_ANSWER_BYTES : ANSWER_BYTES
}
