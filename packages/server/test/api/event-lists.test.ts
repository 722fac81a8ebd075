import { describe, expect, it } from 'vitest'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get } = bench
const EVENTS = '/v1/tenants/acme/events'
const OTHER_TYPE = 'GRADE_CHANGED'

const payload = (more: object = {}) => ({ ...JSON.parse(PAYLOAD), ...more })
const publish = async (more: object = {}, event: object = {}, tenant = 'acme'): Promise<string> =>
  (await bench.publish({ type: TYPE, payload: payload(more), ...event }, tenant)).events[0]!.id

const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString()

async function ids(url: string, parameters: Record<string, string> = {}): Promise<string[]> {
  const { status, body } = await get(`${url}?${query(parameters)}`)
  expect([status, body.nextCursor, body.prevCursor, body.searchedTo]).toEqual([200, null, null, null])
  return body.data.map(({ id }: Json) => id)
}

async function anotherType(): Promise<void> {
  const sample = { group: 'g', description: 'd', schema: { type: 'object', required: ['CoverId'] } }
  await bench.put(`/v1/event-types/${OTHER_TYPE}`, { ...sample, example: { CoverId: 'x' } })
}

describe('a tenant’s events', () => {
  it('are filtered by several types, key, time, and by what is in the payload', async () => {
    await anotherType()
    const quoted = await publish({ status: 'Quoted', customer: { name: 'Müller' } }, { id: 'order-7' })
    const refusedOne = await publish({ status: 'Refused' }, { type: OTHER_TYPE })
    const plain = await publish({ n: 7 })
    const all = [plain, refusedOne, quoted]
    expect(await ids(EVENTS)).toEqual(all)
    expect(await ids(EVENTS, { type: TYPE })).toEqual([plain, quoted])
    expect(await ids(EVENTS, { type: `${TYPE},${OTHER_TYPE}` })).toEqual(all)
    const several = (await get(`${EVENTS}?type=${OTHER_TYPE}&type=COVER_REFERENCES`)).body
    expect(several.data).toMatchObject([{ id: refusedOne }])
    expect(several.warnings).toEqual([
      { code: 'type_unknown', field: 'type', detail: expect.stringContaining(`Did you mean \`${TYPE}\`?`) },
    ])
    expect(await ids(EVENTS, { key: 'order-7' })).toEqual([quoted])
    expect(await ids(EVENTS, { key: 'order-8' })).toEqual([])
    expect(await ids(EVENTS, { filter: '{"status":["Quoted","Refused"]}' })).toEqual([refusedOne, quoted])
    expect(await ids(EVENTS, { filter: '{"customer":{"name":{"prefix":"M"}}}' })).toEqual([quoted])
    expect(await ids(EVENTS, { filter: '{"n":{"gte":7}}', type: OTHER_TYPE })).toEqual([])
    expect(await ids(EVENTS, { text: 'Müller' })).toEqual([quoted])
    expect(await ids(EVENTS, { text: '"n":7' })).toEqual([plain])
    expect(await ids(EVENTS, { text: 'quoted' })).toEqual([])
    expect(await ids(EVENTS, { text: 'Quoted', filter: '{"status":["Refused"]}' })).toEqual([])
    expect(await ids(EVENTS, { from: '2020-01-01T00:00:00Z', text: 'Quoted', key: 'order-7' })).toEqual([quoted])
    expect(await ids(EVENTS, { to: '2020-01-01T00:00:00Z' })).toEqual([])
  })

  it('are looked for with a warning if no schema has the path of the filter', async () => {
    const search = async (filter: object, more: Record<string, string> = {}) =>
      (await get(`${EVENTS}?${query({ filter: JSON.stringify(filter), ...more })}`)).body.warnings
    expect(await search({ CoverId: ['564200aa-7128-4a26-83a8-cf0201903fcc'] })).toEqual([])
    const unknown = { code: 'filter_path_unknown', field: 'filter/CoverIt', detail: expect.stringContaining('CoverIt') }
    const [anywhere] = await search({ CoverIt: ['x'] })
    expect(anywhere).toEqual(unknown)
    expect(anywhere.detail).toContain("No event type's schema has /CoverIt.")
    const [, ofTypes] = await search({ CoverIt: ['x'] }, { type: `${TYPE},NONE` })
    expect(ofTypes).toEqual({
      ...unknown,
      detail: expect.stringContaining('No schema of these event types has /CoverIt.'),
    })
    // Events of an archived type are still there.
    await bench.post(`/v1/event-types/${TYPE}/archive`)
    expect(await search({ CoverId: ['564200aa-7128-4a26-83a8-cf0201903fcc'] }, { type: TYPE })).toEqual([])
    expect(await search({ CoverIt: ['x'] }, { type: TYPE })).toEqual([unknown])
  })

  it('are found by a text that the payload spells with escape sequences', async () => {
    const escaped = `${PAYLOAD.slice(0, -1)},"name":"Zo\\u00eb \\"GmbH\\""}`
    const { events } = await bench.publish(`{"type":"${TYPE}","payload":${escaped}}`)
    for (const text of ['Zoë "GmbH"', 'Zo\\u00eb']) expect(await ids(EVENTS, { text })).toEqual([events[0]!.id])
  })

  it('are counted on request, unless payloads are searched', async () => {
    await anotherType()
    for (let count = 0; count < 3; count++) await publish()
    await publish({}, { type: OTHER_TYPE, id: 'order-7' })
    const counts = async (parameters: Record<string, string>) =>
      (await get(`${EVENTS}?${query({ limit: '1', ...parameters })}`)).body.counts
    expect(await counts({ counts: 'true' })).toEqual({ total: 4 })
    expect(await counts({ counts: 'true', type: TYPE })).toEqual({ total: 3 })
    expect(await counts({ counts: 'true', key: 'order-7' })).toEqual({ total: 1 })
    expect(await counts({ counts: 'true', to: '2020-01-01T00:00:00Z' })).toEqual({ total: 0 })
    expect(await counts({ counts: 'true', text: 'C' })).toEqual({ total: null })
    expect(await counts({})).toBeUndefined()
    expect(await counts({ counts: 'false' })).toBeUndefined()
  })
})

