import { Buffer } from 'node:buffer'
import { randomFillSync } from 'node:crypto'

/**
 * Ids are UUIDv7 (RFC 9562 §5.7): 16 bytes in the store, TypeIDs (`evt_` and 26 characters of Crockford's base32) in
 * memory and in the API. Within a process, new ids strictly increase, so that rows are added at the end of their index.
 */
const ID_PREFIXES = ['evt', 'dlv', 'ep', 'key', 'aud', 'rpl', 'rpb', 'ses', 'pln', 'ntf'] as const
export type IdPrefix = (typeof ID_PREFIXES)[number]

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TEXT_LENGTH = 26
/** 48 bits: the first letter has three of them, every other letter five. */
const TIME_LETTERS = 10
const VALUE_OF = new Int8Array(128).fill(-1)
for (let i = 0; i < 32; i++) VALUE_OF[ALPHABET.charCodeAt(i)] = i

const random = new Uint8Array(4096)
let randomAt = random.length
let lastMs = 0
let counter = 0

/** 42 bits: 12 of `rand_a`, 30 of `rand_b`. Reseeded each millisecond with the top bit clear (§6.2, method 1). */
const COUNTER_LIMIT = 2 ** 42
const COUNTER_SEED_LIMIT = 2 ** 41

function randomByte(): number {
  if (randomAt === random.length) {
    randomFillSync(random)
    randomAt = 0
  }
  return random[randomAt++]!
}

function randomBelow2to41(): number {
  let value = 0
  for (let i = 0; i < 6; i++) value = value * 256 + randomByte()
  return value % COUNTER_SEED_LIMIT
}

/** Returns a new id. `nowMs` is the store's time: if it runs backwards, ids keep increasing from the latest time. */
export function newId(prefix: IdPrefix, nowMs: number): string {
  if (nowMs > lastMs) {
    lastMs = nowMs
    counter = randomBelow2to41()
  } else {
    counter += 1 + (randomByte() & 15)
    if (counter >= COUNTER_LIMIT) {
      lastMs += 1
      counter = randomBelow2to41()
    }
  }
  const bytes = scratch
  let ms = lastMs
  for (let i = 5; i >= 0; i--) {
    bytes[i] = ms % 256
    ms = Math.floor(ms / 256)
  }
  const high = Math.floor(counter / 2 ** 30)
  const low = counter % 2 ** 30
  bytes[6] = 0x70 | (high >> 8)
  bytes[7] = high & 0xff
  bytes[8] = 0x80 | (low >>> 24)
  bytes[9] = (low >>> 16) & 0xff
  bytes[10] = (low >>> 8) & 0xff
  bytes[11] = low & 0xff
  for (let i = 12; i < 16; i++) bytes[i] = randomByte()
  return idText(prefix, bytes)
}

/** Call it before making ids for another store whose time might be earlier: ids then increase from that time. */
export function forgetTime(): void {
  lastMs = 0
}

const scratch = new Uint8Array(16)

/** An id is written into this buffer and read as one string: concatenated characters cost as much again to flatten. */
const letters = Buffer.alloc(8 + TEXT_LENGTH)
const CODES = Uint8Array.from(ALPHABET, letter => letter.charCodeAt(0))
const UNDERSCORE = 0x5f

/** The API's form of an id of 16 bytes. */
export function idText(prefix: IdPrefix, bytes: Uint8Array): string {
  let at = 0
  for (; at < prefix.length; at++) letters[at] = prefix.charCodeAt(at)
  letters[at++] = UNDERSCORE
  // The text has 130 bits for the id's 128: the first character carries only three.
  letters[at++] = CODES[bytes[0]! >> 5]!
  let bits = bytes[0]! & 31
  let have = 5
  for (let i = 1; i <= 16; i++) {
    while (have >= 5) {
      have -= 5
      letters[at++] = CODES[(bits >> have) & 31]!
      bits &= (1 << have) - 1
    }
    if (i === 16) break
    bits = (bits << 8) | bytes[i]!
    have += 8
  }
  return letters.toString('latin1', 0, at)
}

/** The 16 bytes of an id with the given prefix. Undefined if the text is not such an id. */
export function parseId(prefix: IdPrefix, text: string): Uint8Array | undefined {
  if (!text.startsWith(prefix) || text[prefix.length] !== '_') return undefined
  return decode(text, prefix.length + 1)
}

/** What ids of any kind look like, also of kinds to come. A caller's own name must not, so it isn't taken for one. */
const ID_LIKE = /^[a-z]{2,4}_[0-9a-z]{26}$/i

export const looksLikeId = (text: string): boolean => ID_LIKE.test(text)

/** Whether the text is an id of ours, of any kind. */
export const isOurId = (text: string): boolean => ID_PREFIXES.some(prefix => parseId(prefix, text) !== undefined)

/** Like `parseId`, for an id of any prefix that this process has made or checked. Throws otherwise: that is a bug. */
export function idBytes(text: string): Uint8Array {
  const bytes = decode(text, text.indexOf('_') + 1)
  if (bytes === undefined) throw new Error(`not an id: ${text}`)
  return bytes
}

/** Decodes the part after the prefix, from `start` to the end. */
function decode(text: string, start: number): Uint8Array | undefined {
  if (text.length !== start + TEXT_LENGTH) return undefined
  const bytes = new Uint8Array(16)
  let bits = 0
  let have = -2
  let at = 0
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? VALUE_OF[code]! : -1
    if (value < 0 || (i === start && value > 7)) return undefined
    bits = (bits << 5) | value
    have += 5
    if (have >= 8) {
      have -= 8
      bytes[at++] = bits >> have
      bits &= (1 << have) - 1
    }
  }
  return bytes
}

/** The smallest id of a time, for selecting ids by time. */
export function firstIdAt(prefix: IdPrefix, ms: number): string {
  const bytes = new Uint8Array(16)
  let rest = Math.max(0, Math.min(ms, 2 ** 48 - 1))
  for (let i = 5; i >= 0; i--) {
    bytes[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return idText(prefix, bytes)
}

/** When an id of 16 bytes was made, in milliseconds since 1970. */
export function bytesMs(bytes: Uint8Array): number {
  let ms = 0
  for (let i = 0; i < 6; i++) ms = ms * 256 + bytes[i]!
  return ms
}

/** When an id was made, by the time of its store: read from the first ten letters. */
export function idMs(text: string): number {
  const start = text.indexOf('_') + 1
  let ms = 0
  for (let i = start; i < start + TIME_LETTERS; i++) ms = ms * 32 + VALUE_OF[text.charCodeAt(i)]!
  return ms
}
