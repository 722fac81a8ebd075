import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { path, toPath, toQuery } from '../../src/http/path.ts'

const any = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '.', '..', '%2e', '%2E%2e', '/', '\\', '?', '#', 'ü', '\ud800'),
)

describe('a path', () => {
  it('leads an id of any characters to the same place, as one segment, or is refused', () => {
    fc.assert(
      fc.property(any, any, (tenant, id) => {
        let written: string
        try {
          written = toPath(path`/v1/tenants/${tenant}/endpoints/${id}/enable`)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          expect([tenant, id].some(one => ['', '.', '..'].includes(one) || !one.isWellFormed())).toBe(true)
          return
        }
        const { pathname, search, hash } = new URL(`http://posthorn.test${written}`)
        expect(pathname.split('/').map(decodeURIComponent)).toEqual([
          '',
          'v1',
          'tenants',
          tenant,
          'endpoints',
          id,
          'enable',
        ])
        expect([search, hash]).toEqual(['', ''])
      }),
    )
  })

  it.each([undefined, null, 7, {}, ['a']])('is refused for %j, which is not a string', value => {
    expect(() => toPath(path`/v1/tenants/${value as string}`)).toThrow(/^An id or name must be a string, not /)
  })
})

describe('a query', () => {
  it('carries every text, number, boolean, time and list as it was given', () => {
    const scalar = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.boolean(),
      fc.date({ noInvalidDate: true }),
    )
    const query = fc.dictionary(
      fc.string({ minLength: 1 }),
      fc.oneof(scalar, fc.array(scalar), fc.constantFrom(null, undefined)),
    )
    const textOf = (value: unknown) => (value instanceof Date ? value.toISOString() : String(value))
    fc.assert(
      fc.property(query, given => {
        const read = [...new URLSearchParams(toQuery(given))]
        const expected = Object.entries(given).flatMap(([name, value]) =>
          [value].flat().flatMap(one => (one === null || one === undefined ? [] : [[name, textOf(one)]])),
        )
        expect(read).toEqual(expected)
      }),
    )
  })

  it('is nothing if nothing was given', () => {
    expect([toQuery(undefined), toQuery({}), toQuery({ type: undefined })]).toEqual(['', '', ''])
  })
})
