import { describe, expect, it, vi } from 'vitest'
import { TenantCache } from '../../src/catalogue/tenant-cache.ts'
import { EventTypes } from '../../src/services/event-types/event-types.ts'
import type { Change } from '../../src/store/changes.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import { StoreOverloaded } from '../../src/store/store.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { code, faults, fields, PAYLOAD, refusal, TYPE, useBench } from '../services/setup.ts'
import { eventsOf } from '../store/events-of.ts'

const bench = useBench()

const freshItems = (changes: readonly Change[]): LaneItem[] =>
  changes.flatMap(change => (change.kind === 'fresh' ? [...change.items] : []))
const anEvent = (over: object = {}) => ({ type: TYPE, payload: JSON.parse(PAYLOAD), ...over })

describe('publish', () => {
  it('C13: responds to a repeated event as before, even if the type was changed or deleted since', async () => {
    await bench.endpoint()
    const body = [anEvent({ key: 'a' }), anEvent({ key: 'b' })]
    const first = await bench.publish(body)
    await new EventTypes(bench.store, bench.samples).remove(TYPE)
    const again = await bench.publish(body)
    expect(again.events).toEqual(first.events.map(event => ({ ...event, duplicate: true })))
    expect(await code(bench.publish([anEvent({ key: 'a' }), anEvent({ key: 'c' })]))).toBe('invalid')
    expect(await code(bench.publish([anEvent({ key: 'a', payload: {} })]))).toBe('invalid')
  })

  it('C5: stores and hands over the payload byte for byte as it was published', async () => {
    await bench.endpoint()
    const payload =
      '{ "CoverId" : "564200aa-7128-4a26-83a8-cf0201903fcc", "n":12345678901234567890,"x":1.0, "s":"\\u00e9\\/é" }'
    const { batch, events } = await bench.publish(`{"type":"${TYPE}","payload":  ${payload} }`)
    expect(batch).toBe(false)
    expect(events).toEqual([
      { id: expect.stringMatching(/^evt_/), key: null, deliveries: 1, notSent: {}, duplicate: false },
    ])
    const { event, deliveries } = await bench.events.get('acme', events[0]!.id)
    expect(Buffer.from(event.payload).toString()).toBe(payload)
    expect(deliveries.map(({ state }) => state)).toEqual(['pending'])
    const [item] = freshItems(bench.changes)
    expect(Buffer.from(item!.payload!).toString()).toBe(payload)
    expect(item).toMatchObject({ delivery: deliveries[0]!.id, event: event.id, type: TYPE, attempts: 0, test: false })
    expect(item!.dueAtMs).toBe(deliveries[0]!.dueAtMs)
  })

  it('publishes an array in order, and hands it over in one go', async () => {
    await bench.endpoint({ types: [TYPE] })
    const ids = Array.from({ length: 100 }, (_, index) => `key-${index}`)
    const { batch, events } = await bench.publish(ids.map(key => anEvent({ key })))
    expect(batch).toBe(true)
    const stored = await Promise.all(events.map(({ id }) => bench.store.read('getEvent', { tenant: 'acme', id })))
    expect(stored.map(event => event!.key)).toEqual(ids)
    expect(bench.changes.filter(({ kind }) => kind === 'fresh')).toHaveLength(1)
    expect(freshItems(bench.changes)).toHaveLength(100)
  })

  it('does not keep a whole request in memory for a small payload', async () => {
    await bench.endpoint()
    const filler = 'x'.repeat(100_000)
    await bench.publish([anEvent(), anEvent({ payload: { ...JSON.parse(PAYLOAD), filler } })])
    const [small, large] = freshItems(bench.changes)
    expect(small!.payload!.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize)
    expect(JSON.parse(Buffer.from(large!.payload!).toString()).filler).toBe(filler)
  })

  it('C2: creates a delivery for each endpoint that wants the type, and counts the others', async () => {
    const wants = await bench.endpoint({ types: [TYPE, 'GRADE_CHANGED'] })
    const wantsAll = await bench.endpoint()
    await bench.endpoint({ types: ['GRADE_CHANGED'] })
    const { events } = await bench.publishOne()
    expect(events[0]).toMatchObject({ deliveries: 2, notSent: { type: 1 } })
    expect((await bench.list()).map(({ endpoint }) => endpoint).sort()).toEqual([wants, wantsAll].sort())
  })

  it('C13: holds events for a disabled endpoint and does not hand them over', async () => {
    const id = await bench.endpoint()
    await bench.endpoints.disable('acme', id)
    const { events } = await bench.publishOne()
    expect(events[0]!.deliveries).toBe(1)
    expect(await bench.list('held')).toHaveLength(1)
    expect(freshItems(bench.changes)).toEqual([])
  })

  it('stores an event that no endpoint wants, and hands nothing over', async () => {
    const { events } = await bench.publishOne()
    expect(events[0]).toMatchObject({ deliveries: 0, notSent: {} })
    expect((await bench.events.get('acme', events[0]!.id)).deliveries).toEqual([])
    expect(bench.kinds()).toEqual(['stored'])
  })
})

