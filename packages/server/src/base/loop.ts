import type { Clock, Timer } from './clock.ts'

export type LoopOptions = {
  readonly clock: Clock
  /**
   * The pause between the end of a run and the start of the next, in milliseconds; `run` can return another. A function
   * is called at the end of each run. With null, the loop runs only when woken.
   */
  readonly everyMs: number | null | (() => number)
  /** The pause after a run that failed. Wake-ups in the meantime wait until it is over. Default: `everyMs`. */
  readonly retryMs?: number
  /** One run. Can return the pause until the next, in milliseconds, to override `everyMs`. */
  readonly run: () => Promise<void> | Promise<number | undefined>
  /** Called when a run fails. Default: the failure is ignored, because other parts report the same fault. */
  readonly onFailure?: (error: unknown) => void
}

/**
 * Work that a process repeats: at intervals, when something wakes it, and again after a failure.
 *
 * new → waiting ⇄ running → stopped
 *
 * - There is only one run at a time. A wake-up during a run starts another one as soon as that run ends.
 * - Each state has at most one timer, and `stopped` has none: no run starts after `stop`.
 */
export class Loop {
  readonly #options: LoopOptions
  #isStarted = false
  #isStopped = false
  #running: Promise<void> | undefined
  /** Woken since the current run began. */
  #isWoken = false
  /** The last run failed, and the next one isn't due yet. */
  #isPausing = false
  #timer: Timer | undefined
  #endRest: () => void = () => {}

  constructor(options: LoopOptions) {
    this.#options = options
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Whether the loop was started and not stopped. */
  get isRunning(): boolean {
    return this.#isStarted && !this.#isStopped
  }

  /**
   * @param firstMs the time until the first run, unless the loop is woken before. Null waits to be woken. Default: 0,
   *   which runs immediately
   */
  start(firstMs: number | null = 0): void {
    if (this.#isStarted || this.#isStopped) return
    this.#isStarted = true
    if (this.#running !== undefined) this.#isWoken = true
    else if (firstMs === 0 || this.#isWoken) this.#begin()
    else this.#setTimer(firstMs)
  }

  /** Wakes the loop at each of the source's events for which `isReason` is true. */
  wakeOn<Event>(source: { on(listener: (event: Event) => void): void }, isReason: (event: Event) => boolean): this {
    source.on(event => {
      if (isReason(event)) this.wake()
    })
    return this
  }

  /** Runs immediately, or after the current run, or after the pause that follows a failure. */
  wake(): void {
    this.#isWoken = true
    if (this.#isStarted && !this.#isPausing && this.#running === undefined) this.#begin()
  }

  /**
   * Runs immediately, even during a pause or before `start`, and settles at the end of the run. Joins a run in
   * progress. Never rejects. Does nothing after `stop`.
   */
  now(): Promise<void> {
    if (this.#running === undefined) this.#begin()
    return this.#running ?? Promise.resolve()
  }

  /** Like `now`, but waits for a run that begins after the call, so that it sees every change made before the call. */
  async fresh(): Promise<void> {
    if (this.#running !== undefined) {
      this.#isWoken = true
      await this.#running
    }
    await this.now()
  }

  /** For use by the run itself: a pause of `ms`, which `stop` cuts short. */
  async rest(ms: number): Promise<void> {
    if (this.#isStopped) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#options.clock.after(ms, resolve)
    this.#endRest = resolve
    await promise
    timer.cancel()
  }

  /** Starts no further run, and settles once the current run has ended. */
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
