/**
 * Cuts the body of `POST /v1/tenants/{tenant}/events` into events: one object `{type, key?, payload}` or an array of
 * them. A payload is sent as it was published, byte for byte (C5), so it is never serialised again:
 * `base/json-scanner.ts` finds where it begins and ends in the request's bytes, and `JSON.parse` gives the value to
 * validate.
 *
 * One pass over the bytes, then one `JSON.parse` of the whole body. Both must agree on the content, or a receiver could
 * read something other than what was validated. So no key can occur twice in one object. Counting finds duplicates: the
 * parsed tree has as many properties as the scanner saw members, unless `JSON.parse` has dropped one. Only then are
 * keys collected, to name the duplicate. `JSON.parse` makes `__proto__` an ordinary own property, so it is counted like
 * any other.
 *
 * Like `JSON.parse`, this accepts lone surrogates written as escapes (`"\ud800"`) and numbers of any size.
 */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../base/errors.ts'
import { parseExactly } from '../base/exact-json.ts'
import {
  type CutError,
  type CutLimits,
  Fault,
  fail,
  pointerToken,
  type Scan,
  scanBody,
  startScan,
} from '../base/json-scanner.ts'
import { describeUnknown } from '../base/nearest.ts'

export type CutEvent = {
  /** Index in the array, 0 for a single event. */
  readonly index: number
  readonly type: string
  /** The publisher's own key of the event, if given. */
  readonly key: string | undefined
  /** Whether the key was given as `id`, its deprecated name. */
  readonly usesId: boolean
  /** The payload's bytes without surrounding white space. A view of the body, not a copy. */
  readonly payload: Uint8Array
  /** The payload, parsed. */
  readonly value: unknown
}

export type Cut = {
  /** Whether the body is an array. */
  readonly batch: boolean
  /** The well-formed events, in the body's order. */
  readonly events: readonly CutEvent[]
  /** What is wrong with the other elements, every one of them. */
  readonly errors: readonly FieldError[]
}

/** The members of an event in a request, but for `id`, the deprecated name of `key`. */
const MEMBERS: readonly string[] = ['type', 'key', 'payload']
/** Maximum number of unknown members named for one event, to keep the response small. */
const MAX_UNKNOWN_NAMED = 8
/** Maximum length of an event type's name. */
const MAX_TYPE_CHARACTERS = 128
const MAX_KEY_CHARACTERS = 255
/** Prefix of the keys of operational events. If another event used such a key, the operational one would be refused. */
const OPERATIONAL_KEYS = 'posthorn:'

/** Cuts a body. Never throws, whatever the bytes are. */
export function cutEvents(body: Uint8Array, limits: CutLimits = {}): Cut | { readonly error: CutError } {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  try {
    const scan = startScan(bytes, limits, false)
    scanBody(scan)
    const root = parse(scan)
    if (countProperties(root) !== scan.members) failOnDuplicate(bytes, limits)
    return pickEvents(body, scan, root)
  } catch (error) {
    if (error instanceof Fault) return { error: error.error }
    throw error
  }
}

function failOnDuplicate(bytes: Buffer, limits: CutLimits): never {
  const scan = startScan(bytes, limits, true)
  scanBody(scan)
  return fail(scan, 'duplicate_key', 0, 'A key occurs twice in one object', 0)
}

function parse(scan: Scan): unknown {
  try {
    return parseExactly(scan.bytes, scan.hasEscapedKey)
  } catch {
    // Never observed, and the property tests look for it. The scanner alone must not decide what is sent.
    return fail(scan, 'bad_json', 0, 'The body is not valid JSON', 0)
  }
}

/** Counts the properties of all objects in a parsed tree, whose depth the scanner has bounded. */
function countProperties(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner: unknown[] = Array.isArray(value) ? value : Object.values(value)
  let count = inner === value ? 0 : inner.length
  for (const one of inner) if (typeof one === 'object' && one !== null) count += countProperties(one)
  return count
}