describe('publish refuses', () => {
  const stored = () => eventsOf(bench.store, 'acme')

  it('C1: an unknown type and a payload that violates the schema, with their places, and stores nothing', async () => {
    const body = [
      anEvent(),
      anEvent({ type: 'NO_SUCH' }),
      { type: TYPE },
      anEvent({ payload: { CoverId: 'x' } }),
      anEvent(),
    ]
    expect(await fields(bench.publish(body))).toEqual(['/1/type', '/2/payload', '/3/payload/CoverId'])
    expect(await fields(bench.publish(anEvent({ payload: {} })))).toEqual(['/payload/CoverId'])
    expect(await stored()).toEqual([])
  })

  it('many invalid elements, naming each of them', async () => {
    const body = Array.from({ length: 1_000 }, (_, index) =>
      index % 2 ? anEvent({ payload: {} }) : { type: 'NO_SUCH' },
    )
    const named = new Set((await fields(bench.publish(body))).map(field => field.split('/')[1]))
    expect(named.size).toBe(1_000)
  })

  it.each([
    ['{', 'bad_json'],
    ['', 'bad_json'],
    ['\uFEFF{}', 'bad_json'],
    [`{"type":"${TYPE}","payload":${'['.repeat(70)}${']'.repeat(70)}}`, 'bad_json'],
    [`{"type":"${TYPE}","payload":{"a":1,"a":2}}`, 'invalid'],
    ['7', 'invalid'],
    ['[]', 'invalid'],
    [JSON.stringify(Array(1_001).fill({})), 'invalid'],
  ])('%#: %.40s with %s', async (body, expected) => {
    const error = await refusal(bench.publish(body))
    expect(error.code).toBe(expected)
    expect(error.fields).toHaveLength(1)
  })

  it('an unknown or deleted tenant, and strings that cannot be one', async () => {
    expect(await code(bench.publishOne('unknown'))).toBe('not_found')
    expect(await code(bench.publishOne('a\0b'))).toBe('not_found')
    await bench.publishOne()
    await bench.tenants.remove('acme')
    expect(await code(bench.publishOne())).toBe('not_found')
  })

  it('a different event under a key that is taken, with its place', async () => {
    await bench.publish(anEvent({ key: 'k' }))
    const other = anEvent({ key: 'k', payload: { CoverId: '00000000-7128-4a26-83a8-cf0201903fcc' } })
    const alone = await refusal(bench.publish(other))
    expect(alone.code).toBe('idempotency_conflict')
    expect(alone.fields.map(({ field }) => field)).toEqual(['/key'])
    const batch = await refusal(bench.publish([anEvent(), anEvent({ key: 'new' }), other]))
    expect(batch.fields.map(({ field }) => field)).toEqual(['/2/key'])
    expect(await stored()).toHaveLength(1)
  })

  it('C13: every event while the store is unavailable, and as overloaded if too many are waiting', async () => {
    const publish = vi.spyOn(bench.store, 'publish')
    publish.mockRejectedValueOnce(new StoreUnavailable('disk full'))
    await expect(bench.publishOne()).rejects.toBeInstanceOf(StoreUnavailable)
    publish.mockRejectedValueOnce(new StoreOverloaded('full'))
    const error = await refusal(bench.publishOne())
    expect([error.code, error.retryAfterSeconds]).toEqual(['overloaded', 1])
    expect(bench.kinds()).toEqual([])
  })
})

describe('a repeated key', () => {
  it('gets the same response as before, and hands nothing over again', async () => {
    await bench.endpoint()
    const first = await bench.publish(anEvent({ key: 'k' }))
    bench.changes.length = 0
    const again = await bench.publish([anEvent({ key: 'k' }), anEvent({ key: 'fresh' })])
    expect(again.events[0]).toEqual({ ...first.events[0], duplicate: true })
    expect(again.events[1]!.duplicate).toBe(false)
    expect(freshItems(bench.changes).map(({ event }) => event)).toEqual([again.events[1]!.id])
  })

  it('is compared by the bytes, not by their meaning, and by the type', async () => {
    await bench.publish(`{"key":"k","type":"${TYPE}","payload":${PAYLOAD}}`)
    const spaced = `{"key":"k","type":"${TYPE}","payload":${PAYLOAD.replace(':', ': ')}}`
    expect(await code(bench.publish(spaced))).toBe('idempotency_conflict')
  })
})

