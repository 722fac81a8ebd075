import type { Clock, Timer } from '../../base/clock.ts'
import type { CountedLines } from '../../base/counted-lines.ts'
import { networkOf } from './client-address.ts'

/** Failures of an address within a window that are answered without delay: a typo, or a deployment with an old key. */
const FREE_FAILURES = 10
const WINDOW_MS = 60_000
/** The delay doubles with each failure, up to the longest. */
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5_000
/** Addresses that are remembered; the one whose last failure is oldest is forgotten first. */
const MAX_ADDRESSES = 10_000
/** Delayed responses at the same time, per address and in total: they must not fill the memory. */
const MAX_WAITING_OF_ADDRESS = 100
const MAX_WAITING = 2_000

type Failures = { readonly sinceMs: number; readonly count: number }
type Waiting = { readonly network: string; readonly timer: Timer }

/**
 * Makes guessing keys slow: after a few failures from one address within a minute, further responses are delayed. If
 * many responses are delayed already, the connection is closed instead. A valid key is never delayed, so failures can't
 * be used to lock out others who share the address.
 */
export class FailedAuthentications {
  readonly #clock: Clock
  readonly #lines: CountedLines
  /** Ordered by latest failure, oldest first. */
  readonly #byNetwork = new Map<string, Failures>()
  readonly #waiting = new Map<() => void, Waiting>()
  readonly #waitingOf = new Map<string, number>()
  #total = 0

  constructor(clock: Clock, lines: CountedLines) {
    this.#clock = clock
    this.#lines = lines
  }

  /** Failures since startup. */
  get total(): number {
    return this.#total
  }

  /**
   * @param answer sends the response; called once, now or later
   * @param close called instead, to close the connection without a response
   */
  add(address: string | null, answer: () => void, close: () => void): void {
    const network = networkOf(address ?? 'unknown')
    const { count } = this.#count(network)
    this.#total++
    // Never the key that was tried: it might be a valid one with a typo.
    this.#lines.add('authentication', 'warn', 'authentication failed', { address, fromAddress: count })
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

  /** Sends all delayed responses now, so that shutdown doesn't wait for them. */
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
}
