import { publish } from '@posthorn/client'
import { type Postgres, startPostgres, startProxy, startReceiver } from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inPlace, type Place, refused, running, SECRET, serve } from '../e2e/process.ts'

let server: Postgres
let count = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const ENCRYPTION_KEY = Buffer.alloc(32, 5).toString('base64')
const event = (index: number) => ({
  type: 'COVER_REFERENCE',
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
})

/** Starts a node as an operator would: with everything that it needs in its environment. */
async function startNode(place: Place, url: string, flags: readonly string[] = []) {
  const env = { POSTHORN_DATABASE_URL: url, POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY }
  return running(await serve(place, { env, flags: ['--lease-ms', '2000', ...flags] }))
}

describe('posthorn serve on PostgreSQL', () => {
  it('C13: three nodes lose nothing when one is killed under load and another drained', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const url = await server.createDatabase(`processes_${++count}`)
      const nodes = await Promise.all([1, 2, 3].map(() => startNode(place, url)))
      const [first, second, third] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
      await first.call('PUT', '/tenants/acme', {})
      for (let at = 0; at < 16; at++) {
        await second.call('POST', '/tenants/acme/endpoints', { url: `${receiver.url}/${at}`, clientSecret: SECRET })
      }
      let accepted = 0
      const publish = async (node: typeof first, batches: number) => {
        for (let at = 0; at < batches; at++) {
          const body = Array.from({ length: 10 }, (_, index) => event(at * 10 + index))
          const answer = await node.call('POST', '/tenants/acme/events', body).catch(() => undefined)
          if (answer?.status === 202) accepted += 10
        }
      }
      const publishing = [publish(first, 20), publish(second, 20), publish(third, 20)]
      await receiver.waitFor(() => receiver.total > 500, { timeoutMs: 20_000 })
      third.kill('SIGKILL')
      await Promise.all(publishing)
      second.kill('SIGTERM')
      expect((await second.ended).code).toBe(0)
      const pending = async () =>
        (await first.call<{ data: unknown[] }>('GET', '/tenants/acme/deliveries?state=pending&limit=1')).body.data
          .length
      await expect.poll(pending, { timeout: 30_000, interval: 200 }).toBe(0)
      // Distinct by event and path. There can be more, because calls without a 202 can have been stored too.
      expect(receiver.distinct.size).toBeGreaterThanOrEqual(accepted * 16)
      expect(accepted).toBeGreaterThanOrEqual(400)
      first.kill('SIGTERM')
      await first.ended
      await receiver.close()
    }),
  )

  it('roles: one node takes calls and sends nothing, the other sends and takes no calls', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const url = await server.createDatabase(`processes_${++count}`)
      const api = await startNode(place, url, ['--role', 'api'])
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
      await api.call('PUT', '/tenants/acme', {})
      await api.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
      await api.call('POST', '/tenants/acme/events', event(1))
      const delivery = await startNode(place, url, ['--role', 'delivery'])
      expect((await delivery.call('GET', '/tenants')).status).toBe(404)
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 10_000 })
      await api.call('POST', '/tenants/acme/events', event(2))
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 10_000 })
      expect(api.output()).not.toContain('"msg":"attempt"')
      for (const node of [api, delivery]) node.kill('SIGTERM')
      await Promise.all([api.ended, delivery.ended])
      await receiver.close()
    }),
  )

  it('waits at startup for an unavailable database, and says so', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const url = await server.createDatabase(`processes_${++count}`)
      const proxy = await startProxy(server.port)
      proxy.cut('all')
      const starting = startNode(place, url.replace(/:\d+\//, `:${proxy.port}/`))
      await expect.poll(() => proxy.connections, { timeout: 20_000 }).toBeGreaterThan(0)
      proxy.mend()
      const node = await starting
      expect(node.output()).toContain('The database is unavailable (')
      node.kill('SIGTERM')
      await node.ended
      await proxy.close()
    }),
  )

  it("publishing from SQL: a node that sends takes the event, and another's API shows it", { timeout: 60_000 }, () =>
    inPlace(async place => {
      const url = await server.createDatabase(`processes_${++count}`)
      const api = await startNode(place, url, ['--role', 'api', '--idempotency-days', '2'])
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
      await api.call('PUT', '/tenants/acme', {})
      await api.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
      const sql = new pg.Client({ connectionString: url })
      await sql.connect()
      try {
        const { id } = await publish(sql, { tenant: 'acme', ...event(1), key: 'k' })
        const bad = await publish(sql, { tenant: 'ghost', ...event(2) })
        const { rows } = await sql.query(
          'select (expires_ms - extract(epoch from now()) * 1000)::float8 as ms from posthorn.idempotency',
        )
        expect(rows[0].ms / 86_400_000).toBeCloseTo(2, 2)
        const large = ['--role', 'delivery', '--max-body-bytes', '1024', '--idempotency-days', '2']
        const delivery = await startNode(place, url, large)
        await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 20_000 })
        expect(receiver.requests[0]!.headers['webhook-id']).toBe(id)
        const big = await publish(sql, {
          tenant: 'acme',
          type: 'COVER_REFERENCE',
          payload: { CoverId: 'x'.repeat(1_024) },
        })
        const rejected = async () => {
          const { body } = await api.call<{ data: { id: string }[] }>('GET', '/rejected-events')
          return body.data.map(one => one.id)
        }
        await expect.poll(rejected, { timeout: 20_000 }).toEqual([big.id, bad.id])
        await sql.query('begin')
        await publish(sql, { tenant: 'acme', ...event(3), key: 'held' })
        const answer = await api.call('POST', '/tenants/acme/events', { ...event(3), id: 'held' })
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
        expect(answer.body).toMatchObject({ code: 'busy' })
        await sql.query('rollback')
        expect((await api.call('POST', '/tenants/acme/events', { ...event(3), id: 'held' })).status).toBe(202)
        for (const node of [api, delivery]) node.kill('SIGTERM')
        await Promise.all([api.ended, delivery.ended])
      } finally {
        await sql.end()
        await receiver.close()
      }
    }),
  )

  it('refuses to start without the keys that all nodes share, and says how to generate them', () =>
    inPlace(async place => {
      const url = await server.createDatabase(`processes_${++count}`)
      const { code, stderr } = refused(await serve(place, { env: { POSTHORN_DATABASE_URL: url } }))
      expect([code, stderr]).toEqual([1, expect.stringContaining('openssl rand -base64 32')])
      const wrong = {
        POSTHORN_DATABASE_URL: url.replace(/[^/]+$/, 'nowhere'),
        POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY,
      }
      expect(refused(await serve(place, { env: wrong })).stderr).toContain('POSTHORN_DATABASE_URL')
    }))
})
