import type { Clock } from '../../base/clock.ts'
import type { EndpointId, RateLimit } from '../../base/model.ts'

/** So that whoever counts both ends of a stretch of time sees no more than the limit either. */
const MARGIN_MS = 1
/** Forgotten begins are cut off when there are so many, and most of them are. */
const MAX_FORGOTTEN = 1_024

/**
 * The rate of an endpoint: an exact sliding window over the attempts that were begun. It outlives the endpoint's lane,
 * which is forgotten when it is empty, for as long as it can matter. Only the owner of a partition sends, so what one
 * process remembers holds for all; a new owner begins with nothing remembered.
 *
 * A place is free → reserved (its attempt is about to begin) → begun → free, once the limit's stretch of time has gone
 * by; or reserved → free, when it is released. Begun and reserved places together are never more than the limit.
 */
export class RateWindow {
  readonly #clock: Clock
  #limit: RateLimit
  /** When attempts were begun, by the monotonic clock, rising; from `#first` on, those that still count. */
  #begunAtMs: number[] = []
  #first = 0
  #reserved = 0

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit
    this.#clock = clock
  }

  /** From now on. What was begun before counts as far as it is remembered. */
  setLimit(limit: RateLimit): void {
    this.#limit = limit
  }

  /** Whether an attempt may begin now. */
  isFree(): boolean {
    this.#forgetOld()
    return this.#begunAtMs.length - this.#first + this.#reserved < this.#limit.requests
  }

  /** Nothing is remembered that could matter. */
  isIdle(): boolean {
    this.#forgetOld()
    return this.#reserved === 0 && this.#begunAtMs.length === this.#first
  }

  /**
   * When a place becomes free by the passing of time, by the monotonic clock; Infinity if it takes a reserved one to
   * begin or to be released. Only if none is free.
   */
  freeAtMs(): number {
    const places = this.#limit.requests - this.#reserved
    return places > 0 ? this.#begunAtMs.at(-places)! + this.#lengthMs : Number.POSITIVE_INFINITY
  }

  reserve(): void {
    this.#reserved++
  }

  /** An attempt for which a place was reserved is begun now. */
  begin(): void {
    this.#reserved--
    this.#begunAtMs.push(this.#clock.monotonicMs())
  }

  /** A place was reserved for nothing. */
  release(): void {
    this.#reserved--
  }

  get #lengthMs(): number {
    return this.#limit.perSeconds * 1_000 + MARGIN_MS
  }

  #forgetOld(): void {
    const since = this.#clock.monotonicMs() - this.#lengthMs
    const begun = this.#begunAtMs
    while (this.#first < begun.length && begun[this.#first]! <= since) this.#first++
    if (this.#first < MAX_FORGOTTEN || this.#first * 2 < begun.length) return
    this.#begunAtMs = begun.slice(this.#first)
    this.#first = 0
  }
}

/** The windows of all endpoints that have a rate. */
export class Rates {
  readonly #clock: Clock
  readonly #windows = new Map<EndpointId, RateWindow>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The endpoint's window, with its limit as it is now; null: it has none. */
  of(endpoint: EndpointId, limit: RateLimit | null): RateWindow | null {
    if (limit === null) return null
    const known = this.#windows.get(endpoint)
    known?.setLimit(limit)
    if (known !== undefined) return known
    const window = new RateWindow(limit, this.#clock)
    this.#windows.set(endpoint, window)
    return window
  }

  /** @param isUsed whether the endpoint's lane is there, which holds on to its window */
  forgetIdle(isUsed: (endpoint: EndpointId) => boolean): void {
    for (const [endpoint, window] of this.#windows) {
      if (!isUsed(endpoint) && window.isIdle()) this.#windows.delete(endpoint)
    }
  }
}
