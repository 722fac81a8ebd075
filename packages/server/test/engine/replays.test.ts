import { type Receiver, type ReceiverOptions, startReceiver } from '@posthorn/testkit'
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { Replay } from '../../src/base/replay.ts'
import { createReplayCounter } from '../../src/replay/selection.ts'
import { type ReplayInput, Replays } from '../../src/services/replays.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { fillPast } from '../store/past.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const NONE = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }
const WAIT = { timeoutMs: 60_000 }

const input = (over: Partial<ReplayInput> = {}): ReplayInput => ({
  key: null,
  endpoint: null,
  event: null,
  types: null,
  states: null,
  missing: false,
  fromMs: null,
  toMs: null,
  ...over,
})

vi.setConfig({ testTimeout: 120_000 })

type Posthorn = Awaited<ReturnType<typeof startPosthorn>>

async function endpointAt(posthorn: Posthorn, receiver: Receiver, over: object = {}): Promise<Endpoint> {
  return (await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, ...over })).endpoint
}

/** Waits until the replay satisfies the condition. */
async function until(posthorn: Posthorn, { id }: Replay, isSo: (replay: Replay) => boolean): Promise<Replay> {
  let replay = await posthorn.replays.get('acme', id)
  const look = async () => {
    replay = await posthorn.replays.get('acme', id)
    return isSo(replay)
  }
  await expect.poll(look, { timeout: 60_000, interval: 50 }).toBe(true)
  return replay
}

const isOver = ({ endedAtMs, live }: Replay) => endedAtMs !== null && live === 0

function withPosthorn(
  options: Omit<ReceiverOptions, 'authority' | 'names'>,
  use: (posthorn: Posthorn, receiver: Receiver, folder: string) => Promise<void>,
) {
  return inFolder(async (folder, authority) => {
    const receiver = await startReceiver({ authority, names: ['localhost'], ...options })
    const posthorn = await startPosthorn(folder, authority)
    await posthorn.tenants.put('acme', {})
    await use(posthorn, receiver, folder)
    await posthorn.stop()
    await receiver.close()
  })
}

const webhookIds = ({ requests }: Receiver) => requests.map(({ headers }) => headers['webhook-id'] as string)

