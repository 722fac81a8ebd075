import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fits, isPattern } from '../src/lib/type-pattern.ts'

test('a name fits a pattern whose stars stand for any characters', () => {
  expect(fits('COVER_REFERENCE', 'COVER_*')).toBe(true)
  expect(fits('COVER_REFERENCE', '*_REF*CE')).toBe(true)
  expect(fits('COVER_REFERENCE', 'COVER_REFERENCE')).toBe(true)
  expect(fits('COVER_REFERENCE', 'COVER')).toBe(false)
  expect(fits('aba', 'ab*ba')).toBe(false)
  expect(isPattern('COVER_*')).toBe(true)
})

test('it says what a regular expression says', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 })
  fc.assert(
    fc.property(text, pattern, (name, pattern) => {
      const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
      expect(fits(name, pattern)).toBe(expression.test(name))
    }),
    { numRuns: 1_000 },
  )
})
