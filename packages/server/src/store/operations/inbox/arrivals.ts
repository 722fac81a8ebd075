/** Arrivals become events, with their deliveries, or are rejected. */

import type { FieldError } from '../../../base/errors.ts'
import { idBytes, idText } from '../../../base/ids.ts'
import { type EventId, isOperational, type NotSent, type TenantId } from '../../../base/model.ts'
import type { Observation } from '../../observations.ts'
import { type BulkQuery, bytes, type Dialect, type Row, type Transaction, type Value } from '../../transaction.ts'
import { catalogueVersion, tenantVersions } from '../configuration.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from '../deliveries/new-deliveries.ts'
import { storeEventRows } from '../events/event-rows.ts'
import { KEY_COLUMNS } from './inbox.ts'

/** An arrival as it is to be stored. */
export type AcceptedArrival = {
  readonly tenant: TenantId
  readonly event: EventId
  readonly type: string
  readonly key: string | null
  readonly createdAtMs: number
  readonly payload: Uint8Array
  /** Why it gets no deliveries; null: it is sound. */
  readonly rejected: readonly FieldError[] | null
  readonly notSent: NotSent
  /** null: they are very many, and made later, out of the inbox as well. */
  readonly deliveries: readonly NewDelivery[] | null
}

export type AcceptRequest = {
  /** The versions of the configuration that arrivals were validated and matched against; null: no such tenant. */
  readonly catalogueVersion: number
  readonly tenants: readonly { readonly tenant: TenantId; readonly version: number | null }[]
  readonly nowMs: number
  readonly arrivals: readonly AcceptedArrival[]
}

export type AcceptResult = {
  /** Tenants whose configuration moved: nothing of theirs was stored, match again. */
  readonly stale: readonly TenantId[]
  /** For ordered endpoints, with something of their tenant before them that is not stored yet: try again later. */
  readonly behind: readonly EventId[]
  /** Those stored now; the others were somebody else's already. */
  readonly stored: readonly EventId[]
}

/** Makes arrivals events, with their deliveries, or rejected. */
export function* acceptArrivals(args: AcceptRequest, dialect: Dialect): Transaction<AcceptResult> {
  const isCatalogueMoved = (yield* catalogueVersion()) !== args.catalogueVersion
  const versions = yield* tenantVersions(args.tenants.map(({ tenant }) => tenant))
  const stale = args.tenants
    .filter(({ tenant, version }) => isCatalogueMoved || (versions.get(tenant) ?? null) !== version)
    .map(({ tenant }) => tenant)
  const current = args.arrivals.filter(({ tenant }) => !stale.includes(tenant))
  const behind = yield* overtaking(current)
  const ready = behind.size === 0 ? current : current.filter(({ event }) => !behind.has(event))
  const stored = yield* takeOut(ready, args.nowMs, versions)
  const won = ready.filter(({ event }) => stored.has(event))
  yield* storeEventRows(won.map(arrival => eventRow(arrival, versions.get(arrival.tenant) ?? null)))
  yield* storeDeliveryRows(
    won.flatMap(({ tenant, event, type, deliveries }) =>
      deliveryRows(tenant, args.nowMs, event, type, false, deliveries ?? []),
    ),
    dialect,
  )
  yield* freeKeys(won.filter(({ rejected, key }) => rejected !== null && key !== null))
  return { stale, behind: [...behind], stored: [...stored] }
}

/**
 * Arrivals for ordered endpoints that would overtake what lies before them in the inbox: another node may be about to
 * store that, and the order of the numbers is that of the commits.
 */
function* overtaking(arrivals: readonly AcceptedArrival[]): Transaction<Set<EventId>> {
  const behind = new Set<EventId>()
  for (const [tenant, own] of Map.groupBy(arrivals, arrival => arrival.tenant)) {
    const lastOrdered = own.findLast(({ deliveries }) => deliveries?.some(({ ordered }) => ordered))
    if (lastOrdered === undefined) continue
    // What is only made a longer-lasting row of the inbox is not out of the way.
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

/** Conditional on what is there: two nodes never both store an arrival. */
function* takeOut(
  arrivals: readonly AcceptedArrival[],
  nowMs: number,
  versions: ReadonlyMap<TenantId, number>,
): Transaction<Set<EventId>> {
  const rowsOf = (some: readonly AcceptedArrival[]) => some.map(({ tenant, event }) => [tenant, idBytes(event)])
  const now = arrivals.filter(({ deliveries }) => deliveries !== null)
  const later = arrivals.filter(({ deliveries }) => deliveries === null)
  const taken: Row[] = []
  if (now.length > 0) {
    const text = `delete from inbox where (tenant, id) in (select tenant, id from v) and payload is not null
                  returning id`
    taken.push(...(yield { text, columns: KEY_COLUMNS, rows: rowsOf(now) }))
  }
  for (const [tenant, own] of Map.groupBy(later, arrival => arrival.tenant)) {
    // The time and the version of now: endpoints that are there now get it.
    const text = `update inbox set payload = null, claimed_until_ms = 0, created_ms = ${nowMs},
                    tenant_version = ${versions.get(tenant) ?? 0}
                  where (tenant, id) in (select tenant, id from v) and payload is not null returning id`
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
  // A transaction of somebody's own belongs to no call of ours.
  null,
  tenantVersion,
]

const FREED_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['event_key', 'text'],
  ['event', 'bytes'],
]

/** As in the API, what is refused keeps no key: the same can be published again when its fault is mended. */
function* freeKeys(arrivals: readonly AcceptedArrival[]): Transaction<void> {
  if (arrivals.length === 0) return
  yield {
    text: 'delete from idempotency where (tenant, event_key, event) in (select tenant, event_key, event from v)',
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
