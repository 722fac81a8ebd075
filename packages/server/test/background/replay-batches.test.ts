import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ReplayBatches as Work } from '../../src/background/replay-batches.ts'
import { Interrupted, type Stepper } from '../../src/background/works.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Endpoint, TenantId } from '../../src/base/model.ts'
import { createReplayCounter } from '../../src/replay/selection.ts'
import { ReplayBatches, type ReplayBatchInput } from '../../src/services/replay-batches.ts'
import { Replays } from '../../src/services/replays.ts'
import type { BatchStep } from '../../src/store/operations/replays/batches.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from '../store/builders.ts'
import { engines, type Opened } from '../store/engines.ts'
import { atOnce, log, publish } from './setup.ts'

const TYPE = 'posthorn.test'

describe.each(engines())('the work on replays across tenants on $name', engine => {
  let opened: Opened
  let store: Store
  let work: Work
  let batches: ReplayBatches
  let replays: Replays
  const tenants = Array.from({ length: 45 }, (_, index) => `t${String(index).padStart(2, '0')}`)
  const endpoints = new Map<TenantId, Endpoint>()

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    const count = createReplayCounter(store, systemClock)
    work = new Work(store, count, log)
    batches = new ReplayBatches(store, count)
    replays = new Replays(store, count)
    const type = { name: TYPE, group: 'g', description: 'd', schema: {}, example: {} }
    await store.write('putEventType', { type, nowMs: 1 })
    for (const tenant of tenants) {
      endpoints.set(tenant, anEndpoint(tenant))
      await aTenant(store, tenant, [endpoints.get(tenant)!])
    }
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  /** Publishes an event to a tenant's endpoint, and lets its delivery fail for good. */
  async function fail(tenant: TenantId, type = TYPE): Promise<void> {
    const { items } = await publish(store, [endpoints.get(tenant)!], { type })
    for (const item of items) await store.settle(aSettlement(item, { kind: 'exhausted' }))
  }

  const input = (over: Partial<ReplayBatchInput> = {}): ReplayBatchInput => ({
    key: null,
    types: [TYPE],
    states: null,
    missing: false,
    fromMs: Date.now() - 1_000_000,
    toMs: Date.now() + 1_000_000,
    ...over,
  })

  /** Those of the tenants that have replays, with the number of deliveries of each. */
  async function replayed(): Promise<Record<TenantId, (number | null)[]>> {
    const found: Record<TenantId, (number | null)[]> = {}
    for (const tenant of tenants) {
      const list = await replays.list(tenant, { state: null, before: null }, 100)
      if (list.length > 0) found[tenant] = list.map(({ deliveries }) => deliveries)
    }
    return found
  }

  it('creates a replay in each tenant that has something to send, and in no other', async () => {
    const failing = [tenants[0]!, tenants[7]!, tenants[44]!]
    for (const tenant of failing) await fail(tenant)
    await fail(tenants[7]!)
    await fail(tenants[3]!, 'OTHER')
    expect(await batches.count(input())).toEqual({ tenants: 3, deliveries: 4 })
    const { batch } = await batches.create(input())
    await work.run(atOnce)
    expect(await replayed()).toEqual({ t00: [1], t07: [2], t44: [1] })
    expect(await batches.get(batch.id)).toMatchObject({
      isSearching: false,
      replays: 3,
      deliveries: 4,
      state: 'running',
    })
    expect(await work.isWanted()).toBe(true)
  })

  it('continues wherever it was interrupted, and no tenant gets two replays', async () => {
    for (const tenant of tenants) if (tenant !== 't20') await fail(tenant)
    const { batch } = await batches.create(input())
    for (let stepsLeft = 1; ; stepsLeft += 3) {
      let left = stepsLeft
      const steps: Stepper = {
        step: async step => {
          if (left-- === 0) throw new Interrupted()
          return step()
        },
        keep: async () => {},
      }
      const isOver = await work.run(steps).then(
        () => true,
        error => {
          expect(error).toBeInstanceOf(Interrupted)
          return false
        },
      )
      if (isOver) break
    }
    const expected = Object.fromEntries(tenants.flatMap(tenant => (tenant === 't20' ? [] : [[tenant, [1]]])))
    expect(await replayed()).toEqual(expected)
    expect(await batches.get(batch.id)).toMatchObject({ replays: 44, deliveries: 44 })
  })

  it('gives a tenant with very many endpoints its replay over several commits', async () => {
    const many = Array.from({ length: 1_100 }, () => anEndpoint('many', { types: [TYPE] }))
    await aTenant(store, 'many', many)
    await store.publish({ ...(await aRequest(store, 'many', [anEvent([], { type: TYPE })])), nowMs: Date.now() })
    await fail('t00')
    await fail('t44')
    const write = vi.spyOn(store, 'write')
    const { batch } = await batches.create(input({ missing: true }))
    await work.run(atOnce)
    const added = write.mock.calls.map(([name, args]) => {
      if (name === 'addReplayParts') return (args as { parts: unknown[] }).parts.length
      return name === 'advanceReplayBatch' ? (args as BatchStep).replays.flatMap(replay => replay.parts).length : 0
    })
    expect(added.filter(count => count > 0)).toEqual([500, 500, 100, 2])
    expect(await batches.get(batch.id)).toMatchObject({ replays: 3, isSearching: false, state: 'running' })
    const claimed = await store.write('claimReplayParts', { limit: 2_000, claimMs: 0 })
    expect(new Set(claimed.map(({ endpoint }) => endpoint)).size).toBe(1_102)
  })

  it('is done once by two nodes that do it at the same time', async () => {
    for (const tenant of tenants.slice(0, 30)) await fail(tenant)
    const { batch } = await batches.create(input())
    const other = new Work(store, createReplayCounter(store, systemClock), log)
    await Promise.all([work.run(atOnce), other.run(atOnce)])
    expect(Object.values(await replayed())).toEqual(Array(30).fill([1]))
    expect(await batches.get(batch.id)).toMatchObject({ replays: 30, isSearching: false })
  })

  it('stops at a pause, and continues after it', async () => {
    for (const tenant of tenants) await fail(tenant)
    const { batch } = await batches.create(input())
    let count = 0
    const steps: Stepper = {
      step: async step => {
        if (++count === 25) await batches.pause(batch.id)
        return step()
      },
      keep: async () => {},
    }
    await work.run(steps)
    const paused = await batches.get(batch.id)
    expect(paused).toMatchObject({ state: 'paused', isSearching: true })
    expect(paused.replays).toBeGreaterThan(0)
    expect(paused.replays).toBeLessThan(45)
    await work.run(atOnce)
    expect((await batches.get(batch.id)).replays).toBe(paused.replays)
    // A node claims the parts meanwhile, which go to sleep.
    await store.write('claimReplayParts', { limit: 100, claimMs: 0 })
    await batches.resume(batch.id)
    await work.run(atOnce)
    expect(await batches.get(batch.id)).toMatchObject({ state: 'running', replays: 45, isSearching: false })
    expect(await store.write('claimReplayParts', { limit: 100, claimMs: 0 })).toHaveLength(45)
  })

  it('cancels everything, and ends', async () => {
    for (const tenant of tenants) await fail(tenant)
    const { batch } = await batches.create(input())
    await work.run(atOnce)
    await batches.cancel(batch.id)
    await work.run(atOnce)
    const cancelled = await batches.get(batch.id)
    expect(cancelled).toMatchObject({ state: 'cancelled', live: 0, replays: 45 })
    expect(cancelled.endedAtMs).not.toBeNull()
    for (const tenant of tenants) {
      expect((await replays.get(tenant, batch.id)).endedAtMs, tenant).not.toBeNull()
    }
    expect(await work.isWanted()).toBe(false)
  })

  it('ends a replay of which nothing is left to do, and one that found nothing', async () => {
    const { batch } = await batches.create(input())
    await work.run(atOnce)
    expect(await batches.get(batch.id)).toMatchObject({ state: 'done', replays: 0, deliveries: 0 })
    await fail('t00')
    const second = (await batches.create(input())).batch
    await work.run(atOnce)
    const [part] = await store.write('claimReplayParts', { limit: 1, claimMs: 0 })
    const of = { ...part!, before: null, after: 'x', isLast: true, tenantVersion: null, deliveries: [], skipped: 1 }
    await store.write('makeReplayed', { ...of, nowMs: 5 })
    await work.run(atOnce)
    expect(await batches.get(second.id)).toMatchObject({ state: 'done', skipped: 1 })
  })

  it('leaves a replay uncounted where counting takes too long, and says so', async () => {
    await fail('t00')
    const late = new Work(
      store,
      (tenant, selection, asOfMs) => createReplayCounter(store, systemClock, 0)(tenant, selection, asOfMs),
      log,
    )
    const { batch } = await batches.create(input())
    await late.run(atOnce)
    expect(await replayed()).toEqual({ t00: [null] })
    expect(await batches.get(batch.id)).toMatchObject({ replays: 1, deliveries: null })
    const impatient = new ReplayBatches(store, createReplayCounter(store, systemClock), { countTimeoutMs: 0 })
    expect(await impatient.count(input())).toEqual({ tenants: null, deliveries: null })
  })
})
