import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { firstIdAt, newId } from '../../src/base/ids.ts'
import type { Endpoint, EndpointId, ReplayId } from '../../src/base/model.ts'
import { createReplayCounter } from '../../src/replay/selection.ts'
import { type ReplayInput, Replays } from '../../src/services/replays.ts'
import { cancelReplay, mendParts } from '../../src/store/in-steps.ts'
import type { NewReplayPart } from '../../src/store/operations/replays/part-changes.ts'
import type { NewReplay } from '../../src/store/operations/replays/replays.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const PARTS = 1_200
const HOUR_MS = 3_600_000

const toPart = ({ id, partition }: Endpoint): NewReplayPart => ({ endpoint: id, partition, wanted: null })

describe.each(engines())('replays with more parts than one commit changes, on $name', engine => {
  let opened: Opened
  let store: Store
  const endpoints = Array.from({ length: PARTS }, () => anEndpoint('acme'))
  const parts = endpoints.map(toPart)

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    await aTenant(store, 'acme', endpoints)
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  /** Which endpoints' parts can be claimed, by claiming them all. */
  async function claimAll(): Promise<EndpointId[]> {
    const claimed: EndpointId[] = []
    while (await store.read('peekReplayParts', {})) {
      const some = await store.write('claimReplayParts', { limit: 500, claimMs: HOUR_MS })
      claimed.push(...some.map(({ endpoint }) => endpoint))
    }
    return claimed
  }

  const addAll = async (replay: ReplayId, tenant = 'acme', all = parts) => {
    for (let at = 0; at < all.length; at += 400) {
      await store.write('addReplayParts', { tenant, replay, parts: all.slice(at, at + 400) })
    }
  }

  async function create(tenant = 'acme', all = parts): Promise<NewReplay> {
    const id = newId('rpl', Date.now())
    const selection = { endpoint: null, event: null, types: null, missing: false, fromMs: null, toMs: null }
    const replay: NewReplay = {
      id,
      key: id,
      tenant,
      batch: null,
      selection: { ...selection, states: ['exhausted'] },
      deliveries: null,
      createdAtMs: Date.now(),
      hash: bytes('h'),
      asOfMs: Date.now(),
      parts: [],
      hasParts: true,
      maxOpen: 10,
    }
    await addAll(id, tenant, all)
    expect(await store.write('createReplay', replay)).toEqual({ kind: 'created' })
    return replay
  }

  const move = (replay: ReplayId, tenant = 'acme') => store.write('moveReplayParts', { tenant, replay })
  const set = ({ key }: NewReplay, to: 'running' | 'paused' | 'cancelled') =>
    store.write('setReplayState', { tenant: 'acme', name: key, to, nowMs: 9_000 })

  it('leave parts to claim for other tenants, however many one has', async () => {
    const released = async (tenant: string, of: readonly Endpoint[]) => {
      if (tenant !== 'acme') await aTenant(store, tenant, of)
      const { id } = await create(tenant, of.map(toPart))
      while ((await move(id, tenant)) > 0);
    }
    await released('acme', endpoints)
    await released('beta', [anEndpoint('beta'), anEndpoint('beta')])
    await released('gamma', [anEndpoint('gamma'), anEndpoint('gamma')])
    const claim = async (limit: number, after: string) => {
      const claimed = await store.write('claimReplayParts', { limit, claimMs: HOUR_MS, after })
      return claimed.map(({ tenant }) => tenant)
    }
    expect(await claim(2, '')).toEqual(['acme', 'beta'])
    expect(await claim(2, 'beta')).toEqual(['gamma', 'acme'])
    expect(await claim(7, 'acme')).toEqual(['beta', 'gamma', 'acme', 'acme', 'acme', 'acme', 'acme'])
    expect(await claim(3, 'acme')).toEqual(['acme', 'acme', 'acme'])
  })

  it('release their parts some at a time, take them back, and release them again: each can be claimed once', async () => {
    const replay = await create()
    expect(await claimAll()).toEqual([])
    expect([await move(replay.id), await move(replay.id)]).toEqual([500, 500])
    expect([await move(replay.id), await move(replay.id)]).toEqual([200, 0])
    await set(replay, 'paused')
    // Those that are not taken back yet can't be worked on.
    expect(await claimAll()).toEqual([])
    while ((await move(replay.id)) > 0);
    expect(await store.read('peekReplayParts', {})).toBe(false)
    await set(replay, 'running')
    while ((await move(replay.id)) > 0);
    expect((await claimAll()).sort()).toEqual(endpoints.map(({ id }) => id).sort())
  })

  it('end when they are cancelled and all parts are removed, some at a time', async () => {
    const replay = await create()
    await set(replay, 'cancelled')
    expect(await move(replay.id)).toBe(0)
    const cancel = () => store.write('cancelReplayed', { tenant: 'acme', replay: replay.id, limit: 9, nowMs: 7_000 })
    expect([await cancel(), await cancel()]).toEqual([
      { lanes: [], isEnded: false },
      { lanes: [], isEnded: false },
    ])
    expect(await cancel()).toEqual({ lanes: [], isEnded: true })
    expect((await store.read('getReplay', { tenant: 'acme', name: replay.key }))?.replay).toMatchObject({
      state: 'cancelled',
      endedAtMs: 7_000,
    })
    await cancelReplay(store, { tenant: 'acme', replay: replay.id })
    expect(await store.write('dropReplayParts', { tenant: 'acme', replay: replay.id })).toBe(0)
  })

  it('are completed, or removed, after a crash between two commits', async () => {
    const unreleased = await create()
    await move(unreleased.id)
    const paused = await create()
    await set(paused, 'paused')
    const young = newId('rpl', Date.now())
    const old = firstIdAt('rpl', Date.now() - 2 * HOUR_MS)
    await addAll(young)
    await addAll(old)
    expect(await store.read('findUnreleasedReplays', {})).toEqual([{ tenant: 'acme', replay: unreleased.id }])
    await mendParts(store)
    expect(await store.read('findUnreleasedReplays', {})).toEqual([])
    expect(await claimAll()).toHaveLength(PARTS)
    const drop = (replay: ReplayId) => store.write('dropReplayParts', { tenant: 'acme', replay })
    expect(await drop(old)).toBe(0)
    // It might be created at any moment.
    expect(await drop(young)).toBe(500)
    expect(await drop(paused.id)).toBe(500)
  })

  it('are created, paused, resumed and cancelled by calls as others are', async () => {
    const replays = new Replays(store, createReplayCounter(store, systemClock))
    const type = { name: 'T', group: 'g', description: 'd', schema: {}, example: {} }
    await store.write('putEventType', { type, nowMs: 1 })
    await store.publish(await aRequest(store, 'acme', [anEvent([])]))
    const [none, input] = [null, { key: 'x', missing: true, states: null }] as const
    const rest = { endpoint: none, event: none, types: ['T'], fromMs: none, toMs: none }
    const wanted: ReplayInput = { ...input, ...rest }
    const { replay } = await replays.create('acme', wanted)
    expect(replay).toMatchObject({ deliveries: PARTS, state: 'running' })
    expect(await replays.create('acme', wanted)).toMatchObject({ isDuplicate: true })
    await replays.pause('acme', 'x')
    expect(await store.read('peekReplayParts', {})).toBe(false)
    await replays.resume('acme', 'x')
    expect(await claimAll()).toHaveLength(PARTS)
    expect(await replays.cancel('acme', 'x')).toMatchObject({ state: 'cancelled', endedAtMs: expect.any(Number) })
    expect(await store.write('dropReplayParts', { tenant: 'acme', replay: replay.id })).toBe(0)
  })
})
