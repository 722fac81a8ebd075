/** The only reader of time. Everything that waits or needs the time takes a Clock, so that tests can control it. */

export type Timer = { readonly cancel: () => void }

export type Clock = {
  /** Wall-clock time, in milliseconds since 1970 (UTC). Can jump. */
  now(): number
  /** Milliseconds since an arbitrary point, never running backwards. For durations. */
  monotonicMs(): number
  /** Calls `fire` once after `delayMs`. Longer delays are cut to 2^31-1 ms; the caller has to check the time again. */
  after(delayMs: number, fire: () => void): Timer
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fire) {
    const handle = setTimeout(fire, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS))
    return { cancel: () => clearTimeout(handle) }
  },
}

/** As `after`, for what no process and no thread should be kept running for. */
export function afterUnheld(delayMs: number, fire: () => void): void {
  setTimeout(fire, delayMs).unref()
}
