import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PayloadFilter } from '../../../src/base/model.ts'
import { compileFilter, compileInterruptible, lastWork } from '../../../src/catalogue/filter/compile.ts'
import { Progress } from '../../../src/catalogue/filter/progress.ts'

/** Evaluates as the inbox does. Returns the result and how often the evaluation was interrupted. */
function evaluate(filter: PayloadFilter, payload: unknown) {
  const passes = compileInterruptible(filter)
  let interruptions = 0
  let result = passes(payload, null)
  for (const progress = new Progress(); result === undefined; result = passes(payload, progress)) {
    if (++interruptions > 1_000) throw new Error('The evaluation does not come to an end.')
  }
  return { result, interruptions }
}

/** Almost fits everywhere in a string of the same letter, so that searching for it takes long. */
const near = (end: string) => `${'a'.repeat(5)}${end}`

describe('an evaluation that would search for long', () => {
  const short = Array.from({ length: 200 }, (_, at) => ({ b: `${'a'.repeat(250)}${at}` }))
  const folded = Array.from({ length: 900 }, () => ({ b: `${'K'.repeat(790)}X0` }))
  const long = 'a'.repeat(1_000_000)

  it.each<[string, PayloadFilter, object]>([
    ['many texts in many strings', { items: { b: { $contains: range(40, at => near(`b${at}`)) } } }, { items: short }],
    ['texts in a long string', { b: { $contains: [near('b'), near('c')] } }, { b: long }],
    ['a text at the end of a long string', { b: { $contains: [near('b')] } }, { b: `${long}b` }],
    ['parts of a pattern', { b: { $wildcard: [`*${'a*'.repeat(50)}b*c`] } }, { b: `${long}bxc` }],
    [
      'texts without regard to case',
      { items: { b: { $equalsIgnoreCase: range(10, at => `${'k'.repeat(790)}x${at || 9}`) } } },
      { items: folded },
    ],
    ['excluded texts', { $not: { b: { $contains: [near('b')] } } }, { b: long }],
  ])('is interrupted, and comes to the same result: %s', (_name, filter, payload) => {
    const { result, interruptions } = evaluate(filter, payload)
    expect(result).toBe(compileFilter(filter)(payload))
    expect(interruptions).toBeGreaterThan(1)
  })

  it('does no more than a part of the work between two interruptions', () => {
    const passes = compileInterruptible({ b: { $contains: [near('b'), near('c')] } })
    const progress = new Progress()
    let result: boolean | undefined
    do {
      result = passes({ b: long }, progress)
      expect(lastWork()).toBeLessThan(40_000)
    } while (result === undefined)
  })

  it('comes to the same result for any texts and strings', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 12 })
    const part = fc.tuple(
      fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 9 }),
      fc.integer({ min: 1, max: 40_000 }),
    )
    const value = fc
      .array(part, { maxLength: 3 })
      .map(parts => parts.map(([unit, times]) => unit.repeat(times)).join('ab'))
    const operator = fc.constantFrom('$contains', '$wildcard', '$equalsIgnoreCase', '$prefix')
    fc.assert(
      fc.property(
        operator,
        fc.array(text, { minLength: 1, maxLength: 5 }),
        fc.array(value, { maxLength: 3 }),
        (name, texts, list) => {
          const filter = {
            list: { [name]: texts.map(each => (name === '$wildcard' ? `${each}*` : each.replaceAll('*', 'c'))) },
          }
          expect(evaluate(filter, { list }).result).toBe(compileFilter(filter)({ list }))
        },
      ),
    )
  })
})

function range<Value>(count: number, make: (at: number) => Value): Value[] {
  return Array.from({ length: count }, (_, at) => make(at))
}
