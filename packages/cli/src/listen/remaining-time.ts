/** How long before an attempt's end the command answers by itself, so that its 504 arrives in time. */
const MARGIN_MS = 1_000

type Times = { readonly startedAt: string; readonly expiresAt: string }

/**
 * How long a receiver still has. The server's clock and this machine's can differ by anything, and a laptop's jumps: so
 * what is compared is how old requests are when they arrive. The youngest ones tell how far the clocks are apart.
 */
export class RemainingTime {
  #apartMs = Number.POSITIVE_INFINITY

  /** @param nowMs when the request arrived, milliseconds since 1970 by this machine */
  of({ startedAt, expiresAt }: Times, nowMs: number): { readonly receiverMs: number; readonly attemptMs: number } {
    const startedMs = Date.parse(startedAt)
    const timeoutMs = Date.parse(expiresAt) - startedMs
    this.#apartMs = Math.min(this.#apartMs, nowMs - startedMs)
    let ageMs = nowMs - startedMs - this.#apartMs
    if (ageMs >= timeoutMs) {
      // It would be over, and it arrives: a clock was set.
      this.#apartMs = nowMs - startedMs
      ageMs = 0
    }
    const attemptMs = timeoutMs - ageMs
    return { attemptMs, receiverMs: attemptMs - Math.min(MARGIN_MS, attemptMs / 5) }
  }
}
