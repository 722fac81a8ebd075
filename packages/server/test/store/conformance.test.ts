import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { type Delivery, type DeliveryState, type Endpoint, isTransitionAllowed } from '../../src/base/model.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { anAttempt, anEndpoint, anEvent, aRequest, aSettlement, aTenant, bytes } from './builders.ts'
import { engines } from './engines.ts'
import { eventsOf } from './events-of.ts'
import { listDeliveries } from './list-deliveries.ts'

describe.each(engines())('store on $name', engine => {
  let store: Store
  let close: () => Promise<void>

  beforeEach(async () => {
    const opened = await engine.open()
    store = opened.store
    close = opened.close
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  const lane = (endpoint: Endpoint, limit = 100): Promise<LaneItem[]> =>
    store.readLane({ partition: endpoint.partition, endpoint: endpoint.id, limit, maxPayloadBytes: 1_000 })

  async function published(endpoint: Endpoint, count = 1): Promise<LaneItem[]> {
    const events = Array.from({ length: count }, () => anEvent([endpoint]))
    const result = await store.publish(await aRequest(store, endpoint.tenant, events))
    expect(result.kind).toBe('stored')
    return lane(endpoint)
  }

  const stateOf = async ({ tenant, delivery }: LaneItem): Promise<DeliveryState | undefined> =>
    (await store.read('getDelivery', { tenant, id: delivery }))?.state

  it('C13: the engine itself reports settings that keep what was acknowledged', async () => {
    const durable = { sqlite: { synchronous: '2', journal_mode: 'wal' }, postgres: { synchronous_commit: 'on' } }
    expect(await store.durability()).toMatchObject(durable[engine.name])
  })

  it('C5: keeps payload bytes exactly as they were received', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const payload = bytes('{ "n" : 12345678901234567890, "x":1.0, "s":"\\u00e9\\/é" }')
    const event = anEvent([endpoint], { payload })
    await store.publish(await aRequest(store, 'acme', [event]))
    const [item] = await lane(endpoint)
    expect(Buffer.from(item!.payload!)).toEqual(Buffer.from(payload))
    const read = await store.read('getEvent', { tenant: 'acme', id: event.id })
    expect(Buffer.from(read!.payload)).toEqual(Buffer.from(payload))
    const alone = await store.read('readPayload', { tenant: 'acme', event: event.id })
    expect(Buffer.from(alone!)).toEqual(Buffer.from(payload))
  })

  it('leaves large payloads in the store until they are sent', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await store.publish(
      await aRequest(store, 'acme', [anEvent([endpoint], { payload: bytes(`"${'x'.repeat(2_000)}"`) })]),
    )
    expect((await lane(endpoint))[0]!.payload).toBeNull()
  })

  it('C13: returns stale, and stores nothing, if the configuration has changed since matching', async () => {
    await aTenant(store, 'acme')
    const request = await aRequest(store, 'acme', [anEvent([])])
    await store.write('createEndpoint', { endpoint: anEndpoint('acme') })
    expect(await store.publish(request)).toEqual({ kind: 'stale' })
    const again = await aRequest(store, 'acme', [anEvent([])])
    await store.write('putEventType', {
      type: { name: 'T', group: 'g', description: 'd', schema: {}, example: {} },
      nowMs: 1,
    })
    expect(await store.publish(again)).toEqual({ kind: 'stale' })
    expect(await eventsOf(store, 'acme')).toEqual([])
  })

  it('returns the first result for a repeated key, and a conflict if the payload differs', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const event = anEvent([endpoint], { key: 'k', hash: bytes('h1') })
    const first = await store.publish(await aRequest(store, 'acme', [event]))
    const again = anEvent([endpoint, endpoint], { key: 'k', hash: bytes('h1') })
    const second = await store.publish(await aRequest(store, 'acme', [again]))
    expect(first).toEqual({
      kind: 'stored',
      events: [{ id: event.id, key: 'k', deliveries: 1, notSent: {}, duplicate: false }],
    })
    expect(second).toEqual({
      kind: 'stored',
      events: [{ id: event.id, key: 'k', deliveries: 1, notSent: {}, duplicate: true }],
    })
    const other = anEvent([endpoint], { key: 'k', hash: bytes('h2') })
    const fresh = anEvent([endpoint], { key: 'new', hash: bytes('h3') })
    expect(await store.publish(await aRequest(store, 'acme', [fresh, other]))).toEqual({
      kind: 'conflict',
      indexes: [1],
    })
    expect(await lane(endpoint)).toHaveLength(1)
    // The refused request claimed nothing: its other key is still free.
    expect((await store.publish(await aRequest(store, 'acme', [fresh]))).kind).toBe('stored')
  })

  it('recognises a key used twice in one request, and in two requests of one commit', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const twin = () => anEvent([endpoint], { key: 'k', hash: bytes('h') })
    const requests = [await aRequest(store, 'acme', [twin(), twin()]), await aRequest(store, 'acme', [twin()])]
    const results = await Promise.all(requests.map(request => store.publish(request)))
    const items = results.flatMap(result => (result.kind === 'stored' ? result.events : []))
    expect(items.map(item => item.duplicate)).toEqual([false, true, true])
    expect(new Set(items.map(item => item.id)).size).toBe(1)
    expect(await lane(endpoint)).toHaveLength(1)
  })

  it('forgets a key once it has expired', async () => {
    await aTenant(store, 'acme')
    const event = () => anEvent([], { key: 'k', hash: bytes(Math.random().toString()) })
    const request = await aRequest(store, 'acme', [event()])
    await store.publish(request)
    expect((await store.publish({ ...request, nowMs: 4_999, events: [event()] })).kind).toBe('conflict')
    const late = await store.publish({ ...request, nowMs: 5_000, keyExpiresAtMs: 9_000, events: [event()] })
    expect(late.kind).toBe('stored')
  })

  it('numbers changes of tenants and endpoints, so that another node can find out what it has missed', async () => {
    const { seq } = await store.read('readChanges', { after: 0 })
    const [a, b] = [anEndpoint('acme'), anEndpoint('acme', { partition: 9 })]
    await aTenant(store, 'acme', [a, b])
    const made = await store.read('readChanges', { after: seq })
    expect(made.tenants).toEqual(['acme'])
    expect(made.endpoints).toContainEqual({ tenant: 'acme', endpoint: b.id, partition: 9 })
    const since = () => store.read('readChanges', { after: made.seq })
    expect(await since()).toMatchObject({ seq: made.seq, tenants: [], endpoints: [] })
    await store.write('setEndpointState', { tenant: 'acme', id: a.id, state: 'disabled', reason: null, nowMs: 5 })
    expect((await since()).endpoints.map(({ endpoint }) => endpoint)).toEqual([a.id])
    await store.write('deleteTenant', { id: 'acme', nowMs: 6 })
    expect((await since()).endpoints.map(({ endpoint }) => endpoint).sort()).toEqual([a.id, b.id].sort())
    expect((await since()).tenants).toEqual(['acme'])
  })

  describe('leases', () => {
    const node = (number: number) => Uint8Array.from({ length: 16 }, () => number)
    const tick = (number: number, give: readonly number[] = [], leaseMs = 60_000) =>
      store.write('tickLeases', { node: node(number), leaseMs, give, isLeaving: false })
    const partitions = ({ held }: { held: readonly { partition: number }[] }) => held.map(({ partition }) => partition)

    it('all belong to a single node, and are the same at its next tick', async () => {
      const first = await tick(1)
      expect(partitions(first)).toEqual(Array.from({ length: 256 }, (_, at) => at))
      expect(first).toMatchObject({ share: 256, nodes: 1, nextExpiryMs: null })
      expect((await tick(1)).held).toEqual(first.held)
    })

    it('are shared evenly as nodes join, and an epoch rises when its partition changes hands', async () => {
      const before = await tick(1)
      expect(partitions(await tick(2))).toEqual([])
      expect(partitions(await tick(3))).toEqual([])
      const { share, held } = await tick(1)
      expect([share, held.length]).toEqual([86, 256])
      expect(partitions(await tick(1, partitions(before).slice(share)))).toHaveLength(share)
      const [second, third] = [await tick(2), await tick(3)]
      expect([partitions(second).length, partitions(third).length]).toEqual([85, 85])
      const all = [...partitions(await tick(1)), ...partitions(second), ...partitions(third)]
      expect(all.sort((a, b) => a - b)).toEqual(partitions(before))
      const epochs = new Map(before.held.map(({ partition, epoch }) => [partition, epoch]))
      for (const { partition, epoch } of [...second.held, ...third.held]) {
        expect(epoch).toBe(epochs.get(partition)! + 1)
      }
    })

    it('of a node that leaves or dies are free for other nodes', async () => {
      await tick(1)
      await store.write('leaveLeases', { node: node(1) })
      // A lease that expires immediately: this node is dead by the next one's tick.
      expect(partitions(await tick(2, [], 0))).toHaveLength(256)
      const heir = await tick(3)
      expect(heir).toMatchObject({ nodes: 1, share: 256 })
      expect(partitions(heir)).toHaveLength(256)
      // The dead node comes back: it holds nothing, and gets its share once its successor hands it over.
      expect(await tick(2)).toMatchObject({ held: [], nodes: 2 })
    })

    it('C13: distinguish partitions left by a crash from those handed over or renewed late', async () => {
      expect((await tick(1)).afterCrash).toEqual([])
      await tick(2)
      const given = Array.from({ length: 128 }, (_, at) => at * 2)
      expect((await tick(1, given, 0)).afterCrash).toEqual([])
      // The partitions that the first node gave back are free; the leases of the rest have expired.
      const heir = await tick(3)
      expect(partitions(heir)).toHaveLength(128)
      expect(heir.afterCrash).toEqual(partitions(heir).filter(partition => !given.includes(partition)))
      expect(heir.afterCrash.length).toBeGreaterThan(0)
      expect(heir.afterCrash.length).toBeLessThan(128)
      // Reported once. The first node comes back and renews what no other node took; that is not a crash of its own.
      expect((await tick(3)).afterCrash).toEqual([])
      expect((await tick(1)).afterCrash).toEqual([])
    })

    it('C13: of a single process were left by a crash unless the process released them', async () => {
      const take = (number: number) => store.write('takePartitions', { node: node(number) })
      const [first, second] = [await take(1), await take(2)]
      expect([first.held.length, first.afterCrash.length, second.afterCrash.length]).toEqual([256, 0, 256])
      expect(second.held.map(({ epoch }) => epoch)).toEqual(first.held.map(({ epoch }) => epoch + 1))
      await store.write('leaveLeases', { node: node(1) })
      expect((await take(3)).afterCrash).toHaveLength(256)
      await store.write('leaveLeases', { node: node(3) })
      expect((await take(4)).afterCrash).toEqual([])
    })

    it("report when another node's first lease expires, so that it can be taken over immediately", async () => {
      await tick(1, [], 60_000)
      const { nextExpiryMs } = await tick(2)
      expect(nextExpiryMs).toBeGreaterThan(30_000)
      expect(nextExpiryMs).toBeLessThanOrEqual(60_000)
    })

    it('of a node that is about to stop are renewed until handed back, and go to other nodes', async () => {
      const before = await tick(1)
      await tick(2)
      const leave = (give: number[]) =>
        store.write('tickLeases', { node: node(1), leaseMs: 10_000, give, isLeaving: true })
      const given = partitions(before).slice(0, 200)
      expect(await leave(given)).toMatchObject({ held: before.held.slice(200), share: 0, nodes: 1 })
      expect(await tick(2)).toMatchObject({ share: 256, nodes: 1 })
      expect(partitions(await tick(2))).toEqual(given)
      // It takes nothing, however often it ticks.
      expect((await leave([])).held).toHaveLength(56)
    })

    it('can be handed back only by their owner', async () => {
      await tick(1)
      await tick(2, [3, 4])
      expect(partitions(await tick(1))).toHaveLength(256)
    })
  })

  it('keeps tenants apart', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await aTenant(store, 'other')
    const [item] = await published(endpoint)
    expect(await store.read('getDelivery', { tenant: 'other', id: item!.delivery })).toBeNull()
    expect(await store.read('getEvent', { tenant: 'other', id: item!.event })).toBeNull()
    expect(await store.read('getEndpoint', { tenant: 'other', id: endpoint.id })).toBeNull()
    expect(await store.write('cancelDelivery', { tenant: 'other', id: item!.delivery, nowMs: 1 })).toBeNull()
    expect(await store.write('makeDueNow', { tenant: 'other', id: item!.delivery, nowMs: 1 })).toBe(false)
    expect(await store.write('deleteEndpoint', { tenant: 'other', id: endpoint.id, nowMs: 1 })).toBeNull()
    expect(await stateOf(item!)).toBe('pending')
  })

  it('C13: moves a success into history, once', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [item] = await published(endpoint)
    expect(await store.settle(aSettlement(item!, { kind: 'delivered' }))).toBe('ended')
    expect(await lane(endpoint)).toEqual([])
    const delivery = await store.read('getDelivery', { tenant: 'acme', id: item!.delivery })
    expect(delivery).toMatchObject({ state: 'delivered', attempts: 1, endedAtMs: 20_000, dueAtMs: null })
    const late = aSettlement(item!, { kind: 'exhausted' }, { attempt: anAttempt(1, { startedAtMs: 99 }) })
    expect(await store.settle(late)).toBe('unmoved')
    expect(await stateOf(item!)).toBe('delivered')
    // The late attempt is recorded all the same.
    expect(await store.read('listAttempts', { tenant: 'acme', delivery: item!.delivery })).toHaveLength(2)
  })

  it('C13: moves a last failure and a cancellation into history', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [exhausted, cancelled] = await published(endpoint, 2)
    expect(await store.settle(aSettlement(exhausted!, { kind: 'exhausted' }))).toBe('ended')
    const { tenant, delivery: id } = cancelled!
    expect(await store.write('cancelDelivery', { tenant, id, nowMs: 20_000 })).not.toBeNull()
    expect(await lane(endpoint)).toEqual([])
    const read = (id: string) => store.read('getDelivery', { tenant, id })
    expect(await read(exhausted!.delivery)).toMatchObject({ state: 'exhausted', attempts: 1, endedAtMs: 20_000 })
    expect(await read(id)).toMatchObject({ state: 'cancelled', attempts: 0, endedAtMs: 20_000 })
  })

  it('C12: schedules a retry at its due time, and reads a lane from the earliest due time', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const items = await published(endpoint, 3)
    const moved = await store.settle(aSettlement(items[0]!, { kind: 'retry', dueAtMs: 50_000 }))
    expect(moved).toBe(50_000)
    const after = await lane(endpoint)
    expect(after.map(({ delivery }) => delivery)).toEqual([items[1], items[2], items[0]].map(item => item!.delivery))
    expect(after[2]).toMatchObject({ dueAtMs: 50_000, attempts: 1 })
    expect(await lane(endpoint, 2)).toHaveLength(2)
  })

  it("C13: failures count only in order and under the partition's epoch, a success always", async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [item] = await published(endpoint)
    expect(await store.settle(aSettlement(item!, { kind: 'exhausted' }, { number: 5 }))).toBe('unmoved')
    expect(await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 9 }, { number: 2 }))).toBe('unmoved')
    const { held } = await store.write('takePartitions', { node: bytes('a node') })
    expect(held).toHaveLength(256)
    expect(await store.settle(aSettlement(item!, { kind: 'exhausted' }, { epoch: 0 }))).toBe('unmoved')
    expect(await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 9 }, { epoch: 0 }))).toBe('unmoved')
    expect(await stateOf(item!)).toBe('pending')
    expect(await store.settle(aSettlement(item!, { kind: 'delivered' }, { epoch: 0 }))).toBe('ended')
    expect(await stateOf(item!)).toBe('delivered')
  })

  it('C13: settles many attempts at a time, each on its own terms', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const items = await published(endpoint, 90)
    const moved = await Promise.all(
      items.map((item, index) =>
        store.settle(
          aSettlement(item, index % 3 === 0 ? { kind: 'delivered' } : { kind: 'retry', dueAtMs: 60_000 + index }, {
            number: index % 5 === 0 ? 3 : 1,
          }),
        ),
      ),
    )
    expect(moved).toEqual(
      items.map((_, index) => (index % 3 === 0 ? 'ended' : index % 5 === 0 ? 'unmoved' : 60_000 + index)),
    )
    expect(await lane(endpoint)).toHaveLength(60)
  })

  it('C12: a delivery that is released, or taken over at startup, is not due earlier than before', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [item] = await published(endpoint)
    await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 50_000 }))
    const of = { partition: 7, endpoint: endpoint.id, limit: 3 }
    const state = (to: 'enabled' | 'disabled') =>
      store.write('setEndpointState', { tenant: 'acme', id: endpoint.id, state: to, reason: null, nowMs: 5 })
    await state('disabled')
    expect(await store.write('holdDeliveries', of)).toBe(1)
    await state('enabled')
    expect(await store.write('releaseDeliveries', { ...of, nowMs: 7_000 })).toBe(1)
    await store.write('takePartitions', { node: bytes('a node') })
    expect(await lane(endpoint)).toMatchObject([{ dueAtMs: 50_000, attempts: 1 }])
  })

  it('C11: a 410 under an older epoch disables no endpoint', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [item] = await published(endpoint)
    await store.write('takePartitions', { node: bytes('a node') })
    await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 9 }, { gone: true, epoch: 0 }))
    expect(await store.read('getEndpoint', { tenant: 'acme', id: endpoint.id })).toMatchObject({ state: 'enabled' })
  })

  it("C11: a 410 raises the tenant's version, so that events published from then on are held", async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [item] = await published(endpoint)
    const before = await aRequest(store, 'acme', [anEvent([endpoint])])
    await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 9 }, { gone: true }))
    expect(await store.publish(before)).toEqual({ kind: 'stale' })
  })

  it('C11: a 410 disables the endpoint with its settlement', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [item, other] = await published(endpoint, 2)
    await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 9 }, { gone: true }))
    const after = await store.read('getEndpoint', { tenant: 'acme', id: endpoint.id })
    expect(after).toMatchObject({ state: 'disabled', disabledReason: 'gone' })
    const held = await store.write('holdDeliveries', { partition: 7, endpoint: endpoint.id, limit: 100 })
    expect(held).toBe(2)
    expect(await stateOf(other!)).toBe('held')
  })

  it('C13: holds, releases and cancels a limited number of deliveries at a time', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const items = await published(endpoint, 5)
    const of = { partition: 7, endpoint: endpoint.id, limit: 3 }
    expect(await store.write('holdDeliveries', of)).toBe(0) // still enabled
    await store.write('setEndpointState', {
      tenant: 'acme',
      id: endpoint.id,
      state: 'disabled',
      reason: 'manual',
      nowMs: 5,
    })
    expect(await store.write('holdDeliveries', of)).toBe(3)
    expect(await store.write('holdDeliveries', of)).toBe(2)
    // A failure of an attempt in flight changes nothing, a success does.
    expect(await store.settle(aSettlement(items[0]!, { kind: 'exhausted' }))).toBe('unmoved')
    expect(await store.settle(aSettlement(items[0]!, { kind: 'retry', dueAtMs: 99_000 }))).toBe('unmoved')
    expect(await store.settle(aSettlement(items[1]!, { kind: 'delivered' }))).toBe('ended')
    expect(await store.write('releaseDeliveries', { ...of, nowMs: 7_000 })).toBe(0) // still disabled
    await store.write('setEndpointState', { tenant: 'acme', id: endpoint.id, state: 'enabled', reason: null, nowMs: 6 })
    expect(await store.write('releaseDeliveries', { ...of, limit: 2, nowMs: 7_000 })).toBe(2)
    expect((await lane(endpoint)).map(({ dueAtMs }) => dueAtMs)).toEqual([7_000, 7_000])
    expect(await store.write('cancelDeliveries', { ...of, only: 'held', nowMs: 8_000 })).toBe(2)
    expect(await store.write('cancelDeliveries', { ...of, only: 'all', nowMs: 8_000 })).toBe(2)
    expect(await stateOf(items[4]!)).toBe('cancelled')
  })

  it('C13: finds changes of endpoints that a crash left unfinished', async () => {
    const [disabled, deleted, fine] = [1, 2, 3].map(() => anEndpoint('acme'))
    await aTenant(store, 'acme', [disabled!, deleted!, fine!])
    for (const endpoint of [disabled!, deleted!, fine!]) await published(endpoint, 2)
    await store.write('setEndpointState', {
      tenant: 'acme',
      id: disabled!.id,
      state: 'disabled',
      reason: 'manual',
      nowMs: 5,
    })
    await store.write('deleteEndpoint', { tenant: 'acme', id: deleted!.id, nowMs: 5 })
    expect(await store.read('findUnfinished', { partition: 7 })).toEqual(
      expect.arrayContaining([
        { endpoint: disabled!.id, partition: 7, todo: 'hold' },
        { endpoint: deleted!.id, partition: 7, todo: 'cancel' },
      ]),
    )
    expect(await store.read('findUnfinished', { partition: 7 })).toHaveLength(2)
    await store.write('holdDeliveries', { partition: 7, endpoint: disabled!.id, limit: 9 })
    await store.write('setEndpointState', {
      tenant: 'acme',
      id: disabled!.id,
      state: 'enabled',
      reason: null,
      nowMs: 5,
    })
    expect(await store.read('findUnfinished', { partition: 7 })).toContainEqual({
      endpoint: disabled!.id,
      partition: 7,
      todo: 'release',
    })
  })

  it("stores and changes an endpoint's rate limit and ordering", async () => {
    const endpoint = anEndpoint('acme', { rateLimit: { requests: 5, perSeconds: 60 }, ordered: true })
    await aTenant(store, 'acme', [endpoint])
    const read = () => store.read('getEndpoint', { tenant: 'acme', id: endpoint.id })
    expect(await read()).toMatchObject({ rateLimit: { requests: 5, perSeconds: 60 }, ordered: true })
    const { endpoints } = (await store.read('readTenantConfiguration', { tenant: 'acme' }))!
    expect(endpoints).toMatchObject([{ id: endpoint.id, ordered: true }])
    const changed = { ...endpoint, rateLimit: null, ordered: false, updatedAtMs: 2 }
    expect(await store.write('updateEndpoint', { endpoint: changed, readAtMs: 1 })).toBe('updated')
    expect(await read()).toMatchObject({ rateLimit: null, ordered: false })
  })

  describe('an ordered endpoint', () => {
    const queue = async (endpoint: Endpoint, isNumbered = true, limit = 100) => {
      const { partition, id } = endpoint
      const query = { partition, endpoint: id, limit, maxPayloadBytes: 1_000, isNumbered }
      const { items, ...found } = await store.readOrderedLane(query)
      return { ids: items.map(({ delivery }) => delivery), items, ...found }
    }
    const publish = async (endpoints: readonly Endpoint[], count = 1) => {
      const events = Array.from({ length: count }, () => anEvent(endpoints))
      expect((await store.publish(await aRequest(store, 'acme', events))).kind).toBe('stored')
      return events
    }
    const idOf = (event: { deliveries: readonly { id: string }[] | null }, at = 0) => event.deliveries![at]!.id
    const setState = (id: string, state: 'enabled' | 'disabled') =>
      store.write('setEndpointState', { tenant: 'acme', id, state, reason: null, nowMs: 5 })

    it('C13: has a queue in publishing order, whatever the due times are, and its head keeps its place', async () => {
      const [plain, endpoint, other] = [anEndpoint('acme'), anEndpoint('acme', { ordered: true }), anEndpoint('acme')]
      await aTenant(store, 'acme', [plain, endpoint, { ...other, ordered: true }])
      const events = await publish([plain, endpoint, { ...other, ordered: true }], 4)
      const expected = events.map(event => idOf(event, 1))
      expect(await queue(endpoint)).toMatchObject({ ids: expected, isNumbered: true, isHeldUp: false })
      expect((await queue(endpoint, false)).ids).toEqual(expected)
      const { items } = await queue(endpoint, true, 1)
      await store.settle(aSettlement(items[0]!, { kind: 'retry', dueAtMs: 90_000 }))
      expect((await queue(endpoint)).ids).toEqual(expected)
      expect((await queue(endpoint)).items[0]).toMatchObject({ dueAtMs: 90_000, attempts: 1 })
      await store.settle(aSettlement((await queue(endpoint)).items[0]!, { kind: 'exhausted' }))
      await store.write('cancelDelivery', { tenant: 'acme', id: expected[1]!, nowMs: 9 })
      expect((await queue(endpoint)).ids).toEqual(expected.slice(2))
      expect((await queue({ ...other, ordered: true })).ids).toEqual(events.map(event => idOf(event, 2)))
      // An endpoint that is not ordered has no numbers.
      expect((await queue(plain)).ids).toEqual([])
    })

    it('C13: gets retries and deliveries from the inbox at the end of its queue', async () => {
      const endpoint = anEndpoint('acme', { ordered: true })
      await aTenant(store, 'acme', [endpoint])
      const [event] = await publish([endpoint])
      const delivery = { id: newId('dlv', 9), endpoint: endpoint.id, partition: 7, replayOf: idOf(event!) }
      const again = { tenant: 'acme', event: event!.id, type: 'T', test: false, delivery, nowMs: 1 }
      await store.write('createDelivery', again)
      const later = anEvent([], { deliveries: null })
      await store.publish(await aRequest(store, 'acme', [later]))
      const claim = { after: '', claimMs: 60_000, maxPayloadBytes: 0 }
      const [found] = (await store.write('claimInbox', claim)).items
      const deliveries = anEvent([endpoint]).deliveries!
      const { version } = (await store.read('readTenantConfiguration', { tenant: 'acme' }))!
      const fan = {
        item: found!,
        tenantVersion: version,
        nowMs: 1,
        deliveries,
        notSent: {},
        after: endpoint.id,
        isUnfinished: false,
      }
      expect(await store.write('fanOut', fan)).toBe('stored')
      const [last] = await publish([endpoint])
      const expected = [idOf(event!), delivery.id, deliveries[0]!.id, idOf(last!)]
      expect((await queue(endpoint)).ids).toEqual(expected)
    })

    it('C13: gets no event before earlier ones in the inbox; tests and other endpoints do not wait', async () => {
      const [endpoint, plain] = [anEndpoint('acme', { ordered: true }), anEndpoint('acme')]
      await aTenant(store, 'acme', [endpoint, plain])
      await store.publish(await aRequest(store, 'acme', [anEvent([], { deliveries: null })]))
      const ask = async (events: Parameters<typeof aRequest>[2]) => store.publish(await aRequest(store, 'acme', events))
      expect(await ask([anEvent([plain, endpoint])])).toEqual({ kind: 'behind' })
      expect((await ask([anEvent([plain])])).kind).toBe('stored')
      expect((await ask([anEvent([endpoint], { test: true })])).kind).toBe('stored')
      expect((await ask([anEvent([], { deliveries: null })])).kind).toBe('stored')
    })

    it('C13: first gets the deliveries from before it was ordered', async () => {
      const endpoint = anEndpoint('acme')
      await aTenant(store, 'acme', [endpoint])
      const before = await publish([endpoint], 3)
      const ordered = { ...endpoint, ordered: true, updatedAtMs: 2 }
      await store.write('updateEndpoint', { endpoint: ordered, readAtMs: 1 })
      const after = await publish([ordered], 2)
      const old = before.map(event => idOf(event)).sort()
      const expected = [...old, ...after.map(event => idOf(event))]
      expect(await queue(ordered, false)).toMatchObject({ ids: expected, isNumbered: false })
      for (const id of old) await store.write('cancelDelivery', { tenant: 'acme', id, nowMs: 9 })
      expect(await queue(ordered, false)).toMatchObject({ ids: expected.slice(3), isNumbered: true })
    })

    it('C13: gets nothing while held deliveries are being released, and then all of them in order', async () => {
      const endpoint = anEndpoint('acme', { ordered: true })
      await aTenant(store, 'acme', [endpoint])
      const events = await publish([endpoint], 3)
      const of = { partition: 7, endpoint: endpoint.id, limit: 2 }
      await setState(endpoint.id, 'disabled')
      await store.write('holdDeliveries', of)
      expect(await queue(endpoint)).toMatchObject({ ids: [], isHeldUp: true })
      await store.write('holdDeliveries', of)
      events.push(...(await publish([{ ...endpoint, state: 'disabled' }], 2)))
      expect(await queue(endpoint, false)).toMatchObject({ ids: [], isHeldUp: true, isNumbered: false })
      await setState(endpoint.id, 'enabled')
      events.push(...(await publish([endpoint])))
      await store.write('releaseDeliveries', { ...of, nowMs: 7_000 })
      expect(await queue(endpoint)).toMatchObject({ ids: [], isHeldUp: true })
      while ((await store.write('releaseDeliveries', { ...of, nowMs: 7_000 })) > 0);
      const expected = { ids: events.map(event => idOf(event)), isHeldUp: false }
      expect(await queue(endpoint)).toMatchObject(expected)
      expect(await queue(endpoint, false)).toMatchObject({ ...expected, isNumbered: true })
    })
  })

  it('discovers lanes by skipping from endpoint to endpoint', async () => {
    const endpoints = [anEndpoint('acme'), anEndpoint('acme'), anEndpoint('acme', { partition: 8 })]
    await aTenant(store, 'acme', endpoints)
    expect(await store.read('discoverLanes', { partition: 7 })).toEqual([])
    for (const endpoint of endpoints) await published(endpoint, 3)
    const heads = await store.read('discoverLanes', { partition: 7 })
    expect(heads).toEqual(
      endpoints.slice(0, 2).map(({ id }) => ({ tenant: 'acme', endpoint: id, partition: 7, dueAtMs: 1_000 })),
    )
  })

  it('lists deliveries newest first, in pages without gaps or repeats, and filters them', async () => {
    const [a, b] = [anEndpoint('acme'), anEndpoint('acme')]
    await aTenant(store, 'acme', [a!, b!])
    const items = [...(await published(a!, 5)), ...(await published(b!, 4))]
    await store.settle(aSettlement(items[0]!, { kind: 'delivered' }))
    await store.settle(aSettlement(items[1]!, { kind: 'exhausted' }))
    const all = await listDeliveries(store, 'acme')
    expect(all.map(({ id }) => id)).toEqual(
      items
        .map(({ delivery }) => delivery)
        .sort()
        .reverse(),
    )
    const paged: string[] = []
    let before: string | null = null
    for (;;) {
      const page: Delivery[] = await listDeliveries(store, 'acme', { before }, 2)
      if (page.length === 0) break
      paged.push(...page.map(({ id }) => id))
      before = page.at(-1)!.id
    }
    expect(paged).toEqual(all.map(({ id }) => id))
    const count = async (filter: object) => (await listDeliveries(store, 'acme', filter)).length
    expect(await count({ state: 'pending' })).toBe(7)
    expect(await count({ state: 'exhausted' })).toBe(1)
    expect(await count({ endpoint: b!.id })).toBe(4)
    expect(await count({ event: items[0]!.event })).toBe(1)
    expect(await count({ type: 'U' })).toBe(0)
    expect(await count({ fromMs: Date.now() + 60_000 })).toBe(0)
    expect(await count({ toMs: Date.now() + 60_000, fromMs: Date.now() - 60_000 })).toBe(9)
  })

  describe('trials', () => {
    const begin = ({ tenant, delivery }: LaneItem, over: { mayBeLast?: boolean; epoch?: number } = {}) =>
      store.write('beginTrial', { tenant, delivery, epoch: 0, mayBeLast: true, ...over })
    const takeBack = (...trials: LaneItem[]) => store.write('takeBackTrials', { trials })
    const read = ({ tenant, delivery }: LaneItem) => store.read('getDelivery', { tenant, id: delivery })
    const release = ({ tenant, delivery }: LaneItem, nowMs = 9_000) =>
      store.write('releaseSetAside', { tenant, id: delivery, nowMs })
    const aLane = async (count = 1) => {
      const endpoint = anEndpoint('acme')
      await aTenant(store, 'acme', [endpoint])
      const [item, ...others] = await published(endpoint, count)
      return { endpoint, item: item!, others, of: { partition: 7, endpoint: endpoint.id, limit: 100 } }
    }
    async function setAside(item: LaneItem): Promise<void> {
      for (let trial = 1; trial <= 3; trial++) await begin(item)
      expect(await begin(item)).toBe('set_aside')
    }
    const setState = (id: string, state: 'enabled' | 'disabled') =>
      store.write('setEndpointState', { tenant: 'acme', id, state, reason: 'manual', nowMs: 5 })

    it('C13: set aside a delivery that was in flight at three crashes, and no other', async () => {
      const { endpoint, item, others } = await aLane(2)
      expect([await begin(item), await begin(item)]).toEqual(['begun', 'begun'])
      expect(await begin(item, { mayBeLast: false })).toBe('wait')
      expect([await begin(item), await stateOf(item)]).toEqual(['last', 'pending'])
      expect(await begin(item, { mayBeLast: false })).toBe('set_aside')
      expect(await read(item)).toMatchObject({ state: 'held', heldReason: 'set_aside', attempts: 0, dueAtMs: null })
      expect((await lane(endpoint)).map(({ delivery }) => delivery)).toEqual(others.map(({ delivery }) => delivery))
      expect(await begin(item)).toBe('gone')
    })

    it('C13: are closed when their attempt ends, and taken back one by one', async () => {
      const { item, others } = await aLane(2)
      for (let round = 0; round < 3; round++) {
        expect([await begin(item), await begin(item)]).toEqual(['begun', 'begun'])
        const attempts = (await read(item))!.attempts
        await store.settle(aSettlement({ ...item, attempts }, { kind: 'retry', dueAtMs: 50_000 }))
      }
      const [other] = others
      expect([await begin(other!), await begin(other!), await begin(other!)]).toEqual(['begun', 'begun', 'last'])
      await takeBack(other!, item)
      expect([await begin(other!), await begin(other!)]).toEqual(['last', 'set_aside'])
      // No more trials are taken back than were begun.
      await takeBack(item)
      await takeBack(item)
      expect([await begin(item), await begin(item), await begin(item)]).toEqual(['begun', 'begun', 'last'])
    })

    it("C13: begin only for pending deliveries, under the partition's epoch", async () => {
      const { endpoint, item } = await aLane()
      expect(await begin(item, { epoch: 1 })).toBe('gone')
      expect(await begin({ ...item, tenant: 'other' })).toBe('gone')
      await setState(endpoint.id, 'disabled')
      await store.write('holdDeliveries', { partition: 7, endpoint: endpoint.id, limit: 9 })
      expect(await begin(item)).toBe('gone')
      await store.settle(aSettlement(item, { kind: 'delivered' }))
      expect(await begin(item)).toBe('gone')
    })

    it("C13: a delivery stays set aside until a 2xx, a manual retry, or its own or its endpoint's end", async () => {
      const { endpoint, item, others, of } = await aLane(3)
      await setAside(item)
      await setState(endpoint.id, 'disabled')
      expect(await store.write('holdDeliveries', of)).toBe(2)
      await setState(endpoint.id, 'enabled')
      expect(await store.write('releaseDeliveries', { ...of, nowMs: 7_000 })).toBe(2)
      expect(await store.read('findUnfinished', { partition: 7 })).toEqual([])
      expect(await read(item)).toMatchObject({ heldReason: 'set_aside' })
      expect(await store.settle(aSettlement(item, { kind: 'exhausted' }))).toBe('unmoved')
      for (const other of others) await setAside(other)
      expect(await store.settle(aSettlement(item, { kind: 'delivered' }))).toBe('ended')
      const [{ delivery: id }] = others as [LaneItem]
      expect(await store.write('cancelDelivery', { tenant: 'acme', id, nowMs: 8_000 })).not.toBeNull()
      await store.write('deleteEndpoint', { tenant: 'acme', id: endpoint.id, nowMs: 8_000 })
      expect(await store.read('findUnfinished', { partition: 7 })).toEqual([
        { endpoint: endpoint.id, partition: 7, todo: 'cancel' },
      ])
      expect(await store.write('cancelDeliveries', { ...of, only: 'all', nowMs: 8_000 })).toBe(1)
      expect(await stateOf(others[1]!)).toBe('cancelled')
    })

    it('C13: a delivery released manually is due now without open trials, or held with its endpoint', async () => {
      const { endpoint, item, of } = await aLane()
      expect(await release(item)).toBeNull()
      await setAside(item)
      expect(await release({ ...item, tenant: 'other' })).toBeNull()
      expect(await release(item)).toEqual({ held: false })
      expect(await lane(endpoint)).toMatchObject([{ delivery: item.delivery, dueAtMs: 9_000 }])
      await setAside(item)
      await setState(endpoint.id, 'disabled')
      expect(await release(item)).toEqual({ held: true })
      expect(await read(item)).toMatchObject({ state: 'held', heldReason: 'disabled' })
      await setState(endpoint.id, 'enabled')
      expect(await store.write('releaseDeliveries', { ...of, nowMs: 7_000 })).toBe(1)
    })

    it('C13: deliveries set aside are listed and counted for all tenants, newest first', async () => {
      const items: LaneItem[] = []
      for (const tenant of ['acme', 'other']) {
        const endpoint = anEndpoint(tenant)
        await aTenant(store, tenant, [endpoint])
        items.push(...(await published(endpoint, 3)))
      }
      const list = (before: string | null = null, limit = 100) => store.read('listSetAside', { before, limit })
      expect(await list()).toEqual({ count: 0, deliveries: [] })
      const aside = items.filter((_, at) => at !== 1)
      for (const item of aside) await setAside(item)
      const newestFirst = aside
        .map(({ delivery }) => delivery)
        .sort()
        .reverse()
      const { count, deliveries } = await list()
      expect([count, deliveries.map(({ id }) => id)]).toEqual([5, newestFirst])
      expect(deliveries[0]).toMatchObject({ tenant: 'other', state: 'held', heldReason: 'set_aside' })
      const page = await list(newestFirst[1]!, 2)
      expect([page.count, page.deliveries.map(({ id }) => id)]).toEqual([5, newestFirst.slice(2, 4)])
      const filtered = async (over: object) => (await listDeliveries(store, 'acme', over)).length
      expect(await filtered({ heldReason: 'set_aside' })).toBe(2)
      expect(await filtered({ heldReason: 'set_aside', state: 'held' })).toBe(2)
      expect(await filtered({ heldReason: 'disabled' })).toBe(0)
      expect(await filtered({ heldReason: 'set_aside', state: 'pending' })).toBe(0)
      expect(await filtered({ heldReason: 'set_aside', state: 'delivered' })).toBe(0)
    })
  })

  it('makes deliveries due now, and creates new deliveries of earlier events', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [item] = await published(endpoint)
    await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 90_000 }))
    expect(await store.write('makeDueNow', { tenant: 'acme', id: item!.delivery, nowMs: 5_000 })).toBe(true)
    expect((await lane(endpoint))[0]).toMatchObject({ dueAtMs: 5_000, attempts: 1 })
    const delivery = { id: newId('dlv', 9), endpoint: endpoint.id, partition: 7, replayOf: item!.delivery }
    const args = { tenant: 'acme', event: item!.event, type: 'T', test: false, delivery, nowMs: 6_000 }
    expect(await store.write('createDelivery', args)).toEqual({ held: false })
    expect(await store.read('getDelivery', { tenant: 'acme', id: delivery.id })).toMatchObject({
      replayOf: item!.delivery,
      attempts: 0,
    })
    await store.write('deleteEndpoint', { tenant: 'acme', id: endpoint.id, nowMs: 7 })
    expect(await store.write('createDelivery', { ...args, delivery: { ...delivery, id: newId('dlv', 10) } })).toBeNull()
  })

  it('C14: a deleted endpoint or tenant keeps no secret', async () => {
    const [a, b] = [anEndpoint('acme'), anEndpoint('acme')]
    await aTenant(store, 'acme', [a!, b!])
    expect(await store.read('findSharedSecrets', { endpoints: [b!] })).toEqual(new Set([b!.id]))
    await store.write('deleteEndpoint', { tenant: 'acme', id: a!.id, nowMs: 7 })
    expect(await store.read('findSharedSecrets', { endpoints: [b!] })).toEqual(new Set())
    expect(await store.write('deleteTenant', { id: 'acme', nowMs: 8 })).toEqual([{ id: b!.id, partition: 7 }])
    expect(await store.read('getTenant', { id: 'acme' })).toBeNull()
    expect(await store.read('readTenantConfiguration', { tenant: 'acme' })).toBeNull()
    expect(await store.write('createEndpoint', { endpoint: anEndpoint('acme') })).toBe('no_tenant')
  })

  it('C14: stores the values of headers that are shown, and none of a secret one once it is deleted', async () => {
    const headers = {
      'x-plain': { secret: false, value: 'a' },
      'x-api-key': { secret: true, value: null },
      'x-author': { secret: false, value: 'b' },
      'x-token': { secret: true, value: 'stored by an earlier version' },
    }
    const endpoint = anEndpoint('acme', { headers })
    await aTenant(store, 'acme', [endpoint, anEndpoint('acme', { headers })])
    expect((await store.read('getEndpoint', { tenant: 'acme', id: endpoint.id }))!.headers).toEqual(headers)
    const unsealed = { ...endpoint, headers: { 'x-plain': { secret: true, value: 'a' } }, updatedAtMs: 2 }
    await expect(store.write('updateEndpoint', { endpoint: unsealed, readAtMs: 1 })).rejects.toThrow()
    await store.write('deleteEndpoint', { tenant: 'acme', id: endpoint.id, nowMs: 7 })
    const exported = async () => store.read('exportEndpoints', { tenant: 'acme', after: null, limit: 9 })
    const shown = {
      'x-plain': 'a',
      'x-api-key': { secret: true },
      'x-author': { value: 'b', secret: false },
      'x-token': { secret: true },
    }
    expect((await exported()).map(each => each.headers)).toEqual([shown, shown])
    await store.write('deleteTenant', { id: 'acme', nowMs: 8 })
    expect((await exported())[1]!.headers).toEqual({})
  })

  it('does not let two updates of an endpoint overwrite each other', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const first = { endpoint: { ...endpoint, description: 'first', updatedAtMs: 2 }, readAtMs: 1 }
    const second = { endpoint: { ...endpoint, description: 'second', updatedAtMs: 3 }, readAtMs: 1 }
    expect(await store.write('updateEndpoint', first)).toBe('updated')
    expect(await store.write('updateEndpoint', second)).toBe('outdated')
    expect((await store.read('getEndpoint', { tenant: null, id: endpoint.id }))?.description).toBe('first')
  })

  it('does not fail the other requests of a batch because of one whose data is refused', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const good = anEvent([endpoint])
    const requests = [
      await aRequest(store, 'acme', [good]),
      await aRequest(store, 'acme', [anEvent([], { id: good.id })]),
    ]
    const results = await Promise.allSettled(requests.map(request => store.publish(request)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(results[1]).not.toMatchObject({ reason: expect.any(StoreUnavailable) })
    expect(await lane(endpoint)).toHaveLength(1)
  })

  it('never makes a transition that the model forbids', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const of = { partition: 7, endpoint: endpoint.id, limit: 100 }
    const state = (to: 'enabled' | 'disabled') =>
      store.write('setEndpointState', { tenant: 'acme', id: endpoint.id, state: to, reason: 'manual', nowMs: 5 })
    const steps = {
      success: (item: LaneItem, n: number) => store.settle(aSettlement(item, { kind: 'delivered' }, { number: n + 1 })),
      retry: (item: LaneItem, n: number) =>
        store.settle(aSettlement(item, { kind: 'retry', dueAtMs: 2 }, { number: n + 1 })),
      exhaust: (item: LaneItem, n: number) => store.settle(aSettlement(item, { kind: 'exhausted' }, { number: n + 1 })),
      hold: async () => [await state('disabled'), await store.write('holdDeliveries', of)],
      release: async () => [await state('enabled'), await store.write('releaseDeliveries', { ...of, nowMs: 3 })],
      cancel: (item: LaneItem) => store.write('cancelDelivery', { tenant: 'acme', id: item.delivery, nowMs: 4 }),
      setAside: async ({ tenant, delivery }: LaneItem) => {
        const trial = { tenant, delivery, epoch: 0, mayBeLast: true }
        for (let count = 0; count < 4; count++) await store.write('beginTrial', trial)
      },
      retrySetAside: ({ tenant, delivery: id }: LaneItem) => store.write('releaseSetAside', { tenant, id, nowMs: 4 }),
    }
    const names = Object.keys(steps) as (keyof typeof steps)[]
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...names), { maxLength: 8 }), async plan => {
        await steps.release()
        await store.write('cancelDeliveries', { ...of, only: 'all', nowMs: 1 })
        const [item] = await published(endpoint)
        let before: DeliveryState = 'pending'
        for (const name of plan) {
          const { attempts } = (await store.read('getDelivery', { tenant: 'acme', id: item!.delivery }))!
          await steps[name](item!, attempts)
          const after = (await stateOf(item!))!
          if (after !== before) expect(isTransitionAllowed(before, after), `${before} → ${after} by ${name}`).toBe(true)
          before = after
        }
      }),
      { numRuns: 25 },
    )
  })
})
