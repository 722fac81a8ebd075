import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SlicedParse } from '../../src/base/json-slices.ts'

function parse(text: string, steps = 1): unknown {
  const sliced = new SlicedParse(Buffer.from(text))
  while (!sliced.continue(steps)) {}
  return sliced.value
}

/** What tells values apart that are equal otherwise: the order of members, own ones named `__proto__`, and -0. */
function spell(value: unknown): unknown {
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? [value] : value
  if (Array.isArray(value)) return { array: value.map(spell) }
  return Object.entries(value).map(([key, inner]) => [
    key,
    Object.getPrototypeOf(value) === Object.prototype,
    spell(inner),
  ])
}

describe('a text that is parsed in slices has the same value', () => {
  it.each([
    '1',
    ' [ ] ',
    '{}',
    '-0',
    '[1e400,-1E-400,0.1,12345678901234567890,1.0]',
    '{"b":1,"a":2,"2":3,"1":4,"b":5}',
    '{"__proto__":{"x":1},"constructor":2,"__proto__":3}',
    '"\\ud800\\u0041é😀\\n\\/"',
    '"\\"\\\\"',
    '[[[[]]],{"":[null,true,false]}]',
    `"${'x'.repeat(10_000)}"`,
  ])('%s', text => {
    for (const steps of [1, 100, Number.POSITIVE_INFINITY]) {
      expect(spell(parse(text, steps))).toEqual(spell(JSON.parse(text)))
    }
  })

  it('whatever the value is, and however it is written', () => {
    const spaced = fc.tuple(fc.json({ maxDepth: 6, stringUnit: 'binary' }), fc.constantFrom(0, 1, '\t'))
    fc.assert(
      fc.property(spaced, fc.integer({ min: 1, max: 50 }), ([json, space], steps) => {
        const text = JSON.stringify(JSON.parse(json), null, space)
        expect(spell(parse(text, steps))).toEqual(spell(JSON.parse(text)))
      }),
    )
  })

  it('and a text that is not JSON is refused as by JSON.parse', () => {
    const token = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '"a"',
        '1',
        '-',
        '0',
        '.',
        'e',
        'true',
        'nul',
        'null',
        ' ',
        '\\',
        '\u0001',
      ],
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), tokens => {
        const text = tokens.join('')
        let expected: unknown
        try {
          expected = { value: spell(JSON.parse(text)) }
        } catch {
          expected = 'refused'
        }
        let found: unknown
        try {
          found = { value: spell(parse(text)) }
        } catch (error) {
          found = error instanceof SyntaxError ? 'refused' : error
        }
        expect(found).toEqual(expected)
      }),
      { numRuns: 5_000 },
    )
  })
})

it('a slice ends soon after its steps, and the size is counted', () => {
  const sliced = new SlicedParse(Buffer.from(`[${'1,'.repeat(9_999)}1]`))
  let slices = 0
  while (!sliced.continue(1_000)) slices++
  expect(slices).toBeGreaterThan(100)
  expect(sliced.bytes).toBeGreaterThan(160_000)
  expect(sliced.bytes).toBeLessThan(400_000)
})
