import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { ReplaySelection } from '../../src/base/replay.ts'
import type { NewEvent, PublishOnce, PublishResult } from '../../src/store/operations/events/publish-request.ts'
import { type KeptCall, scopeOf, unpackResponse } from '../../src/store/operations/idempotent-calls.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from './builders.ts'
import { endpointsOf } from './endpoints-of.ts'
import { engines, type Opened } from './engines.ts'
import { eventsOf } from './events-of.ts'
import { listDeliveries } from './list-deliveries.ts'

const NOW_MS = 1_000
const EXPIRES_MS = 9_000

const SELECTION: ReplaySelection = {
  endpoint: null,
  event: null,
  types: null,
  states: ['exhausted'],
  missing: false,
  fromMs: null,
  toMs: null,
}

const aCall = (key: string, over: Partial<KeptCall> = {}): KeptCall => ({
  scope: 'root/acme',
  key,
  hash: bytes(`hash of ${key}`),
  madeId: 'thing',
  madeMs: NOW_MS,
  expiresMs: EXPIRES_MS,
  status: 201,
  response: bytes('{}\n{"a":1}'),
  sealedUntilMs: null,
  ...over,
})

describe.each(engines())('calls with an Idempotency-Key on $name', engine => {
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

  const find = (key: string, nowMs = NOW_MS, scope = 'root/acme') => store.read('findCall', { scope, key, nowMs })
  const bodyOf = async (key: string) => {
    const found = await find(key)
    return found?.response == null ? null : JSON.parse(unpackResponse(Buffer.from(found.response).toString()).body)
  }
  const endpoints = () => endpointsOf(store, 'acme')
  const countEvents = async (tenant = 'acme') => (await eventsOf(store, tenant)).length
  const lane = () => store.readLane({ partition: 7, endpoint: endpoint.id, limit: 100, maxPayloadBytes: 1_000 })
  const deliveriesOf = async () => (await listDeliveries(store, 'acme')).length

  async function publishTo(count = 1): Promise<LaneItem[]> {
    await store.publish(
      await aRequest(
        store,
        'acme',
        Array.from({ length: count }, () => anEvent([endpoint])),
      ),
    )
    return lane()
  }
  async function setAside(item: LaneItem): Promise<void> {
    const { tenant, delivery } = item
    for (let n = 0; n < 4; n++) await store.write('beginTrial', { tenant, delivery, epoch: 0, mayBeLast: true })
  }

  const isMade = (result: unknown) => ![false, null, 'no_tenant', 'too_many', 'outdated'].includes(result as null)

  /** Everything that an operation can make, each time with a new id. `count` is how many there are. */
  const MAKING = {
    async createEndpoint() {
      return {
        make: (once: KeptCall) => store.write('createEndpoint', { endpoint: anEndpoint('acme'), once }),
        refused: (once: KeptCall) => store.write('createEndpoint', { endpoint: anEndpoint('nobody'), once }),
        count: async () => (await endpoints()).length,
      }
    },
    async updateEndpoint() {
      let readAtMs = 1
      const change = (once: KeptCall, at: number) => {
        const after = { ...endpoint, description: `at ${at}`, updatedAtMs: at + 1 }
        return store.write('updateEndpoint', { endpoint: after, readAtMs: at, once })
      }
      return {
        make: async (once: KeptCall) => {
          const result = await change(once, readAtMs)
          if (result === 'updated') readAtMs++
          return result
        },
        refused: (once: KeptCall) => change(once, 77),
        count: async () => (await store.read('getEndpoint', { tenant: 'acme', id: endpoint.id }))!.updatedAtMs,
      }
    },
    async createApiKey() {
      const create = (once: KeptCall, tenant: string) => {
        const times = { createdAtMs: 1, expiresAtMs: null, revokedAtMs: null }
        const key = {
          id: newId('key', 1),
          name: 'k',
          scope: 'all',
          tenant,
          payloads: true,
          rateLimit: null,
          ...times,
        } as const
        return store.write('createApiKey', { key, hash: bytes('h'), once })
      }
      return {
        make: (once: KeptCall) => create(once, 'acme'),
        refused: (once: KeptCall) => create(once, 'nobody'),
        count: async () => (await store.read('listApiKeys', { before: null, limit: 99 })).length,
      }
    },
    async recordKeyChange() {
      const change = { target: 'encryption_key', targetId: 'x', nowMs: NOW_MS } as const
      const all = { tenant: null, before: null, fromMs: null, toMs: null, limit: 99 }
      return {
        make: (once: KeptCall) => store.write('recordKeyChange', { ...change, once }),
        refused: null,
        count: async () => (await store.read('listAudit', all)).filter(({ action }) => action === 'replaced').length,
      }
    },
    async createDelivery() {
      const [item] = await publishTo()
      const create = (once: KeptCall, ifState: 'enabled' | 'disabled') => {
        const delivery = { id: newId('dlv', 9), endpoint: endpoint.id, partition: 7, replayOf: item!.delivery }
        const args = { tenant: 'acme', event: item!.event, type: 'T', test: false, delivery, nowMs: NOW_MS }
        return store.write('createDelivery', { ...args, ifState, once })
      }
      return {
        make: (once: KeptCall) => create(once, 'enabled'),
        refused: (once: KeptCall) => create(once, 'disabled'),
        count: deliveriesOf,
      }
    },
    async makeDueNow() {
      const [item] = await publishTo()
      let dueMs = 2_000
      const make = (once: KeptCall, id: string) =>
        store.write('makeDueNow', { tenant: 'acme', id, nowMs: ++dueMs, once })
      return {
        make: async (once: KeptCall) => {
          const result = await make(once, item!.delivery)
          if (result !== true) dueMs--
          return result
        },
        refused: (once: KeptCall) => make(once, newId('dlv', 1)),
        count: async () => (await lane())[0]!.dueAtMs,
      }
    },
    async releaseSetAside() {
      const items = await publishTo(3)
      for (const item of items) await setAside(item)
      const release = (once: KeptCall, ifState: 'enabled' | 'disabled', at: number) =>
        store.write('releaseSetAside', { tenant: 'acme', id: items[at]!.delivery, nowMs: 5, ifState, once })
      let at = 0
      return {
        make: async (once: KeptCall) => {
          const result = await release(once, 'enabled', at)
          if (result !== 'repeated') at++
          return result
        },
        refused: (once: KeptCall) => release(once, 'disabled', 2),
        count: async () => (await lane()).length,
      }
    },
    async createReplay() {
      const create = (once: KeptCall, tenant: string) => {
        const id = newId('rpl', NOW_MS)
        const replay = { id, key: id, tenant, batch: null, selection: SELECTION, deliveries: 0, createdAtMs: NOW_MS }
        const rest = { hash: bytes('h'), asOfMs: NOW_MS, parts: [], maxOpen: 99 }
        return store.write('createReplay', { ...replay, ...rest, once }).then(({ kind }) => kind)
      }
      return {
        make: (once: KeptCall) => create(once, 'acme'),
        refused: (once: KeptCall) => create(once, 'nobody'),
        count: async () =>
          (await store.read('listReplays', { tenant: 'acme', state: null, before: null, limit: 99 })).length,
      }
    },
    async createReplayBatch() {
      const create = (once: KeptCall, maxOpen: number) => {
        const id = newId('rpb', NOW_MS)
        const batch = { id, key: id, selection: SELECTION, hash: bytes('h'), asOfMs: NOW_MS, createdAtMs: NOW_MS }
        return store.write('createReplayBatch', { ...batch, maxOpen, once }).then(({ kind }) => kind)
      }
      return {
        make: (once: KeptCall) => create(once, 99),
        refused: (once: KeptCall) => create(once, 0),
        count: async () => (await store.read('listReplayBatches', { state: null, before: null, limit: 99 })).length,
      }
    },
  }

  it.each(Object.keys(MAKING) as (keyof typeof MAKING)[])('%s makes one thing for each call', async name => {
    const { make, refused, count } = await MAKING[name]()
    const before = await count()
    const call = aCall('k')
    expect(await find('k')).toBeNull()
    if (refused !== null) {
      expect(isMade(await refused(call))).toBe(false)
      expect([await count(), await find('k')]).toEqual([before, null])
    }
    expect(isMade(await make(call))).toBe(true)
    const { scope: _scope, key: _key, response, hash, ...rest } = call
    const kept = await find('k')
    expect(kept).toMatchObject(rest)
    expect([kept!.response, kept!.hash].map(each => Buffer.from(each!).toString())).toEqual([
      Buffer.from(response).toString(),
      Buffer.from(hash).toString(),
    ])
    const made = await count()
    expect(made).toBeGreaterThan(before)
    expect(await make(call)).toBe('repeated')
    expect(await make(aCall('k', { hash: bytes('another request') }))).toBe('repeated')
    expect(await count()).toBe(made)
    expect(isMade(await make(aCall('k', { scope: 'root/beta' })))).toBe(true)
    expect(await count()).toBeGreaterThan(made)
  })

  it('are kept with a response that was sealed or not, until they expire, and can then be made again', async () => {
    const sealed = aCall('k', { sealedUntilMs: 2_000, madeId: null })
    await store.write('createEndpoint', { endpoint: anEndpoint('acme'), once: sealed })
    expect(await find('k', EXPIRES_MS - 1)).toMatchObject({ sealedUntilMs: 2_000, madeId: null })
    expect(await find('k', EXPIRES_MS)).toBeNull()
    const later = aCall('k', { madeMs: EXPIRES_MS, expiresMs: EXPIRES_MS + 8_000, hash: bytes('other'), status: 202 })
    const again = { endpoint: anEndpoint('acme'), once: later }
    expect(await store.write('createEndpoint', again)).toBe('created')
    expect(await find('k', EXPIRES_MS)).toMatchObject({ status: 202, madeId: 'thing', sealedUntilMs: null })
    expect(await endpoints()).toHaveLength(3)
  })

  it('are confirmed by a commit, and recorded without making anything', async () => {
    const args = { scope: 'root/acme', key: 'k', nowMs: NOW_MS }
    expect(await store.write('confirmCall', args)).toBeNull()
    expect(await store.write('recordCall', { call: aCall('k') })).toBe(true)
    expect(await store.write('recordCall', { call: aCall('k') })).toBe(false)
    expect(await store.write('confirmCall', args)).toEqual(await find('k'))
    expect(await store.write('confirmCall', { ...args, nowMs: EXPIRES_MS })).toBeNull()
    expect(await store.write('createEndpoint', { endpoint: anEndpoint('acme'), once: aCall('k') })).toBe('repeated')
  })

  it('are removed once they have expired, and sealed responses before that', async () => {
    for (let n = 0; n < 5; n++) await store.write('recordCall', { call: aCall(`clear-${n}`) })
    for (let n = 0; n < 5; n++) {
      await store.write('recordCall', { call: aCall(`sealed-${n}`, { sealedUntilMs: 2_000, expiresMs: 5_000 }) })
    }
    const due = (nowMs: number) => store.read('findDueCalls', { nowMs })
    expect([await due(1_999), await due(2_000)]).toEqual([false, true])
    const seal = (nowMs: number) => store.write('dropSealedResponses', { nowMs, limit: 3 })
    expect([await seal(1_999), await seal(2_000), await seal(2_000), await seal(2_000)]).toEqual([0, 3, 2, 0])
    expect(await find('sealed-0')).toMatchObject({ response: null, sealedUntilMs: null, madeId: 'thing' })
    expect(await bodyOf('clear-0')).toEqual({ a: 1 })
    expect([await due(4_999), await due(5_000)]).toEqual([false, true])
    const drop = (nowMs: number) => store.write('dropExpiredCalls', { nowMs, limit: 4 })
    expect([await drop(5_000), await drop(5_000), await drop(5_000)]).toEqual([4, 1, 0])
    expect([await find('sealed-0'), (await find('clear-4'))!.madeId]).toEqual([null, 'thing'])
    expect([await drop(EXPIRES_MS), await drop(EXPIRES_MS), await due(EXPIRES_MS)]).toEqual([4, 1, false])
  })

  describe('publishing', () => {
    const once = (key: string, response: PublishOnce['response'] = 'event', over: Partial<KeptCall> = {}) => ({
      call: aCall(key, { status: 202, response: new Uint8Array(0), ...over }),
      response,
    })
    const request = async (events: readonly NewEvent[], call?: PublishOnce) => ({
      ...(await aRequest(store, 'acme', events)),
      ...(call && { once: call }),
    })
    const publish = async (events: readonly NewEvent[], call?: PublishOnce) =>
      store.publish(await request(events, call))
    /** Publishes in one commit. */
    async function together(...requests: readonly (readonly [NewEvent[], PublishOnce?])[]): Promise<PublishResult[]> {
      const ready = await Promise.all(requests.map(([events, call]) => request(events, call)))
      return Promise.all(ready.map(each => store.publish(each)))
    }
    const kinds = (results: readonly PublishResult[]) => results.map(({ kind }) => kind)
    const keyed = (key: string, over: Partial<NewEvent> = {}) => anEvent([], { key, hash: bytes(key), ...over })

    it('stores the response that the transaction knows', async () => {
      const single = anEvent([endpoint], { notSent: { type: 2 } })
      expect((await publish([single], once('single'))).kind).toBe('stored')
      expect(await bodyOf('single')).toEqual({ id: single.id, key: null, deliveries: 1, notSent: { type: 2 } })
      const [known, late] = [keyed('a'), anEvent([], { deliveries: null })]
      await publish([known])
      const again = keyed('a')
      expect((await publish([again, late, keyed('b')], once('batch', 'batch'))).kind).toBe('stored')
      const body = await bodyOf('batch')
      expect(body.data).toEqual([
        { id: known.id, key: 'a', deliveries: 0, notSent: {}, duplicate: true },
        { id: late.id, key: null, deliveries: null, notSent: null },
        { id: expect.stringMatching(/^evt_/), key: 'b', deliveries: 0, notSent: {} },
      ])
      const given = once('given', 'given', { response: bytes('{}\n{"test":true}') })
      await publish([anEvent([])], given)
      expect(await bodyOf('given')).toEqual({ test: true })
    })

    it('makes events once for each call, and a refusal is not kept', async () => {
      await publish([keyed('a')])
      const other = keyed('a', { hash: bytes('another payload') })
      expect((await publish([other], once('k'))).kind).toBe('conflict')
      const stale = { ...(await request([anEvent([])], once('k'))), tenantVersion: 99 }
      expect((await store.publish(stale)).kind).toBe('stale')
      expect(await find('k')).toBeNull()
      expect((await publish([anEvent([])], once('k'))).kind).toBe('stored')
      expect((await publish([anEvent([])], once('k'))).kind).toBe('repeated')
      expect((await store.publish({ ...stale })).kind).toBe('repeated')
      expect(await countEvents()).toBe(2)
    })

    it('fails no neighbours in the same commit', async () => {
      await publish([keyed('a')])
      const results = await together(
        [[anEvent([])], once('k')],
        [[anEvent([])]],
        [[anEvent([])], once('k')],
        [[keyed('a', { hash: bytes('another') })], once('refused')],
        [[keyed('b')], once('l')],
        [[keyed('b')], once('m')],
        [[keyed('b')], once('l')],
      )
      expect(kinds(results)).toEqual(['stored', 'stored', 'repeated', 'conflict', 'stored', 'stored', 'repeated'])
      expect(results[5]).toMatchObject({ events: [{ duplicate: true }] })
      expect(await bodyOf('m')).toMatchObject({ id: (await bodyOf('l')).id, duplicate: true })
      expect(await find('refused')).toBeNull()
      expect(await countEvents()).toBe(4)
    })

    it('a repeated call claims no event key, so that a later request can use it', async () => {
      await publish([anEvent([])], once('k'))
      const results = await together([[keyed('a', { hash: bytes('x') })], once('k')], [[keyed('a')]])
      expect(kinds(results)).toEqual(['repeated', 'stored'])
      expect(results[1]).toMatchObject({ events: [{ duplicate: false }] })
    })

    it('stays right when the requests of a commit are done again one by one', async () => {
      const there = anEvent([])
      await publish([there])
      const results = await Promise.allSettled(
        (
          await Promise.all([
            request([anEvent([])], once('k')),
            // Its id exists already, so it makes the commit fail.
            request([{ ...anEvent([]), id: there.id }], once('bad')),
            request([anEvent([])], once('k')),
            request([anEvent([])], once('l')),
            request([anEvent([])]),
          ])
        ).map(each => store.publish(each)),
      )
      expect(results.map(result => (result.status === 'fulfilled' ? result.value.kind : 'failed'))).toEqual([
        'stored',
        'failed',
        'repeated',
        'stored',
        'stored',
      ])
      expect([await find('bad'), await countEvents()]).toEqual([null, 4])
      expect((await publish([anEvent([])], once('bad'))).kind).toBe('stored')
    })

    it('whatever is published together, each call makes its events once and has one response', async () => {
      const requests = fc.array(
        fc.record({
          call: fc.option(fc.constantFrom('k', 'l', 'm')),
          keys: fc.array(fc.option(fc.constantFrom('a', 'b')), { minLength: 1, maxLength: 3 }),
          payload: fc.constantFrom('1', '2'),
        }),
        { minLength: 1, maxLength: 8 },
      )
      let run = 0
      const check = async (rounds: readonly (readonly Planned[])[]) => {
        const scope = `root/acme-${++run}`
        const tenant = `acme-${run}`
        await aTenant(store, tenant)
        const first = new Map<string, unknown>()
        let stored = 0
        for (const round of rounds) {
          const ready = await Promise.all(
            round.map(async ({ call, keys, payload }) => {
              const events = keys.map(key => (key === null ? anEvent([]) : keyed(key, { hash: bytes(payload) })))
              const own = call === null ? {} : { once: once(call, 'batch', { scope }) }
              return { ...(await aRequest(store, tenant, events)), ...own }
            }),
          )
          const results = await Promise.all(ready.map(each => store.publish(each)))
          for (const [at, result] of results.entries()) {
            const { call } = round[at]!
            if (result.kind === 'stored') {
              stored += result.events.filter(({ duplicate }) => !duplicate).length
              if (call === null) continue
              expect(first.has(call)).toBe(false)
              const found = await find(call, NOW_MS, scope)
              const { body } = unpackResponse(Buffer.from(found!.response!).toString())
              const ids = result.events.map(({ id }) => id)
              expect(JSON.parse(body).data.map(({ id }: { id: string }) => id)).toEqual(ids)
              first.set(call, body)
            } else if (result.kind === 'repeated') expect(first.has(call!)).toBe(true)
            else expect(result.kind).toBe('conflict')
          }
        }
        expect(await countEvents(tenant)).toBe(stored)
      }
      const numRuns = engine.name === 'sqlite' ? 60 : 15
      await fc.assert(fc.asyncProperty(fc.array(requests, { minLength: 1, maxLength: 3 }), check), { numRuns })
    })
  })

  it('of a tenant are forgotten once it is deleted, also if that was cut short before it is created again', async () => {
    for (const tenant of ['acme', 'beta']) await aTenant(store, tenant)
    const scopes = [scopeOf(null, 'acme'), scopeOf(null, 'beta'), scopeOf(null, undefined)]
    const fill = async () => {
      for (const scope of scopes)
        for (const key of ['a', 'b']) await store.write('recordCall', { call: aCall(key, { scope }) })
    }
    const left = async () => {
      const found = []
      for (const scope of scopes) for (const key of ['a', 'b']) found.push((await find(key, NOW_MS, scope)) !== null)
      return found
    }
    await fill()
    const forget = () => store.write('forgetCalls', { tenant: 'acme', limit: 1 })
    expect(await forget()).toBe(0)
    await store.write('deleteTenant', { id: 'acme', nowMs: 1 })
    expect([await forget(), await forget(), await forget()]).toEqual([1, 1, 0])
    expect(await left()).toEqual([false, false, true, true, true, true])
    await fill()
    await aTenant(store, 'acme')
    expect(await left()).toEqual([false, false, true, true, true, true])
  })

  it('of a tenant are erased with it, whichever API key made them, and those of others stay', async () => {
    const times = { createdAtMs: 1, expiresAtMs: null, revokedAtMs: null }
    const keys = [newId('key', 1), newId('key', 2), newId('key', 3)]
    for (const [at, tenant] of [null, 'acme', 'beta'].entries()) {
      if (tenant !== null) await aTenant(store, tenant)
      const key = { id: keys[at]!, name: 'k', scope: 'all', tenant, payloads: true, rateLimit: null, ...times } as const
      await store.write('createApiKey', { key, hash: bytes(`h${at}`) })
    }
    const scopes = [null, keys[0]!, keys[1]!].flatMap(key => [scopeOf(key, 'acme'), scopeOf(key, 'beta')])
    scopes.push(scopeOf(keys[2]!, 'beta'), scopeOf(null, undefined))
    for (const scope of scopes)
      for (const key of ['a', 'b']) await store.write('recordCall', { call: aCall(key, { scope }) })
    await store.write('eraseTenant', { id: 'acme', nowMs: 1, attemptMs: 0 })
    for (const isLast of [false, true]) {
      while ((await store.write('eraseSome', { tenant: 'acme', isLast, limit: 1 })) > 0);
    }
    const left: string[] = []
    for (const scope of scopes) if ((await find('a', NOW_MS, scope)) !== null) left.push(scope)
    expect(left).toEqual(scopes.filter(scope => !scope.endsWith('/acme')))
  })
})

type Planned = { readonly call: string | null; readonly keys: readonly (string | null)[]; readonly payload: string }
