import { describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import type { Delivery } from '../../src/base/model.ts'
import type { NextStep } from '../../src/store/operations/deliveries/settlement.ts'
import { aSettlement } from '../store/builders.ts'
import { code, fields, PAYLOAD, refusal, TYPE, useBench } from './setup.ts'

const bench = useBench()

/** A delivery of a new event to a new endpoint. */
async function aDelivery(): Promise<Delivery> {
  const id = await bench.endpoint()
  await bench.publishOne()
  bench.changes.length = 0
  return (await bench.list(null, id))[0]!
}

/** Settles an attempt of the delivery. */
async function settle(delivery: Delivery, step: NextStep): Promise<void> {
  const { partition } = await bench.endpoints.get('acme', delivery.endpoint)
  const item = { ...delivery, delivery: delivery.id, partition, dueAtMs: delivery.dueAtMs ?? 0, payload: null }
  await bench.store.settle(aSettlement(item, step))
}

describe('retry', () => {
  it('C12: makes the next attempt of a pending delivery due now', async () => {
    const delivery = await aDelivery()
    await settle(delivery, { kind: 'retry', dueAtMs: Date.now() + 1_000_000 })
    const { delivery: after, created } = await bench.deliveries.retry('acme', delivery.id)
    expect(created).toBe(false)
    expect(after).toMatchObject({ id: delivery.id, state: 'pending', attempts: 1 })
    expect(after.dueAtMs).toBeLessThanOrEqual(Date.now())
    expect(bench.changes).toMatchObject([{ kind: 'lane', endpoint: delivery.endpoint, delivery: delivery.id }])
  })

  it.each(['delivered', 'exhausted', 'cancelled'] as const)(
    'creates a new delivery if the old one is %s',
    async state => {
      const delivery = await aDelivery()
      if (state === 'cancelled') await bench.deliveries.cancel('acme', delivery.id)
      else await settle(delivery, { kind: state })
      const { delivery: again, created } = await bench.deliveries.retry('acme', delivery.id)
      expect(created).toBe(true)
      expect(again).toMatchObject({ event: delivery.event, replayOf: delivery.id, state: 'pending', attempts: 0 })
      expect((await bench.deliveries.get('acme', delivery.id)).delivery.state).toBe(state)
      expect(bench.changes.at(-1)).toMatchObject({ kind: 'lane', delivery: again.id })
    },
  )

  it('refuses a held delivery, and one whose endpoint was deleted', async () => {
    const delivery = await aDelivery()
    await settle(delivery, { kind: 'exhausted' })
    await bench.publishOne()
    await bench.endpoints.disable('acme', delivery.endpoint)
    const [held] = await bench.list('held')
    const error = await refusal(bench.deliveries.retry('acme', held!.id))
    expect([error.code, error.message]).toEqual(['conflict', expect.stringContaining('Enable')])
    // A new delivery to a disabled endpoint is created, and held like any other.
    expect((await bench.deliveries.retry('acme', delivery.id)).delivery).toMatchObject({
      state: 'held',
      heldReason: 'disabled',
    })
    await bench.endpoints.remove('acme', delivery.endpoint)
    expect(await code(bench.deliveries.retry('acme', delivery.id))).toBe('conflict')
  })
})

describe('a set-aside delivery', () => {
  async function setAside(delivery: Delivery): Promise<void> {
    const trial = { tenant: 'acme', delivery: delivery.id, epoch: 0, mayBeLast: true }
    for (let count = 0; count < 4; count++) await bench.store.write('beginTrial', trial)
  }

  it('C13: is listed, and sent again after a manual retry', async () => {
    const delivery = await aDelivery()
    await setAside(delivery)
    const { count, deliveries } = await bench.deliveries.listSetAside({ before: null }, 9)
    expect([count, deliveries]).toMatchObject([1, [{ id: delivery.id, heldReason: 'set_aside' }]])
    const { delivery: after, created } = await bench.deliveries.retry('acme', delivery.id)
    expect([after, created]).toMatchObject([{ id: delivery.id, state: 'pending', heldReason: null }, false])
    expect(after.dueAtMs).toBeLessThanOrEqual(Date.now())
    expect(bench.changes).toMatchObject([{ kind: 'lane', endpoint: delivery.endpoint, delivery: delivery.id }])
    expect((await bench.deliveries.listSetAside({ before: null }, 9)).count).toBe(0)
  })

  it('C13: stays held when its endpoint is enabled or, after a retry, disabled, and can be cancelled', async () => {
    const delivery = await aDelivery()
    await setAside(delivery)
    await bench.endpoints.disable('acme', delivery.endpoint)
    await bench.endpoints.enable('acme', delivery.endpoint, { held: 'release' })
    expect((await bench.list('held')).map(({ heldReason }) => heldReason)).toEqual(['set_aside'])
    await bench.endpoints.disable('acme', delivery.endpoint)
    const { delivery: after } = await bench.deliveries.retry('acme', delivery.id)
    expect(after).toMatchObject({ state: 'held', heldReason: 'disabled' })
    await bench.endpoints.enable('acme', delivery.endpoint, { held: 'release' })
    expect((await bench.list('pending')).map(({ id }) => id)).toEqual([delivery.id])
    await setAside(delivery)
    expect((await bench.deliveries.cancel('acme', delivery.id)).state).toBe('cancelled')
  })

  it('C13: is cancelled with its endpoint', async () => {
    const delivery = await aDelivery()
    await setAside(delivery)
    await bench.endpoints.remove('acme', delivery.endpoint)
    expect((await bench.list('cancelled')).map(({ id }) => id)).toEqual([delivery.id])
    expect(await bench.deliveries.listSetAside({ before: null }, 9)).toEqual({ count: 0, deliveries: [] })
  })
})

describe('cancel', () => {
  it('C13: cancels a pending or held delivery, and does nothing if it is cancelled already', async () => {
    const delivery = await aDelivery()
    const cancelled = await bench.deliveries.cancel('acme', delivery.id)
    expect(cancelled).toMatchObject({ id: delivery.id, state: 'cancelled', endedAtMs: expect.any(Number) })
    expect(bench.changes).toMatchObject([{ kind: 'lane', delivery: delivery.id }])
    expect(await bench.deliveries.cancel('acme', delivery.id)).toEqual(cancelled)
    await bench.publishOne()
    await bench.endpoints.disable('acme', delivery.endpoint)
    const [held] = await bench.list('held')
    expect((await bench.deliveries.cancel('acme', held!.id)).state).toBe('cancelled')
  })

  it.each(['delivered', 'exhausted'] as const)('refuses a delivery that is %s', async kind => {
    const delivery = await aDelivery()
    await settle(delivery, { kind })
    expect(await code(bench.deliveries.cancel('acme', delivery.id))).toBe('conflict')
  })
})

describe('reading deliveries and events', () => {
  it('returns a delivery with its attempts, and an event with its deliveries', async () => {
    const delivery = await aDelivery()
    await settle(delivery, { kind: 'retry', dueAtMs: 99 })
    const { delivery: after, attempts } = await bench.deliveries.get('acme', delivery.id)
    expect(after.attempts).toBe(1)
    expect(attempts).toMatchObject([{ number: 1, status: 500 }])
    const { event, deliveries } = await bench.events.get('acme', delivery.event)
    expect(Buffer.from(event.payload).toString()).toBe(PAYLOAD)
    expect(deliveries).toEqual([after])
    const list = async (type: string) => {
      return bench.events.list(await bench.events.select('acme', { types: [type] }), { before: null }, 9)
    }
    expect(await list(TYPE)).toMatchObject({ events: [event], goesOnAt: null })
    expect((await list('NO_SUCH')).events).toEqual([])
  })

  it("throws not_found for ids that are unknown, malformed or another tenant's", async () => {
    const { id, event } = await aDelivery()
    await bench.tenants.put('other', {})
    for (const [tenant, dlv, evt] of [
      ['other', id, event],
      ['unknown', id, event],
      ['a\0', id, event],
      ['acme', newId('dlv', 1), newId('evt', 1)],
      ['acme', event, id],
      ['acme', '', ''],
    ] as const) {
      expect(await code(bench.deliveries.get(tenant, dlv))).toBe('not_found')
      expect(await code(bench.deliveries.retry(tenant, dlv))).toBe('not_found')
      expect(await code(bench.deliveries.cancel(tenant, dlv))).toBe('not_found')
      expect(await code(bench.events.get(tenant, evt))).toBe('not_found')
    }
    expect(await code(bench.deliveries.select('unknown', {}))).toBe('not_found')
    expect(await code(bench.events.select('unknown', {}))).toBe('not_found')
  })

  it('names the malformed filter', async () => {
    const list = (query: object) => fields(bench.deliveries.select('acme', query))
    const selection = await bench.deliveries.select('acme', {})
    expect(await fields(bench.deliveries.find(selection, { before: 'x' }, 1))).toEqual(['cursor'])
    expect(await fields(bench.deliveries.listSetAside({ before: 'x' }, 1))).toEqual(['cursor'])
    expect(await list({ endpoints: ['x'] })).toEqual(['endpoint'])
    expect(await list({ event: 'x' })).toEqual(['event'])
    expect(await list({ types: ['a\0'] })).toEqual(['type'])
    const events = await bench.events.select('acme', {})
    expect(await fields(bench.events.list(events, { before: 'x' }, 1))).toEqual(['cursor'])
  })
})
