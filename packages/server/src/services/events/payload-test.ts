/** What a caller looks for in payloads: a filter in the language of endpoints' filters, a text, or both. */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../../base/errors.ts'
import type { PayloadFilter } from '../../base/model.ts'
import { checkFilter, compileFilter } from '../../catalogue/filter.ts'

export type PayloadTest = (payload: Buffer) => boolean

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
  const includes = (payload: Buffer) => text === undefined || hasText(payload, text, needle)
  if (passes === null) return includes
  return payload => {
    const value = parse(payload)
    return value !== undefined && passes(value) && includes(payload)
  }
}

function checkText(text: string, faults: FieldError[]): void {
  if (text !== '' && text.length <= MAX_TEXT_CHARACTERS && text.isWellFormed()) return
  faults.push({ field: 'text', detail: `The text must have 1 to ${MAX_TEXT_CHARACTERS} characters.` })
}

/** Undefined if the payload is not JSON, which only a rejected one can be. */
function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return undefined
  }
}

const BACKSLASH = 0x5c

/** Whether the payload has the text, as it was published or, where that has escape sequences, as its strings read. */
function hasText(payload: Buffer, text: string, needle: Buffer): boolean {
  return payload.includes(needle) || (payload.includes(BACKSLASH) && inStrings(parse(payload), text))
}

function inStrings(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, inner]) => name.includes(text) || inStrings(inner, text))
}
