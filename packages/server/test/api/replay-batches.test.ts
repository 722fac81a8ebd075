import { describe, expect, it } from 'vitest'
import { ReplayBatches as Work } from '../../src/background/replay-batches.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createReplayCounter } from '../../src/replay/selection.ts'
import { atOnce, log } from '../background/setup.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { aSettlement } from '../store/builders.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const ALL = '/v1/replays'
const OTHER = 'COVER_STATUS_CHANGED'
const DAY = { from: new Date(Date.now() - 43_200_000).toISOString(), to: '2126-11-28' }
const INPUT = { types: [TYPE], ...DAY }

/** Publishes an event to an endpoint of a tenant, where it fails for good, or arrives. */
async function publish(tenant: string, state: 'delivered' | 'exhausted' = 'exhausted'): Promise<void> {
  await bench.post(`/v1/tenants/${tenant}/events`, `{"type":"${TYPE}","payload":${PAYLOAD}}`)
  for (const delivery of await bench.list('pending', null, tenant)) {
    const { partition } = await bench.endpoints.get(tenant, delivery.endpoint)
    const item = { ...delivery, delivery: delivery.id, partition, dueAtMs: delivery.dueAtMs ?? 0, payload: null }
    await bench.store.settle(aSettlement(item, { kind: state }, { endedAtMs: Date.now() }))
  }
}

async function tenantWith(tenant: string): Promise<void> {
  await bench.tenants.put(tenant, {})
  await bench.endpoint({}, tenant)
}

const work = () => new Work(bench.store, createReplayCounter(bench.store, systemClock), log).run(atOnce)

