import type { ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { ApiKey } from '../../base/model.ts'

/** Calls at once, pipelined ones included: there is no use in more of them waiting than the store lets wait. */
const MAX_CALLS = 10_000
/** Answers to reads that are being made or sent. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024
/** About what an answer can come to, unless its route says that it is more. */
const ANSWER_BYTES = 1024 * 1024

export type Limits = {
  /** Of one body. */
  readonly maxBodyBytes: number
  /** Of all bodies that are being read or worked on. */
  readonly bodyMemoryBytes: number
}

/** One call that is under way. */
export type Call = { caller: string; bodyBytes: number; answerBytes: number }

/** Bytes that are set aside, and for whom. */
class Pot {
  readonly #bytes: number
  readonly #byCaller = new Map<string, number>()
  #taken = 0

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** False if there is no room. A caller that has nothing yet may take all that is left; in an empty pot, anything. */
  take(caller: string, bytes: number): boolean {
    if (bytes === 0) return true
    const own = this.#byCaller.get(caller) ?? 0
    const others = this.#taken - own
    const hasRoom = own === 0 ? others + bytes <= this.#bytes : (own + bytes) * 2 + others <= this.#bytes
    if (!hasRoom && this.#taken > 0) return false
    this.#byCaller.set(caller, own + bytes)
    this.#taken += bytes
    return true
  }

  giveBack(caller: string, bytes: number): void {
    if (bytes === 0) return
    this.#taken -= bytes
    const own = this.#byCaller.get(caller)! - bytes
    if (own > 0) this.#byCaller.set(caller, own)
    else this.#byCaller.delete(caller)
  }
}

/** All keys of one tenant are one caller: their holder is. */
function callerOf(key: ApiKey | null): string {
  return key === null ? 'root' : key.tenant === null ? key.id : `tenant ${key.tenant}`
}

/**
 * What is under way, so that a stop can wait for it and an overload is refused before it costs memory. Bodies are
 * counted by what they announce, before they are read; answers by the most that they can come to. One caller has at most
 * half of the room that the others leave: whoever holds calls open, others are still served.
 */
export class Load {
  readonly #limits: Limits
  readonly #bodies: Pot
  readonly #answers = new Pot(MAX_ANSWER_BYTES)
  #calls = 0
  #waiting: (() => void)[] = []

  constructor(limits: Limits) {
    this.#limits = limits
    this.#bodies = new Pot(limits.bodyMemoryBytes)
  }

  /** Counts a call until its answer is out. */
  begin(answer: ServerResponse): Call {
    const call = { caller: '', bodyBytes: 0, answerBytes: 0 }
    this.#calls++
    answer.once('close', () => {
      this.#calls--
      this.#bodies.giveBack(call.caller, call.bodyBytes)
      this.#answers.giveBack(call.caller, call.answerBytes)
      if (this.#calls === 0) for (const resolve of this.#waiting.splice(0)) resolve()
    })
    return call
  }

  /** Sets aside what the call needs. False if there is no room for it. */
  admit(call: Call, request: FastifyRequest): boolean {
    if (this.#calls > MAX_CALLS) return false
    call.caller = callerOf(request.caller?.key ?? null)
    const bodyBytes = this.#announced(request)
    if (!this.#bodies.take(call.caller, bodyBytes)) return false
    call.bodyBytes = bodyBytes
    const answerBytes = answerBytesOf(request)
    if (!this.#answers.take(call.caller, answerBytes)) return false
    call.answerBytes = answerBytes
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
  return routeOptions.config.answerBytes ?? ANSWER_BYTES
}
