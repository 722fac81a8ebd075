/** Turns arrivals into events with their deliveries, or rejects them. */

import type { FieldError } from '../../../base/errors.ts'
import { idBytes, idText } from '../../../base/ids.ts'
import { type EventId, isOperational, type NotSent, type TenantId } from '../../../base/model.ts'
import type { Observation } from '../../observations.ts'
import { type BulkQuery, bytes, type Dialect, type Row, type Transaction, type Value } from '../../transaction.ts'
import { catalogueVersion, tenantVersions } from '../configuration.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from '../deliveries/new-deliveries.ts'
import { storeEventRows } from '../events/event-rows.ts'
import { KEY, KEY_COLUMNS } from './inbox.ts'

/** An arrival as it is to be stored. */
export type AcceptedArrival = {
  readonly tenant: TenantId
  readonly event: EventId
  readonly type: string
  readonly key: string | null
  readonly createdAtMs: number
  readonly payload: Uint8Array
  /** Why it is rejected and gets no deliveries; null if it is valid. */
  readonly rejected: readonly FieldError[] | null
  readonly notSent: NotSent
  /** null: there are very many, which are created later, also from the inbox. */
  readonly deliveries: readonly NewDelivery[] | null
}

export type AcceptRequest = {
  /** The configuration's versions that arrivals were validated and matched against; null: no such tenant. */
  readonly catalogueVersion: number
  readonly tenants: readonly { readonly tenant: TenantId; readonly version: number | null }[]
  readonly nowMs: number
  readonly arrivals: readonly AcceptedArrival[]
}

export type AcceptResult = {
  /** Tenants whose configuration has changed: nothing of theirs was stored, match again. */
  readonly stale: readonly TenantId[]
  /** For ordered endpoints, and the tenant has earlier rows in the inbox that are not stored yet: try again later. */
  readonly behind: readonly EventId[]
  /** The arrivals stored by this call; another node had already taken the others. */
  readonly stored: readonly EventId[]
}

/** Stores arrivals as events with their deliveries, or as rejected events. */
export function* acceptArrivals(args: AcceptRequest, dialect: Dialect): Transaction<AcceptResult> {
  const isCatalogueMoved = (yield* catalogueVersion()) !== args.catalogueVersion
  const versions = yield* tenantVersions(args.tenants.map(({ tenant }) => tenant))
  const stale = args.tenants
    .filter(({ tenant, version }) => isCatalogueMoved || (versions.get(tenant) ?? null) !== version)
    .map(({ tenant }) => tenant)
  const current = args.arrivals.filter(({ tenant }) => !stale.includes(tenant))
  const behind = yield* overtaking(current)
  const ready = behind.size === 0 ? current : current.filter(({ event }) => !behind.has(event))
  const stored = yield* takeOut(ready, args.nowMs, versions, dialect)
  const won = ready.filter(({ event }) => stored.has(event))
  yield* storeEventRows(won.map(arrival => eventRow(arrival, versions.get(arrival.tenant) ?? null)))
  yield* storeDeliveryRows(
    won.flatMap(({ tenant, event, type, deliveries }) =>
      deliveryRows(tenant, args.nowMs, event, type, false, deliveries ?? []),
    ),
    dialect,
  )
  yield* freeKeys(
    won.filter(({ rejected, key }) => rejected !== null && key !== null),
    dialect,
  )
  return { stale, behind: [...behind], stored: [...stored] }
}

/**
 * Arrivals for ordered endpoints that would overtake earlier rows in the inbox. Another node might be about to store
 * those, and deliveries are numbered in commit order.
 */
