import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newestFirst } from '../../src/api/http/lists.ts'
import { idBytes, newId } from '../../src/base/ids.ts'
import { type Endpoint, RETURNING } from '../../src/base/model.ts'
import { EndpointLists } from '../../src/services/endpoints/endpoint-lists.ts'
import { type HealthState, readHealth } from '../../src/services/endpoints/health-report.ts'
import type { NextStep } from '../../src/store/operations/deliveries/settlement.ts'
import type { Place } from '../../src/store/where.ts'
import { HandClock } from '../hand-clock.ts'
import { anAttempt, anEndpoint, anEvent, aRequest, aSettlement, aTenant, bytes } from './builders.ts'
import { ANY_ENDPOINT } from './endpoints-of.ts'
import { engines, type Opened } from './engines.ts'

const TENANTS = ['acme', 'beta', 'posthorn']
const URLS = ['https://hooks.example.com/a', 'https://hooks.example.com/B_%25', 'https://other.example.com/']
const TYPES = [null, ['A'], ['A*'], ['B', 'C']]

type Drawn = {
  readonly tenant: string
  readonly url: string
  readonly types: readonly string[] | null
  readonly isDisabled: boolean
  readonly isDeleted: boolean
  readonly uid: string | null
  readonly name: string | null
  readonly health: HealthState
}

const anyEndpoint: fc.Arbitrary<Drawn> = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  url: fc.constantFrom(...URLS),
  types: fc.constantFrom(...TYPES),
  isDisabled: fc.boolean(),
  isDeleted: fc.constantFrom(false, false, false, true),
  uid: fc.constantFrom(null, null, 'billing'),
  name: fc.constantFrom(null, 'The First ü', 'Ü and x_'),
  health: fc.constantFrom<HealthState>('failing', 'paused', 'healthy', 'unknown'),
})

const aQuery = fc.record({
  tenant: fc.option(fc.constantFrom(...TENANTS)),
  states: fc.option(fc.uniqueArray(fc.constantFrom('enabled', 'disabled'), { minLength: 1 })),
  health: fc.option(fc.uniqueArray(fc.constantFrom('failing', 'paused', 'healthy', 'unknown'), { minLength: 1 })),
  uid: fc.option(fc.constantFrom('billing', 'other'), { nil: undefined }),
  url: fc.option(fc.constantFrom('HOOKS.example', '/b_%', '/b_%25', 'https://', 'x'), { nil: undefined }),
  text: fc.option(fc.constantFrom('BILL', 'b_%', 'hooks', 'first ü', 'Ü', 'x_'), { nil: undefined }),
  types: fc.option(fc.constantFrom(['A'], ['B'], ['AB', 'C'])),
  limit: fc.integer({ min: 1, max: 4 }),
})

const accepts = (types: readonly string[] | null, type: string): boolean =>
  types === null || types.some(each => each === type || (each === 'A*' && type.startsWith('A')))

/** Upper and lower case of the letters A to Z are the same. */
const hasText = (whole: string | null, part: string): boolean => {
  const lower = (text: string) => text.replaceAll(/[A-Z]/g, letter => letter.toLowerCase())
  return whole !== null && lower(whole).includes(lower(part))
}

