import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { idBytes, newId } from '../../src/base/ids.ts'
import { Search } from '../../src/services/search.ts'
import type { Found } from '../../src/store/operations/search.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

/** Names of all kinds are drawn from these, so that one text names several things. */
const NAMES = ['order-7', 'orders', 'a', 'T', 'evt_x', 'acme']
const aName = fc.constantFrom(...NAMES)

type World = {
  readonly tenant: string
  readonly endpoints: readonly {
    readonly uid: string | null
    readonly name: string | null
    readonly isDeleted: boolean
  }[]
  readonly events: readonly { readonly key: string | null; readonly isRemoved: boolean }[]
  /** The keys of rejected events, which several can have. */
  readonly rejected: readonly string[]
  readonly replays: readonly string[]
  readonly isDeleted: boolean
}

const aWorld: fc.Arbitrary<World> = fc.record({
  tenant: fc.oneof(aName, fc.stringMatching(/^[a-z]{8}$/)),
  endpoints: fc.uniqueArray(
    fc.record({ uid: fc.option(aName), name: fc.option(aName), isDeleted: fc.boolean() }),
    // Two endpoints that are not deleted can't have the same uid.
    { maxLength: 3, selector: ({ uid, isDeleted }) => (uid === null || isDeleted ? {} : uid) },
  ),
  events: fc.uniqueArray(fc.record({ key: fc.option(aName), isRemoved: fc.boolean() }), {
    maxLength: 3,
    selector: ({ key }) => key ?? {},
  }),
  rejected: fc.array(aName, { maxLength: 2 }),
  replays: fc.uniqueArray(aName, { maxLength: 2 }),
  isDeleted: fc.boolean(),
})