function* overtaking(arrivals: readonly AcceptedArrival[]): Transaction<Set<EventId>> {
  const behind = new Set<EventId>()
  for (const [tenant, own] of Map.groupBy(arrivals, arrival => arrival.tenant)) {
    const lastOrdered = own.findLast(({ deliveries }) => deliveries?.some(({ ordered }) => ordered))
    if (lastOrdered === undefined) continue
    // An arrival with very many deliveries stays in the inbox, so it still blocks those after it.
    const leaving = new Set(own.filter(({ deliveries }) => deliveries !== null).map(({ event }) => event))
    const rows = yield {
      text: `select id from inbox where tenant = $1 and id <= $2 order by id limit ${own.length + 1}`,
      params: [tenant, idBytes(lastOrdered.event)],
    }
    const first = rows.map(row => idText('evt', bytes(row.id))).find(id => !leaving.has(id))
    if (first === undefined) continue
    for (const { event, deliveries } of own) {
      if (event > first && deliveries?.some(({ ordered }) => ordered)) behind.add(event)
    }
  }
  return behind
}

/** Takes arrivals only if they are still there: two nodes never both store the same one. */
function* takeOut(
  arrivals: readonly AcceptedArrival[],
  nowMs: number,
  versions: ReadonlyMap<TenantId, number>,
  dialect: Dialect,
): Transaction<Set<EventId>> {
  const rowsOf = (some: readonly AcceptedArrival[]) => some.map(({ tenant, event }) => [tenant, idBytes(event)])
  const now = arrivals.filter(({ deliveries }) => deliveries !== null)
  const later = arrivals.filter(({ deliveries }) => deliveries === null)
  const taken: Row[] = []
  if (now.length > 0) {
    const text = `${dialect.deleteNamed('inbox', KEY)} and payload is not null returning inbox.id`
    taken.push(...(yield { text, columns: KEY_COLUMNS, rows: rowsOf(now) }))
  }
  for (const [tenant, own] of Map.groupBy(later, arrival => arrival.tenant)) {
    // With the present time and version: it goes to the endpoints that exist now.
    const text = `update inbox set payload = null, claimed_until_ms = 0, created_ms = ${nowMs},
                    tenant_version = ${versions.get(tenant) ?? 0}
                  from v where ${dialect.isNamed('inbox', KEY)} and payload is not null returning inbox.id`
    taken.push(...(yield { text, columns: KEY_COLUMNS, rows: rowsOf(own) }))
  }
  return new Set(taken.map(row => idText('evt', bytes(row.id))))
}

const eventRow = (arrival: AcceptedArrival, tenantVersion: number | null): readonly Value[] => [
  arrival.tenant,
  idBytes(arrival.event),
  arrival.type,
  arrival.key,
  arrival.payload,
  0,
  arrival.deliveries?.length ?? null,
  arrival.deliveries === null ? null : JSON.stringify(arrival.notSent),
  arrival.rejected === null ? null : JSON.stringify(arrival.rejected),
  arrival.createdAtMs,
  // An arrival comes from the publisher's own transaction, not from an API call, so it has no trace context.
  null,
  tenantVersion,
]

const FREED_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['event_key', 'text'],
  ['event', 'bytes'],
]

/** As in the API, rejected events don't keep their key: it can be used again once the fault is fixed. */
function* freeKeys(arrivals: readonly AcceptedArrival[], { deleteNamed }: Dialect): Transaction<void> {
  if (arrivals.length === 0) return
  yield {
    text: deleteNamed('idempotency', ['tenant', 'event_key', 'event']),
    columns: FREED_COLUMNS,
    rows: arrivals.map(({ tenant, key, event }) => [tenant, key, idBytes(event)]),
  }
}

export function acceptedIn({ arrivals }: AcceptRequest, { stored }: AcceptResult): readonly Observation[] {
  const ids = new Set(stored)
  const [rejected, accepted] = [true, false].map(
    isRejected =>
      arrivals.filter(
        arrival => ids.has(arrival.event) && (arrival.rejected !== null) === isRejected && !isOperational(arrival.type),
      ).length,
  )
  return [
    { kind: 'accepted', events: accepted! },
    { kind: 'rejected', events: rejected! },
  ]
}
