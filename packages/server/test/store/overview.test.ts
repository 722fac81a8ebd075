import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/base/durations.ts'
import { firstIdAt, idBytes, newId } from '../../src/base/ids.ts'
import { noCounts, type StatEntry } from '../../src/store/operations/stats.ts'
import { anEndpoint, aTenant } from './builders.ts'
import { populate } from './delivery-population.ts'
import { engines, type Opened } from './engines.ts'

const TENANTS = ['acme', 'beta', 'gamma', 'quiet']
const NOW = 20_000 * DAY_MS

type Drawn = {
  readonly tenant: string
  readonly isDisabled: boolean
  readonly isDeleted: boolean
  readonly failingMs: number | null
  readonly disabledMs: number | null
  readonly secretMs: number | null
  readonly certificateMs: number | null
}

const aTime = fc.option(fc.integer({ min: 1, max: 8 }))
const anyEndpoint: fc.Arbitrary<Drawn> = fc.record({
  tenant: fc.constantFrom('acme', 'acme', 'beta', 'gamma'),
  isDisabled: fc.boolean(),
  isDeleted: fc.constantFrom(false, false, false, true),
  failingMs: aTime,
  disabledMs: aTime,
  secretMs: aTime,
  certificateMs: aTime,
})

/** What an endpoint has to do with each kind of trouble: its time, null if it has none, or undefined if it isn't one. */
const TIMES = {
  failing: ({ isDisabled, failingMs }: Drawn) => (isDisabled ? undefined : (failingMs ?? undefined)),
  disabled: ({ isDisabled, disabledMs }: Drawn) => (isDisabled ? disabledMs : undefined),
  secret: ({ isDisabled, secretMs }: Drawn) => (isDisabled ? undefined : (secretMs ?? undefined)),
  certificate: ({ isDisabled, certificateMs }: Drawn) => (isDisabled ? undefined : (certificateMs ?? undefined)),
} as const

