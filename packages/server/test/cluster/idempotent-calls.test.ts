import { type Postgres, startPostgres } from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { KeptCall } from '../../src/store/operations/idempotent-calls.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Store } from '../../src/store/store.ts'
import { inPlace, type Place, running, SECRET, type ServerProcess, serve } from '../e2e/process.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from '../store/builders.ts'

let server: Postgres
let count = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const database = () => server.createDatabase(`idempotent_${++count}`)
const ENCRYPTION_KEY = Buffer.alloc(32, 5).toString('base64')
const EVENT = { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }
const ENDPOINT = { url: 'https://localhost:9000/hook', clientSecret: SECRET }

const startNode = async (place: Place, url: string) =>
  running(await serve(place, { env: { POSTHORN_DATABASE_URL: url, POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY } }))
const once = (key: string) => ({ 'idempotency-key': key })

type Made = { readonly id: string; readonly signingSecret?: string; readonly code?: string }
type List = { readonly data: readonly { readonly id: string }[] }

async function connected<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=posthorn' })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

describe('the same Idempotency-Key on several nodes', () => {
  it('makes one thing if both nodes get the call at the same moment', { timeout: 120_000 }, () =>
    inPlace(async place => {
      const url = await database()
      const nodes = [await startNode(place, url), await startNode(place, url)] as const
      await nodes[0].call('PUT', '/tenants/acme', {})
      const rounds = 12
      const both = async (path: string, body: unknown, key: string) => {
        const calls = [nodes[0], nodes[1], nodes[0]].map(node => node.call<Made>('POST', path, body, once(key)))
        return Promise.all(calls)
      }
      for (const [path, body] of [
        ['/tenants/acme/events', EVENT],
        ['/tenants/acme/endpoints', ENDPOINT],
        ['/api-keys', { name: 'k', scope: 'read' }],
      ] as const) {
        for (let round = 0; round < rounds; round++) {
          const answers = await both(path, body, `${path} ${round}`.replaceAll(' ', '-'))
          const made = answers.filter(({ status }) => status < 300)
          const refused = answers.filter(({ status }) => status >= 300)
          expect(refused.map(answer => answer.body.code)).toEqual(refused.map(() => 'call_in_flight'))
          expect(new Set(made.map(answer => JSON.stringify(answer.body))).size).toBe(1)
          expect(made.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
        }
        expect((await nodes[0].call<List>('GET', `${path}?limit=1000`)).body.data).toHaveLength(rounds)
      }
      const other = await nodes[1].call<Made>('POST', '/tenants/acme/events', [EVENT], once('/tenants/acme/events-0'))
      expect([other.status, other.body.code]).toEqual([409, 'idempotency_conflict'])
      await end(...nodes)
    }),
  )

  it('is answered by another node after one was killed between the commit and the response', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const url = await database()
      const first = await startNode(place, url)
      await first.call('PUT', '/tenants/acme', {})
      // From here on, commits are on the disk, but are not reported to the node that made them.
      await connected(url, async client => {
        await client.query(`alter system set synchronous_standby_names = 'none'`)
        await client.query('select pg_reload_conf()')
      })
      const lost = first.call('POST', '/tenants/acme/endpoints', ENDPOINT, once('k')).catch(() => 'no response')
      const committing = `select count(*)::int as n from pg_stat_activity a join pg_locks l on l.pid = a.pid
                          where a.wait_event = 'SyncRep' and l.relation = 'idempotent_call'::regclass
                            and l.mode = 'RowExclusiveLock'`
      const waiting = () => connected(url, async client => (await client.query(committing)).rows[0].n)
      await expect.poll(waiting, { timeout: 20_000 }).toBe(1)
      first.kill('SIGKILL')
      expect(await lost).toBe('no response')
      await connected(url, async client => {
        await client.query('alter system reset synchronous_standby_names')
        await client.query('select pg_reload_conf()')
      })
      const second = await startNode(place, url)
      const answer = await second.call<Made>('POST', '/tenants/acme/endpoints', ENDPOINT, once('k'))
      expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
      expect(answer.body.signingSecret).toMatch(/^whsec_/)
      expect(answer.headers.get('location')).toBe(`/v1/tenants/acme/endpoints/${answer.body.id}`)
      const { data } = (await second.call<List>('GET', '/tenants/acme/endpoints')).body
      expect(data.map(({ id }) => id)).toEqual([answer.body.id])
      await end(second)
    }),
  )
})

async function end(...nodes: readonly ServerProcess[]): Promise<void> {
  for (const node of nodes) node.kill('SIGTERM')
  await Promise.all(nodes.map(({ ended }) => ended))
}

describe('a call that another transaction has just made', () => {
  const aCall = (key: string): KeptCall => ({
    scope: 'root/acme',
    key,
    hash: bytes('h'),
    madeId: null,
    madeMs: 1_000,
    expiresMs: 9_000,
    status: 201,
    response: bytes('{}\n{}'),
    sealedUntilMs: null,
  })
  const insert = `insert into idempotent_call (scope, call_key, hash, made_ms, expires_ms, status, answer)
                  values ('root/acme', 'k', '\\x00', 1, 9000, 201, '\\x7b7d0a7b7d')`
  const locked = `select count(*)::int as n from pg_stat_activity
                  where wait_event_type = 'Lock' and datname = current_database()`

  /** Publishes and creates an endpoint with the same key while the other transaction holds it, until it ends. */
  async function race(ending: 'commit' | 'rollback') {
    const url = await database()
    const store = new Store(await openPostgres(url, systemClock), systemClock)
    await store.write('migrate', {})
    await aTenant(store, 'acme')
    const events = {
      ...(await aRequest(store, 'acme', [anEvent([])])),
      once: { call: aCall('k'), response: 'given' } as const,
    }
    const neighbour = {
      ...(await aRequest(store, 'acme', [anEvent([])])),
      once: { call: aCall('l'), response: 'given' } as const,
    }
    const plain = await aRequest(store, 'acme', [anEvent([])])
    return connected(url, async client => {
      await client.query('begin')
      await client.query(insert)
      const results = Promise.all([
        store.publish(events),
        store.publish(neighbour),
        store.publish(plain),
        store.write('createEndpoint', { endpoint: anEndpoint('acme'), once: aCall('k') }),
        store.write('createEndpoint', { endpoint: anEndpoint('acme') }),
      ])
      const waiting = () => connected(url, async other => (await other.query(locked)).rows[0].n)
      await expect.poll(waiting, { timeout: 10_000 }).toBe(1)
      await client.query(ending)
      const [one, two, three, four, five] = await results
      const { rows } = await client.query(
        'select (select count(*)::int from event) as events, (select count(*)::int from endpoint) as endpoints',
      )
      await store.close()
      return [one.kind, two.kind, three.kind, four, five, rows[0].events, rows[0].endpoints]
    })
  }

  it('makes nothing again, and its neighbours in the commit are stored', async () => {
    expect(await race('commit')).toEqual(['repeated', 'stored', 'stored', 'repeated', 'created', 2, 1])
  })

  it('is made if the other transaction is rolled back', async () => {
    expect(await race('rollback')).toEqual(['stored', 'stored', 'stored', 'repeated', 'created', 3, 1])
  })
})
