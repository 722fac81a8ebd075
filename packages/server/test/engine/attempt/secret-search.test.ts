import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Needle, needlesOf } from '../../../src/engine/attempt/needles.ts'
import { type Range, SecretSearch } from '../../../src/engine/attempt/secret-search.ts'

const ESCAPE =
  /%([0-9a-f]{2})|\\u00([0-9a-f]{2})|\\x([0-9a-f]{2})|&#x0{0,4}([0-9a-f]{1,2});|&#0{0,4}(\d{1,3});|\\([^ux])|&(amp|lt|gt|quot|apos);/giy
const CUT_ESCAPE = /(?:%[0-9a-f]?|\\(?:u0{0,2}[0-9a-f]?|x[0-9a-f]?)?|&(?:#(?:x?[0-9a-f]{0,6})?|[a-z]{0,4})?)$/i
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Undoes the first escape, by an expression that says what escapes are. */
function characterAt(text: string, at: number): { code: number; length: number } {
  ESCAPE.lastIndex = at
  const found = ESCAPE.exec(text)
  if (found === null) return { code: text.charCodeAt(at), length: 1 }
  const [{ length }, percent, unicode, short, hex, decimal, literal, entity] = found
  const digits = percent ?? unicode ?? short ?? hex
  if (digits !== undefined) return { code: Number.parseInt(digits, 16), length }
  if (decimal !== undefined) return { code: Number(decimal), length }
  const character = literal === 't' ? '\t' : (literal ?? ENTITIES[entity!.toLowerCase()]!)
  return { code: character.charCodeAt(0), length }
}

/** Searches for each form at each place, without skipping anything. */
function naiveRanges(secrets: readonly string[], text: string, isCut: boolean): Range[] {
  const end = text.length - (isCut ? (CUT_ESCAPE.exec(text.slice(-10))?.[0].length ?? 0) : 0)
  const characters: { code: number; at: number }[] = []
  for (let at = 0; at < end; ) {
    const { code, length } = characterAt(text, at)
    characters.push({ code, at })
    at += length
  }
  const startOf = (index: number) => characters[index]?.at ?? end
  const rangesOf = ({ codes, fold, isBase64 }: Needle): Range[] => {
    const equalsAt = (from: number, length: number) =>
      codes.subarray(0, length).every((code, index) => (fold[characters[from + index]!.code] ?? -1) === code)
    const ranges: Range[] = []
    let from = 0
    while (from + codes.length <= characters.length) {
      if (equalsAt(from, codes.length)) {
        const next = characters[from + codes.length]
        const isMore = isBase64 && next !== undefined && /[\w+/-]/.test(String.fromCharCode(next.code))
        ranges.push({ from: startOf(from), to: startOf(from + codes.length + (isMore ? 1 : 0)) })
        from += codes.length
      } else from++
    }
    while (isCut && from < characters.length && !equalsAt(from, characters.length - from)) from++
    if (isCut && from < characters.length && text.length - startOf(from) >= 4) {
      ranges.push({ from: startOf(from), to: text.length })
    }
    return ranges
  }
  return secrets
    .filter(secret => secret !== '')
    .flatMap(needlesOf)
    .flatMap(rangesOf)
}

const character = fc.integer({ min: 0, max: 255 }).map(code => String.fromCharCode(code))
const piece = fc.oneof(
  character,
  fc.constantFrom('a', 'ab', 'aab', '+', ' ', '/', '-', '_', 'A', '\\', '%', '&', '&#;', '&#x;', '\\%41', '&#38;lt;'),
  fc.constantFrom('%41', '%4', '\\u0041', '\\U0041', '\\u00', '\\X41', '\\x4', '\\t', '\\n', '&lt;', '&LT;', '&amp'),
  fc.constantFrom('&#65;', '&#0000065;', '&#00000065;', '&#x41;', '&#X000041;', '&#x0000041;', '&#300;', '&#x12c;'),
)
const joined = (pieces: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(pieces, { maxLength }).map(parts => parts.join(''))
const secret = fc.oneof(
  joined(piece, 14),
  joined(fc.constantFrom('a', 'b', '+', '/', ' '), 12),
  fc.constantFrom('Zm9vYmFyYmF6cXV4MTIz', 'Token s3cr3t-of+theirs=='),
)
const hexOf = (text: string) => Buffer.from(text).toString('hex')
const WAYS: readonly ((text: string) => string)[] = [
  text => text,
  text => JSON.stringify(text).slice(1, -1),
  text => encodeURIComponent(text),
  text => text.replaceAll('+', ' '),
  text => Buffer.from(text).toString('base64'),
  text => Buffer.from(`x${text}`).toString('base64url'),
  text => Buffer.from(`xy${text}!`).toString('base64'),
  hexOf,
  text => hexOf(text).toUpperCase(),
  text => hexOf(text).slice(0, 9),
  text => text.slice(0, 5),
  text => text.slice(0, -1),
  text => text.slice(2),
  text => text + text,
]
const textWith = (secrets: readonly string[]) => {
  const echo = fc.tuple(fc.constantFrom(...WAYS), fc.constantFrom(...secrets)).map(([write, of]) => write(of))
  return joined(fc.oneof(piece, echo, fc.constantFrom('x'.repeat(70), ' lorem ipsum ')), 40)
}

describe('C14: searching a response for secrets', () => {
  it('C14: finds what a search at each place for each form finds', () => {
    const cases = fc
      .array(secret, { minLength: 1, maxLength: 3 })
      .chain(secrets => fc.tuple(fc.constant(secrets), textWith(secrets), fc.boolean()))
    const inOrder = (ranges: readonly Range[]) => ranges.map(({ from, to }) => `${from}-${to}`).sort()
    fc.assert(
      fc.property(cases, ([secrets, text, isCut]) => {
        // Shorter ones can't contain a whole secret, and are not searched.
        fc.pre(text.length >= 64)
        expect(inOrder(new SecretSearch(secrets).rangesIn(text, isCut))).toEqual(
          inOrder(naiveRanges(secrets, text, isCut)),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('C14: finds an echo in texts longer than the arrays that are kept, and after another endpoint’s', () => {
    const [one, other] = [new SecretSearch(['secret-of-the-first']), new SecretSearch(['secret-of-another'])]
    const text = `${'%41\\/x'.repeat(10_000)}secret%2Dof-the-first`
    expect(one.rangesIn(text, false)).toEqual([{ from: 60_000, to: text.length }])
    expect(other.rangesIn(text, false)).toEqual([])
    one.forget()
    expect(one.rangesIn(text, false)).toEqual([{ from: 60_000, to: text.length }])
  })
})