describe('the events of all tenants', () => {
  it('are listed newest first, with their tenant, and with the same filters', async () => {
    await bench.tenants.put('beta', {})
    const first = await publish({ status: 'Quoted' }, { id: 'order-7' })
    const second = await publish({ status: 'Refused' }, { id: 'order-7' }, 'beta')
    const third = await publish()
    expect(await ids('/v1/events')).toEqual([third, second, first])
    const tenants = (await get('/v1/events')).body.data.map(({ tenant }: Json) => tenant)
    expect(tenants).toEqual(['acme', 'beta', 'acme'])
    expect(await ids('/v1/events', { tenant: 'beta' })).toEqual([second])
    expect(await ids('/v1/events', { key: 'order-7' })).toEqual([second, first])
    expect(await ids('/v1/events', { filter: '{"status":{"exists":true}}' })).toEqual([second, first])
    expect(await ids('/v1/events', { text: 'Refused' })).toEqual([second])
    expect(await ids('/v1/events', { type: 'NO_SUCH' })).toEqual([])
    const counts = async (url: string) => (await get(`${url}counts=true`)).body.counts
    expect(await counts('/v1/events?tenant=beta&')).toEqual({ total: 1 })
    expect(await counts('/v1/events?')).toEqual({ total: null })
  })

  it('are paged both ways, while others are published', async () => {
    await bench.tenants.put('beta', {})
    const all: string[] = []
    for (let count = 0; count < 7; count++) all.unshift(await publish({}, {}, count % 3 === 0 ? 'beta' : 'acme'))
    const shown: string[] = []
    let page = (await get('/v1/events?limit=3')).body
    const last: Json[] = []
    for (;;) {
      await publish()
      shown.push(...page.data.map(({ id }: Json) => id))
      last.unshift(page)
      if (page.nextCursor === null) break
      page = (await get(`/v1/events?limit=3&cursor=${page.nextCursor}`)).body
    }
    expect(shown).toEqual(all)
    const back = (await get(`/v1/events?limit=3&cursor=${page.prevCursor}`)).body
    expect(back.data).toEqual(last[1].data)
  })

  it('can be listed only with a key that is not limited to one tenant', async () => {
    await publish()
    const { secret: own } = await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'acme' })
    expect(refused(await get('/v1/events', { key: own }))).toEqual([403, 'forbidden', []])
    expect(refused(await get('/v1/events?tenant=acme', { key: own }))).toEqual([403, 'forbidden', []])
    const { secret: read } = await bench.apiKeys.create({ name: 'k', scope: 'read' })
    expect((await get('/v1/events', { key: read })).body.data).toHaveLength(1)
  })
})

