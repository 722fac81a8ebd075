import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstIdAt, idBytes, newId } from '../../src/base/ids.ts'
import type { Endpoint, TenantId } from '../../src/base/model.ts'
import type { ReplaySelection } from '../../src/base/replay.ts'
import type { NewReplayBatch } from '../../src/store/operations/replays/batches.ts'
import type { ReplayPart } from '../../src/store/operations/replays/parts.ts'
import type { NewReplay } from '../../src/store/operations/replays/replays.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const CLAIM = { limit: 64, claimMs: 0 }
const SELECTION: ReplaySelection = {
  endpoint: null,
  event: null,
  types: ['T'],
  states: ['exhausted'],
  missing: false,
  fromMs: 0,
  toMs: 9_000,
}

describe.each(engines())('replays across tenants on $name', engine => {
  let opened: Opened
  let store: Store
  const endpoints: Record<TenantId, Endpoint> = {}

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    for (const tenant of ['acme', 'beta']) {
      endpoints[tenant] = anEndpoint(tenant)
      await aTenant(store, tenant, [endpoints[tenant]])
    }
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  async function create(over: Partial<NewReplayBatch> = {}): Promise<NewReplayBatch> {
    const id = newId('rpb', Date.now())
    const batch: NewReplayBatch = {
      id,
      key: id,
      selection: SELECTION,
      hash: bytes('h'),
      asOfMs: Date.now(),
      createdAtMs: 1_000,
      maxOpen: 10,
      ...over,
    }
    expect(await store.write('createReplayBatch', batch)).toEqual({ kind: 'created' })
    return batch
  }

  const replayIn = (
    tenant: TenantId,
    { id, hash, asOfMs }: NewReplayBatch,
    over: Partial<NewReplay> = {},
  ): NewReplay => ({
    id: newId('rpl', Date.now()),
    key: id,
    batch: id,
    tenant,
    selection: SELECTION,
    hash,
    asOfMs,
    deliveries: 5,
    createdAtMs: 2_000,
    parts: [{ endpoint: endpoints[tenant]!.id, partition: 7, wanted: 5 }],
    maxOpen: Number.POSITIVE_INFINITY,
    ...over,
  })

  const advance = (batch: NewReplayBatch, before: string | null, after: string | null, replays: NewReplay[] = []) =>
    store.write('advanceReplayBatch', { batch: batch.id, before, after, replays })
  const get = async ({ id }: Pick<NewReplayBatch, 'id'>) => (await store.read('getReplayBatch', { name: id }))!.batch
  const open = async ({ id }: Pick<NewReplayBatch, 'id'>) =>
    (await store.read('findOpenReplayBatches', {})).find(batch => batch.id === id)
  const move = (batch: NewReplayBatch, to: 'running' | 'paused' | 'cancelled') =>
    store.write('setReplayBatchState', { name: batch.id, to, nowMs: 9_000 })
  const replayOf = async (tenant: TenantId, batch: NewReplayBatch) =>
    (await store.read('getReplay', { tenant, name: batch.id }))!.replay
  const end = (batch: NewReplayBatch) => store.write('endReplayBatch', { batch: batch.id, nowMs: 7_000 })
  const claim = () => store.write('claimReplayParts', CLAIM)

  async function make(part: ReplayPart, isLast = false) {
    const event = anEvent([])
    await store.publish(await aRequest(store, part.tenant, [event]))
    const id = newId('dlv', Date.now())
    const deliveries = [{ id, event: event.id, type: 'T', test: false, replayOf: null, dueAtMs: 2_000 }]
    const { tenant, replay, endpoint, partition, after } = part
    const of = { tenant, replay, endpoint, partition, before: after, after: id, tenantVersion: null, nowMs: 2_000 }
    return store.write('makeReplayed', { ...of, isLast, deliveries, skipped: 0 })
  }

  it('lists the replays of all tenants, of one, of one batch and by state, in both directions', async () => {
    const batch = await create()
    const [ofAcme, ofBeta] = [replayIn('acme', batch), replayIn('beta', batch)]
    await advance(batch, null, 'beta', [ofAcme, ofBeta])
    const own = { ...replayIn('acme', batch), id: newId('rpl', Date.now()), batch: null, key: 'own' }
    expect(await store.write('createReplay', own)).toEqual({ kind: 'created' })
    const ANY = { tenant: null, batch: null, state: null, before: null, limit: 9 } as const
    const ids = async (over: object = {}) =>
      (await store.read('listAllReplays', { ...ANY, ...over })).map(({ id }) => id)
    const all = [own.id, ofBeta.id, ofAcme.id].sort().reverse()
    expect(await ids()).toEqual(all)
    expect(await ids({ limit: 1 })).toEqual(all.slice(0, 1))
    expect(await ids({ before: all[0] })).toEqual(all.slice(1))
    expect(
      await store.read('listAllReplays', { tenant: null, batch: null, state: null, after: all[2]!, limit: 1 }),
    ).toMatchObject([{ id: all[1] }])
    expect(await ids({ tenant: 'beta' })).toEqual([ofBeta.id])
    expect(await ids({ batch: batch.id })).toEqual(all.filter(id => id !== own.id))
    await store.write('setReplayBatchState', { name: batch.id, to: 'paused', nowMs: 9_000 })
    expect(await ids({ state: 'paused' })).toEqual(all.filter(id => id !== own.id))
    expect(await ids({ state: 'running', tenant: 'acme' })).toEqual([own.id])
  })

  it('exist once for each key, are found by id and key, and are listed newest first', async () => {
    const first = await create({ key: 'a/b ü' })
    const again = await store.write('createReplayBatch', { ...first, id: newId('rpb', Date.now()), hash: bytes('x') })
    expect(again).toMatchObject({ kind: 'known', id: first.id })
    const second = await create()
    const named = await store.read('getReplayBatch', { name: 'a/b ü' })
    expect(named!.batch).toEqual(await get(first))
    expect(await get(second)).toEqual({
      id: second.id,
      key: null,
      selection: SELECTION,
      state: 'running',
      isSearching: true,
      replays: 0,
      deliveries: 0,
      made: 0,
      skipped: 0,
      live: 0,
      createdAtMs: 1_000,
      endedAtMs: null,
    })
    const list = async (over = {}) =>
      (await store.read('listReplayBatches', { state: null, before: null, limit: 10, ...over })).map(({ id }) => id)
    expect(await list()).toEqual([second.id, first.id])
    expect(await list({ before: second.id, limit: 1 })).toEqual([first.id])
    expect(await list({ state: 'paused' })).toEqual([])
    expect(await store.write('createReplayBatch', { ...first, key: 'c', maxOpen: 2 })).toEqual({ kind: 'too_many' })
    expect(await store.read('getReplayBatch', { name: 'nothing' })).toBeNull()
  })

  it('find every tenant with events of the period once, in slices of any size', async () => {
    const baseMs = Date.now() - 1_000_000
    const tenant = fc.record({ offsets: fc.array(fc.nat(30), { maxLength: 3 }), isDeleted: fc.boolean() })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(tenant, { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), async (drawn, limit) => {
        run++
        const names = drawn.map((_, index) => `t${run}-${index}`)
        for (const [index, { offsets, isDeleted }] of drawn.entries()) {
          await opened.run(
            `insert into tenant (id, metadata, version, created_ms, deleted_ms) values ($1, '{}', 1, 1, $2)`,
            [names[index]!, isDeleted ? 5 : null],
          )
          for (const offset of new Set(offsets)) {
            const id = firstIdAt('evt', baseMs + offset)
            await opened.run(
              `insert into event (tenant, id, type, payload, test, deliveries, created_ms) values ($1, $2, 'T', $3, 0, 1, 1)`,
              [names[index]!, idBytes(id), bytes('{}')],
            )
          }
        }
        const found: TenantId[] = []
        let after: TenantId | null = null
        do {
          const args = { after, fromMs: baseMs + 10, toMs: baseMs + 20, limit }
          const slice: { tenants: readonly TenantId[]; after: TenantId | null } = await store.read(
            'findReplayTenants',
            args,
          )
          found.push(...slice.tenants)
          after = slice.after
        } while (after !== null)
        const isIn = (offset: number) => offset >= 10 && offset < 20
        const expected = names.filter((_, index) => !drawn[index]!.isDeleted && drawn[index]!.offsets.some(isIn))
        expect(found.filter(name => name.startsWith(`t${run}-`))).toEqual(expected.sort())
        expect(new Set(found).size).toBe(found.length)
      }),
      { numRuns: 15 },
    )
  }, 120_000)

  it('create the replays of a step with its progress, or nothing', async () => {
    const batch = await create()
    expect(await advance(batch, null, 'acme', [replayIn('acme', batch)])).toHaveLength(1)
    expect(await open(batch)).toMatchObject({ afterTenant: 'acme', isSearching: true })
    // A node that was slower, and started where this one did.
    expect(await advance(batch, null, 'beta', [replayIn('beta', batch)])).toBeNull()
    expect(await store.read('getReplay', { tenant: 'beta', name: batch.id })).toBeNull()
    // After the search has started over, what exists is not created again.
    await opened.run('update replay_batch set after_tenant = null')
    const both = [replayIn('acme', batch), replayIn('beta', batch)]
    expect(await advance(batch, null, null, both)).toEqual([both[1]!.id])
    expect(await open(batch)).toMatchObject({ isSearching: false })
    expect(await get(batch)).toMatchObject({ isSearching: false, replays: 2, deliveries: 10 })
    expect(await replayOf('beta', batch)).toMatchObject({ key: null, batch: batch.id, state: 'running' })
    expect(await advance(batch, null, 'acme')).toBeNull()
  })

  it('sum up what their replays have come to, and end with the last of them', async () => {
    const batch = await create()
    await advance(batch, null, null, [replayIn('acme', batch), replayIn('beta', batch, { deliveries: null })])
    const parts = await claim()
    expect(await make(parts[0]!)).toMatchObject({ kind: 'made' })
    expect(await get(batch)).toMatchObject({ deliveries: null, made: 1, skipped: 0, live: 1 })
    expect(await end(batch)).toBe(false)
    for (const part of await claim()) await make(part, true)
    expect(await get(batch)).toMatchObject({ deliveries: 3, made: 3, live: 3, endedAtMs: null })
    expect(await end(batch)).toBe(true)
    expect(await get(batch)).toMatchObject({ state: 'done', endedAtMs: 7_000 })
    expect([await end(batch), await open(batch)]).toEqual([false, undefined])
  })

  it('do not end before all tenants were looked at', async () => {
    const batch = await create()
    await advance(batch, null, 'acme', [replayIn('acme', batch, { parts: [] })])
    expect(await end(batch)).toBe(false)
    await advance(batch, 'acme', null)
    expect(await end(batch)).toBe(true)
  })

  it('create nothing in any tenant while paused, not even for claimed parts, and continue afterwards', async () => {
    const batch = await create()
    await advance(batch, null, 'acme', [replayIn('acme', batch)])
    const [part] = await claim()
    expect(await move(batch, 'paused')).toMatchObject({ isAllowed: true, state: 'paused' })
    expect(await make(part!)).toEqual({ kind: 'gone' })
    expect(await advance(batch, 'acme', 'beta', [replayIn('beta', batch)])).toBeNull()
    expect(await replayOf('acme', batch)).toMatchObject({ state: 'paused', made: 0 })
    const list = (state: 'running' | 'paused') =>
      store.read('listReplays', { tenant: 'acme', state, before: null, limit: 9 })
    expect([(await list('running')).length, (await list('paused')).length]).toEqual([0, 1])
    // The part goes to sleep when it is claimed next: no one claims it again and again.
    expect([await claim(), await store.read('peekReplayParts', {})]).toEqual([[], false])
    expect(await open(batch)).toMatchObject({ isPartAsleep: false })
    expect(await store.write('wakeReplayParts', { limit: 10 })).toBe(0)
    await move(batch, 'running')
    expect(await open(batch)).toMatchObject({ isPartAsleep: true })
    expect(await store.write('wakeReplayParts', { limit: 10 })).toBe(1)
    expect(await open(batch)).toMatchObject({ isPartAsleep: false })
    expect(await make((await claim())[0]!)).toMatchObject({ kind: 'made' })
  })

  it('leave a replay paused that its tenant paused, and do not let it run while they are paused', async () => {
    const batch = await create()
    await advance(batch, null, null, [replayIn('acme', batch)])
    const own = (to: 'running' | 'paused') =>
      store.write('setReplayState', { tenant: 'acme', name: batch.id, to, nowMs: 9_000 })
    await own('paused')
    await move(batch, 'paused')
    expect(await own('running')).toMatchObject({ isAllowed: false, isBatchPaused: true, state: 'paused' })
    await move(batch, 'running')
    expect(await open(batch)).toMatchObject({ isPartAsleep: false })
    expect([await claim(), (await replayOf('acme', batch)).state]).toEqual([[], 'paused'])
    expect(await own('running')).toMatchObject({ isAllowed: true, state: 'running' })
    expect(await claim()).toHaveLength(1)
    // Its own pause during that of the batch remains.
    await move(batch, 'paused')
    expect(await own('paused')).toMatchObject({ isAllowed: true })
    await move(batch, 'running')
    expect((await replayOf('acme', batch)).state).toBe('paused')
  })

  it('are cancelled for good, with all their replays and deliveries', async () => {
    const batch = await create()
    await advance(batch, null, 'beta', [replayIn('acme', batch), replayIn('beta', batch)])
    const parts = await claim()
    const done = parts.find(({ tenant }) => tenant === 'acme')!
    await make(done, true)
    expect(await move(batch, 'cancelled')).toMatchObject({ isAllowed: true })
    expect(await get(batch)).toMatchObject({ isSearching: false, endedAtMs: null })
    expect(await make(parts.find(({ tenant }) => tenant === 'beta')!)).toEqual({ kind: 'gone' })
    expect((await replayOf('beta', batch)).state).toBe('cancelled')
    for (const to of ['running', 'paused'] as const) {
      const moved = await store.write('setReplayState', { tenant: 'beta', name: batch.id, to, nowMs: 9_000 })
      expect(moved).toMatchObject({ isAllowed: false })
      expect(await move(batch, to)).toMatchObject({ isAllowed: false })
    }
    expect(await end(batch)).toBe(false)
    const left = await store.read('findReplaysToCancel', { batch: batch.id, limit: 10 })
    expect(left.map(({ tenant }) => tenant).sort()).toEqual(['acme', 'beta'])
    for (const { tenant, replay } of left) {
      await store.write('setReplayState', { tenant, name: replay, to: 'cancelled', nowMs: 9_000 })
      for (;;) {
        const some = { tenant, replay, limit: 10, nowMs: 6_000 }
        if ((await store.write('cancelReplayed', some)).isEnded) break
      }
    }
    expect(await store.read('findReplaysToCancel', { batch: batch.id, limit: 10 })).toEqual([])
    expect(await end(batch)).toBe(true)
    expect(await get(batch)).toMatchObject({ state: 'cancelled', live: 0, endedAtMs: 7_000 })
    expect(await move(batch, 'cancelled')).toMatchObject({ isAllowed: true })
  })

  it('that are done can be cancelled as long as something is to be sent', async () => {
    const [empty, batch] = [await create(), await create()]
    for (const each of [empty, batch]) await advance(each, null, null, each === batch ? [replayIn('acme', batch)] : [])
    await make((await claim())[0]!, true)
    expect([await end(empty), await end(batch)]).toEqual([true, true])
    expect(await move(empty, 'cancelled')).toMatchObject({ isAllowed: false })
    expect(await move(batch, 'paused')).toMatchObject({ isAllowed: false })
    expect(await move(batch, 'cancelled')).toMatchObject({ isAllowed: true })
    expect((await get(batch)).endedAtMs).toBeNull()
    expect(await store.read('findReplaysToCancel', { batch: batch.id, limit: 10 })).toHaveLength(1)
    expect(await store.write('setReplayBatchState', { name: 'nothing', to: 'paused', nowMs: 9_000 })).toBeNull()
  })

  it('are removed some time after their end, once their replays are', async () => {
    const [old, running] = [await create(), await create()]
    await advance(old, null, null, [replayIn('acme', old, { parts: [] })])
    await end(old)
    const drop = (endedBeforeMs: number) => store.write('dropReplayBatches', { endedBeforeMs, limit: 10 })
    expect([await drop(7_000), await drop(7_001)]).toEqual([0, 0])
    await store.write('dropReplays', { endedBeforeMs: 7_001, limit: 10 })
    expect(await drop(7_001)).toBe(1)
    expect(await store.read('getReplayBatch', { name: old.id })).toBeNull()
    expect(await drop(Number.MAX_SAFE_INTEGER)).toBe(0)
    expect((await get(running)).state).toBe('running')
  })

  it('forget a tenant that is erased', async () => {
    const batch = await create()
    await advance(batch, null, 'beta', [replayIn('beta', batch)])
    await store.write('eraseTenant', { id: 'beta', nowMs: 1, attemptMs: 0 })
    while ((await store.write('eraseSome', { tenant: 'beta', isLast: true, limit: 100 })) > 0);
    expect(await open(batch)).toMatchObject({ afterTenant: null, isSearching: true })
    expect((await get(batch)).replays).toBe(0)
  })
})
