/**
 * What is to become of a tenant's rows in the inbox, by the configuration as it is. Pure but for the new ids: what is
 * planned is stored only if the configuration is still the same.
 */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../errors.ts'
import { firstIdAt } from '../ids.ts'
import { type NotSent, OPERATOR_TENANT, type TenantId } from '../model.ts'
import type { AcceptedArrival, Arrival, InboxItem } from '../store/operations/inbox.ts'
import type { NewDelivery } from '../store/operations/publish.ts'
import type { KnownTypes, TenantMatcher } from './configuration-cache.ts'
import { findEventFaults, type PayloadLimits } from './faults.ts'
import { newDelivery } from './new-deliveries.ts'

export type PlanLimits = PayloadLimits & {
  /** Deliveries that an event may make in one commit; those of one with more are made some at a time. */
  readonly maxDeliveriesAtOnce: number
}

export type Circumstances = {
  readonly types: KnownTypes
  /** null: there is no such tenant. */
  readonly configuration: TenantMatcher | null
  readonly limits: PlanLimits
  readonly nowMs: number
}

export type Rows = { readonly arrivals: readonly Arrival[]; readonly items: readonly InboxItem[] }

export type ItemPlan = {
  readonly item: InboxItem
  readonly deliveries: readonly NewDelivery[]
  /** Undefined: more are to come. */
  readonly notSent: NotSent | undefined
}

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

/** A tenant's deliveries in one round: a few milliseconds' worth. */
const DELIVERIES_A_TENANT = 500
/** What is stored of a rejection. */
const MAX_FAULTS = 20
const MAX_FAULT_CHARACTERS = 512

/** What would be stored in place of a payload that is too large to be kept. */
const NO_PAYLOAD = Buffer.from('null')

export function planTenant(tenant: TenantId, { arrivals, items }: Rows, at: Circumstances): TenantPlan {
  const accepted: AcceptedArrival[] = []
  const failed: { arrival: Arrival; error: unknown }[] = []
  const planned: ItemPlan[] = []
  let room = DELIVERIES_A_TENANT
  let arrivalAt = 0
  for (; arrivalAt < arrivals.length && room > 0; arrivalAt++) {
    const arrival = arrivals[arrivalAt]!
    try {
      const next = planArrival(arrival, at)
      accepted.push(next)
      room -= next.deliveries?.length ?? 0
    } catch (error) {
      failed.push({ arrival, error })
    }
  }
  let itemAt = 0
  for (; itemAt < items.length && room > 0; itemAt++) {
    const next = planItem(items[itemAt]!, at, room)
    planned.push(next)
    room -= next.deliveries.length
  }
  const surplus = { arrivals: arrivals.slice(arrivalAt), items: items.slice(itemAt) }
  const deliveryCount = DELIVERIES_A_TENANT - room
  return { tenant, configuration: at.configuration, accepted, items: planned, surplus, failed, deliveryCount }
}

/** Throws where a schema of the catalogue can't be used. */
function planArrival(arrival: Arrival, { types, configuration, limits, nowMs }: Circumstances): AcceptedArrival {
  const { tenant, event, type, key, createdAtMs } = arrival
  const payload = arrival.payload ?? NO_PAYLOAD
  const about = { tenant, event, type, key, createdAtMs, payload }
  // The operator's tenant is nobody's to publish for, as in the API.
  const isNobodys = configuration === null || tenant === OPERATOR_TENANT
  const faults = isNobodys ? [NO_TENANT] : findEventFaults(arrival, types, limits)
  if (faults.length > 0) return { ...about, rejected: bounded(faults), notSent: {}, deliveries: [] }
  const { endpoints, notSent } = configuration!.match(type)
  const isMany = endpoints.length > limits.maxDeliveriesAtOnce
  const deliveries = isMany ? null : endpoints.map(endpoint => newDelivery(endpoint, nowMs))
  return { ...about, rejected: null, notSent, deliveries }
}

const NO_TENANT: FieldError = { field: 'tenant', detail: 'There is no such tenant.', reason: 'unknown_tenant' }

function bounded(faults: readonly FieldError[]): FieldError[] {
  const short = (text: string) =>
    text.length > MAX_FAULT_CHARACTERS ? `${text.slice(0, MAX_FAULT_CHARACTERS)}…` : text
  return faults
    .slice(0, MAX_FAULTS)
    .map(fault => ({ ...fault, field: short(fault.field), detail: short(fault.detail) }))
}

/** The next deliveries of an event that has very many. */
function planItem(item: InboxItem, { configuration, nowMs }: Circumstances, most: number): ItemPlan {
  if (configuration === null) return { item, deliveries: [], notSent: {} }
  const { endpoints, notSent } = configuration.match(item.type)
  // An endpoint that was registered after the event was accepted doesn't get it.
  const firstLater = firstIdAt('ep', item.createdAtMs + 1)
  const left = endpoints
    .filter(({ id }) => id < firstLater && (item.after === null || id > item.after))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const deliveries = left.slice(0, most).map(endpoint => newDelivery(endpoint, nowMs))
  return { item, deliveries, notSent: left.length > most ? undefined : notSent }
}
