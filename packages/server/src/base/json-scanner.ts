/**
 * A strict scanner of JSON (RFC 8259) in UTF-8, for the one shape that publishing takes: an event or an array of
 * events. It finds where each event's payload begins and ends, counts the members of all objects, and reports where the
 * first error is. It builds no values: `publish/cut.ts` does that with `JSON.parse`, and compares.
 *
 * Most bytes of an event are inside strings: keep the loop of `scanString` minimal.
 */

import { Buffer, isUtf8 } from 'node:buffer'
import { describeByteOrderMark, isMarkAt } from './byte-order-mark.ts'
import { formatCount } from './counts.ts'

export type CutLimits = {
  /** Maximum nesting of a payload, itself included. Default: 64; at most 1,000 (stack). */
  readonly maxDepth?: number
  /** Maximum elements of an array of events. Default: 1,000. */
  readonly maxBatch?: number
  /** Maximum bytes of one payload. Default: the size of the body. */
  readonly maxPayloadBytes?: number
  /** The offset from which the position of an error is counted, in bytes. Default: 0, the start of the body. */
  readonly firstByte?: number
}

export type CutErrorKind =
  /** Not valid JSON (RFC 8259), or empty. */
  | 'bad_json'
  | 'bad_utf8'
  /** A byte order mark before the JSON, or within it. */
  | 'bom'
  | 'too_deep'
  | 'duplicate_key'
  /** JSON, but neither an object nor an array. */
  | 'wrong_shape'
  | 'too_many_events'
  | 'payload_too_large'

/** Why the body could not be cut into events. */
export type CutError = {
  readonly kind: CutErrorKind
  /** One sentence, including the position. */
  readonly detail: string
  /** The position in the body, in bytes from 0 or from `firstByte`. */
  readonly offset: number
  /** The innermost value around that position, as a JSON Pointer into the body. */
  readonly pointer: string
}

/** Longer keys are truncated in a pointer. */
const MAX_TOKEN_CHARACTERS = 128

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
/** What `peek` returns past the end. */
const END = -1

/** Files that were joined keep their marks. */
const MARK_WITHIN =
  'Outside strings, JSON must not have a byte order mark (the bytes EF BB BF). Remove the one in the body'

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')
const PAYLOAD_KEY = Buffer.from('"payload"')

/** Carries a `CutError` out of the scanner. */
export class Fault extends Error {
  readonly error: CutError
  constructor(error: CutError) {
    super(error.detail)
    this.error = error
  }
}

/** The scanner's state. Functions take the offset at which they begin and return the offset after what they read. */
export type Scan = {
  readonly bytes: Buffer
  readonly maxBatch: number
  readonly maxPayloadBytes: number
  readonly firstByte: number
  /** Whether to collect keys in order to find the duplicate one: the second, slow pass. */
  readonly findDuplicate: boolean
  /** The number of containers around an event: 1 in an array, otherwise 0. */
  readonly eventLevel: number
  /** The maximum nesting of containers, including those around the payload. */
  readonly maxLevel: number
  /** The path to the value being read, one step per container: the offset of the key's quote, or -1 - index. */
  readonly path: Int32Array
  /** The number of valid steps in `path`. */
  level: number
  /** The number of object members so far. */
  members: number
  /** Whether a key begins with an escape: `JSON.parse` can mistake it for another (base/exact-json.ts). */
  hasEscapedKey: boolean
  /** Where each event's payload begins and ends. -1 if it has none. */
  readonly starts: number[]
  readonly ends: number[]
}

export function startScan(bytes: Buffer, limits: CutLimits, findDuplicate: boolean): Scan {
  const eventLevel = peek(bytes, skipSpace(bytes, 0)) === OPEN_ARRAY ? 1 : 0
  const maxLevel = (limits.maxDepth ?? 64) + eventLevel + 1
  return {
    bytes,
    maxBatch: limits.maxBatch ?? 1000,
    maxPayloadBytes: limits.maxPayloadBytes ?? bytes.length,
    firstByte: limits.firstByte ?? 0,
    findDuplicate,
    eventLevel,
    maxLevel,
    path: new Int32Array(maxLevel),
    level: 0,
    members: 0,
    hasEscapedKey: false,
    starts: [-1],
    ends: [-1],
  }
}

export function scanBody(scan: Scan): void {
  const { bytes } = scan
  const marked = describeByteOrderMark(bytes, 'The body')
  if (marked !== undefined) throw new Fault({ kind: 'bom', detail: marked, offset: 0, pointer: '' })
  if (!isUtf8(bytes)) fail(scan, 'bad_utf8', firstBadUtf8(bytes), 'The body is not UTF-8')
  const start = skipSpace(bytes, 0)
  if (start === bytes.length) fail(scan, 'bad_json', start, 'The body is empty')
  const end = skipSpace(bytes, scanValue(scan, start, 0))
  if (end !== bytes.length) unexpected(scan, end, 'the end of the body', 0)
  const first = bytes[start]
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) {
    fail(scan, 'wrong_shape', start, 'The body must be an event or an array of events')
  }
}

