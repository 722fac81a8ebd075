import { Buffer } from 'node:buffer'
import { idBytes, idText } from '../../base/ids.ts'
import type { EventId, NotSent, TenantId } from '../../base/model.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  idList,
  intOrNull,
  jsonOrNull,
  type Row,
  type Transaction,
  text,
} from '../transaction.ts'
import { deliveryRows, type NewDelivery, storeDeliveryRows } from './delivery-rows.ts'
import { storeEventRows } from './event-rows.ts'
import { storeInbox } from './inbox.ts'
import { catalogueVersion, tenantVersions } from './versions.ts'

export type NewEvent = {
  readonly id: EventId
  readonly type: string
  /** The provider's own id of the event, for idempotency. */
  readonly key: string | null
  /** SHA-256 of type and payload; only looked at where there is a key. */
  readonly hash: Uint8Array | null
  readonly payload: Uint8Array
  readonly test: boolean
  readonly notSent: NotSent
  /** null: they are very many, and made later, from the inbox. */
  readonly deliveries: readonly NewDelivery[] | null
}

/** All or nothing: either every event of the request is stored, or none. */
export type PublishRequest = {
  readonly tenant: TenantId
  /** The versions of the configuration that events were validated and matched against. */
  readonly tenantVersion: number
  readonly catalogueVersion: number
  readonly nowMs: number
  readonly keyExpiresAtMs: number
  /** Of the call (W3C Trace Context), kept with its events. Default: it had none. */
  readonly traceparent?: string | null
  readonly events: readonly NewEvent[]
}

export type PublishArguments = {
  readonly requests: readonly PublishRequest[]
  /** How long to wait for keys that somebody's open transaction holds, milliseconds. */
  readonly keyWaitMs: number
}

export type PublishedItem = {
  readonly id: EventId
  /** null: not known yet, the deliveries are being made; so is `notSent` then. */
  readonly deliveries: number | null
  readonly notSent: NotSent | null
  readonly duplicate: boolean
}

export type PublishResult =
  | { readonly kind: 'stored'; readonly events: readonly PublishedItem[] }
  /** The configuration moved since the request was matched: match again. */
  | { readonly kind: 'stale' }
  /** Events of the tenant wait in the inbox, and an ordered endpoint may be owed them first: store these there too. */
  | { readonly kind: 'behind' }
  /** These events' keys belong to events with another type or payload. */
  | { readonly kind: 'conflict'; readonly indexes: readonly number[] }

/**
 * What the transaction itself answers: of events that are new, nothing, since whoever asked for them knows them. A
 * thousand small objects on the way back from the store's thread cost more than their rows.
 */
export type StoredResult =
  | { readonly kind: 'stored'; readonly duplicates: readonly DuplicateItem[] }
  | Exclude<PublishResult, { kind: 'stored' }>

/** An event that was there before, and its place in the request. */
type DuplicateItem = Omit<PublishedItem, 'duplicate'> & { readonly index: number }

/** The answer to a request, out of the request and what the transaction says of it. */
export function toPublishResult({ events }: PublishRequest, result: StoredResult): PublishResult {
  if (result.kind !== 'stored') return result
  const items = events.map((event): PublishedItem => ({ ...itemOf(event), duplicate: false }))
  for (const { index, ...item } of result.duplicates) items[index] = { ...item, duplicate: true }
  return { kind: 'stored', events: items }
}

const itemOf = ({ id, deliveries, notSent }: NewEvent): Omit<PublishedItem, 'duplicate'> =>
  deliveries === null ? { id, deliveries, notSent: null } : { id, deliveries: deliveries.length, notSent }

/** Somebody else stored one of our keys between our look and our insert: run again, alone. */
export class KeyRace extends Error {}

type KnownKey = { readonly event: EventId; readonly hash: Uint8Array; item: Omit<PublishedItem, 'duplicate'> | null }

const keyOf = (tenant: TenantId, key: string): string => `${tenant}\0${key}`

/** Stores events and their deliveries; one result a request, in order. */
export function* publish({ requests, keyWaitMs }: PublishArguments, dialect: Dialect): Transaction<StoredResult[]> {
  if (dialect.lockConfigurationShared !== null) yield dialect.lockConfigurationShared
  const catalogue = yield* catalogueVersion()
  const versions = yield* tenantVersions(requests.map(({ tenant }) => tenant))
  const waiting = yield* tenantsWithInbox(requests)
  const known = yield* knownKeys(requests)
  const accepted: PublishRequest[] = []
  const duplicates = new Set<NewEvent>()
  const results = requests.map((request): StoredResult => {
    if (request.catalogueVersion !== catalogue || request.tenantVersion !== versions.get(request.tenant)) {
      return { kind: 'stale' }
    }
    if (waiting.has(request.tenant) && isOrderedOf(request)) return { kind: 'behind' }
    const conflicts = claimKeys(request, known, duplicates)
    if (conflicts.length > 0) return { kind: 'conflict', indexes: conflicts }
    accepted.push(request)
    return { kind: 'stored', duplicates: duplicatesOf(request, known, duplicates) }
  })
  yield* storeKeys(accepted, duplicates, keyWaitMs, dialect)
  yield* storeEvents(accepted, duplicates)
  yield* storeDeliveries(accepted, duplicates, dialect)
  yield* storeLater(accepted, duplicates)
  yield* fillInDuplicates(known, results, requests, duplicates)
  // What is answered with 202 because it is there must be as safe as what was just stored.
  if (duplicates.size > 0 && dialect.confirmReads !== null) yield dialect.confirmReads
  return results
}