function pickEvents(body: Uint8Array, scan: Scan, root: unknown): Cut {
  const batch = Array.isArray(root)
  const elements: unknown[] = batch ? root : [root]
  const events: CutEvent[] = []
  const errors: FieldError[] = []
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index]
    const start = scan.starts[index]!
    const found = errors.length
    const isBare = checkElement(element, start >= 0, batch ? `/${index}` : '', errors)
    if (errors.length > found) continue
    const { type, payload: value } = element as { type: string; payload: unknown }
    const payload = body.subarray(start, scan.ends[index])
    // Looking for members that are not there costs as much as reading those that are.
    if (isBare) events.push({ index, type, key: undefined, usesId: false, payload, value })
    else {
      const { key, id } = element as { key?: string; id?: string }
      events.push({ index, type, key: key ?? id, usesId: key === undefined, payload, value })
    }
  }
  return { batch, events, errors }
}

/** Returns whether the element has no members besides type and payload. */
function checkElement(element: unknown, hasPayload: boolean, at: string, errors: FieldError[]): boolean {
  if (typeof element !== 'object' || element === null || Array.isArray(element)) {
    errors.push({ field: at, detail: 'An event must be an object with type, payload and, optionally, key.' })
    return true
  }
  const { type } = element as { type?: unknown }
  const typeFault = type === undefined ? 'The type is missing.' : faultOfType(type)
  if (typeFault !== undefined) errors.push({ field: `${at}/type`, detail: typeFault })
  if (!hasPayload) errors.push({ field: `${at}/payload`, detail: 'The payload is missing.' })
  const names = Object.keys(element)
  const others = names.length - (type === undefined ? 0 : 1) - (hasPayload ? 1 : 0)
  if (others > 0) checkOthers(element, names, others, at, errors)
  return others === 0
}

/** Checks the members besides type and payload, of which there are `count`. */
function checkOthers(element: object, names: readonly string[], count: number, at: string, errors: FieldError[]): void {
  const { key, id } = element as { key?: unknown; id?: unknown }
  if (key !== undefined) checkKey(key, 'key', `${at}/key`, errors)
  if (id !== undefined) {
    if (key === undefined) checkKey(id, 'id', `${at}/id`, errors)
    else if (id !== key) errors.push({ field: `${at}/id`, detail: OTHER_ID })
  }
  const keys = (key === undefined ? 0 : 1) + (id === undefined ? 0 : 1)
  if (count > keys) nameUnknown(names, at, errors)
}

function faultOfType(type: unknown): string | undefined {
  if (typeof type !== 'string' || type === '') return 'The type must be the name of an event type.'
  if (type.length > MAX_TYPE_CHARACTERS) return `The type can have at most ${MAX_TYPE_CHARACTERS} characters.`
  return undefined
}

const OTHER_ID =
  'The id is the deprecated name of the key, and differs from the key that is given too. Send only the key.'

/**
 * Keys are compared byte for byte and appear in logs, so: printable ASCII only, without a space at either end.
 *
 * @param name what the publisher calls it
 */
function checkKey(key: unknown, name: 'key' | 'id', field: string, errors: FieldError[]): void {
  if (typeof key !== 'string' || key.length === 0 || key.length > MAX_KEY_CHARACTERS) {
    errors.push({ field, detail: `The ${name} must be a string of 1 to ${MAX_KEY_CHARACTERS} characters.` })
    return
  }
  if (key.startsWith(OPERATIONAL_KEYS)) {
    const detail = `Keys that start with ${OPERATIONAL_KEYS} are reserved for Posthorn's own events. Choose another key.`
    errors.push({ field, detail })
    return
  }
  const position = key.search(/[^ -~]|^ | $/)
  if (position < 0) return
  const detail = `The ${name} can contain only printable ASCII characters, without a space at either end.`
  errors.push({ field, detail, position })
}

function nameUnknown(names: readonly string[], at: string, errors: FieldError[]): void {
  const unknown = names.filter(name => !MEMBERS.includes(name) && name !== 'id')
  for (const name of unknown.slice(0, MAX_UNKNOWN_NAMED)) {
    const detail = describeUnknown('field', name, MEMBERS)
    errors.push({ field: `${at}/${pointerToken(name)}`, detail, reason: 'unknown' })
  }
  const more = unknown.length - MAX_UNKNOWN_NAMED
  if (more > 0) errors.push({ field: at, detail: `The event has ${more} more unknown fields.`, reason: 'unknown' })
}
