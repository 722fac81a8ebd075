import { beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const TRIALS = '/v1/tenants/acme/filter-trials'
const attempt = (body: object, sent = {}) => bench.post(TRIALS, body, sent)

const TYPE = 'ORDER_CHANGED'
const definition = {
  group: 'orders',
  description: 'd',
  schema: {
    type: 'object',
    required: ['id'],
    properties: { id: {}, status: { type: 'string' }, list: { type: 'array' } },
  },
  example: { id: 'x' },
}

beforeEach(async () => {
  for (const type of [TYPE, 'ORDER_MADE']) await bench.put(`/v1/event-types/${type}`, definition)
})

async function publish(payload: object, { type = TYPE, id }: { type?: string; id?: string } = {}): Promise<string> {
  const { status, body } = await bench.post('/v1/tenants/acme/events', {
    type,
    ...(id === undefined ? {} : { id }),
    payload,
  })
  expect(status).toBe(202)
  return body.id
}
const verdicts = (answer: { body: Json }) => answer.body.data.map(({ matches }: Json) => matches)

describe('a trial of a filter', () => {
  it.each(['{"a":1e400}', '{"a":9007199254740993}', '{"__proto__":1,"a":1}', '{"a":{"\\u005f_proto__":[-1e999]}}'])(
    'takes every payload that publishing takes: %s',
    async payload => {
      const call = (filter: string) => bench.post(TRIALS, `{"filter":${filter},"payloads":[${payload}]}`)
      expect(verdicts(await call('{"a":["x"]}'))).toEqual([false])
      expect(verdicts(await call('{"a":{"$exists":true}}'))).toEqual([true])
    },
  )

  it.each([
    ['{"filter":{"status":{"$gt":1e400}},"payloads":[{"a":1e400}]}', ['/filter/status/$gt'], 'number'],
    ['{"payloads":[{}],"filter":{"a":["x"],"b~/":[1,{"c":2,"c":3}]}}', ['/filter/b~0~1/1/c'], 'duplicate_key'],
    ['{"filter":{"a":["x"]},"payloads":[{},{"a":1,"a":2}]}', ['/payloads/1/a'], 'duplicate_key'],
    ['{"filter":{"a":[1e400,-1e400]},"payloads":[{}]}', ['/filter/a/0', '/filter/a/1'], 'number'],
    ['{"filter":{},"recent":1e400}', ['/recent'], 'number'],
  ])('points to what cannot be read: %s', async (body, fields, reason) => {
    const answer = await bench.post(TRIALS, body)
    expect(refused(answer)).toEqual([422, 'invalid', fields])
    expect(answer.body.errors[0].reason).toBe(reason)
  })

  it('refuses __proto__ in a filter', async () => {
    const answer = await bench.post(TRIALS, '{"filter":{"__proto__":["x"]},"payloads":[{}]}')
    expect(refused(answer)).toEqual([400, 'bad_json', []])
  })

  it('says for each given payload whether it matches and which part decided', async () => {
    const payloads = [
      { status: 'Quoted', list: [] },
      { status: 'Refused' },
      { list: Array.from({ length: 10_001 }, () => 'y') },
    ]
    const filter = { status: { $not: ['Refused'] }, list: { $not: ['x'] } }
    const { status, body } = await attempt({ filter, payloads, types: [TYPE] })
    expect([status, body]).toEqual([
      200,
      {
        data: [
          {
            matches: true,
            undecided: false,
            decidedBy: { path: '', because: 'All 2 conditions hold for the payload.' },
          },
          {
            matches: false,
            undecided: false,
            decidedBy: {
              path: '/status/$not',
              because: 'The condition under $not holds: /status is the listed value.',
            },
          },
          {
            matches: true,
            undecided: true,
            decidedBy: {
              path: '',
              because: 'The filter had no result after 10,000 steps, so it lets the event through.',
            },
          },
        ],
        searchedTo: null,
        warnings: [],
      },
    ])
  })

  it('agrees with what publishing decides', async () => {
    const filters = [{ status: { $suffix: 'ed' } }, { status: { $not: { $contains: 'u' } } }, { list: ['a'] }]
    const payloads = [
      { id: 1, status: 'Quoted' },
      { id: 2, status: 'x', list: ['b', 'a'] },
      { id: 3, list: [] },
    ]
    for (const filter of filters) {
      const endpoint = { url: 'https://hooks.example.com/a', clientSecret: 'x'.repeat(20), types: [TYPE], filter }
      const { body } = await bench.post('/v1/tenants/acme/endpoints', endpoint)
      const expected = await Promise.all(
        payloads.map(async payload => {
          const answer = await bench.post('/v1/tenants/acme/events', { type: TYPE, payload })
          return answer.body.deliveries === 1
        }),
      )
      expect(verdicts(await attempt({ filter, payloads })), JSON.stringify(filter)).toEqual(expected)
      await bench.remove(`/v1/tenants/acme/endpoints/${body.id}`)
    }
  })

  it('looks at events by their ids and keys', async () => {
    const first = await publish({ id: 1, status: 'a' }, { id: 'order 7' })
    const second = await publish({ id: 2, status: 'b' }, { type: 'ORDER_MADE' })
    const answer = await attempt({ filter: { status: ['a'] }, events: [second, 'order 7', first], types: [TYPE] })
    expect(answer.body.data).toEqual([
      {
        event: second,
        key: null,
        type: 'ORDER_MADE',
        matches: false,
        undecided: false,
        decidedBy: {
          path: '',
          because: 'The event has the type ORDER_MADE, which is not one of the types of this trial.',
        },
      },
      ...[1, 2].map(() => ({
        event: first,
        key: 'order 7',
        type: TYPE,
        matches: true,
        undecided: false,
        decidedBy: { path: '/status', because: '/status is the listed value.' },
      })),
    ])
    const unknown = { filter: { a: [1] }, events: [first, 'order 8', newId('evt', 1), 'a\0b'] }
    expect(refused(await attempt(unknown))).toEqual([422, 'invalid', ['/events/1', '/events/2', '/events/3']])
    await bench.run('delete from idempotency')
    const forgotten = await attempt({ filter: { status: ['a'] }, events: ['order 7', second, 'order 7'] })
    expect(forgotten.body.data.map(({ event }: Json) => event)).toEqual([first, second, first])
    await bench.put('/v1/tenants/beta', {})
    expect(
      refused(await bench.post('/v1/tenants/beta/filter-trials', { filter: { a: [1] }, events: [first, 'order 7'] })),
    ).toEqual([422, 'invalid', ['/events/0', '/events/1']])
  })

  it('looks at the newest events of some types, without tests and events without a payload', async () => {
    const ids: string[] = []
    for (let n = 0; n < 6; n++)
      ids.push(await publish({ id: n, status: n % 2 ? 'odd' : 'even' }, { type: n < 3 ? TYPE : 'ORDER_MADE' }))
    const endpoint = { url: 'https://hooks.example.com/a', clientSecret: 'x'.repeat(20) }
    const { body } = await bench.post('/v1/tenants/acme/endpoints', endpoint)
    expect((await bench.post(`/v1/tenants/acme/endpoints/${body.id}/test`, { type: TYPE })).status).toBe(202)

    const filter = { status: ['odd'] }
    const all = await attempt({ filter, recent: 100 })
    expect(all.body.data.map(({ event, matches }: Json) => [event, matches])).toEqual(
      ids.map((id, n) => [id, n % 2 === 1]).toReversed(),
    )
    expect((await attempt({ filter, recent: 2 })).body.data.map(({ event }: Json) => event)).toEqual([ids[5], ids[4]])
    const some = await attempt({ filter, recent: 2, types: [TYPE] })
    expect(some.body.data.map(({ event }: Json) => event)).toEqual([ids[2], ids[1]])
    expect((await attempt({ filter, recent: 9, types: ['ORDER_M*', 'NOTHING*'] })).body).toMatchObject({
      data: [{ event: ids[5] }, { event: ids[4] }, { event: ids[3] }],
      searchedTo: null,
      warnings: [{ code: 'types_fit_nothing' }],
    })
    await bench.run(`update event set payload = $1 where type = 'ORDER_MADE'`, [new Uint8Array()])
    expect(verdicts(await attempt({ filter, recent: 100 }))).toEqual([false, true, false])
    expect(refused(await attempt({ filter, events: [ids[0]!, ids[5]!] }))).toEqual([422, 'invalid', ['/events/1']])
  })

  it('ends after 50,000 events, and says how far it looked', async () => {
    await bench.run(
      `insert into event (tenant, id, type, payload, test, created_ms)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 55000)
         select 'acme', unhex(printf('0196%012x', i) || '0123456789abcdef'), 'ORDER_MADE', '{}', 0, i from n`,
    )
    const { body } = await attempt({ filter: { status: ['x'] }, recent: 1, types: [TYPE] })
    expect([body.data, body.searchedTo]).toEqual([[], expect.stringMatching(/^20\d\d-/)])
  })

  it('is refused like an endpoint, with everything that is wrong, and warned of like one', async () => {
    const payloads = [{ status: 'x' }]
    const wrong = await attempt({ filter: { a: { $contain: 'x' } }, types: ['NONE'], payloads: [7, {}, []] })
    expect(refused(wrong)).toEqual([422, 'invalid', ['/filter/a/$contain', '/types/0', '/payloads/0', '/payloads/2']])
    expect(refused(await attempt({ filter: { a: ['x'] } }))).toEqual([422, 'invalid', ['']])
    expect(refused(await attempt({ filter: { a: ['x'] }, payloads, recent: 1 }))).toEqual([422, 'invalid', ['']])
    expect(refused(await attempt({ filter: {}, payloads }))).toEqual([422, 'invalid', ['/filter']])
    expect(refused(await attempt({ payloads }))).toEqual([422, 'invalid', ['/filter']])
    for (const body of [
      { recent: 0 },
      { recent: 101 },
      { events: [] },
      { payloads: Array.from({ length: 101 }, () => ({})) },
    ]) {
      expect(refused(await attempt({ filter: { a: ['x'] }, ...body }))).toEqual([
        422,
        'invalid',
        [`/${Object.keys(body)[0]}`],
      ])
    }
    const warned = await attempt({ filter: { status: { not: ['x'] } }, types: [TYPE], payloads })
    expect(warned.body.warnings).toEqual([
      {
        code: 'filter_path_unknown',
        detail: 'No schema of these event types has /status/not. Did you mean the operator `$not`?',
        field: '/filter/status/not',
      },
    ])
    expect(refused(await bench.post('/v1/tenants/nobody/filter-trials', { filter: { a: ['x'] }, payloads }))[0]).toBe(
      404,
    )
    // The events of an archived type can still be tried.
    await bench.post(`/v1/event-types/${TYPE}/archive`)
    expect((await attempt({ filter: { status: ['x'] }, types: [TYPE], recent: 1 })).status).toBe(200)
  })

  it('changes nothing, and a key that reads may make it; on stored events, if it may see payloads', async () => {
    const id = await publish({ id: 1, status: 'a' })
    const { secret } = await bench.apiKeys.create({ name: 'k', scope: 'read', tenant: 'acme' })
    const filter = { status: ['a'] }
    const calls = [
      { filter, payloads: [{ status: 'a' }] },
      { filter, events: [id] },
      { filter, recent: 1 },
    ]
    for (const call of calls) expect(verdicts(await attempt(call, { key: secret }))).toEqual([true])
    expect((await bench.get('/v1/tenants/acme/deliveries')).body.data).toEqual([])

    const { secret: blind } = await bench.apiKeys.create({ name: 'k', scope: 'all', payloads: false })
    const answers = await Promise.all(calls.map(call => attempt(call, { key: blind })))
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 403])
    expect(answers[1]!.body).toMatchObject({
      code: 'forbidden',
      detail: 'A key without the permission `payloads` cannot try a filter on stored events.',
    })
    expect((await attempt(calls[1]!)).status, 'the root key').toBe(200)
  })
})
