import type { Clock } from '../src/base/clock.ts'

/** A clock that runs like the real one, and can jump ahead: timers that are due then fire. */
export class JumpClock implements Clock {
  #aheadMs = 0
  readonly #timers = new Map<object, { atMs: number; fire: () => void; handle: NodeJS.Timeout }>()

  now = (): number => Date.now() + this.#aheadMs
  monotonicMs = (): number => performance.now() + this.#aheadMs

  after = (delayMs: number, fire: () => void) => {
    const key = {}
    const run = () => {
      this.#timers.delete(key)
      fire()
    }
    const handle = setTimeout(run, Math.min(Math.max(delayMs, 0), 2 ** 31 - 1))
    this.#timers.set(key, { atMs: this.monotonicMs() + delayMs, fire: run, handle })
    const cancel = () => {
      clearTimeout(handle)
      this.#timers.delete(key)
    }
    return { cancel }
  }

  jump(byMs: number): void {
    this.#aheadMs += byMs
    const nowMs = this.monotonicMs()
    for (const { atMs, fire, handle } of [...this.#timers.values()]) {
      if (atMs > nowMs) continue
      clearTimeout(handle)
      fire()
    }
  }
}
