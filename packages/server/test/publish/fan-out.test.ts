import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { Publisher } from '../../src/publish/publisher.ts'
import { type Bench, refusal, useBench } from '../services/setup.ts'
import { anInbox, arrive, isInboxEmpty } from './arrivals.ts'

const bench = useBench()
const LATE = { timeout: 20_000 }
const COVER = 'COVER_REFERENCE'
const payload = (kind: string) => JSON.stringify({ CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc', kind })

async function outcomes(event: string) {
  const found = await bench.events.listEndpoints('acme', event, { before: null, limit: 1_000 })
  return Object.fromEntries(found.map(({ endpoint, state, reason }) => [endpoint, reason ?? state]))
}

/** Publishes with a publisher that leaves events with more than three deliveries to the inbox. */
async function publishToMany(kind: string) {
  const options = { maxBatch: 9, maxDepth: 64, idempotencyDays: 1, maxDeliveriesAtOnce: 3 }
  const publisher = new Publisher(bench.store, options)
  const body = Buffer.from(`{"type":"${COVER}","payload":${payload(kind)}}`)
  return (await publisher.publish('acme', body)).events[0]!
}

const isEmpty = () => isInboxEmpty(bench.store)

async function workOff() {
  // A round is also limited in time: here none passes.
  const { inbox } = anInbox(bench, { maxDeliveriesAtOnce: 3 }, { ...systemClock, monotonicMs: () => 0 })
  inbox.start()
  await expect.poll(isEmpty, LATE).toBe(true)
  await inbox.stop()
}

describe('an event with very many deliveries', () => {
  it('goes to the endpoints that wanted it when it was published, even if they change during the fan-out', async () => {
    const wanting: string[] = []
    for (let at = 0; at < 4; at++) wanting.push(await bench.endpoint({ filter: { kind: ['a'] } }))
    const pattern = await bench.endpoint({ types: ['COVER_*'] })
    const changed = await bench.endpoint({ types: [COVER], filter: { kind: ['a'] } })
    const changedToo = await bench.endpoint({ types: ['GRADE_CHANGED'] })
    const filtered = await bench.endpoint({ filter: { kind: ['b'] } })
    const deleted = await bench.endpoint()
    const deletedToo = await bench.endpoint({ filter: { kind: ['b'] } })
    const { id, deliveries, notSent } = await publishToMany('a')
    expect([deliveries, notSent]).toEqual([null, null])
    const made = Object.fromEntries([...wanting, pattern, changed, deleted].map(each => [each, 'being_made']))
    const not = { [changedToo]: 'type', [filtered]: 'filter', [deletedToo]: 'filter' }
    expect(await outcomes(id)).toEqual({ ...made, ...not })

    await bench.endpoints.update('acme', changed, { types: ['GRADE_CHANGED'], filter: null })
    await bench.endpoints.update('acme', changedToo, { types: null })
    await bench.endpoints.update('acme', filtered, { filter: null })
    const later = await bench.endpoint()
    await bench.endpoints.remove('acme', deleted)
    await bench.endpoints.remove('acme', deletedToo)
    await workOff()
    expect(await outcomes(id)).toEqual({
      ...Object.fromEntries([...wanting, pattern, changed].map(each => [each, 'pending'])),
      ...not,
      [deleted]: 'deleted',
      [later]: 'registered_later',
    })
    const { event } = await bench.events.get('acme', id)
    expect(event.notSent, 'of the remaining endpoints').toEqual({ type: 1, filter: 1 })
  })

  it('is fanned out in rounds, and goes once to each endpoint whose filter lets it through', async () => {
    for (let at = 0; at < 1_200; at++) {
      const filter = at % 3 === 0 ? { kind: ['b'] } : at % 3 === 1 ? { kind: { prefix: 'a' } } : null
      await bench.endpoint({ filter })
    }
    const { id } = await publishToMany('a')
    const writes = vi.spyOn(bench.store, 'write')
    await workOff()
    const countOf = (wanted: string) => writes.mock.calls.filter(([name]) => name === wanted).length
    expect(countOf('fanOut')).toBe(2)
    // One to start with and one with each round: further commits would leave the lanes idle.
    expect(countOf('claimInbox')).toBe(3)
    const found = await bench.events.listEndpoints('acme', id, { before: null, limit: 2_000 })
    expect(found.filter(({ state, deliveryCount }) => state === 'pending' && deliveryCount === 1)).toHaveLength(800)
    expect(found.filter(({ reason }) => reason === 'filter')).toHaveLength(400)
    expect((await bench.events.get('acme', id)).event.notSent).toEqual({ filter: 400 })
  })
})

describe('an inbox that is stopped', () => {
  it('C13: releases its claims: the next continues immediately, and each endpoint gets the event once', async () => {
    for (let at = 0; at < 1_200; at++) await bench.endpoint()
    const { id } = await publishToMany('a')
    const { inbox } = anInbox(bench, { maxDeliveriesAtOnce: 3 })
    const write = bench.store.write.bind(bench.store)
    let stopped: Promise<void> | undefined
    vi.spyOn(bench.store, 'write').mockImplementation((name, args) => {
      if (name === 'fanOut') stopped ??= inbox.stop()
      return write(name, args)
    })
    inbox.start()
    await expect.poll(() => stopped !== undefined, LATE).toBe(true)
    await stopped
    const claim = { after: '', claimMs: 1, maxPayloadBytes: 9 }
    expect((await write('claimInbox', claim)).items).toMatchObject([{ event: id, made: 500 }])
    await workOff()
    const found = await bench.events.listEndpoints('acme', id, { before: null, limit: 2_000 })
    expect(found.filter(({ state, deliveryCount }) => state === 'pending' && deliveryCount === 1)).toHaveLength(1_200)
  })
})

describe('an event whose filters would take long to evaluate', () => {
  const items = Array.from({ length: 200 }, (_, at) => ({ at }))
  /** Takes thousands of steps with these items, and refuses them unless `kind` is right. */
  const slow = (kind: string, nth: number) => ({
    anyOf: [...Array.from({ length: 20 }, (_, at) => ({ items: { at: [-1 - at, -nth] } })), { kind: [kind] }],
  })
  const publish = (kind: string) => bench.publish({ type: COVER, payload: { ...JSON.parse(payload(kind)), items } })

  it('is matched from the inbox, a part at a time', async () => {
    for (let at = 0; at < 60; at++) await bench.endpoint({ filter: slow(`a${at % 2}`, at + 1) })
    for (let at = 0; at < 60; at++) await bench.endpoint({ filter: { kind: ['a', at] } })
    const { id, deliveries } = (await publish('a1')).events[0]!
    expect(deliveries).toBeNull()
    const fanOuts = vi.spyOn(bench.store, 'write')
    let nowMs = 0
    // A millisecond between any two looks at it, so that each look ends a turn, and ten end a round.
    const { inbox } = anInbox(bench, {}, { ...systemClock, monotonicMs: () => nowMs++ })
    inbox.start()
    await expect.poll(isEmpty, LATE).toBe(true)
    await inbox.stop()
    expect(fanOuts.mock.calls.filter(([name]) => name === 'fanOut').length).toBeGreaterThan(5)
    expect(Object.values(await outcomes(id)).toSorted()).toEqual([
      ...Array(90).fill('filter'),
      ...Array(30).fill('pending'),
    ])
    expect((await bench.events.get('acme', id)).event.notSent).toEqual({ filter: 90 })
  })

  it('is left to the inbox without a try once its tenant has used up its share of the time', async () => {
    await bench.endpoint({ filter: slow('a', 1) })
    vi.spyOn(bench.store, 'now').mockReturnValue(Date.now())
    const made: (number | null)[] = []
    for (let nth = 0; nth < 8; nth++) made.push((await publish('a')).events[0]!.deliveries)
    expect(made[0]).toBe(1)
    expect(made.at(-1)).toBeNull()
    await workOff()
    expect(await bench.list()).toHaveLength(8)
  })

  it('is stored without waiting for the endpoints of a tenant that has too many to be read at once', async () => {
    await bench.tenants.put('large', {})
    for (let at = 0; at < 40; at++) await bench.endpoint({ types: ['COVER_*'], filter: slow(`${at}`, 1) }, 'large')
    const options = { maxBatch: 9, maxDepth: 64, idempotencyDays: 1, configurationMemoryBytes: 100_000 }
    const publisher = new Publisher(bench.store, options)
    const body = Buffer.from(JSON.stringify({ type: COVER, payload: { ...JSON.parse(payload('7')), items } }))
    const published = [1, 2, 3].map(() => publisher.publish('large', body))
    for (const { events } of await Promise.all(published)) expect(events[0]!.deliveries).toBeNull()
    expect(publisher.configuration.tenants.bytes).toBeLessThan(100_000)
    const { inbox } = anInbox({ ...bench, publisher } as Bench)
    inbox.start()
    await expect.poll(isEmpty, LATE).toBe(true)
    await inbox.stop()
    expect(await bench.list(null, null, 'large')).toHaveLength(3)
  })
})

describe('an event published from SQL', () => {
  it('is visible, with its deliveries being created, until it is processed; then filters apply as usual', async () => {
    const [some, other] = [
      await bench.endpoint({ filter: { kind: ['a'] } }),
      await bench.endpoint({ types: ['GRADE_*'] }),
    ]
    const gone = await bench.endpoint()
    await bench.endpoints.remove('acme', gone)
    const events = [
      await arrive(bench, ['acme', COVER, payload('a')]),
      await arrive(bench, ['acme', COVER, payload('b')]),
    ]
    expect((await bench.events.get('acme', events[0]!)).event).toMatchObject({ type: COVER, notSent: null })
    const waiting = { [some]: 'being_made', [other]: 'being_made', [gone]: 'deleted' }
    expect(await outcomes(events[0]!)).toEqual(waiting)
    await workOff()
    expect(await outcomes(events[0]!)).toEqual({ [some]: 'pending', [other]: 'type', [gone]: 'deleted' })
    expect(await outcomes(events[1]!)).toEqual({ [some]: 'filter', [other]: 'type', [gone]: 'deleted' })
    expect((await bench.events.get('acme', events[1]!)).event.notSent).toEqual({ type: 1, filter: 1 })
  })

  it('is filtered even if it has very many deliveries', async () => {
    for (let at = 0; at < 5; at++) await bench.endpoint({ filter: { kind: ['a'] } })
    const not = await bench.endpoint({ filter: { kind: ['b'] } })
    const event = await arrive(bench, ['acme', COVER, payload('a')])
    await workOff()
    const found = await outcomes(event)
    expect(Object.values(found).filter(state => state === 'pending')).toHaveLength(5)
    expect(found[not]).toBe('filter')
  })

  it('is rejected with a reason if its type is archived', async () => {
    const id = await bench.endpoint()
    await bench.types.archive(COVER)
    const event = await arrive(bench, ['acme', COVER, payload('a')])
    await workOff()
    const { event: stored } = await bench.events.get('acme', event)
    expect(stored.rejected).toMatchObject([{ field: '/type', reason: 'event_type_archived' }])
    expect(await outcomes(event)).toEqual({ [id]: 'rejected' })
  })

  it('is taken into account when a schema is about to change', async () => {
    await arrive(bench, ['acme', COVER, payload('a')])
    await workOff()
    const type = await bench.types.get(COVER)
    const schema = { type: 'object', required: ['kind'], properties: { kind: { const: 'z' } } }
    const refused = await refusal(bench.types.put(COVER, { ...type, schema, example: { kind: 'z' } }))
    expect(refused.code).toBe('schema_conflict')
  })
})
