import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import type { Outcome, OutcomeLog } from './outcomes.ts'

/** The file is written again with what is left when it is longer. */
const MAX_BYTES = 256 * 1024
/** More than can be in flight. Beyond it the oldest are forgotten. */
const MAX_LEFT = 2_000

type Left = { readonly attempt: number; readonly outcome: Outcome }

/**
 * A file of outcomes that the server might not have: a line when the receiver has responded, and one when the server has
 * the answer. It is not synced: it has to survive this process, not the machine.
 */
export class KeptOutcomes implements OutcomeLog {
  readonly left: Map<string, Left>
  readonly #path: string
  #file: number
  #bytes = 0

  /** Throws the system's error if the file can't be opened. */
  constructor(path: string) {
    this.left = readLeft(path)
    this.#path = path
    this.#file = openSync(path, 'a', 0o600)
    this.#rewrite()
  }

  add(delivery: string, attempt: number, { status, durationMs }: Outcome): void {
    this.left.delete(delivery)
    this.left.set(delivery, { attempt, outcome: { status, durationMs } })
    for (const [oldest] of this.left) {
      if (this.left.size <= MAX_LEFT) break
      this.left.delete(oldest)
    }
    this.#append([delivery, attempt, status, durationMs])
  }

  remove(delivery: string): void {
    if (this.left.delete(delivery)) this.#append([delivery])
  }

  close(): void {
    this.#rewrite()
    closeSync(this.#file)
  }

  #append(entry: readonly unknown[]): void {
    if (this.#bytes > MAX_BYTES && this.#rewrite()) return
    this.#write(`${JSON.stringify(entry)}\n`)
  }

  /**
   * Replaces the file in one step: a process that ends in the middle leaves the old one, with all that it has. Returns
   * whether it could.
   */
  #rewrite(): boolean {
    const lines = [...this.left].map(([delivery, { attempt, outcome }]) => {
      const { status, durationMs } = outcome
      return `${JSON.stringify([delivery, attempt, status, durationMs])}\n`
    })
    const text = lines.join('')
    const next = `${this.#path}.new`
    let file: number | undefined
    try {
      file = openSync(next, 'w', 0o600)
      writeFileSync(file, text)
      renameSync(next, this.#path)
    } catch {
      // See `#write`. The old file goes on, and is not tried to be replaced at the very next line.
      if (file !== undefined) closeSync(file)
      rmSync(next, { force: true })
      this.#bytes = 0
      return false
    }
    closeSync(this.#file)
    this.#file = file
    this.#bytes = Buffer.byteLength(text)
    return true
  }

  #write(text: string): void {
    try {
      this.#bytes += writeSync(this.#file, text)
    } catch {
      // A full disk: after a restart, a request might be forwarded twice. That is no reason to stop forwarding.
    }
  }
}

/** What the file says is left. The last line can be cut off, and is skipped like anything that can't be read. */
function readLeft(path: string): Map<string, Left> {
  const left = new Map<string, Left>()
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return left
  }
  for (const line of text.split('\n')) {
    const [delivery, attempt, status, durationMs] = parse(line)
    if (typeof delivery !== 'string') continue
    left.delete(delivery)
    if (typeof attempt !== 'number' || typeof status !== 'number' || typeof durationMs !== 'number') continue
    left.set(delivery, { attempt, outcome: { status, durationMs } })
  }
  return left
}

function parse(line: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(line)
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}
