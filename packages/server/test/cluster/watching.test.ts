import { publish } from '@posthorn/client'
import { type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inPlace, type Place, running, SECRET, serve } from '../e2e/process.ts'
import { scrape } from '../observe/scrape.ts'

let server: Postgres
let count = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const ENCRYPTION_KEY = Buffer.alloc(32, 5).toString('base64')
const soon = { timeout: 30_000, interval: 100 }
const event = (index: number) => ({
  type: 'COVER_REFERENCE',
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
})

async function start(place: Place, url: string, flags: readonly string[]) {
  const env = { POSTHORN_DATABASE_URL: url, POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY }
  return running(await serve(place, { env, flags: ['--lease-ms', '2000', ...flags] }))
}

describe('metrics of several nodes', () => {
  it('--processes: each process reports the metrics of all, even after one was killed', { timeout: 90_000 }, () =>
    inPlace(async place => {
      const node = await start(place, await server.createDatabase(`watching_${++count}`), ['--processes', '3'])
      const pids = () => [...node.output().matchAll(/^\{.*"pid":(\d+),.*"msg":"listening"\}$/gm)].map(([, pid]) => pid)
      await expect.poll(() => pids().length, soon).toBe(3)
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
      await node.call('PUT', '/tenants/acme', {})
      for (let at = 0; at < 8; at++) {
        await node.call('POST', '/tenants/acme/endpoints', { url: `${receiver.url}/${at}`, clientSecret: SECRET })
      }
      for (let at = 0; at < 30; at++) await node.call('POST', '/tenants/acme/events', event(at))
      await receiver.waitFor(({ distinct }) => distinct.size === 240, { timeoutMs: 30_000 })
      const delivered = async () => (await scrape(node.url)).get('posthorn_deliveries_total{state="delivered"}')
      await expect.poll(delivered, soon).toBe(240)
      // Each scrape is a new connection, which any of the processes can get.
      for (let at = 0; at < 6; at++) {
        const values = await scrape(node.url)
        expect(values.get('posthorn_events_accepted_total')).toBe(30)
        expect(values.get('posthorn_delivery_latency_seconds_count')).toBe(240)
        expect(values.get('posthorn_partitions_held')).toBe(256)
        expect(values.get('posthorn_pending_deliveries')).toBe(0)
        expect(values.get('posthorn_info{version="0.1.0"}')).toBe(1)
      }
      process.kill(Number(pids()[1]), 'SIGKILL')
      await expect.poll(() => pids().length, soon).toBe(4)
      expect(await delivered()).toBe(240)
      node.kill('SIGTERM')
      expect((await node.ended).code).toBe(0)
      await receiver.close()
    }),
  )

  it(
    'roles: each node reports its own part, even one that only sends; events published from SQL are counted once',
    { timeout: 90_000 },
    () =>
      inPlace(async place => {
        const url = await server.createDatabase(`watching_${++count}`)
        const api = await start(place, url, ['--role', 'api'])
        const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
        await api.call('PUT', '/tenants/acme', {})
        const { body: endpoint } = await api.call<{ id: string }>('POST', '/tenants/acme/endpoints', {
          url: receiver.url,
          clientSecret: SECRET,
        })
        const deliverers = await Promise.all([1, 2].map(() => start(place, url, ['--role', 'delivery'])))
        for (let at = 0; at < 10; at++) await api.call('POST', '/tenants/acme/events', event(at))
        const sql = new pg.Client({ connectionString: url })
        await sql.connect()
        try {
          for (let at = 10; at < 15; at++) await publish(sql, { tenant: 'acme', ...event(at) })
          await publish(sql, { tenant: 'acme', type: 'COVER_REFERENCE', payload: {} })
        } finally {
          await sql.end()
        }
        await receiver.waitFor(({ total }) => total === 15, { timeoutMs: 30_000 })
        const sums = async () => {
          const all = await Promise.all([api, ...deliverers].map(node => scrape(node.url)))
          const sum = (name: string) => all.map(values => values.get(name)!).reduce((a, b) => a + b)
          return [
            sum('posthorn_events_accepted_total'),
            sum('posthorn_events_rejected_total'),
            sum('posthorn_deliveries_total{state="delivered"}'),
            sum('posthorn_partitions_held'),
            all.map(values => values.get('posthorn_pending_deliveries')),
          ]
        }
        await expect.poll(sums, soon).toEqual([15, 1, 15, 256, [0, 0, 0]])
        expect((await scrape(api.url)).get('posthorn_events_accepted_total')).toBe(10)
        // Statistics of another node, available a few seconds later.
        type Stats = { total: { deliveries: object } }
        const stats = async () =>
          (await api.call<Stats>('GET', `/tenants/acme/stats?endpoint=${endpoint.id}`)).body.total.deliveries
        await expect.poll(stats, soon).toEqual({ delivered: 15, exhausted: 0, cancelled: 0 })
        for (const node of [api, ...deliverers]) node.kill('SIGTERM')
        for (const node of [api, ...deliverers]) expect((await node.ended).code).toBe(0)
        await receiver.close()
      }),
  )
})
