/** Which deliveries a list looks for, as conditions on the rows of both tables. */

import { firstIdAt, idBytes } from '../../../base/ids.ts'
import {
  type AttemptError,
  type DeliveryState,
  END_STATES,
  type EndpointId,
  type EventId,
  type HeldReason,
  type LiveState,
  type TenantId,
} from '../../../base/model.ts'
import type { StatusRange } from '../../../base/status-range.ts'
import type { Place, Range, Where } from '../../where.ts'
import { HISTORY_FIELDS, LIVE_FIELDS } from './delivery-rows.ts'

/** An endpoint whose deliveries are looked at, with what their indexes are made of. */
export type SearchedEndpoint = { readonly id: EndpointId; readonly tenant: TenantId; readonly partition: number }

/** Null: whatever it is. Lists have at least one element. */
export type DeliveryFilter = Range & {
  readonly states: readonly DeliveryState[] | null
  readonly heldReason: HeldReason | null
  readonly types: readonly string[] | null
  readonly endpoints: readonly SearchedEndpoint[] | null
  readonly events: readonly EventId[] | null
  /** The key of the event. */
  readonly key: string | null
  /** What the last attempt came to. */
  readonly statuses: readonly StatusRange[] | null
  readonly errors: readonly AttemptError[] | null
}

/** Every delivery. */
export const ANY_DELIVERY: DeliveryFilter = {
  fromMs: null,
  toMs: null,
  states: null,
  heldReason: null,
  types: null,
  endpoints: null,
  events: null,
  key: null,
  statuses: null,
  errors: null,
}

export type Table = 'live_delivery' | 'delivery'

/** The columns of a delivery, by table. In both, its row is called `d`. */
export const FIELDS: Readonly<Record<Table, string>> = { live_delivery: LIVE_FIELDS, delivery: HISTORY_FIELDS }

const LIVE_STATES: readonly LiveState[] = ['pending', 'held']

/** The states in a table that the filter lets pass; none: the table need not be read. */
export function statesIn(table: Table, { states, heldReason }: DeliveryFilter): readonly DeliveryState[] {
  const all: readonly DeliveryState[] = table === 'delivery' ? END_STATES : LIVE_STATES
  const isWanted = (state: DeliveryState) =>
    (states === null || states.includes(state)) && (heldReason === null || state === 'held')
  return all.filter(isWanted)
}

/** Adds the bounds of the ids: by place and by time. Returns the order in which to read. */
export function addRange(where: Where, { fromMs, toMs, ...place }: Range & Place): string {
  const idAt = (ms: number | null) => (ms === null ? null : idBytes(firstIdAt('dlv', ms)))
  where.addIf('d.id >= ?', idAt(fromMs)).addIf('d.id < ?', idAt(toMs))
  return where.behind(place, 'd.id')
}

/**
 * Adds what the filter says about a row besides its id, its event and its endpoint, which choose how rows are read.
 * Returns whether it says anything.
 */
export function addConditions(where: Where, table: Table, filter: DeliveryFilter): boolean {
  const before = where.conditions.length
  const states = statesIn(table, filter)
  if (states.length < (table === 'delivery' ? END_STATES : LIVE_STATES).length) where.addIn('d.state', states)
  if (filter.heldReason !== null) where.add('d.held_reason = ?', filter.heldReason)
  if (filter.types !== null) where.addIn('d.type', filter.types)
  if (filter.errors !== null) where.addIn('d.last_error', filter.errors)
  if (filter.statuses !== null) addStatuses(where, filter.statuses)
  // A subquery for one value, since PostgreSQL might turn `exists` into a join that reads all events.
  where.addIf('(select e.event_key from event e where e.tenant = d.tenant and e.id = d.event) = ?', filter.key)
  return where.conditions.length > before
}

function addStatuses(where: Where, statuses: readonly StatusRange[]): void {
  const either = statuses.map(status => {
    if (status === 'none') return '(d.last_status is null and d.last_started_ms is not null)'
    where.params.push(status.from, status.to)
    return `d.last_status between $${where.params.length - 1} and $${where.params.length}`
  })
  where.conditions.push(`(${either.join(' or ')})`)
}
