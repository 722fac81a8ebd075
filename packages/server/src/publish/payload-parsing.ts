/** Parses stored payloads without keeping the main thread for long. */
import { Buffer } from 'node:buffer'
import { SlicedParse } from '../base/json-slices.ts'
import { TURN_MS, type Turns } from './turns.ts'

/** Larger payloads are parsed in slices: others take `JSON.parse` two milliseconds or three at worst. */
export const MAX_WHOLE_BYTES = 32_768
/** Between two looks at the time. */
export const STEPS_A_SLICE = 4_000

export const parseWhole = (payload: Uint8Array): unknown => JSON.parse(Buffer.from(payload).toString())

/** Undefined if it is not JSON: the payload is no longer kept, or was rejected for that. */
export async function parseInTurns(payload: Uint8Array, turns: Turns): Promise<unknown> {
  try {
    if (payload.length <= MAX_WHOLE_BYTES) return parseWhole(payload)
    const parse = new SlicedParse(payload)
    while (!parse.continue(STEPS_A_SLICE)) await turns.pauseAfter(TURN_MS)
    return parse.value
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
