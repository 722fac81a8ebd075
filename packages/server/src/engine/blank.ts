import { MAX_KEPT_BODY_BYTES } from './deliver.ts'
import type { Exchange } from './outcome.ts'

/**
 * What of an answer is recorded: its headers and the first 16 KiB, with the secret blanked wherever the receiver
 * echoes it (C14), as it is or as JSON, HTML, URLs, Base64 and hexadecimal spell it. Where an answer was cut in the
 * middle of an echo, what is there of it is blanked too. A compressed body is not recorded, since a secret in it could
 * not be seen.
 */
export type Recorded = {
  readonly headers: readonly string[]
  readonly body: Uint8Array
  readonly truncated: boolean
}

const BLANK = '[secret]'
/** Shorter secrets are blanked as they are only: their Base64 would be found in any text. */
const SHORTEST_ENCODED = 8
/** A tail of fewer characters gives nothing away, and chance would find it. */
const SHORTEST_TAIL = 4

export function createBlanker(secret: string): (exchange: Exchange) => Recorded {
  // Made when the first answer has something to blank: most endpoints of many are asleep.
  let made: { forms: Form[]; starts: Uint8Array } | undefined
  const needles = () => {
    if (made === undefined) {
      const forms = formsOf(secret)
      made = { forms, starts: startsOf(forms) }
    }
    return made
  }
  const blankText = (text: string): string => blankWhole(text, needles().forms, needles().starts)
  return ({ headers, body, truncated }) => {
    const cleanHeaders = headers.length === 0 ? headers : headers.map(blankText)
    if (body.length === 0) return { headers: cleanHeaders, body, truncated }
    if (isEncoded(headers)) return { headers: cleanHeaders, body: new Uint8Array(0), truncated: true }
    const isCut = truncated || body.length > MAX_KEPT_BODY_BYTES
    const text = blankText(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'))
    const kept = Buffer.from(isCut ? blankTail(text, needles().forms) : text, 'latin1')
    return {
      headers: cleanHeaders,
      // Own memory: a chunk of the socket's would keep the whole of its slab.
      body: Uint8Array.from(kept.subarray(0, MAX_KEPT_BODY_BYTES)),
      truncated: truncated || kept.length > MAX_KEPT_BODY_BYTES,
    }
  }
}

/** A text as a list of characters, each with the ways to write it. */
type Form = {
  readonly characters: readonly (readonly string[])[]
  /** Whether one more character of Base64 belongs to it: of its last one, some bits are another text's. */
  readonly isBase64: boolean
}

function formsOf(secret: string): Form[] {
  const forms: Form[] = [{ characters: Array.from(secret, spellingsOf), isBase64: false }]
  if (secret.length >= SHORTEST_ENCODED) {
    const bytes = Buffer.from(secret)
    for (const before of [0, 1, 2]) {
      forms.push({ characters: Array.from(base64Within(bytes, before), base64Spellings), isBase64: true })
    }
    const digits = Array.from(bytes.toString('hex'), hexSpellings)
    forms.push({ characters: digits, isBase64: false })
  }
  return forms
}

/** What is the same of a secret's Base64 whatever stands before and behind it, so many bytes (modulo 3) before it. */
function base64Within(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
  const firstWhole = Math.ceil((before * 8) / 6)
  return text.slice(firstWhole, Math.floor(((before + bytes.length) * 8) / 6))
}

/** Keeps the answers: an endpoint's forms are then a list of a few dozen shared ones. */
function remembering(spell: (character: string) => readonly string[]): (character: string) => readonly string[] {
  const known = new Map<string, readonly string[]>()
  return character => {
    let spellings = known.get(character)
    if (spellings === undefined) {
      spellings = spell(character)
      known.set(character, spellings)
    }
    return spellings
  }
}

/** As it is, and escaped as `%2B`, `\u002B`, `\/` or `&#43;`: letters and digits are escaped by nobody. */
const spellingsOf = remembering(character => {
  if (/[A-Za-z0-9]/.test(character)) return [character]
  const code = character.charCodeAt(0)
  const hex = code.toString(16).padStart(2, '0')
  const escaped = [hex, hex.toUpperCase()].flatMap(digits => [
    `%${digits}`,
    `\\u00${digits}`,
    `\\x${digits}`,
    `&#x${digits};`,
  ])
  // A form's spelling of a blank is no part of a b64token, but `+` is, and some decode it.
  const blank = character === '+' ? [' '] : []
  return [...new Set([character, `\\${character}`, `&#${code};`, ...escaped, ...blank])]
})

const hexSpellings = remembering(digit => [...new Set([digit, digit.toUpperCase()])])

const base64Spellings = remembering(character => [
  ...spellingsOf(character),
  ...(character === '+' ? ['-'] : character === '/' ? ['_'] : []),
])

/** Which characters (Latin-1) a form can begin with, by code: where none of them stands, none has to be sought. */
function startsOf(forms: readonly Form[]): Uint8Array {
  const starts = new Uint8Array(256)
  for (const { characters } of forms) for (const spelling of characters[0] ?? []) starts[spelling.charCodeAt(0)] = 1
  return starts
}

/** By hand: a regular expression of a long secret overflows the stack, and its error would quote the secret. */
function blankWhole(text: string, forms: readonly Form[], starts: Uint8Array): string {
  let blanked = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (starts[text.charCodeAt(at) & 255] === 0) continue
    const end = Math.max(...forms.map(form => endOf(text, at, form)))
    if (end <= at) continue
    blanked += text.slice(from, at) + BLANK
    from = end
    at = end - 1
  }
  return from === 0 ? text : blanked + text.slice(from)
}

/** Where the form that begins there ends; -1 if none does. */
function endOf(text: string, start: number, { characters, isBase64 }: Form): number {
  let at = start
  for (const spellings of characters) {
    const found = spellings.find(spelling => text.startsWith(spelling, at))
    if (found === undefined) return -1
    at += found.length
  }
  return isBase64 && /[\w+/-]/.test(text.charAt(at)) ? at + 1 : at
}

/** Blanks an echo that the end of the text cuts off. */
function blankTail(text: string, forms: readonly Form[]): string {
  const longest = Math.max(...forms.map(({ characters }) => characters.length)) * LONGEST_SPELLING
  for (let at = Math.max(0, text.length - longest); at <= text.length - SHORTEST_TAIL; at++) {
    if (forms.some(form => endsWithin(text, at, form))) return text.slice(0, at) + BLANK
  }
  return text
}

const LONGEST_SPELLING = '\\u002B'.length

/** Whether the text from there to its end is the beginning of a form. */
function endsWithin(text: string, start: number, { characters }: Form): boolean {
  let at = start
  for (const spellings of characters) {
    if (at === text.length) return true
    const left = text.length - at
    const found = spellings.find(spelling => text.startsWith(spelling, at))
    if (found === undefined)
      return spellings.some(spelling => left < spelling.length && spelling.startsWith(text.slice(at)))
    at += found.length
  }
  return false
}

function isEncoded(headers: readonly string[]): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === 'content-encoding' && headers[i + 1]!.trim().toLowerCase() !== 'identity')
      return true
  }
  return false
}
