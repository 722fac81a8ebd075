import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { Checker } from '../../src/publish/checking/checker.ts'
import { Payloads, UNFINISHED } from '../../src/publish/payloads.ts'
import { Turns } from '../../src/publish/turns.ts'
import { JumpClock } from '../jump-clock.ts'
import { PAYLOAD, TYPE, useBench } from '../services/setup.ts'
import { anInbox, arrive } from './arrivals.ts'

const bench = useBench()
const LATE = { timeout: 20_000 }
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
    const payloads = new Payloads(bench.store, systemClock)
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
