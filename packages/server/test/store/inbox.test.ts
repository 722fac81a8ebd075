import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idBytes, newId } from '../../src/base/ids.ts'
import type { AcceptedArrival, AcceptRequest } from '../../src/store/operations/inbox/arrivals.ts'
import type { FanOutRequest } from '../../src/store/operations/inbox/fan-out.ts'
import type { Arrival, InboxItem } from '../../src/store/operations/inbox/inbox.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'
import { listDeliveries } from './list-deliveries.ts'

const MAX_PAYLOAD_BYTES = 1_000
const CLAIM = { after: '', claimMs: 60_000, maxPayloadBytes: MAX_PAYLOAD_BYTES }

describe.each(engines())('the inbox on $name', engine => {
  let opened: Opened
  let store: Store

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  /** Inserts an arrival as publishing from SQL does. */
  async function arrive(tenant: string, { payload = '{"a":1}', key = null as string | null } = {}) {
    const event = newId('evt', Date.now())
    await opened.run(
      'insert into inbox (tenant, id, type, event_key, payload, created_ms) values ($1, $2, $3, $4, $5, $6)',
      [tenant, idBytes(event), 'T', key, bytes(payload), 1_000],
    )
    return event
  }

  const claim = (over: Partial<typeof CLAIM> = {}) => store.write('claimInbox', { ...CLAIM, ...over })
  const eventsOf = ({ arrivals, items }: { arrivals: readonly Arrival[]; items: readonly InboxItem[] }) =>
    [...arrivals, ...items].map(({ event }) => event)

  const accepted = (arrival: Arrival, over: Partial<AcceptedArrival> = {}): AcceptedArrival => {
    const { tenant, event, type, key, createdAtMs, payload } = arrival
    const sound = { rejected: null, notSent: { type: 1 }, deliveries: [] }
    return { tenant, event, type, key, createdAtMs, payload: payload!, ...sound, ...over }
  }

  /** A request with the current versions of the configuration. */
  async function request(arrivals: readonly AcceptedArrival[]): Promise<AcceptRequest> {
    const tenants = await Promise.all(
      [...new Set(arrivals.map(({ tenant }) => tenant))].map(async tenant => ({
        tenant,
        version: (await store.read('readTenantConfiguration', { tenant }))?.version ?? null,
      })),
    )
    const { version: catalogueVersion } = await store.read('readCatalogue', {})
    return { catalogueVersion, tenants, nowMs: 5_000, arrivals }
  }

  const getEvent = (event: string, tenant = 'acme') => store.read('getEvent', { tenant, id: event })
  const deliveriesOf = (event: string) => listDeliveries(store, 'acme', { event })

  it('claims the oldest unclaimed rows of each tenant, until the claim expires or is released', async () => {
    expect(await store.read('peekInbox', {})).toBe(false)
    const [a1, a2] = [await arrive('acme'), await arrive('acme')]
    const b = await arrive('beta')
    expect(await store.read('peekInbox', {})).toBe(true)
    const first = await claim()
    expect(eventsOf(first)).toEqual([a1, a2, b])
    expect(first.arrivals[0]).toMatchObject({
      tenant: 'acme',
      type: 'T',
      key: null,
      createdAtMs: 1_000,
      payloadBytes: 7,
    })
    expect(await store.read('peekInbox', {})).toBe(false)
    expect(await claim()).toEqual({ arrivals: [], items: [], last: '', hasMore: false })
    await store.write('releaseInbox', { rows: [{ tenant: 'acme', event: a2 }], afterMs: 0 })
    expect(eventsOf(await claim({ claimMs: -1 }))).toEqual([a2])
    // An expired claim doesn't count.
    expect(eventsOf(await claim())).toEqual([a2])
  })

  it('does not hand out a row released for later until then', async () => {
    const event = await arrive('acme')
    await claim()
    await store.write('releaseInbox', { rows: [{ tenant: 'acme', event }], afterMs: 60_000 })
    expect(eventsOf(await claim())).toEqual([])
    await store.write('releaseInbox', { rows: [{ tenant: 'acme', event }], afterMs: -1 })
    expect(eventsOf(await claim())).toEqual([event])
  })

  it('C13: nothing for an ordered endpoint overtakes earlier rows, whichever node has claimed them', async () => {
    const [ordered, plain] = [anEndpoint('acme', { ordered: true }), anEndpoint('acme')]
    await aTenant(store, 'acme', [ordered, plain])
    for (let at = 0; at < 5; at++) await arrive('acme')
    const [first, second, third, fourth, fifth] = (await claim()).arrivals as [
      Arrival,
      Arrival,
      Arrival,
      Arrival,
      Arrival,
    ]
    const to = (arrival: Arrival, endpoints: (typeof ordered)[]) =>
      accepted(arrival, { deliveries: anEvent(endpoints).deliveries! })
    const store1 = async (arrivals: AcceptedArrival[]) => store.write('acceptArrivals', await request(arrivals))
    // As if another node had claimed the first.
    expect(await store1([to(second, [ordered]), to(third, [plain])])).toEqual({
      stale: [],
      behind: [second.event],
      stored: [third.event],
    })
    expect((await store1([to(first, [ordered]), to(second, [ordered])])).stored).toEqual([first.event, second.event])
    // An arrival that stays as an item still blocks later rows, including those of the same claim.
    const many = accepted(fourth, { deliveries: null })
    expect(await store1([many, to(fifth, [ordered])])).toEqual({
      stale: [],
      behind: [fifth.event],
      stored: [fourth.event],
    })
    await store.write('releaseInbox', { rows: [fifth], afterMs: 0 })
    const { items } = await claim()
    const { version } = (await store.read('readTenantConfiguration', { tenant: 'acme' }))!
    const fanOf = (item: InboxItem) => {
      const { deliveries } = anEvent([ordered])
      const over = { after: ordered.id, notSent: {}, isUnfinished: false }
      return store.write('fanOut', { item, tenantVersion: version, nowMs: 1, deliveries: deliveries!, ...over })
    }
    const later = anEvent([], { deliveries: null })
    await store.publish(await aRequest(store, 'acme', [later]))
    const [behind] = (await claim()).items
    expect(await fanOf(behind!)).toBe('behind')
    expect(await fanOf(items[0]!)).toBe('stored')
    expect((await store1([to(fifth, [ordered])])).stored).toEqual([fifth.event])
    expect(await fanOf(behind!)).toBe('stored')
  })

  it('continues after a given tenant, so that a round reaches all of them', async () => {
    const [, b, c] = [await arrive('acme'), await arrive('beta'), await arrive('gamma')]
    const claimed = await claim({ after: 'acme' })
    expect([eventsOf(claimed), claimed.last, claimed.hasMore]).toEqual([[b, c], 'gamma', false])
  })

  it('says whether more tenants have rows, so that no node searches for nothing', async () => {
    for (let at = 0; at < 65; at++) await arrive(`tenant-${String(at).padStart(2, '0')}`)
    const first = await claim()
    expect([eventsOf(first).length, first.last, first.hasMore]).toEqual([64, 'tenant-63', true])
    const rest = await claim({ after: first.last })
    expect([eventsOf(rest).length, rest.last, rest.hasMore]).toEqual([1, 'tenant-64', false])
  })

  it('claims some rows of each tenant, however many one tenant has', async () => {
    const ids = Array.from({ length: 600 }, () => newId('evt', Date.now()))
    const values = ids.map((_, index) => `('acme', $${index + 1}, 'T', 'x', 1)`).join(', ')
    await opened.run(`insert into inbox (tenant, id, type, payload, created_ms) values ${values}`, ids.map(idBytes))
    const b = await arrive('beta')
    const claimed = await claim()
    expect(eventsOf(claimed)).toEqual([...ids.slice(0, 256), b])
    expect(eventsOf(await claim())).toEqual(ids.slice(256))
  })

  it('claims no more payloads than fit into memory, and leaves those over the size limit in the store', async () => {
    const big = 'x'.repeat(800_000)
    const [a, b, c] = [
      await arrive('acme', { payload: big }),
      await arrive('acme', { payload: big }),
      await arrive('acme', { payload: big }),
    ]
    const other = await arrive('beta')
    const all = { maxPayloadBytes: 1_000_000 }
    const first = await claim(all)
    expect([eventsOf(first), first.last, first.hasMore]).toEqual([[a, b], 'acme', true])
    // The next tenant's turn comes first.
    expect(eventsOf(await claim({ ...all, after: first.last }))).toEqual([other])
    const [rest] = (await claim()).arrivals
    expect(rest).toMatchObject({ event: c, payload: null, payloadBytes: big.length })
  })

  it('C13 C5: turns an arrival into an event with its deliveries only once, even if another node tries', async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    await arrive('acme', { payload: '{ "n" : 1.0 }', key: 'k' })
    const { arrivals } = await claim()
    const make = () => accepted(arrivals[0]!, { deliveries: anEvent([endpoint]).deliveries! })
    const { event } = arrivals[0]!
    expect(await store.write('acceptArrivals', await request([make()]))).toEqual({
      stale: [],
      behind: [],
      stored: [event],
    })
    expect(await store.write('acceptArrivals', await request([make()]))).toEqual({ stale: [], behind: [], stored: [] })
    expect(await getEvent(event)).toMatchObject({
      type: 'T',
      key: 'k',
      createdAtMs: 1_000,
      rejected: null,
      notSent: { type: 1 },
    })
    expect(Buffer.from((await getEvent(event))!.payload).toString()).toBe('{ "n" : 1.0 }')
    expect(await deliveriesOf(event)).toMatchObject([{ endpoint: endpoint.id, state: 'pending', dueAtMs: 5_000 }])
    expect(eventsOf(await claim({ after: '' }))).toEqual([])
  })

  it('C13: stores nothing for a tenant whose configuration has changed, but does so for others', async () => {
    await aTenant(store, 'acme')
    await aTenant(store, 'beta')
    const [a, b, c] = [await arrive('acme'), await arrive('beta'), await arrive('unknown')]
    const { arrivals } = await claim()
    const asked = await request(arrivals.map(arrival => accepted(arrival)))
    await store.write('createEndpoint', { endpoint: anEndpoint('acme') })
    expect(await store.write('acceptArrivals', asked)).toEqual({ stale: ['acme'], behind: [], stored: [b, c] })
    const again = await request([accepted(arrivals[0]!)])
    await store.write('putEventType', {
      type: { name: 'T', group: 'g', description: 'd', schema: {}, example: {} },
      nowMs: 1,
    })
    expect(await store.write('acceptArrivals', again)).toEqual({ stale: ['acme'], behind: [], stored: [] })
    // A tenant that has been created since is a change as well.
    const late = await arrive('late')
    const { arrivals: lately } = await claim()
    const unknown = await request(lately.map(arrival => accepted(arrival)))
    await aTenant(store, 'late')
    expect(await store.write('acceptArrivals', unknown)).toEqual({ stale: ['late'], behind: [], stored: [] })
    expect([await getEvent(a), await getEvent(late, 'late')]).toEqual([null, null])
  })

  it('keeps rejected events, lists them for all tenants and for one, and frees only their keys', async () => {
    const free = await aFreeKey()
    const rejected = [{ field: '/type', detail: 'No \0 such \ud800 type.', reason: 'unknown_type' }]
    const [a, b] = [await arrive('acme', { key: 'k' }), await arrive('beta', { key: 'other' })]
    await free.take('acme', 'k', a)
    await free.take('beta', 'other', b)
    const { arrivals } = await claim()
    await store.write(
      'acceptArrivals',
      await request(arrivals.map(one => accepted(one, one.event === a ? { rejected } : {}))),
    )
    const c = await arrive('ghost')
    const { arrivals: ghosts } = await claim()
    await store.write('acceptArrivals', await request(ghosts.map(one => accepted(one, { rejected }))))
    const list = async (tenant: string | null, before: string | null = null, limit = 10) =>
      (await store.read('listRejectedEvents', { tenant, key: null, before, limit, maxRows: 100 })).items.map(
        ({ id }) => id,
      )
    expect(await list(null)).toEqual([c, a])
    expect([await list(null, c), await list(null, null, 1), await list('acme'), await list('beta')]).toEqual([
      [a],
      [c],
      [a],
      [],
    ])
    expect(await getEvent(a)).toMatchObject({ rejected, notSent: { type: 1 } })
    expect([await free.isFree('acme', 'k'), await free.isFree('beta', 'other')]).toEqual([true, false])
  })

  async function aFreeKey() {
    return {
      take: (tenant: string, key: string, event: string) =>
        opened.run('insert into idempotency (tenant, event_key, event, hash, expires_ms) values ($1, $2, $3, $4, $5)', [
          tenant,
          key,
          idBytes(event),
          bytes('hash'),
          9_999_999_999_999,
        ]),
      isFree: async (tenant: string, key: string) =>
        (await store.read('readKeyHashes', { tenant, keys: [key], nowMs: 1 })).size === 0,
    }
  }

  it('reports the repeated key of an arrival as a duplicate whose deliveries are not known yet', async () => {
    await aTenant(store, 'acme')
    const event = await arrive('acme', { key: 'k' })
    await (await aFreeKey()).take('acme', 'k', event)
    const again = anEvent([], { key: 'k', hash: bytes('hash') })
    expect(await store.publish(await aRequest(store, 'acme', [again]))).toEqual({
      kind: 'stored',
      events: [{ id: event, key: 'k', deliveries: null, notSent: null, duplicate: true }],
    })
  })

  it('C13: creates the deliveries of an event in the inbox in steps, each once, and records how many', async () => {
    const endpoints = [anEndpoint('acme'), anEndpoint('acme'), anEndpoint('acme')]
    await aTenant(store, 'acme', endpoints)
    const later = anEvent([], { deliveries: null })
    const result = await store.publish(await aRequest(store, 'acme', [later]))
    expect(result).toEqual({
      kind: 'stored',
      events: [{ id: later.id, key: null, deliveries: null, notSent: null, duplicate: false }],
    })
    expect(await getEvent(later.id)).toMatchObject({ notSent: null })
    const version = (await store.read('readTenantConfiguration', { tenant: 'acme' }))!.version
    const next = async () => (await claim()).items.find(({ event }) => event === later.id)
    const ask = { tenantVersion: version, nowMs: 5_000 }
    const first = await next()
    expect(first).toMatchObject({ tenant: 'acme', after: null, made: 0, createdAtMs: 1_000 })
    const some = anEvent(endpoints.slice(0, 2)).deliveries!
    const step = { after: endpoints[1]!.id, notSent: { type: 3 }, isUnfinished: true }
    const request: FanOutRequest = { ...ask, item: first!, deliveries: some, ...step }
    expect(await store.write('fanOut', { ...request, tenantVersion: version - 1 })).toBe('stale')
    expect(await store.write('fanOut', request)).toBe('stored')
    const others = anEvent(endpoints.slice(0, 2)).deliveries!
    expect(await store.write('fanOut', { ...request, deliveries: others })).toBe('gone')
    // The step has released the row: any node can continue.
    const second = await next()
    expect(second).toMatchObject({ after: endpoints[1]!.id, made: 2, notSent: { type: 3 } })
    const rest = anEvent(endpoints.slice(2)).deliveries!
    const end = { after: endpoints.at(-1)!.id, notSent: { type: 4 }, isUnfinished: false }
    const last = { ...ask, item: second!, deliveries: rest, ...end }
    expect(await store.write('fanOut', last)).toBe('stored')
    expect(await next()).toBeUndefined()
    expect(await getEvent(later.id)).toMatchObject({ notSent: { type: 4 } })
    const made = await deliveriesOf(later.id)
    expect(made.map(({ endpoint }) => endpoint).sort()).toEqual(endpoints.map(({ id }) => id).sort())
  })

  it('keeps an arrival with very many deliveries in the inbox as an event with the present time', async () => {
    await aTenant(store, 'acme')
    const event = await arrive('acme')
    const { arrivals } = await claim()
    const later = accepted(arrivals[0]!, { deliveries: null })
    expect(await store.write('acceptArrivals', await request([later]))).toEqual({
      stale: [],
      behind: [],
      stored: [event],
    })
    expect(await store.write('acceptArrivals', await request([later]))).toEqual({ stale: [], behind: [], stored: [] })
    expect(await getEvent(event)).toMatchObject({ createdAtMs: 1_000, notSent: null })
    expect((await claim()).items).toMatchObject([{ event, createdAtMs: 5_000, made: 0, after: null }])
  })

  it('C13: stores each arrival exactly once, whatever two nodes claim, release and store together', async () => {
    await aTenant(store, 'acme')
    const seen: string[] = []
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('arrive', 'claim', 'steal', 'release', 'store'), { maxLength: 12 }),
        async steps => {
          // What each node believes it holds; expired claims let both hold the same.
          const held = [new Map<string, Arrival>(), new Map<string, Arrival>()]
          const arrived: string[] = []
          const keep = async (node: Map<string, Arrival>) => {
            const asked = await request([...node.values()].map(one => accepted(one)))
            seen.push(...(await store.write('acceptArrivals', asked)).stored)
          }
          for (const step of [...steps, 'claim', 'steal', 'store'] as const) {
            const [first, second] = held as [Map<string, Arrival>, Map<string, Arrival>]
            const node = step === 'steal' ? second : first
            if (step === 'arrive') arrived.push(await arrive('acme'))
            else if (step === 'release') await store.write('releaseInbox', { rows: [...first.values()], afterMs: 0 })
            else if (step === 'store') await Promise.all(held.map(keep))
            else for (const one of (await claim({ claimMs: -1 })).arrivals) node.set(one.event, one)
          }
          expect(await store.read('peekInbox', {})).toBe(false)
          for (const event of arrived) expect(seen.filter(one => one === event)).toEqual([event])
        },
      ),
      { numRuns: 20 },
    )
    expect(new Set(seen).size).toBe(seen.length)
  })
})
