import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'

export type StopSignal = 'SIGTERM' | 'SIGINT'

/** A process that serves. */
export type ServingProcess = {
  readonly pid: number | undefined
  kill(signal: StopSignal | 'SIGKILL'): void
  /** It listens. */
  onListening(react: () => void): void
  /** It has ended; a null code means by a signal. */
  onEnd(react: (code: number | null, signal: string | null) => void): void
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A process that has lived so long did not end because of how it was started. */
const STEADY_MS = 60_000
/** So many in a row that never listened, and none left that does: the parent gives up. */
const MAX_FAILED_STARTS = 5

export type ProcessesOptions = {
  readonly count: number
  readonly fork: () => ServingProcess
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn' | 'error'>
  /** How long a stop can take, milliseconds; what is left then is killed. */
  readonly stopTimeoutMs: number
  /** For when a process was ended by a signal, or had to be: there is no code of its own to end with. */
  readonly crashCode: number
}

/**
 * `serve --processes N`: one parent, and N processes that each are a node and share the port.
 *
 * starting (the first alone, so that what is wrong is said once and nobody races for the migrations) → running → stopping.
 * A process that ends while running is replaced, after a pause that doubles as long as none of them lives for a minute.
 */
export class Processes {
  readonly #options: ProcessesOptions
  readonly #living = new Set<ServingProcess>()
  readonly #listening = new Set<ServingProcess>()
  readonly #ended = Promise.withResolvers<number>()
  #isStopping = false
  #hasListened = false
  #failedStarts = 0
  #pauseMs = FIRST_PAUSE_MS
  /** The first code other than 0 that a process ended with in a stop. */
  #code = 0

  constructor(options: ProcessesOptions) {
    this.#options = options
  }

  /** Resolves with the code to exit with, when all have ended. */
  run(): Promise<number> {
    this.#start()
    return this.#ended.promise
  }

  /** All are asked to drain, and nothing is replaced any more. */
  stop(signal: StopSignal): void {
    if (this.#isStopping) return
    this.#isStopping = true
    for (const child of this.#living) child.kill(signal)
    this.#options.clock.after(this.#options.stopTimeoutMs, () => this.killAll())
    this.#endIfDone()
  }

  killAll(): void {
    for (const child of this.#living) child.kill('SIGKILL')
  }

  #start(): void {
    const { fork, clock } = this.#options
    const child = fork()
    const startedAtMs = clock.monotonicMs()
    this.#living.add(child)
    child.onListening(() => {
      this.#listening.add(child)
      this.#failedStarts = 0
      if (this.#hasListened) return
      this.#hasListened = true
      if (!this.#isStopping) for (let at = 1; at < this.#options.count; at++) this.#start()
    })
    child.onEnd((code, signal) => {
      const livedMs = clock.monotonicMs() - startedAtMs
      const didListen = this.#listening.delete(child)
      this.#living.delete(child)
      if (this.#isStopping) this.#endStopped(code, signal)
      else if (!this.#hasListened) this.#ended.resolve(code ?? this.#options.crashCode)
      else this.#replace(child, { code, signal, livedMs, didListen })
    })
  }

  #replace(
    child: ServingProcess,
    end: { code: number | null; signal: string | null; livedMs: number; didListen: boolean },
  ) {
    const { log, clock, crashCode } = this.#options
    // One that did listen says that they still can.
    this.#failedStarts = end.didListen ? 0 : this.#failedStarts + 1
    if (this.#failedStarts >= MAX_FAILED_STARTS && this.#listening.size === 0) {
      log.error({ code: end.code, signal: end.signal }, 'no process comes up any more')
      this.#code = end.code || crashCode
      return this.stop('SIGTERM')
    }
    if (end.livedMs >= STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    log.warn(
      { endedPid: child.pid, code: end.code, signal: end.signal, pauseMs },
      'a process has ended and is replaced',
    )
    clock.after(pauseMs, () => !this.#isStopping && this.#start())
  }

  #endStopped(code: number | null, signal: string | null): void {
    // Asked to stop before it could listen for the signal: it has nothing to drain.
    const failed = code === null ? signal === 'SIGKILL' : code !== 0
    if (failed && this.#code === 0) this.#code = code ?? this.#options.crashCode
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#living.size === 0) this.#ended.resolve(this.#code)
  }
}
