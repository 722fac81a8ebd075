/** What a schema's own keywords say about single numbers and strings, without the schemas in it. */
import {
  hasNumbers,
  type Interval,
  intersect,
  NOTHING,
  type Strings,
  type TextFact,
  valuesInRange,
} from './filter/values.ts'
import { canBegin } from './pattern-beginning.ts'
import { fitsFormat } from './schema-formats.ts'
import type { Keywords } from './schema-parts.ts'

/** Patterns are the operator's, strings a tenant's: a long one could take a pattern very long. */
const MAX_MATCHED = 256
/** As the validator has it: a number this close to a multiple is one. */
const PRECISION = 1e-9
/** Below it, quotients are exact enough to tell multiples apart. */
const MAX_QUOTIENT = 1e6
const MAX_WHOLE_STEP = 1e6
const MAX_WHOLE_QUOTIENT = 1e9

/** What all strings of these formats match. */
const PATTERNS: Readonly<Record<string, string>> = {
  uuid: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  date: '^\\d{4}-\\d{2}-\\d{2}$',
  'date-time': '^\\d{4}-\\d{2}-\\d{2}[Tt]',
}

/** Of these numbers, at least those that the schema allows. */
export function allowedNumbers(schema: Keywords, numbers: readonly Interval[]): readonly Interval[] {
  const { minimum: gte, exclusiveMinimum: gt, maximum: lte, exclusiveMaximum: lt } = schema
  const inRange = intersect({ ...NOTHING, numbers }, valuesInRange({ gte, gt, lte, lt })).numbers
  return inRange.flatMap(each => {
    if (each.from === each.to) return fitsNumber(schema, each.from) ? [each] : []
    const narrowed = isWhole(schema) ? wholeNumbers(each, schema.multipleOf) : each
    return hasNumbers(narrowed) && mayHaveMultiple(narrowed, schema.multipleOf) ? [narrowed] : []
  })
}

function isWhole({ type }: Keywords): boolean {
  const types = [type].flat()
  return types.includes('integer') && !types.includes('number')
}

function fitsNumber(schema: Keywords, value: number): boolean {
  if (isWhole(schema) && !Number.isInteger(value)) return false
  const { multipleOf, format } = schema
  if (typeof multipleOf === 'number') {
    const quotient = value / multipleOf
    if (Math.abs(Math.round(quotient) - quotient) > PRECISION) return false
  }
  return typeof format !== 'string' || fitsFormat(format, value)
}

/** Moves the ends inwards to whole numbers, or to whole multiples. */
function wholeNumbers(interval: Interval, multipleOf: unknown): Interval {
  const isStep = Number.isInteger(multipleOf) && (multipleOf as number) <= MAX_WHOLE_STEP
  const step = isStep ? (multipleOf as number) : 1
  const canMove = (end: number) => Math.abs(end / step) < MAX_WHOLE_QUOTIENT
  let { from, to, fromOpen, toOpen } = interval
  if (canMove(from)) {
    const least = Math.ceil(from / step) * step
    from = least === from && fromOpen ? least + step : least
    fromOpen = false
  }
  if (canMove(to)) {
    const most = Math.floor(to / step) * step
    to = most === to && toOpen ? most - step : most
    toOpen = false
  }
  return { from, to, fromOpen, toOpen }
}

function mayHaveMultiple({ from, to }: Interval, multipleOf: unknown): boolean {
  if (typeof multipleOf !== 'number') return true
  const [least, most] = [from / multipleOf, to / multipleOf]
  if (!(Math.abs(least) < MAX_QUOTIENT && Math.abs(most) < MAX_QUOTIENT)) return true
  return Math.ceil(least - 2 * PRECISION) <= most + 2 * PRECISION
}

/** Of these strings, at least those that the schema allows. */
export function allowedStrings(schema: Keywords, strings: Strings): Strings {
  if ('only' in strings) return { only: new Set([...strings.only].filter(each => fitsText(schema, each))) }
  return strings.tests.every(test => mayFit(schema, test)) ? strings : { only: new Set() }
}

function fitsText(schema: Keywords, value: string): boolean {
  if (!isWithin(schema, { shortest: lengthOf(value), longest: lengthOf(value) })) return false
  if (value.length > MAX_MATCHED) return true
  const { pattern, format } = schema
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value)) return false
  return typeof format !== 'string' || fitsFormat(format, value)
}

/** Whether a string that passes the test could be allowed. */
function mayFit(schema: Keywords, test: TextFact): boolean {
  if (!isWithin(schema, test)) return false
  const { pattern, format } = schema
  const ofFormat = typeof format === 'string' && Object.hasOwn(PATTERNS, format) ? PATTERNS[format] : undefined
  const { starts } = test
  if (starts === undefined) return true
  return [pattern, ofFormat].every(each => typeof each !== 'string' || starts.some(start => canBegin(each, start)))
}

function isWithin({ minLength, maxLength }: Keywords, { shortest, longest }: Partial<TextFact>): boolean {
  if (typeof maxLength === 'number' && shortest !== undefined && shortest > maxLength) return false
  return !(typeof minLength === 'number' && longest !== undefined && longest < minLength)
}

const lengthOf = (text: string): number => Array.from(text).length
