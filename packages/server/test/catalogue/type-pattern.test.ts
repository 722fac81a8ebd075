import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPattern, isSoundPattern, isTypeWanted } from '../../src/catalogue/type-pattern.ts'

const fits = (pattern: string, type: string) => createPattern(pattern)(type)

describe('createPattern', () => {
  it('matches * with any characters, including none, anywhere', () => {
    expect(fits('COVER_*', 'COVER_REFERENCE')).toBe(true)
    expect(fits('COVER_*', 'COVER_')).toBe(true)
    expect(fits('COVER_*', 'COVER')).toBe(false)
    expect(fits('COVER_*', 'cover_reference')).toBe(false)
    expect(fits('*_CHANGED', 'COVER_STATUS_CHANGED')).toBe(true)
    expect(fits('COVER_*_CHANGED', 'COVER_CHANGED')).toBe(false)
    expect(fits('a.b*', 'axb')).toBe(false)
    expect(fits('ab*ba', 'aba')).toBe(false)
  })

  it('matches operational types only if the pattern begins with their prefix', () => {
    expect(fits('*', 'posthorn.node.lost')).toBe(false)
    expect(fits('p*', 'posthorn.node.lost')).toBe(false)
    expect(fits('posthorn.*', 'posthorn.node.lost')).toBe(true)
  })

  it('gives the same results as a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 })
    fc.assert(
      fc.property(text, text, (pattern, written) => {
        const type = written.replaceAll('*', 'a')
        const parts = pattern.split('*').map(part => part.replaceAll('.', '\\.'))
        if (parts.length > 1) expect(fits(pattern, type)).toBe(new RegExp(`^${parts.join('.*')}$`).test(type))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('isTypeWanted', () => {
  it('handles names, patterns and null for all types', () => {
    expect(isTypeWanted(null, 'A')).toBe(true)
    expect(isTypeWanted(null, 'posthorn.node.lost')).toBe(false)
    expect(isTypeWanted(['A', 'B*'], 'BC')).toBe(true)
    expect(isTypeWanted(['A', 'B*'], 'C')).toBe(false)
    expect(isTypeWanted(['posthorn.node.lost'], 'posthorn.node.lost')).toBe(true)
  })
})

describe('isSoundPattern', () => {
  it('accepts patterns that type names could match', () => {
    for (const pattern of ['*', 'COVER_*', '*.x', 'a**b', 'posthorn.*']) expect(isSoundPattern(pattern)).toBe(true)
    for (const pattern of ['', '_*', '*é', 'a b*', '*\n', `${'a'.repeat(128)}*`]) {
      expect(isSoundPattern(pattern), pattern).toBe(false)
    }
  })
})
