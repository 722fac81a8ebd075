import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { Checker, TooMuchWaiting } from '../../src/publish/checking/checker.ts'
import { Payloads, UNFINISHED } from '../../src/publish/payloads.ts'
import { Turns } from '../../src/publish/turns.ts'
import { JumpClock } from '../jump-clock.ts'
import { PAYLOAD, TYPE, useBench } from '../services/setup.ts'
import { anInbox, arrive } from './arrivals.ts'

const bench = useBench()
const LATE = { timeout: 20_000 }
/** Nothing is forgotten for its age. */
const FROZEN = { ...systemClock, monotonicMs: () => 0 }
/** About 150 KB with 30,000 values. */
const LARGE = { ...JSON.parse(PAYLOAD), kind: 'a', list: Array.from({ length: 30_000 }, (_, at) => at % 1_000) }
/** Rows that are claimed at that moment are still there. */
async function isWaiting() {
  const all = { table: 'inbox', key: ['tenant', 'id'], limit: 9, after: null }
  return (await bench.store.read('countRows', all)).count > 0
}
const endpointsOf = async (event: string) =>
  (await bench.events.get('acme', event)).deliveries.map(({ endpoint }) => endpoint).sort()

describe('an event with a large payload', () => {
  it('is matched from the inbox with the same result as a small one', async () => {
    const wanting = [
      await bench.endpoint({ filter: { kind: ['a'] } }),
      await bench.endpoint({ filter: { list: [999] } }),
    ]
    await bench.endpoint({ filter: { kind: ['b'] } })
    wanting.push(await bench.endpoint())
    const { events } = await bench.publish({ type: TYPE, payload: LARGE })
    expect(events[0]!.deliveries).toBeNull()
    const { inbox } = anInbox(bench)
    inbox.start()
    await expect.poll(isWaiting, LATE).toBe(false)
    await inbox.stop()
    expect(await endpointsOf(events[0]!.id)).toEqual(wanting.toSorted())
  })

  it('is parsed over several rounds, none of which lasts longer than it can', async () => {
    await bench.endpoint({ filter: { kind: ['a'] } })
    const { events } = await bench.publish({ type: TYPE, payload: LARGE })
    const item = { tenant: 'acme', event: events[0]!.id } as never
    const payloads = new Payloads(bench.store, FROZEN)
    let found: unknown = UNFINISHED
    let rounds = 0
    for (; found === UNFINISHED; rounds++) {
      // No time at all: one slice.
      const turns = new Turns(new JumpClock())
      found = await payloads.get(item, turns, turns.workedMs)
    }
    expect(rounds).toBeGreaterThan(20)
    expect(found).toEqual(LARGE)
    expect(await payloads.get(item, new Turns(systemClock), 0)).toBe(found)
  })
})

it('a body is checked once, and the catalogue read once, however often its tenant’s configuration changes', async () => {
  await bench.endpoint()
  await bench.publisher.configuration.catalogue.get()
  const check = vi.spyOn(bench.publisher.means.checker, 'check')
  const read = vi.spyOn(bench.store, 'read')
  const publish = bench.store.publish.bind(bench.store)
  let changes = 0
  vi.spyOn(bench.store, 'publish').mockImplementation(async request => {
    if (changes++ < 2) await bench.endpoint()
    return publish(request)
  })
  const { events } = await bench.publish({ type: TYPE, payload: LARGE })
  expect(changes).toBe(3)
  expect(check).toHaveBeenCalledTimes(1)
  expect(read.mock.calls.filter(([name]) => name === 'readCatalogue')).toEqual([])
  expect(events[0]!.deliveries).toBe(3)
})

