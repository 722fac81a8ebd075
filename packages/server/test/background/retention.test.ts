import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agesOf, Retention, type RetentionSettings } from '../../src/background/retention.ts'
import { DAY_MS } from '../../src/base/durations.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from '../store/builders.ts'
import { engines, type Opened } from '../store/engines.ts'
import { atOnce, countRows, deliveriesOf, end, later, log, publish, replay, settings } from './setup.ts'

describe.each(engines())('retention on $name', engine => {
  let opened: Opened
  let store: Store
  let endpoint: Endpoint

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  /** Runs a pass a number of days from now. Daily tables are not dropped, so that the steps have to do the work. */
  const pass = (days: number, over: Partial<RetentionSettings> = {}) =>
    new Retention(later(store, days), log, settings(over)).run(atOnce).then(({ state }) => JSON.parse(state))
  const isThere = async (id: string) => (await store.read('getEvent', { tenant: 'acme', id })) !== null
  /** On PostgreSQL, rows that are dropped with their day's tables are left to that for two more days. */
  const slack = engine.name === 'postgres' ? 2 : 0

  it('removes everything of an event a number of days after its last delivery ended', async () => {
    const { event, items } = await publish(store, [endpoint])
    await end(store, items[0]!)
    const none = await publish(store, [endpoint], { deliveries: [] })
    await pass(29.9 + slack)
    expect(await isThere(event.id)).toBe(true)
    expect(await pass(30.1 + slack)).toMatchObject({ rows: 4 })
    expect(await isThere(event.id)).toBe(false)
    expect(await isThere(none.event.id)).toBe(false)
    for (const table of ['event', 'delivery', 'attempt']) expect(await countRows(opened, table), table).toBe(0)
  })

  it('counts from the end of the last delivery, not from publishing', async () => {
    const { event, items } = await publish(store, [endpoint])
    await end(store, items[0]!, Date.now() + 5 * DAY_MS)
    await pass(32 + slack)
    expect(await isThere(event.id)).toBe(true)
    await pass(35.1 + slack)
    expect(await isThere(event.id)).toBe(false)
  })

  it('keeps an event with a pending or held delivery, and all its deliveries', async () => {
    const held = anEndpoint('acme', { state: 'disabled', partition: 8 })
    await store.write('createEndpoint', { endpoint: held })
    const waiting = await publish(store, [endpoint, held])
    await end(store, waiting.items[0]!)
    const pending = await publish(store, [endpoint])
    await pass(400)
    expect(await isThere(waiting.event.id)).toBe(true)
    expect(await isThere(pending.event.id)).toBe(true)
    expect((await deliveriesOf(store, 'acme', waiting.event.id)).map(({ state }) => state).sort()).toEqual([
      'delivered',
      'held',
    ])
    expect(await countRows(opened, 'attempt')).toBe(1)
  })

  it('keeps an event that waits in the inbox, and one that is retried manually', async () => {
    const waiting = anEvent([], { deliveries: null })
    await store.publish(await aRequest(store, 'acme', [waiting]))
    const { event, items } = await publish(store, [endpoint])
    await end(store, items[0]!)
    await replay(store, endpoint, event, items[0]!.delivery)
    await pass(400)
    expect(await isThere(waiting.id)).toBe(true)
    expect(await deliveriesOf(store, 'acme', event.id)).toHaveLength(2)
  })

  it("uses the tenant's own retention period if it has one", async () => {
    const short = anEndpoint('short')
    await aTenant(store, 'short', [short])
    const retention = { days: 3, payloadDays: null, answerDays: null }
    await store.write('putTenant', { id: 'short', name: null, metadata: {}, retention, nowMs: 1 })
    const one = await publish(store, [short])
    await end(store, one.items[0]!)
    const other = await publish(store, [endpoint])
    await end(store, other.items[0]!)
    await pass(3.1)
    expect(await store.read('getEvent', { tenant: 'short', id: one.event.id })).toBeNull()
    expect(await isThere(other.event.id)).toBe(true)
    // Even if everything else is kept forever.
    await pass(400, { retentionDays: 0 })
    expect(await isThere(other.event.id)).toBe(true)
  })

  it('removes an event with very many deliveries in several steps', async () => {
    const many = Array.from({ length: 300 }, (_, index) => anEndpoint('acme', { partition: index % 256 }))
    for (const each of many) await store.write('createEndpoint', { endpoint: each })
    const { event } = await publish(store, many)
    for (const { id, partition } of many) {
      await store.write('cancelDeliveries', { partition, endpoint: id, only: 'all', limit: 9, nowMs: Date.now() })
    }
    let steps = 0
    const counting = {
      ...atOnce,
      step<T>(work: () => Promise<T>) {
        steps++
        return work()
      },
    }
    await new Retention(later(store, 40), log, settings()).run(counting)
    expect(steps).toBeGreaterThan(3)
    expect(await isThere(event.id)).toBe(false)
    expect(await countRows(opened, 'delivery')).toBe(0)
  })

  it('removes payloads earlier: the event shows that, and is never sent again', async () => {
    const { event, items } = await publish(store, [endpoint])
    await end(store, items[0]!)
    const held = await publish(store, [endpoint])
    const over = { payloadRetentionDays: 7 }
    expect(await pass(6, over)).toMatchObject({ payloads: 0 })
    expect(await pass(8, over)).toMatchObject({ payloads: 1 })
    expect((await store.read('getEvent', { tenant: 'acme', id: event.id }))!.payload).toHaveLength(0)
    expect((await replay(store, endpoint, event, items[0]!.delivery)).made).toBeNull()
    expect(await store.read('readPayload', { tenant: 'acme', event: event.id })).toBeNull()
    // A pending delivery keeps the payload, however old it is; it is removed later.
    expect(await store.read('readPayload', { tenant: 'acme', event: held.event.id })).not.toBeNull()
    await end(store, held.items[0]!, Date.now() + 10 * DAY_MS)
    expect(await pass(16, over)).toMatchObject({ payloads: 0 })
    expect(await pass(17.1, over)).toMatchObject({ payloads: 1 })
    expect(await store.read('readPayload', { tenant: 'acme', event: held.event.id })).toBeNull()
    expect(await countRows(opened, 'retention_kept')).toBe(0)
    await pass(31 + 10 + slack, over)
    expect(await countRows(opened, 'event')).toBe(0)
  })

  it('never removes the payload of an event that is being retried at that moment', async () => {
    const { event, items } = await publish(store, [endpoint])
    await end(store, items[0]!)
    const beforeMs = Date.now() + 9 * DAY_MS
    const remove = { tenant: 'acme', events: [event.id], beforeMs, kept: [], mark: null }
    const [made] = await Promise.all([
      replay(store, endpoint, event, items[0]!.delivery),
      store.write('removePayloads', remove),
    ])
    const payload = await store.read('readPayload', { tenant: 'acme', event: event.id })
    expect(made.made === null).toBe(payload === null)
  })

  it('removes responses earlier, even of deliveries that ended late, and nothing else of an attempt', async () => {
    const { items } = await publish(store, [endpoint])
    const late = await publish(store, [endpoint])
    await end(store, items[0]!)
    const over = { answerRetentionDays: 2 }
    expect(await pass(3, over)).toMatchObject({ answers: 1 })
    const [attempt] = await store.read('listAttempts', { tenant: 'acme', delivery: items[0]!.delivery })
    expect(attempt).toMatchObject({ status: 204, responseHeaders: [], responseRemoved: true, responseTruncated: false })
    expect(attempt!.responseBody).toHaveLength(0)
    await end(store, late.items[0]!, Date.now() + 3 * DAY_MS)
    expect(await pass(4, over)).toMatchObject({ answers: 0 })
    expect(await pass(5.1, over)).toMatchObject({ answers: 1 })
    const [other] = await store.read('listAttempts', { tenant: 'acme', delivery: late.items[0]!.delivery })
    expect(other!.responseRemoved).toBe(true)
  })

  it('resumes where the last pass stopped, and removes no payload twice', async () => {
    const over = { payloadRetentionDays: 1 }
    for (let round = 0; round < 3; round++) {
      const { items } = await publish(store, [endpoint])
      await end(store, items[0]!)
      expect(await pass(2, over)).toMatchObject({ payloads: 1 })
    }
  })

  it('removes everything else that grows: idempotency keys, audit log, API keys, endpoints and tenants', async () => {
    const key = { key: 'k', hash: bytes('h') }
    const keyed = anEvent([], { ...key, deliveries: [] })
    await store.publish({ ...(await aRequest(store, 'acme', [keyed])), keyExpiresAtMs: Date.now() - 1 })
    const kept = anEvent([], { ...key, key: 'l', deliveries: [] })
    await store.publish({ ...(await aRequest(store, 'acme', [kept])), keyExpiresAtMs: Date.now() + 10 * DAY_MS })
    const nowMs = Date.now()
    await store.write('deleteTenant', { id: 'acme', nowMs })
    expect(await pass(0)).toMatchObject({ others: 1 })
    expect(await countRows(opened, 'idempotency')).toBe(1)
    await opened.run('update idempotency set expires_ms = 1')
    // The key and the endpoint; the tenant once it has no events.
    expect(await pass(31 + slack)).toMatchObject({ others: 3 })
    for (const table of ['tenant', 'endpoint', 'idempotency']) expect(await countRows(opened, table), table).toBe(0)
    expect(await countRows(opened, 'audit')).toBeGreaterThan(0)
    await pass(50, { auditRetentionDays: 40 })
    // The test's tenant was created in 1970.
    expect(await countRows(opened, 'audit')).toBe(0)
  })

  it("keeps a deleted tenant's rows for a tenant with the same id that is created in time", async () => {
    await store.write('deleteTenant', { id: 'acme', nowMs: Date.now() })
    await aTenant(store, 'acme')
    await pass(100)
    expect(await store.read('getTenant', { id: 'acme' })).not.toBeNull()
  })

  it('removes exactly the rows that are due, for any mix of them', { timeout: 120_000 }, async () => {
    const event = fc.record({
      deliveries: fc.array(fc.record({ endedDay: fc.option(fc.integer({ min: 0, max: 40 })) }), { maxLength: 3 }),
    })
    const endpoints = [0, 1, 2].map(index => anEndpoint('acme', { partition: index }))
    for (const each of endpoints) await store.write('createEndpoint', { endpoint: each })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 8 }), fc.integer({ min: 3, max: 60 }), async (events, day) => {
        const expected = new Map<string, boolean>()
        for (const { deliveries } of events) {
          const { event: made, items } =
            deliveries.length === 0
              ? await publish(store, [endpoint], { deliveries: [] })
              : await publish(store, endpoints.slice(0, deliveries.length))
          let lastDay = 0
          for (const [index, { endedDay }] of deliveries.entries()) {
            lastDay = Math.max(lastDay, endedDay ?? Number.POSITIVE_INFINITY)
            if (endedDay !== null) await end(store, items[index]!, Date.now() + endedDay * DAY_MS)
          }
          expected.set(made.id, lastDay + 30 + slack < day - 0.5)
        }
        await pass(day - 0.25)
        for (const [id, isGone] of expected) expect(await isThere(id)).toBe(!isGone)
      }),
      { numRuns: engine.name === 'sqlite' ? 12 : 6 },
    )
  })
})

it('a tenant without its own retention periods has those of the settings, and 0 means forever', () => {
  const own = { days: 5, payloadDays: null, answerDays: 2 }
  expect(agesOf(own, settings({ payloadRetentionDays: 4 }))).toEqual({ days: 5, payloadDays: 4, answerDays: 2 })
  const never = Number.POSITIVE_INFINITY
  expect(agesOf(null, settings({ retentionDays: 0 }))).toEqual({ days: never, payloadDays: never, answerDays: never })
})
