import { type Authority, createAuthority, type Postgres, startPostgres } from '@posthorn/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cover } from '../engine/harness.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { SECRET, startNode, startQuietReceiver } from './node.ts'

let server: Postgres
let authority: Authority
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())

const COUNT = 3_000
const WAIT = { timeoutMs: 90_000 }

it('a replay is resumed by another node when the one that runs it dies, and nothing is created twice', {
  timeout: 180_000,
}, async () => {
  const url = await server.createDatabase('replays')
  const receiver = await startQuietReceiver(authority)
  const [first, second] = [await startNode(url, authority), await startNode(url, authority)]
  await first.tenants.put('acme', {})
  const endpoints = await Promise.all(
    ['a', 'b', 'c'].map(path =>
      first.endpoints.create('acme', { url: `${receiver.url}/${path}`, clientSecret: SECRET }),
    ),
  )
  const ids: string[] = []
  for (let at = 0; at < COUNT / 3; at += 250) {
    const events = Array.from({ length: 250 }, (_, index) => cover(at + index))
    ids.push(...(await first.publish('acme', events)).events.map(({ id }) => id))
  }
  await receiver.waitFor(() => receiver.distinct.size === COUNT, WAIT)
  const pending = () => listDeliveries(second.store, 'acme', { ...NONE, state: 'pending' }, 1)
  await expect.poll(pending, { timeout: 30_000 }).toEqual([])

  const selection = { ...ALL, key: 'again', states: ['delivered'] as const }
  const [one, other] = await Promise.all([first, second].map(node => node.replays.create('acme', selection)))
  expect([one!.replay.deliveries, one!.replay.id]).toEqual([COUNT, other!.replay.id])
  await receiver.waitFor(() => receiver.total > COUNT + 500, WAIT)
  await first.crash()
  const get = () => second.replays.get('acme', 'again')
  await expect.poll(async () => (await get()).endedAtMs, { timeout: 90_000, interval: 100 }).not.toBeNull()
  expect(await get()).toMatchObject({ state: 'done', deliveries: COUNT, made: COUNT, skipped: 0 })
  await expect.poll(async () => (await get()).live, { timeout: 60_000, interval: 100 }).toBe(0)
  // For each event and endpoint: the first delivery, and one more.
  const counts = new Map<string, number>()
  for (const { endpoint } of endpoints) {
    let before: string | null = null
    for (;;) {
      const page = await listDeliveries(second.store, 'acme', { ...NONE, endpoint: endpoint.id, before }, 1_000)
      for (const { event } of page)
        counts.set(`${event} ${endpoint.id}`, (counts.get(`${event} ${endpoint.id}`) ?? 0) + 1)
      if (page.length < 1_000) break
      before = page.at(-1)!.id
    }
  }
  expect([counts.size, [...counts.values()].filter(count => count !== 2)]).toEqual([ids.length * 3, []])
  await second.stop()
  await receiver.close()
})

const NONE = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }
const ALL = { endpoint: null, event: null, types: null, missing: false, fromMs: null, toMs: null }
