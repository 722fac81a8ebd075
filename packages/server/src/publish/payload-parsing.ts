/** Parses stored payloads without keeping the main thread for long. */
import { Buffer } from 'node:buffer'
import { parseExactly } from '../base/exact-json.ts'
import { SlicedParse } from '../base/json-slices.ts'

/** Larger payloads are parsed in slices: others take `JSON.parse` two milliseconds or three at worst. */
export const MAX_WHOLE_BYTES = 32_768
/** Between two looks at the time. */
export const STEPS_A_SLICE = 4_000

const ESCAPED_START = Buffer.from('"\\')

export function parseWhole(payload: Uint8Array): unknown {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  return parseExactly(bytes, bytes.includes(ESCAPED_START))
}

/** Undefined if it is not JSON: the payload is no longer kept, or was rejected for that. */
export type Parsed = { readonly value: unknown }

/** Begins to parse a payload. What it returns is called until it has a result, and takes about a millisecond each time. */
export function beginParse(payload: Uint8Array): () => Parsed | undefined {
  const parse = payload.length > MAX_WHOLE_BYTES ? new SlicedParse(payload) : undefined
  return () => {
    try {
      if (parse === undefined) return { value: parseWhole(payload) }
      return parse.continue(STEPS_A_SLICE) ? parse : undefined
    } catch (error) {
      if (error instanceof SyntaxError) return { value: undefined }
      throw error
    }
  }
}
