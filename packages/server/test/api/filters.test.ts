import { describe, expect, it } from 'vitest'
import { type Answer, type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const ENDPOINTS = '/v1/tenants/acme/endpoints'
const base = { url: 'https://hooks.example.com/a', clientSecret: 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw==' }

const create = (over: object) => bench.post(ENDPOINTS, { ...base, ...over })
const aboutFilter = ({ body }: Answer) => body.warnings.filter(({ code }: Json) => code.startsWith('filter_'))

describe('a filter in a call', () => {
  it('takes every operator, and decides by it when an event is published', async () => {
    const types = ['COVER_STATUS_CHANGED']
    const filters = [
      { status: { $not: ['Refused'] } },
      { status: { $suffix: 'ed' } },
      { status: { $contains: 'fuse' } },
      { status: { $equalsIgnoreCase: 'EXPIRED' } },
      { status: { $wildcard: 'T*e*B*d' } },
      { retracted: { $not: { $exists: true } } },
      { status: { $gt: 5 } },
    ]
    for (const filter of filters) expect((await create({ types, filter })).status).toBe(201)
    const payload = {
      coverId: '564200aa-7128-4a26-83a8-cf0201903fcc',
      status: 'Refused',
      notificationId: '564200aa-7128-4a26-83a8-cf0201903fcc',
      notificationTimestamp: '2026-01-31T12:00:00Z',
    }
    const event = { type: 'COVER_STATUS_CHANGED', payload }
    const { body } = await bench.post('/v1/tenants/acme/events', event)
    expect([body.deliveries, body.notSent]).toEqual([3, { filter: 4 }])
    const barred = await bench.post('/v1/tenants/acme/events', {
      ...event,
      payload: { ...payload, status: 'TimeBarred' },
    })
    expect([barred.body.deliveries, barred.body.notSent]).toEqual([4, { filter: 3 }])
  })

  it('is refused for an unknown operator, and where nothing can satisfy it', async () => {
    const answer = await create({ filter: { status: { $contain: 'x' }, n: { $gt: 5, $prefix: 'a' }, $or: [] } })
    expect(refused(answer)).toEqual([422, 'invalid', ['/filter/status/$contain', '/filter/n', '/filter/$or']])
    expect(answer.body.errors[0].detail).toContain('Did you mean `$contains`? The operators are anyOf, $exists,')
  })
})

describe('the warnings of an endpoint', () => {
  it('name paths and values that no schema of its types has, when it is created, changed and shown', async () => {
    const created = await create({ types: ['COVER_STATUS_CHANGED', 'GRADE_*'], filter: { status: { not: ['a'] } } })
    const expected = [
      {
        code: 'filter_path_unknown',
        detail: "No schema of the endpoint's event types has /status/not. Did you mean the operator `$not`?",
        field: '/filter/status/not',
      },
    ]
    expect([created.status, aboutFilter(created)]).toEqual([201, expected])
    const one = `${ENDPOINTS}/${created.body.id}`
    expect(aboutFilter(await bench.get(one))).toEqual(expected)
    expect((await bench.get(ENDPOINTS)).body.data[0].warnings).toEqual((await bench.get(one)).body.warnings)

    const dotted = await bench.patch(one, { filter: { 'a.b': ['x'], status: ['Quotd', 'Quoted'] } })
    expect(dotted.status).toBe(200)
    expect(aboutFilter(dotted).map(({ code, field }: Json) => [code, field])).toEqual([
      ['filter_path_unknown', '/filter/a.b'],
      ['filter_value_unknown', '/filter/status/0'],
    ])
    expect(aboutFilter(dotted)[0].detail).toContain('Did you mean nested objects, `{"a": {"b": …}}`?')

    expect(aboutFilter(await bench.patch(one, { filter: { status: { $not: ['Quoted'] } } }))).toEqual([])
    // The types decide as well: one of them knows the path, or none does.
    expect(aboutFilter(await bench.patch(one, { types: ['COVER_REFERENCE', 'GRADE_CHANGED'] }))[0].field).toBe(
      '/filter/status',
    )
    expect(aboutFilter(await bench.patch(one, { types: null }))).toEqual([])
  })

  it('follow the schemas as they are now, and need a type in use', async () => {
    const type = { group: 'g', description: 'd', example: { id: 'x' } }
    const schemaOf = (properties: object) => ({
      type: 'object',
      required: ['id'],
      properties: { id: {}, ...properties },
    })
    await bench.put('/v1/event-types/T', { ...type, schema: schemaOf({}) })
    const { body } = await create({ types: ['T'], filter: { colour: ['red'] } })
    const shown = async () => aboutFilter(await bench.get(`${ENDPOINTS}/${body.id}`)).map(({ field }: Json) => field)
    expect(await shown()).toEqual(['/filter/colour'])
    await bench.put('/v1/event-types/T', { ...type, schema: schemaOf({ colour: { enum: ['green'] } }) })
    expect(await shown()).toEqual(['/filter/colour/0'])
    await bench.put('/v1/event-types/T', { ...type, schema: schemaOf({ colour: {} }) })
    expect(await shown()).toEqual([])
    await bench.put('/v1/event-types/T', { ...type, schema: schemaOf({}) })
    await bench.post('/v1/event-types/T/archive')
    expect(await shown()).toEqual([])
    const pattern = await create({ types: ['NOTHING_*'], filter: { colour: ['red'] } })
    expect(pattern.body.warnings.map(({ code }: Json) => code)).toContain('types_fit_nothing')
    expect(aboutFilter(pattern)).toEqual([])
  })
})