/** Reads any value. `level` is the number of containers around it. */
function scanValue(scan: Scan, at: number, level: number): number {
  scan.level = level
  const code = peek(scan.bytes, at)
  if (code === QUOTE) return scanString(scan, at + 1)
  if (code === OPEN_OBJECT) return scanObject(scan, at, level)
  if (code === OPEN_ARRAY) return scanArray(scan, at, level)
  if (code === MINUS || isDigit(code)) return scanNumber(scan, at)
  if (code === 0x74) return scanWord(scan, at, TRUE)
  if (code === 0x66) return scanWord(scan, at, FALSE)
  if (code === 0x6e) return scanWord(scan, at, NULL)
  return unexpected(scan, at, 'a value')
}

function scanObject(scan: Scan, at: number, level: number): number {
  const { bytes } = scan
  if (level >= scan.maxLevel) tooDeep(scan, at)
  at = skipSpace(bytes, at + 1)
  if (peek(bytes, at) === CLOSE_OBJECT) return at + 1
  const keys = scan.findDuplicate ? new Set<string>() : undefined
  for (;;) {
    scan.level = level
    if (peek(bytes, at) !== QUOTE) unexpected(scan, at, 'a key in double quotes')
    const keyStart = at
    const keyEnd = scanString(scan, at + 1)
    if (bytes[keyStart + 1] === BACKSLASH) scan.hasEscapedKey = true
    if (keys !== undefined) collectKey(scan, keys, keyStart, keyEnd)
    at = skipSpace(bytes, keyEnd)
    if (peek(bytes, at) !== COLON) unexpected(scan, at, 'a colon')
    scan.path[level] = keyStart
    scan.members++
    const start = skipSpace(bytes, at + 1)
    at = scanValue(scan, start, level + 1)
    if (level === scan.eventLevel && isPayloadKey(bytes, keyStart, keyEnd)) notePayload(scan, start, at, level + 1)
    at = skipSpace(bytes, at)
    const code = peek(bytes, at)
    if (code === CLOSE_OBJECT) return at + 1
    if (code !== COMMA) unexpected(scan, at, 'a comma or a closing brace', level)
    at = skipSpace(bytes, at + 1)
  }
}

function scanArray(scan: Scan, at: number, level: number): number {
  const { bytes } = scan
  if (level >= scan.maxLevel) tooDeep(scan, at)
  at = skipSpace(bytes, at + 1)
  if (peek(bytes, at) === CLOSE_ARRAY) return at + 1
  for (let index = 0; ; index++) {
    scan.path[level] = -1 - index
    if (level === 0) startElement(scan, index, at)
    at = skipSpace(bytes, scanValue(scan, at, level + 1))
    const code = peek(bytes, at)
    if (code === CLOSE_ARRAY) return at + 1
    if (code !== COMMA) unexpected(scan, at, 'a comma or a closing bracket', level)
    at = skipSpace(bytes, at + 1)
  }
}

/** Reads a string, starting after its opening quote. */
function scanString(scan: Scan, at: number): number {
  const { bytes } = scan
  const { length } = bytes
  while (at < length) {
    const code = bytes[at]!
    if (code === QUOTE) return at + 1
    if (code < 0x20) fail(scan, 'bad_json', at, `A control character (${byteName(code)}) in a string must be escaped`)
    at = code === BACKSLASH ? scanEscape(scan, at + 1) : at + 1
  }
  return unexpected(scan, at, 'a closing quote')
}

/** Reads an escape, starting after its backslash. */
function scanEscape(scan: Scan, at: number): number {
  switch (peek(scan.bytes, at)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 1
    case 0x75: // u
      for (let digit = at + 1; digit <= at + 4; digit++) {
        if (!isHexDigit(peek(scan.bytes, digit))) unexpected(scan, digit, 'a hexadecimal digit')
      }
      return at + 5
    default:
      return unexpected(scan, at, 'one of "\\/bfnrtu after a backslash')
  }
}

function scanNumber(scan: Scan, at: number): number {
  const { bytes } = scan
  if (peek(bytes, at) === MINUS) at++
  if (peek(bytes, at) === ZERO) at++
  else at = scanDigits(scan, at)
  if (peek(bytes, at) === DOT) at = scanDigits(scan, at + 1)
  const code = peek(bytes, at)
  if (code !== 0x65 && code !== 0x45) return at
  const sign = peek(bytes, at + 1)
  return scanDigits(scan, sign === MINUS || sign === 0x2b ? at + 2 : at + 1)
}

/** Reads one or more digits. */
function scanDigits(scan: Scan, at: number): number {
  if (!isDigit(peek(scan.bytes, at))) return unexpected(scan, at, 'a digit')
  do at++
  while (isDigit(peek(scan.bytes, at)))
  return at
}