describe('a replay', () => {
  it('sends the events that a receiver missed during an outage, with their ids and byte for byte', () => {
    const state = { isDown: true }
    const script = () => ({ status: state.isDown ? 503 : 204 })
    return withPosthorn({ script }, async (posthorn, receiver) => {
      const endpoint = await endpointAt(posthorn, receiver, { schedule: [0.01] })
      const { events } = await posthorn.publish('acme', [cover(1), cover(2), cover(3)])
      const list = (filter = {}) => listDeliveries(posthorn.store, 'acme', { ...NONE, ...filter }, 100)
      await expect.poll(() => list({ state: 'exhausted' }), { timeout: 30_000 }).toHaveLength(3)
      state.isDown = false
      const before = receiver.total
      const bodies = receiver.requests.slice(0, 3).map(({ body }) => body.toString())
      expect(await posthorn.replays.count('acme', input())).toBe(3)
      const { replay } = await posthorn.replays.create('acme', input({ endpoint: endpoint.id }))
      expect(replay.deliveries).toBe(3)
      expect(await until(posthorn, replay, isOver)).toMatchObject({ state: 'done', made: 3, skipped: 0, deliveries: 3 })
      const again = receiver.requests.slice(before)
      expect(again.map(({ headers }) => headers['webhook-id']).sort()).toEqual(events.map(({ id }) => id).sort())
      expect(again.map(({ body }) => body.toString()).sort()).toEqual(bodies.sort())
      const delivered = await list({ state: 'delivered' })
      const exhausted = new Map((await list({ state: 'exhausted' })).map(({ id, event }) => [id, event]))
      expect(delivered.map(({ replayOf, event }) => exhausted.get(replayOf!) === event)).toEqual([true, true, true])
      expect(await posthorn.replays.count('acme', input())).toBe(0)
    })
  })

  it('and a manual retry are settled as such, so that neither counts towards the delivery latency', () =>
    withPosthorn({}, async (posthorn, receiver) => {
      const settled: boolean[] = []
      posthorn.store.observations.on(observation => {
        if (observation.kind === 'settled') settled.push(...observation.settlements.map(({ replay }) => replay))
      })
      await endpointAt(posthorn, receiver)
      await posthorn.publish('acme', [cover(1), cover(2)])
      await expect.poll(() => settled, { timeout: 30_000 }).toEqual([false, false])
      const { replay } = await posthorn.replays.create('acme', input({ states: ['delivered'] }))
      await until(posthorn, replay, isOver)
      await expect.poll(() => settled, { timeout: 30_000 }).toEqual([false, false, true, true])
      const [delivered] = await listDeliveries(posthorn.store, 'acme', NONE, 1)
      await posthorn.deliveries.retry('acme', delivered!.id)
      await expect.poll(() => settled, { timeout: 30_000 }).toEqual([false, false, true, true, true])
    }))

  it('sends earlier events of the types it wants to an endpoint registered later', () =>
    withPosthorn({}, async (posthorn, receiver) => {
      const TYPES = ['COVER_REFERENCE']
      await endpointAt(posthorn, receiver, { url: `${receiver.url}/first` })
      const { events } = await posthorn.publish('acme', [cover(1), cover(2)])
      await receiver.waitFor(() => receiver.total === 2, WAIT)
      const later = await endpointAt(posthorn, receiver, { url: `${receiver.url}/later`, types: TYPES })
      const other = (await posthorn.publisher.types()).find(({ name }) => name !== TYPES[0])!
      const third = await endpointAt(posthorn, receiver, { url: `${receiver.url}/other`, types: [other.name] })
      const missing = input({ missing: true })
      expect(await posthorn.replays.count('acme', missing)).toBe(2)
      expect(await posthorn.replays.count('acme', { ...missing, endpoint: third.id })).toBe(0)
      // If both the endpoint and the type are named, the endpoint's own types don't matter.
      expect(await posthorn.replays.count('acme', { ...missing, endpoint: third.id, types: TYPES })).toBe(2)
      const { replay } = await posthorn.replays.create('acme', missing)
      expect(await until(posthorn, replay, isOver)).toMatchObject({ state: 'done', made: 2, deliveries: 2 })
      const paths = receiver.requests.slice(2).map(({ path }) => path)
      expect([receiver.total, paths]).toEqual([4, ['/later', '/later']])
      expect(webhookIds(receiver).slice(2).sort()).toEqual(events.map(({ id }) => id).sort())
      const made = await listDeliveries(posthorn.store, 'acme', { ...NONE, endpoint: later.id }, 10)
      expect(made.map(({ replayOf }) => replayOf)).toEqual([null, null])
      expect(await posthorn.replays.count('acme', missing)).toBe(0)
      // Now that it wants the type, it receives the events that it didn't want before.
      await posthorn.endpoints.update('acme', third.id, { types: TYPES })
      expect(await posthorn.replays.count('acme', missing)).toBe(2)
    }))

  it('sends what an endpoint never got only if its filter, as it is now, lets the event through', () =>
    withPosthorn({}, async (posthorn, receiver) => {
      await endpointAt(posthorn, receiver, { url: `${receiver.url}/first` })
      const { events } = await posthorn.publish('acme', [1, 2, 3, 4].map(cover))
      await receiver.waitFor(() => receiver.total === 4, WAIT)
      const idOf = (index: number) => cover(index).payload.CoverId
      const of = { url: `${receiver.url}/later`, filter: { CoverId: [idOf(1), idOf(2)] } }
      const later = await endpointAt(posthorn, receiver, of)
      const missing = input({ missing: true })
      expect(await posthorn.replays.count('acme', missing)).toBe(2)
      const { replay } = await posthorn.replays.create('acme', missing)
      // Too late for the count, but not for what is created: the filter is asked again.
      await posthorn.endpoints.update('acme', later.id, { filter: { CoverId: [idOf(1), idOf(2), idOf(3)] } })
      const over = await until(posthorn, replay, isOver)
      await receiver.waitFor(() => receiver.total === 4 + over.made, WAIT)
      const sent = new Set(webhookIds(receiver).slice(4))
      expect(sent.size).toBe(over.made)
      for (const index of [0, 1]) expect(sent).toContain(events[index]!.id)
      expect(sent).not.toContain(events[3]!.id)
      // Whatever is left by then is missing, and nothing else.
      expect(await posthorn.replays.count('acme', missing)).toBe(3 - over.made)
    }))

  it('of 100,000 events lets live events to the same endpoint go first, and starts before it is made', () =>
    withPosthorn({ record: false }, async (posthorn, receiver, folder) => {
      const endpoint = await endpointAt(posthorn, receiver)
      fillPast(folder, endpoint, { count: 100_000, state: 'delivered' })
      const wanted = input({ key: 'all', states: ['delivered'] })
      const { replay } = await posthorn.replays.create('acme', wanted)
      // Not counted to the end where it would take longer than a call may.
      expect([100_000, null]).toContain(replay.deliveries)
      await receiver.waitFor(() => receiver.total > 500, WAIT)
      for (let round = 1; round <= 10; round++) {
        const before = receiver.total
        const { events } = await posthorn.publish('acme', cover(round))
        await receiver.waitFor(() => receiver.distinct.has(`${events[0]!.id} /`), WAIT)
        // Both the untried deliveries ahead of it and those created until it arrives are limited.
        expect(receiver.total - before).toBeLessThan(500)
      }
      const { state, made } = await posthorn.replays.get('acme', 'all')
      expect([state, made < 50_000]).toEqual(['running', true])
      const cancelled = await posthorn.replays.cancel('acme', 'all')
      expect(cancelled).toMatchObject({ state: 'cancelled', live: 0 })
      expect(cancelled.made).toBeGreaterThanOrEqual(made)
    }))

  it('continues where it was when the process is killed, and creates no delivery twice', () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'], record: false })
      const first = await startPosthorn(folder, authority)
      await first.tenants.put('acme', {})
      const endpoint = await endpointAt(first, receiver)
      const events = fillPast(folder, endpoint, { count: 3_000, state: 'exhausted' })
      await first.replays.create('acme', input({ key: 'x' }))
      await receiver.waitFor(() => receiver.total > 300, WAIT)
      await first.crash()
      const second = await startPosthorn(folder, authority)
      const over = await until(second, await second.replays.get('acme', 'x'), isOver)
      expect(over).toMatchObject({ state: 'done', deliveries: 3_000, made: 3_000, skipped: 0 })
      expect(events.filter(id => !receiver.distinct.has(`${id} /`))).toEqual([])
      let made = 0
      for (const event of [events[0]!, events[299]!, events[1_500]!, events[2_999]!]) {
        made += (await listDeliveries(second.store, 'acme', { ...NONE, event }, 10)).length
      }
      expect(made).toBe(8)
      await second.stop()
      await receiver.close()
    }))

  it("is held up at an endpoint that never responds, but not at the tenant's others", () =>
    withPosthorn(
      { record: false, script: ({ path }) => (path === '/dead' ? 'hang' : { status: 204 }) },
      async (posthorn, receiver, folder) => {
        const dead = await endpointAt(posthorn, receiver, { url: `${receiver.url}/dead` })
        const well = await endpointAt(posthorn, receiver, { url: `${receiver.url}/well` })
        fillPast(folder, dead, { count: 1_000, state: 'exhausted' })
        const events = fillPast(folder, well, { count: 1_000, state: 'exhausted' })
        const { replay } = await posthorn.replays.create('acme', input())
        expect(replay.deliveries).toBe(2_000)
        await receiver.waitFor(() => events.every(id => receiver.distinct.has(`${id} /well`)), WAIT)
        const { made, state } = await posthorn.replays.get('acme', replay.id)
        expect(state).toBe('running')
        // The dead endpoint got no more deliveries than can be in flight at the same time.
        expect(made).toBeLessThan(1_100)
        await posthorn.replays.cancel('acme', replay.id)
      },
    ))

  it('can be paused, resumed and cancelled', () =>
    withPosthorn({ record: false }, async (posthorn, receiver, folder) => {
      const endpoint = await endpointAt(posthorn, receiver)
      fillPast(folder, endpoint, { count: 5_000, state: 'cancelled' })
      const { replay } = await posthorn.replays.create('acme', input({ states: ['cancelled'] }))
      await receiver.waitFor(() => receiver.total > 100, WAIT)
      const paused = await posthorn.replays.pause('acme', replay.id)
      expect(paused).toMatchObject({ state: 'paused' })
      // Deliveries created before the pause are sent; no more are created.
      await until(posthorn, replay, ({ live }) => live === 0)
      expect(await posthorn.replays.get('acme', replay.id)).toMatchObject({ state: 'paused', made: paused.made })
      expect(receiver.total).toBe(paused.made)
      await posthorn.replays.resume('acme', replay.id)
      await until(posthorn, replay, ({ made }) => made > paused.made)
      const cancelled = await posthorn.replays.cancel('acme', replay.id)
      expect(cancelled).toMatchObject({ state: 'cancelled', live: 0, deliveries: 5_000 })
      expect(cancelled.made).toBeLessThan(5_000)
      const ended = { ...NONE, endpoint: endpoint.id }
      expect(await listDeliveries(posthorn.store, 'acme', { ...ended, state: 'pending' }, 10)).toEqual([])
      expect((await posthorn.replays.get('acme', replay.id)).made).toBe(cancelled.made)
    }))

  it('keeps the publishing order at an ordered endpoint, with live events behind deliveries created before', () =>
    withPosthorn({}, async (posthorn, receiver, folder) => {
      const endpoint = await endpointAt(posthorn, receiver, { ordered: true })
      const events = fillPast(folder, endpoint, { count: 300, state: 'exhausted' })
      const { replay } = await posthorn.replays.create('acme', input())
      await receiver.waitFor(() => receiver.total >= 10, WAIT)
      const { events: live } = await posthorn.publish('acme', cover(1))
      await until(posthorn, replay, isOver)
      await receiver.waitFor(() => receiver.total === 301, WAIT)
      const order = webhookIds(receiver)
      expect(order.filter(id => id !== live[0]!.id)).toEqual(events)
      expect(order.indexOf(live[0]!.id)).toBeLessThan(300)
    }))

  it('is held while the endpoint is disabled, and ends when it is deleted', () =>
    withPosthorn({}, async (posthorn, receiver, folder) => {
      const endpoint = await endpointAt(posthorn, receiver)
      fillPast(folder, endpoint, { count: 50, state: 'exhausted' })
      await posthorn.endpoints.disable('acme', endpoint.id)
      const { replay } = await posthorn.replays.create('acme', input())
      await until(posthorn, replay, ({ state }) => state === 'done')
      expect(await listDeliveries(posthorn.store, 'acme', { ...NONE, state: 'held' }, 100)).toHaveLength(50)
      expect(receiver.total).toBe(0)
      await posthorn.endpoints.enable('acme', endpoint.id, { held: 'release' })
      await until(posthorn, replay, isOver)
      expect(receiver.total).toBe(50)
      const events = fillPast(folder, endpoint, { count: 5_000, state: 'exhausted' })
      const second = (await posthorn.replays.create('acme', input())).replay
      await receiver.waitFor(() => receiver.total > 100, WAIT)
      await posthorn.endpoints.remove('acme', endpoint.id)
      const over = await until(posthorn, second, isOver)
      expect(over).toMatchObject({ state: 'done', deliveries: events.length })
      expect(over.made + over.skipped).toBe(events.length)
    }))

  it('is cancelled when its tenant is deleted, even while it is paused', () =>
    withPosthorn({ record: false }, async (posthorn, receiver, folder) => {
      const endpoint = await endpointAt(posthorn, receiver)
      fillPast(folder, endpoint, { count: 5_000, state: 'exhausted' })
      const { replay } = await posthorn.replays.create('acme', input())
      await posthorn.replays.pause('acme', replay.id)
      await posthorn.tenants.remove('acme')
      await posthorn.tenants.put('acme', {})
      expect(await until(posthorn, replay, isOver)).toMatchObject({ state: 'cancelled' })
      expect(await posthorn.store.write('dropReplayParts', { tenant: 'acme', replay: replay.id })).toBe(0)
    }))

  it('sends a failing endpoint at most one delivery a second, and continues when one succeeds', () => {
    const state = { isDown: true }
    const script = () => ({ status: state.isDown ? 500 : 204 })
    return withPosthorn({ record: false, script }, async (posthorn, receiver, folder) => {
      const endpoint = await endpointAt(posthorn, receiver, { schedule: [600] })
      fillPast(folder, endpoint, { count: 1_000, state: 'exhausted' })
      const { replay } = await posthorn.replays.create('acme', input())
      await receiver.waitFor(() => receiver.total >= 18, WAIT)
      const { made } = await posthorn.replays.get('acme', replay.id)
      expect(made).toBeLessThanOrEqual(receiver.total + 1)
      expect(made).toBeLessThan(40)
      state.isDown = false
      expect(await until(posthorn, replay, ({ endedAtMs }) => endedAtMs !== null)).toMatchObject({ made: 1_000 })
    })
  })

  it('creates all missing deliveries, however the configuration changes in the meantime', () =>
    withPosthorn({ record: false }, async (posthorn, receiver, folder) => {
      const [one, two] = [await endpointAt(posthorn, receiver), await endpointAt(posthorn, receiver)]
      fillPast(folder, one, { count: 3_000, state: 'delivered' })
      const { replay } = await posthorn.replays.create('acme', input({ missing: true }))
      expect(replay.deliveries).toBe(3_000)
      for (let round = 1; ; round++) {
        await posthorn.endpoints.update('acme', one.id, { description: `${round}` })
        if ((await posthorn.replays.get('acme', replay.id)).state === 'done') break
      }
      const over = await until(posthorn, replay, isOver)
      expect(over).toMatchObject({ deliveries: 3_000, made: 3_000, skipped: 0 })
      const events = new Set<string>()
      for (let before: string | null = null; ; ) {
        const page = await listDeliveries(posthorn.store, 'acme', { ...NONE, endpoint: two.id, before }, 1_000)
        for (const { event } of page) events.add(event)
        if (page.length < 1_000) break
        before = page.at(-1)!.id
      }
      expect([events.size, receiver.total]).toEqual([3_000, 3_000])
    }))

  it('that is too large to count in time is created anyway, and counted at its end', () =>
    withPosthorn({ record: false }, async (posthorn, receiver, folder) => {
      const endpoint = await endpointAt(posthorn, receiver)
      await endpointAt(posthorn, receiver)
      const events = fillPast(folder, endpoint, { count: 2_500, state: 'exhausted' })
      const replays = new Replays(posthorn.store, createReplayCounter(posthorn.store, systemClock, 0))
      expect(await replays.count('acme', input())).toBeNull()
      const { replay } = await replays.create('acme', input())
      expect(replay.deliveries).toBeNull()
      const over = await until(posthorn, replay, isOver)
      expect(over).toMatchObject({ state: 'done', deliveries: 2_500, made: 2_500, skipped: 0 })
      expect(receiver.distinct.size).toBe(events.length)
    }))

  it('of one event reaches every one of many endpoints', () =>
    withPosthorn({ record: false }, async (posthorn, receiver) => {
      const paths = Array.from({ length: 300 }, (_, index) => `/${index}`)
      for (const path of paths) await endpointAt(posthorn, receiver, { url: `${receiver.url}${path}` })
      const { events } = await posthorn.publish('acme', cover(1))
      await receiver.waitFor(() => receiver.total === 300, WAIT)
      const list = () => listDeliveries(posthorn.store, 'acme', { ...NONE, state: 'delivered' }, 1_000)
      await expect.poll(list, { timeout: 30_000 }).toHaveLength(300)
      const { replay } = await posthorn.replays.create('acme', input({ event: events[0]!.id }))
      expect(await until(posthorn, replay, isOver)).toMatchObject({ state: 'done', deliveries: 300, made: 300 })
      expect([...receiver.seen.values()].filter(count => count !== 2)).toEqual([])
    }))
})
