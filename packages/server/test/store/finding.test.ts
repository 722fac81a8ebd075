import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestFirst } from '../../src/api/http/lists.ts'
import { PosthornError } from '../../src/base/errors.ts'
import { idBytes, newId } from '../../src/base/ids.ts'
import { ATTEMPT_ERRORS, DELIVERY_STATES, type DeliveryState, HELD_REASONS } from '../../src/base/model.ts'
import { countDeliveries, findDeliveries } from '../../src/services/deliveries/finding.ts'
import { type DeliveryQuery, type DeliverySelection, resolveQuery } from '../../src/services/deliveries/query.ts'
import { SEARCH_MS } from '../../src/services/slices.ts'
import { type PopulatedDelivery, type Population, populate } from './delivery-population.ts'
import { engines, type Opened } from './engines.ts'

/** Whether a status is what the query names. Written apart from the code under test. */
const isStatus = (text: string, status: number | null, hasLast: boolean): boolean => {
  if (text === 'none') return hasLast && status === null
  return status !== null && (text.endsWith('xx') ? String(status)[0] === text[0] : String(status) === text)
}

/** The oracle: looks at every delivery. */
function matches(delivery: PopulatedDelivery, tenant: string | null, query: DeliveryQuery, uids: Map<string, string>) {
  const { lastAttempt: last } = delivery
  const isIn = (values: readonly unknown[] | undefined, ...own: unknown[]) =>
    values === undefined || own.some(value => values.includes(value))
  return (
    (tenant === null || delivery.tenant === tenant) &&
    isIn(query.states, delivery.state) &&
    (query.heldReason === undefined || delivery.heldReason === query.heldReason) &&
    isIn(query.types, delivery.type) &&
    isIn(query.errors, last?.error) &&
    (query.statuses === undefined ||
      query.statuses.some(text => isStatus(text, last?.status ?? null, last !== null))) &&
    isIn(query.endpoints, delivery.endpoint, uids.get(delivery.endpoint)) &&
    (query.event === undefined || delivery.event === query.event) &&
    (query.key === undefined || delivery.key === query.key) &&
    (query.fromMs == null || timeOf(delivery) >= query.fromMs) &&
    (query.toMs == null || timeOf(delivery) < query.toMs)
  )
}

const timeOf = ({ id }: Pick<PopulatedDelivery, 'id'>): number => {
  const letters = '0123456789abcdefghjkmnpqrstvwxyz'
  return [...id.slice(4, 14)].reduce((ms, letter) => ms * 32 + letters.indexOf(letter), 0)
}

