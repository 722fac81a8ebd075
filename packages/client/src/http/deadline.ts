/**
 * Ends an attempt when its time is up or the caller's signal says so. It has a timer of its own, which `clear` removes:
 * a signal of `AbortSignal.timeout` would stay alive long after most calls have ended.
 */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #timeoutMs: number
  readonly #outer: AbortSignal | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs
    this.#outer = outer
    outer?.addEventListener('abort', this.#abort)
    this.restart()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether the time is up. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Settles as the work does, or rejects when the attempt ends, if that is sooner. */
  orEnd<Result>(work: Promise<Result>): Promise<Result> {
    const { signal } = this.#controller
    const end = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    return Promise.race([work, end])
  }

  restart(): void {
    clearTimeout(this.#timer)
    if (this.#timeoutMs === Infinity) return
    this.#timer = setTimeout(() => {
      this.#isOver = true
      this.#controller.abort()
    }, this.#timeoutMs)
  }

  pause(): void {
    clearTimeout(this.#timer)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#abort)
  }

  #abort = () => this.#controller.abort(this.#outer?.reason)
}

/** Waits. Throws the signal's reason as soon as it is aborted. */
export function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      if (signal?.aborted) reject(signal.reason)
      else resolve()
    }
    const timer = setTimeout(end, ms)
    if (signal?.aborted) end()
    else signal?.addEventListener('abort', end)
  })
}
