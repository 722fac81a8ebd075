import { type Unescaped, withoutEscapes } from './escapes.ts'
import { bytesOf, fallbackOf, type Needle, needlesOf, withoutScheme } from './needles.ts'

/** A part of a text: from the first character up to, and without, the last. */
export type Range = { readonly from: number; readonly to: number }

/** A cut-off echo shorter than this reveals nothing, and would be found by chance. */
const SHORTEST_TAIL = 4
/** How many bytes of needles are kept for all endpoints. The others' are made again, which takes some microseconds. */
const NEEDLE_BYTES_KEPT = 8 * 1_024 * 1_024

/**
 * Finds secrets in responses, in each form that a program would write them.
 *
 * The text is unescaped once, keeping track of where each character came from, and then searched for each form of each
 * secret with the Knuth-Morris-Pratt algorithm. That takes linear time whatever a receiver sends (a naive search took
 * more than a second for a response made for the purpose), and its final state tells how much of an echo was cut off.
 * Where the beginning of a form can't be, because a part of it isn't there, the algorithm is skipped: that part is found
 * a hundred times as fast. No regular expression is made of a secret: one of a long secret overflows the stack, and the
 * error would quote the secret.
 */
export class SecretSearch {
  readonly #secrets: readonly string[]
  readonly #shortest: number
  /** Made for the first response long enough to contain an echo, since most endpoints are idle. */
  #needles: readonly Needle[] | undefined

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.filter(secret => secret !== '')
    this.#shortest = Math.min(...this.#secrets.map(secret => withoutScheme(secret).length))
  }

  /** Returns where the text has to be masked, in no order; the ranges can overlap. */
  rangesIn(text: string, isCut: boolean): Range[] {
    if (this.#secrets.length === 0 || text.length < (isCut ? SHORTEST_TAIL : this.#shortest)) return []
    this.#needles ??= keep(this, this.#secrets.flatMap(needlesOf))
    const needles = this.#needles
    const unescaped = withoutEscapes(text, text.length - (isCut ? cutEscapeIn(text) : 0), unusedIn(needles))
    const searched: Searched = { ...unescaped, original: text, isCut, lower: undefined }
    return needles.flatMap(one => rangesOf(searched, one))
  }

  /** Gives up the needles, which are made again when they are needed. */
  forget(): void {
    this.#needles = undefined
  }
}

/** The needles that are kept, with their sizes in bytes, the oldest first. */
const kept = new Map<SecretSearch, number>()
let keptBytes = 0

function keep(search: SecretSearch, needles: readonly Needle[]): readonly Needle[] {
  const bytes = needles.reduce((sum, one) => sum + bytesOf(one), 0)
  kept.set(search, bytes)
  keptBytes += bytes
  for (const [oldest, size] of kept) {
    if (keptBytes <= NEEDLE_BYTES_KEPT) break
    oldest.forget()
    kept.delete(oldest)
    keptBytes -= size
  }
  return needles
}

/** An escape that is cut off by the end of the text. */
const CUT_ESCAPE = /(?:%[0-9a-f]?|\\(?:u0{0,2}[0-9a-f]?|x[0-9a-f]?)?|&(?:#(?:x?[0-9a-f]{0,6})?|[a-z]{0,4})?)$/i

const cutEscapeIn = (text: string): number => CUT_ESCAPE.exec(text.slice(-10))?.[0].length ?? 0

/** A character that is in no needle, and that Base64 doesn't have. */
function unusedIn(needles: readonly Needle[]): number {
  let code = 0xff
  while (code > 0x80 && needles.some(({ codes }) => codes.includes(code))) code--
  return code
}

type Searched = Unescaped & {
  readonly original: string
  readonly isCut: boolean
  /** In lower case, once it is needed. */
  lower: string | undefined
}

/** Skips shorter than this don't pay. */
const SHORT_SKIP = 64
/** How many of them are tried in a text. */
const MAX_SHORT_SKIPS = 16

function rangesOf(searched: Searched, sought: Needle): Range[] {
  const { text, original, isCut } = searched
  const first = skip(searched, sought, 0)
  if (first >= text.length) return []
  const { codes: needle, fold, isBase64, anchor } = sought
  const fallback = fallbackOf(sought)
  const ranges: Range[] = []
  let skipsLeft = anchor === '' ? 0 : MAX_SHORT_SKIPS
  let matched = 0
  for (let at = first; at < text.length; at++) {
    if (matched === 0 && skipsLeft > 0) {
      const next = skip(searched, sought, at)
      if (next >= text.length) break
      if (next - at < SHORT_SKIP) skipsLeft--
      at = next
    }
    const code = text.charCodeAt(at)
    const folded = code < 256 ? fold[code]! : code
    while (matched > 0 && folded !== needle[matched]) matched = fallback[matched]!
    if (folded === needle[matched]) matched++
    if (matched < needle.length) continue
    const isMore = isBase64 && at + 1 < text.length && /[\w+/-]/.test(text[at + 1]!)
    ranges.push({ from: startOf(searched, at + 1 - matched), to: startOf(searched, at + (isMore ? 2 : 1)) })
    matched = 0
  }
  const from = startOf(searched, text.length - matched)
  if (isCut && matched > 0 && original.length - from >= SHORTEST_TAIL) ranges.push({ from, to: original.length })
  return ranges
}

const startOf = ({ starts }: Searched, at: number): number => (starts === undefined ? at : starts[at]!)

/** Returns from where on an echo can begin, or be cut off by the end; the text's length if it can't. */
function skip(searched: Searched, { anchor, anchorAt, isAnchorLower }: Needle, from: number): number {
  if (anchor === '') return from
  const { text, isCut } = searched
  const found = (isAnchorLower ? lowerOf(searched) : text).indexOf(anchor, from + anchorAt)
  if (found >= 0) return found - anchorAt
  // What is left is too short for the anchor, but can be the beginning of an echo.
  return isCut ? Math.max(from, text.length - anchorAt - anchor.length + 1) : text.length
}

/** The text in lower case, character by character. */
function lowerOf(searched: Searched): string {
  searched.lower ??= searched.text.toLowerCase()
  return searched.lower
}
