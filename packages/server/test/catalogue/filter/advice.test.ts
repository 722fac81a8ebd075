import { describe, expect, it, vi } from 'vitest'
import { adviseOnFilter } from '../../../src/catalogue/filter/advice.ts'
import { SchemaPlace } from '../../../src/catalogue/schema-places.ts'
import { faultsOf, resultOf } from './setup.ts'

const text = { type: 'string' } as const
const quote = SchemaPlace.root({
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['Quoted', 'Refused'] },
    cover: { type: 'object', properties: { country: text, amount: { type: 'number' } } },
    items: { type: 'array', items: { type: 'object', properties: { sku: text, price: { type: 'integer' } } } },
    not: text,
  },
})
const search = SchemaPlace.root({
  type: 'object',
  properties: { status: { enum: ['PENDING'] }, found: { type: ['boolean', 'null'] } },
})

const advise = (filter: Record<string, unknown>, ...places: SchemaPlace[]) => {
  expect(faultsOf(filter)).toEqual([])
  return resultOf(adviseOnFilter(filter, '/filter', places.length === 0 ? [quote, search] : places))
}
const found = (filter: Record<string, unknown>, ...places: SchemaPlace[]) =>
  advise(filter, ...places).map(({ code, field }) => `${code.split('_')[1]} ${field}`)

describe('advice on a filter', () => {
  it('is not needed for what one of the schemas knows', () => {
    expect(
      found({
        status: ['Quoted', 'PENDING'],
        cover: { country: { $prefix: 'N' }, amount: { $gte: 1 } },
        items: { sku: ['A'], $not: { price: { $lt: 10 } } },
        anyOf: [{ found: [true, null] }, { $not: { not: { $exists: true } } }],
      }),
    ).toEqual([])
  })

  it('names each member that no schema knows, wherever it stands', () => {
    expect(
      found({
        state: ['Quoted'],
        cover: { land: ['NL'], country: { code: ['NL'] } },
        items: { $not: { skus: { b: ['A'] } } },
        anyOf: [{ found: { at: [1] } }, { $not: { 'a/b': { $exists: false } } }],
        $$x: [1],
      }),
    ).toEqual([
      'path /filter/state',
      'path /filter/cover/land',
      'path /filter/cover/country/code',
      'path /filter/items/$not/skus',
      'path /filter/anyOf/0/found/at',
      'path /filter/anyOf/1/$not/a~1b',
      'path /filter/$$x',
    ])
    expect(found({ cover: { country: ['NL'] } }, search)).toEqual(['path /filter/cover'])
  })

  it('hints at what was meant', () => {
    const detail = (filter: Record<string, unknown>) => advise(filter).map(each => each.detail)
    expect(detail({ status: { not: ['a'] } })).toEqual([
      "No schema of the endpoint's event types has /status/not. Did you mean the operator `$not`?",
    ])
    expect(detail({ 'cover.country': ['x'] })).toEqual([
      'No schema of the endpoint\'s event types has /cover.country. A dot has no special meaning. Did you mean nested objects, `{"cover": {"country": …}}`?',
    ])
    expect(detail({ statsu: ['x'] })[0]).toMatch(/ Did you mean `status`\?$/)
    expect(detail({ items: { Sku: ['x'] } })[0]).toMatch(/ Did you mean `sku`\?$/)
    expect(detail({ status: { contains: ['x'] } })[0]).toMatch(/ Did you mean the operator `\$contains`\?$/)
    expect(detail({ status: { exists: { anyOf: [true] } } })[0]).toMatch(/ Did you mean the operator `\$exists`\?$/)
    expect(detail({ unheardOf: ['x'] })[0]).toMatch(/ Check the spelling\.$/)
    for (const name of ['x'.repeat(4_000), 'x.'.repeat(2_000)])
      expect(detail({ [name]: ['x'] })[0]!.length).toBeLessThan(300)
  })

  it('names each value that no schema allows', () => {
    expect(
      found({
        status: ['Quotd', 'Quoted', 7],
        cover: { country: { $gt: 5, anyOf: [null, 'x', { $lte: 9 }] }, amount: { $prefix: 'x' } },
        items: { price: ['7', 7], $not: { sku: [true] } },
        found: { $not: ['yes'] },
      }),
    ).toEqual([
      'value /filter/status/0',
      'value /filter/status/2',
      'value /filter/cover/country/$gt',
      'value /filter/cover/country/anyOf/0',
      'value /filter/cover/country/anyOf/2/$lte',
      'value /filter/cover/amount/$prefix',
      'value /filter/items/price/0',
      'value /filter/items/$not/sku/0',
      'value /filter/found/$not/0',
    ])
    expect(
      found({ status: { anyOf: [{ $prefix: 'Q' }, { $suffix: 'x' }, { $equalsIgnoreCase: 'pending' }] } }),
    ).toEqual(['value /filter/status/anyOf/1/$suffix'])
  })

  it('ends after twenty warnings', () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`m${n}`, ['x', 'y']]))
    expect(found(many)).toHaveLength(20)
  })
})

describe('advice on a filter for many event types', () => {
  const placesOf = (count: number, allowed: (index: number) => string[]) =>
    Array.from({ length: count }, (_, index) =>
      SchemaPlace.root({ type: 'object', properties: { status: { type: 'string', enum: allowed(index) } } }),
    )
  const stepsOf = (filter: Record<string, unknown>, places: readonly SchemaPlace[]) => {
    const steps = adviseOnFilter(filter, '/filter', places)
    let count = 0
    for (; ; count++) {
      const { done, value } = steps.next()
      if (done) return { count, warnings: value }
    }
  }
  const values = Array.from({ length: 500 }, (_, index) => `value ${index}`)

  it('asks one schema in a step, and ends with the last warning that is shown', () => {
    const asked = vi.spyOn(SchemaPlace.prototype, 'allows')
    const { count, warnings } = stepsOf(
      { status: values },
      placesOf(100, () => ['other']),
    )
    expect(warnings).toHaveLength(20)
    // Each of the types for the member, and for each of the values.
    expect(count).toBe(100 + 20 * 100)
    expect(asked).toHaveBeenCalledTimes(20 * 100)
    asked.mockRestore()
  })

  it('ends after 10,000 questions, without a warning about what it has not asked', () => {
    const last = 2_999
    const places = placesOf(last + 1, index => (index === last ? values : ['other']))
    const { count, warnings } = stepsOf({ status: [...values.slice(0, 400), 'unknown'] }, places)
    expect(warnings).toEqual([])
    expect(count).toBeLessThanOrEqual(10_000)
    const few = placesOf(3, index => (index === 2 ? values : ['other']))
    expect(stepsOf({ status: [...values.slice(0, 400), 'unknown'] }, few).warnings).toHaveLength(1)
  })
})
