/** What a caller looks for in payloads: a filter in the language of endpoints' filters, a text, or both. */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../../base/errors.ts'
import type { PayloadFilter } from '../../base/model.ts'
import { checkFilter, compileFilter } from '../../catalogue/filter.ts'
import { parseInTurns } from '../../publish/payload-parsing.ts'
import type { Turns } from '../../publish/turns.ts'

/** Large payloads are parsed in turns. */
export type PayloadTest = (payload: Buffer, turns: Turns) => Promise<boolean>

export type PayloadInput = {
  /** A filter, not checked yet. Undefined: none. */
  readonly filter?: unknown
  /** A text that is in the payload. Undefined: none. */
  readonly text?: string | undefined
}

const MAX_TEXT_CHARACTERS = 256

/** null: any payload. Appends what is wrong to `faults`, with the names of the parameters. */
export function createPayloadTest({ filter, text }: PayloadInput, faults: FieldError[]): PayloadTest | null {
  const before = faults.length
  if (filter !== undefined) checkFilter(filter, 'filter', faults)
  if (text !== undefined) checkText(text, faults)
  if (faults.length > before || (filter === undefined && text === undefined)) return null
  const passes = filter === undefined ? null : compileFilter(filter as PayloadFilter)
  const needle = Buffer.from(text ?? '')
  const includes: PayloadTest = async (payload, turns) => text === undefined || hasText(payload, text, needle, turns)
  if (passes === null) return includes
  return async (payload, turns) => {
    const value = await parseInTurns(payload, turns)
    return value !== undefined && passes(value) && includes(payload, turns)
  }
}

function checkText(text: string, faults: FieldError[]): void {
  if (text !== '' && text.length <= MAX_TEXT_CHARACTERS && text.isWellFormed()) return
  faults.push({ field: 'text', detail: `The text must have 1 to ${MAX_TEXT_CHARACTERS} characters.` })
}

const BACKSLASH = 0x5c

/** Whether the payload has the text, as it was published or, where that has escape sequences, as its strings read. */
async function hasText(payload: Buffer, text: string, needle: Buffer, turns: Turns): Promise<boolean> {
  if (payload.includes(needle)) return true
  return payload.includes(BACKSLASH) && inStrings(await parseInTurns(payload, turns), text)
}

function inStrings(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, inner]) => name.includes(text) || inStrings(inner, text))
}
