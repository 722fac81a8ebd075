import type { ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { SharedBudget } from '../../base/shared-budget.ts'
import { partyOf } from './party.ts'

/** Calls with a valid key in progress. More would only wait, and the store lets no more wait than this. */
const MAX_CALLS = 10_000
/** Total size of the responses to reads that are being created or sent. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024
/** Assumed maximum size of a response, unless its route sets a larger one. */
const ANSWER_BYTES = 1024 * 1024

export type Limits = {
  /** Maximum size of one request body. */
  readonly maxBodyBytes: number
  /** Maximum total size of all request bodies being processed. */
  readonly bodyMemoryBytes: number
}

/** A call in progress. */
export type Call = { caller: string; places: number; bodyBytes: number; answerBytes: number }

/** A budget of bytes, and how much of it each caller has reserved. */
class Pot {
  readonly #bytes: number
  readonly #byCaller = new Map<string, number>()
  #taken = 0

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /**
   * Reserves bytes. False if there is no room. A caller without a reservation can take everything that is left; if
   * there are no reservations at all, it can exceed the budget.
   */
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

/**
 * Tracks the calls in progress, so that shutdown can wait for them and overload is refused before it costs memory. A
 * body counts with its announced size, before it is read; a response counts with its maximum size. One caller can have
 * at most half of the room that the others leave, so a caller that holds calls open can't block the rest.
 */
export class Load {
  readonly #limits: Limits
  readonly #bodies: Pot
  readonly #answers = new Pot(MAX_ANSWER_BYTES)
  /** Shared: a caller can have four times as many as are left. Without a key, a connection has one call (intake.ts). */
  readonly #places = new SharedBudget(MAX_CALLS)
  #calls = 0
  #waiting: (() => void)[] = []

  constructor(limits: Limits) {
    this.#limits = limits
    this.#bodies = new Pot(limits.bodyMemoryBytes)
  }

  /** Counts a call until its response has been sent. */
  begin(answer: ServerResponse): Call {
    const call = { caller: '', places: 0, bodyBytes: 0, answerBytes: 0 }
    this.#calls++
    answer.once('close', () => {
      this.#calls--
      this.#places.release(call.caller, call.places)
      this.#bodies.giveBack(call.caller, call.bodyBytes)
      this.#answers.giveBack(call.caller, call.answerBytes)
      if (this.#calls === 0) for (const resolve of this.#waiting.splice(0)) resolve()
    })
    return call
  }

  /** Reserves the memory that the call needs. False if there is no room for it. */
  admit(call: Call, request: FastifyRequest): boolean {
    call.caller = partyOf(request.caller?.key ?? null)
    if (!this.#places.tryReserve(call.caller, 1)) return false
    call.places = 1
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

  /** A chunked body counts as the largest one allowed. A body announced as larger counts as 0: it is refused unread. */
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
