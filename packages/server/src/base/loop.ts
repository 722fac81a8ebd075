import type { Clock, Timer } from './clock.ts'

export type LoopOptions = {
  readonly clock: Clock
  /**
   * From the end of a run to the beginning of the next, milliseconds; `run` can answer another. A function is asked when a
   * run has ended. null: only when woken.
   */
  readonly everyMs: number | null | (() => number)
  /** The same after a run that failed. Wake-ups that come meanwhile wait for it. Default: `everyMs`. */
  readonly retryMs?: number
  /** One run. Answers how long until the next, milliseconds, where it isn't `everyMs`. */
  readonly run: () => Promise<void> | Promise<number | undefined>
  /** A run failed. Default: it is passed over, since others report the same fault. */
  readonly onFailure?: (error: unknown) => void
}

/**
 * Work that a process does again and again: every so often, when something wakes it, and once more after a fault.
 *
 * new → waiting ⇄ running → stopped
 *
 * - There is one run at a time. A wake-up during a run begins another as soon as that ends.
 * - Each state has at most one timer, and `stopped` has none: nothing begins after `stop`.
 */
export class Loop {
  readonly #options: LoopOptions
  #isStarted = false
  #isStopped = false
  #running: Promise<void> | undefined
  /** Something came up since the run under way began. */
  #isWoken = false
  /** The last run failed, and the next isn't due yet. */
  #isPausing = false
  #timer: Timer | undefined
  #endRest: () => void = () => {}

  constructor(options: LoopOptions) {
    this.#options = options
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** It was started, and not stopped. */
  get isRunning(): boolean {
    return this.#isStarted && !this.#isStopped
  }

  /**
   * @param firstMs until the first run, if nothing wakes it before; null: it waits to be woken. Default: 0, at once
   */
  start(firstMs: number | null = 0): void {
    if (this.#isStarted || this.#isStopped) return
    this.#isStarted = true
    if (this.#running !== undefined) this.#isWoken = true
    else if (firstMs === 0 || this.#isWoken) this.#begin()
    else this.#setTimer(firstMs)
  }

  /** Wakes it at each event of a source that is a reason to. */
  wakeOn<Event>(source: { on(listener: (event: Event) => void): void }, isReason: (event: Event) => boolean): this {
    source.on(event => {
      if (isReason(event)) this.wake()
    })
    return this
  }

  /** There is something to do: runs now, after the run under way, or after the pause that follows a fault. */
  wake(): void {
    this.#isWoken = true
    if (this.#isStarted && !this.#isPausing && this.#running === undefined) this.#begin()
  }

  /**
   * Runs now, whatever pause there is and also before the start, and settles with the end of the run; one under way is
   * joined. Never rejects. After `stop` nothing happens.
   */
  now(): Promise<void> {
    if (this.#running === undefined) this.#begin()
    return this.#running ?? Promise.resolve()
  }

  /** As `now`, but with a run that begins after the call: what was changed before the call is seen by it. */
  async fresh(): Promise<void> {
    if (this.#running !== undefined) {
      this.#isWoken = true
      await this.#running
    }
    await this.now()
  }

  /** For the run: a pause of so many milliseconds, which `stop` and `hurry` cut short. */
  async rest(ms: number): Promise<void> {
    if (this.#isStopped) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#options.clock.after(ms, resolve)
    this.#endRest = resolve
    await promise
    timer.cancel()
  }

  /** Cuts short the rest that the run under way takes just now. */
  hurry(): void {
    this.#endRest()
  }

  /** Begins nothing more, and settles when the run under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#endRest()
    await this.#running
  }

  #begin(): void {
    if (this.#isStopped) return
    this.#timer?.cancel()
    this.#isPausing = false
    this.#isWoken = false
    this.#running = this.#runOnce()
  }

  async #runOnce(): Promise<void> {
    const { everyMs, retryMs = everyMs, run, onFailure } = this.#options
    let nextMs: LoopOptions['everyMs']
    try {
      const answer = await run()
      nextMs = typeof answer === 'number' ? answer : everyMs
    } catch (error) {
      onFailure?.(error)
      this.#isPausing = true
      nextMs = retryMs
    }
    this.#running = undefined
    if (!this.#isStarted) return
    if (this.#isWoken && !this.#isPausing) this.#begin()
    else this.#setTimer(typeof nextMs === 'function' ? nextMs() : nextMs)
  }

  #setTimer(ms: number | null): void {
    if (ms !== null && !this.#isStopped) this.#timer = this.#options.clock.after(ms, () => this.#begin())
  }
}
