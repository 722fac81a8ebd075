/** Everything that a command touches: streams, environment, time and signals. `openTerminal` has those of the process. */
import type { Readable, Writable } from 'node:stream'
import { EXIT } from '../exit.ts'
import { unexpected } from '../problem.ts'
import { outputError } from './output-errors.ts'
import { type Pager, startPager } from './pager.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type Clock = {
  /** Wall-clock time, in milliseconds since 1970 (UTC). Can jump. */
  now(): number
  /** Milliseconds since an arbitrary point, never running backwards. For durations. */
  monotonicMs(): number
  /** Calls `fire` once after `delayMs`. */
  after(delayMs: number, fire: () => void): { readonly cancel: () => void }
}

export type Input = Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown }
/** A stream of the process: a terminal has `isTTY` and its width. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number }

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export type Terminal = {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Environment
  readonly clock: Clock
  /** Whether a person reads standard output. */
  readonly isTty: boolean
  /** The width of the terminal, in columns, as it is now. Null if standard output is no terminal: lines are not fitted. */
  readonly columns: number | null
  /**
   * Calls `handle` at the first Ctrl-C (or SIGTERM, SIGHUP) instead of ending the process. A second one ends it. Without a
   * handler, the first one does. Returns what removes the handler.
   */
  onInterrupt(handle: (signal: Signal) => void): () => void
  /**
   * Calls `handle` when no one reads standard output any longer, as after `head`, instead of ending the process. Returns
   * what removes the handler.
   */
  onOutputEnd(handle: () => void): () => void
  /** Leaves Ctrl-C to another program on the same terminal. Returns what ends that. */
  ignoreInterrupts(): () => void
  /** Starts the user's pager (PAGER, or `less -FRX`). Null if there is to be none. */
  openPager(): Pager | null
  /** Ends the process once both outputs have taken what was written. */
  exit(code: number): Promise<void>
}

const SIGNALS: Readonly<Record<Signal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }
/** Ctrl-C under npm arrives twice: from the terminal and, about a millisecond later, from npm. It counts as one. */
const SAME_WISH_MS = 500

export type ProcessParts = {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Environment
  readonly clock: Clock
  readonly exit: (code: number) => void
  readonly on: (signal: Signal, handle: () => void) => void
  readonly off: (signal: Signal, handle: () => void) => void
  /** Calls `handle` with an exception or rejection that nothing caught. */
  readonly onCrash: (handle: (error: unknown) => void) => void
}

export function openTerminal(parts: ProcessParts): Terminal {
  const { stdout, stderr, env } = parts
  let atOutputEnd: (() => void) | undefined
  // The reader, such as `head`, has what it wanted: that is no error, and nothing is left to do.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    const { exitCode, line } = outputError(error)
    if (line !== null) stderr.write(line)
    if (atOutputEnd !== undefined) atOutputEnd()
    else parts.exit(exitCode)
  })
  stderr.on('error', () => {})
  parts.onCrash(error => {
    stderr.write(`posthorn: ${unexpected(error)}\n`)
    parts.exit(EXIT.crash)
  })
  return {
    ...parts,
    get isTty() {
      return stdout.isTTY === true
    },
    get columns() {
      return stdout.isTTY === true ? (stdout.columns ?? widthIn(env) ?? 80) : null
    },
    onInterrupt: handle => onInterrupt(handle, parts),
    onOutputEnd(handle) {
      atOutputEnd = handle
      return () => {
        if (atOutputEnd === handle) atOutputEnd = undefined
      }
    },
    ignoreInterrupts() {
      const ignore = () => {}
      parts.on('SIGINT', ignore)
      return () => parts.off('SIGINT', ignore)
    },
    openPager: () => startPager(env, stderr),
    async exit(code) {
      await Promise.all([flush(stdout), flush(stderr)])
      parts.exit(code)
    },
  }
}

function onInterrupt(handle: (signal: Signal) => void, { on, off, clock, exit }: ProcessParts): () => void {
  let firstAtMs: number | undefined
  const handlers = (Object.keys(SIGNALS) as Signal[]).map(signal => {
    const react = () => {
      const nowMs = clock.monotonicMs()
      if (firstAtMs === undefined) {
        firstAtMs = nowMs
        handle(signal)
      } else if (nowMs - firstAtMs >= SAME_WISH_MS) exit(EXIT.signal + SIGNALS[signal])
    }
    on(signal, react)
    return () => off(signal, react)
  })
  return () => {
    for (const remove of handlers) remove()
  }
}

function widthIn({ COLUMNS }: Environment): number | undefined {
  return COLUMNS !== undefined && /^[1-9]\d{0,4}$/.test(COLUMNS) ? Number(COLUMNS) : undefined
}

function flush(output: Output): Promise<void> {
  return new Promise(resolve => {
    if (output.destroyed || output.writableEnded) resolve()
    else output.write('', () => resolve())
  })
}