const TENANT_COLUMNS: BulkQuery['columns'] = [['id', 'text']]

/** A test goes to one endpoint alone, at once. */
const isOrderedOf = ({ events }: PublishRequest): boolean =>
  events.some(({ test, deliveries }) => !test && deliveries?.some(({ ordered }) => ordered))

/** Of the tenants that events are published for to ordered endpoints, those with others in the inbox. */
function* tenantsWithInbox(requests: readonly PublishRequest[]): Transaction<Set<TenantId>> {
  const tenants = [...new Set(requests.filter(isOrderedOf).map(({ tenant }) => tenant))]
  if (tenants.length === 0) return new Set()
  const rows = yield {
    text: 'select v.id from v where exists (select 1 from inbox i where i.tenant = v.id)',
    columns: TENANT_COLUMNS,
    rows: tenants.map(tenant => [tenant]),
  }
  return new Set(rows.map(row => text(row.id)))
}

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['event_key', 'text'],
  ['now_ms', 'int'],
]

function* knownKeys(requests: readonly PublishRequest[]): Transaction<Map<string, KnownKey>> {
  const wanted = new Map<string, [TenantId, string, number]>()
  for (const { tenant, nowMs, events } of requests) {
    for (const { key } of events) if (key !== null) wanted.set(keyOf(tenant, key), [tenant, key, nowMs])
  }
  if (wanted.size === 0) return new Map()
  const rows = yield {
    text: `select k.tenant, k.event_key, k.event, k.hash from idempotency k
           join v on k.tenant = v.tenant and k.event_key = v.event_key where k.expires_ms > v.now_ms`,
    columns: KEY_COLUMNS,
    rows: [...wanted.values()],
  }
  const entry = (row: Row): [string, KnownKey] => [
    keyOf(text(row.tenant), text(row.event_key)),
    { event: idText('evt', bytes(row.event)), hash: bytes(row.hash), item: null },
  ]
  return new Map(rows.map(entry))
}

/** The hashes of those of a tenant's keys that are in use, by key. */
export function* readKeyHashes(args: {
  tenant: TenantId
  keys: readonly string[]
  nowMs: number
}): Transaction<Map<string, Uint8Array>> {
  const rows = yield {
    text: `select k.event_key, k.hash from idempotency k
           join v on k.tenant = v.tenant and k.event_key = v.event_key where k.expires_ms > v.now_ms`,
    columns: KEY_COLUMNS,
    rows: args.keys.map(key => [args.tenant, key, args.nowMs]),
  }
  return new Map(rows.map(row => [text(row.event_key), bytes(row.hash)]))
}

/** Sorts a request's keyed events into new ones, duplicates and conflicts (returned by index); claims nothing then. */
function claimKeys(request: PublishRequest, known: Map<string, KnownKey>, duplicates: Set<NewEvent>): number[] {
  const conflicts: number[] = []
  const claimed: string[] = []
  const repeated: NewEvent[] = []
  for (const [index, event] of request.events.entries()) {
    if (event.key === null || event.hash === null) continue
    const key = keyOf(request.tenant, event.key)
    const before = known.get(key)
    if (before === undefined) {
      const item = itemOf(event)
      known.set(key, { event: event.id, hash: event.hash, item })
      claimed.push(key)
    } else if (Buffer.compare(before.hash, event.hash) === 0) repeated.push(event)
    else conflicts.push(index)
  }
  if (conflicts.length > 0) for (const key of claimed) known.delete(key)
  else for (const event of repeated) duplicates.add(event)
  return conflicts
}

function duplicatesOf(
  { tenant, events }: PublishRequest,
  known: Map<string, KnownKey>,
  duplicates: Set<NewEvent>,
): DuplicateItem[] {
  if (duplicates.size === 0) return []
  return events.flatMap((event, index) => {
    if (!duplicates.has(event)) return []
    const before = known.get(keyOf(tenant, event.key!))!
    return [{ index, ...(before.item ?? { id: before.event, deliveries: null, notSent: null }) }]
  })
}

const NEW_KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['event_key', 'text'],
  ['event', 'bytes'],
  ['hash', 'bytes'],
  ['expires_ms', 'int'],
  ['now_ms', 'int'],
]

