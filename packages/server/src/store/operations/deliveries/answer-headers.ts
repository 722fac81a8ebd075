/**
 * Packs the headers of responses: about 90 bytes of JSON become 20, and there is one response per attempt. A string is
 * stored as a code alone if it is one of the words below, as a code and four bytes if it is a date in HTTP's format,
 * and otherwise as its length and its text. Every string is restored exactly.
 *
 * Stored data outlives this file: append words to the end of a list, and never move one.
 */
import { Buffer } from 'node:buffer'

const TEXT = 0

const DATE = 1

const FIRST_NAME = 2

const FIRST_VALUE = 130

/** Each name has a second code for its capitalised form (`Content-Type`); at most 64 names. */
const NAMES = [
  'date',
  'connection',
  'keep-alive',
  'content-length',
  'content-type',
  'server',
  'x-powered-by',
  'vary',
  'via',
  'transfer-encoding',
  'content-encoding',
  'cache-control',
  'expires',
  'pragma',
  'age',
  'last-modified',
  'location',
  'retry-after',
  'strict-transport-security',
  'x-content-type-options',
  'x-frame-options',
  'x-xss-protection',
  'referrer-policy',
  'content-security-policy',
  'permissions-policy',
  'x-request-id',
  'x-correlation-id',
  'x-runtime',
  'set-cookie',
  'alt-svc',
  'cf-ray',
  'cf-cache-status',
  'x-cache',
  'x-amzn-requestid',
  'x-amz-cf-id',
  'x-amz-cf-pop',
  'x-amzn-trace-id',
  'accept-ranges',
  'allow',
  'nel',
  'report-to',
  'server-timing',
  'trailer',
  'access-control-allow-origin',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'etag',
]

/** At most 125. */
const VALUES = [
  'keep-alive',
  'close',
  'timeout=5',
  'timeout=60',
  'timeout=65',
  'chunked',
  '0',
  '2',
  '15',
  'nosniff',
  '*',
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'text/plain; charset=utf-8',
  'text/html',
  'text/html; charset=utf-8',
  'application/problem+json',
  'nginx',
  'cloudflare',
  'Express',
  'Kestrel',
  'gzip',
  'no-cache',
  'no-store',
  'no-cache, no-store, must-revalidate',
  'max-age=31536000',
  'SAMEORIGIN',
  'DENY',
  'max-age=31536000; includeSubDomains',
  'Accept-Encoding',
  'Origin',
  'DYNAMIC',
  '1; mode=block',
]

const capital = (name: string) => name.replace(/(^|-)[a-z]/g, start => start.toUpperCase())

const WORDS: readonly (string | undefined)[] = [
  ...Array<undefined>(FIRST_NAME),
  ...NAMES.flatMap(name => [name, capital(name)]),
  ...Array<undefined>(FIRST_VALUE - FIRST_NAME - 2 * NAMES.length),
  ...VALUES,
]

const CODES = new Map(WORDS.flatMap((word, code) => (word === undefined ? [] : [[word, code] as const])))

const NONE = new Uint8Array(0)

/** `Tue, 24 Nov 2026 21:38:38 GMT` */
const DATE_LENGTH = 29

const MAX_SECONDS = 2 ** 32 - 1

/** Upper bounds: UTF-8 bytes per UTF-16 unit, and bytes before a text (code, and length at seven bits a byte). */
const BYTES_A_UNIT = 3

const HEAD_BYTES = 6

let scratch = Buffer.alloc(4_096)

/** Responses of the same second have the same date, so the last one parsed is kept. */
let lastDate = ''

let lastSeconds: number | undefined

/** Takes names and values in turn. */
export function packHeaders(headers: readonly string[]): Uint8Array {
  if (headers.length === 0) return NONE
  const most = headers.reduce((sum, each) => sum + each.length * BYTES_A_UNIT + HEAD_BYTES, 0)
  if (most > scratch.length) scratch = Buffer.alloc(2 * most)
  let at = 0
  for (const each of headers) {
    const code = CODES.get(each)
    const seconds = code === undefined && each.length === DATE_LENGTH ? secondsOf(each) : undefined
    if (code !== undefined) scratch[at++] = code
    else if (seconds !== undefined) {
      scratch[at++] = DATE
      at = scratch.writeUInt32BE(seconds, at)
    } else at = writeText(each, at)
  }
  return Uint8Array.prototype.slice.call(scratch, 0, at)
}

function writeText(each: string, start: number): number {
  let at = start
  scratch[at++] = TEXT
  let rest = Buffer.byteLength(each)
  for (; rest > 127; rest = Math.floor(rest / 128)) scratch[at++] = 128 | (rest & 127)
  scratch[at++] = rest
  return at + scratch.write(each, at)
}

/** Seconds since 1970, if the text is exactly how HTTP writes that date. */
function secondsOf(date: string): number | undefined {
  if (date === lastDate) return lastSeconds
  const ms = Date.parse(date)
  const isExact = ms >= 0 && ms / 1_000 <= MAX_SECONDS && new Date(ms).toUTCString() === date
  lastDate = date
  lastSeconds = isExact ? ms / 1_000 : undefined
  return lastSeconds
}

export function unpackHeaders(packed: Uint8Array): string[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const headers: string[] = []
  let at = 0
  while (at < bytes.length) {
    const code = bytes[at++]!
    if (code === TEXT) {
      let length = 0
      for (let unit = 1; ; unit *= 128) {
        const byte = bytes[at++]!
        length += (byte & 127) * unit
        if (byte < 128) break
      }
      headers.push(bytes.toString('utf8', at, at + length))
      at += length
    } else if (code === DATE) {
      headers.push(new Date(bytes.readUInt32BE(at) * 1_000).toUTCString())
      at += 4
    } else headers.push(WORDS[code]!)
  }
  return headers
}
