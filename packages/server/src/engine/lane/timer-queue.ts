import type { Clock, Timer } from '../../base/clock.ts'

/** Wakes many sleepers with one timer: a binary heap of wake-up times. A sleeper has one wake-up at a time. */
export class TimerQueue<Sleeper> {
  readonly #now: () => number
  readonly #clock: Clock
  readonly #wake: (sleeper: Sleeper) => void
  readonly #wakeAtMs = new Map<Sleeper, number>()
  readonly #heap: { atMs: number; sleeper: Sleeper }[] = []
  #timer: Timer | undefined
  #timerAtMs = Number.POSITIVE_INFINITY

  /**
   * @param now the time that wake-ups are given in; `clock` only waits
   * @param wake is told of each sleeper whose time has come
   */
  constructor(now: () => number, clock: Clock, wake: (sleeper: Sleeper) => void) {
    this.#now = now
    this.#clock = clock
    this.#wake = wake
  }

  /** Wakes the sleeper then, instead of at the time before; Infinity: let it sleep. */
  schedule(sleeper: Sleeper, atMs: number): void {
    const before = this.#wakeAtMs.get(sleeper)
    if (before === atMs) return
    if (atMs === Number.POSITIVE_INFINITY) {
      this.#wakeAtMs.delete(sleeper)
      return
    }
    // An entry that this replaces stays in the heap and is passed over when its time comes.
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
    // A timer may fire a little early by the other clock: then it is set again.
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
