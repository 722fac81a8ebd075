import { MASK } from '../../base/webhook-request.ts'
import { MAX_KEPT_BODY_BYTES } from './deliver.ts'
import type { Exchange } from './outcome.ts'

/** The parts of a response that are kept. */
export type Recorded = {
  readonly headers: readonly string[]
  readonly body: Uint8Array
  readonly truncated: boolean
}

/** Secrets shorter than this are only searched for as they are: their Base64 would be found in any text. */
const SHORTEST_ENCODED = 8
/** A cut-off echo shorter than this reveals nothing, and would be found by chance. */
const SHORTEST_TAIL = 4

/**
 * Creates the function that decides what is recorded of a response: its headers and the first 16 KiB, with the request's
 * secrets masked wherever the receiver echoes them (C14), as they are or as JSON, HTML, URLs, Base64 and hexadecimal
 * write them. If the response was cut in the middle of an echo, the beginning of the echo is masked too. A compressed
 * body is not recorded, since a secret in it could not be found.
 *
 * The text is unescaped once, keeping track of where each character came from, and then searched for each form of each
 * secret with the Knuth-Morris-Pratt algorithm. That takes linear time whatever a receiver sends (a naive search took
 * more than a second for a response made for the purpose), and its final state tells how much of an echo was cut off.
 * It uses no regular expression: one of a long secret overflows the stack, and the error would quote the secret.
 */
export function createRedactor(secrets: readonly string[]): (exchange: Exchange) => Recorded {
  const sought = secrets.filter(secret => secret !== '')
  const shortest = Math.min(...sought.map(secret => withoutScheme(secret).length))
  // Created for the first response long enough to contain an echo, since most endpoints are idle.
  let made: Needle[] | undefined
  const redact = (text: string, isCut: boolean): string => {
    if (sought.length === 0 || text.length < (isCut ? SHORTEST_TAIL : shortest)) return text
    made ??= sought.flatMap(needlesOf)
    return redactIn(text, made, isCut)
  }
  return ({ headers, body, truncated }) => {
    const cleanHeaders = headers.length === 0 ? headers : headers.map(text => redact(text, false))
    if (body.length === 0) return { headers: cleanHeaders, body, truncated }
    if (isEncoded(headers)) return { headers: cleanHeaders, body: new Uint8Array(0), truncated: true }
    const isCut = truncated || body.length > MAX_KEPT_BODY_BYTES
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
    const kept = Buffer.from(redact(text, isCut), 'latin1')
    return {
      headers: cleanHeaders,
      // A copy: a slice of the socket's chunk would keep its whole slab in memory.
      body: Uint8Array.from(kept.subarray(0, MAX_KEPT_BODY_BYTES)),
      truncated: truncated || kept.length > MAX_KEPT_BODY_BYTES,
    }
  }
}

/** A header's value can begin with a scheme, such as `Token`, which an echo of the secret leaves out. */
function withoutScheme(secret: string): string {
  const [, rest = ''] = /^[^\t ]+[\t ]+(.*)$/s.exec(secret) ?? []
  return rest.length >= SHORTEST_ENCODED ? rest : secret
}

/** One form of a secret, and how a text's characters are folded when searching for it. */
type Needle = {
  readonly codes: Uint16Array
  /** For each length of a partial match, the next shorter partial match that also holds there. */
  readonly fallback: Uint16Array
  /** What each character of the text is treated as, by its code. */
  readonly fold: Uint8Array
  /** Whether a match includes one more Base64 character, which has the secret's last bits and some that follow. */
  readonly isBase64: boolean
}

function foldWith(changes: Readonly<Record<string, string>>): Uint8Array {
  const fold = Uint8Array.from({ length: 256 }, (_, code) => code)
  for (const [from, to] of Object.entries(changes)) fold[from.charCodeAt(0)] = to.charCodeAt(0)
  return fold
}

/** A b64token can contain `+` but no space, and some receivers decode `+` to a space. */
const AS_IT_IS = foldWith({ ' ': '+' })
const AS_BASE64 = foldWith({ '-': '+', _: '/' })
const AS_HEX = foldWith({ A: 'a', B: 'b', C: 'c', D: 'd', E: 'e', F: 'f' })

function needlesOf(secret: string): Needle[] {
  const plain = new Set([secret, withoutScheme(secret)].flatMap(text => ECHOES.map(echo => unescapedOf(echo(text)))))
  const needles = Array.from(plain, text => needle(text, AS_IT_IS, false))
  if (secret.length < SHORTEST_ENCODED) return needles
  const bytes = Buffer.from(secret)
  for (const before of [0, 1, 2]) needles.push(needle(base64Within(bytes, before), AS_BASE64, true))
  return [...needles, needle(bytes.toString('hex'), AS_HEX, false)]
}

/** The part of a secret's Base64 that is always the same, with `before` bytes (modulo 3) in front of the secret. */
function base64Within(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
  const firstWhole = Math.ceil((before * 8) / 6)
  return text.slice(firstWhole, Math.floor(((before + bytes.length) * 8) / 6))
}

/**
 * How a receiver can write a secret. If it contains something like an escape itself, that is undone with the others in
 * what is searched, so each way leaves a different text. All of them leave the same of a b64token.
 */
