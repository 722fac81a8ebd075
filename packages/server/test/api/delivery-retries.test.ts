import { describe, expect, it } from 'vitest'
import { idBytes, newId } from '../../src/base/ids.ts'
import type { Delivery } from '../../src/base/model.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { anAttempt, aSettlement } from '../store/builders.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post } = bench
const ACME = '/v1/tenants/acme/deliveries'
const RETRY = `${ACME}/retry`

const none = { madeDue: 0, created: 0, superseded: 0, refused: [], searchedTo: null, nextCursor: null }

/** Lets pending deliveries of a tenant end. */
async function end(kind: 'delivered' | 'exhausted', tenant = 'acme'): Promise<Delivery[]> {
  const pending = await bench.list('pending', null, tenant)
  for (const delivery of pending) {
    const { partition } = await bench.endpoints.get(tenant, delivery.endpoint)
    const item = { ...delivery, delivery: delivery.id, partition, dueAtMs: delivery.dueAtMs ?? 0, payload: null }
    const attempt = anAttempt(1, kind === 'exhausted' ? {} : { outcome: 'success', status: 204, error: null })
    await bench.store.settle(aSettlement(item, { kind }, { attempt }))
  }
  return pending
}

describe('retrying the deliveries that match', () => {
  it('creates new ones of those that ended, once however often it is called, and makes pending ones due', async () => {
    const endpoint = await bench.endpoint()
    for (let at = 0; at < 3; at++) await bench.publishOne()
    const failed = await end('exhausted')
    await bench.publishOne()
    await end('delivered')
    expect((await get(`${ACME}?state=exhausted&counts=true`)).body.counts.total).toBe(3)
    expect((await post(`${RETRY}?state=exhausted`, {})).body).toEqual({ ...none, created: 3 })
    const made = await bench.list('pending')
    expect(made.map(({ replayOf }) => replayOf).sort()).toEqual(failed.map(({ id }) => id).sort())
    expect((await post(`${RETRY}?state=exhausted`, {})).body).toEqual({ ...none, superseded: 3 })
    await bench.run('update live_delivery set due_ms = due_ms + 3600000')
    expect((await post(`${RETRY}?state=pending&endpoint=${endpoint}`, {})).body).toEqual({ ...none, madeDue: 3 })
    expect((await bench.list('pending')).every(({ dueAtMs }) => dueAtMs! <= bench.store.now())).toBe(true)
    await end('exhausted')
    expect((await post(`${RETRY}?state=exhausted`, {})).body).toEqual({ ...none, created: 3, superseded: 3 })
    expect((await post(`${RETRY}?state=delivered`, {})).body).toEqual({ ...none, created: 1 })
  })

  it('goes on with its cursor, newest first', async () => {
    await bench.endpoint()
    for (let at = 0; at < 5; at++) await bench.publishOne()
    await end('exhausted')
    const sizes: number[] = []
    let cursor = ''
    do {
      const { body } = await post(`${RETRY}?state=exhausted&limit=2${cursor}`, {})
      sizes.push(body.created)
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`
    } while (cursor !== '')
    expect(sizes).toEqual([2, 2, 1])
    expect(await bench.list('pending')).toHaveLength(5)
  })

  it('says which cannot be retried, and why', async () => {
    const [kept, gone, off] = [await bench.endpoint(), await bench.endpoint(), await bench.endpoint()]
    await bench.publishOne()
    await end('exhausted')
    await post(`/v1/tenants/acme/endpoints/${off}/disable`)
    await bench.publishOne()
    await bench.remove(`/v1/tenants/acme/endpoints/${gone}`)
    const held = (await bench.list('held'))[0]!
    const [toGone] = await bench.list('exhausted', gone)
    const { body } = await post(`${RETRY}?state=exhausted,held`, {})
    // The newer delivery of each endpoint is of another event. The one to the disabled endpoint is held from the start.
    expect(body).toMatchObject({ madeDue: 0, created: 2, superseded: 0 })
    expect(body.refused.map((one: Json) => [one.tenant, one.delivery]).sort()).toEqual(
      [held.id, toGone!.id].sort().map(id => ['acme', id]),
    )
    expect(body.refused.find((one: Json) => one.delivery === held.id).detail).toContain('Enable the endpoint')
    expect(body.refused.find((one: Json) => one.delivery === toGone!.id).detail).toContain('deleted')
    expect((await bench.list('pending', kept)).length).toBe(2)
  })

  it('as a dry run says what it would do, and changes nothing', async () => {
    const [gone, off] = [await bench.endpoint(), await bench.endpoint(), await bench.endpoint()]
    for (let at = 0; at < 3; at++) await bench.publishOne()
    const failed = await end('exhausted')
    await post(`/v1/tenants/acme/deliveries/${failed.find(({ endpoint }) => endpoint !== gone)!.id}/retry`)
    await bench.run('update event set payload = $1 where id = $2', [new Uint8Array(0), idBytes(failed[0]!.event)])
    await bench.publishOne()
    await post(`/v1/tenants/acme/endpoints/${off}/disable`)
    await bench.remove(`/v1/tenants/acme/endpoints/${gone}`)
    const before = (await get(`${ACME}?limit=1000`)).body.data
    const ids = before.filter(({ state }: Json) => state !== 'cancelled').map(({ id }: Json) => id)
    const calls: [url: string, body: object][] = [
      [`${RETRY}?state=exhausted,pending,held&limit=500`, {}],
      [RETRY, { ids: [...ids, newId('dlv', 1)] }],
    ]
    const dry: Json[] = []
    for (const [url, body] of calls) {
      dry.push((await post(`${url}${url.includes('?') ? '&' : '?'}dryRun=true`, body)).body)
      expect((await get(`${ACME}?limit=1000`)).body.data).toEqual(before)
    }
    const all = (await post('/v1/deliveries/retry?state=exhausted,pending,held&limit=500&dryRun=true')).body
    const real = (await post(...calls[0]!)).body
    expect([dry[0], all]).toEqual([real, real])
    expect(real.refused.length).toBeGreaterThan(0)
    expect([real.madeDue, real.created, real.superseded].every(count => count > 0)).toBe(true)
    expect(dry[1]!.refused).toHaveLength(real.refused.length + 1)
    expect((await post(`${RETRY}?state=exhausted&dryRun=false`, {})).body.superseded).toBeGreaterThan(0)
  })

  it('retries those of all tenants', async () => {
    await bench.tenants.put('beta', {})
    await bench.endpoint()
    await bench.endpoint({}, 'beta')
    for (const tenant of ['acme', 'beta']) {
      await bench.publishOne(tenant)
      await end('exhausted', tenant)
    }
    expect((await post('/v1/deliveries/retry?state=exhausted&tenant=beta')).body).toEqual({ ...none, created: 1 })
    expect((await post('/v1/deliveries/retry?state=exhausted')).body).toEqual({ ...none, created: 1, superseded: 1 })
    expect(await bench.list('pending', null, 'beta')).toHaveLength(1)
  })

  it('retries those with given ids, each once', async () => {
    await bench.endpoint()
    await bench.publishOne()
    await bench.publishOne()
    const [one, other] = await end('exhausted')
    const unknown = newId('dlv', 1)
    const { body } = await post(RETRY, { ids: [one!.id, one!.id, unknown] })
    expect(body).toMatchObject({ created: 1, superseded: 0, refused: [{ tenant: 'acme', delivery: unknown }] })
    expect((await bench.list('pending')).map(({ replayOf }) => replayOf)).toEqual([one!.id])
    expect((await post(RETRY, { ids: [one!.id, other!.id] })).body).toEqual({ ...none, created: 1, superseded: 1 })
    await bench.tenants.put('beta', {})
    expect((await post('/v1/tenants/beta/deliveries/retry', { ids: [other!.id] })).body.refused).toHaveLength(1)
  })

  it.each([
    [RETRY, {}, 'state'],
    ['/v1/deliveries/retry', {}, 'state'],
    [`${RETRY}?state=lost`, {}, 'state'],
    [`${RETRY}?state=exhausted&limit=501`, {}, 'limit'],
    [`${RETRY}?state=exhausted`, { ids: [newId('dlv', 1)] }, 'state'],
    [`${RETRY}?state=exhausted&dryRun=maybe`, {}, 'dryRun'],
    [RETRY, { ids: [] }, '/ids'],
    [RETRY, { ids: ['dlv_1'] }, '/ids/0'],
    ['/v1/deliveries/retry?state=exhausted&tenant=unknown', {}, 'tenant'],
  ])('refuses %s with %j', async (url, body, field) => {
    expect(refused(await post(url, body))).toEqual([422, 'invalid', [field]])
  })
})

describe('deliveries by what is in the payload of their events', () => {
  const publish = (payload: object, tenant = 'acme') =>
    bench.publish({ type: TYPE, payload: { ...JSON.parse(PAYLOAD), ...payload } }, tenant)
  const events = ({ status, body }: Json): string[] => {
    expect(status, JSON.stringify(body)).toBe(200)
    return body.data.map(({ event }: Json) => event)
  }
  const filter = (value: object) => encodeURIComponent(JSON.stringify(value))

  it('are found by a field and by a text, of one tenant and of all', async () => {
    await bench.tenants.put('beta', {})
    for (const tenant of ['acme', 'acme', 'beta']) await bench.endpoint({}, tenant)
    const [first] = (await publish({ note: 'red' })).events
    const [second] = (await publish({ note: 'blue' })).events
    const [theirs] = (await publish({ note: 'red' }, 'beta')).events
    const red = `filter=${filter({ note: ['red'] })}`
    expect(events(await get(`${ACME}?${red}`))).toEqual([first!.id, first!.id])
    expect(events(await get(`${ACME}?text=blue`))).toEqual([second!.id, second!.id])
    expect(events(await get(`/v1/deliveries?${red}`))).toEqual([theirs!.id, first!.id, first!.id])
    expect(events(await get(`${ACME}?${red}&state=exhausted`))).toEqual([])
    const { counts } = (await get(`${ACME}?${red}&counts=true`)).body
    expect([counts.total, counts.pending]).toEqual([null, null])
    await bench.run('update event set payload = $1 where id = $2', [new Uint8Array(0), idBytes(first!.id)])
    expect(events(await get(`${ACME}?${red}`))).toEqual([])
  })

  it('are paged both ways', async () => {
    await bench.endpoint()
    for (let at = 0; at < 7; at++) await publish({ note: at % 2 === 0 ? 'red' : 'blue' })
    const seen: string[][] = []
    let cursor = ''
    do {
      const { body } = await get(`${ACME}?text=red&limit=2${cursor}`)
      seen.push(body.data.map(({ id }: Json) => id))
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`
      if (seen.length === 2) {
        const back = await get(`${ACME}?text=red&limit=2&cursor=${body.prevCursor}`)
        expect(back.body.data.map(({ id }: Json) => id)).toEqual(seen[0])
      }
    } while (cursor !== '')
    expect(seen.map(({ length }) => length)).toEqual([2, 2])
    const red = (await bench.list('pending')).map(({ id }) => id).filter((_id, at) => at % 2 === 0)
    expect(seen.flat()).toEqual(red)
  })

  it('are found only with the permission to see payloads', async () => {
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'all', payloads: false })
    expect((await get(`${ACME}?text=red`, { key })).status).toBe(403)
    expect((await get(`/v1/deliveries?filter=${filter({ a: [1] })}`, { key })).status).toBe(403)
    expect((await post(`${RETRY}?state=exhausted&text=red`, {}, { key })).status).toBe(403)
    expect((await get(ACME, { key })).status).toBe(200)
  })

  it.each([
    ['filter={', 'filter'],
    [`filter=${filter({ a: 1 })}`, 'filter/a'],
    ['text=', 'text'],
  ])('refuses %s', async (query, field) => {
    expect(refused(await get(`${ACME}?${query}`))).toEqual([422, 'invalid', [field]])
  })
})