describe('memory for payloads', () => {
  /** About `bytes` of nested arrays, in an event of the tenant's that is matched from now on. */
  async function matched(payloads: Payloads, tenant: string, bytes: number) {
    await bench.tenants.put(tenant, {})
    const payload = { ...JSON.parse(PAYLOAD), list: Array.from({ length: bytes / 3 }, () => []) }
    const { events } = await bench.publish({ type: TYPE, payload }, tenant)
    const item = { tenant, event: events[0]!.id } as never
    return {
      event: events[0]!.id,
      /** One slice, at most. */
      step: async () => {
        const turns = new Turns(new JumpClock())
        return (await payloads.get(item, turns, turns.workedMs)) !== UNFINISHED
      },
    }
  }
  async function finish({ step }: { readonly step: () => Promise<boolean> }): Promise<number> {
    for (let steps = 1; ; steps++) if (await step()) return steps
  }

  it('that two tenants fill leaves room for small and medium payloads of others', async () => {
    const payloads = new Payloads(bench.store, FROZEN)
    const attackers = [await matched(payloads, 'a', 1_000_000), await matched(payloads, 'b', 1_000_000)]
    for (const { step } of attackers) expect(await step()).toBe(false)
    const small = await matched(payloads, 'c', 300)
    expect(await small.step()).toBe(true)
    const medium = await matched(payloads, 'd', 60_000)
    expect(await finish(medium)).toBeLessThan(1_000)
  })

  it('is given for large payloads to each tenant in turn, however many one of them has', async () => {
    const payloads = new Payloads(bench.store, FROZEN)
    const [first, second, third] = [
      await matched(payloads, 'a', 1_000_000),
      await matched(payloads, 'a', 1_000_000),
      await matched(payloads, 'b', 1_000_000),
    ]
    await first.step()
    await second.step()
    await third.step()
    await finish(first)
    payloads.drop(first.event as never)
    // Begins, and the other tenant's comes before the third.
    await second.step()
    const next = await matched(payloads, 'a', 1_000_000)
    await next.step()
    await finish(second)
    payloads.drop(second.event as never)
    expect(await next.step()).toBe(false)
    expect(await finish(third)).toBeGreaterThan(20)
    payloads.drop(third.event as never)
    expect(await finish(next)).toBeGreaterThan(20)
  })
})

describe('an event published from SQL', () => {
  it('with a large payload is validated in a thread, and others of its tenant come after it', async () => {
    await bench.endpoint()
    const large = await arrive(bench, ['acme', TYPE, JSON.stringify(LARGE), 'k1'])
    const wrong = await arrive(bench, ['acme', TYPE, JSON.stringify({ ...LARGE, CoverId: 1 }), 'k2'])
    const small = await arrive(bench, ['acme', TYPE, PAYLOAD, 'k3'])
    const { inbox } = anInbox(bench, { lookMs: 20 }, systemClock, { maxBodyBytes: 1_048_576 })
    inbox.start()
    await expect.poll(isWaiting, LATE).toBe(false)
    await inbox.stop()
    expect((await endpointsOf(large)).length).toBe(1)
    expect((await endpointsOf(small)).length).toBe(1)
    const { event } = await bench.events.get('acme', wrong)
    expect(event.rejected).toMatchObject([{ field: '/payload/CoverId', reason: 'schema' }])
  })

  it('waits without a line in the log while too much of its tenant is waiting to be checked', async () => {
    await bench.endpoint()
    const large = await arrive(bench, ['acme', TYPE, JSON.stringify(LARGE), 'k1'])
    const { checker } = bench.publisher.means
    const check = vi.spyOn(checker, 'check')
    for (let at = 0; at < 3; at++) check.mockRejectedValueOnce(new TooMuchWaiting())
    const { inbox, lines } = anInbox(bench, { lookMs: 20 }, systemClock, { maxBodyBytes: 1_048_576 })
    inbox.start()
    await expect.poll(isWaiting, LATE).toBe(false)
    await inbox.stop()
    expect(check).toHaveBeenCalledTimes(4)
    expect((await endpointsOf(large)).length).toBe(1)
    expect(lines).toEqual([])
  })

  it('is rejected if its payload takes too long to validate, and other tenants do not wait for that', async () => {
    await bench.tenants.put('other', {})
    await bench.endpoint({}, 'other')
    const schema = { type: 'object', required: ['id'], properties: { id: { pattern: '^(a+)+$' } } }
    const type = { name: 'SLOW', group: 'g', description: 'd', schema, example: { id: 'a' }, schedule: null }
    await bench.store.write('putEventType', { type, nowMs: 1 })
    const slow = await arrive(bench, ['acme', 'SLOW', JSON.stringify({ id: `${'a'.repeat(40)}!` }), 'k1'])
    await arrive(bench, ['other', TYPE, PAYLOAD, 'k1'])
    const checker = new Checker(systemClock, undefined, { quickMs: 50, slowMs: 400 })
    const { inbox } = anInbox(bench, { lookMs: 20 }, systemClock, { checker })
    inbox.start()
    await expect.poll(() => bench.list(null, null, 'other'), LATE).toHaveLength(1)
    expect(await isWaiting()).toBe(true)
    const rejected = async () => (await bench.store.read('getEvent', { tenant: 'acme', id: slow }))?.rejected
    await expect.poll(rejected, LATE).toMatchObject([{ field: '/payload', reason: 'check_took_too_long' }])
    await inbox.stop()
    await checker.stop()
  })
})
