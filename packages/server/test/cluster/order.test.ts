import { type Authority, createAuthority, type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { LeasedPartitions } from '../../src/engine/ownership/partitions.ts'
import { PostgresBus } from '../../src/store/postgres/bus.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Relay } from '../../src/store/relay.ts'
import { Store } from '../../src/store/store.ts'
import { cover, startOn } from '../engine/harness.ts'
import { anEndpoint, anEvent, aRequest, aTenant } from '../store/builders.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='

let server: Postgres
let authority: Authority
let count = 0
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())
const database = () => server.createDatabase(`order_${++count}`)

async function startNode(url: string) {
  const driver = await openPostgres(url, systemClock)
  const partitionsOf = (store: Store, log: ConstructorParameters<typeof LeasedPartitions>[2]) =>
    new LeasedPartitions(store, systemClock, log, 2_000)
  const node = await startOn(driver, partitionsOf, authority, { retrySchedule: Array(20).fill(0.05) })
  const isOurs = (partition: number) => node.partitions.epochOf(partition) !== undefined
  const relay = new Relay(node.store, new PostgresBus(url, systemClock), systemClock, isOurs)
  await relay.start()
  return {
    ...node,
    attempts: () => node.lines.filter(({ msg }) => msg === 'attempt').length,
    async stop() {
      await node.stop()
      await relay.stop()
    },
  }
}

describe('ordered endpoints on several nodes', () => {
  it('C13: get their events in order, each once, while partitions change hands', { timeout: 120_000 }, async () => {
    const url = await database()
    const first = await startNode(url)
    const seen = new Map<string, number[]>()
    const receiver = await startReceiver({
      authority,
      names: ['localhost'],
      record: false,
      async script({ path, body }) {
        const at = Number.parseInt(JSON.parse(body.toString()).CoverId.split('-').at(-1), 16)
        const before = seen.get(path) ?? []
        seen.set(path, before)
        const isFirst = !before.includes(at)
        before.push(at)
        // Slow enough that something is in flight whenever a partition is handed over.
        await new Promise<void>(resolve => systemClock.after(15, resolve))
        // Now and then one fails: those behind it wait for its retry, on whichever node makes it.
        return { status: at % 11 === 5 && isFirst ? 500 : 204 }
      },
    })
    await first.tenants.put('acme', {})
    const paths = Array.from({ length: 12 }, (_, at) => `/${at}`)
    for (const path of paths) {
      await first.endpoints.create('acme', { url: `${receiver.url}${path}`, clientSecret: SECRET, ordered: true })
    }
    let published = 0
    let isOver = false
    let publisher = first
    let inPublication: Promise<unknown> = Promise.resolve()
    const slowest = () => Math.min(...paths.map(path => new Set(seen.get(path)).size))
    const publishing = (async () => {
      while (!isOver) {
        await receiver.waitFor(() => published - slowest() < 20, { timeoutMs: 30_000 })
        inPublication = publisher.publish('acme', [cover(published++), cover(published++)])
        await inPublication
      }
    })()
    let ofOthers = 0
    for (let round = 0; round < 3; round++) {
      const joined = await startNode(url)
      // The new node gets its share and sends while events keep coming; then it hands everything back.
      publisher = joined
      await expect.poll(() => joined.attempts(), { timeout: 20_000 }).toBeGreaterThan(30)
      publisher = first
      await inPublication
      await joined.stop()
      ofOthers += joined.attempts()
    }
    isOver = true
    await publishing
    const expected = Array.from({ length: published }, (_, at) => (at % 11 === 5 ? [at, at] : [at])).flat()
    const lengths = () => paths.map(path => seen.get(path)?.length)
    await expect.poll(lengths, { timeout: 40_000 }).toEqual(paths.map(() => expected.length))
    for (const path of paths) expect(seen.get(path)).toEqual(expected)
    expect(ofOthers).toBeGreaterThan(90)
    await first.stop()
    await receiver.close()
  })

  it('C13: have a queue that only grows at its end while several nodes publish', { timeout: 60_000 }, async () => {
    const url = await database()
    const stores = await Promise.all(
      [1, 2].map(async () => new Store(await openPostgres(url, systemClock), systemClock)),
    )
    const [one] = stores as [Store, Store]
    await one.write('migrate', {})
    const [a, b] = [anEndpoint('acme', { ordered: true }), anEndpoint('acme', { ordered: true })]
    await aTenant(one, 'acme', [a, b])
    const request = await aRequest(one, 'acme', [])
    const queueOf = async ({ partition, id }: typeof a) => {
      const query = { partition, endpoint: id, limit: 10_000, maxPayloadBytes: 0, isNumbered: true }
      return (await one.readOrderedLane(query)).items.map(({ delivery }) => delivery)
    }
    let isOver = false
    const looks: { endpoint: typeof a; queue: string[] }[] = []
    const looking = (async () => {
      while (!isOver) for (const endpoint of [a, b]) looks.push({ endpoint, queue: await queueOf(endpoint) })
    })()
    // Each node publishes to both, one of them in reverse order.
    const results = await Promise.all(
      stores.flatMap((store, at) =>
        Array.from({ length: 100 }, async (_, turn) => {
          const endpoints = at === 0 ? [a, b] : [b, a]
          const events = [anEvent(endpoints), anEvent([endpoints[turn % 2]!])]
          return (await store.publish({ ...request, events })).kind
        }),
      ),
    )
    isOver = true
    await looking
    expect(new Set(results)).toEqual(new Set(['stored']))
    const last = new Map([
      [a.id, await queueOf(a)],
      [b.id, await queueOf(b)],
    ])
    expect([last.get(a.id)!.length, last.get(b.id)!.length]).toEqual([300, 300])
    for (const { endpoint, queue } of looks) expect(last.get(endpoint.id)!.slice(0, queue.length)).toEqual(queue)
    await Promise.all(stores.map(store => store.close()))
  })
})
