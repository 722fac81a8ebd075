/** NDJSON, line by line: of any length in all, and of a bounded length a line. */
import { crc32 } from 'node:zlib'

/** The largest event that the API can be set to accept is larger; one that large is published on its own. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024

export type Line = {
  /** Its number in the whole input, from 1. */
  readonly number: number
  /** Where it begins in the whole input, in bytes. */
  readonly start: number
  /** Where the next one begins. */
  readonly end: number
  /** A checksum, to tell whether an input is still the same. 0 for a line that is too long. */
  readonly checksum: number
  /** Without its line break. Null if it can't be read; `fault` then says why. */
  readonly text: string | null
  readonly fault: string | null
}

/** A place in the input: the number of a line, and where it begins. */
export type LineStart = { readonly number: number; readonly start: number }

const BREAK = 0x0a
const UTF16 = /^(?:\ufffe|\ufeff)/

/** @param first the line that the input begins with. Default: the first one of all */
export async function* readLines(
  pieces: AsyncIterable<Uint8Array>,
  first: LineStart = { number: 1, start: 0 },
  maxBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<Line, void> {
  let { number, start } = first
  let parts: Uint8Array[] = []
  let length = 0
  const line = (endOfText: number, end: number): Line => {
    const made = { number, start, end, ...contentOf(parts, endOfText - start, maxBytes, number === 1) }
    parts = []
    length = 0
    number++
    start = end
    return made
  }
  let at = start
  for await (const piece of pieces) {
    for (let from = 0; from < piece.length; ) {
      const found = piece.indexOf(BREAK, from)
      const to = found < 0 ? piece.length : found
      // Of a line that is too long, nothing more is kept than what shows that it is.
      if (length <= maxBytes && to > from) {
        const part = piece.subarray(from, to)
        length += part.length
        parts.push(part)
      }
      at += to - from
      if (found >= 0) yield line(at, ++at)
      from = to + 1
    }
  }
  if (at > start) yield line(at, at)
}

function contentOf(parts: readonly Uint8Array[], length: number, maxBytes: number, isFirst: boolean) {
  if (length > maxBytes) {
    return { checksum: 0, text: null, fault: `it is longer than ${maxBytes / 1024 / 1024} MiB` }
  }
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  const checksum = crc32(bytes)
  try {
    // The decoder leaves a byte order mark at the beginning out.
    return { checksum, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), fault: null }
  } catch {
    const isUtf16 = isFirst && UTF16.test(String.fromCharCode((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)))
    return { checksum, text: null, fault: isUtf16 ? 'the input is UTF-16: convert it to UTF-8' : 'it is not UTF-8' }
  }
}