function scanWord(scan: Scan, at: number, word: Buffer): number {
  for (let index = 1; index < word.length; index++) {
    if (peek(scan.bytes, at + index) !== word[index]) return unexpected(scan, at + index, `the word ${word}`)
  }
  return at + word.length
}

function startElement(scan: Scan, index: number, at: number): void {
  if (index === scan.maxBatch) {
    fail(scan, 'too_many_events', at, `A call can publish at most ${formatCount(scan.maxBatch)} events`, 0)
  }
  scan.starts[index] = -1
  scan.ends[index] = -1
}

function notePayload(scan: Scan, start: number, end: number, level: number): void {
  if (end - start > scan.maxPayloadBytes) {
    const [most, found] = [scan.maxPayloadBytes, end - start].map(bytes => formatCount(bytes))
    const detail = `A payload can have at most ${most} bytes; this one has ${found}`
    fail(scan, 'payload_too_large', start, detail, level)
  }
  const index = level === 1 ? 0 : -1 - scan.path[0]!
  scan.starts[index] = start
  scan.ends[index] = end
}

/** Whether a key, including its quotes, spells `payload`, even if it is written with escapes. */
function isPayloadKey(bytes: Buffer, start: number, end: number): boolean {
  const length = end - start
  if (length < PAYLOAD_KEY.length) return false
  if (length > PAYLOAD_KEY.length) return length <= 44 && unquote(bytes, start, end) === 'payload'
  for (let index = 1; index < length; index++) {
    if (bytes[start + index] !== PAYLOAD_KEY[index]) return false
  }
  return true
}

function collectKey(scan: Scan, keys: Set<string>, start: number, end: number): void {
  const key = unquote(scan.bytes, start, end)
  if (keys.has(key)) {
    fail(scan, 'duplicate_key', start, `The key ${JSON.stringify(shorten(key))} appears twice in one object`)
  }
  keys.add(key)
}

function skipSpace(bytes: Buffer, at: number): number {
  while (at < bytes.length) {
    const code = bytes[at]!
    if (code > 0x20 || (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09)) return at
    at++
  }
  return at
}

/** Returns a byte, or `END`: reading past the end of a buffer is slow, and `undefined` is not a number. */
function peek(bytes: Buffer, at: number): number {
  return at < bytes.length ? bytes[at]! : END
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

function isHexDigit(code: number): boolean {
  const lower = code | 0x20
  return isDigit(code) || (lower >= 0x61 && lower <= 0x66)
}

function unexpected(scan: Scan, at: number, wanted: string, level = scan.level): never {
  if (isMarkAt(scan.bytes, at)) fail(scan, 'bom', at, MARK_WITHIN, level)
  const code = peek(scan.bytes, at)
  const found = code === END ? 'the body ends' : `found ${byteName(code)}`
  return fail(scan, 'bad_json', at, `Expected ${wanted}, but ${found}`, level)
}

function tooDeep(scan: Scan, at: number): never {
  const maxDepth = scan.maxLevel - scan.eventLevel - 1
  return fail(scan, 'too_deep', at, `A payload can have at most ${maxDepth} levels of nested objects and arrays`)
}

export function fail(scan: Scan, kind: CutErrorKind, at: number, what: string, level = scan.level): never {
  const offset = at - scan.firstByte
  const pointer = pointerTo(scan, level)
  const inside = pointer === '' ? '' : `, in ${pointer}`
  throw new Fault({ kind, detail: `${what} (at byte ${formatCount(offset)}${inside}).`, offset, pointer })
}

function pointerTo(scan: Scan, level: number): string {
  let pointer = ''
  for (const step of scan.path.subarray(0, level)) {
    if (step < 0) pointer += `/${-1 - step}`
    else pointer += `/${pointerToken(unquote(scan.bytes, step, scanString(scan, step + 1)))}`
  }
  return pointer
}

function unquote(bytes: Buffer, start: number, end: number): string {
  return JSON.parse(bytes.toString('utf8', start, end))
}

export function pointerToken(key: string): string {
  return shorten(key).replaceAll('~', '~0').replaceAll('/', '~1')
}

export function shorten(text: string): string {
  return text.length > MAX_TOKEN_CHARACTERS ? `${text.slice(0, MAX_TOKEN_CHARACTERS)}…` : text
}

function byteName(code: number): string {
  return code > 0x20 && code < 0x7f ? `"${String.fromCharCode(code)}"` : `byte 0x${code.toString(16).padStart(2, '0')}`
}

/** Decodes invalid bytes as U+FFFD, and finds the first one that isn't a U+FFFD in the bytes themselves. */
function firstBadUtf8(bytes: Buffer): number {
  let offset = 0
  for (const character of bytes.toString('utf8')) {
    const code = character.codePointAt(0)!
    if (code === 0xfffd && !(bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd)) break
    offset += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return offset
}