describe.each(engines())('the overview on $name', engine => {
  let opened: Opened
  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  async function store(drawn: Drawn): Promise<string> {
    const endpoint = anEndpoint(drawn.tenant, { url: `https://${drawn.tenant}.example.com/` })
    await opened.store.write('createEndpoint', { endpoint })
    await opened.run(
      `update endpoint set state = $1, deleted_ms = $2, failing_since_ms = $3, disabled_ms = $4, secret_expires_ms = $5,
         certificate_expires_ms = $6 where id = $7`,
      [
        drawn.isDisabled ? 'disabled' : 'enabled',
        drawn.isDeleted ? 5 : null,
        drawn.failingMs,
        drawn.disabledMs,
        drawn.secretMs,
        drawn.certificateMs,
        idBytes(endpoint.id),
      ],
    )
    return endpoint.id
  }

  it('finds the endpoints with each kind of trouble, by tenant, and the first ones of each', async () => {
    for (const tenant of TENANTS) await aTenant(opened.store, tenant)
    const aQuery = fc.record({
      trouble: fc.constantFrom('failing', 'disabled', 'secret', 'certificate'),
      tenant: fc.option(fc.constantFrom(...TENANTS)),
      untilMs: fc.option(fc.integer({ min: 0, max: 9 })),
      limit: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEndpoint, { minLength: 4, maxLength: 12 }),
        fc.array(aQuery, { minLength: 8, maxLength: 8 }),
        async (drawn, queries) => {
          await opened.run('delete from endpoint')
          const all: (Drawn & { readonly id: string })[] = []
          for (const one of drawn) all.push({ ...one, id: await store(one) })
          for (const { trouble, tenant, untilMs, limit } of queries) {
            const timeOf = TIMES[trouble]
            const order = trouble === 'disabled' ? -1 : 1
            const fits = (one: Drawn) => {
              const time = timeOf(one)
              if (time === undefined || one.isDeleted) return false
              return untilMs === null || (time !== null && time <= untilMs)
            }
            const matching = all.filter(one => fits(one) && (tenant === null || one.tenant === tenant))
            const found = await opened.store.read('findTroubledTenants', { trouble, tenant, untilMs })
            const expected = TENANTS.flatMap(of => {
              const own = matching.filter(one => one.tenant === of)
              if (own.length === 0) return []
              const times = own.flatMap(one => timeOf(one) ?? []).sort((a, b) => order * (a - b))
              return [{ tenant: of, endpoints: own.length, firstMs: times[0] ?? null }]
            })
            expect(found).toEqual({ tenants: expected, areAll: true, areCounted: true })
            const tenants = expected.map(one => one.tenant)
            const first = await opened.store.read('findTroubled', { trouble, tenants, untilMs, limit })
            const wanted = tenants.flatMap(of => {
              const own = matching.filter(one => one.tenant === of && timeOf(one) !== null)
              const sorted = own.toSorted((a, b) => order * (timeOf(a)! - timeOf(b)!) || order * (a.id < b.id ? -1 : 1))
              return sorted.slice(0, limit).map(one => [of, one.id, timeOf(one)])
            })
            expect(first.map(one => [one.tenant, one.id, one.sinceMs])).toEqual(wanted)
          }
        },
      ),
      { numRuns: 12 },
    )
  })

  it('says so if a tenant has more failing endpoints than are counted, and hides no other tenant behind them', async () => {
    for (const tenant of ['acme', 'beta']) await aTenant(opened.store, tenant, [anEndpoint(tenant)])
    await opened.run(`update endpoint set failing_since_ms = 7`)
    const columns = [
      'tenant',
      'partition',
      'url',
      'metadata',
      'headers',
      'ordered',
      'state',
      'created_ms',
      'updated_ms',
    ]
    const rows = 1_000
    await opened.run(
      `insert into endpoint (id, ${columns.join(', ')}, failing_since_ms)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
         select ${engine.name === 'sqlite' ? `cast(substr('0000000000000000' || i, -16) as blob)` : `convert_to(lpad(i::text, 16, '0'), 'UTF8')`},
           ${columns.map(column => `e.${column}`).join(', ')}, 5 from n, endpoint e where e.tenant = 'acme'`,
    )
    const ask = (tenant: string | null) =>
      opened.store.read('findTroubledTenants', { trouble: 'failing', tenant, untilMs: null })
    expect(await ask(null)).toEqual({
      tenants: [
        { tenant: 'acme', endpoints: null, firstMs: 5 },
        { tenant: 'beta', endpoints: 1, firstMs: 7 },
      ],
      areAll: true,
      areCounted: false,
    })
    expect((await ask('acme')).tenants).toEqual([{ tenant: 'acme', endpoints: rows + 1, firstMs: 5 }])
  })

  it('counts the deliveries of a tenant that have not ended, and those of endpoints, up to a limit', async () => {
    const { deliveries, endpoints, nowMs } = await populate(opened, 150, 3)
    for (const tenant of ['acme', 'beta']) {
      const own = deliveries.filter(delivery => delivery.tenant === tenant)
      const pending = own.filter(({ state }) => state === 'pending')
      const due = pending.filter(({ dueAtMs }) => dueAtMs! <= nowMs)
      const least = (times: readonly number[]) => (times.length === 0 ? null : Math.min(...times))
      expect(await opened.store.read('countUnended', { tenant, nowMs })).toEqual({
        pending: pending.length,
        due: due.length,
        oldestDueMs: least(due.map(({ dueAtMs }) => dueAtMs!)),
        oldestMs: least(pending.map(({ createdAtMs }) => createdAtMs)),
        held: own.filter(({ state }) => state === 'held').length,
        setAside: own.filter(({ heldReason }) => heldReason === 'set_aside').length,
        isCutShort: false,
      })
    }
    const unended = (id: string) =>
      deliveries.filter(({ endpoint, state }) => endpoint === id && (state === 'pending' || state === 'held')).length
    const counted = await opened.store.read('countQueues', { endpoints, limit: 1_000 })
    const ofTenants = endpoints.filter(({ tenant }) => tenant !== 'gone')
    expect(ofTenants.map(({ id }) => counted.get(id) ?? 0)).toEqual(ofTenants.map(({ id }) => unended(id)))
    const few = await opened.store.read('countQueues', { endpoints, limit: 2 })
    expect(ofTenants.map(({ id }) => few.get(id) ?? 0)).toEqual(ofTenants.map(({ id }) => Math.min(unended(id), 2)))
    const pending = await opened.store.read('countPending', { after: null, limit: 1_000 })
    const all = deliveries.filter(({ state }) => state === 'pending')
    expect(pending.count).toBeGreaterThanOrEqual(all.length)
    const due = pending.partitions.reduce((sum, partition) => sum + partition.due, 0)
    expect(due).toBeGreaterThan(0)
    expect(due).toBeLessThan(pending.count)
    const since = pending.partitions.map(({ dueSinceMs }) => dueSinceMs ?? Number.POSITIVE_INFINITY)
    expect(Math.min(...since)).toBeLessThanOrEqual(Math.min(...all.map(({ dueAtMs }) => dueAtMs!)))
  })

  it('counts held deliveries, open replays and recent rejected events', async () => {
    const { deliveries, nowMs } = await populate(opened, 60, 5)
    const count = (tenant: string | null, rejectedFromMs = nowMs - HOUR_MS) =>
      opened.store.read('countForOverview', { tenant, rejectedFromMs })
    const none = { openReplays: 0, openBatches: 0, rejected: 0 }
    const held = (await count(null)).held!
    expect(held).toBeGreaterThanOrEqual(deliveries.filter(({ state }) => state === 'held').length)
    expect(await count(null)).toEqual({ ...none, held })
    expect(await count('acme')).toEqual({ ...none, held: null })
    const reject = (tenant: string, atMs: number) =>
      opened.run(
        `insert into event (tenant, id, type, payload, test, created_ms, rejected) values ($1, $2, 'T', $3, 0, $4, '[]')`,
        [tenant, idBytes(firstIdAt('evt', atMs)), new Uint8Array(0), atMs],
      )
    await reject('acme', nowMs - 2 * HOUR_MS)
    await reject('acme', nowMs - 1)
    await reject('unknown', nowMs - 2)
    await opened.run(
      `insert into replay (tenant, id, replay_key, hash, selection, as_of_ms, state, created_ms, ended_ms)
       values ('acme', $1, 'a', $1, '{}', 1, 'running', 1, null), ('acme', $2, 'b', $2, '{}', 1, 'done', 1, 2),
         ('beta', $3, 'c', $3, '{}', 1, 'paused', 1, null)`,
      [1, 2, 3].map(ms => idBytes(firstIdAt('rpl', ms))),
    )
    expect(await count(null)).toEqual({ held, openReplays: 2, openBatches: 0, rejected: 2 })
    expect(await count('acme')).toEqual({ held: null, openReplays: 1, openBatches: 0, rejected: 1 })
    expect((await count('acme', nowMs - 3 * HOUR_MS)).rejected).toBe(2)
  })

  const entry = (endpoint: string, startMs: number, counts: object): StatEntry => ({
    endpoint,
    startMs,
    counts: { ...noCounts(), ...counts },
    latencies: new Map([[5, 1]]),
  })
  const add = (...entries: StatEntry[]) => opened.store.writeApart('addStats', { entries }, 10_000)

  it('adds up the statistics of all tenants, also of those deleted since, on any number of nodes', async () => {
    const endpoints = ['acme', 'beta', 'posthorn'].map(tenant => anEndpoint(tenant))
    for (const endpoint of endpoints) await aTenant(opened.store, endpoint.tenant, [endpoint])
    await Promise.all(
      endpoints.map((endpoint, at) => add(entry(endpoint.id, NOW, { delivered: 1 + at, status_2xx: 1 + at }))),
    )
    await opened.store.write('deleteTenant', { id: 'acme', nowMs: NOW })
    await opened.store.write('removeStats', { tenant: 'acme', limit: 100 })
    await add(entry(endpoints[1]!.id, NOW + HOUR_MS, { exhausted: 4 }))
    const read = async (grain: 'hour' | 'day') => {
      const query = { tenant: null, endpoint: null, grain, fromMs: NOW, toMs: NOW + DAY_MS }
      const stats = await opened.store.read('readStats', query)
      return stats.map(({ startMs, counts, latencies }) => [
        startMs - NOW,
        counts.delivered,
        counts.exhausted,
        latencies.get(5),
      ])
    }
    expect(await read('day')).toEqual([[0, 6, 4, 4]])
    expect(await read('hour')).toEqual([
      [0, 6, 0, 3],
      [HOUR_MS, 0, 4, 1],
    ])
  })

  it('adds up the statistics of each tenant and endpoint over a period, a few tenants at a time', async () => {
    const of = Object.fromEntries([...TENANTS, 'posthorn'].map(tenant => [tenant, anEndpoint(tenant)]))
    for (const [tenant, endpoint] of Object.entries(of)) await aTenant(opened.store, tenant, [endpoint])
    const other = anEndpoint('acme')
    await opened.store.write('createEndpoint', { endpoint: other })
    await add(
      entry(of.acme!.id, NOW, { delivered: 1 }),
      entry(other.id, NOW + HOUR_MS, { delivered: 2, status_5xx: 1 }),
      entry(of.acme!.id, NOW + DAY_MS, { delivered: 100 }),
      entry(of.beta!.id, NOW + HOUR_MS, { exhausted: 3 }),
      entry(of.posthorn!.id, NOW, { delivered: 5 }),
    )
    const steps = { grain: 'hour', fromMs: NOW, toMs: NOW + DAY_MS } as const
    const found: unknown[] = []
    const ends: (string | null)[] = []
    let afterTenant: string | null = null
    do {
      const part: { tenants: readonly { tenant: string; counts: object }[]; lastTenant: string | null } =
        await opened.store.read('sumStatsOfTenants', { ...steps, afterTenant, limit: 2 })
      found.push(...part.tenants)
      ends.push(part.lastTenant)
      afterTenant = part.lastTenant
    } while (afterTenant !== null)
    expect(found).toEqual([
      { tenant: 'acme', counts: { ...noCounts(), delivered: 3, status_5xx: 1 } },
      { tenant: 'beta', counts: { ...noCounts(), exhausted: 3 } },
    ])
    expect(ends).toEqual(['beta', 'posthorn', null])
    const endpoints = [of.acme!, other, of.quiet!].map(({ tenant, id }) => ({ tenant, id }))
    const sums = await opened.store.read('sumStatsOfEndpoints', { ...steps, endpoints })
    expect(sums).toEqual(
      new Map([
        [of.acme!.id, { ...noCounts(), delivered: 1 }],
        [other.id, { ...noCounts(), delivered: 2, status_5xx: 1 }],
      ]),
    )
    const others = await opened.store.read('sumStatsOfEndpoints', {
      ...steps,
      endpoints: [
        { tenant: 'beta', id: other.id },
        { tenant: 'acme', id: newId('ep', NOW) },
      ],
    })
    expect(others.size).toBe(0)
  })

  it('tells the names of tenants that exist', async () => {
    const { store } = opened
    await store.write('putTenant', { id: 'acme', name: 'Acme Ltd', metadata: {}, nowMs: 1 })
    for (const tenant of ['beta', 'gamma']) await aTenant(store, tenant)
    await store.write('deleteTenant', { id: 'gamma', nowMs: 2 })
    const tenants = ['acme', 'beta', 'gamma', 'unknown']
    expect(await store.read('readTenantNames', { tenants })).toEqual(
      new Map([
        ['acme', 'Acme Ltd'],
        ['beta', null],
      ]),
    )
    expect(await store.read('readTenantNames', { tenants: [] })).toEqual(new Map())
  })
})
