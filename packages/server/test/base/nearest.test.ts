import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeUnknown, nearest } from '../../src/base/nearest.ts'

// cspell:ignore endpiont

/** The plain definition (restricted Damerau-Levenshtein), without any bound. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      if (i === 0 || j === 0) rows[i]![j] = i + j
      else {
        const changed = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
        const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        const swapped = isSwap ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY
        rows[i]![j] = Math.min(changed, rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, swapped)
      }
    }
  }
  return rows[a.length]![b.length]!
}

describe('the nearest name', () => {
  it.each([
    ['nmae', 'name'],
    ['Types', 'types'],
    ['client_secret', 'clientSecret'],
    ['endpiont', 'endpoint'],
    ['state', 'states'],
    ['x', undefined],
    ['', undefined],
    ['something else', undefined],
  ])('to %s is %s', (typed, expected) => {
    expect(nearest(typed, ['name', 'types', 'clientSecret', 'endpoint', 'states'])).toBe(expected)
  })

  it('is the first of those with the least distance, if that is at most a quarter of its length, or 1', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'B'), maxLength: 12 })
    fc.assert(
      fc.property(name, fc.array(name, { maxLength: 8 }), (typed, names) => {
        const lower = (text: string) => text.toLowerCase()
        const near = names
          .map(each => ({ each, far: distance(lower(typed), lower(each)) }))
          .filter(({ each, far }) => far <= Math.max(1, Math.floor(each.length / 4)))
        const least = Math.min(...near.map(({ far }) => far))
        expect(nearest(typed, names)).toBe(near.find(({ far }) => far === least)?.each)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is found without delay for a name of a megabyte, and among many names', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `TYPE_${String(index).padStart(100, '0')}`)
    expect(nearest('x'.repeat(1_000_000), names)).toBeUndefined()
    const begunMs = performance.now()
    expect(nearest(`TYPO_${'0'.repeat(100)}`, names)).toBe(names[0])
    expect(performance.now() - begunMs).toBeLessThan(5_000)
  })
})

describe('the description of an unknown name', () => {
  it('has the nearest name, if any, and all valid ones', () => {
    expect(describeUnknown('field', 'nmae', ['name', 'metadata'])).toBe(
      'Unknown field. Did you mean `name`? Valid fields are name, metadata.',
    )
    expect(describeUnknown('parameter', 'x', ['limit', 'cursor'])).toBe(
      'Unknown parameter. Valid parameters are limit, cursor.',
    )
    expect(describeUnknown('field', 'x', ['held'])).toBe('Unknown field. The only valid field is held.')
    expect(describeUnknown('parameter', 'x', [])).toBe('Unknown parameter. No parameter is valid here. Remove it.')
  })
})
