import { SlicedParse } from './json-slices.ts'

/**
 * The same as `JSON.parse`, but for a fault of V8 (seen in Node 24): it compares a key that begins with an escape in its
 * raw form with the key that it expects there, and so reads `\n` as `\` after an object with the key `\`.
 *
 * @param hasEscapedKey whether a key might begin with an escape
 */
export function parseExactly(bytes: Uint8Array, hasEscapedKey: boolean): unknown {
  if (!hasEscapedKey) return JSON.parse(textOf(bytes))
  const parse = new SlicedParse(bytes)
  while (!parse.continue(Number.MAX_SAFE_INTEGER)) {}
  return parse.value
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
