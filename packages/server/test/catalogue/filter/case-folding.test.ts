import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTextTests } from '../../../src/catalogue/filter/texts.ts'

/** Simple case folding as Unicode lists it, of the characters that the engine's own version of Unicode knows. */
function readFolding(): Map<number, number> {
  const folding = new Map<number, number>()
  for (const line of readFileSync(new URL('case-folding.txt', import.meta.url), 'utf8').split('\n')) {
    const run = /^([0-9A-F]+)(?:-([0-9A-F]+))?(?:\/(\d))? ([+-]\d+)$/.exec(line)
    if (run === null) continue
    const [first, last] = [Number.parseInt(run[1]!, 16), Number.parseInt(run[2] ?? run[1]!, 16)]
    for (let at = first; at <= last; at += Number(run[3] ?? 1)) {
      if (/\p{Assigned}/u.test(String.fromCodePoint(at))) folding.set(at, at + Number(run[4]))
    }
  }
  return folding
}

const folding = readFolding()
const fold = (text: string) =>
  Array.from(text, character => {
    const code = character.codePointAt(0)!
    return String.fromCodePoint(folding.get(code) ?? code)
  }).join('')
const equals = (text: string, value: string) => createTextTests('equalsIgnoreCase', [text]).fits(value)

describe('$equalsIgnoreCase', () => {
  it('folds every character as CaseFolding.txt says, and no other way', () => {
    expect(folding.size).toBeGreaterThan(1_400)
    const classes = Map.groupBy(new Set([...folding.keys(), ...folding.values()]), code => folding.get(code) ?? code)
    const all = [...classes.values()].flat()
    for (const alike of classes.values()) {
      for (const code of alike) {
        const { fits } = createTextTests('equalsIgnoreCase', [String.fromCodePoint(code)])
        const found = all.filter(other => Math.abs(other - code) < 300 || alike.includes(other))
        expect(found.filter(other => fits(String.fromCodePoint(other))).sort()).toEqual([...alike].sort())
      }
    }
  })

  it('neither lengthens a string nor knows a language', () => {
    const pairs = [
      ['ß', 'ẞ', true],
      ['ß', 'ss', false],
      ['STRASSE', 'straße', false],
      ['ſ', 'S', true],
      ['\u212a', 'k', true],
      ['İ', 'i', false],
      ['İ', 'i̇', false],
      ['I', 'ı', false],
      ['I', 'i', true],
      ['ς', 'Σ', true],
      ['ǅ', 'ǆ', true],
      ['ﬁ', 'FI', false],
      ['é', 'É', true],
      ['é', 'e\u0301', false],
      ['𐐀', '𐐨', true],
      ['𞤀x', '𞤢X', true],
    ] as const
    for (const [text, value, expected] of pairs) {
      expect(equals(text, value), `${text} and ${value}`).toBe(expected)
      expect(equals(value, text), `${value} and ${text}`).toBe(expected)
    }
  })

  it('compares strings as their foldings, also long ones, and with unpaired surrogates', () => {
    const character = fc.oneof(
      fc.constantFrom(...[...folding].flat().map(code => String.fromCodePoint(code))),
      fc.constantFrom('a', 'A', 's', 'ſ', '.', '\\', '\ud83d', '\ude00', '😀', '\0'),
    )
    const text = fc.array(character, { minLength: 1, maxLength: 300 }).map(list => list.join(''))
    const change = fc.func(fc.constantFrom('same', 'fold', 'lower', 'upper'))
    fc.assert(
      fc.property(text, change, text, (one, how, other) => {
        const changed = Array.from(one, (character, at) => {
          const changes = {
            same: character,
            fold: fold(character),
            lower: character.toLowerCase(),
            upper: character.toUpperCase(),
          }
          return changes[how(at) as keyof typeof changes]
        }).join('')
        expect(equals(one, changed)).toBe(fold(one) === fold(changed))
        expect(equals(one, other)).toBe(fold(one) === fold(other))
      }),
      { numRuns: 300 },
    )
  })

  it('takes a text of 8,000 characters of two units each', () => {
    expect(equals('𐐀'.repeat(4_000), '𐐨'.repeat(4_000))).toBe(true)
    expect(equals('𐐀'.repeat(4_000), `${'𐐨'.repeat(3_999)}𐐩`)).toBe(false)
  })
})