describe('creating a replay across tenants', () => {
  it('answers 202 with the replay, and creates one in each tenant that has something to send', async () => {
    for (const tenant of ['acme', 'beta', 'idle']) await tenantWith(tenant)
    await publish('acme')
    await publish('beta')
    await publish('beta', 'delivered')
    const answer = await bench.post(ALL, { key: 'outage/1', ...INPUT })
    const id = answer.body.id
    expect([answer.status, answer.headers.location]).toEqual([202, `${ALL}/${id}`])
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^rpb_/),
      key: 'outage/1',
      state: 'running',
      types: [TYPE],
      states: ['exhausted'],
      statuses: null,
      missing: false,
      from: DAY.from,
      to: '2126-11-28T00:00:00.000Z',
      searching: true,
      tenants: 0,
      deliveries: null,
      made: 0,
      skipped: 0,
      ended: 0,
      createdAt: expect.any(String),
      endedAt: null,
    })
    await work()
    const found = await bench.get(`${ALL}/outage%2F1`)
    expect(found.body).toMatchObject({ id, searching: false, tenants: 2, deliveries: 2, state: 'running' })
    for (const [tenant, count] of [
      ['acme', 1],
      ['beta', 1],
      ['idle', 0],
    ] as const) {
      const { data } = (await bench.get(`/v1/tenants/${tenant}/replays`)).body
      expect(data.map(({ batch, key, deliveries }: Json) => [batch, key, deliveries])).toEqual(
        Array(count).fill([id, null, 1]),
      )
    }
    // The tenant's own is found by the id of the whole, too.
    expect((await bench.get(`/v1/tenants/beta/replays/${id}`)).body).toMatchObject({ batch: id, types: [TYPE] })
  })

  it('lists the replays of all tenants, of one, and of one across tenants, in both directions', async () => {
    for (const tenant of ['acme', 'beta']) await tenantWith(tenant)
    for (const tenant of ['acme', 'beta']) await publish(tenant)
    const own = await bench.post('/v1/tenants/acme/replays', { from: DAY.from })
    await bench.post(`/v1/tenants/acme/replays/${own.body.id}/cancel`, {})
    const { id } = (await bench.post(ALL, INPUT)).body
    await work()
    const listed = async (query: string) => {
      const { status, body } = await bench.get(`/v1/tenant-replays${query}`)
      return status === 200 ? body.data.map(({ tenant, batch }: Json) => [tenant, batch]) : status
    }
    const [acme, beta] = [
      ['acme', id],
      ['beta', id],
    ]
    expect(await listed('')).toEqual([beta, acme, ['acme', null]])
    expect(await listed('?tenant=acme')).toEqual([acme, ['acme', null]])
    expect(await listed(`?batch=${id}`)).toEqual([beta, acme])
    expect(await listed(`?tenant=beta&batch=${id}&state=running`)).toEqual([beta])
    expect(await listed('?state=cancelled')).toEqual([['acme', null]])
    expect([await listed('?tenant=unknown'), await listed('?tenant=%00'), await listed('?batch=rpl_1')]).toEqual([
      422, 422, 422,
    ])
    const first = (await bench.get('/v1/tenant-replays?limit=1')).body
    const second = (await bench.get(`/v1/tenant-replays?limit=1&cursor=${first.nextCursor}`)).body
    const back = (await bench.get(`/v1/tenant-replays?limit=1&cursor=${second.prevCursor}`)).body
    expect([second.data[0].tenant, back.data]).toEqual(['acme', first.data])
    await bench.post(`${ALL}/${id}/pause`, {})
    expect(await listed('?state=paused')).toEqual([beta, acme])
    await bench.remove('/v1/tenants/beta')
    expect(await listed('')).toEqual([acme, ['acme', null]])
  })

  it('answers 200 and creates nothing for a dry run', async () => {
    for (const tenant of ['acme', 'beta']) await tenantWith(tenant)
    for (const tenant of ['acme', 'beta', 'beta']) await publish(tenant)
    const dry = await bench.post(ALL, { ...INPUT, dryRun: true })
    expect([dry.status, dry.body]).toEqual([200, { tenants: 2, deliveries: 3 }])
    expect((await bench.post(ALL, { ...INPUT, states: ['delivered'], dryRun: true })).body).toEqual({
      tenants: 0,
      deliveries: 0,
    })
    expect((await bench.post(ALL, { types: [TYPE], from: '2026-01-01', to: '2026-01-02', dryRun: true })).body).toEqual(
      {
        tenants: 0,
        deliveries: 0,
      },
    )
    expect((await bench.get(ALL)).body.data).toEqual([])
  })

  it('is idempotent for each key and selection', async () => {
    const first = await bench.post(ALL, { key: 'x', ...INPUT, types: [TYPE, OTHER] })
    const again = await bench.post(ALL, { key: 'x', ...INPUT, types: [OTHER, TYPE, OTHER], states: ['exhausted'] })
    expect([again.status, again.body]).toEqual([202, { ...first.body, duplicate: true }])
    const others = [{ types: [TYPE] }, { missing: true }, { from: '2026-01-01' }, { states: ['delivered'] }]
    for (const other of others) {
      const answer = await bench.post(ALL, { key: 'x', ...INPUT, types: [TYPE, OTHER], ...other })
      expect(refused(answer)).toEqual([409, 'idempotency_conflict', []])
    }
    const answers = await Promise.all(Array.from({ length: 5 }, () => bench.post(ALL, { key: 'y', ...INPUT })))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(answers.filter(({ body }) => body.duplicate !== true)).toHaveLength(1)
  })

  it.each([
    [{}, ['/types', '/from', '/to']],
    [{ types: [], ...DAY }, ['/types']],
    [{ types: ['NOPE'], ...DAY }, ['/types/0']],
    [{ ...INPUT, from: null }, ['/from']],
    [{ ...INPUT, to: 'tomorrow' }, ['/to']],
    [{ ...INPUT, from: '2026-11-28', to: '2026-11-27' }, ['/to']],
    [{ ...INPUT, states: [] }, ['/states']],
    [{ ...INPUT, key: 'rpb_01jy4k8v3xf0c8wq2rn5s7t9ab' }, ['/key']],
    [{ ...INPUT, endpoint: 'ep_x' }, ['/endpoint']],
    [{ ...INPUT, tenants: ['acme'] }, ['/tenants']],
  ])('refuses %j', async (body, named) => {
    for (const dryRun of [false, true]) {
      expect(refused(await bench.post(ALL, { ...body, dryRun }))).toEqual([422, 'invalid', named])
    }
    expect((await bench.get(ALL)).body.data).toEqual([])
  })

  it('refuses more than ten that have not ended', async () => {
    for (let count = 1; count <= 10; count++) expect((await bench.post(ALL, INPUT)).status).toBe(202)
    expect(refused(await bench.post(ALL, INPUT))).toEqual([409, 'conflict', []])
    await work()
    expect((await bench.post(ALL, INPUT)).status).toBe(202)
  })
})

