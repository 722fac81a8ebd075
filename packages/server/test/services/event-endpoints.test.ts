import { describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import type { EndpointId } from '../../src/base/model.ts'
import { code, useBench } from './setup.ts'

const bench = useBench()
const COVER = 'COVER_REFERENCE'
const payload = (more: object = {}) => ({ CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc', ...more })
const publish = async (more: object = {}) =>
  (await bench.publish({ type: COVER, payload: payload(more) })).events[0]!.id

async function outcomes(event: string) {
  const found = await bench.events.listEndpoints('acme', event, { before: null, limit: 1_000 })
  return Object.fromEntries(found.map(({ endpoint, state, reason }) => [endpoint, reason ?? state]))
}

describe('the outcome of an event at an endpoint', () => {
  it('reflects the configuration when the event was published, whatever was changed since', async () => {
    const all = await bench.endpoint()
    const other = await bench.endpoint({ types: ['GRADE_CHANGED'] })
    const kept = await bench.endpoint({ filter: { kind: ['a'] } })
    const gone = await bench.endpoint()
    await bench.endpoints.remove('acme', gone)
    const disabled = await bench.endpoint()
    await bench.endpoints.disable('acme', disabled)
    const event = await publish({ kind: 'b' })
    const then = { [all]: 'pending', [other]: 'type', [kept]: 'filter', [gone]: 'deleted', [disabled]: 'disabled' }
    expect(await outcomes(event)).toEqual(then)
    const later = await bench.endpoint()
    await bench.endpoints.update('acme', other, { types: null })
    await bench.endpoints.update('acme', kept, { types: ['GRADE_CHANGED'], filter: null })
    await bench.endpoints.update('acme', all, { types: ['GRADE_CHANGED'] })
    expect(await outcomes(event)).toEqual({ ...then, [later]: 'registered_later' })
    await bench.endpoints.remove('acme', other)
    await bench.endpoints.remove('acme', kept)
    await bench.endpoints.remove('acme', later)
    await bench.endpoints.remove('acme', all)
    expect(await outcomes(event)).toEqual({ ...then, [all]: 'deleted', [later]: 'registered_later' })
    const next = await publish({ kind: 'b' })
    expect(await outcomes(next)).toEqual({
      ...Object.fromEntries([all, other, kept, gone, later].map(id => [id, 'deleted'])),
      [disabled]: 'disabled',
    })
  })

  it('is that of the newest delivery, with the number of deliveries', async () => {
    const id = await bench.endpoint()
    const event = await publish()
    const [first] = await bench.list()
    await bench.deliveries.cancel('acme', first!.id)
    const again = await bench.deliveries.retry('acme', first!.id)
    const [outcome] = await bench.events.listEndpoints('acme', event, { before: null, limit: 9 })
    expect(outcome).toMatchObject({ endpoint: id, state: 'pending', deliveryCount: 2, reason: null })
    expect(outcome!.delivery!.id).toBe(again.delivery.id)
    expect(outcome!.delivery!.dueAtMs).not.toBeNull()
  })

  it('is that of a delivery created later, even if the endpoint did not receive the type at first', async () => {
    const id = await bench.endpoint({ types: ['GRADE_CHANGED'] })
    const event = await publish()
    expect(await outcomes(event)).toEqual({ [id]: 'type' })
    const { partition } = await bench.endpoints.get('acme', id)
    const nowMs = bench.store.now()
    const delivery = { id: newId('dlv', nowMs), endpoint: id, partition }
    await bench.store.write('createDelivery', { tenant: 'acme', event, type: COVER, test: false, delivery, nowMs })
    expect(await outcomes(event)).toEqual({ [id]: 'pending' })
  })

  it('says that the event was a test of another endpoint', async () => {
    const [mine, other] = [await bench.endpoint(), await bench.endpoint()]
    const { event } = await bench.publisher.publishTest(await bench.endpoints.get('acme', mine), COVER)
    expect(await outcomes(event)).toEqual({ [mine]: 'pending', [other]: 'test' })
  })

  it('is listed in pages', async () => {
    const ids: EndpointId[] = []
    for (let n = 0; n < 5; n++) ids.push(await bench.endpoint({ types: n % 2 === 0 ? [COVER] : ['GRADE_CHANGED'] }))
    const event = await publish()
    const seen: string[] = []
    for (let before: EndpointId | null = null; ; ) {
      const page = await bench.events.listEndpoints('acme', event, { before, limit: 2 })
      seen.push(...page.map(({ endpoint }) => endpoint))
      if (page.length < 2) break
      before = page.at(-1)!.endpoint
    }
    expect(seen).toEqual([...ids].reverse())
    expect(await code(bench.events.listEndpoints('acme', 'evt_x', { before: null, limit: 9 }))).toBe('not_found')
    const unknownEvent = 'evt_01jy4k8v3xf0c8wq2rn5s7t9ab'
    expect(await code(bench.events.listEndpoints('acme', unknownEvent, { before: null, limit: 9 }))).toBe('not_found')
  })

  it('is correct for each event published between changes of the endpoint', async () => {
    const id = await bench.endpoint({ types: [COVER] })
    const expected: Record<string, string> = {}
    for (let n = 0; n < 12; n++) {
      const wants = n % 3
      const change = wants === 0 ? { types: [COVER], filter: null } : { types: [COVER], filter: { kind: ['x'] } }
      await bench.endpoints.update('acme', id, wants === 2 ? { types: ['GRADE_CHANGED'] } : change)
      expected[await publish()] = ['pending', 'filter', 'type'][wants]!
    }
    for (const [event, outcome] of Object.entries(expected)) expect(await outcomes(event)).toEqual({ [id]: outcome })
  })
})
