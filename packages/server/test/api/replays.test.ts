import { describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { anAttempt, aSettlement } from '../store/builders.ts'
import { type Json, refused, useApi } from './setup.ts'

// cspell:ignore REFERNCE

const bench = useApi()
const ALL = '/v1/tenants/acme/replays'
const OTHER = 'COVER_STATUS_CHANGED'

type End = 'delivered' | 'exhausted'

async function publish(state: End | null = 'exhausted', tenant = 'acme', status?: number | null): Promise<string> {
  const { body } = await bench.post(`/v1/tenants/${tenant}/events`, `{"type":"${TYPE}","payload":${PAYLOAD}}`)
  if (state === null) return body.id
  for (const delivery of await bench.list('pending', null, tenant)) {
    const { partition } = await bench.endpoints.get(tenant, delivery.endpoint)
    const item = { ...delivery, delivery: delivery.id, partition, dueAtMs: delivery.dueAtMs ?? 0, payload: null }
    const attempt = status === undefined ? {} : { attempt: anAttempt(1, { status }) }
    await bench.store.settle(aSettlement(item, { kind: state }, { endedAtMs: Date.now(), ...attempt }))
  }
  return body.id
}

const count = async (body: Json): Promise<number | [number, string, string[]]> => {
  const answer = await bench.post(ALL, { ...body, dryRun: true })
  return answer.status === 200 ? answer.body.deliveries : refused(answer)
}

describe('creating a replay', () => {
  it('responds with 202, the id, the key, the number of deliveries and the location', async () => {
    const endpoint = await bench.endpoint()
    await publish()
    await publish('delivered')
    const answer = await bench.post(ALL, { key: 'of may 3/é', endpoint })
    const id = expect.stringMatching(/^rpl_/)
    expect([answer.status, answer.body]).toEqual([202, { id, key: 'of may 3/é', deliveries: 1 }])
    expect(answer.headers.location).toBe(`${ALL}/${answer.body.id}`)
    const found = await bench.get(String(answer.headers.location))
    // It is found by its key, too.
    expect((await bench.get(`${ALL}/of%20may%203%2F%C3%A9`)).body).toEqual(found.body)
    expect(found.body).toEqual({
      id: answer.body.id,
      tenant: 'acme',
      key: 'of may 3/é',
      batch: null,
      state: 'running',
      endpoint,
      event: null,
      types: null,
      states: ['exhausted'],
      statuses: null,
      missing: false,
      from: null,
      to: null,
      deliveries: 1,
      made: 0,
      skipped: 0,
      ended: 0,
      createdAt: expect.any(String),
      endedAt: null,
    })
    const unnamed = await bench.post(ALL, {})
    expect([unnamed.status, unnamed.body]).toEqual([202, { id, key: null, deliveries: 1 }])
    expect((await bench.get(`${ALL}/${unnamed.body.id}`)).body).toMatchObject({ id: unnamed.body.id, key: null })
  })

  it('responds with 200 and creates nothing for a dry run', async () => {
    await bench.endpoint()
    await publish()
    const answer = await bench.post(ALL, { key: 'x', dryRun: true })
    expect([answer.status, answer.body]).toEqual([200, { deliveries: 1 }])
    expect((await bench.get(ALL)).body.data).toEqual([])
    // It doesn't use up the key.
    expect((await bench.post(ALL, { key: 'x', states: ['delivered'] })).status).toBe(202)
  })

  it('is idempotent: the same key and selection return the existing replay, whatever has happened since', async () => {
    const endpoint = await bench.endpoint()
    await publish()
    const first = await bench.post(ALL, {
      key: 'x',
      endpoint,
      states: ['exhausted', 'delivered'],
      types: [OTHER, TYPE],
    })
    await publish()
    const again = { key: 'x', endpoint, states: ['delivered', 'exhausted', 'delivered'], types: [TYPE, OTHER, TYPE] }
    const second = await bench.post(ALL, again)
    expect([second.status, second.body]).toEqual([202, { ...first.body, duplicate: true }])
    await bench.endpoints.remove('acme', endpoint)
    expect((await bench.post(ALL, again)).status).toBe(202)
    for (const other of [{ endpoint: null }, { types: [TYPE] }, { missing: true }, { from: '2026-01-01T00:00:00Z' }]) {
      expect(refused(await bench.post(ALL, { ...again, ...other }))).toEqual([409, 'idempotency_conflict', []])
    }
    expect((await bench.get(ALL)).body.data).toHaveLength(1)
    // Another tenant can use the same key.
    await bench.tenants.put('beta', {})
    expect((await bench.post('/v1/tenants/beta/replays', { key: 'x' })).body).toMatchObject({ key: 'x', deliveries: 0 })
  })

  it('creates one replay for concurrent calls with the same key', async () => {
    await bench.endpoint()
    await publish()
    const answers = await Promise.all(Array.from({ length: 8 }, () => bench.post(ALL, { key: 'x' })))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202))
    expect(answers.filter(({ body }) => body.duplicate !== true)).toHaveLength(1)
    expect((await bench.get(ALL)).body.data).toHaveLength(1)
  })

  it('selects by endpoint, event, type, state and time, and by any combination of them', async () => {
    const [one, two] = [await bench.endpoint(), await bench.endpoint({ types: [TYPE] })]
    const failed = await publish()
    const arrived = await publish('delivered')
    const { createdAt } = (await bench.get(`/v1/tenants/acme/events/${arrived}`)).body
    await publish(null)
    expect(await count({})).toBe(2)
    expect(await count({ endpoint: one })).toBe(1)
    expect(await count({ states: ['delivered', 'exhausted'] })).toBe(4)
    expect(await count({ states: ['cancelled'] })).toBe(0)
    expect(await count({ states: ['delivered'], endpoint: two })).toBe(1)
    expect(await count({ types: [TYPE] })).toBe(2)
    expect(await count({ types: [OTHER] })).toBe(0)
    // For a single event, all states are selected.
    expect(await count({ event: arrived })).toBe(2)
    expect(await count({ event: arrived, states: ['exhausted'] })).toBe(0)
    expect(await count({ event: failed, endpoint: two, types: [TYPE], states: ['exhausted'] })).toBe(1)
    const later = new Date(Date.parse(createdAt) + 1).toISOString()
    expect(await count({ event: arrived, from: createdAt })).toBe(2)
    expect(await count({ event: arrived, from: later })).toEqual([422, 'invalid', ['/from']])
    expect(await count({ event: arrived, to: later })).toBe(2)
    expect(await count({ event: arrived, to: createdAt })).toEqual([422, 'invalid', ['/to']])
    expect(await count({ from: '1969-01-01T00:00:00+01:00', to: '9999-12-31T23:59:59-14:00' })).toBe(2)
  })

  it('selects by the status of the last attempt, which is part of what a key stands for', async () => {
    await bench.endpoint()
    const unavailable = await publish('exhausted', 'acme', 503)
    await publish('exhausted', 'acme', 404)
    await publish('exhausted', 'acme', null)
    await publish('delivered')
    expect(await count({ statuses: ['5xx'] })).toBe(1)
    expect(await count({ statuses: ['503', '4xx'] })).toBe(2)
    expect(await count({ statuses: ['500'] })).toBe(0)
    expect(await count({ statuses: ['none'] })).toBe(1)
    expect(await count({ statuses: ['5XX', 'none', '2xx'], states: ['exhausted', 'delivered'] })).toBe(3)
    expect(await count({ statuses: null })).toBe(3)
    expect(await count({ event: unavailable, statuses: ['404'] })).toBe(0)
    const { body } = await bench.post(ALL, { key: 'x', statuses: ['none', '5XX', '5xx'] })
    expect(body).toMatchObject({ deliveries: 2 })
    expect((await bench.get(`${ALL}/x`)).body.statuses).toEqual(['5xx', 'none'])
    expect((await bench.post(ALL, { key: 'x', statuses: ['5xx', 'none'] })).body.duplicate).toBe(true)
    for (const statuses of [null, ['5xx']]) {
      expect(refused(await bench.post(ALL, { key: 'x', statuses }))).toEqual([409, 'idempotency_conflict', []])
    }
  })

  it('looks at the status of the delivery that decides, not at those of earlier ones', async () => {
    await bench.endpoint()
    await publish('exhausted', 'acme', 503)
    const [failed] = await bench.list('exhausted', null, 'acme')
    await bench.post(`/v1/tenants/acme/deliveries/${failed!.id}/retry`)
    // Settles the new delivery along with the one of another event.
    await publish('exhausted', 'acme', 404)
    expect(await count({ statuses: ['5xx'] })).toBe(0)
    expect(await count({ statuses: ['404'] })).toBe(2)
  })

  it('takes `id` as the former name of `key`', async () => {
    const first = await bench.post(ALL, { id: 'former' })
    expect([first.status, first.body.key]).toEqual([202, 'former'])
    for (const names of [{ key: 'former' }, { key: 'former', id: 'former' }, { key: null, id: 'former' }]) {
      expect((await bench.post(ALL, names)).body).toMatchObject({ id: first.body.id, duplicate: true })
    }
  })

  it('refuses types that cannot match, with the nearest one, unless events of a deleted type are kept', async () => {
    await bench.endpoint()
    const answer = await bench.post(ALL, { types: ['COVER_REFERNCE'] })
    expect(refused(answer)).toEqual([422, 'invalid', ['/types/0']])
    expect(answer.body.errors[0]).toMatchObject({
      reason: 'unknown_type',
      detail:
        'Unknown event type "COVER_REFERNCE". Did you mean `COVER_REFERENCE`? GET /v1/event-types lists all event types.',
    })
    expect(refused(await bench.post(ALL, { types: ['NOPE'] }))).toEqual([422, 'invalid', ['/types/0']])
    expect(await count({ types: ['posthorn.endpoint.disabled'] })).toBe(0)
    await publish()
    await bench.samples.stop()
    for (const type of [TYPE, OTHER]) await bench.types.remove(type)
    // Of one of them an event is kept.
    expect(await count({ types: [TYPE] })).toBe(1)
    expect(await count({ types: [OTHER] })).toEqual([422, 'invalid', ['/types/0']])
    await bench.run('delete from event')
    expect(await count({ types: [TYPE] })).toEqual([422, 'invalid', ['/types/0']])
  })

  it('treats null like an omitted member', async () => {
    await bench.endpoint()
    await publish()
    const none = { key: null, id: null, endpoint: null, event: null, types: null, states: null, from: null, to: null }
    expect(await count(none)).toBe(1)
  })

  it.each([
    [{ unknown: 1 }, ['/unknown']],
    [{ key: '' }, ['/key']],
    [{ key: 'x'.repeat(256) }, ['/key']],
    [{ key: 'a\0b' }, ['/key']],
    [{ key: '..' }, ['/key']],
    [{ key: 7 }, ['/key']],
    [{ key: 'rpl_01jy4k8v3xf0c8wq2rn5s7t9ab' }, ['/key']],
    [{ id: 'evt_01jy4k8v3xf0c8wq2rn5s7t9ab' }, ['/id']],
    [{ id: '' }, ['/id']],
    [{ id: 'a', key: 'b' }, ['/id']],
    [{ endpoint: 'ep_x' }, ['/endpoint']],
    [{ event: 'dlv_01jy4k8v3xf0c8wq2rn5s7t9ab' }, ['/event']],
    [{ endpoint: 'x', event: 'x' }, ['/endpoint', '/event']],
    [{ types: [] }, ['/types']],
    [{ types: ['a b'] }, ['/types/0']],
    [{ types: [TYPE, 'NOPE', 'a'.repeat(200)] }, ['/types/1', '/types/2']],
    [{ types: Array(1_001).fill(TYPE) }, ['/types']],
    [{ types: TYPE }, ['/types']],
    [{ states: ['pending'] }, ['/states/0']],
    [{ states: [] }, ['/states']],
    [{ statuses: [] }, ['/statuses']],
    [{ statuses: ['5xx', '1xx'] }, ['/statuses']],
    [{ statuses: ['5xx'], missing: true }, ['/statuses']],
    [{ statuses: ['2xx'] }, ['/statuses']],
    [{ statuses: ['5xx'], states: ['delivered'] }, ['/statuses']],
    [{ statuses: Array(21).fill('500') }, ['/statuses']],
    [{ statuses: [503] }, ['/statuses/0']],
    [{ missing: 'yes' }, ['/missing']],
    [{ from: 'yesterday' }, ['/from']],
    [{ to: '2026-02-30T00:00:00Z' }, ['/to']],
    [{ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, ['/to']],
    [{ from: '2026-01-02T00:00:00Z', to: '2026-01-02T00:00:00Z' }, ['/to']],
    [{ dryRun: 1 }, ['/dryRun']],
  ])('refuses %j', async (body, named) => {
    expect(refused(await bench.post(ALL, body))).toEqual([422, 'invalid', named])
    const dry = { ...body, dryRun: 'dryRun' in body ? body.dryRun : true }
    expect(refused(await bench.post(ALL, dry))).toEqual([422, 'invalid', named])
  })

  it('refuses endpoints and events that the tenant does not have, and invalid bodies', async () => {
    const [endpoint, event] = [newId('ep', Date.now()), newId('evt', Date.now())]
    expect(refused(await bench.post(ALL, { endpoint, event }))).toEqual([422, 'invalid', ['/endpoint', '/event']])
    await bench.tenants.put('beta', {})
    const other = await bench.endpoint({}, 'beta')
    const theirs = await publish('delivered', 'beta')
    const both = { endpoint: other, event: theirs }
    expect(refused(await bench.post(ALL, both))).toEqual([422, 'invalid', ['/endpoint', '/event']])
    expect(refused(await bench.post('/v1/tenants/unknown/replays', {}))).toEqual([404, 'not_found', []])
    for (const body of ['null', '[]', '7']) expect((await bench.post(ALL, body)).status).toBe(422)
  })

  it('refuses more than a hundred replays that have not ended', async () => {
    await bench.endpoint()
    await publish()
    for (let index = 1; index <= 100; index++) expect((await bench.post(ALL, { key: `${index}` })).status).toBe(202)
    expect(refused(await bench.post(ALL, {}))).toEqual([409, 'conflict', []])
    expect((await bench.post(`${ALL}/7/cancel`)).status).toBe(200)
    expect((await bench.post(ALL, {})).status).toBe(202)
  })
})

