/** What a caller looks for in payloads: a filter in the language of endpoints' filters, a text, or both. */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../../base/errors.ts'
import { KeptFilter, type Work } from '../../catalogue/contents.ts'
import { Progress } from '../../catalogue/filter/progress.ts'
import { checkFilter } from '../../catalogue/filter.ts'
import { beginParse, type Parsed } from '../../publish/payload-parsing.ts'

/** Begins to test a payload. What it returns is called until it has a result, and takes about a millisecond each time. */
export type PayloadTest = (payload: Buffer) => () => boolean | undefined

export type PayloadInput = {
  /** A filter, not checked yet. Undefined: none. */
  readonly filter?: unknown
  /** A text that is in the payload. Undefined: none. */
  readonly text?: string | undefined
}

const MAX_TEXT_CHARACTERS = 256
/** The caller measures the time. */
const UNLIMITED: Work = { left: Number.POSITIVE_INFINITY }

/** null: any payload. Appends what is wrong to `faults`, with the names of the parameters. */
export function createPayloadTest({ filter, text }: PayloadInput, faults: FieldError[]): PayloadTest | null {
  const before = faults.length
  if (filter !== undefined) checkFilter(filter, 'filter', faults)
  if (text !== undefined) checkText(text, faults)
  if (faults.length > before || (filter === undefined && text === undefined)) return null
  const kept = filter === undefined ? null : new KeptFilter(JSON.stringify(filter))
  const needle = Buffer.from(text ?? '')
  const testText: PayloadTest = payload => beginTextTest(payload, text, needle)
  if (kept === null) return testText
  return payload => {
    const parse = beginParse(payload)
    const progress = new Progress()
    let parsed: Parsed | undefined
    let hasText: ReturnType<PayloadTest> | undefined
    return () => {
      if (hasText !== undefined) return hasText()
      parsed ??= parse()
      if (parsed === undefined) return undefined
      if (parsed.value === undefined) return false
      const passes = kept.passes(parsed.value, UNLIMITED, progress)
      if (passes !== true) return passes
      hasText = testText(payload)
      return hasText()
    }
  }
}

function checkText(text: string, faults: FieldError[]): void {
  if (text !== '' && text.length <= MAX_TEXT_CHARACTERS && text.isWellFormed()) return
  faults.push({ field: 'text', detail: `The text must have 1 to ${MAX_TEXT_CHARACTERS} characters.` })
}

const BACKSLASH = 0x5c

/** Whether the payload has the text, as it was published or, where that has escape sequences, as its strings read. */
function beginTextTest(payload: Buffer, text: string | undefined, needle: Buffer): ReturnType<PayloadTest> {
  if (text === undefined || payload.includes(needle)) return () => true
  if (!payload.includes(BACKSLASH)) return () => false
  const parse = beginParse(payload)
  return () => {
    const parsed = parse()
    return parsed && inStrings(parsed.value, text)
  }
}

function inStrings(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, inner]) => name.includes(text) || inStrings(inner, text))
}
