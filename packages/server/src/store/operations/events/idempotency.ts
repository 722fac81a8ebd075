/** Publishers' keys of their events: publishing again with the same key refers to the same event. */

import { Buffer } from 'node:buffer'
import { idBytes, idText } from '../../../base/ids.ts'
import type { EventId, NotSent, TenantId } from '../../../base/model.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  idList,
  intOrNull,
  jsonOrNull,
  KeyRace,
  type Row,
  type Transaction,
  text,
} from '../../transaction.ts'
import {
  type DuplicateItem,
  itemOf,
  type NewEvent,
  type PublishedItem,
  type PublishRequest,
  type StoredResult,
} from './publish-request.ts'

type KnownKey = { readonly event: EventId; readonly hash: Uint8Array; item: Omit<PublishedItem, 'duplicate'> | null }

const keyOf = (tenant: TenantId, key: string): string => `${tenant}\0${key}`

const KEY = ['tenant', 'event_key']

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['event_key', 'text'],
  ['now_ms', 'int'],
]

export function* knownKeys(
  requests: readonly PublishRequest[],
  { isNamed }: Dialect,
): Transaction<Map<string, KnownKey>> {
  const wanted = new Map<string, [TenantId, string, number]>()
  for (const { tenant, nowMs, events } of requests) {
    for (const { key } of events) if (key !== null) wanted.set(keyOf(tenant, key), [tenant, key, nowMs])
  }
  if (wanted.size === 0) return new Map()
  const rows = yield {
    text: `select k.tenant, k.event_key, k.event, k.hash from v cross join idempotency k
           where ${isNamed('k', KEY)} and k.expires_ms > v.now_ms`,
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
export function* readKeyHashes(
  args: { tenant: TenantId; keys: readonly string[]; nowMs: number },
  { isNamed }: Dialect,
): Transaction<Map<string, Uint8Array>> {
  const rows = yield {
    text: `select k.event_key, k.hash from v cross join idempotency k
           where ${isNamed('k', KEY)} and k.expires_ms > v.now_ms`,
    columns: KEY_COLUMNS,
    rows: args.keys.map(key => [args.tenant, key, args.nowMs]),
  }
  return new Map(rows.map(row => [text(row.event_key), bytes(row.hash)]))
}

/** Claims a request's new keys and collects its duplicates. If keys conflict, does neither and returns their indexes. */
export function claimKeys(request: PublishRequest, known: Map<string, KnownKey>, duplicates: Set<NewEvent>): number[] {
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

export function duplicatesOf(
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

/** Waits up to `keyWaitMs` for keys published from SQL in an open transaction, then throws StoreContended. */
export function* storeKeys(
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

/**
 * Completes the results of duplicates with what their events got: how many deliveries is read from the event itself, or
 * not known yet while the event waits in the inbox. If the event is no longer kept, the number stays unknown.
 */
export function* fillInDuplicates(
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
    // A list of ids, not a join: see `readContents` in lanes.ts.
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

/** Removes publishers' keys that have expired. Skips a key that is being used again at this moment. */
export function* dropExpiredKeys({ limit }: { readonly limit: number }, dialect: Dialect): Transaction<number> {
  const rows = yield {
    text: `delete from idempotency where (tenant, event_key) in (
             select tenant, event_key from idempotency where expires_ms <= ${dialect.nowMs}
             order by expires_ms limit ${limit} ${dialect.skipLocked})
           returning tenant`,
  }
  return rows.length
}
