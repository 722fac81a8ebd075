/**
 * The JSON of all calls but publishing, which cuts its own (publish/cut.ts). Strict where JSON.parse is lenient: what two
 * readers could understand differently is refused.
 */
import { type Buffer, isUtf8 } from 'node:buffer'
import { PosthornError } from '../../base/errors.ts'

/** Objects and arrays inside one another: as deep as an event type's schema may be, and the body around it. */
const MAX_DEPTH = 66

/** The value of a body; undefined for an empty one. Throws PosthornError, never with a part of the body in it. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw badJson('The body is not UTF-8.')
  const text = body.toString()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Its message would quote the body, secrets included.
    throw badJson('The body is not JSON.')
  }
  const { members, depth, lostNumber } = measure(text)
  if (lostNumber !== undefined) {
    const detail = `The number ${lostNumber} would not be kept as it is: write one that a double can hold, or a text.`
    throw new PosthornError('invalid', detail, { fields: [{ field: '', detail, reason: 'number' }] })
  }
  if (depth > MAX_DEPTH) throw badJson(`The body has more than ${MAX_DEPTH} objects and arrays inside one another.`)
  if (countProperties(value) !== members) {
    const detail = 'A name is there twice in one object.'
    throw new PosthornError('invalid', detail, { fields: [{ field: '', detail, reason: 'duplicate_key' }] })
  }
  return value
}

type Measures = {
  readonly members: number
  readonly depth: number
  /** The first number, shortened, that is too large or has more digits than survive being read. */
  readonly lostNumber: string | undefined
}

/** How many members all objects have, how deep they lie, and which number is lost, in a text that is known to be JSON. */
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

/** An integer with other digits after it was read, or a number that became infinite. */
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
    // An own property after JSON.parse, and a trap wherever somebody copies it by assignment.
    if (Object.hasOwn(value, '__proto__')) throw badJson('No object may have a member called "__proto__".')
    for (const inner of Object.values(value)) count += 1 + countProperties(inner)
  }
  return count
}

function badJson(detail: string): PosthornError {
  return new PosthornError('bad_json', detail)
}

/** A body that is compressed is not the JSON that it says it is. */
export function refuseEncoding(encoding: string | undefined): PosthornError | undefined {
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return undefined
  return new PosthornError('unsupported_media_type', 'Send the body as it is, without a content-encoding.')
}
