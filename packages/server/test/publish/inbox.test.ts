import { expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { idBytes } from '../../src/base/ids.ts'
import { Loop } from '../../src/base/loop.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { PAYLOAD, TYPE, useBench } from '../services/setup.ts'
import { anEndpoint, bytes } from '../store/builders.ts'
import { anInbox, arrive } from './arrivals.ts'

const bench = useBench()
const LATE = { timeout: 10_000 }
const SOUND = ['acme', TYPE, PAYLOAD] as const
const getEvent = (id: string) => bench.store.read('getEvent', { tenant: 'acme', id })
const isWaiting = () => bench.store.read('peekInbox', {})

it('C13: matches again after an unnoticed change of the configuration, and hands over the deliveries', async () => {
  await bench.publishOne()
  const endpoint = anEndpoint('acme', { types: [TYPE] })
  // Without a notification, as if another node did it: the cached copy doesn't have the endpoint.
  await bench.store.write('createEndpoint', { endpoint })
  const event = await arrive(bench, SOUND)
  const { inbox } = anInbox(bench)
  inbox.start()
  await expect.poll(() => bench.list(), LATE).toMatchObject([{ event, endpoint: endpoint.id, state: 'pending' }])
  await inbox.stop()
  const fresh = bench.changes.flatMap(change => (change.kind === 'fresh' ? change.items : []))
  expect(fresh).toMatchObject([{ event, endpoint: endpoint.id, type: TYPE, attempts: 0, test: false }])
  expect(Buffer.from(fresh[0]!.payload!).toString()).toBe(PAYLOAD)
})

it('C13: holds back only the event that cannot be stored, and logs it', async () => {
  const before = await arrive(bench, SOUND)
  const broken = await arrive(bench, SOUND)
  const after = await arrive(bench, SOUND)
  // A row with this id already exists, so a commit with the event fails.
  await bench.run('insert into event (tenant, id, type, payload, test, created_ms) values ($1, $2, $3, $4, 0, 1)', [
    'acme',
    idBytes(broken),
    'T',
    bytes('{}'),
  ])
  const { inbox, lines } = anInbox(bench)
  inbox.start()
  await expect.poll(async () => (await getEvent(after))?.type, LATE).toBe(TYPE)
  await expect.poll(isWaiting, LATE).toBe(false)
  await inbox.stop()
  expect((await getEvent(before))?.type).toBe(TYPE)
  expect(lines).toMatchObject([{ level: 'error', event: broken, tenant: 'acme' }])
  // It stays claimed for a while, and is then retried.
  await bench.run('update inbox set claimed_until_ms = 0')
  expect((await bench.store.write('claimInbox', { after: '', claimMs: 1, maxPayloadBytes: 9 })).arrivals).toMatchObject(
    [{ event: broken }],
  )
})

it('holds back only the events whose schema does not compile', async () => {
  const schema = JSON.stringify({ type: 'nonsense' })
  await bench.run(
    `insert into event_type (name, grp, description, schema, example, created_ms) values ('BAD', '', '', $1, '{}', 1)`,
    [schema],
  )
  await arrive(bench, ['acme', 'BAD', '{}'])
  const sound = await arrive(bench, SOUND)
  const { inbox, lines } = anInbox(bench)
  inbox.start()
  await expect.poll(() => getEvent(sound), LATE).not.toBeNull()
  await inbox.stop()
  expect(lines).toMatchObject([{ level: 'error', type: 'BAD' }])
})

it.each([
  ['on SQLite, rests after each round while several tenants have something to store', true],
  ['rests at no time while only one tenant has something to store', false],
])('%s', async (_title, isShared) => {
  for (let at = 0; at < 60; at++) await bench.store.write('createEndpoint', { endpoint: anEndpoint('acme') })
  for (let at = 0; at < 12; at++) await arrive(bench, SOUND)
  const shared = vi.spyOn(bench.store, 'isShared', 'get').mockReturnValue(isShared)
  const rest = vi.spyOn(Loop.prototype, 'rest')
  let nowMs = 0
  const { inbox } = anInbox(bench, {}, { ...systemClock, monotonicMs: () => (nowMs += 0.01) })
  inbox.start()
  await expect.poll(async () => (await bench.list()).length, LATE).toBe(720)
  await inbox.stop()
  const rests = rest.mock.calls.map(([ms]) => ms)
  shared.mockRestore()
  rest.mockRestore()
  if (isShared && bench.store.engine === 'sqlite') {
    // 12 × 60 deliveries, 128 in a round.
    expect(rests.length).toBeGreaterThanOrEqual(6)
    expect(rests.every(ms => ms > 0 && ms <= 50)).toBe(true)
  } else expect(rests).toEqual([])
})

it("releases rows beyond a tenant's share of a round, and processes them in the next", async () => {
  for (let at = 0; at < 60; at++) await bench.store.write('createEndpoint', { endpoint: anEndpoint('acme') })
  for (let at = 0; at < 12; at++) await arrive(bench, SOUND)
  const release = vi.spyOn(bench.store, 'write')
  // A round is also limited in time: here none passes.
  const { inbox } = anInbox(bench, { maxDeliveriesAtOnce: 100 }, { ...systemClock, monotonicMs: () => 0 })
  inbox.start()
  await expect.poll(async () => (await bench.list()).length, LATE).toBe(720)
  await inbox.stop()
  const released = release.mock.calls.flatMap(([name, args]) => (name === 'releaseInbox' ? [args] : []))
  // 9 × 60 are more than 500.
  expect(released.map(args => (args as { rows: unknown[] }).rows.length)).toContain(3)
})

it('pauses for a second after a failure of the store, however often it is woken', async () => {
  const event = await arrive(bench, SOUND)
  const askedAtMs: number[] = []
  const read = bench.store.read.bind(bench.store)
  vi.spyOn(bench.store, 'read').mockImplementation((name, args) => {
    if (name !== 'peekInbox') return read(name, args)
    askedAtMs.push(performance.now())
    return askedAtMs.length === 1 ? Promise.reject(new StoreUnavailable('unavailable')) : read(name, args as never)
  })
  const { inbox, lines } = anInbox(bench, { lookMs: 5 })
  inbox.start()
  await expect.poll(() => getEvent(event), LATE).not.toBeNull()
  await inbox.stop()
  expect(lines).toMatchObject([{ level: 'warn', msg: expect.stringContaining('retrying') }])
  expect(askedAtMs[1]! - askedAtMs[0]!).toBeGreaterThan(900)
})

it('C13: retries events that a failure of the store left claimed', async () => {
  const event = await arrive(bench, SOUND)
  const write = bench.store.write.bind(bench.store)
  let tries = 0
  vi.spyOn(bench.store, 'write').mockImplementation((name, args) => {
    if (name === 'acceptArrivals' && ++tries === 1) return Promise.reject(new StoreUnavailable('unavailable'))
    return write(name, args)
  })
  const { inbox } = anInbox(bench)
  inbox.start()
  await expect.poll(() => getEvent(event), { timeout: 25_000 }).not.toBeNull()
  await inbox.stop()
  expect(tries).toBe(2)
})
