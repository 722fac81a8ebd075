/**
 * Plans the next deliveries of an event that has very many. They are created over many commits. Which endpoints get one
 * depends on the tenant's version at which the event was accepted, so later changes only affect later events.
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
  /** The last endpoint that was decided on. Null if there was none yet. */
  readonly after: EndpointId | null
  /** How many endpoints get no delivery, by reason, including those of earlier rounds. */
  readonly notSent: NotSent
  /** Whether there are more endpoints to decide on. */
  readonly isUnfinished: boolean
}

/** What is left of a tenant's allowance for one round, which takes a few milliseconds. */
export type Room = { deliveries: number; effort: number }

/** What the decision needs besides the configuration. */
export type ItemFacts = {
  /** Parsed. Undefined if no filter needs it. */
  readonly payload: unknown
  readonly payloadBytes: number
  /** What endpoints wanted at the item's version, if that has changed since. */
  readonly past: ReadonlyMap<EndpointId, PastSelection>
}

export const NO_FACTS: ItemFacts = { payload: undefined, payloadBytes: 0, past: new Map() }

/** Reads what planItem needs to know about an item. Throws StoreUnavailable. */
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

/** Decides on endpoints in the order of their ids, after the item's last one, while there is room; reduces `room`. */
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