describe('replays across tenants', () => {
  it('are listed newest first, in pages and by state', async () => {
    for (const key of ['a', 'b', 'c']) await bench.post(ALL, { key, ...INPUT })
    await bench.post(`${ALL}/b/pause`)
    const keysOf = (page: Json) => page.body.data.map(({ key }: Json) => key)
    const first = await bench.get(`${ALL}?limit=2`)
    expect(keysOf(first)).toEqual(['c', 'b'])
    expect(keysOf(await bench.get(`${ALL}?limit=2&cursor=${first.body.nextCursor}`))).toEqual(['a'])
    expect(keysOf(await bench.get(`${ALL}?state=paused`))).toEqual(['b'])
  })

  it('can be paused, resumed and cancelled, in all tenants together', async () => {
    for (const tenant of ['acme', 'beta']) {
      await tenantWith(tenant)
      await publish(tenant)
    }
    const { id } = (await bench.post(ALL, { key: 'x', ...INPUT })).body
    await work()
    const act = async (action: string) => {
      const { status, body } = await bench.post(`${ALL}/x/${action}`)
      return [status, body.state ?? body.code]
    }
    const states = async () => {
      const answers = ['acme', 'beta'].map(tenant => bench.get(`/v1/tenants/${tenant}/replays/${id}`))
      return (await Promise.all(answers)).map(({ body }) => body.state)
    }
    expect([await act('pause'), await act('pause')]).toEqual([
      [200, 'paused'],
      [200, 'paused'],
    ])
    expect(await states()).toEqual(['paused', 'paused'])
    const own = await bench.post(`/v1/tenants/acme/replays/${id}/resume`)
    expect(refused(own)).toEqual([409, 'conflict', []])
    expect(own.body.detail).toContain('across tenants that is paused')
    expect([await act('resume'), await states()]).toEqual([
      [200, 'running'],
      ['running', 'running'],
    ])
    expect([await act('cancel'), await states()]).toEqual([
      [200, 'cancelled'],
      ['cancelled', 'cancelled'],
    ])
    expect((await bench.get(`${ALL}/${id}`)).body.endedAt).toBeNull()
    await work()
    expect((await bench.get(`${ALL}/${id}`)).body.endedAt).toEqual(expect.any(String))
    expect([await act('cancel'), await act('pause'), await act('resume')]).toEqual([
      [200, 'cancelled'],
      [409, 'conflict'],
      [409, 'conflict'],
    ])
    for (const name of ['nothing', '%00', 'rpb_01jy4k8v3xf0c8wq2rn5s7t9ab']) {
      expect(refused(await bench.get(`${ALL}/${name}`))).toEqual([404, 'not_found', []])
      expect(refused(await bench.post(`${ALL}/${name}/cancel`))).toEqual([404, 'not_found', []])
    }
  })

  it('are for keys of no tenant only, and those with the scope all to create and control', async () => {
    const { id } = (await bench.post(ALL, INPUT)).body
    const keyWith = async (scope: 'all' | 'read', tenant?: string) =>
      (await bench.apiKeys.create({ name: 'k', scope, ...(tenant === undefined ? {} : { tenant }) })).secret
    const [ofTenant, reader] = [await keyWith('all', 'acme'), await keyWith('read')]
    for (const url of [ALL, `${ALL}/${id}`]) {
      expect((await bench.get(url, { key: ofTenant })).status).toBe(403)
      expect((await bench.get(url, { key: reader })).status).toBe(200)
    }
    for (const key of [ofTenant, reader]) {
      expect((await bench.post(ALL, INPUT, { key })).status).toBe(403)
      expect((await bench.post(`${ALL}/${id}/cancel`, undefined, { key })).status).toBe(403)
    }
  })
})
