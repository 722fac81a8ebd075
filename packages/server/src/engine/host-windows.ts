/** Enough for a host that completes three handshakes a second, from each of several nodes, and for a dead one's probes. */
const LEAST_WINDOW = 16
/** Of hosts that time out. Beyond that, the one that was noted first is forgotten. */
const MAX_HOSTS = 10_000

type Window = {
  size: number
  /** Responses at this size. */
  responses: number
  /** Until then, requests that began before it was last halved can time out. */
  halvedUntilMs: number
}

/**
 * How many requests can be in flight to each host. A host that is slow to accept connections gets fewer: all that begin
 * together share its processor, so if there are too many, none is ready in time, the work done for them is lost, and the
 * next ones find it just as busy. Its window halves when connecting times out, once for all that were in flight, and
 * grows by one for each window of responses.
 */
export class HostWindows {
  readonly #most: number
  readonly #least: number
  readonly #connectTimeoutMs: number
  /** Only of hosts below the maximum. */
  readonly #windows = new Map<string, Window>()

  constructor(maxInFlightPerHost: number, connectTimeoutMs: number) {
    this.#most = maxInFlightPerHost
    this.#least = Math.min(LEAST_WINDOW, maxInFlightPerHost)
    this.#connectTimeoutMs = connectTimeoutMs
  }

  of(host: string): number {
    return this.#windows.get(host)?.size ?? this.#most
  }

  /** The host has sent a response, whichever. */
  noteResponse(host: string): void {
    const window = this.#windows.get(host)
    if (window === undefined || ++window.responses < window.size) return
    window.responses = 0
    window.size++
    if (window.size >= this.#most) this.#windows.delete(host)
  }

  /** A connection to the host was not ready in time. */
  noteTimeout(host: string, nowMs: number): void {
    const window = this.#windows.get(host) ?? { size: this.#most, responses: 0, halvedUntilMs: 0 }
    if (nowMs < window.halvedUntilMs) return
    window.size = Math.max(this.#least, window.size >> 1)
    window.responses = 0
    window.halvedUntilMs = nowMs + this.#connectTimeoutMs
    this.#windows.set(host, window)
    if (this.#windows.size > MAX_HOSTS) this.#windows.delete(this.#windows.keys().next().value!)
  }
}