describe('replays', () => {
  it('are listed newest first, in pages and by state', async () => {
    await bench.endpoint()
    await publish()
    for (const key of ['a', 'b', 'c']) await bench.post(ALL, { key })
    await bench.post(`${ALL}/b/pause`)
    const keysOf = (page: Json) => page.body.data.map(({ key }: Json) => key)
    const first = await bench.get(`${ALL}?limit=2`)
    expect(keysOf(first)).toEqual(['c', 'b'])
    const second = await bench.get(`${ALL}?limit=2&cursor=${first.body.nextCursor}`)
    expect([keysOf(second), second.body.nextCursor]).toEqual([['a'], null])
    expect(keysOf(await bench.get(`${ALL}?state=paused`))).toEqual(['b'])
    expect(refused(await bench.get(`${ALL}?state=odd`))).toEqual([422, 'invalid', ['state']])
    expect(refused(await bench.get(`${ALL}?cursor=odd`))).toEqual([422, 'invalid', ['cursor']])
  })

  it('can be paused, resumed and cancelled repeatedly until they have ended', async () => {
    await bench.endpoint()
    await publish()
    await bench.post(ALL, { key: 'x' })
    const act = async (action: string) => {
      const { status, body } = await bench.post(`${ALL}/x/${action}`)
      return [status, body.state ?? body.code]
    }
    expect(await act('resume')).toEqual([200, 'running'])
    expect(await act('pause')).toEqual([200, 'paused'])
    expect(await act('pause')).toEqual([200, 'paused'])
    expect(await act('resume')).toEqual([200, 'running'])
    expect(await act('pause')).toEqual([200, 'paused'])
    expect(await act('cancel')).toEqual([200, 'cancelled'])
    expect(await act('cancel')).toEqual([200, 'cancelled'])
    expect(await act('pause')).toEqual([409, 'conflict'])
    expect(await act('resume')).toEqual([409, 'conflict'])
    await bench.post(ALL, { key: 'none', types: [OTHER] })
    for (const action of ['pause', 'resume', 'cancel']) {
      expect(refused(await bench.post(`${ALL}/none/${action}`))).toEqual([409, 'conflict', []])
      expect(refused(await bench.post(`${ALL}/unknown/${action}`))).toEqual([404, 'not_found', []])
      expect(refused(await bench.post(`${ALL}/%00/${action}`))).toEqual([404, 'not_found', []])
    }
    expect(refused(await bench.get(`${ALL}/unknown`))).toEqual([404, 'not_found', []])
    await bench.tenants.put('beta', {})
    expect(refused(await bench.get('/v1/tenants/beta/replays/x'))).toEqual([404, 'not_found', []])
  })
})
