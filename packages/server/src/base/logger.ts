/**
 * The log: lines on standard output, in JSON or as people read them. Logging never blocks the process: lines are
 * gathered and written in the background, and dropped if they can't be written (disk full, reader gone, reader stalled).
 */
import { write, writeSync } from 'node:fs'
import { type LevelWithSilent, type Logger, pino } from 'pino'
import { type Clock, systemClock } from './clock.ts'
import type { FormatLine } from './log-lines.ts'
import type { Output } from './output.ts'

export type { Logger } from 'pino'

export type Log = {
  readonly logger: Logger
  /** Settles once every line so far is written or given up, at the latest after a second. */
  flush(): Promise<void>
  /** The same, synchronously, for a process that is about to end. Runs automatically at exit. */
  flushSync(): void
}

type LogOptions = {
  readonly level: LevelWithSilent
  /** Null: nothing is logged, whatever the level is. */
  readonly stdout: Output | null
  readonly clock?: Clock
  /** Whether other processes write to the same standard output. Default: false. */
  readonly isShared?: boolean
  /** What is made of a line of JSON before it is written. Default: it stays as it is. */
  readonly formatLine?: FormatLine | undefined
}

/** Belt and braces: nothing logs these fields, and if something did, they would be redacted. Paths are exact, because
 * wildcards cost 8 µs per line, more than the line itself. */
const REDACTED = [
  'clientSecret',
  'authorization',
  'Authorization',
  'apiKey',
  'encryptionKey',
  'headers.authorization',
  'headers.Authorization',
  'req.headers.authorization',
  'body.clientSecret',
  'endpoint.clientSecret',
  'config.apiKey',
  'config.encryptionKey',
]

export function createLogger({ level, stdout, clock = systemClock, isShared = false, formatLine }: LogOptions): Log {
  const lines =
    stdout?.fd === undefined
      ? undefined
      : new LineWriter(stdout.fd, clock, isShared ? SHARED_WRITE_BYTES : Number.POSITIVE_INFINITY)
  const sink = lines ?? { write: (line: string) => void stdout?.write(line) }
  const logger = pino(
    {
      level: stdout === null ? 'silent' : level,
      base: { name: 'posthorn' },
      timestamp: createTimestamp(clock),
      formatters: { level: label => ({ level: label }) },
      serializers: { err: plainError, error: value => (value instanceof Error ? plainError(value) : value) },
      redact: { paths: REDACTED, censor: '[secret]' },
    },
    formatLine === undefined ? sink : { write: line => sink.write(formatLine(line)) },
  )
  if (lines !== undefined) process.once('exit', () => lines.flushSync())
  return {
    logger,
    flush: async () => lines?.flush(),
    flushSync: () => lines?.flushSync(),
  }
}

/** The internals of a logger, which pino exposes by symbols (`pino.symbols`). */
type Inside = {
  readonly [pino.symbols.streamSym]: { write(line: string): void }
  /** Text that begins with a comma, like the bindings. */
  readonly [pino.symbols.timeSym]: () => string
  readonly [pino.symbols.chindingsSym]: string
}

/**
 * Logs a line at level `info` with plain values only: no errors and no redacted fields. Each attempt logs one line,
 * and pino's serializers and redaction took four times as long.
 */
export function logPlain(logger: Logger, message: string, values: Readonly<Record<string, unknown>>): void {
  if (!logger.isLevelEnabled('info')) return
  const inside = logger as unknown as Inside
  const head = `{"level":"info"${inside[pino.symbols.timeSym]()}${inside[pino.symbols.chindingsSym]}`
  inside[pino.symbols.streamSym].write(
    `${head},${JSON.stringify(values).slice(1, -1)},"msg":${JSON.stringify(message)}}\n`,
  )
}

/** Formats the time once per millisecond, not once per line. */
function createTimestamp(clock: Clock): () => string {
  let lastMs = Number.NaN
  let last = ''
  return () => {
    const nowMs = clock.now()
    if (nowMs !== lastMs) {
      lastMs = nowMs
      last = `,"time":"${new Date(nowMs).toISOString()}"`
    }
    return last
  }
}

type PlainError = { type: string; code?: string; message: string; stack?: string; cause?: PlainError }

