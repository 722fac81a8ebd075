/**
 * The next deliveries of an event that has very many. They are made over many commits; who gets one was decided by the
 * version of the tenant at which the event was accepted, so what is registered or changed meanwhile is for later events.
 */
import type { EndpointId, NotSent } from '../base/model.ts'
import type { TenantMatcher } from '../catalogue/configuration-cache.ts'
import { effortOf } from '../catalogue/match.ts'
import type { NewDelivery } from '../store/operations/deliveries/new-deliveries.ts'
import type { PastSelection } from '../store/operations/endpoints/selections.ts'
import type { InboxItem } from '../store/operations/inbox/inbox.ts'
import type { Store } from '../store/store.ts'
import { newDelivery } from './new-deliveries.ts'

export type ItemPlan = {
  readonly item: InboxItem
  readonly deliveries: readonly NewDelivery[]
  /** The last endpoint that was judged; null: none was yet. */
  readonly after: EndpointId | null
  /** What became of the other endpoints, those of earlier rounds included. */
  readonly notSent: NotSent
  /** More endpoints are to be judged. */
  readonly isUnfinished: boolean
}

/** What is left of what a tenant may have in one round: a few milliseconds' worth. */
export type Room = { deliveries: number; effort: number }

/** What deciding needs beside the configuration. */
export type ItemFacts = {
  /** Parsed; undefined where no filter asks for it. */
  readonly payload: unknown
  readonly payloadBytes: number
  /** What endpoints wanted at the item's version, of those that want something else by now. */
  readonly past: ReadonlyMap<EndpointId, PastSelection>
}

export const NO_FACTS: ItemFacts = { payload: undefined, payloadBytes: 0, past: new Map() }

/** Throws StoreUnavailable. */
export async function readItemFacts(
  store: Store,
  { tenant, event, tenantVersion: version }: InboxItem,
  { endpoints }: TenantMatcher,
): Promise<ItemFacts> {
  const isPast = endpoints.some(
    ({ createdVersion, selectionVersion }) => createdVersion <= version && selectionVersion > version,
  )
  const past = isPast ? await store.read('readSelectionsAt', { tenant, version }) : NO_FACTS.past
  const hasFilter = ({ filterText }: PastSelection) => filterText !== null
  if (!endpoints.some(hasFilter) && !past.values().some(hasFilter)) return { ...NO_FACTS, past }
  const payload = await store.read('readPayload', { tenant, event })
  if (payload === null) return { ...NO_FACTS, past }
  return { payload: JSON.parse(Buffer.from(payload).toString()), payloadBytes: payload.length, past }
}

/** Judges endpoints in the order of their ids, from behind the item's last one on, while there is room; takes it up. */
export function planItem(
  item: InboxItem,
  configuration: TenantMatcher | null,
  { payload, payloadBytes, past }: ItemFacts,
  room: Room,
  nowMs: number,
): ItemPlan {
  const deliveries: NewDelivery[] = []
  const notSent: NotSent = { ...item.notSent }
  let { after } = item
  const effortOfFilter = effortOf(1, payloadBytes)
  for (const endpoint of configuration?.endpoints ?? []) {
    const isLater = endpoint.createdVersion > item.tenantVersion
    if (isLater || (item.after !== null && endpoint.id <= item.after)) continue
    if (room.deliveries <= 0 || room.effort <= 0) return { item, deliveries, after, notSent, isUnfinished: true }
    const isAsThen = endpoint.selectionVersion <= item.tenantVersion
    const selection = isAsThen ? endpoint : (past.get(endpoint.id) ?? endpoint)
    const reason = configuration!.decide(selection, item.type, payload)
    room.effort -= selection.filterText === null ? 1 : effortOfFilter
    after = endpoint.id
    if (reason !== undefined) notSent[reason] = (notSent[reason] ?? 0) + 1
    else {
      deliveries.push(newDelivery(endpoint, nowMs))
      room.deliveries--
    }
  }
  return { item, deliveries, after, notSent, isUnfinished: false }
}
