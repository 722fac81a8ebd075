/** The sole reader of time. Everything that waits or dates something takes a Clock, so that tests can turn the hands. */

export type Timer = { readonly cancel: () => void }

export type Clock = {
  /** Wall-clock time, milliseconds since 1970 (UTC). Can jump. */
  now(): number
  /** Milliseconds since an arbitrary start, never running backwards. For durations. */
  monotonicMs(): number
  /** Calls `fire` once, `delayMs` from now; delays past 2^31-1 ms are cut to that (the caller looks again). */
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
