/**
 * What is to become of a tenant's rows in the inbox, by the configuration as it is. Pure but for the new ids: what is
 * planned is stored only if the configuration is still the same.
 */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../base/errors.ts'
import { type EventId, OPERATOR_TENANT, type TenantId } from '../base/model.ts'
import type { KnownTypes, TenantMatcher } from '../catalogue/configuration-cache.ts'
import { effortOf, MAX_EFFORT } from '../catalogue/match.ts'
import type { AcceptedArrival } from '../store/operations/inbox/arrivals.ts'
import type { Arrival, InboxItem } from '../store/operations/inbox/inbox.ts'
import { checkEvent, type PayloadLimits } from './event-faults.ts'
import { type ItemFacts, type ItemPlan, NO_FACTS, planItem, type Room } from './fan-out.ts'
import { newDelivery } from './new-deliveries.ts'

/** A commit of more would keep the others waiting for more than some 50 ms. */
export const MAX_DELIVERIES_AT_ONCE = 5_000

export type PlanLimits = PayloadLimits & {
  /** Deliveries that an event may make in one commit; those of one with more are made some at a time. */
  readonly maxDeliveriesAtOnce: number
}

export type Circumstances = {
  readonly types: KnownTypes
  /** null: there is no such tenant. */
  readonly configuration: TenantMatcher | null
  /** Of each item of a tenant that is there. */
  readonly facts: ReadonlyMap<EventId, ItemFacts>
  readonly limits: PlanLimits
  readonly nowMs: number
}

export type Rows = { readonly arrivals: readonly Arrival[]; readonly items: readonly InboxItem[] }

export type TenantPlan = {
  readonly tenant: TenantId
  readonly configuration: TenantMatcher | null
  readonly accepted: readonly AcceptedArrival[]
  readonly items: readonly ItemPlan[]
  /** Those beyond what one tenant may have in one round. */
  readonly surplus: Rows
  /** Those that could not be judged, by a fault of ours. */
  readonly failed: readonly { readonly arrival: Arrival; readonly error: unknown }[]
  readonly deliveryCount: number
}

/** Of a tenant in one round: a few milliseconds' worth. */
const DELIVERIES_A_TENANT = 500
const EFFORT_A_TENANT = 20_000
/** What is stored of a rejection. */
const MAX_FAULTS = 20
const MAX_FAULT_CHARACTERS = 512

/** What would be stored in place of a payload that is too large to be kept. */
const NO_PAYLOAD = Buffer.from('null')

export function planTenant(tenant: TenantId, { arrivals, items }: Rows, at: Circumstances): TenantPlan {
  const accepted: AcceptedArrival[] = []
  const failed: { arrival: Arrival; error: unknown }[] = []
  const planned: ItemPlan[] = []
  const room: Room = { deliveries: DELIVERIES_A_TENANT, effort: EFFORT_A_TENANT }
  const hasRoom = () => room.deliveries > 0 && room.effort > 0
  let arrivalAt = 0
  for (; arrivalAt < arrivals.length && hasRoom(); arrivalAt++) {
    const arrival = arrivals[arrivalAt]!
    try {
      const next = planArrival(arrival, at)
      accepted.push(next)
      room.deliveries -= next.deliveries?.length ?? 0
      room.effort -= effortOfArrival(arrival, at)
    } catch (error) {
      failed.push({ arrival, error })
    }
  }
  let itemAt = 0
  for (; itemAt < items.length && hasRoom(); itemAt++) {
    const item = items[itemAt]!
    planned.push(planItem(item, at.configuration, at.facts.get(item.event) ?? NO_FACTS, room, at.nowMs))
  }
  const surplus = { arrivals: arrivals.slice(arrivalAt), items: items.slice(itemAt) }
  const deliveryCount = DELIVERIES_A_TENANT - room.deliveries
  return { tenant, configuration: at.configuration, accepted, items: planned, surplus, failed, deliveryCount }
}

/** Throws where a schema of the catalogue can't be used. */
function planArrival(arrival: Arrival, { types, configuration, limits, nowMs }: Circumstances): AcceptedArrival {
  const { tenant, event, type, key, createdAtMs } = arrival
  const payload = arrival.payload ?? NO_PAYLOAD
  const about = { tenant, event, type, key, createdAtMs, payload }
  // The operator's tenant is nobody's to publish for, as in the API.
  const isNobodys = configuration === null || tenant === OPERATOR_TENANT
  const { faults, value } = isNobodys ? UNKNOWN_TENANT : checkEvent(arrival, types, limits)
  if (faults.length > 0) return { ...about, rejected: bounded(faults), notSent: {}, deliveries: [] }
  if (effortOfArrival(arrival, { configuration }) > MAX_EFFORT) {
    return { ...about, rejected: null, notSent: {}, deliveries: null }
  }
  const { endpoints, notSent } = configuration!.match(type, value)
  const isMany = endpoints.length > limits.maxDeliveriesAtOnce
  const deliveries = isMany ? null : endpoints.map(endpoint => newDelivery(endpoint, nowMs))
  return { ...about, rejected: null, notSent, deliveries }
}

const effortOfArrival = (
  { type, payloadBytes }: Arrival,
  { configuration }: Pick<Circumstances, 'configuration'>,
): number => (configuration === null ? 0 : effortOf(configuration.filterCount(type), payloadBytes))

const UNKNOWN_TENANT: { faults: readonly FieldError[]; value: unknown } = {
  faults: [{ field: 'tenant', detail: 'There is no such tenant.', reason: 'unknown_tenant' }],
  value: undefined,
}

function bounded(faults: readonly FieldError[]): FieldError[] {
  const short = (text: string) =>
    text.length > MAX_FAULT_CHARACTERS ? `${text.slice(0, MAX_FAULT_CHARACTERS)}…` : text
  return faults
    .slice(0, MAX_FAULTS)
    .map(fault => ({ ...fault, field: short(fault.field), detail: short(fault.detail) }))
}
