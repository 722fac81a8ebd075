import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { idBytes } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import { MAX_STREAMS_OF_PARTY, type Streams } from '../../src/services/stream/streams.ts'
import type { NewEvent } from '../../src/store/operations/events/publish-request.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { writeSnapshot } from '../../src/store/stream-position.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from '../store/builders.ts'
import { engines, type Opened } from '../store/engines.ts'
import { hurried, Reading, startStreams } from './streaming.ts'

describe.each(engines())('the stream on $name', engine => {
  let opened: Opened
  let store: Store
  let streams: Streams
  let endpoint: Endpoint

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await aTenant(store, 'zeta')
    streams = startStreams(store)
  })
  afterEach(async () => {
    await streams.stop()
    await opened.close()
  })
  afterAll(() => engine.stop())

  async function publish(tenant = 'acme', to: readonly Endpoint[] = tenant === 'acme' ? [endpoint] : []) {
    const event = anEvent(to)
    await store.publish(await aRequest(store, tenant, [event]))
    return { event: event.id, delivery: event.deliveries?.[0]?.id ?? '' }
  }

  async function itemOf(delivery: string): Promise<LaneItem> {
    const { partition, id } = endpoint
    const lane = await store.readLane({ partition, endpoint: id, limit: 1_000, maxPayloadBytes: 0 })
    return lane.find(item => item.delivery === delivery)!
  }

  const reading = (filter = {}, on = streams) => new Reading().open(on, filter)
  const nowMs = 1_000

  it('sends what is committed from the opening on, in order', async () => {
    await publish()
    const reader = await reading()
    const { event, delivery } = await publish()
    await reader.untilSeen(`delivery ${delivery} pending`)
    await store.settle(aSettlement(await itemOf(delivery), { kind: 'retry', dueAtMs: 5_000 }))
    await reader.untilSeen(`attempt ${delivery} 1`)
    await store.settle(aSettlement({ ...(await itemOf(delivery)), attempts: 1 }, { kind: 'delivered' }))
    await reader.untilSeen(`delivery ${delivery} delivered`)
    expect(reader.seen).toEqual([
      `event ${event}`,
      `delivery ${delivery} pending`,
      `attempt ${delivery} 1`,
      `delivery ${delivery} pending`,
      `attempt ${delivery} 2`,
      `delivery ${delivery} delivered`,
    ])
  })

  it('shows what people do to deliveries and endpoints', async () => {
    const reader = await reading()
    const [one, two, three] = [await publish(), await publish(), await publish()]
    await store.write('makeDueNow', { tenant: 'acme', id: one.delivery, nowMs })
    await store.write('cancelDelivery', { tenant: 'acme', id: two.delivery, nowMs })
    await reader.untilSeen(`delivery ${two.delivery} cancelled`)
    const { partition, id } = endpoint
    const of = { partition, endpoint: id, limit: 100, nowMs }
    await store.write('setEndpointState', { tenant: 'acme', id, state: 'disabled', reason: 'manual', nowMs })
    await store.write('holdDeliveries', of)
    await reader.untilSeen(`endpoint ${id} updated`, `delivery ${one.delivery} held`, `delivery ${three.delivery} held`)
    await store.write('setEndpointState', { tenant: 'acme', id, state: 'enabled', reason: null, nowMs })
    await store.write('releaseDeliveries', of)
    await expect.poll(() => reader.seen.at(-1)).toMatch(/pending$/)
    await store.write('deleteEndpoint', { tenant: 'acme', id, nowMs })
    await store.write('cancelDeliveries', { ...of, only: 'all' })
    await reader.untilSeen(`endpoint ${id} deleted`, `delivery ${one.delivery} cancelled`)
    const another = anEndpoint('zeta')
    await store.write('createEndpoint', { endpoint: another })
    await reader.untilSeen(`endpoint ${another.id} created`)
  })

  it('sends a reader only what its filter wants', async () => {
    const all = await reading()
    const zeta = await reading({ tenant: 'zeta' })
    const attempts = await reading({ kinds: new Set(['attempt']) })
    const [{ event }, own] = [await publish('zeta'), await publish()]
    await store.settle(aSettlement(await itemOf(own.delivery), { kind: 'delivered' }))
    await all.untilSeen(`delivery ${own.delivery} delivered`)
    await zeta.untilSeen(`event ${event}`)
    await attempts.untilSeen(`attempt ${own.delivery} 1`)
    expect(zeta.seen).toEqual([`event ${event}`])
    expect(attempts.seen).toEqual([`attempt ${own.delivery} 1`])
  })

  it('continues behind the last record, wherever it broke off, and misses and repeats none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }), async breaks => {
        const reader = new Reading()
        const only = { kinds: new Set(['event'] as const) }
        await reader.open(streams, only)
        const published: string[] = []
        for (const breakAfter of breaks) {
          reader.breakAfter = breakAfter
          const some = await Promise.all(Array.from({ length: 6 }, () => publish()))
          published.push(...some.map(({ event }) => event))
          await expect.poll(() => reader.isOpen, { timeout: 10_000, interval: 5 }).toBe(false)
          reader.breakAfter = Number.POSITIVE_INFINITY
          await reader.open(streams, only)
        }
        await reader.untilSeen(...published.map(id => `event ${id}`))
        expect(reader.seen.toSorted()).toEqual(published.map(id => `event ${id}`).toSorted())
        expect(reader.resets).toEqual([])
        reader.close()
      }),
      { numRuns: 5 },
    )
  })

  it('resets a reader whose position is of no epoch that it knows, and goes on', async () => {
    const reader = new Reading()
    reader.position = 'abc.5'
    await reader.open(streams)
    await expect.poll(() => reader.resets, { interval: 5 }).toEqual(['unknown'])
    const { event } = await publish('zeta')
    await reader.untilSeen(`event ${event}`)
  })

  it('cuts off a reader for which too much waits, and no other', async () => {
    const quick = startStreams(store, hurried(100))
    const [slow, other] = [await reading({}, quick), await reading({}, quick)]
    const { event: first } = await publish('zeta')
    for (const each of [slow, other]) await each.untilSeen(`event ${first}`)
    slow.waitingBytes = 2 * 1024 * 1024
    const { event } = await publish('zeta')
    await other.untilSeen(`event ${event}`)
    await expect.poll(() => slow.isCut, { timeout: 5_000, interval: 5 }).toBe(true)
    expect([slow.seen, other.isCut]).toEqual([[`event ${first}`], false])
    await quick.stop()
  })

  it('sends records with small payloads together, and those with large ones alone', async () => {
    const small = await reading({ withPayloads: true, kinds: new Set(['event']) })
    const events = [40_000, 40_000, 10, 10, 10].map(size => anEvent([], { payload: new Uint8Array(size).fill(32) }))
    await store.publish(await aRequest(store, 'acme', events))
    await small.untilSeen(...events.map(({ id }) => `event ${id}`))
    expect(small.batches).toEqual([1, 4])
  })

  it('rests three times as long as a reading took while several tenants have work', async () => {
    let isShared = false
    let passedMs = 0
    const delays: number[] = []
    const clock: Clock = {
      ...systemClock,
      monotonicMs: () => systemClock.monotonicMs() + passedMs,
      after: (ms, fire) => {
        delays.push(ms)
        return systemClock.after(ms, fire)
      },
    }
    const slow = new Proxy(store, {
      get(_store, name) {
        if (name === 'isShared') return isShared
        const value = Reflect.get(store, name)
        if (typeof value !== 'function') return value
        if (name !== 'read') return value.bind(store)
        return (what: 'readStreamLog', args: never) => {
          if (what === 'readStreamLog') passedMs += 100
          return store.read(what, args)
        }
      },
    })
    const others = startStreams(slow, clock)
    const rests = () => delays.filter(ms => ms > 260 && ms <= 500)
    const reader = await reading({}, others)
    delays.length = 0
    const { delivery } = await publish()
    await reader.untilSeen(`delivery ${delivery} pending`)
    expect(rests()).toEqual([])
    isShared = true
    const later = await publish()
    await reader.untilSeen(`delivery ${later.delivery} pending`)
    await vi.waitFor(() => expect(rests()).not.toEqual([]), { timeout: 10_000, interval: 5 })
    await others.stop()
  })

  it('ends a stream whose key is no longer valid', async () => {
    const [revoked, other] = [await reading(), await reading()]
    revoked.isAllowed = false
    await expect.poll(() => revoked.isEnded, { timeout: 1_000, interval: 5 }).toBe(true)
    expect(other.isEnded).toBe(false)
  })

  it('refuses a stream that is being opened when the server stops, and sends nothing on it', async () => {
    const reader = new Reading()
    const opening = reader.open(streams)
    await streams.stop()
    await expect(opening).rejects.toMatchObject({ code: 'shutting_down' })
    expect([reader.isEnded, streams.size]).toEqual([false, 0])
  })

  it('refuses more streams of one party than the limit', async () => {
    const readers = await Promise.all(Array.from({ length: MAX_STREAMS_OF_PARTY }, () => reading()))
    await expect(reading()).rejects.toMatchObject({ code: 'rate_limited' })
    await new Reading().open(streams, {}, 'another')
    readers[0]!.close()
    await reading()
  })

  it('starts with the present again where the log has a gap, and says why', async () => {
    const [live, left] = [await reading(), await reading()]
    const { event: first } = await publish('zeta')
    for (const each of [live, left]) await each.untilSeen(`event ${first}`)
    left.close()
    // As if no one had kept the stream on for a while.
    await opened.run("update meta set value = '0000000000001 gone' where key = 'stream'")
    await expect.poll(() => live.resets, { timeout: 5_000, interval: 5 }).toEqual(['interrupted'])
    await left.open(streams)
    await expect.poll(() => left.resets, { timeout: 5_000, interval: 5 }).toEqual(['unknown'])
    const { event: second } = await publish('zeta')
    for (const each of [live, left]) await each.untilSeen(`event ${second}`)
    left.close()
    const { event: third } = await publish('zeta')
    await live.untilSeen(`event ${third}`)
    // As after two minutes.
    const end = { next: Number.MAX_SAFE_INTEGER, open: [] }
    const { to } = await store.read('readStreamLog', { from: end, to: null, after: null, rows: 1 })
    const kept = JSON.stringify([[0, writeSnapshot(to)]])
    await opened.run("update meta set value = $1 where key = 'stream_kept'", [kept])
    await left.open(streams)
    await expect.poll(() => left.resets, { timeout: 5_000, interval: 5 }).toEqual(['unknown', 'expired'])
    const { event: fourth } = await publish('zeta')
    for (const each of [live, left]) await each.untilSeen(`event ${fourth}`)
    expect(left.seen).toEqual([first, second, fourth].map(id => `event ${id}`))
    expect(live.seen).toEqual([first, second, third, fourth].map(id => `event ${id}`))
  })

  it('names no tenant any longer that was erased', async () => {
    const reader = await reading()
    const { event } = await publish('zeta')
    await reader.untilSeen(`event ${event}`)
    await store.write('eraseTenant', { id: 'zeta', nowMs, attemptMs: 0 })
    for (const isLast of [false, true]) await store.write('eraseSome', { tenant: 'zeta', isLast, limit: 1_000 })
    const end = { next: 0, open: [] }
    const { rows } = await store.read('readStreamLog', { from: end, to: null, after: null, rows: 1_000 })
    expect(rows.flatMap(({ items }) => items).filter(({ tenant }) => tenant === 'zeta')).toEqual([])
  })

  it('keeps the order of each publisher and loses nothing, with many of them, two nodes and readers that break off', {
    timeout: 120_000,
  }, async () => {
    const other = (await opened.another?.()) ?? store
    const stores = [store, other]
    const both = [streams, startStreams(other)]
    const steps = fc.array(
      fc.record({ tenant: fc.constantFrom('acme', 'zeta'), count: fc.integer({ min: 1, max: 4 }) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    const plans = fc.array(steps, { minLength: 2, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(plans, fc.integer({ min: 1, max: 9 }), async (publishers, breakAfter) => {
        const steady = await Promise.all(both.map(on => reading({}, on)))
        const breaking = new Broken(both, breakAfter)
        await breaking.open()
        const published = await Promise.all(
          publishers.map(async (plan, publisher) => {
            const own: NewEvent[] = []
            for (const { tenant, count } of plan) {
              const events = Array.from({ length: count }, () => anEvent(tenant === 'acme' ? [endpoint] : []))
              await stores[publisher % 2]!.publish(await aRequest(store, tenant, events))
              own.push(...events)
            }
            return own
          }),
        )
        const deliveries = published.flat().flatMap(event => event.deliveries?.map(({ id }) => id) ?? [])
        await Promise.all(
          deliveries.map(async (id, index) => {
            await stores[index % 2]!.settle(aSettlement(await itemOf(id), { kind: 'delivered' }))
          }),
        )
        for (const reader of [...steady, breaking.reading]) {
          await vi.waitFor(() => expectInOrder(reader, published), { timeout: 10_000, interval: 5 })
        }
        for (const reader of [...steady, breaking]) reader.close()
      }),
      { numRuns: 8 },
    )
    await both[1]!.stop()
    if (other !== store) await other.close()
  })

  it('sends what a publisher commits late, although others that began later were sent before', async () => {
    if (opened.connect === undefined || opened.another === undefined) return
    const [client, other] = [await opened.connect(), await opened.another()]
    try {
      const ordered = anEndpoint('acme', { ordered: true })
      await store.write('createEndpoint', { endpoint: ordered })
      const reader = await reading()
      // A publisher numbers what it sends in order: it waits for the endpoint's row in the middle of its transaction.
      await client.query('begin')
      await client.query('select 1 from endpoint where id = $1 for update', [Buffer.from(idBytes(ordered.id))])
      const late = anEvent([ordered])
      const publishing = other.publish(await aRequest(store, 'acme', [late]))
      const waiting = 'select 1 from pg_locks where not granted'
      await expect.poll(async () => (await client.query(waiting)).rowCount, { interval: 5 }).toBeGreaterThan(0)
      const [one, two] = [await publish('zeta'), await publish('zeta')]
      await reader.untilSeen(`event ${one.event}`, `event ${two.event}`)
      const between = reader.position
      const opensNow = await reading()
      expect(reader.seen).toEqual([`event ${one.event}`, `event ${two.event}`])
      await client.query('commit')
      await publishing
      const own = [`event ${late.id}`, `delivery ${late.deliveries![0]!.id} pending`]
      await reader.untilSeen(...own)
      expect(reader.seen.slice(2)).toEqual(own)
      await opensNow.untilSeen(...own)
      expect(opensNow.seen).toEqual(own)
      // One that was away when it was committed, and asks another node.
      const elsewhere = startStreams(other)
      const resumed = new Reading()
      resumed.position = between
      await resumed.open(elsewhere)
      await resumed.untilSeen(...own)
      expect(resumed.seen).toEqual(own)
      await elsewhere.stop()
    } finally {
      await client.end()
      await other.close()
    }
  })

  it('opens the first stream only after publishers that might not know of it have committed', async () => {
    if (opened.connect === undefined || opened.another === undefined) return
    const [client, other] = [await opened.connect(), await opened.another()]
    try {
      const ordered = anEndpoint('acme', { ordered: true })
      await store.write('createEndpoint', { endpoint: ordered })
      await client.query('begin')
      await client.query('select 1 from endpoint where id = $1 for update', [Buffer.from(idBytes(ordered.id))])
      const ended: string[] = []
      const publishing = other.publish(await aRequest(store, 'acme', [anEvent([ordered])]))
      const waiting = 'select 1 from pg_locks where not granted'
      await expect.poll(async () => (await client.query(waiting)).rowCount, { interval: 5 }).toBeGreaterThan(0)
      const read = vi.spyOn(store, 'read')
      const reader = new Reading()
      const opening = reader.open(streams).then(() => ended.push('opened'))
      const looks = () => read.mock.calls.filter(([name]) => name === 'findStreamWriters').length
      await expect.poll(looks, { timeout: 5_000, interval: 5 }).toBeGreaterThan(4)
      expect(ended).toEqual([])
      const committing = publishing.then(() => ended.push('committed'))
      await client.query('commit')
      await Promise.all([opening, committing])
      expect(ended.toSorted()).toEqual(['committed', 'opened'])
      // What it believed when it last looked is no longer believed.
      const next = anEvent([])
      await other.publish(await aRequest(store, 'acme', [next]))
      await reader.untilSeen(`event ${next.id}`)
    } finally {
      await client.end()
      await other.close()
    }
  })
})

/**
 * Each event and each attempt was seen once, each publisher's events in their order, and whatever happened to a delivery in
 * the order in which it happened. All are delivered by now.
 */
function expectInOrder({ seen, resets }: Reading, published: readonly (readonly NewEvent[])[]): void {
  const events = published.flat()
  const deliveries = events.flatMap(event => event.deliveries?.map(({ id }) => id) ?? [])
  const once = [...events.map(({ id }) => `event ${id}`), ...deliveries.map(id => `attempt ${id} 1`)]
  expect(seen.filter(text => !text.startsWith('delivery ')).toSorted()).toEqual(once.toSorted())
  const places = new Map(seen.map((text, index) => [text, index]))
  const expectOrder = (...texts: readonly string[]) => {
    const found = texts.flatMap(text => places.get(text) ?? [])
    expect(found).toEqual(found.toSorted((a, b) => a - b))
  }
  for (const own of published) expectOrder(...own.map(({ id }) => `event ${id}`))
  // One that changes before its record is read is shown in its last state, and then again.
  const last = (id: string) => `delivery ${id} delivered`
  for (const { id: event, deliveries: made } of events) {
    for (const { id } of made ?? []) {
      expect(seen).toContain(last(id))
      expectOrder(`event ${event}`, `delivery ${id} pending`, `attempt ${id} 1`, last(id))
    }
  }
  expect(resets).toEqual([])
}

/** A reader that breaks off again and again, and continues at the other node. */
class Broken {
  readonly reading = new Reading()
  readonly #nodes: readonly Streams[]
  readonly #after: number
  #opened = 0
  #isClosed = false

  constructor(nodes: readonly Streams[], after: number) {
    this.#nodes = nodes
    this.#after = after
    // A node that is being stopped refuses it.
    this.reading.onBreak = () => void this.open().catch(() => {})
  }

  async open(): Promise<void> {
    if (this.#isClosed) return
    this.reading.breakAfter = this.#after
    await this.reading.open(this.#nodes[this.#opened++ % this.#nodes.length]!)
  }

  close(): void {
    this.#isClosed = true
    this.reading.close()
  }
}
