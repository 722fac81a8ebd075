/** Compares every metric and statistic with the counts of real receivers, over TLS. */
import { type Receiver, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { inPlace, type Place, running, SECRET, type ServerProcess, serve } from '../e2e/process.ts'
import { type Scraped, scrape } from './scrape.ts'

const event = (index: number, more = {}) => ({
  type: 'COVER_REFERENCE',
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
  ...more,
})

type Counted = { readonly receivers: Readonly<Record<'good' | 'flaky' | 'bad' | 'slow', Receiver>> }

/** How long the slow receiver takes to respond. */
const SLOW_MS = 300
const EVENTS = 60

describe('posthorn serve, observed', () => {
  let counted: Counted
  let place: Place
  let server: ServerProcess
  let ids: Record<string, string>
  let before: Scraped
  let after: Scraped
  const over = Promise.withResolvers<void>()
  let done: Promise<void>

  beforeAll(async () => {
    const ready = Promise.withResolvers<void>()
    done = inPlace(async here => {
      place = here
      await run()
      ready.resolve()
      await over.promise
    })
    done.catch(ready.reject)
    await ready.promise
  }, 90_000)
  afterAll(async () => {
    over.resolve()
    await done
    for (const receiver of Object.values(counted.receivers)) await receiver.close()
  })

  async function run(): Promise<void> {
    const start = (script: Parameters<typeof startReceiver>[0]['script']) =>
      startReceiver({ authority: place.authority, names: ['localhost'], ...(script === undefined ? {} : { script }) })
    const receivers = {
      good: await start(undefined),
      flaky: await start((_request, nth) => ({ status: nth === 1 ? 503 : 200 })),
      bad: await start(() => ({ status: 404 })),
      slow: await start(() => ({ status: 200, delayMs: SLOW_MS })),
    }
    counted = { receivers }
    server = running(await serve(place, { flags: ['--retry-schedule', '0.05,0.05'] }))
    const { call } = server
    before = await scrape(server.url)
    await call('PUT', '/tenants/acme', {})
    const made = Object.entries(receivers).map(async ([name, { url }]) => {
      const { body } = await call<{ id: string }>('POST', '/tenants/acme/endpoints', { url, clientSecret: SECRET })
      return [name, body.id] as const
    })
    ids = Object.fromEntries(await Promise.all(made))
    const dead = { url: 'https://localhost:1/', clientSecret: SECRET, types: ['COVER_REFERENCE'] }
    ids.dead = (
      await call<{ id: string }>('POST', '/tenants/acme/endpoints', { ...dead, url: await deadUrl() })
    ).body.id
    const batch = Array.from({ length: EVENTS }, (_, index) => event(index, { id: `event-${index}` }))
    await call('POST', '/tenants/acme/events', batch)
    // Duplicates create no second events, and tests don't count as published.
    await call('POST', '/tenants/acme/events', batch.slice(0, 7))
    await call('POST', '/tenants/acme/events', { type: 'NO_SUCH', payload: {} })
    await call('POST', `/tenants/acme/endpoints/${ids.good}/test`)
    const left = async () =>
      (await call<{ data: unknown[] }>('GET', '/tenants/acme/deliveries?state=pending&limit=1')).body.data.length
    await vi.waitFor(async () => expect(await left()).toBe(0), { timeout: 60_000, interval: 100 })
    await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer wrong' } })
    after = await scrape(server.url)
  }

  /** The URL of a port that nothing listens on. */
  async function deadUrl(): Promise<string> {
    const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
    await receiver.close()
    return receiver.url
  }

  const grown = (name: string) => after.get(name)! - before.get(name)!
  const totals = () => Object.values(counted.receivers).map(({ total }) => total)
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
  const ended = () => sum([...Object.values(counted.receivers)].map(({ distinct }) => distinct.size))
  /** A delivery to the dead endpoint has three attempts. */
  const refusedConnections = 3 * EVENTS

  it('the receivers counted what they should', () => {
    const { good, flaky, bad, slow } = counted.receivers
    expect([good.total, flaky.total, bad.total, slow.total]).toEqual([EVENTS + 1, 2 * EVENTS, 3 * EVENTS, EVENTS])
  })

  it('each accepted event is counted once, and tests are not', () => {
    expect(grown('posthorn_events_accepted_total')).toBe(EVENTS)
    expect(grown('posthorn_events_rejected_total')).toBe(0)
  })

  it('deliveries are counted by final state', () => {
    expect(grown('posthorn_deliveries_total{state="delivered"}')).toBe(ended())
    expect(grown('posthorn_deliveries_total{state="exhausted"}')).toBe(2 * EVENTS)
    expect(grown('posthorn_deliveries_total{state="cancelled"}')).toBe(0)
  })

  it('attempts are counted by outcome, and failures by error', () => {
    expect(grown('posthorn_attempts_total{outcome="success"}')).toBe(ended())
    const failed = sum(totals()) - ended() + refusedConnections
    expect(grown('posthorn_attempts_total{outcome="failure"}')).toBe(failed)
    expect(grown('posthorn_attempt_failures_total{error="http_server_error"}')).toBe(EVENTS)
    expect(grown('posthorn_attempt_failures_total{error="http_client_error"}')).toBe(3 * EVENTS)
    expect(grown('posthorn_attempt_failures_total{error="connect_refused"}')).toBe(refusedConnections)
    const all = [...after.keys()].filter(key => key.startsWith('posthorn_attempt_failures_total'))
    expect(sum(all.map(grown))).toBe(failed)
  })

  it('latencies are the right number, with the right durations', () => {
    expect(grown('posthorn_receiver_latency_seconds_count')).toBe(sum(totals()))
    expect(grown('posthorn_receiver_latency_seconds_bucket{le="+Inf"}')).toBe(sum(totals()))
    expect(grown('posthorn_delivery_latency_seconds_count')).toBe(ended())
    const slow = EVENTS * (SLOW_MS / 1_000)
    expect(grown('posthorn_receiver_latency_seconds_sum')).toBeGreaterThanOrEqual(slow)
    expect(grown('posthorn_delivery_latency_seconds_sum')).toBeGreaterThanOrEqual(slow)
    // The slow receiver's took longer than a quarter of a second; on a busy machine all others might have too.
    const quick = grown('posthorn_receiver_latency_seconds_bucket{le="0.25"}')
    expect(quick).toBeLessThanOrEqual(sum(totals()) - EVENTS)
  })

  it('no attempt is in flight when all deliveries have ended', () => {
    expect(after.get('posthorn_pending_deliveries')).toBe(0)
    expect(after.get('posthorn_oldest_pending_seconds')).toBe(0)
    expect(after.get('posthorn_backlog_deliveries')).toBe(0)
    expect(after.get('posthorn_lag_seconds')).toBe(0)
    expect(after.get('posthorn_set_aside_deliveries')).toBe(0)
    expect(after.get('posthorn_attempts_in_flight')).toBe(0)
    expect(after.get('posthorn_unsettled_outcomes')).toBe(0)
    expect(after.get('posthorn_partitions_held')).toBe(256)
    expect(after.get('posthorn_failed_authentications_total')).toBe(1)
    expect(after.get('posthorn_api_connections')).toBeGreaterThanOrEqual(1)
    expect(after.get('posthorn_info{version="0.1.0"}')).toBe(1)
    expect(after.get('posthorn_store_faults_total')).toBe(0)
  })

  it('every item is in a commit, and most share one', () => {
    const items = grown('posthorn_commit_items_sum')
    expect(items).toBeGreaterThanOrEqual(EVENTS + 5 * EVENTS + sum(totals()) + refusedConnections)
    expect(grown('posthorn_commit_seconds_count')).toBe(grown('posthorn_commit_items_count'))
    expect(after.get('posthorn_event_loop_delay_seconds_count')).toBeGreaterThan(0)
  })

  it('no label contains anything that a tenant chose', () => {
    const names = [...after.keys()].join('\n')
    for (const word of ['acme', 'localhost', 'COVER', ...Object.values(ids)]) expect(names).not.toContain(word)
  })

  it('statistics have the same numbers, for the tenant and for each endpoint', async () => {
    type Point = { deliveries: object; attempts: object; latencyMs: { p50: number | null; p99: number | null } }
    type Stats = { total: Point; data: (Point & { from: string })[] }
    const stats = async (query: string) => (await server.call<Stats>('GET', `/tenants/acme/stats${query}`)).body
    const { total, data } = await stats('')
    const { good, bad, slow } = counted.receivers
    expect(total.deliveries).toEqual({ delivered: ended(), exhausted: 2 * EVENTS, cancelled: 0 })
    const byClass = { '2xx': ended(), '3xx': 0, '4xx': bad.total, '5xx': EVENTS, other: 0, none: refusedConnections }
    expect(total.attempts).toEqual(byClass)
    expect(data).toHaveLength(25)
    const ofGood = await stats(`?endpoint=${ids.good}&step=minute`)
    expect(ofGood.total.attempts).toMatchObject({ '2xx': good.total, '5xx': 0 })
    const ofSlow = await stats(`?endpoint=${ids.slow}&step=day`)
    expect(ofSlow.total.attempts).toMatchObject({ '2xx': slow.total })
    expect(ofSlow.total.latencyMs.p50).toBeGreaterThanOrEqual(SLOW_MS * 0.95)
    const ofDead = await stats(`?endpoint=${ids.dead}`)
    expect(ofDead.total.latencyMs).toEqual({ p50: null, p95: null, p99: null })
  })

  it('pending, held and cancelled deliveries are counted; a new process counts from zero, but keeps the statistics', async () => {
    const { good, bad } = counted.receivers
    await bad.stop()
    await server.call('POST', `/tenants/acme/endpoints/${ids.good}/disable`)
    await server.call('PATCH', `/tenants/acme/endpoints/${ids.bad}`, { schedule: [600] })
    for (const name of ['flaky', 'slow', 'dead']) await server.call('DELETE', `/tenants/acme/endpoints/${ids[name]}`)
    await server.call('POST', '/tenants/acme/events', [event(900), event(901)])
    const failures = async () => (await scrape(server.url)).get('posthorn_attempts_total{outcome="failure"}')
    await expect.poll(failures, { timeout: 20_000 }).toBe(after.get('posthorn_attempts_total{outcome="failure"}')! + 2)
    const now = await scrape(server.url)
    expect(now.get('posthorn_pending_deliveries')).toBe(2)
    expect(now.get('posthorn_oldest_pending_seconds')).toBeGreaterThan(0)
    // Their retries are due in ten minutes.
    expect(now.get('posthorn_backlog_deliveries')).toBe(0)
    expect(now.get('posthorn_lag_seconds')).toBe(0)
    await server.call('DELETE', `/tenants/acme/endpoints/${ids.bad}`)
    const cancelled = async () => (await scrape(server.url)).get('posthorn_deliveries_total{state="cancelled"}')
    await expect.poll(cancelled, { timeout: 20_000 }).toBe(2)
    expect((await scrape(server.url)).get('posthorn_pending_deliveries')).toBe(0)
    server.kill('SIGTERM')
    await server.ended
    server = running(await serve(place, { flags: ['--metrics-open'] }))
    const open = await fetch(`${server.url}/metrics`)
    expect(open.status).toBe(200)
    expect((await scrape(server.url)).get('posthorn_events_accepted_total')).toBe(0)
    type Stats = { total: { deliveries: object } }
    const { body } = await server.call<Stats>('GET', `/tenants/acme/stats?endpoint=${ids.bad}`)
    expect(body.total.deliveries).toEqual({ delivered: 0, exhausted: EVENTS, cancelled: 2 })
    expect(good.total).toBe(EVENTS + 1)
  }, 90_000)
})