describe.each(engines())('finding deliveries on $name', engine => {
  let opened: Opened
  let there: Population
  let uids: Map<string, string>

  beforeAll(async () => {
    opened = await engine.open()
    there = await populate(opened, 260, 20_261_128)
    uids = new Map(there.endpoints.map(({ id, uid }) => [id, uid]))
  }, 60_000)
  afterAll(async () => {
    await opened.close()
    await engine.stop()
  })

  /** Each look at it costs this much, so that searches end early. */
  const clockOf = (lookMs: number) => {
    let nowMs = 0
    return { monotonicMs: () => (nowMs += lookMs) }
  }

  /** More than there are. */
  const ALL = { limit: 5_000, rows: 10_000, lookMs: 0 }

  type Walk = { readonly limit: number; readonly rows: number; readonly lookMs: number }

  const pageAt = async (selection: DeliverySelection, { limit, rows, lookMs }: Walk, cursor: string | null) => {
    const pager = newestFirst('dlv', cursor === null ? { limit } : { limit, cursor })
    const bounds = { slice: rows, window: rows }
    const found = await findDeliveries(opened.store, clockOf(lookMs), selection, pager.place, pager.count, bounds)
    return pager.foundPage(
      found,
      ({ id }) => id,
      delivery => delivery,
    )
  }

  const walk = async (selection: DeliverySelection, how: Walk) => {
    const shown: unknown[] = []
    let cursor: string | null = null
    let page: Awaited<ReturnType<typeof pageAt>>
    do {
      page = await pageAt(selection, how, cursor)
      expect(page.data.length).toBeLessThanOrEqual(how.limit)
      if (page.nextCursor !== null && page.searchedTo === null) expect(page.data).toHaveLength(how.limit)
      shown.push(...page.data)
      cursor = page.nextCursor
    } while (cursor !== null)
    const last = page
    const back: unknown[] = []
    for (cursor = last.prevCursor; cursor !== null; cursor = page.prevCursor) {
      page = await pageAt(selection, how, cursor)
      back.unshift(...page.data)
    }
    return { shown, back: [...back, ...last.data] }
  }

  const queryOf = (tenant: string | null) => {
    const some = <Value>(values: readonly Value[], max = 3) =>
      fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: max }), { nil: undefined })
    const maybe = <Value>(values: readonly Value[]) =>
      fc.option(fc.constantFrom(...values), { nil: undefined, freq: 5 })
    const own = there.endpoints.filter(endpoint => endpoint.tenant === (tenant ?? 'acme') || tenant === null)
    const endpoints = own
      .filter(endpoint => endpoint.tenant !== 'gone')
      .flatMap(({ id, uid }) => (tenant === null ? [id] : [id, uid]))
    const events = there.events.filter(event => event.tenant === tenant || (tenant === null && event.tenant !== 'gone'))
    const times = there.deliveries.map(timeOf)
    return fc
      .record({
        states: some(DELIVERY_STATES, 4),
        heldReason: maybe(HELD_REASONS),
        statuses: some(['204', '404', '5xx', '503', '4xx', 'none', '600']),
        errors: some(ATTEMPT_ERRORS.filter(error => /client|server|dns|tls/.test(error))),
        types: some(['T', 'U', 'V', 'W']),
        endpoints: endpoints.length === 0 ? fc.constant(undefined) : some(endpoints, 4),
        event: events.length === 0 ? fc.constant(undefined) : maybe(events.map(({ id }) => id)),
        key: maybe(['a', 'b', 'k7', 'nowhere']),
        fromMs: maybe(times),
        toMs: maybe(times),
      })
      .map(query => {
        const hasHeld = query.states === undefined || query.states.includes('held')
        // An event's deliveries are not older than the event, but these here can be: such a filter is refused.
        const earliestMs = Math.max(query.fromMs ?? 0, query.event === undefined ? 0 : timeOf({ id: query.event }))
        const isRange = query.toMs === undefined || earliestMs < query.toMs
        return { ...query, heldReason: hasHeld ? query.heldReason : undefined, toMs: isRange ? query.toMs : undefined }
      })
  }

  /** Null: refused, because no delivery can match. */
  const selectionOf = (tenant: string | null, query: DeliveryQuery) =>
    resolveQuery(opened.store, tenant, query).catch((refusal: unknown) => {
      if (refusal instanceof PosthornError && refusal.code === 'invalid') return null
      throw refusal
    })

  const how = fc.record({
    limit: fc.constantFrom(1, 3, 20, 1_000),
    rows: fc.constantFrom(2, 7, 50, 10_000),
    lookMs: fc.constantFrom(0, SEARCH_MS),
  })

  it.each([['acme'], ['beta'], ['quiet'], [null]])(
    'shows what a look at every delivery of tenant %s finds, in order, on pages forth and back',
    async tenant => {
      await fc.assert(
        fc.asyncProperty(queryOf(tenant), how, async (query, walking) => {
          const expected = there.deliveries.filter(delivery => matches(delivery, tenant, query, uids))
          const selection = await selectionOf(tenant, query)
          if (selection === null) {
            expect(expected).toEqual([])
            return
          }
          const { shown, back } = await walk(selection, walking)
          const all = expected.map(({ key: _key, ...delivery }) => delivery)
          expect(shown).toEqual(all)
          expect(back).toEqual(all)
        }),
        { numRuns: 60 },
      )
    },
    120_000,
  )

  it.each([['acme'], ['quiet'], [null]])('counts them by state, of tenant %s', async tenant => {
    await fc.assert(
      fc.asyncProperty(queryOf(tenant), fc.constantFrom(2, 7, 10_000), async (query, rows) => {
        const expected = there.deliveries.filter(delivery => matches(delivery, tenant, query, uids))
        const selection = await selectionOf(tenant, query)
        if (selection === null) {
          expect(expected).toEqual([])
          return
        }
        const counts = await countDeliveries(opened.store, clockOf(0), selection, { slice: rows, window: rows })
        const of = (state: DeliveryState) => expected.filter(delivery => delivery.state === state).length
        const byState = Object.fromEntries(DELIVERY_STATES.map(state => [state, of(state)]))
        expect(counts).toEqual({ total: expected.length, ...byState })
      }),
      { numRuns: 40 },
    )
  })

  it('counts only what is certain when the time is up', async () => {
    const { warnings, filter } = await resolveQuery(opened.store, 'acme', { states: ['delivered', 'pending'] })
    const selection = { tenant: 'acme', warnings, filter, matches: null }
    const counts = await countDeliveries(opened.store, clockOf(SEARCH_MS), selection, { slice: 2, window: 2 })
    expect(counts).toEqual({ total: null, pending: null, held: 0, delivered: null, exhausted: 0, cancelled: 0 })
  })

  it('finds deliveries of a key that is remembered by its event, of the newest one', async () => {
    const [, older] = there.events.filter(({ tenant, key }) => tenant === 'acme' && key === 'a')
    await opened.run(
      `insert into idempotency (tenant, event_key, event, hash, expires_ms) values ('acme', 'a', $1, $1, 1)`,
      [idBytes(older!.id)],
    )
    for (const tenant of ['acme', null]) {
      const { filter } = await resolveQuery(opened.store, tenant, { key: 'a' })
      expect(filter.events).toEqual([older!.id])
      const { shown } = await walk({ tenant, filter, matches: null, warnings: [] }, { limit: 3, rows: 2, lookMs: 0 })
      expect(shown.length).toBeGreaterThan(0)
      expect(shown.map(one => (one as PopulatedDelivery).event)).toEqual(shown.map(() => older!.id))
    }
    await opened.run('delete from idempotency')
  })

  // From here on, the deliveries change.

  it.each([['acme'], [null]])('shows each delivery of tenant %s once while others end and are added', async tenant => {
    const { filter } = await resolveQuery(opened.store, tenant, {})
    const selection = { tenant, filter, matches: null, warnings: [] }
    const how = { limit: 5, rows: 10_000, lookMs: 0 }
    const before = (await pageAt(selection, ALL, null)).data
    const live = before.filter(({ state }) => state === 'pending' || state === 'held')
    const shown: string[] = []
    let cursor: string | null = null
    do {
      const page = await pageAt(selection, how, cursor)
      shown.push(...page.data.map(({ id }) => id))
      cursor = page.nextCursor
      // One that was shown ends, and one that was not.
      for (const delivery of [live.shift(), live.pop()]) {
        if (delivery === undefined) continue
        const { tenant: owner, id } = delivery
        await opened.store.write('cancelDelivery', { tenant: owner, id, nowMs: opened.driver.now() })
      }
      await opened.run(
        `insert into live_delivery (tenant, id, endpoint, partition, event, type, state, due_ms, attempts, test, created_ms)
         values ('acme', $1, $2, 1, $3, 'T', 'pending', 1, 0, 0, 1)`,
        [newId('dlv', opened.driver.now()), there.endpoints[0]!.id, there.events[0]!.id].map(idBytes),
      )
    } while (cursor !== null)
    expect(shown).toEqual(before.map(({ id }) => id))
  })

  it('finds those of an endpoint that has very many pending ones', async () => {
    const [busy, other] = there.endpoints.filter(({ tenant }) => tenant === 'acme')
    const rows = Array.from({ length: 1_200 }, () => newId('dlv', opened.driver.now()))
    for (let at = 0; at < rows.length; at += 400) {
      const some = rows.slice(at, at + 400)
      const values = some.map(
        (_, row) => `('acme', $${row + 3}, $1, ${busy!.partition}, $2, 'T', 'pending', 1, 0, 0, 1)`,
      )
      await opened.run(
        `insert into live_delivery (tenant, id, endpoint, partition, event, type, state, due_ms, attempts, test, created_ms)
         values ${values.join(', ')}`,
        [busy!.id, there.events[0]!.id, ...some].map(idBytes),
      )
    }
    for (const endpoints of [[busy!.id], [busy!.id, other!.id]]) {
      for (const states of [undefined, ['pending'], ['pending', 'held']]) {
        const { filter } = await resolveQuery(opened.store, 'acme', { endpoints, states })
        const selection = { tenant: 'acme', filter, matches: null, warnings: [] }
        const { shown, back } = await walk(selection, { limit: 100, rows: 300, lookMs: 0 })
        const all = (await pageAt({ ...selection, filter: { ...filter, endpoints: null } }, ALL, null)).data
        const expected = all.filter(({ endpoint }) => endpoints.includes(endpoint))
        expect(expected.length).toBeGreaterThan(1_200)
        expect([shown, back]).toEqual([expected, expected])
        const { total } = await countDeliveries(opened.store, clockOf(0), selection, { slice: 300, window: 300 })
        expect(total).toBe(expected.length)
      }
    }
  })
})
