import { describe, expect, it } from 'vitest'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { type Answer, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, put, remove } = bench

const OTHER = 'COVER_STATUS_CHANGED'
const A = '/v1/tenants/acme'
const LATER = '2999-01-01'
const NEVER = { from: LATER, types: [TYPE], to: '3000-01-01' }

async function publish(key?: string, tenant = 'acme'): Promise<string> {
  const head = key === undefined ? '' : `"key":"${key}",`
  const { body } = await post(`/v1/tenants/${tenant}/events`, `{${head}"type":"${TYPE}","payload":${PAYLOAD}}`)
  return body.id
}

const isRefusedFor = (answer: Answer, ...fields: string[]) => expect(refused(answer)).toEqual([422, 'invalid', fields])

describe('a replay that selects nothing by its own words is refused', () => {
  it.each([true, false])('of an event of another type or time (dryRun: %s)', async dryRun => {
    const event = await publish()
    const ofType = await post(`${A}/replays`, { event, types: [OTHER], dryRun })
    isRefusedFor(ofType, '/types')
    expect(ofType.body.detail).toBe(`The event has the type \`${TYPE}\`. Add it, or omit the types or the event.`)
    const early = await post(`${A}/replays`, { event, from: '2020-01-01', to: '2020-01-02', dryRun })
    isRefusedFor(early, '/to')
    expect(early.body.detail).toMatch(/^The event was published at 2\S+Z, which is not before `to`\.$/)
    const soon = new Date(Date.now() + 30_000).toISOString()
    isRefusedFor(await post(`${A}/replays`, { event, from: soon, dryRun }), '/from')
    isRefusedFor(await post(`${A}/replays`, { event, types: [OTHER], to: '2020-01-02', dryRun }), '/types', '/to')
    expect((await get(`${A}/replays`)).body.data).toEqual([])
    const fitting = { event, types: [OTHER, TYPE], from: '2020-01-01', to: LATER, dryRun }
    expect((await post(`${A}/replays`, fitting)).status).toBe(dryRun ? 200 : 202)
  })

  it.each([true, false])('of a time that has not come, or before 1970 (dryRun: %s)', async dryRun => {
    const later = await post(`${A}/replays`, { from: LATER, dryRun })
    isRefusedFor(later, '/from')
    expect(later.body.detail).toBe('`from` must be before now.')
    isRefusedFor(await post(`${A}/replays`, { to: '1970-01-01', dryRun }), '/to')
    isRefusedFor(await post('/v1/replays', { ...NEVER, dryRun }), '/from')
    // Clocks differ a little.
    const soon = new Date(Date.now() + 30_000).toISOString()
    expect((await post(`${A}/replays`, { from: soon, dryRun })).status).toBe(dryRun ? 200 : 202)
  })
})

describe.each([`${A}/deliveries`, '/v1/deliveries'])('%s', list => {
  it('refuses an event that the other parameters rule out', async () => {
    await bench.endpoint()
    const event = await publish('order-1')
    await publish('order-2')
    const unnamed = await publish()
    isRefusedFor(await get(`${list}?event=${event}&key=order-2`), 'key')
    expect((await get(`${list}?event=${unnamed}&key=order-2`)).body.detail).toBe(
      'The event has no key. Omit `key` or `event`.',
    )
    isRefusedFor(await get(`${list}?event=${event}&type=${OTHER}`), 'type')
    isRefusedFor(await get(`${list}?event=${event}&from=2020-01-01&to=2020-01-02`), 'to')
    const fitting = `event=${event}&key=order-1&type=${OTHER},${TYPE}&from=2020-01-01&to=${LATER}`
    expect((await get(`${list}?${fitting}`)).body).toMatchObject({ data: [{ event }], warnings: [] })
  })
})

describe.each(['deliveries', 'events'])('the %s of a tenant or of all', what => {
  const lists = [`${A}/${what}`, `/v1/${what}`]

  it('warn of a key that stands for an event of another type', async () => {
    await bench.endpoint()
    await publish('order-1')
    for (const list of lists) {
      const { data, warnings } = (await get(`${list}?key=order-1&type=${OTHER}`)).body
      const detail = `The event with this key has the type \`${TYPE}\`, which \`type\` leaves out.`
      expect([data, warnings]).toEqual([[], [{ code: 'key_of_other_type', field: 'type', detail }]])
      for (const query of [`key=order-1&type=${TYPE}`, `key=order-9&type=${OTHER}`, `type=${OTHER}`]) {
        expect((await get(`${list}?${query}`)).body.warnings, query).toEqual([])
      }
    }
  })

  it('warn of nothing if an event with this key in any tenant has the type', async () => {
    await put('/v1/tenants/beta')
    await publish('order-1')
    await publish('order-1', 'beta')
    await bench.run(`update event set type = 'FREE' where tenant = 'beta'`)
    for (const type of ['FREE', TYPE, `${OTHER},FREE`]) {
      expect((await get(`/v1/${what}?key=order-1&type=${type}`)).body.warnings, type).toEqual([])
    }
    const [warning] = (await get(`/v1/${what}?key=order-1&type=${OTHER}`)).body.warnings
    expect(warning.detail).toBe('The event with this key has one of 2 other types, which `type` leaves out.')
  })

  it('refuse a time that has not come, or before 1970', async () => {
    for (const list of lists) {
      const later = await get(`${list}?from=${LATER}`)
      isRefusedFor(later, 'from')
      expect(later.body.detail).toBe('`from` must be before now.')
      isRefusedFor(await get(`${list}?to=1970-01-01`), 'to')
      const soon = new Date(Date.now() + 30_000).toISOString()
      expect((await get(`${list}?from=${soon}`)).status).toBe(200)
    }
  })
})

describe('the audit entries', () => {
  it('are not those of a tenant that never was, or of a time that has not come', async () => {
    isRefusedFor(await get('/v1/audit?tenant=nope'), 'tenant')
    isRefusedFor(await get(`/v1/audit?from=${LATER}`), 'from')
    await put('/v1/tenants/beta')
    expect((await get('/v1/audit?tenant=beta&to=2020-01-01')).body.data).toEqual([])
    await remove('/v1/tenants/beta')
    expect((await get('/v1/audit?tenant=beta')).body.data).toHaveLength(2)
    expect((await get('/v1/audit?tenant=beta&to=2020-01-01')).body.data).toEqual([])
  })
})

describe('a query whose percent-encoding is broken', () => {
  it.each([
    [`${A}/events?text=%ff`, 'text', 'is not UTF-8'],
    [`${A}/events?text=a%ed%a0%80`, 'text', 'is not UTF-8'],
    [`${A}/endpoints?url=%ff`, 'url', 'is not UTF-8'],
    [`${A}/events?limit=5&type=%zz`, 'type', 'has a % that does not start a percent-encoded byte'],
    [`${A}/events?type=A&key=100%`, 'key', 'Write %25 for a percent sign'],
    ['/v1/search?q=%e4', 'q', 'is not UTF-8'],
    ['/v1/audit?%ff=a', '%ff', 'is not UTF-8'],
  ])('is refused: %s', async (url, field, detail) => {
    const answer = await get(url)
    isRefusedFor(answer, field)
    expect(answer.body.detail).toContain(detail)
  })

  it('has every fault named', async () => {
    isRefusedFor(await get(`${A}/events?text=%ff&type=%&limit=1`), 'text', 'type')
  })

  it('is none where it is sound', async () => {
    expect((await get(`${A}/events?text=100%25+%C3%A9+%F0%9F%98%80`)).status).toBe(200)
  })
})
