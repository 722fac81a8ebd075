import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Driver, OperationCall } from '../../src/store/driver.ts'
import type { Settlement } from '../../src/store/operations/deliveries/settlement.ts'
import type { PublishRequest } from '../../src/store/operations/events/publish-request.ts'
import { Store, StoreOverloaded } from '../../src/store/store.ts'
import { currentTenantCall, TenantCall } from '../../src/store/tenant-call.ts'
import { HandClock } from '../hand-clock.ts'
import { anAttempt, anEndpoint, anEvent, aRequest, aSettlement, aTenant } from './builders.ts'
import { type Opened, sqliteEngine } from './engines.ts'

const MIB = 1_048_576
const engine = sqliteEngine()
let opened: Opened
let store: Store
/** What each commit stored, in order. */
let commits: { published: PublishRequest[]; settled: Settlement[] }[]

beforeEach(async () => {
  opened = await engine.open()
  commits = []
  // Time stands still, so that tenants stay in each other's company.
  store = new Store(recording(opened.driver), { ...systemClock, monotonicMs: () => 0 })
  return () => opened.close()
})
afterAll(() => engine.stop())

/** The driver, noting what each of its commits stores. */
function recording(driver: Driver): Driver {
  const argumentsOf = <Args>(calls: readonly OperationCall[], name: OperationCall['name']) =>
    calls.filter(call => call.name === name).map(({ args }) => args as Args)
  return {
    ...driver,
    write(calls, timeoutMs) {
      const published = argumentsOf<{ requests: PublishRequest[] }>(calls, 'publish').flatMap(args => args.requests)
      const settled = argumentsOf<{ settlements: Settlement[] }>(calls, 'settle').flatMap(args => args.settlements)
      if (published.length + settled.length > 0) commits.push({ published, settled })
      return driver.write(calls, timeoutMs)
    },
  }
}

const eventsOf = (requests: readonly PublishRequest[]) => requests.reduce((sum, { events }) => sum + events.length, 0)
const commitOf = (tenant: string) => commits.findIndex(({ published }) => published.some(one => one.tenant === tenant))

async function requestsOf(tenant: string, count: number, size = 1, payload?: Uint8Array): Promise<PublishRequest[]> {
  await aTenant(store, tenant)
  const first = await aRequest(store, tenant, [])
  const over = payload === undefined ? {} : { payload }
  return Array.from({ length: count }, () => ({
    ...first,
    events: Array.from({ length: size }, () => anEvent([], over)),
  }))
}

describe('commits', () => {
  it('are filled by a tenant that is alone, and shared as soon as another one publishes', async () => {
    const [alone, other] = [await requestsOf('many', 3_000), await requestsOf('few', 1)]
    await Promise.all(alone.slice(0, 1_000).map(request => store.publish(request)))
    expect(commits.map(({ published }) => published.length)).toEqual([1_000])
    await Promise.all([...alone.slice(1_000), ...other].map(request => store.publish(request)))
    expect(commitOf('few')).toBe(1)
    for (const { published } of commits.slice(1)) {
      expect(published.filter(({ tenant }) => tenant === 'many').length).toBeLessThanOrEqual(128)
    }
    expect(eventsOf(commits.flatMap(({ published }) => published))).toBe(3_001)
  })

  it('with a large call have nothing else, and every second one is for the others', async () => {
    const [large, small] = [await requestsOf('many', 3, 500), await requestsOf('few', 300)]
    await Promise.all([...large, ...small].map(request => store.publish(request)))
    expect(commits.map(({ published }) => eventsOf(published))).toEqual([128, 500, 128, 500, 44, 500])
  })

  it('count bytes too, of payloads and of responses', async () => {
    const [large, other] = [await requestsOf('many', 20, 1, new Uint8Array(65_536)), await requestsOf('few', 1)]
    await Promise.all([...large, ...other].map(request => store.publish(request)))
    // 33 items each, of 128.
    expect(commits.map(({ published }) => published.length)).toEqual([4, 3, 3, 3, 3, 3, 2])
    commits = []
    const endpoint = anEndpoint('many')
    const item = { tenant: 'many', endpoint: endpoint.id, partition: 7, event: '', type: 'T', test: false, dueAtMs: 0 }
    const settlements = Array.from({ length: 100 }, () => {
      const delivery = anEvent([endpoint]).deliveries![0]!.id
      const attempt = anAttempt(1, { responseBody: new Uint8Array(16_384) })
      return aSettlement({ ...item, delivery, attempts: 0, payload: null }, { kind: 'delivered' }, { attempt })
    })
    await Promise.all(settlements.map(settlement => store.settle(settlement)))
    expect(commits.map(({ settled }) => settled.length)).toEqual([...new Array(8).fill(12), 4])
  })

  it('of a tenant that publishes more than can be stored are refused, and nothing of another', async () => {
    const payload = new Uint8Array(MIB)
    const [large, other] = [await requestsOf('many', 70, 1, payload), await requestsOf('few', 5, 1, payload)]
    const results = await Promise.allSettled([...large, ...other].map(request => store.publish(request)))
    const refused = results.map(({ status }) => status === 'rejected')
    expect(refused.slice(0, 70).filter(Boolean).length).toBe(70 - 51)
    expect(refused.slice(70)).toEqual(new Array(5).fill(false))
    const [first] = results.filter(result => result.status === 'rejected')
    expect(first!.reason).toBeInstanceOf(StoreOverloaded)
  })

  it('leave room for the outcomes of another tenant, however many one has', async () => {
    expect(store.hasRoomToSettle('many')).toBe(true)
    const endpoint = anEndpoint('many')
    const item = { tenant: 'many', endpoint: endpoint.id, partition: 7, event: '', type: 'T', test: false, dueAtMs: 0 }
    const settled: Promise<unknown>[] = []
    while (store.hasRoomToSettle('many')) {
      const delivery = anEvent([endpoint]).deliveries![0]!.id
      settled.push(store.settle(aSettlement({ ...item, delivery, attempts: 0, payload: null }, { kind: 'delivered' })))
    }
    expect([settled.length, store.unsettled]).toEqual([800, 800])
    expect(store.hasRoomToSettle('few')).toBe(true)
    await Promise.all(settled)
    expect(store.hasRoomToSettle('many')).toBe(true)
  })
})

