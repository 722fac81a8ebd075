import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'

export type StopSignal = 'SIGTERM' | 'SIGINT'

/** A child process that serves. */
export type ServingProcess = {
  readonly pid: number | undefined
  kill(signal: StopSignal | 'SIGKILL'): void
  /** Calls `react` once the process listens. */
  onListening(react: () => void): void
  /** Calls `react` when the process has ended. A null code means that a signal ended it. */
  onEnd(react: (code: number | null, signal: string | null) => void): void
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A process that lived at least this long didn't end because of how it was started. */
const STEADY_MS = 60_000
/** After this many processes in a row that never listened, and with none left that does, the parent gives up. */
const MAX_FAILED_STARTS = 5

export type ProcessesOptions = {
  readonly count: number
  readonly fork: () => ServingProcess
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn' | 'error'>
  /** How long a shutdown can take, in milliseconds. Processes still running then are killed. */
  readonly stopTimeoutMs: number
  /** The exit code to use when a signal ended a process, so that it has no code of its own. */
  readonly crashCode: number
}

/**
 * `serve --processes N`: one parent, and N processes that share the port. Each is a node.
 *
 * starting → running → stopping. The first process starts alone, so that problems are reported once and migrations run
 * once. A process that ends while running is replaced, after a pause that doubles until one of them lives for a minute.
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
  /** The first code other than 0 with which a process ended during the shutdown. */
  #code = 0

  constructor(options: ProcessesOptions) {
    this.#options = options
  }

  /** Resolves with the exit code once all processes have ended. */
  run(): Promise<number> {
    this.#start()
    return this.#ended.promise
  }

  /** Asks all processes to drain. From now on, none is replaced. */
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
    // A process that did listen shows that others can, too.
    this.#failedStarts = end.didListen ? 0 : this.#failedStarts + 1
    if (this.#failedStarts >= MAX_FAILED_STARTS && this.#listening.size === 0) {
      log.error({ code: end.code, signal: end.signal }, 'processes keep failing to start; stopping')
      this.#code = end.code || crashCode
      return this.stop('SIGTERM')
    }
    if (end.livedMs >= STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    log.warn(
      { endedPid: child.pid, code: end.code, signal: end.signal, pauseMs },
      'process ended; starting a new one after a pause',
    )
    clock.after(pauseMs, () => !this.#isStopping && this.#start())
  }

  #endStopped(code: number | null, signal: string | null): void {
    // A process ended by SIGTERM or SIGINT hadn't installed its handler yet, so it had nothing to drain: no failure.
    const failed = code === null ? signal === 'SIGKILL' : code !== 0
    if (failed && this.#code === 0) this.#code = code ?? this.#options.crashCode
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#living.size === 0) this.#ended.resolve(this.#code)
  }
}
