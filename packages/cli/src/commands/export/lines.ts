/** Lines of an export, as bytes: payloads stay what they were published as. */

const NEW_LINE = 10

/** Complete lines, each with its line break. What follows the last one is left out: it was cut off. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  // Kept in parts: to join them at every piece would take quadratic time for a long line.
  let parts: Buffer[] = []
  for await (const piece of pieces) {
    let rest = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    for (let at = rest.indexOf(NEW_LINE); at >= 0; at = rest.indexOf(NEW_LINE)) {
      parts.push(rest.subarray(0, at + 1))
      yield parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      parts = []
      rest = rest.subarray(at + 1)
    }
    if (rest.length > 0) parts.push(rest)
  }
}

export type LineHead = {
  readonly kind: string
  /** Of an event, a delivery or an endpoint. Null for other lines. */
  readonly id: string | null
}

/** What a line is, by its beginning: `kind` is the first member of each, and `id` the next where there is one. */
export function headOf(line: Buffer): LineHead | null {
  const start = line.subarray(0, 120).toString('latin1')
  const found = /^\{"kind":"(\w+)"(?:,"id":"([\w.:@-]+)")?/.exec(start)
  return found === null ? null : { kind: found[1]!, id: found[2] ?? null }
}
