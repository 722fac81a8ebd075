import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstIdAt, idBytes, newId } from '../../src/base/ids.ts'
import type { Endpoint, EndpointId, EndState, EventId } from '../../src/base/model.ts'
import { REPLAYABLE_STATES, type ReplaySelection } from '../../src/base/replay.ts'
import { cancelReplay } from '../../src/store/in-steps.ts'
import type { Replayed, ReplayPart } from '../../src/store/operations/replays/parts.ts'
import type { NewReplay } from '../../src/store/operations/replays/replays.ts'
import type { Replayable } from '../../src/store/operations/replays/scan.ts'
import { standingOf } from '../../src/store/operations/replays/standing.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const CLAIM = { limit: 64, claimMs: 60_000 }
/** When the attempts that the builders settle ended. */
const ENDED_MS = 20_000
const AS_OF_MS = 1_000_000

const select = (over: Partial<ReplaySelection> = {}): ReplaySelection => ({
  endpoint: null,
  event: null,
  types: null,
  states: ['exhausted'],
  missing: false,
  fromMs: null,
  toMs: null,
  ...over,
})

describe.each(engines())('replays on $name', engine => {
  let opened: Opened
  let store: Store
  let one: Endpoint
  let two: Endpoint

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    one = anEndpoint('acme')
    two = anEndpoint('acme', { partition: 8 })
    await aTenant(store, 'acme', [one, two])
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  /** Publishes events to endpoints. Their deliveries end in `state`; null leaves them pending. */
  async function publish(endpoints: readonly Endpoint[], state: 'delivered' | 'exhausted' | null, count = 1) {
    const events = Array.from({ length: count }, () => anEvent(endpoints))
    await store.publish(await aRequest(store, endpoints[0]?.tenant ?? 'acme', events))
    if (state !== null) for (const endpoint of endpoints) await settleAll(endpoint, state)
    return events.map(({ id }) => id)
  }

  const pendingAt = ({ partition, id: endpoint }: Endpoint) =>
    store.readLane({ partition, endpoint, limit: 100_000, maxPayloadBytes: 0 })

  async function settleAll(endpoint: Endpoint, kind: 'delivered' | 'exhausted') {
    const items = await pendingAt(endpoint)
    await Promise.all(items.map(item => store.settle(aSettlement(item, { kind }))))
  }

  async function scan(selection: ReplaySelection, endpoints: readonly Endpoint[], limit = 100, asOfMs = AS_OF_MS) {
    const found: Replayable[] = []
    let after: string | null = null
    const ids = endpoints.map(({ id }) => id)
    do {
      const args = { tenant: 'acme', selection, asOfMs, endpoints: ids, after, limit }
      const chunk: { found: readonly Replayable[]; after: string | null } = await store.read('scanReplay', args)
      found.push(...chunk.found)
      after = chunk.after
    } while (after !== null)
    return found
  }

  /** Ids contain the clock's time, so their bounds must come from the clock, too. */
  const now = () => Date.now() + 1_000

  async function create(over: Partial<NewReplay> = {}, selection = select()): Promise<NewReplay> {
    const id = newId('rpl', Date.now())
    const parts = [one, two].map(endpoint => ({ endpoint: endpoint.id, partition: endpoint.partition, wanted: 5 }))
    const replay: NewReplay = {
      id,
      key: id,
      tenant: 'acme',
      batch: null,
      selection,
      deliveries: 10,
      createdAtMs: 1_000,
      hash: bytes('h'),
      asOfMs: now(),
      parts,
      maxOpen: 10,
      ...over,
    }
    expect(await store.write('createReplay', replay)).toEqual({ kind: 'created' })
    return replay
  }

  const get = async ({ tenant, key }: Pick<NewReplay, 'tenant' | 'key'>) =>
    (await store.read('getReplay', { tenant, name: key }))!.replay
  const claim = () => store.write('claimReplayParts', CLAIM)
  const claimOf = async (endpoint: Endpoint) => (await claim()).find(part => part.endpoint === endpoint.id)!

  const replayed = (event: EventId, over: Partial<Replayed> = {}): Replayed => ({
    id: newId('dlv', Date.now()),
    event,
    type: 'T',
    test: false,
    replayOf: null,
    dueAtMs: 2_000,
    ...over,
  })

  const make = (part: ReplayPart, deliveries: readonly Replayed[], over = {}) => {
    const { tenant, replay, endpoint, partition, after } = part
    const of = { tenant, replay, endpoint, partition, before: after, tenantVersion: null, nowMs: 2_000 }
    return store.write('makeReplayed', { ...of, after: 'dlv_x', isLast: false, deliveries, skipped: 0, ...over })
  }

  describe('searching for what to replay', () => {
    it('finds deliveries that ended in the given states, once for each event and endpoint', async () => {
      const [failed] = await publish([one], 'exhausted')
      await publish([one, two], 'delivered')
      await publish([two], null)
      const found = await scan(select(), [one, two], 100, now())
      expect(found).toMatchObject([{ event: failed, endpoint: one.id, type: 'T', test: false, isOvertaken: false }])
      const { delivery } = { delivery: found[0]!.replayOf! }
      expect(await store.read('getDelivery', { tenant: 'acme', id: delivery })).toMatchObject({ state: 'exhausted' })
      expect(await scan(select({ states: ['delivered'] }), [one, two], 1, now())).toHaveLength(2)
      expect(await scan(select({ states: [...REPLAYABLE_STATES] }), [two], 1, now())).toHaveLength(1)
      expect(await scan(select(), [one], 100, ENDED_MS - 1)).toEqual([])
    })

    it('leaves out events that were retried manually and delivered, or are still pending', async () => {
      const [event] = await publish([one], 'exhausted')
      const [found] = await scan(select(), [one], 100, now())
      const delivery = { id: newId('dlv', Date.now()), endpoint: one.id, partition: 7, replayOf: found!.replayOf! }
      const again = { tenant: 'acme', event: event!, type: 'T', test: false, delivery, nowMs: 3_000 }
      await store.write('createDelivery', again)
      expect(await scan(select(), [one], 100, now())).toEqual([])
      await settleAll(one, 'delivered')
      expect(await scan(select(), [one], 100, now())).toEqual([])
      expect(await scan(select({ states: ['delivered'] }), [one], 100, now())).toMatchObject([
        { replayOf: delivery.id },
      ])
    })

    it('leaves out tests, unless the event is named', async () => {
      const event = anEvent([one], { test: true })
      await store.publish(await aRequest(store, 'acme', [event]))
      await settleAll(one, 'exhausted')
      for (const missing of [false, true]) {
        expect(await scan(select({ missing }), [one, two], 100, now())).toEqual([])
        const found = await scan(select({ missing, event: event.id }), [one], 100, now())
        expect(found).toMatchObject([{ event: event.id, test: true }])
      }
    })

    it('finds events that an endpoint never got, but none that were rejected or are still in the inbox', async () => {
      const [event] = await publish([one], 'delivered')
      const later = anEvent([], { deliveries: null })
      await store.publish(await aRequest(store, 'acme', [later]))
      const rejected = newId('evt', Date.now())
      await opened.run(
        `insert into event (tenant, id, type, payload, test, deliveries, rejected, created_ms)
         values ($1, $2, $3, $4, 0, 0, '[]', 5)`,
        ['acme', idBytes(rejected), 'T', bytes('{}')],
      )
      const missing = select({ states: [], missing: true })
      expect(await scan(missing, [one, two], 100, now())).toMatchObject([{ event, endpoint: two.id, replayOf: null }])
    })

    it('finds what the rules say, in steps of any size and along either way', async () => {
      const types = ['A', 'B', 'C']
      const third = anEndpoint('acme', { partition: 9 })
      await store.write('createEndpoint', { endpoint: third })
      const endpoints = [one, two, third]
      const state = fc.constantFrom('pending', 'held', ...REPLAYABLE_STATES)
      const delivery = fc.record({ endpoint: fc.nat(2), state, createdMs: fc.nat(200), endedMs: fc.nat(200) })
      const event = fc.record({ type: fc.constantFrom(...types), deliveries: fc.array(delivery, { maxLength: 5 }) })
      const history = fc.record({
        events: fc.array(event, { maxLength: 12 }),
        selection: fc.record({
          states: fc.uniqueArray(fc.constantFrom(...REPLAYABLE_STATES), { maxLength: 3 }),
          types: fc.option(fc.uniqueArray(fc.constantFrom(...types), { minLength: 1 })),
          missing: fc.boolean(),
          event: fc.option(fc.nat(11)),
          from: fc.option(fc.nat(12)),
          to: fc.option(fc.nat(12)),
        }),
        considered: fc.subarray(endpoints, { minLength: 1 }),
        limit: fc.integer({ min: 1, max: 40 }),
      })
      let baseMs = Date.now() - 3_600_000
      await fc.assert(
        fc.asyncProperty(history, async ({ events, selection: wanted, considered, limit }) => {
          // Each run has its own period, so that nothing from earlier runs is found.
          baseMs += 1_000
          const ids = events.map((_, index) => firstIdAt('evt', baseMs + index).replace(/.{6}$/, 'abcdef'))
          const rows = await fill(events, ids, endpoints, baseMs)
          const { from, to } = wanted
          const selection = select({
            states: wanted.states,
            types: wanted.types,
            missing: wanted.missing,
            event: wanted.event === null ? null : (ids[wanted.event] ?? null),
            fromMs: baseMs + (from ?? 0),
            toMs: baseMs + (to ?? 12),
          })
          const asOfMs = baseMs + 150
          const found = await scan(selection, considered, limit, asOfMs)
          const expected = oracle(events, ids, rows, selection, considered, asOfMs)
          const plain = found.map(({ event, endpoint, replayOf, isOvertaken }) => ({
            event,
            endpoint,
            replayOf,
            isOvertaken,
          }))
          const order = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
          expect(plain.sort(order)).toEqual(expected.sort(order))
        }),
        { numRuns: 60 },
      )
    }, 120_000)

    type Drawn = { endpoint: number; state: string; createdMs: number; endedMs: number }
    type DrawnEvent = { type: string; deliveries: readonly Drawn[] }
    type Stored = Drawn & { event: EventId; endpointId: EndpointId; id: string }

    async function fill(
      events: readonly DrawnEvent[],
      ids: readonly EventId[],
      endpoints: readonly Endpoint[],
      baseMs: number,
    ): Promise<Stored[]> {
      const stored = events.flatMap(({ deliveries }, index) =>
        deliveries.map((drawn, number): Stored => {
          const createdMs = baseMs + drawn.createdMs
          const id = firstIdAt('dlv', createdMs).replace(/.{6}$/, `ab${'cdefg'[number]}${index.toString(16)}00`)
          return { ...drawn, createdMs, event: ids[index]!, endpointId: endpoints[drawn.endpoint]!.id, id }
        }),
      )
      const typeOf = (event: EventId) => events[ids.indexOf(event)]!.type
      await insert(
        'event (tenant, id, type, payload, test, deliveries, created_ms)',
        events.map(({ type }, index) => ['acme', idBytes(ids[index]!), type, bytes('{}'), 0, 1, 1]),
      )
      const values = (row: Stored) => [
        'acme',
        idBytes(row.id),
        idBytes(row.endpointId),
        idBytes(row.event),
        typeOf(row.event),
        row.state,
        row.createdMs,
        1,
        0,
      ]
      const columns = 'tenant, id, endpoint, event, type, state, created_ms, attempts, test'
      const [live, ended] = [stored.filter(isLive), stored.filter(row => !isLive(row))]
      await insert(
        `live_delivery (${columns}, partition, due_ms)`,
        live.map(row => [...values(row), 7, 1]),
      )
      await insert(
        `delivery (${columns}, ended_ms)`,
        ended.map(row => [...values(row), row.createdMs + row.endedMs]),
      )
      return stored
    }

    const isLive = ({ state }: Drawn) => state === 'pending' || state === 'held'

    async function insert(into: string, rows: readonly (readonly (string | number | Uint8Array)[])[]) {
      if (rows.length === 0) return
      let at = 0
      const values = rows.map(row => `(${row.map(() => `$${++at}`).join(', ')})`).join(', ')
      await opened.run(`insert into ${into} values ${values}`, rows.flat())
    }

    /** Derives the result from the rules alone, looking at everything. */
    function oracle(
      events: readonly DrawnEvent[],
      ids: readonly EventId[],
      rows: readonly Stored[],
      { states, types, missing, event, fromMs, toMs }: ReplaySelection,
      considered: readonly Endpoint[],
      asOfMs: number,
    ) {
      return events.flatMap(({ type }, index) =>
        considered.flatMap(endpoint => {
          const id = ids[index]!
          const isAsked = (event === null || event === id) && (types === null || types.includes(type))
          if (!isAsked || id < firstIdAt('evt', fromMs!) || id >= firstIdAt('evt', toMs!)) return []
          const own = rows.filter(row => row.event === id && row.endpointId === endpoint.id)
          const standing = standingOf(
            own.map(({ id: sibling, state, createdMs, endedMs }) => ({
              id: sibling,
              state: state as EndState,
              createdAtMs: createdMs,
              endedAtMs: isLive({ state } as Drawn) ? null : createdMs + endedMs,
            })),
            asOfMs,
          )
          if (standing.kind === 'live' || (standing.kind === 'none' && !missing)) return []
          if (standing.kind === 'ended' && !states.includes(standing.state)) return []
          const replayOf = standing.kind === 'ended' ? standing.latest : null
          return [{ event: id, endpoint: endpoint.id, replayOf, isOvertaken: standing.isOvertaken }]
        }),
      )
    }
  })

  describe('a replay', () => {
    it('exists once for each key, and replays are listed newest first', async () => {
      const first = await create({ key: 'a/b ü' })
      const again = await store.write('createReplay', { ...first, id: newId('rpl', Date.now()), hash: bytes('other') })
      expect(again).toMatchObject({ kind: 'known', id: first.id })
      expect(Buffer.compare((again as { hash: Uint8Array }).hash, bytes('h'))).toBe(0)
      const second = await create()
      const list = (over = {}) =>
        store.read('listReplays', { tenant: 'acme', state: null, before: null, limit: 10, ...over })
      expect((await list()).map(({ id }) => id)).toEqual([second.id, first.id])
      expect(await list({ before: second.id, limit: 1 })).toMatchObject([{ id: first.id, deliveries: 10, made: 0 }])
      expect(await list({ state: 'paused' })).toEqual([])
      expect(await list({ tenant: 'beta' })).toEqual([])
    })

    it("is not created for an unknown tenant, or beyond the tenant's limit of open replays", async () => {
      const id = newId('rpl', Date.now())
      const replay = { ...(await create()), id, key: id }
      expect(await store.write('createReplay', { ...replay, maxOpen: 1 })).toEqual({ kind: 'too_many' })
      expect(await store.write('createReplay', { ...replay, tenant: 'unknown' })).toEqual({ kind: 'no_tenant' })
    })

    it('with nothing to create is done immediately', async () => {
      expect(await get(await create({ parts: [], deliveries: 0 }))).toMatchObject({
        state: 'done',
        deliveries: 0,
        endedAtMs: 1_000,
      })
    })

    it('is worked on by one node at a time: a claimed part is left alone until it is released', async () => {
      expect(await store.read('peekReplayParts', {})).toBe(false)
      await create()
      expect(await store.read('peekReplayParts', {})).toBe(true)
      const parts = await claim()
      expect(parts.map(({ endpoint }) => endpoint).sort()).toEqual([one.id, two.id].sort())
      expect(parts[0]).toMatchObject({ tenant: 'acme', selection: select(), after: null })
      expect(await store.read('peekReplayParts', {})).toBe(false)
      expect(await claim()).toEqual([])
      await store.write('releaseReplayParts', { parts, claimMs: CLAIM.claimMs })
      expect(await claim()).toHaveLength(2)
    })
  })

  describe('creating the deliveries of a replay', () => {
    it("stores them together with the part's progress, with the right due times, and counts them", async () => {
      const [event, other] = await publish([one], 'exhausted', 2)
      const found = await scan(select(), [one], 100, now())
      const replay = await create()
      const part = await claimOf(one)
      const first = replayed(event!, { replayOf: found[0]!.replayOf })
      expect(await make(part, [first, replayed(other!, { dueAtMs: 2_050 })], { skipped: 1 })).toEqual({
        kind: 'made',
        isHeld: false,
        deliveries: [first.id, expect.any(String)],
      })
      expect(await store.read('getDelivery', { tenant: 'acme', id: first.id })).toMatchObject({
        state: 'pending',
        event,
        replayOf: found[0]!.replayOf,
        createdAtMs: 2_000,
        dueAtMs: 2_000,
        attempts: 0,
      })
      expect((await pendingAt(one)).map(({ dueAtMs }) => dueAtMs)).toEqual([2_000, 2_050])
      expect(await get(replay)).toMatchObject({ state: 'running', made: 2, skipped: 1, live: 2 })
      await settleAll(one, 'delivered')
      expect(await get(replay)).toMatchObject({ made: 2, live: 0 })
    })

    it('skips an event whose payload was removed by retention: nothing is sent without one', async () => {
      const [event, other] = await publish([one], 'exhausted', 2)
      const removed = { tenant: 'acme', events: [event!], beforeMs: now(), kept: [], mark: null }
      await store.write('removePayloads', removed)
      const replay = await create()
      const made = await make(await claimOf(one), [replayed(event!), replayed(other!)])
      expect(made).toMatchObject({ kind: 'made', deliveries: [expect.any(String)] })
      expect((await pendingAt(one)).map(item => item.event)).toEqual([other])
      expect(await get(replay)).toMatchObject({ made: 1, skipped: 1 })
    })

    it('happens once for each position of a part, even if two nodes try at the same time', async () => {
      const [event] = await publish([one], 'exhausted')
      const replay = await create()
      const part = await claimOf(one)
      const results = await Promise.all([make(part, [replayed(event!)]), make(part, [replayed(event!)])])
      expect(results.map(({ kind }) => kind).sort()).toEqual(['gone', 'made'])
      expect(await pendingAt(one)).toHaveLength(1)
      expect(await get(replay)).toMatchObject({ made: 1 })
      expect(await make({ ...part, after: 'dlv_x' }, [replayed(event!)], { after: 'dlv_y' })).toMatchObject({
        kind: 'made',
      })
    })

    it('ends a part with its last delivery, and the replay with its last part, and records the total', async () => {
      const [event] = await publish([one, two], 'exhausted')
      const replay = await create()
      const [first, second] = await claim()
      await make(first!, [replayed(event!)], { isLast: true })
      expect(await get(replay)).toMatchObject({ state: 'running', deliveries: 10, endedAtMs: null })
      await make(second!, [], { isLast: true, skipped: 2 })
      expect(await get(replay)).toMatchObject({ state: 'done', deliveries: 3, made: 1, skipped: 2, endedAtMs: 2_000 })
      expect(await make(second!, [replayed(event!)])).toEqual({ kind: 'gone' })
    })

    it("holds them at a disabled endpoint, and puts them at the end of an ordered endpoint's queue", async () => {
      const ordered = anEndpoint('acme', { ordered: true })
      await store.write('createEndpoint', { endpoint: ordered })
      const [event] = await publish([one, ordered], 'exhausted')
      await publish([ordered], null)
      const state = { tenant: 'acme', id: one.id, state: 'disabled', reason: 'manual', nowMs: 5 } as const
      await store.write('setEndpointState', state)
      const parts = [one, ordered].map(({ id, partition }) => ({ endpoint: id, partition, wanted: 1 }))
      const replay = await create({ parts })
      for (const part of await claim()) {
        const isHeld = part.endpoint === one.id
        expect(await make(part, [replayed(event!, { dueAtMs: 2_099 })])).toMatchObject({ isHeld })
      }
      expect(await pendingAt(one)).toEqual([])
      expect(await get(replay)).toMatchObject({ made: 2, live: 2 })
      const query = { partition: 7, endpoint: ordered.id, limit: 10, maxPayloadBytes: 0, isNumbered: true }
      const { items } = await store.readOrderedLane(query)
      // The event that was published before comes first, whenever the other falls due.
      expect(items.map(item => item.event === event)).toEqual([false, true])
    })

    it("skips events that are no longer kept, and the rest of a deleted endpoint's part", async () => {
      const [event] = await publish([one], 'exhausted')
      const replay = await create()
      const [first, second] = await claim()
      const unknown = replayed(newId('evt', Date.now()))
      const made = await make(first!, [unknown, replayed(event!)])
      expect(made).toMatchObject({ kind: 'made', deliveries: [expect.any(String)] })
      expect(await get(replay)).toMatchObject({ made: 1, skipped: 1 })
      await store.write('deleteEndpoint', { tenant: 'acme', id: second!.endpoint, nowMs: 3_000 })
      expect(await make(second!, [replayed(event!)])).toEqual({ kind: 'endpoint_gone' })
      expect(await get(replay)).toMatchObject({ made: 1, skipped: 6, state: 'running' })
    })

    it('is refused if the configuration that was matched has changed', async () => {
      const [event] = await publish([one], 'exhausted')
      await create()
      const part = await claimOf(one)
      const { version } = (await store.read('readTenantConfiguration', { tenant: 'acme' }))!
      expect(await make(part, [replayed(event!)], { tenantVersion: version - 1 })).toEqual({ kind: 'stale' })
      expect(await make(part, [replayed(event!)], { tenantVersion: version })).toMatchObject({ kind: 'made' })
    })

    it('reports how many were not attempted yet, and whether one of the newest has failed', async () => {
      const [event, other] = await publish([one], 'exhausted', 2)
      const narrow = { ...one, rateLimit: { requests: 1, perSeconds: 1 }, updatedAtMs: 2 }
      await create()
      const part = await claimOf(one)
      const [first, second] = [replayed(event!), replayed(other!)]
      await make(part, [first])
      await make({ ...part, after: 'dlv_x' }, [second])
      const look = async (since: string | null) =>
        (await store.read('lookAtReplayParts', { parts: [{ ...part, since }] }))[0]
      expect(await look(first.id)).toEqual({ untried: 2, isFailing: false, isNarrow: false })
      const [item] = await pendingAt(one)
      await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 9_000 }))
      expect(item!.delivery).toBe(first.id)
      expect(await look(first.id)).toMatchObject({ untried: 1, isFailing: true })
      expect(await look(second.id)).toMatchObject({ untried: 1, isFailing: false })
      await store.write('updateEndpoint', { endpoint: narrow, readAtMs: 1 })
      expect(await look(null)).toEqual({ untried: 1, isFailing: false, isNarrow: true })
      await store.write('deleteEndpoint', { tenant: 'acme', id: one.id, nowMs: 3_000 })
      expect(await look(null)).toBeUndefined()
    })
  })

  describe('pausing and cancelling', () => {
    const move = (replay: NewReplay, to: 'running' | 'paused' | 'cancelled') =>
      store.write('setReplayState', { tenant: 'acme', name: replay.key, to, nowMs: 9_000 })

    it('creates nothing more once paused, not even for claimed parts, and resumes where it stopped', async () => {
      const [event, other] = await publish([one], 'exhausted', 2)
      const replay = await create()
      const parts = await claim()
      const part = parts.find(({ endpoint }) => endpoint === one.id)!
      await make(part, [replayed(event!)])
      expect(await move(replay, 'paused')).toMatchObject({ isAllowed: true, state: 'paused' })
      expect(await get(replay)).toMatchObject({ state: 'paused', made: 1 })
      expect(await make({ ...part, after: 'dlv_x' }, [replayed(other!)])).toEqual({ kind: 'gone' })
      await store.write('releaseReplayParts', { parts, claimMs: CLAIM.claimMs })
      expect(await store.read('peekReplayParts', {})).toBe(false)
      expect(await claim()).toEqual([])
      expect(await move(replay, 'paused')).toMatchObject({ isAllowed: true })
      await move(replay, 'running')
      const again = await claimOf(one)
      expect(again.after).toBe('dlv_x')
      expect(await make(again, [replayed(other!)])).toMatchObject({ kind: 'made' })
    })

    it("cancels a cancelled replay's pending and held deliveries some at a time, and then ends it", async () => {
      const events = await publish([one, two], 'exhausted', 3)
      const replay = await create()
      await publish([one], null)
      const [first, second] = await claim()
      const deliveries = events.map(event => replayed(event))
      await make(first!, deliveries)
      await make(second!, [replayed(events[0]!)])
      await move(replay, 'cancelled')
      expect(await make({ ...first!, after: 'dlv_x' }, [replayed(events[0]!)])).toEqual({ kind: 'gone' })
      expect(await get(replay)).toMatchObject({ state: 'cancelled', endedAtMs: null, live: 4 })
      expect(await store.read('findUncancelledReplays', {})).toEqual([{ tenant: 'acme', replay: replay.id }])
      const cancel = () => store.write('cancelReplayed', { tenant: 'acme', replay: replay.id, limit: 3, nowMs: 7_000 })
      expect(await cancel()).toMatchObject({ isEnded: false, lanes: expect.arrayContaining([expect.anything()]) })
      await cancel()
      expect(await cancel()).toEqual({ lanes: [], isEnded: true })
      expect(await get(replay)).toMatchObject({ state: 'cancelled', endedAtMs: 7_000, live: 0, made: 4 })
      expect(await store.read('findUncancelledReplays', {})).toEqual([])
      const [, ended] = await Promise.all([
        pendingAt(one).then(items => expect(items).toHaveLength(1)),
        store.read('getDelivery', { tenant: 'acme', id: deliveries[0]!.id }),
      ])
      expect(ended).toMatchObject({ state: 'cancelled', endedAtMs: 7_000 })
      expect(await move(replay, 'running')).toMatchObject({ isAllowed: false })
      expect(await move(replay, 'cancelled')).toMatchObject({ isAllowed: true })
    })

    it('does not change a replay that is done, except to cancel its live deliveries', async () => {
      const [event] = await publish([one], 'exhausted')
      const replay = await create({ parts: [{ endpoint: one.id, partition: 7, wanted: 1 }] })
      await make(await claimOf(one), [replayed(event!)], { isLast: true })
      for (const to of ['paused', 'running'] as const) {
        expect(await move(replay, to)).toMatchObject({ isAllowed: false, state: 'done' })
      }
      expect(await move(replay, 'cancelled')).toMatchObject({ isAllowed: true })
      const done = await create({ parts: [] })
      expect(await move(done, 'cancelled')).toMatchObject({ isAllowed: false })
      expect(
        await store.write('setReplayState', { tenant: 'acme', name: 'none', to: 'paused', nowMs: 9_000 }),
      ).toBeNull()
    })

    it('cancels a replay when its tenant is deleted', async () => {
      const replay = await create()
      const [part] = await claim()
      await store.write('deleteTenant', { id: 'acme', nowMs: 8_000 })
      expect(await get(replay)).toMatchObject({ state: 'cancelled' })
      expect(await make(part!, [])).toEqual({ kind: 'gone' })
      expect(await store.read('findUncancelledReplays', {})).toEqual([{ tenant: 'acme', replay: replay.id }])
      await cancelReplay(store, { tenant: 'acme', replay: replay.id })
      expect((await get(replay)).endedAtMs).not.toBeNull()
      expect(await store.write('dropReplayParts', { tenant: 'acme', replay: replay.id })).toBe(0)
    })

    it('removes a replay some time after its end', async () => {
      const [old, open] = [await create({ parts: [] }), await create()]
      const drop = (endedBeforeMs: number) => store.write('dropReplays', { endedBeforeMs, limit: 10 })
      expect(await drop(1_000)).toBe(0)
      expect(await drop(1_001)).toBe(1)
      expect(await store.read('getReplay', { tenant: 'acme', name: old.key })).toBeNull()
      expect((await get(open)).state).toBe('running')
    })
  })
})
