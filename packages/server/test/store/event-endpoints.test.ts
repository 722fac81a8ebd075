import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idBytes } from '../../src/base/ids.ts'
import { anEndpoint, anEvent, aRequest, aTenant } from './builders.ts'
import { engines, type Opened } from './engines.ts'

describe.each(engines())('an event at its endpoints on $name', engine => {
  let opened: Opened
  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  it('names the first delivery in the queue of each ordered endpoint, as lanes send them', async () => {
    const { store, run } = opened
    const ordered = [anEndpoint('acme', { ordered: true }), anEndpoint('acme', { ordered: true })]
    const endpoints = [...ordered, anEndpoint('acme')]
    await aTenant(store, 'acme', endpoints)
    const events = [anEvent(endpoints), anEvent(endpoints), anEvent(endpoints)]
    for (const event of events) await store.publish(await aRequest(store, 'acme', [event]))
    const deliveryOf = (at: number, endpoint: string) =>
      events[at]!.deliveries!.find(delivery => delivery.endpoint === endpoint)!.id
    const behind = async (at: number) => {
      const args = { tenant: 'acme', event: events[at]!.id, before: null, limit: 9 }
      const facts = (await store.read('listEventEndpoints', args))!.endpoints
      return endpoints.map(({ id }) => facts.find(({ endpoint }) => endpoint === id)!.behind)
    }
    const first = ordered.map(({ id }) => deliveryOf(0, id))
    expect(await behind(0)).toEqual([null, null, null])
    expect(await behind(1)).toEqual([...first, null])
    expect(await behind(2)).toEqual([...first, null])
    // One from before the endpoint was ordered goes first, whatever its id.
    const early = deliveryOf(2, ordered[0]!.id)
    await run('update live_delivery set seq = null where id = $1', [idBytes(early)])
    expect(await behind(2)).toEqual([null, first[1], null])
    expect(await behind(0)).toEqual([early, null, null])
    const { items } = await store.read('readOrderedLane', {
      partition: ordered[0]!.partition,
      endpoint: ordered[0]!.id,
      limit: 9,
      maxPayloadBytes: 0,
      isNumbered: false,
    })
    expect(items.map(({ delivery }) => delivery)).toEqual([early, first[0], deliveryOf(1, ordered[0]!.id)])
  })
})