describe.each(engines())('the search on $name', engine => {
  let opened: Opened
  let search: Search

  beforeEach(async () => {
    opened = await engine.open()
    search = new Search(opened.store, systemClock)
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  /** Stores a world, and returns each thing in it with the texts that find it. */
  async function build(world: World): Promise<(readonly [texts: readonly string[], found: Found])[]> {
    const { store, run } = opened
    const { tenant } = world
    await aTenant(store, tenant)
    const all: (readonly [readonly string[], Found])[] = [
      [[tenant], { kind: 'tenant', tenant, id: tenant, name: null }],
    ]
    for (const { uid, name, isDeleted } of world.endpoints) {
      const endpoint = anEndpoint(tenant, { name })
      const { id, url } = endpoint
      await store.write('createEndpoint', { endpoint })
      await run('update endpoint set uid = $1, deleted_ms = $2 where id = $3', [uid, isDeleted ? 5 : null, idBytes(id)])
      const texts = [id, uid, name].filter(each => each !== null)
      all.push([texts, { kind: 'endpoint', tenant, id, uid, name, url, isDeleted }])
    }
    const target = anEndpoint(tenant)
    await store.write('createEndpoint', { endpoint: target })
    for (const { key, isRemoved } of world.events) {
      const event = anEvent([target], { key, hash: key === null ? null : bytes('h') })
      const request = await aRequest(store, tenant, [event])
      await store.publish({ ...request, nowMs: 1, keyExpiresAtMs: 1e15 })
      const delivery = event.deliveries![0]!.id
      all.push([[delivery], { kind: 'delivery', tenant, id: delivery }])
      if (isRemoved) await run('delete from event where id = $1', [idBytes(event.id)])
      else all.push([key === null ? [event.id] : [event.id, key], { kind: 'event', tenant, id: event.id, key }])
    }
    for (const key of world.replays) {
      const id = newId('rpl', Date.now())
      await run(
        `insert into replay (tenant, id, replay_key, hash, selection, as_of_ms, state, created_ms)
         values ($1, $2, $3, $4, '{}', 1, 'running', 1)`,
        [tenant, idBytes(id), key, bytes('h')],
      )
      all.push([[id, key], { kind: 'replay', tenant, id, key }])
    }
    const rejected: (readonly [readonly string[], Found & { readonly kind: 'event' }])[] = []
    for (const key of world.rejected) {
      const id = newId('evt', Date.now())
      await run(
        `insert into event (created_ms, test, tenant, id, type, payload, event_key, rejected)
         values (1, 0, $1, $2, 'T', $3, $4, '[]')`,
        [tenant, idBytes(id), bytes('{}'), key],
      )
      rejected.push([[id, key], { kind: 'event', tenant, id, key }])
    }
    if (!world.isDeleted) return [...all, ...rejected]
    await run('update tenant set deleted_ms = 9 where id = $1', [tenant])
    return rejected.map(([texts, found]) => [texts, { ...found, isOrphan: true }])
  }

  const sorted = (found: readonly Found[]): Found[] =>
    [...found].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

  it('finds what has this id, key, uid or name, and nothing else', async () => {
    const worlds = fc.uniqueArray(aWorld, { maxLength: 6, selector: ({ tenant }) => tenant })
    await opened.store.write('putEventType', {
      type: { name: 'T', group: 'g', description: 'd', schema: {}, example: {} },
      nowMs: 1,
    })
    const type: Found = { kind: 'event_type', tenant: null, id: 'T' }
    await fc.assert(
      fc.asyncProperty(worlds, async drawn => {
        const all: (readonly [readonly string[], Found])[] = [[['T'], type]]
        for (const world of drawn) all.push(...(await build(world)))
        const texts = new Set([...NAMES, 'nothing', newId('evt', 1), ...all.flatMap(([own]) => own)])
        for (const text of texts) {
          const expected = all.filter(([own]) => own.includes(text)).map(([, found]) => found)
          const everywhere = await search.find(text, { tenant: null, includesOperators: true })
          expect(sorted(everywhere.found), text).toEqual(sorted(expected))
          expect(everywhere.isComplete).toBe(true)
          for (const { tenant, isDeleted } of drawn) {
            if (isDeleted) continue
            const within = await search.find(text, { tenant, includesOperators: false })
            const own = expected.filter(found => found.tenant === tenant || found.kind === 'event_type')
            expect(sorted(within.found), `${text} in ${tenant}`).toEqual(sorted(own))
          }
        }
        for (const table of ['live_delivery', 'event', 'idempotency', 'replay', 'endpoint', 'tenant']) {
          await opened.run(`delete from ${table}`)
        }
      }),
      { numRuns: 10 },
    )
  }, 120_000)

  it('finds replays across tenants, for those who search all of them', async () => {
    const [id, other] = [newId('rpb', Date.now()), newId('rpb', Date.now())]
    for (const [batch, key] of [[id, 'outage'] as const, [other, other] as const]) {
      await opened.run(
        `insert into replay_batch (id, replay_key, hash, selection, as_of_ms, state, created_ms)
         values ($1, $2, $3, '{}', 1, 'running', 1)`,
        [idBytes(batch), key, bytes('h')],
      )
    }
    await aTenant(opened.store, 'acme')
    const find = async (text: string, tenant: string | null) =>
      (await search.find(text, { tenant, includesOperators: false })).found
    const batch = { kind: 'replay', tenant: null, id, key: 'outage' }
    expect([await find('outage', null), await find(id, null)]).toEqual([[batch], [batch]])
    expect(await find(other, null)).toEqual([{ ...batch, id: other, key: null }])
    expect([await find('outage', 'acme'), await find(id, 'acme')]).toEqual([[], []])
  })

  /** Adds tenants in one statement. */
  const fill = (count: number) =>
    opened.run(
      `insert into tenant (id, metadata, version, created_ms)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
       select 'tenant-' || (100000 + i), '{}', 1, 1 from n`,
    )

  it('searches five thousand tenants in six steps, then rejected events and names, in whichever of them it is', async () => {
    await fill(5_000)
    const ids: string[] = []
    for (const tenant of ['tenant-100001', 'tenant-101000', 'tenant-101001', 'tenant-105000']) {
      const event = anEvent([], { key: 'order-7', hash: bytes('h') })
      await opened.store.publish({ ...(await aRequest(opened.store, tenant, [event])), keyExpiresAtMs: 1e15 })
      ids.push(event.id)
    }
    const reads = vi.spyOn(opened.store, 'read')
    const found = await search.find('order-7', { tenant: null, includesOperators: true })
    expect([found.found.map(({ id }) => id), found.isComplete]).toEqual([ids, true])
    expect(reads).toHaveBeenCalledTimes(1 + 6 + 2)
    for (const id of ids) {
      expect((await search.find(id, { tenant: null, includesOperators: false })).found).toMatchObject([{ id }])
    }
  })

  it('says so if more was found than it shows, or if time was up', async () => {
    await fill(1_500)
    await opened.run(
      `insert into endpoint (id, tenant, partition, url, metadata, headers, ordered, state, created_ms, updated_ms, uid)
       select ${engine.name === 'sqlite' ? 'cast(substr(id, 1, 16) as blob)' : "decode(rpad(encode(convert_to(id, 'UTF8'), 'hex'), 32, '0'), 'hex')"},
         id, 0, 'https://x.example/', '{}', '{}', 0, 'enabled', 1, 1, 'orders' from tenant`,
    )
    const all = await search.find('orders', { tenant: null, includesOperators: false })
    expect([all.found.length, all.isComplete]).toEqual([100, false])
    expect((await search.find('orders', { tenant: 'tenant-101400', includesOperators: false })).found).toHaveLength(1)
    let nowMs = 0
    const slow = new Search(opened.store, { monotonicMs: () => (nowMs += 3_000) })
    expect(await slow.find('other', { tenant: null, includesOperators: false })).toEqual({
      found: [],
      isComplete: false,
    })
  })
})