const ECHOES: readonly ((secret: string) => string)[] = [
  secret => secret,
  toJson,
  secret => toJson(toJson(secret)),
  encodeURIComponent,
  secret => secret.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`),
]

function toJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function unescapedOf(echo: string): string {
  const { codes, length } = withoutEscapes(echo, echo.length)
  return String.fromCharCode(...codes.subarray(0, length))
}

function needle(text: string, fold: Uint8Array, isBase64: boolean): Needle {
  const codes = Uint16Array.from(text, character => fold[character.charCodeAt(0)]!)
  const fallback = new Uint16Array(codes.length + 1)
  for (let at = 1, matched = 0; at < codes.length; at++) {
    while (matched > 0 && codes[at] !== codes[matched]) matched = fallback[matched]!
    if (codes[at] === codes[matched]) matched++
    fallback[at + 1] = matched
  }
  return { codes, fallback, fold, isBase64 }
}

/** A text's characters without escapes, and where in the text each begins; the last entry is the end of the text. */
type Unescaped = { readonly codes: Uint16Array; readonly starts: Uint32Array; readonly length: number }

/** `%2B`, `\u002B`, `\x2B`, `&#x2B;`, `&#43;`, `\/`, `&lt;`. */
const ESCAPE =
  /%([0-9a-f]{2})|\\u00([0-9a-f]{2})|\\x([0-9a-f]{2})|&#x0{0,4}([0-9a-f]{1,2});|&#0{0,4}(\d{1,3});|\\([^ux])|&(amp|lt|gt|quot|apos);/giy
/** An escape that is cut off by the end of the text. */
const CUT_ESCAPE = /(?:%[0-9a-f]?|\\(?:u0{0,2}[0-9a-f]?|x[0-9a-f]?)?|&(?:#(?:x?[0-9a-f]{0,6})?|[a-z]{0,4})?)$/i
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function withoutEscapes(text: string, end: number): Unescaped {
  const codes = new Uint16Array(end)
  const starts = new Uint32Array(end + 1)
  let length = 0
  for (let at = 0; at < end; length++) {
    const code = text.charCodeAt(at)
    starts[length] = at
    // Only these three characters begin an escape.
    const undone = code === PERCENT || code === BACKSLASH || code === AMPERSAND ? escapeAt(text, at) : undefined
    codes[length] = undone?.code ?? code
    at += undone?.length ?? 1
  }
  starts[length] = end
  return { codes, starts, length }
}

const [PERCENT, BACKSLASH, AMPERSAND] = [...'%\\&'].map(character => character.charCodeAt(0)) as [
  number,
  number,
  number,
]

function escapeAt(text: string, at: number): { code: number; length: number } | undefined {
  ESCAPE.lastIndex = at
  const found = ESCAPE.exec(text)
  if (found === null) return undefined
  const [all, percent, unicode, short, hex, decimal, literal, entity] = found
  const digits = percent ?? unicode ?? short ?? hex
  if (digits !== undefined) return { code: Number.parseInt(digits, 16), length: all.length }
  if (decimal !== undefined) return { code: Number(decimal), length: all.length }
  const character = literal === 't' ? '\t' : (literal ?? ENTITIES[entity!.toLowerCase()]!)
  return { code: character.charCodeAt(0), length: all.length }
}

type Range = { readonly from: number; readonly to: number }

function redactIn(text: string, needles: readonly Needle[], isCut: boolean): string {
  const cutEscape = isCut ? (CUT_ESCAPE.exec(text.slice(-10))?.[0].length ?? 0) : 0
  const unescaped = withoutEscapes(text, text.length - cutEscape)
  const ranges = needles.flatMap(one => rangesOf(text, unescaped, one, isCut))
  if (ranges.length === 0) return text
  ranges.sort((a, b) => a.from - b.from)
  let redacted = ''
  let from = 0
  for (const range of ranges) {
    if (range.from >= from) redacted += text.slice(from, range.from) + MASK
    from = Math.max(from, range.to)
  }
  return redacted + text.slice(from)
}

function rangesOf(text: string, { codes, starts, length }: Unescaped, sought: Needle, isCut: boolean): Range[] {
  const { codes: needle, fallback, fold, isBase64 } = sought
  const ranges: Range[] = []
  let matched = 0
  for (let at = 0; at < length; at++) {
    const code = codes[at]!
    const folded = code < 256 ? fold[code]! : code
    while (matched > 0 && folded !== needle[matched]) matched = fallback[matched]!
    if (folded === needle[matched]) matched++
    if (matched < needle.length) continue
    const isMore = isBase64 && at + 1 < length && /[\w+/-]/.test(String.fromCharCode(codes[at + 1]!))
    ranges.push({ from: starts[at + 1 - matched]!, to: starts[at + (isMore ? 2 : 1)]! })
    matched = 0
  }
  const from = starts[length - matched]!
  if (isCut && matched > 0 && text.length - from >= SHORTEST_TAIL) ranges.push({ from, to: text.length })
  return ranges
}

function isEncoded(headers: readonly string[]): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name, value] = [headers[i]!.toLowerCase(), headers[i + 1]!.trim().toLowerCase()]
    const isPlain = (name === 'transfer-encoding' && value === 'chunked') || value === 'identity'
    if ((name === 'content-encoding' || name === 'transfer-encoding') && !isPlain) return true
  }
  return false
}