describe('a configuration that changes', () => {
  it('C13: makes events be matched again if another process changed it', async () => {
    await bench.endpoint({ types: ['GRADE_CHANGED'] })
    await bench.publishOne()
    // Written without a notification, as if another node did it.
    const tell = vi.spyOn(bench.store.changes, 'emit').mockImplementation(() => {})
    await bench.endpoint()
    tell.mockRestore()
    expect((await bench.publishOne()).events[0]).toMatchObject({ deliveries: 1, notSent: { type: 1 } })
  })

  it('C1: makes events be validated again if the schema changed in the meantime', async () => {
    const type = await bench.types.get(TYPE)
    await bench.publishOne()
    const tell = vi.spyOn(bench.store.changes, 'emit').mockImplementation(() => {})
    const schema = { type: 'object', required: ['other'] }
    await bench.types.put(TYPE, { ...type, schema, example: { other: 1 } }, undefined, { force: true })
    tell.mockRestore()
    expect(await fields(bench.publishOne())).toEqual(['/payload/other'])
  })

  it('cannot starve publishing by changing without a pause', async () => {
    const endpoint = await bench.endpoint()
    let isOver = false
    const changing = Array.from({ length: 4 }, async (_, at) => {
      for (let nth = 0; !isOver; nth++) {
        await bench.endpoints.update('acme', endpoint, { description: `${at} ${nth}` }).catch(() => {})
      }
    })
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => bench.publishOne()))
    isOver = true
    await Promise.all(changing)
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
  })

  it('leads to 503 if it never stops changing', async () => {
    const publish = vi.spyOn(bench.store, 'publish').mockResolvedValue({ kind: 'stale' })
    expect(await code(bench.publishOne())).toBe('overloaded')
    expect(publish.mock.calls.length).toBeGreaterThan(2)
  })

  it('is read once for many waiting calls, then cached until it changes', async () => {
    const read = vi.spyOn(bench.store, 'read')
    await Promise.all(Array.from({ length: 20 }, () => bench.publishOne()))
    await bench.publishOne()
    expect(read).toHaveBeenCalledTimes(2)
    await bench.endpoint()
    read.mockClear()
    expect((await bench.publishOne()).events[0]!.deliveries).toBe(1)
    expect(read).toHaveBeenCalledTimes(1)
  })

  it('is read again after a failure of the store', async () => {
    await bench.publishOne()
    const read = vi.spyOn(bench.store, 'read')
    bench.store.changes.emit({ kind: 'doubt' })
    await bench.publishOne()
    const names = read.mock.calls
      .map(([name]) => name)
      .filter(name => name !== 'readApiKeyChanges' && name !== 'readSessionChanges')
    expect(names).toHaveLength(2)
  })

  it('is cached for recently used tenants, up to a number of bytes, and not for unknown ones', async () => {
    for (const tenant of ['a', 'b', 'c', 'd', 'e']) await bench.tenants.put(tenant, {})
    const cache = new TenantCache(bench.store, { configurationMemoryBytes: 4_500 })
    const isKept = (tenant: string) => !(cache.get(tenant) instanceof Promise)
    for (const tenant of ['a', 'b', 'c', 'd']) await cache.get(tenant)
    expect(isKept('a')).toBe(true)
    await cache.get('e')
    expect([isKept('a'), isKept('e')]).toEqual([true, true])
    expect(isKept('b')).toBe(false)
    expect(await cache.get('unknown')).toBeNull()
    expect(isKept('unknown')).toBe(false)
  })
})

describe('publishTest', () => {
  it("sends the type's example only to that endpoint, marked as a test", async () => {
    const id = await bench.endpoint({ types: ['GRADE_CHANGED'] })
    await bench.endpoint()
    const endpoint = await bench.endpoints.get('acme', id)
    const result = await bench.publisher.publishTest(endpoint, undefined)
    expect(result.type).toBe('GRADE_CHANGED')
    const { event, deliveries } = await bench.events.get('acme', result.event)
    expect(event.test).toBe(true)
    expect(JSON.parse(Buffer.from(event.payload).toString())).toEqual((await bench.types.get('GRADE_CHANGED')).example)
    expect(deliveries).toMatchObject([{ id: result.delivery, endpoint: id, test: true, state: 'pending' }])
    expect(freshItems(bench.changes)).toMatchObject([{ delivery: result.delivery, test: true }])
  })

  it("uses the requested type, else the endpoint's first that exists, else the catalogue's first", async () => {
    const endpoint = await bench.endpoints.get('acme', await bench.endpoint({ types: ['GRADE_CHANGED', TYPE] }))
    const typeOf = async (name?: string) => (await bench.publisher.publishTest(endpoint, name)).type
    expect(await typeOf('COMPANY_SEARCH_UPDATED')).toBe('COMPANY_SEARCH_UPDATED')
    await bench.types.remove('GRADE_CHANGED')
    expect(await typeOf()).toBe(TYPE)
    await bench.types.remove(TYPE)
    expect(await typeOf()).toBe('COMPANY_SEARCH_UPDATED')
  })

  it('refuses an unknown type, a disabled endpoint, a deleted one, and an empty catalogue', async () => {
    const endpoint = await bench.endpoints.get('acme', await bench.endpoint())
    const test = (name?: string) => bench.publisher.publishTest(endpoint, name)
    expect(await faults(test('NO_SUCH'))).toMatchObject([{ field: '/type', reason: 'unknown_type' }])
    await bench.endpoints.disable('acme', endpoint.id)
    expect(await code(test())).toBe('conflict')
    await bench.endpoints.remove('acme', endpoint.id)
    expect(await code(test())).toBe('not_found')
    for (const { name } of await bench.publisher.types()) await bench.types.remove(name)
    expect(await code(test())).toBe('conflict')
  })
})
