import { pino } from 'pino'
import type { RetentionSettings } from '../../src/background/retention.ts'
import type { Stepper } from '../../src/background/works.ts'
import { DAY_MS } from '../../src/base/durations.ts'
import { newId } from '../../src/base/ids.ts'
import type { Delivery, Endpoint } from '../../src/base/model.ts'
import type { NewEvent } from '../../src/store/operations/events/publish-request.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { anEvent, aRequest, aSettlement } from '../store/builders.ts'
import type { Opened } from '../store/engines.ts'
import { listDeliveries } from '../store/list-deliveries.ts'

export const log = pino({ level: 'silent' })

/** Steps without rests. */
export const atOnce: Stepper = { step: work => work(), keep: async () => {} }

export const settings = (over: Partial<RetentionSettings> = {}): RetentionSettings => ({
  retentionDays: 30,
  payloadRetentionDays: 0,
  answerRetentionDays: 0,
  auditRetentionDays: 0,
  ...over,
})

/** A store whose clock is some days ahead, so that what is created now is that old. */
export function later(store: Store, days: number): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'now') return () => target.now() + days * DAY_MS
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Publishes for endpoints of a tenant, and returns the event with its deliveries in the lanes. */
export async function publish(
  store: Store,
  endpoints: readonly Endpoint[],
  over: Partial<NewEvent> = {},
): Promise<{ event: NewEvent; items: LaneItem[] }> {
  const event = anEvent(endpoints, over)
  const tenant = endpoints[0]!.tenant
  await store.publish({ ...(await aRequest(store, tenant, [event])), nowMs: Date.now() })
  const items: LaneItem[] = []
  for (const { id, partition } of endpoints) {
    const lane = await store.readLane({ partition, endpoint: id, limit: 1_000, maxPayloadBytes: 100_000 })
    items.push(...lane.filter(item => item.event === event.id))
  }
  return { event, items }
}

export const end = (store: Store, item: LaneItem, endedAtMs = Date.now()) =>
  store.settle(aSettlement(item, { kind: 'delivered' }, { endedAtMs }))

export const deliveriesOf = (store: Store, tenant: string, event: string | null = null): Promise<Delivery[]> =>
  listDeliveries(store, tenant, { event })

/** Retries a delivery manually. */
export async function replay(store: Store, endpoint: Endpoint, event: NewEvent, replayOf: string) {
  const id = newId('dlv', Date.now())
  const delivery = { id, endpoint: endpoint.id, partition: endpoint.partition, replayOf }
  const args = { tenant: endpoint.tenant, event: event.id, type: event.type, test: false, delivery, nowMs: Date.now() }
  return { id, made: await store.write('createDelivery', args) }
}

/** Counts rows directly, bypassing the store's operations. */
export async function countRows(opened: Opened, table: string): Promise<number> {
  let count = 0
  let after: readonly (string | number | Uint8Array | null)[] | null = null
  const shapes = await opened.store.read('describeTables', {})
  const key = shapes.find(({ name }) => name === table)!.key
  do {
    const page: { count: number; last: readonly (string | number | Uint8Array | null)[] | null } =
      await opened.store.read('countRows', { table, key, after, limit: 10_000 })
    count += page.count
    after = page.last
  } while (after !== null)
  return count
}