/** A key that somebody's own transaction has published from SQL is waited for, at most so long: then StoreContended. */
function* storeKeys(
  requests: readonly PublishRequest[],
  duplicates: Set<NewEvent>,
  keyWaitMs: number,
  { limitLockWait }: Dialect,
): Transaction<void> {
  const rows = requests.flatMap(({ tenant, keyExpiresAtMs, nowMs, events }) =>
    events
      .filter(event => event.key !== null && !duplicates.has(event))
      .map(event => [tenant, event.key, idBytes(event.id), event.hash, keyExpiresAtMs, nowMs] as const),
  )
  if (rows.length === 0) return
  // Sorted, so that two transactions that claim the same keys wait for each other instead of deadlocking.
  rows.sort((a, b) => (keyOf(a[0], a[1]!) < keyOf(b[0], b[1]!) ? -1 : 1))
  const [limit, unlimit] = [limitLockWait(keyWaitMs), limitLockWait(0)]
  if (limit !== null) yield limit
  const won = yield {
    text: `insert into idempotency (tenant, event_key, event, hash, expires_ms)
           select tenant, event_key, event, hash, expires_ms from v where true
           on conflict (tenant, event_key) do update
             set event = excluded.event, hash = excluded.hash, expires_ms = excluded.expires_ms
             where idempotency.expires_ms <= ${Math.min(...rows.map(row => row[5]))}
           returning event`,
    columns: NEW_KEY_COLUMNS,
    rows,
  }
  if (unlimit !== null) yield unlimit
  if (won.length < rows.length) throw new KeyRace()
}

function* storeEvents(requests: readonly PublishRequest[], duplicates: Set<NewEvent>): Transaction<void> {
  const rows = requests.flatMap(({ tenant, tenantVersion, nowMs, traceparent = null, events }) =>
    events
      .filter(event => !duplicates.has(event))
      .map(event => [
        tenant,
        idBytes(event.id),
        event.type,
        event.key,
        event.payload,
        event.test ? 1 : 0,
        event.deliveries?.length ?? null,
        event.deliveries === null ? null : JSON.stringify(event.notSent),
        null,
        nowMs,
        traceparent,
        tenantVersion,
      ]),
  )
  yield* storeEventRows(rows)
}

function* storeDeliveries(
  requests: readonly PublishRequest[],
  duplicates: Set<NewEvent>,
  dialect: Dialect,
): Transaction<void> {
  const rows = requests.flatMap(({ tenant, nowMs, events }) =>
    events
      .filter(event => !duplicates.has(event))
      .flatMap(event => deliveryRows(tenant, nowMs, event.id, event.type, event.test, event.deliveries ?? [])),
  )
  yield* storeDeliveryRows(rows, dialect)
}

function* storeLater(requests: readonly PublishRequest[], duplicates: Set<NewEvent>): Transaction<void> {
  const rows = requests.flatMap(({ tenant, tenantVersion, nowMs, events }) =>
    events
      .filter(event => event.deliveries === null && !duplicates.has(event))
      .map(event => [tenant, idBytes(event.id), event.type, nowMs, tenantVersion] as const),
  )
  yield* storeInbox(rows)
}

/**
 * A duplicate answers as its event did: how many deliveries it had then is read from the event itself, or not known yet
 * while it waits in the inbox. If the event is not kept any more, nobody knows.
 */
function* fillInDuplicates(
  known: Map<string, KnownKey>,
  results: StoredResult[],
  requests: readonly PublishRequest[],
  repeated: Set<NewEvent>,
): Transaction<void> {
  if (repeated.size === 0) return
  const missing = new Map<TenantId, Uint8Array[]>()
  for (const request of requests) {
    for (const event of request.events) {
      if (!repeated.has(event)) continue
      const before = known.get(keyOf(request.tenant, event.key!))!
      if (before.item !== null) continue
      missing.set(request.tenant, [...(missing.get(request.tenant) ?? []), idBytes(before.event)])
    }
  }
  const rows: Row[] = []
  for (const [tenant, events] of missing) {
    // Not a join: see `readPayloads`.
    const { text, params } = idList(events, 2)
    rows.push(
      ...(yield {
        text: `select id, deliveries, not_sent from event where tenant = $1 and id in (${text})
               union all
               select id, null, null from inbox where tenant = $1 and id in (${text}) and payload is not null`,
        params: [tenant, ...params],
      }),
    )
  }
  const items = new Map(rows.map(row => [idText('evt', bytes(row.id)), row]))
  for (const [index, result] of results.entries()) {
    if (result.kind !== 'stored') continue
    const duplicates = result.duplicates.map(item => {
      const row = items.get(item.id)
      if (row === undefined) return item
      return { ...item, deliveries: intOrNull(row.deliveries), notSent: jsonOrNull(row.not_sent) as NotSent | null }
    })
    results[index] = { kind: 'stored', duplicates }
  }
}
