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

  it('name what the limits of the schema rule out', async () => {
    const schema = {
      type: 'object',
      required: ['id', 'o'],
      properties: {
        id: { type: 'string', maxLength: 5, pattern: '^[a-z]+$' },
        n: { type: 'integer', minimum: 1, maximum: 10 },
        m: { type: 'number', multipleOf: 5 },
        u: { type: 'string', format: 'uuid' },
        c: { const: 'K' },
        b: { type: 'boolean' },
        o: { type: 'object', required: ['x'], properties: { x: { exclusiveMinimum: 0, type: 'number' } } },
        list: { type: 'array', items: { type: 'number', exclusiveMaximum: 3 } },
      },
    }
    await bench.put('/v1/event-types/T', { group: 'g', description: 'd', example: { id: 'x', o: { x: 1 } }, schema })
    const whole = (field: string) => [field, 'a value that satisfies this condition']
    const missing = (field: string) => [field, 'the member to be missing']
    const range = (field: string) => [field, 'a number in this range']
    const value = (field: string) => [field, 'this value']
    const text = (field: string) => [field, 'a string that satisfies this']
    const cases: [object, string[]][] = [
      [{ n: [0] }, value('/n/0')],
      [{ n: [2.5, 3] }, value('/n/0')],
      [{ n: { $gt: 10 } }, range('/n/$gt')],
      [{ n: { $gt: 2, $lt: 3 } }, whole('/n')],
      [{ m: [7] }, value('/m/0')],
      [{ id: ['longer'] }, value('/id/0')],
      [{ id: ['ABC'] }, value('/id/0')],
      [{ id: { $prefix: 'longer' } }, text('/id/$prefix')],
      [{ id: { $prefix: 'A' } }, text('/id/$prefix')],
      [{ id: { $contains: 'longer' } }, text('/id/$contains')],
      [{ u: ['x'] }, value('/u/0')],
      [{ u: { $prefix: 'x' } }, text('/u/$prefix')],
      [{ id: { $exists: false } }, missing('/id')],
      [{ id: { $not: { $exists: true } } }, missing('/id')],
      [{ o: { x: { $exists: false } } }, missing('/o/x')],
      [{ c: { $exists: true, $not: ['K'] } }, whole('/c')],
      [{ b: { $exists: true, $not: [true, false] } }, whole('/b')],
      [{ o: { x: [0] } }, value('/o/x/0')],
      [{ list: [3] }, value('/list/0')],
    ]
    for (const [filter, [field, what]] of cases) {
      const answer = await create({ types: ['T'], filter })
      expect(answer.status).toBe(201)
      const path = field!.replace(/\/(?:\$\w+|\d+)$/, '')
      const detail = `No schema of the endpoint's event types allows ${what} at ${path}.`
      expect(aboutFilter(answer)).toEqual([{ code: 'filter_value_unknown', field: `/filter${field}`, detail }])
    }
    const not = await create({ types: ['T'], filter: { $not: { id: { $exists: true } } } })
    expect(aboutFilter(not)).toEqual([
      {
        code: 'filter_value_unknown',
        field: '/filter/$not',
        detail: "No schema of the endpoint's event types allows a payload without what this excludes.",
      },
    ])
    for (const filter of [
      { n: { $gt: 2, $lt: 4 } },
      { m: [15] },
      { id: { $prefix: 'abcde' } },
      { u: { $prefix: '0F' } },
      { c: { $not: ['K'] } },
      { b: { $exists: false } },
      { o: { x: { $gt: 0, $lt: 0.1 } } },
      { list: { $not: [1] } },
      { list: { $exists: true } },
      { $not: { b: { $exists: true } } },
    ]) {
      expect(aboutFilter(await create({ types: ['T'], filter })), JSON.stringify(filter)).toEqual([])
    }
  })

  it('say why a pattern matches nothing, and that a schema rules a member out', async () => {
    const schema = { type: 'object', required: ['id'], properties: { id: {}, f: false } }
    await bench.put('/v1/event-types/T', { group: 'g', description: 'd', example: { id: 1 }, schema })
    const ruledOut = await create({ types: ['T'], filter: { f: [1] } })
    expect(aboutFilter(ruledOut)[0].detail).toBe(
      "No schema of the endpoint's event types has /f. The schemas that mention it rule it out.",
    )
    const { body } = await create({ types: ['T', 'posthorn*', 'NOTHING_*'] })
    expect(body.warnings.filter(({ code }: Json) => code === 'types_fit_nothing')).toEqual([
      {
        code: 'types_fit_nothing',
        field: '/types/1',
        detail:
          'posthorn* matches only operational events. An endpoint gets those only by a pattern that begins with `posthorn.`.',
      },
      {
        code: 'types_fit_nothing',
        field: '/types/2',
        detail: 'No event type matches NOTHING_*. Check the spelling. An event type created later can match it.',
      },
    ])
    for (const list of ['/v1/endpoints', '/v1/events', '/v1/deliveries']) {
      const answer = await bench.get(`${list}?type=COVER_*`)
      expect(refused(answer)).toEqual([422, 'invalid', ['type']])
      expect(answer.body.errors[0].detail).toContain('A pattern with `*` cannot be used here.')
    }
    const path = await bench.get('/v1/tenants/%ff')
    expect([path.status, path.body.detail]).toEqual([
      400,
      expect.stringContaining('percent-encoded character of UTF-8'),
    ])
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
