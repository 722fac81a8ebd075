/** The lines that a run reads: of a file, from where it stopped, or of standard input, after what is done with. */
import { createReadStream, realpathSync, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { EXIT } from '../exit.ts'
import { Problem } from '../problem.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { type Line, readLines } from './lines.ts'
import type { LastLine } from './run-file.ts'

export type Input = {
  readonly lines: AsyncIterable<Line>
  /** Null for standard input and for pipes. */
  readonly totalBytes: number | null
  close(): void
}

/** The whole path of a file that can be read again from any place. Null for standard input and for pipes. */
export function fileOf(name: string): string | null {
  if (name === '-') return null
  const stats = statSync(name)
  if (stats.isDirectory()) throw new Problem(`${name} cannot be read: it is a folder.`, EXIT.usage)
  return stats.isFile() ? realpathSync(name) : null
}

/**
 * @param name a file, or `-` for standard input
 * @param fromLine the first line that counts
 * @param last the line after which to begin, as it was read before. Null: from the beginning
 */
export function openInput(
  name: string,
  fromLine: number,
  last: LastLine | null,
  terminal: Pick<Terminal, 'stdin'>,
): Input {
  const file = fileOf(name)
  const start = file !== null && last !== null ? { number: last.number, start: last.start } : { number: 1, start: 0 }
  const stream: Readable =
    name === '-' ? terminal.stdin : createReadStream(name, file === null ? {} : { start: start.start })
  const lines = readLines(stream, start)
  return {
    lines: last === null ? beginningAt(fromLine, lines) : after(last, lines, name),
    totalBytes: file === null ? null : statSync(file).size,
    close: () => void stream.destroy(),
  }
}

async function* beginningAt(first: number, lines: AsyncIterable<Line>): AsyncGenerator<Line, void> {
  for await (const line of lines) if (line.number >= first) yield line
}

/** Throws Problem if the input is not the same as before. */
async function* after(last: LastLine, lines: AsyncIterable<Line>, name: string): AsyncGenerator<Line, void> {
  const what = name === '-' ? 'Standard input' : name
  const remedy = 'Continue with the same input, or publish this one as another run, with --run'
  let isFound = false
  for await (const line of lines) {
    if (line.number > last.number) yield line
    else if (line.number === last.number) {
      if (line.start !== last.start || line.checksum !== last.checksum) {
        throw new Problem(
          `${what} is not the input that this run began with: line ${last.number} differs. ${remedy}.`,
          EXIT.usage,
        )
      }
      isFound = true
    }
  }
  if (!isFound)
    throw new Problem(`${what} ends before line ${last.number}, where this run stopped. ${remedy}.`, EXIT.usage)
}