/** Keeps only the standard properties of errors: libraries attach whole requests and rows to theirs, with secrets. */
function plainError(error: unknown, depth = 0): PlainError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error was thrown' }
  const plain: PlainError = { type: error.name, message: error.message }
  if ('code' in error && typeof error.code === 'string') plain.code = error.code
  if (error.stack !== undefined) plain.stack = error.stack
  if (error.cause instanceof Error && depth < 5) plain.cause = plainError(error.cause, depth + 1)
  return plain
}

/** How long lines are gathered before they are written: under load, 40 writes a second instead of one per line. */
const GATHER_MS = 25
/** How long to wait before writing again if the reader of a pipe is slow. */
const BUSY_MS = 20
/** The longest wait for a slow reader when the process ends. */
const LAST_WAIT_MS = 1000
/**
 * What a pipe writes atomically (PIPE_BUF, 4,096 on Linux, at least 512): if two processes wrote more than that at a
 * time, their lines could be mixed. A single line that is longer still can be.
 */
const SHARED_WRITE_BYTES = 4096
/** With this many characters waiting, further lines are dropped: a stalled reader must not exhaust the memory. */
const MAX_WAITING_CHARS = 16 * 1024 * 1024

/**
 * Writes lines to a file descriptor, one write at a time. It is our own because pino's destination keeps the process
 * from ending if standard output is a full disk or a closed pipe: its `flushSync` retries forever (sonic-boom 4).
 */
class LineWriter {
  readonly #fd: number
  readonly #clock: Clock
  readonly #maxBytes: number
  #waiting: string[] = []
  #waitingChars = 0
  /** What is being written, from `#written` on. Undefined if nothing is. */
  #current: Buffer | undefined
  #written = 0
  #gathering = false
  #onIdle: (() => void)[] = []

  /** @param maxBytes the maximum size of one write, in whole lines */
  constructor(fd: number, clock: Clock, maxBytes: number) {
    this.#fd = fd
    this.#clock = clock
    this.#maxBytes = maxBytes
  }

  write(line: string): void {
    if (this.#waitingChars + line.length > MAX_WAITING_CHARS) return
    this.#waiting.push(line)
    this.#waitingChars += line.length
    if (this.#gathering || this.#current !== undefined) return
    this.#gathering = true
    this.#clock.after(GATHER_MS, () => {
      this.#gathering = false
      this.#writeNext()
    })
  }

  async flush(): Promise<void> {
    this.#writeNext()
    if (this.#current === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onIdle.push(resolve)
    const timer = this.#clock.after(LAST_WAIT_MS, resolve)
    await promise
    timer.cancel()
  }

  flushSync(): void {
    // Leave the background write its own lines: writing them here would duplicate them.
    let rest = this.#take()
    const nextIfWritten = () => {
      if (rest.length === 0 && this.#waiting.length > 0) rest = this.#take()
    }
    const pause = new Int32Array(new SharedArrayBuffer(4))
    for (let waitedMs = 0; rest.length > 0 && waitedMs < LAST_WAIT_MS; ) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest))
        nextIfWritten()
      } catch (error) {
        if (!isBusy(error)) return
        Atomics.wait(pause, 0, 0, BUSY_MS)
        waitedMs += BUSY_MS
      }
    }
  }

  #take(): Buffer {
    let count = this.#maxBytes === Number.POSITIVE_INFINITY ? this.#waiting.length : 0
    for (let bytes = 0; count < this.#waiting.length; count++) {
      bytes += Buffer.byteLength(this.#waiting[count]!)
      if (bytes > this.#maxBytes && count > 0) break
    }
    const taken = this.#waiting.splice(0, count).join('')
    this.#waitingChars -= taken.length
    return Buffer.from(taken)
  }

  #writeNext(): void {
    if (this.#current !== undefined) return
    if (this.#waiting.length === 0) {
      for (const resolve of this.#onIdle.splice(0)) resolve()
      return
    }
    this.#current = this.#take()
    this.#written = 0
    this.#writeRest(this.#current)
  }

  #writeRest(buffer: Buffer): void {
    write(this.#fd, buffer, this.#written, (error, count) => {
      if (isBusy(error)) {
        this.#clock.after(BUSY_MS, () => this.#writeRest(buffer))
        return
      }
      // A failed write is given up. Its lines are lost, but the deliveries they reported are in the store.
      this.#written = error === null ? this.#written + count : buffer.length
      if (this.#written < buffer.length) return this.#writeRest(buffer)
      this.#current = undefined
      this.#writeNext()
    })
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY')
}