describe('what changes something', () => {
  /** Deletes an endpoint six times while another tenant publishes. Returns how many of these were in each commit. */
  async function change(many: (clock: HandClock, write: () => Promise<unknown>) => Promise<unknown>) {
    const few = await requestsOf('few', 300)
    const endpoint = anEndpoint('many')
    await aTenant(store, 'many')
    const clock = new HandClock()
    const changed: number[] = []
    const slow: Driver = {
      ...opened.driver,
      async write(calls, timeoutMs) {
        const results = await opened.driver.write(calls, timeoutMs)
        const changes = calls.filter(({ name }) => name === 'deleteEndpoint').length
        if (changes > 0) changed.push(changes)
        clock.turn(10 * changes)
        return results
      },
    }
    const shared = new Store(slow, clock)
    await shared.publish(few[0]!)
    let isDone = false
    const write = () => shared.write('deleteEndpoint', { tenant: 'many', id: endpoint.id, nowMs: 2 })
    void Promise.all(Array.from({ length: 6 }, () => many(clock, write))).then(() => (isDone = true))
    let published = 1
    while (!isDone) {
      await shared.publish(few[published++]!)
      clock.turn(1)
    }
    return { changed, published }
  }

  it("by a tenant's own calls is little in each commit, and rests for three times as long, while others publish", async () => {
    const { changed, published } = await change((clock, write) => new TenantCall('many', clock).run(write))
    expect(changed).toEqual([2, 2, 2])
    // Twice 60 ms, with an event in each.
    expect(published).toBeGreaterThan(110)
  })

  it('by Posthorn or an operator rests for nothing, nor by a call that has lasted long or has its response', async () => {
    const { changed } = await change((_clock, write) => write())
    expect(changed).toEqual([6])
    const ended = await change((clock, write) => {
      const call = new TenantCall('many', clock)
      call.end()
      return call.run(write)
    })
    expect(ended.changed).toEqual([6])
    const old = await change((clock, write) => {
      const call = new TenantCall('many', clock)
      clock.turn(30_000)
      return call.run(write)
    })
    expect(old.changed.length).toBeLessThanOrEqual(3)
  })

  it('because of a call, but by those who hear of what it has changed, is no part of it', async () => {
    const heard: boolean[] = []
    const call = new TenantCall('many', systemClock)
    store.changes.on(() => heard.push(currentTenantCall() === undefined))
    store.observations.on(() => heard.push(currentTenantCall() === undefined))
    await aTenant(store, 'many')
    await call.run(async () => {
      await store.write('deleteEndpoint', { tenant: 'many', id: anEndpoint('many').id, nowMs: 2 })
      store.changes.emit({ kind: 'inbox' })
      expect(currentTenantCall()).toBe(call)
    })
    expect(heard.length).toBeGreaterThan(1)
    expect(heard).not.toContain(false)
  })
})
