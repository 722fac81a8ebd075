import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { networkOf } from './client-address.ts'

/** Failures of an address within a window that are answered at once: a slip, or a deployment with an old key. */
const FREE_FAILURES = 10
const WINDOW_MS = 60_000
/** Doubles with each failure, up to the longest. */
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5_000
/** Addresses that are remembered; the one that failed longest ago goes first. */
const MAX_ADDRESSES = 10_000
/** Answers that wait at once, of one address and of all: waiting must not fill the memory. */
const MAX_WAITING_OF_ADDRESS = 100
const MAX_WAITING = 2_000
const LOG_PAUSE_MS = 1_000

type Failures = { readonly sinceMs: number; readonly count: number }
type Waiting = { readonly network: string; readonly timer: Timer }

/**
 * Makes guessing keys slow: after some failures from one address within a minute, further ones are answered late, and
 * when many wait already, not at all: their connection is closed. A right key is never delayed, so nobody can lock others
 * out by failing in their name.
 */
export class FailedAuthentications {
  readonly #clock: Clock
  readonly #logger: Logger
  /** In order of the latest failure. */
  readonly #byNetwork = new Map<string, Failures>()
  readonly #waiting = new Map<() => void, Waiting>()
  readonly #waitingOf = new Map<string, number>()
  #total = 0
  #unlogged = 0
  #loggedAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Since the start. */
  get total(): number {
    return this.#total
  }

  /**
   * @param answer called once, now or later
   * @param close called instead, to close the connection without an answer
   */
  add(address: string | null, answer: () => void, close: () => void): void {
    const network = networkOf(address ?? 'unknown')
    const { count } = this.#count(network)
    this.#total++
    this.#unlogged++
    this.#log(address, count)
    const excess = count - FREE_FAILURES
    if (excess <= 0) {
      answer()
      return
    }
    const ofNetwork = this.#waitingOf.get(network) ?? 0
    if (ofNetwork >= MAX_WAITING_OF_ADDRESS || this.#waiting.size >= MAX_WAITING) {
      close()
      return
    }
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (excess - 1), LONGEST_DELAY_MS)
    const timer = this.#clock.after(delayMs, () => {
      this.#end(answer)
      answer()
    })
    this.#waiting.set(answer, { network, timer })
    this.#waitingOf.set(network, ofNetwork + 1)
  }

  #end(answer: () => void): void {
    const { network } = this.#waiting.get(answer)!
    this.#waiting.delete(answer)
    const others = this.#waitingOf.get(network)! - 1
    if (others > 0) this.#waitingOf.set(network, others)
    else this.#waitingOf.delete(network)
  }

  /** Gives all answers that wait: a stop doesn't wait for them. */
  release(): void {
    for (const [answer, { timer }] of this.#waiting) {
      timer.cancel()
      this.#end(answer)
      answer()
    }
  }

  #count(network: string): Failures {
    const nowMs = this.#clock.monotonicMs()
    const before = this.#byNetwork.get(network)
    const isOver = before === undefined || nowMs - before.sinceMs > WINDOW_MS
    const failures = isOver ? { sinceMs: nowMs, count: 1 } : { sinceMs: before.sinceMs, count: before.count + 1 }
    this.#byNetwork.delete(network)
    this.#byNetwork.set(network, failures)
    if (this.#byNetwork.size > MAX_ADDRESSES) this.#byNetwork.delete(this.#byNetwork.keys().next().value!)
    return failures
  }

  /** Never the key that was tried: it may be a right one with a slip in it. */
  #log(address: string | null, fromAddress: number): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#loggedAtMs < LOG_PAUSE_MS) return
    this.#loggedAtMs = nowMs
    this.#logger.warn({ address, fromAddress, sinceLastLine: this.#unlogged }, 'authentication failed')
    this.#unlogged = 0
  }
}
