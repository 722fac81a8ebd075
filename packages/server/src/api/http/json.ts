/**
 * Parses the JSON bodies of all calls except publishing, which has its own parser (publish/cut.ts). Stricter than
 * JSON.parse: refuses anything that two parsers could read differently.
 */

import { type Buffer, isUtf8 } from 'node:buffer'
import { describeByteOrderMark } from '../../base/byte-order-mark.ts'
import { formatCount } from '../../base/counts.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { endOfString, isLost, odditiesOf } from './json-oddities.ts'

/** Nesting of objects and arrays: the maximum for an event type's schema, plus the body around it. */
const MAX_DEPTH = 66
const MAX_FAULTS = 20
/** Parsing and checking takes up to a microsecond for each. A filter trial with many payloads can have most. */
const MAX_VALUES = 20_000

/**
 * The value of a body; undefined for an empty one. Throws PosthornError, which quotes at most a number that doesn't
 * fit and the names of members.
 *
 * @param what what it is called in refusals, at the beginning of a sentence
 * @param payloadsIn a member of the body that holds payloads: in it, numbers and `__proto__` are read as in publishing
 */
export function parseJson(body: Buffer, what = 'The request body', payloadsIn?: string): unknown {
  if (body.length === 0) return undefined
  const marked = describeByteOrderMark(body, what)
  if (marked !== undefined) throw badJson(marked)
  if (!isUtf8(body)) throw badJson(`${what} is not valid UTF-8.`)
  const { members, values, depth, losesNumber } = measure(body)
  if (values > MAX_VALUES) throw depth > MAX_DEPTH ? tooDeep(what) : tooMany(what)
  const text = body.toString()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The message of the original error would quote the body, including secrets.
    throw badJson(hasMarkWithin(text) ? `${what} ${MARK_WITHIN}` : `${what} is not valid JSON.`)
  }
  if (depth > MAX_DEPTH) throw tooDeep(what)
  const { properties, hasProto } = inspect(value)
  if (losesNumber || hasProto || properties !== members) refuseOddities(text, payloadsIn)
  return value
}

/** Throws if there are any. */
function refuseOddities(text: string, payloadsIn: string | undefined): void {
  const fields: FieldError[] = []
  for (const { kind, text: found, pointer } of odditiesOf(text, payloadsIn)) {
    // JSON.parse makes it an own property, but copying it by assignment would set the prototype.
    if (kind === 'proto') throw badJson('An object must not have a member named "__proto__".')
    const detail =
      kind === 'number'
        ? `The number ${found.slice(0, 32)} does not fit into a double. Send a number that does, or a string.`
        : 'An object has two members with the same name.'
    fields.push({ field: pointer, detail, reason: kind === 'number' ? 'number' : 'duplicate_key' })
    if (fields.length === MAX_FAULTS) break
  }
  const [first] = fields
  if (first === undefined) return
  const detail = fields.length === 1 ? first.detail : `${fields.length} values are invalid.`
  throw new PosthornError('invalid', detail, { fields })
}

const MARK = '\ufeff'
const MARK_WITHIN =
  'has a byte order mark (the bytes EF BB BF) outside strings, so it is not valid JSON. Remove the mark.'

/** Whether a text that is not valid JSON has a byte order mark outside its strings. */
function hasMarkWithin(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === MARK) return true
    if (text[at] === '"') at = endOfString(text, at)
  }
  return false
}

type Measures = {
  /** Of all objects. */
  readonly members: number
  /** About how many values there are: strings, numbers, arrays, objects and so on. */
  readonly values: number
  readonly depth: number
  /** Whether a number is too large, or loses digits when parsed. */
  readonly losesNumber: boolean
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Integers of fewer digits fit into a double. */
const SAFE_DIGITS = 15

/** Measures a text before it is parsed. If it is not valid JSON, the result means nothing but how much there is of it. */
function measure(bytes: Buffer): Measures {
  let [members, values, level, depth, losesNumber] = [0, 1, 0, 0, false]
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++
        break
      case 0x3a: // :
        members++
        break
      case 0x2c: // ,
        values++
        break
      case 0x7b: // {
      case 0x5b: // [
        values++
        if (++level > depth) depth = level
        break
      case 0x7d: // }
      case 0x5d: // ]
        level--
        break
      default: {
        const end = endOfDigits(bytes, at)
        if (end === at) break
        losesNumber ||= end - at > SAFE_DIGITS && isLost(bytes.toString('latin1', at, end))
        losesNumber ||= isExponential(bytes, at, end) && isLost(bytes.toString('latin1', at, end))
        at = end - 1
      }
    }
    // The rest would only be more.
    if (values > MAX_VALUES) break
  }
  return { members, values, depth, losesNumber }
}

/** The end of a number that begins here. If none does, this place. */
function endOfDigits(bytes: Buffer, start: number): number {
  let at = start
  for (let code = bytes[at]; code !== undefined && isInNumber(code, at > start); code = bytes[at]) at++
  return at
}

const isInNumber = (code: number, isInside: boolean): boolean =>
  (code >= 0x30 && code <= 0x39) ||
  code === 0x2d ||
  (isInside && (code === 0x2e || code === 0x2b || code === 0x65 || code === 0x45))

function isExponential(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === 0x65 || bytes[at] === 0x45) return true
  return false
}

/** Counts the properties of all objects in a value whose depth is bounded. */
function inspect(value: unknown): { readonly properties: number; readonly hasProto: boolean } {
  let properties = 0
  let hasProto = false
  const visit = (inner: unknown): void => {
    if (typeof inner !== 'object' || inner === null) return
    const values: unknown[] = Array.isArray(inner) ? inner : Object.values(inner)
    if (values !== inner) {
      properties += values.length
      hasProto ||= Object.hasOwn(inner, '__proto__')
    }
    for (const each of values) visit(each)
  }
  visit(value)
  return { properties, hasProto }
}

const tooDeep = (what: string) => badJson(`${what} is nested more than ${MAX_DEPTH} levels deep.`)

function tooMany(what: string): PosthornError {
  const detail = `${what} has more than ${formatCount(MAX_VALUES)} values. Send less at a time.`
  return new PosthornError('body_too_large', detail)
}

function badJson(detail: string): PosthornError {
  return new PosthornError('bad_json', detail)
}

/** Refuses compressed bodies: they are not the JSON that their content type says. */
export function refuseEncoding(encoding: string | undefined): PosthornError | undefined {
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return undefined
  return new PosthornError(
    'unsupported_media_type',
    'Send the request body uncompressed, without a Content-Encoding header.',
  )
}