describe.each(engines())('endpoints on $name', engine => {
  let opened: Opened

  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  const run = (text: string, ...params: (string | number | Uint8Array | null)[]) => opened.run(text, params)

  /** An ended delivery to the endpoint. */
  const ended = (endpoint: string, state: string) =>
    run(
      `insert into delivery (tenant, id, endpoint, event, type, state, attempts, test, created_ms, ended_ms)
       values ('acme', $1, $2, $3, 'T', $4, 1, 0, 1, 1)`,
      idBytes(newId('dlv', Date.now())),
      idBytes(endpoint),
      idBytes(newId('evt', Date.now())),
      state,
    )

  async function store(drawn: Drawn): Promise<Endpoint> {
    const endpoint = anEndpoint(drawn.tenant, { url: drawn.url, types: drawn.types, name: drawn.name })
    const { id } = endpoint
    await opened.store.write('createEndpoint', { endpoint })
    const isUidFree = drawn.uid !== null && !drawn.isDeleted && !taken.has(drawn.tenant)
    if (isUidFree) taken.add(drawn.tenant)
    const failingMs = drawn.health === 'failing' ? 5 : null
    const pausedMs = drawn.health === 'paused' ? Date.now() + 3_600_000 : drawn.health === 'unknown' ? 5 : null
    await run(
      `update endpoint set uid = $1, state = $2, deleted_ms = $3, failing_since_ms = $4, paused_until_ms = $5 where id = $6`,
      isUidFree ? drawn.uid : null,
      drawn.isDisabled ? 'disabled' : 'enabled',
      drawn.isDeleted ? 5 : null,
      failingMs,
      pausedMs,
      idBytes(id),
    )
    if (drawn.health === 'healthy') for (const state of ['delivered', 'cancelled']) await ended(id, state)
    if (drawn.health === 'unknown') await ended(id, 'exhausted')
    return endpoint
  }
  const taken = new Set<string>()

  it('are found by tenant, state, health, uid, URL and event type, once, newest first and in both directions', async () => {
    for (const tenant of TENANTS.slice(0, 2)) await aTenant(opened.store, tenant)
    await opened.run(
      `insert into tenant (id, metadata, version, created_ms) values ('posthorn', '{}', 1, 1) on conflict do nothing`,
    )
    const clock = new HandClock()
    const lists = new EndpointLists(opened.store, clock)
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEndpoint, { minLength: 5, maxLength: 12 }),
        fc.array(aQuery, { minLength: 6, maxLength: 6 }),
        async (drawn, queries) => {
          await opened.run('delete from endpoint')
          await opened.run('delete from delivery')
          taken.clear()
          const all: (Drawn & { readonly id: string })[] = []
          for (const one of drawn) {
            const isFree = one.uid !== null && !one.isDeleted && !taken.has(one.tenant)
            all.unshift({ ...one, uid: isFree ? one.uid : null, id: (await store(one)).id })
          }
          for (const { tenant, states, health, uid, url, text, types, limit } of queries) {
            const expected = all
              .filter(one => !one.isDeleted && (tenant === null || one.tenant === tenant))
              .filter(one => states === null || states.includes(one.isDisabled ? 'disabled' : 'enabled'))
              .filter(one => health === null || health.includes(one.health))
              .filter(one => uid === undefined || one.uid === uid)
              .filter(one => url === undefined || one.url.toLowerCase().includes(url.toLowerCase()))
              .filter(one => text === undefined || [one.url, one.name, one.uid].some(part => hasText(part, text)))
              .filter(one => types === null || types.some(type => accepts(one.types, type)))
              .map(({ id }) => id)
            const selection = await lists.selectOfAll(tenant, { states, health, uid, url, text, types })
            const walk = async (way: 'nextCursor' | 'prevCursor', from?: string) => {
              const shown: string[] = []
              let cursor: string | null | undefined = from
              let other: string | null
              do {
                const pager = newestFirst('ep', cursor === undefined ? { limit } : { limit, cursor })
                const found = await lists.find(selection, pager.place, pager.count)
                const page = pager.foundPage(
                  found,
                  ({ id }) => id,
                  ({ id }) => id,
                )
                shown.splice(way === 'nextCursor' ? shown.length : 0, 0, ...page.data)
                other = way === 'nextCursor' ? page.prevCursor : page.nextCursor
                cursor = page[way]
              } while (cursor !== null)
              return { shown, other }
            }
            const forth = await walk('nextCursor')
            expect(forth.shown).toEqual(expected)
            if (forth.other === null) continue
            const back = await walk('prevCursor', forth.other)
            expect(back.shown).toEqual(expected.slice(0, back.shown.length))
            expect(expected.length - back.shown.length).toBeLessThanOrEqual(limit)
          }
        },
      ),
      { numRuns: engine.name === 'sqlite' ? 25 : 8 },
    )
  }, 300_000)

  it('are looked at a limited number at a time, and the search continues where it ended', async () => {
    await aTenant(opened.store, 'acme')
    const ids: string[] = []
    for (let at = 0; at < 7; at++) {
      const endpoint = anEndpoint('acme', { url: URLS[at === 0 ? 2 : 0]! })
      await opened.store.write('createEndpoint', { endpoint })
      ids.unshift(endpoint.id)
    }
    const find = { tenant: null, states: null, health: null, uid: null, url: 'other', text: null, nowMs: 1 }
    const bounds = { limit: 9, rows: 3, maxBytes: 1_000_000 }
    const read = (place: object) => opened.store.read('findEndpoints', { ...find, ...bounds, before: null, ...place })
    expect(await read({})).toEqual({ items: [], bytes: [], goesOnAt: ids[2] })
    expect(await read({ before: ids[2] })).toEqual({ items: [], bytes: [], goesOnAt: ids[5] })
    expect(await read({ before: ids[5] })).toMatchObject({ items: [{ id: ids[6] }], goesOnAt: null })
    expect(await read({ before: undefined, after: null })).toMatchObject({ items: [{ id: ids[6] }], goesOnAt: ids[4] })
  })

  it('are returned up to a size, at least one, and the search continues behind the last', async () => {
    await aTenant(opened.store, 'acme')
    const ids: string[] = []
    for (const size of [10_000, 10, 30_000, 10, 10]) {
      const endpoint = anEndpoint('acme', { description: 'd'.repeat(size) })
      await opened.store.write('createEndpoint', { endpoint })
      ids.unshift(endpoint.id)
    }
    const find = { ...ANY_ENDPOINT, tenant: null, limit: 9, rows: 9, maxBytes: 20_000 }
    const read = async (place: Place) => {
      const { items, bytes, goesOnAt } = await opened.store.read('findEndpoints', { ...find, ...place })
      expect(bytes).toHaveLength(items.length)
      return [items.map(({ id }) => ids.indexOf(id)), goesOnAt === null ? null : ids.indexOf(goesOnAt)]
    }
    expect(await read({ before: null })).toEqual([[0, 1], 1])
    expect(await read({ before: ids[1]! })).toEqual([[2], 2])
    expect(await read({ before: ids[2]! })).toEqual([[3, 4], null])
    expect(await read({ after: null })).toEqual([[4, 3], 3])
    expect(await read({ after: ids[3]! })).toEqual([[2], 2])
    expect(await read({ after: ids[2]! })).toEqual([[1, 0], null])
  })

  it('are found by type or health behind very many that only look like it', async () => {
    const wanted = anEndpoint('acme', { types: ['A'] })
    const others = Array.from({ length: 205 }, () => anEndpoint('acme', { types: ['B'] }))
    await aTenant(opened.store, 'acme', [wanted, ...others])
    await ended(wanted.id, 'delivered')
    const lists = new EndpointLists(opened.store, new HandClock())
    for (const query of [{ types: ['A'] }, { health: ['healthy'] }]) {
      const found = await lists.find(await lists.select('acme', query), { before: null }, 9)
      expect(found).toMatchObject({ items: [{ id: wanted.id }], goesOnAt: null, isCutShort: false })
    }
  })

  describe('report how their receivers do', () => {
    /** Publishes an event and settles its delivery. */
    async function attempt(endpoint: Endpoint, step: NextStep, over: object): Promise<void> {
      await opened.store.publish(await aRequest(opened.store, endpoint.tenant, [anEvent([endpoint])]))
      const { id, partition } = endpoint
      const lane = await opened.store.readLane({ endpoint: id, partition, limit: 99, maxPayloadBytes: 0 })
      const item = lane.find(({ attempts }) => attempts === 0)!
      const { epoch } = (await opened.store.write('takePartitions', { node: new Uint8Array(16) })).held[0]!
      await opened.store.settle(aSettlement(item, step, { epoch, attempt: anAttempt(1, over) }))
    }
    const failing = { failingSinceMs: 5, stage: 1, pausedUntilMs: null }
    const report = async (endpoint: Endpoint, health: Endpoint['health'] = endpoint.health) =>
      (await readHealth(opened.store, [{ ...endpoint, health }], 1_000)).get(endpoint.id)!

    it('by the newest failure among pending, held and ended deliveries', async () => {
      const endpoint = anEndpoint('acme')
      await aTenant(opened.store, 'acme', [endpoint])
      expect(await report(endpoint, failing)).toEqual({
        state: 'failing',
        failingSinceMs: 5,
        lastFailure: null,
        pausedUntilMs: null,
      })
      const steps: [NextStep, object, object][] = [
        [
          { kind: 'exhausted' },
          { startedAtMs: 100, durationMs: 5, status: 500, error: 'http_server_error' },
          { endedAtMs: 105, status: 500, error: 'http_server_error' },
        ],
        [
          { kind: 'retry', dueAtMs: 5_000 },
          { startedAtMs: 200, durationMs: 9, status: null, error: 'connect_timeout' },
          { endedAtMs: 209, status: null, error: 'connect_timeout' },
        ],
        [
          { kind: 'retry', dueAtMs: 1_500 },
          { startedAtMs: 300, durationMs: 1, status: 404, error: 'http_client_error' },
          { endedAtMs: 301, status: 404, error: 'http_client_error' },
        ],
      ]
      for (const [step, over, lastFailure] of steps) {
        await attempt(endpoint, step, over)
        expect((await report(endpoint, failing)).lastFailure).toEqual(lastFailure)
      }
      await opened.store.write('setEndpointState', {
        tenant: 'acme',
        id: endpoint.id,
        state: 'disabled',
        reason: 'manual',
        nowMs: 1,
      })
      await opened.store.write('holdDeliveries', { partition: 7, endpoint: endpoint.id, limit: 99 })
      expect((await report(endpoint, failing)).lastFailure).toEqual(steps[2]![2])
      // As if all of it was stored before deliveries kept their last attempt.
      for (const table of ['live_delivery', 'delivery'])
        await run(`update ${table} set last_started_ms = null, last_error = null`)
      expect((await report(endpoint, failing)).lastFailure).toEqual(steps[2]![2])
    })

    it('as healthy only after a success, and as unknown after they were enabled again', async () => {
      const [endpoint, other] = [anEndpoint('acme'), anEndpoint('acme')]
      await aTenant(opened.store, 'acme', [endpoint!, other!])
      const stateOf = async (health: Endpoint['health']) => (await report(endpoint!, health)).state
      const well = { failingSinceMs: null, stage: 0, pausedUntilMs: null }
      expect(await stateOf(well)).toBe('unknown')
      await ended(endpoint!.id, 'exhausted')
      expect(await stateOf(well)).toBe('unknown')
      await ended(endpoint!.id, 'delivered')
      expect(await stateOf(well)).toBe('healthy')
      expect((await report(other!, well)).state).toBe('unknown')
      expect(await stateOf({ ...well, stage: RETURNING })).toBe('unknown')
      expect(await stateOf({ ...well, pausedUntilMs: 1_000 })).toBe('healthy')
      expect(await stateOf({ ...well, pausedUntilMs: 1_001 })).toBe('paused')
      expect(await report(endpoint!, { ...failing, pausedUntilMs: 1_001 })).toMatchObject({
        state: 'failing',
        pausedUntilMs: 1_001,
      })
    })
  })

  it('that share a secret with another of their tenant are told apart from the others', async () => {
    const secrets = ['a', 'a', 'b', 'c', null]
    const endpoints = secrets.map(secret =>
      anEndpoint('acme', { secretDigest: secret === null ? null : bytes(secret) }),
    )
    await aTenant(opened.store, 'acme', endpoints.slice(0, 4))
    await aTenant(opened.store, 'beta', [anEndpoint('beta', { secretDigest: bytes('c') })])
    const shared = (...some: Endpoint[]) => opened.store.read('findSharedSecrets', { endpoints: some })
    const [first, second, third] = endpoints as [Endpoint, Endpoint, Endpoint]
    expect(await shared(...endpoints)).toEqual(new Set([first.id, second.id]))
    expect(await shared(first)).toEqual(new Set([first.id]))
    expect(await shared(third)).toEqual(new Set())
    expect(await shared()).toEqual(new Set())
    const notStored = anEndpoint('acme', { secretDigest: bytes('b') })
    expect(await shared(notStored)).toEqual(new Set([notStored.id]))
  })
})