describe.each([EVENTS, '/v1/events'])('the list %s', url => {
  it.each([
    [{ filter: '' }, ['filter']],
    [{ filter: '{' }, ['filter']],
    [{ filter: 'null' }, ['filter']],
    [{ filter: '{"a":[1],"a":[2]}' }, ['filter/a']],
    [{ filter: '{"a":[12345678901234567890]}' }, ['filter/a/0']],
    [{ filter: '{"status":[]}' }, ['filter/status']],
    [{ filter: '{"a":{"gt":"x"},"b":[]}' }, ['filter/a/gt', 'filter/b']],
    [{ text: '' }, ['text']],
    [{ text: 'x'.repeat(257) }, ['text']],
    [{ key: '' }, ['key']],
    [{ key: '\0' }, ['key']],
    [{ type: '' }, ['type']],
    [{ type: `${TYPE},` }, ['type']],
    [{ type: 'a b' }, ['type']],
    [{ key: ' a' }, ['key']],
    [{ type: Array.from({ length: 21 }, (_, index) => `T${index}`).join() }, ['type']],
    [{ from: 'yesterday' }, ['from']],
    [{ from: '2026-01-02T00:00:00Z', to: '2026-01-02T00:00:00Z' }, ['from']],
    [{ counts: 'yes' }, ['counts']],
    [{ limit: '0' }, ['limit']],
    [{ cursor: 'x' }, ['cursor']],
    [{ state: 'pending' }, ['state']],
  ])('refuses %j', async (parameters, fields) => {
    expect(refused(await get(`${url}?${query(parameters as Record<string, string>)}`))).toEqual([
      422,
      'invalid',
      fields,
    ])
  })

  it('searches payloads only with a key that can see them', async () => {
    await publish({ status: 'Quoted' }, { id: 'order-7' })
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'read', payloads: false })
    for (const parameters of [{ text: 'Quoted' }, { filter: '{"status":["Quoted"]}' }, { filter: '{' }]) {
      const answer = await get(`${url}?${query(parameters as Record<string, string>)}`, { key })
      expect(refused(answer)).toEqual([403, 'forbidden', []])
      expect(answer.body.detail).toBe('A key without the permission `payloads` cannot search payloads.')
    }
    const { data } = (await get(`${url}?key=order-7`, { key })).body
    expect(data).toMatchObject([{ key: 'order-7', payload: null, payloadHidden: true }])
  })
})

it('the lists of events are refused for a tenant that does not exist', async () => {
  for (const url of ['/v1/tenants/nobody/events', '/v1/tenants/nobody/events?counts=true']) {
    expect(refused(await get(url))).toEqual([404, 'not_found', []])
  }
  for (const tenant of ['nobody', '', 'a b', '%00']) {
    expect(refused(await get(`/v1/events?tenant=${tenant}`))).toEqual([422, 'invalid', ['tenant']])
  }
})
