/**
 * Parses the JSON bodies of all calls except publishing, which has its own parser (publish/cut.ts). Stricter than
 * JSON.parse: refuses anything that two parsers could read differently.
 */
import { type Buffer, isUtf8 } from 'node:buffer'
import { describeByteOrderMark } from '../../base/byte-order-mark.ts'
import { PosthornError } from '../../base/errors.ts'

/** Nesting of objects and arrays: the maximum for an event type's schema, plus the body around it. */
const MAX_DEPTH = 66

/**
 * The value of a body; undefined for an empty one. Throws PosthornError, which quotes at most a number that doesn't
 * fit.
 *
 * @param what what it is called in refusals, at the beginning of a sentence
 */
export function parseJson(body: Buffer, what = 'The request body'): unknown {
  if (body.length === 0) return undefined
  const marked = describeByteOrderMark(body, what)
  if (marked !== undefined) throw badJson(marked)
  if (!isUtf8(body)) throw badJson(`${what} is not valid UTF-8.`)
  const text = body.toString()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The message of the original error would quote the body, including secrets.
    throw badJson(`${what} is not valid JSON.`)
  }
  const { members, depth, lostNumber } = measure(text)
  if (lostNumber !== undefined) {
    const detail = `The number ${lostNumber} does not fit into a double. Send a number that does, or a string.`
    throw new PosthornError('invalid', detail, { fields: [{ field: '', detail, reason: 'number' }] })
  }
  if (depth > MAX_DEPTH) throw badJson(`${what} is nested more than ${MAX_DEPTH} levels deep.`)
  if (countProperties(value) !== members) {
    const detail = 'An object has two members with the same name.'
    throw new PosthornError('invalid', detail, { fields: [{ field: '', detail, reason: 'duplicate_key' }] })
  }
  return value
}

type Measures = {
  readonly members: number
  readonly depth: number
  /** The first number, shortened, that is too large or loses digits when parsed. */
  readonly lostNumber: string | undefined
}

/** Counts the members of all objects and measures the nesting depth. `text` must be valid JSON. */
function measure(text: string): Measures {
  let lostNumber: string | undefined
  let members = 0
  let level = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === ':') members++
    else if (character === '{' || character === '[') depth = Math.max(depth, ++level)
    else if (character === '}' || character === ']') level--
    else if (character === '-' || (character! >= '0' && character! <= '9')) {
      const end = endOfNumber(text, at)
      if (lostNumber === undefined && isLost(text.slice(at, end))) lostNumber = text.slice(at, Math.min(end, at + 32))
      at = end - 1
    }
  }
  return { members, depth, lostNumber }
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && '0123456789+-.eE'.includes(text[end]!)) end++
  return end
}

/** Whether parsing changes an integer's digits or makes a number infinite. */
function isLost(number: string): boolean {
  const value = Number(number)
  if (!Number.isFinite(value)) return true
  return /^-?\d{16,}$/.test(number) && BigInt(value) !== BigInt(number)
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function countProperties(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) for (const inner of value) count += countProperties(inner)
  else {
    // JSON.parse makes it an own property, but copying it by assignment would set the prototype.
    if (Object.hasOwn(value, '__proto__')) throw badJson('An object must not have a member named "__proto__".')
    for (const inner of Object.values(value)) count += 1 + countProperties(inner)
  }
  return count
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
