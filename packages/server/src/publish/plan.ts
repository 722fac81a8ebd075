/**
 * Plans what to do with a tenant's rows in the inbox, by the current configuration. Pure apart from the new ids: a plan
 * is stored only if the configuration is still the same.
 */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../base/errors.ts'
import type { TenantId } from '../base/model.ts'
import { OPERATOR_TENANT } from '../base/tenant.ts'
import type { KnownTypes } from '../catalogue/configuration-cache.ts'
import type { TenantMatcher } from '../catalogue/tenant-memory.ts'
import type { AcceptedArrival } from '../store/operations/inbox/arrivals.ts'
import type { Arrival, InboxItem } from '../store/operations/inbox/inbox.ts'
import type { ArrivalChecks } from './checking/arrival-checks.ts'
import type { PayloadLimits } from './event-faults.ts'
import { type ItemPlan, type Planning, planItem, type Room } from './fan-out.ts'
import { newDelivery } from './new-deliveries.ts'

/** A larger commit would keep others waiting for more than about 50 ms. */
export const MAX_DELIVERIES_AT_ONCE = 5_000
/** The same while several tenants publish or are sent to, of calls with several times as many deliveries as events. */
const MAX_DELIVERIES_IN_COMPANY = 256
const DELIVERIES_AN_EVENT = 4

/** Whether storing that many deliveries with their events would keep other tenants waiting. */
export const isBroad = (deliveries: number, events: number): boolean =>
  deliveries > MAX_DELIVERIES_IN_COMPANY && deliveries > DELIVERIES_AN_EVENT * events

export type PlanLimits = PayloadLimits & {
  /** Maximum number of deliveries of an event in one commit. If it has more, they are created over several. */
  readonly maxDeliveriesAtOnce: number
  /** A tenant's deliveries for one round. */
  readonly deliveriesATenant: number
}

export type Circumstances = Planning & {
  readonly checks: ArrivalChecks
  readonly types: KnownTypes
  /** Null if the tenant does not exist. */
  readonly configuration: TenantMatcher | null
  readonly limits: PlanLimits
  readonly nowMs: number
}

export type Rows = { readonly arrivals: readonly Arrival[]; readonly items: readonly InboxItem[] }

export type TenantPlan = {
  readonly tenant: TenantId
  readonly configuration: TenantMatcher | null
  readonly accepted: readonly AcceptedArrival[]
  readonly items: readonly ItemPlan[]
  /** Rows beyond the tenant's allowance for one round. */
  readonly surplus: Rows
  /** Arrivals that are still being checked in another thread, and those after them. */
  readonly waiting: readonly Arrival[]
  /** Arrivals that could not be validated because of an error of our own. */
  readonly failed: readonly { readonly arrival: Arrival; readonly error: unknown }[]
  readonly deliveryCount: number
}

/** A tenant's deliveries for one round; fewer while several tenants have something to store. */
export const deliveriesATenant = (isShared: boolean): number => (isShared ? 128 : 500)
/** A tenant's time for one round, in milliseconds. */
const MS_A_TENANT = 10
/** An arrival can't be divided, and most take far less than a turn. Pausing more often would only delay them. */
const ARRIVALS_TURN_MS = 4
const ARRIVALS_PAUSE_MS = 1
/** Matching of an arrival in one go, in steps of some 50 ns. If it takes more, it goes on as an item. */
const STEPS_AN_ARRIVAL = 20_000
/** Limits on what is stored about a rejection. */
const MAX_FAULTS = 20
const MAX_FAULT_CHARACTERS = 512

/** Placeholder for a payload that is too large to keep. */
const NO_PAYLOAD = Buffer.from('null')

export async function planTenant(tenant: TenantId, { arrivals, items }: Rows, at: Circumstances): Promise<TenantPlan> {
  const { configuration, turns, nowMs } = at
  const accepted: AcceptedArrival[] = []
  const failed: { arrival: Arrival; error: unknown }[] = []
  const planned: ItemPlan[] = []
  const room: Room = { deliveries: at.limits.deliveriesATenant, untilMs: turns.workedMs + MS_A_TENANT }
  const hasRoom = () => room.deliveries > 0 && turns.workedMs < room.untilMs
  let waiting: readonly Arrival[] = []
  let arrivalAt = 0
  for (; arrivalAt < arrivals.length && hasRoom(); arrivalAt++) {
    const arrival = arrivals[arrivalAt]!
    try {
      const next = planArrival(arrival, at)
      if (next === 'waiting') {
        // Those after it must not overtake it.
        waiting = arrivals.slice(arrivalAt)
        at.checks.startAhead(waiting.slice(1), at.types)
        arrivalAt = arrivals.length
        break
      }
      accepted.push(next)
      room.deliveries -= next.deliveries?.length ?? 0
    } catch (error) {
      failed.push({ arrival, error })
    }
    await turns.pauseAfter(ARRIVALS_TURN_MS, ARRIVALS_PAUSE_MS)
  }
  let itemAt = 0
  for (; itemAt < items.length && hasRoom(); itemAt++) {
    planned.push(await planItem(items[itemAt]!, configuration, at, room, nowMs))
  }
  const surplus = { arrivals: arrivals.slice(arrivalAt), items: items.slice(itemAt) }
  const deliveryCount = at.limits.deliveriesATenant - room.deliveries
  return { tenant, configuration, accepted, items: planned, surplus, waiting, failed, deliveryCount }
}

/** Throws if a schema in the catalogue can't be used. */
function planArrival(arrival: Arrival, at: Circumstances): AcceptedArrival | 'waiting' {
  const { types, configuration, limits, nowMs } = at
  const { tenant, event, type, key, createdAtMs } = arrival
  const payload = arrival.payload ?? NO_PAYLOAD
  const about = { tenant, event, type, key, createdAtMs, payload }
  // As in the API, no one can publish for the operator's tenant.
  const isNobodys = configuration === null || tenant === OPERATOR_TENANT
  const checked = isNobodys ? UNKNOWN_TENANT : at.checks.check(arrival, types)
  if (checked === 'waiting') return checked
  const { faults, value } = checked
  if (faults.length > 0) return { ...about, rejected: bounded(faults), notSent: {}, deliveries: [] }
  const match = configuration!.index?.match(type, value, { left: STEPS_AN_ARRIVAL })
  if (match === undefined) return { ...about, rejected: null, notSent: {}, deliveries: null }
  const { endpoints, notSent } = match
  const isMany = endpoints.length > limits.maxDeliveriesAtOnce
  const deliveries = isMany ? null : endpoints.map(endpoint => newDelivery(endpoint, nowMs))
  return { ...about, rejected: null, notSent, deliveries }
}

const UNKNOWN_TENANT: { faults: readonly FieldError[]; value: unknown } = {
  faults: [{ field: 'tenant', detail: 'The tenant does not exist.', reason: 'unknown_tenant' }],
  value: undefined,
}

function bounded(faults: readonly FieldError[]): FieldError[] {
  const short = (text: string) =>
    text.length > MAX_FAULT_CHARACTERS ? `${text.slice(0, MAX_FAULT_CHARACTERS)}…` : text
  return faults
    .slice(0, MAX_FAULTS)
    .map(fault => ({ ...fault, field: short(fault.field), detail: short(fault.detail) }))
}
