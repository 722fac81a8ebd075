import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idBytes } from '../../src/base/ids.ts'
import type { AttemptResult, Endpoint } from '../../src/base/model.ts'
import type { NextStep } from '../../src/store/operations/deliveries/settlement.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { anAttempt, anEndpoint, anEvent, aRequest, aSettlement, aTenant } from './builders.ts'
import { engines, type Opened } from './engines.ts'
import { listDeliveries } from './list-deliveries.ts'

/** The longest runs and the latest times that history has room for. */
const LONGEST_MS = 2 ** 31 - 1
const LATEST_MS = 8_640_000_000_000_000

describe.each(engines())('the last attempt of a delivery on $name', engine => {
  let store: Store
  let run: Opened['run']
  let close: () => Promise<void>
  let endpoint: Endpoint

  beforeEach(async () => {
    const opened = await engine.open()
    store = opened.store
    run = opened.run
    close = opened.close
    endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  async function published(): Promise<LaneItem> {
    const event = anEvent([endpoint])
    await store.publish(await aRequest(store, 'acme', [event]))
    const { partition, id } = endpoint
    const lane = await store.readLane({ partition, endpoint: id, limit: 1_000, maxPayloadBytes: 0 })
    return lane.find(item => item.event === event.id)!
  }

  const get = async ({ delivery }: LaneItem) => (await store.read('getDelivery', { tenant: 'acme', id: delivery }))!
  const lastOf = async (item: LaneItem) => (await get(item)).lastAttempt

  function settle(item: LaneItem, step: NextStep, number: number, result: AttemptResult, epoch = 0) {
    const outcome = result.error === null ? 'success' : 'failure'
    const attempt = anAttempt(number, { ...result, outcome })
    return store.settle(aSettlement(item, step, { attempt, epoch }))
  }

  const REFUSED: AttemptResult = { startedAtMs: 5_000, durationMs: 7, status: 503, error: 'http_server_error' }
  const UNREACHED: AttemptResult = { startedAtMs: 9_000, durationMs: 0, status: null, error: 'dns_failed' }
  const TAKEN: AttemptResult = { startedAtMs: 12_000, durationMs: LONGEST_MS, status: 204, error: null }
  const RETRY: NextStep = { kind: 'retry', dueAtMs: 30_000 }

  it('is none before the first, then what the latest attempt came to, in lists and alone', async () => {
    const item = await published()
    expect(await lastOf(item)).toBeNull()
    await settle(item, RETRY, 1, REFUSED)
    expect(await lastOf(item)).toEqual(REFUSED)
    await settle(item, RETRY, 2, UNREACHED)
    expect(await lastOf(item)).toEqual(UNREACHED)
    await settle(item, { kind: 'delivered' }, 3, TAKEN)
    expect(await get(item)).toMatchObject({ state: 'delivered', attempts: 3, lastAttempt: TAKEN })
    const [listed] = await listDeliveries(store, 'acme')
    expect(listed!.lastAttempt).toEqual(TAKEN)
    const [exported] = await store.read('exportDeliveries', {
      tenant: 'acme',
      after: null,
      before: 'dlv_7zzzzzzzzzzzzzzzzzzzzzzzzz',
      limit: 9,
    })
    expect(exported!.lastAttempt).toEqual(TAKEN)
  })

  it('stays with a delivery that is exhausted by it', async () => {
    const item = await published()
    await settle(item, { kind: 'exhausted' }, 1, { ...UNREACHED, startedAtMs: LATEST_MS })
    expect(await get(item)).toMatchObject({ state: 'exhausted', lastAttempt: { ...UNREACHED, startedAtMs: LATEST_MS } })
  })

  it('stays with a delivery that is cancelled by hand, with its endpoint, or with its replay', async () => {
    const [first, second, third] = [await published(), await published(), await published()]
    for (const item of [first, second, third]) await settle(item, RETRY, 1, REFUSED)
    const fresh = await published()
    await store.write('cancelDelivery', { tenant: 'acme', id: first.delivery, nowMs: 40_000 })
    const replay = 'rpl_01jy4k8v3xf0c8wq2rn5s7t9ab'
    await run('update live_delivery set replay = $1 where id = $2', [idBytes(replay), idBytes(second.delivery)])
    const { lanes } = await store.write('cancelReplayed', { tenant: 'acme', replay, limit: 9, nowMs: 40_000 })
    expect(lanes).toMatchObject([{ deliveries: 1 }])
    const { partition, id } = endpoint
    await store.write('cancelDeliveries', { partition, endpoint: id, only: 'all', limit: 9, nowMs: 40_000 })
    for (const item of [first, second, third]) {
      expect(await get(item)).toMatchObject({ state: 'cancelled', attempts: 1, lastAttempt: REFUSED })
    }
    expect(await get(fresh)).toMatchObject({ state: 'cancelled', attempts: 0, lastAttempt: null })
  })

  it('is not known of deliveries stored before it was kept', async () => {
    const item = await published()
    await settle(item, { kind: 'delivered' }, 1, TAKEN)
    await run('update delivery set last_started_ms = null, last_duration_ms = null, last_status = null')
    expect(await get(item)).toMatchObject({ state: 'delivered', attempts: 1, lastAttempt: null })
  })

  it('C13: is always the one that moved the delivery, whichever others are recorded besides', async () => {
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom('retry', 'exhausted', 'delivered'),
        number: fc.integer({ min: 1, max: 4 }),
        epoch: fc.integer({ min: 0, max: 1 }),
        status: fc.option(fc.integer({ min: 100, max: 999 })),
        durationMs: fc.integer({ min: 0, max: LONGEST_MS }),
      }),
      { minLength: 1, maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(steps, async settlements => {
        const item = await published()
        let expected: AttemptResult | null = null
        for (const [at, { kind, number, epoch, status, durationMs }] of settlements.entries()) {
          const step = (kind === 'retry' ? RETRY : { kind }) as NextStep
          const error = kind === 'delivered' ? null : status === null ? 'connect_refused' : 'http_client_error'
          const result: AttemptResult = { startedAtMs: 100 + at, durationMs, status, error }
          const moved = await settle(item, step, number, result, epoch)
          if (moved !== 'unmoved') expected = result
          expect(await lastOf(item)).toEqual(expected)
        }
        const attempts = await store.read('listAttempts', { tenant: 'acme', delivery: item.delivery })
        expect(attempts).toHaveLength(settlements.length)
      }),
      { numRuns: 60 },
    )
  })
})
