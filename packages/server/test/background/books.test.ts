import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Books, parseCheckState } from '../../src/background/books.ts'
import { Interrupted } from '../../src/background/works.ts'
import { idBytes, newId } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { Store } from '../../src/store/store.ts'
import { anAttempt, anEndpoint, anEvent, aRequest, aSettlement, aTenant } from '../store/builders.ts'
import { engines, type Opened } from '../store/engines.ts'
import { atOnce, end, later, log, publish, replay, settings } from './setup.ts'

describe.each(engines())('the consistency check on $name', engine => {
  let opened: Opened
  let store: Store
  let endpoint: Endpoint

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  /** The findings of a check a day from now. */
  async function audit() {
    const lines: object[] = []
    const logged = { info() {}, error: (line: object) => void lines.push(line) } as never
    const books = new Books(later(store, 1), logged, settings())
    const { state } = await books.run(atOnce, '')
    const { some } = await store.read('listMismatches', { limit: 100 })
    expect(books.mismatches()).toBe(some.length)
    expect(lines).toHaveLength(some.length)
    return { found: some.map(({ kind, id }) => [kind, id]), state: parseCheckState(state)!, lines }
  }

  const fails = (item: Parameters<typeof aSettlement>[0], kind: 'retry' | 'exhausted', number: number) =>
    store.settle(aSettlement({ ...item, attempts: number - 1 }, kind === 'retry' ? { kind, dueAtMs: 0 } : { kind }))

  /** One example of each consistent state. */
  async function fill(of = endpoint) {
    const { tenant } = of
    const ended = await publish(store, [of])
    await end(store, ended.items[0]!)
    await replay(store, of, ended.event, ended.items[0]!.delivery)
    const exhausted = await publish(store, [of])
    await fails(exhausted.items[0]!, 'retry', 1)
    await fails(exhausted.items[0]!, 'exhausted', 2)
    const pending = await publish(store, [of])
    await fails(pending.items[0]!, 'retry', 1)
    const cancelled = await publish(store, [of])
    await store.write('cancelDelivery', { tenant, id: cancelled.items[0]!.delivery, nowMs: Date.now() })
    const waiting = anEvent([], { deliveries: null })
    await store.publish(await aRequest(store, tenant, [waiting]))
    return { ended, exhausted, pending, cancelled, waiting }
  }

  it('finds nothing wrong with replays, retries, cancelled and waiting deliveries', async () => {
    await fill()
    const { found, state } = await audit()
    expect(found).toEqual([])
    // Five events, three ended deliveries, two live ones.
    expect(state.looked).toBe(10)
  })

  it('finds nothing wrong if an endpoint got an event later', async () => {
    const { event } = await publish(store, [endpoint])
    const other = anEndpoint('acme', { partition: 9 })
    await store.write('createEndpoint', { endpoint: other })
    const delivery = { id: newId('dlv', Date.now()), endpoint: other.id, partition: 9 }
    const args = { tenant: 'acme', event: event.id, type: 'T', test: false, delivery, nowMs: Date.now() + 5_000 }
    await store.write('createDelivery', args)
    expect((await audit()).found).toEqual([])
  })

  it('finds nothing wrong after a takeover in which two nodes made the same attempt, or one was too late', async () => {
    const { items } = await publish(store, [endpoint])
    const [item] = items
    await fails(item!, 'retry', 1)
    const other = anAttempt(1, { startedAtMs: 77 })
    expect(await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 0 }, { attempt: other, epoch: 9 }))).toBe(
      'unmoved',
    )
    const success = { outcome: 'success', status: 200, error: null } as const
    await fails(item!, 'retry', 2)
    // A success from before the takeover still counts.
    await store.settle(
      aSettlement(item!, { kind: 'delivered' }, { attempt: anAttempt(1, { ...success, startedAtMs: 5 }) }),
    )
    await fails(item!, 'retry', 3)
    const late = await publish(store, [endpoint])
    await fails(late.items[0]!, 'exhausted', 1)
    await store.settle(
      aSettlement(late.items[0]!, { kind: 'delivered' }, { attempt: anAttempt(1, { ...success, startedAtMs: 6 }) }),
    )
    expect((await audit()).found).toEqual([])
  })

  it('finds everything that was broken manually', { timeout: 60_000 }, async () => {
    type Filled = Awaited<ReturnType<typeof fill>>
    const done = ({ ended }: Filled) => ended.items[0]!.delivery
    const failed = ({ exhausted }: Filled) => exhausted.items[0]!.delivery
    const live = ({ pending }: Filled) => pending.items[0]!.delivery
    const eventOf = (name: 'ended' | 'exhausted' | 'pending') => (filled: Filled) => filled[name].event.id
    const waiting = (filled: Filled) => filled.waiting.id
    const breaks: readonly [string, (filled: Filled) => string, string, (filled: Filled) => string][] = [
      ['update event set deliveries = 3 where id = $1', eventOf('exhausted'), 'event_deliveries', eventOf('exhausted')],
      ['update event set deliveries = 0 where id = $1', eventOf('pending'), 'event_deliveries', eventOf('pending')],
      ['delete from live_delivery where id = $1', live, 'event_deliveries', eventOf('pending')],
      ['delete from delivery where id = $1', done, 'event_deliveries', eventOf('ended')],
      ['delete from inbox where id = $1', waiting, 'event_waits_nowhere', waiting],
      ['delete from attempt where delivery = $1 and number = 1', failed, 'delivery_attempts', failed],
      [`update attempt set error = 'internal' where delivery = $1`, done, 'delivery_without_success', done],
      ['update attempt set error = null where delivery = $1', failed, 'delivery_without_failure', failed],
      ['update live_delivery set attempts = 4 where id = $1', live, 'delivery_attempts', live],
      ['update live_delivery set partition = 200 where id = $1', live, 'delivery_partition', live],
      ['update delivery set id = $1 where id = $2', live, 'delivery_twice', live],
    ]
    for (const [index, [text, broken, kind, shown]] of breaks.entries()) {
      const of = anEndpoint(`tenant-${index}`)
      await aTenant(store, of.tenant, [of])
      const filled = await fill(of)
      const ids = text.includes('$2') ? [broken(filled), done(filled)] : [broken(filled)]
      await opened.run(text, ids.map(idBytes))
      const { found, lines } = await audit()
      expect(found, text).toContainEqual([kind, shown(filled)])
      expect(lines).toContainEqual(
        expect.objectContaining({ kind, tenant: of.tenant, id: shown(filled), detail: expect.any(String) }),
      )
    }
  })

  it('finds a missing event of existing deliveries, and a missing payload', async () => {
    const { ended, pending } = await fill()
    await opened.run('delete from event where id = $1', [idBytes(ended.event.id)])
    await opened.run('update event set payload = $2 where id = $1', [idBytes(pending.event.id), new Uint8Array(0)])
    const { found } = await audit()
    expect(found).toContainEqual(['delivery_without_event', ended.items[0]!.delivery])
    expect(found).toContainEqual(['delivery_without_event', pending.items[0]!.delivery])
  })

  it('finds a wrong number of endpoints, and forgets it once corrected', async () => {
    await opened.run(`update tenant set endpoint_count = 5 where id = 'acme'`)
    expect((await audit()).found).toEqual([['tenant_endpoints', 'acme']])
    await opened.run(`update tenant set endpoint_count = 1 where id = 'acme'`)
    expect((await audit()).found).toEqual([])
  })

  it('leaves out rows that retention might be removing, and tenants that are being erased', async () => {
    const { ended } = await fill()
    await opened.run('delete from attempt where delivery = $1', [idBytes(ended.items[0]!.delivery)])
    await new Books(later(store, 29.5), log, settings()).run(atOnce, '')
    expect((await store.read('listMismatches', { limit: 1 })).count).toBe(0)
    await store.write('eraseTenant', { id: 'acme', nowMs: 1, attemptMs: 0 })
    expect((await audit()).found).toEqual([])
  })

  it('resumes where it was interrupted', async () => {
    for (const tenant of ['a', 'b', 'c']) {
      const of = anEndpoint(tenant)
      await aTenant(store, tenant, [of])
      await publish(store, [of])
    }
    let state = ''
    let kept = 0
    const pace = {
      ...atOnce,
      keep: async (next: string) => {
        state = next
        if (++kept === 2) throw new Interrupted()
      },
    }
    const books = new Books(later(store, 1), log, settings())
    await expect(books.run(pace, '')).rejects.toBeInstanceOf(Interrupted)
    expect(parseCheckState(state)).toMatchObject({ after: 'acme', endedAtMs: null, looked: 2 })
    const { state: last } = await books.run(pace, state)
    expect(parseCheckState(last)).toMatchObject({ looked: 6, found: 0, endedAtMs: expect.any(Number) })
  })
})
