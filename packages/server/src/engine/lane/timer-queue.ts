import type { Clock, Timer } from '../../base/clock.ts'

/** Wakes many sleepers with one timer and a binary heap of wake-up times. Each sleeper has at most one wake-up. */
export class TimerQueue<Sleeper> {
  readonly #now: () => number
  readonly #clock: Clock
  readonly #wake: (sleeper: Sleeper) => void
  readonly #wakeAtMs = new Map<Sleeper, number>()
  readonly #heap: { atMs: number; sleeper: Sleeper }[] = []
  #timer: Timer | undefined
  #timerAtMs = Number.POSITIVE_INFINITY

  /**
   * @param now the time in which wake-ups are given; `clock` only waits
   * @param wake called with each sleeper whose time has come
   */
  constructor(now: () => number, clock: Clock, wake: (sleeper: Sleeper) => void) {
    this.#now = now
    this.#clock = clock
    this.#wake = wake
  }

  /** Wakes the sleeper at that time, which replaces its earlier wake-up. Infinity: lets it sleep. */
  schedule(sleeper: Sleeper, atMs: number): void {
    const before = this.#wakeAtMs.get(sleeper)
    if (before === atMs) return
    if (atMs === Number.POSITIVE_INFINITY) {
      this.#wakeAtMs.delete(sleeper)
      return
    }
    // A replaced entry stays in the heap and is skipped when its time comes.
    this.#wakeAtMs.set(sleeper, atMs)
    this.#push({ atMs, sleeper })
    this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#wakeAtMs.clear()
    this.#heap.length = 0
  }

  #arm(): void {
    const first = this.#heap[0]
    if (first === undefined || first.atMs >= this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = first.atMs
    this.#timer = this.#clock.after(first.atMs - this.#now(), () => this.#fire())
  }

  #fire(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY
    // The timer might fire a little early by the other clock; it is then set again.
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= this.#now(); first = this.#heap[0]) {
      this.#pop()
      if (this.#wakeAtMs.get(first.sleeper) !== first.atMs) continue
      this.#wakeAtMs.delete(first.sleeper)
      this.#wake(first.sleeper)
    }
    this.#arm()
  }

  #push(entry: { atMs: number; sleeper: Sleeper }): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.atMs <= entry.atMs) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++
      if (heap[child]!.atMs >= last.atMs) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}
