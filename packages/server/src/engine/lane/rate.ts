import type { Clock } from '../../base/clock.ts'
import type { EndpointId, RateLimit } from '../../base/model.ts'

/** Added to the period, so that a receiver that includes both of its ends doesn't count more than the limit either. */
const MARGIN_MS = 1
/** Expired start times are removed once there are this many and they make up half of the array. */
const MAX_FORGOTTEN = 1_024

/**
 * An endpoint's rate limit: an exact sliding window over the attempts that have begun. It outlives the endpoint's lane,
 * which is forgotten when it is empty, for as long as it can matter. Only the owner of a partition sends, so one
 * process knows all attempts; a new owner starts with an empty window.
 *
 * A place is free → reserved (its attempt is about to begin) → begun → free, once the limit's period has passed; or
 * reserved → free, when it is released. Begun and reserved places together never exceed the limit.
 */
export class RateWindow {
  readonly #clock: Clock
  #limit: RateLimit
  /** When attempts began, by the monotonic clock, ascending. Those from `#first` on are within the period. */
  #begunAtMs: number[] = []
  #first = 0
  #reserved = 0

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit
    this.#clock = clock
  }

  /** Changes the limit from now on. Earlier attempts count as far as they are remembered. */
  setLimit(limit: RateLimit): void {
    this.#limit = limit
  }

  /** Whether an attempt can begin now. */
  isFree(): boolean {
    this.#forgetOld()
    return this.#begunAtMs.length - this.#first + this.#reserved < this.#limit.requests
  }

  /** Whether the window is empty, and can be forgotten. */
  isIdle(): boolean {
    this.#forgetOld()
    return this.#reserved === 0 && this.#begunAtMs.length === this.#first
  }

  /**
   * When time will free a place, by the monotonic clock. Infinity if that depends on a reserved place, which first has
   * to begin or be released. Call it only if no place is free.
   */
  freeAtMs(): number {
    const places = this.#limit.requests - this.#reserved
    return places > 0 ? this.#begunAtMs.at(-places)! + this.#lengthMs : Number.POSITIVE_INFINITY
  }

  reserve(): void {
    this.#reserved++
  }

  /** An attempt begins for which a place was reserved. */
  begin(): void {
    this.#reserved--
    this.#begunAtMs.push(this.#clock.monotonicMs())
  }

  /** Releases a reserved place whose attempt doesn't begin. */
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

/** The windows of all endpoints that have a rate limit. */
export class Rates {
  readonly #clock: Clock
  readonly #windows = new Map<EndpointId, RateWindow>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns the endpoint's window with its current limit. Null if it has no limit. */
  of(endpoint: EndpointId, limit: RateLimit | null): RateWindow | null {
    if (limit === null) return null
    const known = this.#windows.get(endpoint)
    known?.setLimit(limit)
    if (known !== undefined) return known
    const window = new RateWindow(limit, this.#clock)
    this.#windows.set(endpoint, window)
    return window
  }

  /** @param isUsed whether the endpoint has a lane, which keeps its window */
  forgetIdle(isUsed: (endpoint: EndpointId) => boolean): void {
    for (const [endpoint, window] of this.#windows) {
      if (!isUsed(endpoint) && window.isIdle()) this.#windows.delete(endpoint)
    }
  }
}
