/** What commands read: secrets, JSON and texts, from standard input or a file, never from arguments that others can see. */
import { readFileSync } from 'node:fs'
import { EXIT } from './exit.ts'
import { Problem } from './problem.ts'
import { askHidden, canAsk } from './terminal/ask.ts'
import type { Terminal } from './terminal/terminal.ts'

/** More than any value of the API can have. */
const MAX_BYTES = 8 * 1024 * 1024

/** Reads a file as UTF-8; `-` is standard input, until its end. Throws Problem, and what the file system throws. */
export async function readInput(file: string, { stdin }: Pick<Terminal, 'stdin'>): Promise<string> {
  if (file !== '-') return decode(readBytes(file), file)
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of stdin) {
    pieces.push(Buffer.from(piece))
    bytes += pieces.at(-1)!.length
    if (bytes > MAX_BYTES) throw new Problem('Standard input has more than 8 MiB. Send less.', EXIT.usage)
  }
  return decode(Buffer.concat(pieces), 'Standard input')
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (error) {
    // The only error of a file that doesn't say which file it was.
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error
    throw new Problem(`${file} cannot be read: it is a folder.`, EXIT.usage, { cause: error })
  }
}

function decode(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem(`${source} is not UTF-8 text.`, EXIT.usage)
  }
}

/**
 * Reads a secret from a file, from standard input (`-`), or from a person who types it unseen. One line break at the end
 * is left out, as editors and `echo` add it.
 *
 * @param what the secret is, for the question and for sentences, such as "clientSecret"
 */
export async function readSecret(file: string, what: string, terminal: Terminal): Promise<string> {
  const isTyped = file === '-' && terminal.stdin.isTTY === true && canAsk(terminal)
  const text = isTyped ? await askHidden(terminal, `${what} (not shown): `) : await readInput(file, terminal)
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') {
    throw new Problem(`The ${what} is empty. Write it to ${file === '-' ? 'standard input' : file}.`, EXIT.usage)
  }
  return secret
}

/** Reads JSON. Throws Problem with the place of the fault, but nothing of the text, which can have secrets in it. */
export async function readJson(file: string, terminal: Terminal): Promise<unknown> {
  return parseJson(await readInput(file, terminal), file === '-' ? 'Standard input' : file)
}

export async function readJsonObject(file: string, terminal: Terminal): Promise<Record<string, unknown>> {
  const value = await readJson(file, terminal)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Problem(`${file === '-' ? 'Standard input' : file} must be a JSON object.`, EXIT.usage)
}

export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    const place = /at position (\d+)/.exec((error as Error).message)?.[1]
    const before = place === undefined ? null : text.slice(0, Number(place))
    const where =
      before === null ? '' : ` (line ${before.split('\n').length}, column ${before.length - before.lastIndexOf('\n')})`
    throw new Problem(`${source} is not JSON${where}.`, EXIT.usage)
  }
}

/** A value of JSON that is given as it is, or as `@file` (`@-` for standard input). */
export async function readJsonValue(value: string, flag: string, terminal: Terminal): Promise<unknown> {
  return value.startsWith('@') ? readJson(value.slice(1), terminal) : parseJson(value, flag)
}
