import { withoutEscapes } from './escapes.ts'

/** Secrets shorter than this are only searched for as they are: their Base64 would be found in any text. */
const SHORTEST_ENCODED = 8

/** One form of a secret, and how a text's characters are folded when searching for it. */
export type Needle = {
  readonly codes: Uint8Array
  /** What each character of the text is treated as, by its code. */
  readonly fold: Uint8Array
  /** Whether a match includes one more Base64 character, which has the secret's last bits and some that follow. */
  readonly isBase64: boolean
  /** A part that every match contains exactly like this. Empty if there is none. */
  readonly anchor: string
  /** Where the anchor is in the needle. */
  readonly anchorAt: number
  /** Whether the anchor is contained in lower case, once the text is in lower case. */
  readonly isAnchorLower: boolean
  /** See `fallbackOf`. Made for the first text with an anchor, which is rare. */
  fallback: Uint16Array | undefined
}

type Fold = {
  readonly codes: Uint8Array
  /** Finds the parts of a folded text that it can only have from the same characters. */
  readonly unchanged: RegExp
  readonly isLower: boolean
}

function foldWith(changes: Readonly<Record<string, string>>): Uint8Array {
  const fold = Uint8Array.from({ length: 256 }, (_, code) => code)
  for (const [from, to] of Object.entries(changes)) fold[from.charCodeAt(0)] = to.charCodeAt(0)
  return fold
}

/** A b64token can contain `+` but no space, and some receivers decode `+` to a space. */
const AS_IT_IS: Fold = { codes: foldWith({ ' ': '+' }), unchanged: /[^+]+/g, isLower: false }
const AS_BASE64: Fold = { codes: foldWith({ '-': '+', _: '/' }), unchanged: /[^+/]+/g, isLower: false }
const AS_HEX: Fold = {
  codes: foldWith({ A: 'a', B: 'b', C: 'c', D: 'd', E: 'e', F: 'f' }),
  unchanged: /.+/g,
  isLower: true,
}

/** Returns the forms in which a secret is searched for. */
export function needlesOf(secret: string): Needle[] {
  const plain = new Set([secret, withoutScheme(secret)].flatMap(text => ECHOES.map(echo => unescapedOf(echo(text)))))
  const needles = Array.from(plain, text => needle(text, AS_IT_IS, false))
  if (secret.length < SHORTEST_ENCODED) return needles
  const bytes = Buffer.from(secret)
  for (const before of [0, 1, 2]) needles.push(needle(base64Within(bytes, before), AS_BASE64, true))
  return [...needles, needle(bytes.toString('hex'), AS_HEX, false)]
}

/** A header's value can begin with a scheme, such as `Token`, which an echo of the secret leaves out. */
export function withoutScheme(secret: string): string {
  const [, rest = ''] = /^[^\t ]+[\t ]+(.*)$/s.exec(secret) ?? []
  return rest.length >= SHORTEST_ENCODED ? rest : secret
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
  return withoutEscapes(echo, echo.length, 0).text
}

function needle(text: string, fold: Fold, isBase64: boolean): Needle {
  const codes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) codes[at] = fold.codes[text.charCodeAt(at)] ?? 0
  const folded = Buffer.from(codes.buffer).toString('latin1')
  const { anchor, anchorAt } = anchorOf(folded, fold.unchanged)
  return { codes, fold: fold.codes, isBase64, anchor, anchorAt, isAnchorLower: fold.isLower, fallback: undefined }
}

/** Long enough to be rare in a text, and short enough for the engine's search to take linear time. */
const ANCHOR_LENGTH = 6

/** The first part of a folded needle that is long enough and that the fold leaves unchanged, or the longest. */
function anchorOf(folded: string, unchanged: RegExp): Pick<Needle, 'anchor' | 'anchorAt'> {
  let best = { anchor: '', anchorAt: 0 }
  for (const { 0: part, index } of folded.matchAll(unchanged)) {
    if (part.length > best.anchor.length) best = { anchor: part.slice(0, ANCHOR_LENGTH), anchorAt: index }
    if (best.anchor.length === ANCHOR_LENGTH) break
  }
  return best
}

/** For each length of a partial match, the next shorter partial match that also holds there. */
export function fallbackOf(sought: Needle): Uint16Array {
  if (sought.fallback !== undefined) return sought.fallback
  const { codes } = sought
  const fallback = new Uint16Array(codes.length + 1)
  for (let at = 1, matched = 0; at < codes.length; at++) {
    while (matched > 0 && codes[at] !== codes[matched]) matched = fallback[matched]!
    if (codes[at] === codes[matched]) matched++
    fallback[at + 1] = matched
  }
  sought.fallback = fallback
  return fallback
}

/** About how many bytes a needle takes. */
export const bytesOf = ({ codes }: Needle): number => NEEDLE_BYTES + 3 * codes.length

/** Of the objects, without the arrays. */
const NEEDLE_BYTES = 600
