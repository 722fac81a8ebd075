import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PayloadFilter } from '../../../src/base/model.ts'
import { compileFilter } from '../../../src/catalogue/filter.ts'
import { faultsOf, fieldsOf, passes } from './setup.ts'

describe('checkFilter', () => {
  it('refuses anything that is not an object', () => {
    for (const filter of ['a', 1, true, ['Quoted'], undefined]) expect(fieldsOf(filter)).toEqual(['/filter'])
    expect(fieldsOf({})).toEqual(['/filter'])
  })

  it('reports the place of each fault as a JSON Pointer', () => {
    expect(
      fieldsOf({
        status: 'Quoted',
        'a/b~c': [],
        list: [['x']],
        nested: { deep: { prefix: '', gte: '1', exists: 1 } },
        words: { in: 'x' },
        empty: {},
        prefixes: { prefix: [] },
        any: { anyOf: 'x' },
        none: { anyOf: [] },
      }),
    ).toEqual([
      '/filter/status',
      '/filter/a~1b~0c',
      '/filter/list/0',
      '/filter/nested/deep/prefix',
      '/filter/nested/deep/gte',
      '/filter/nested/deep/exists',
      '/filter/words/in',
      '/filter/empty',
      '/filter/prefixes/prefix',
      '/filter/any/anyOf',
      '/filter/none/anyOf',
    ])
    expect(fieldsOf({ anyOf: [{ a: 1 }, 'x', ['y']], n: { anyOf: [{ b: null }, [[]]] } })).toEqual([
      '/filter/anyOf/0/a',
      '/filter/anyOf/1',
      '/filter/anyOf/2',
      '/filter/n/anyOf/0/b',
      '/filter/n/anyOf/1/0',
    ])
  })

  it('shows how to write the condition', () => {
    expect(faultsOf({ status: 'Quoted' })[0]!.detail).toContain('["…"]')
    expect(faultsOf({ status: { is: 'Quoted' } })[0]!.detail).toMatch(/anyOf.*\$exists.*\$prefix.*\$gte.*\$not/)
    expect(faultsOf({ status: 'S3CRET' })[0]!.detail, 'a value is not repeated').not.toContain('S3CRET')
  })

  it('refuses conditions that nothing could satisfy, and numbers too large to tell apart', () => {
    expect(fieldsOf({ n: { gt: 2, lt: 1 } })).toEqual(['/filter/n'])
    expect(fieldsOf({ n: { gt: 1, lte: 1 } })).toEqual(['/filter/n'])
    expect(fieldsOf({ n: { exists: false, gt: 1 } })).toEqual(['/filter/n/exists'])
    expect(fieldsOf({ n: [2 ** 53, -(2 ** 60), 2 ** 53 - 1] })).toEqual(['/filter/n/0', '/filter/n/1'])
  })

  it('refuses an unknown operator, with the nearest and the list of all', () => {
    const detailOf = (filter: unknown) => {
      const faults = faultsOf(filter)
      expect(faults).toHaveLength(1)
      return faults[0]!.detail
    }
    const all =
      'The operators are anyOf, $exists, $prefix, $suffix, $contains, $equalsIgnoreCase, $wildcard, $gt, $gte, $lt, $lte, $not.'
    expect(detailOf({ a: { $contain: 'x' } })).toBe(
      `Unknown operator \`$contain\`. Did you mean \`$contains\`? ${all} A member with this name is written as \`$$contain\`.`,
    )
    expect(detailOf({ a: { $nothing: ['x'] } })).not.toContain('Did you mean')
    for (const [name, meant] of [
      ['$Not', '$not'],
      ['$equalsignorecase', '$equalsIgnoreCase'],
      ['$sufix', '$suffix'],
      ['$or', 'anyOf'],
      ['$anyOf', 'anyOf'],
      ['$ne', '$not'],
      ['$regex', '$wildcard'],
      ['$endsWith', '$suffix'],
    ]) {
      for (const value of [['x'], 'x', { b: ['x'] }, [{ b: ['x'] }]]) {
        expect(detailOf({ a: { [name!]: value } })).toContain(`Did you mean \`${meant}\`?`)
      }
    }
    expect(detailOf({ $or: [{ a: ['x'] }] })).toContain('Did you mean `anyOf`?')
    expect(detailOf({ a: { contains: 'x' } })).toContain('Did you mean `$contains`?')
    expect(detailOf({ $exists: true })).toContain('name the member to test')
    expect(detailOf({ $prefix: { anyOf: ['x'] } })).toContain('A member with this name is written as `$$prefix`.')
    expect(detailOf({ a: { [`$${'x'.repeat(500)}`]: ['x'] } }).length).toBeLessThan(400)
  })

  it('refuses values that an operator does not take', () => {
    for (const operator of ['$prefix', '$suffix', '$contains', '$equalsIgnoreCase', '$wildcard']) {
      for (const value of ['', [], [''], ['a', 7], 7, null, true, { a: ['x'] }]) {
        expect(fieldsOf({ a: { [operator]: value } }), `${operator} ${JSON.stringify(value)}`).toEqual([
          `/filter/a/${operator}`,
        ])
      }
      expect(fieldsOf({ a: { [operator]: Array.from({ length: 100 }, (_, n) => `${n}`) } })).toEqual([])
      expect(fieldsOf({ a: { [operator]: Array.from({ length: 101 }, (_, n) => `${n}`) } })).toEqual([
        `/filter/a/${operator}`,
      ])
    }
    for (const operator of ['gt', '$gt', '$gte', '$lt', 'lte']) {
      for (const value of ['1', null, [1], JSON.parse('1e999')]) {
        expect(fieldsOf({ a: { [operator]: value } })).toEqual([`/filter/a/${operator}`])
      }
    }
    for (const value of ['true', 1, null, ['x'], { a: ['x'] }]) {
      expect(fieldsOf({ a: { $exists: value } })).toEqual(['/filter/a/$exists'])
    }
    for (const value of ['x', 1, null, true]) expect(fieldsOf({ a: { $not: value } })).toEqual(['/filter/a/$not'])
    for (const value of [[], {}]) expect(fieldsOf({ a: { $not: value } })).toEqual(['/filter/a/$not'])
    expect(fieldsOf({ $not: ['x'] })).toEqual(['/filter/$not'])
    expect(fieldsOf({ a: { $not: { b: 'x' } } })).toEqual(['/filter/a/$not/b'])
    expect(fieldsOf({ $not: { $not: { a: 'x' } } })).toEqual(['/filter/$not/$not/a'])
    expect(fieldsOf({ a: { prefix: 'x', $prefix: 'y' } })).toEqual(['/filter/a/$prefix'])
    expect(fieldsOf({ a: { exists: { anyOf: ['x'] }, $exists: true } })).toEqual([])
  })

  it('limits the texts that strings are searched for', () => {
    expect(fieldsOf({ a: { $contains: 'x'.repeat(200) } })).toEqual([])
    expect(fieldsOf({ a: { $contains: ['y', 'x'.repeat(201)] } })).toEqual(['/filter/a/$contains'])
    expect(fieldsOf({ a: { $wildcard: `${'x'.repeat(999)}*${'y'.repeat(200)}*${'z'.repeat(999)}` } })).toEqual([])
    expect(fieldsOf({ a: { $wildcard: `*${'x'.repeat(201)}*` } })).toEqual(['/filter/a/$wildcard'])
  })

  it.each<[PayloadFilter, string]>([
    [{ a: { $prefix: 'x', gt: 1 } }, '/a'],
    [{ a: { exists: false, $prefix: 'x' } }, '/a/exists'],
    [{ a: { $exists: false, anyOf: ['x'] } }, '/a/$exists'],
    [{ a: { $prefix: 'x', $suffix: 'y', anyOf: ['xz', 'zy'] } }, '/a'],
    [{ a: { $prefix: 'x', $wildcard: 'y*' } }, '/a'],
    [{ a: { $suffix: 'x', $wildcard: ['*y', 'y'] } }, '/a'],
    [{ a: { $equalsIgnoreCase: 'x', anyOf: ['y'] } }, '/a'],
    [{ a: { $gt: 5, anyOf: [1, 2, { $lt: 3 }] } }, '/a'],
    [{ a: { $gt: 5, $lt: 5 } }, '/a'],
    [{ a: { $gt: 5, b: ['x'] } }, '/a'],
    [{ a: { anyOf: ['x', 1], $not: ['x', 1, 2] } }, '/a'],
    [{ a: { $prefix: ['x', 'y'], $not: { $prefix: ['y', 'x'] } } }, '/a'],
    [{ a: { $gte: 1, $not: { $gt: 0 } } }, '/a'],
    [{ a: { $exists: true, $not: { $exists: true } } }, '/a'],
    [{ a: { $wildcard: '**', $not: { $wildcard: '*' } } }, '/a'],
    [{ a: { $not: { anyOf: [{ $exists: true }, { $exists: false }] } } }, '/a/$not'],
    [{ $not: { a: { anyOf: [{ exists: true }, { exists: false }] } } }, '/$not'],
    [{ a: ['x', 'y'], $not: { a: ['y', 'x', 'z'] } }, ''],
    [{ a: { b: ['x'], $not: { b: { $prefix: 'x' } } } }, '/a'],
    [{ anyOf: [{ b: ['x'] }, { a: { $prefix: 'x', gt: 1 } }] }, '/anyOf/1/a'],
  ])('refuses %j, which nothing satisfies', (filter, field) => {
    const faults = faultsOf(filter)
    expect(faults.map(fault => fault.field)).toEqual([`/filter${field}`])
    expect(faults[0]!.detail).toMatch(/no event would ever match|No number lies|satisfies none/)
    const values = [
      undefined,
      null,
      true,
      0,
      1,
      5,
      6,
      '',
      'x',
      'xy',
      'y',
      [],
      ['x'],
      ['x', 'y'],
      [1, 'x'],
      {},
      { b: 'x' },
    ]
    for (const a of values) expect(compileFilter(filter)({ a }), JSON.stringify(a)).toBe(false)
  })

  it.each<[PayloadFilter, unknown]>([
    [{ a: { $exists: false, $not: ['x'] } }, {}],
    [{ a: { exists: false, b: { exists: false } } }, {}],
    [{ a: { $gt: 1, $not: { $not: [1] } } }, { a: [1, 2] }],
    [{ a: { $prefix: ['x', 'ya'], $wildcard: 'y*' } }, { a: 'ya' }],
    [{ a: { $prefix: 'x', $not: { $prefix: 'xy' } } }, { a: 'x' }],
    [{ a: ['x'], $not: { a: ['x'], b: ['y'] } }, { a: 'x' }],
    [{ a: { $gt: 1, $not: [2, 3] } }, { a: 4 }],
    [{ a: { $gte: 1, $lte: 1, $not: [2] } }, { a: 1 }],
    [{ a: { $equalsIgnoreCase: 'x', $not: ['x'] } }, { a: 'X' }],
    [{ $not: { $not: { a: ['x'] } } }, { a: 'x' }],
  ])('accepts %j, which something satisfies', (filter, payload) => {
    expect(passes(filter, payload)).toBe(true)
  })

  it('limits size, depth and the number of conditions', () => {
    const deep = (levels: number): PayloadFilter => (levels === 0 ? { a: [1] } : { a: deep(levels - 1) })
    expect(fieldsOf(deep(13))).toEqual([])
    expect(fieldsOf(deep(16))).toHaveLength(1)
    expect(fieldsOf({ a: ['x'.repeat(8_192)] })).toEqual(['/filter'])
    expect(fieldsOf({ a: { anyOf: Array.from({ length: 90 }, () => ['x']) } })).toEqual([])
    expect(fieldsOf({ a: { anyOf: Array.from({ length: 101 }, () => ['x']) } })).toEqual(['/filter'])
    const faulty = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`m${n}`, 'x']))
    expect(faultsOf(faulty)).toHaveLength(20)
  })

  it('never throws, and every filter that it accepts compiles', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (filter, payload) => {
        if (faultsOf(filter).length === 0)
          expect(typeof compileFilter(filter as PayloadFilter)(payload)).toBe('boolean')
      }),
    )
  })
})
