/** Who listens: the open streams that get an endpoint's requests (decision 54). */

import { MINUTE_MS } from '../../../base/durations.ts'
import { idBytes, idText } from '../../../base/ids.ts'
import type { EndpointId, TenantId } from '../../../base/model.ts'
import { bytes, idList, int, type Row, type Transaction, text } from '../../transaction.ts'

/** How precisely it is kept when someone last listened. */
const SEEN_MS = MINUTE_MS

export type BeganListening = {
  readonly tenant: TenantId
  /** The stream, by an id of 16 bytes that it was given. */
  readonly reader: Uint8Array
  readonly endpoints: readonly EndpointId[]
  readonly nowMs: number
  readonly untilMs: number
}

/** A listener that was deleted in the meantime is left out, and its streams are ended at the next renewal. */
export function* beginListening({ tenant, reader, endpoints, nowMs, untilMs }: BeganListening): Transaction<void> {
  for (const id of [...endpoints].sort()) {
    const found = yield {
      text: 'select 1 from endpoint where id = $1 and tenant = $2 and seen_ms is not null and deleted_ms is null',
      params: [idBytes(id), tenant],
    }
    if (found.length === 0) continue
    yield {
      text: `insert into listener_reader (endpoint, reader, tenant, since_ms, until_ms) values ($1, $2, $3, $4, $5)
             on conflict (endpoint, reader) do update set until_ms = excluded.until_ms`,
      params: [idBytes(id), reader, tenant, nowMs, untilMs],
    }
    yield* markSeen(idBytes(id), nowMs, 0)
  }
}

function* markSeen(endpoint: Uint8Array, nowMs: number, afterMs: number): Transaction<void> {
  yield {
    text: 'update endpoint set seen_ms = $2 where id = $1 and seen_ms is not null and seen_ms < $3',
    params: [endpoint, nowMs, nowMs - afterMs],
  }
}

/** A stream that listens to an endpoint. */
export type Listened = { readonly reader: string; readonly endpoint: EndpointId }

/**
 * Renews what these streams listen to. Returns what is left: the others have been ended, because an endpoint was
 * deleted or because a request was not answered.
 */
export function* renewListening(args: {
  readonly readers: readonly Uint8Array[]
  readonly nowMs: number
  readonly untilMs: number
}): Transaction<Listened[]> {
  const { text: list, params } = idList(args.readers, 2)
  const rows = yield {
    text: `update listener_reader set until_ms = $1 where reader in (${list}) returning reader, endpoint`,
    params: [args.untilMs, ...params],
  }
  const endpoints = new Map(rows.map(row => [idText('ep', bytes(row.endpoint)), bytes(row.endpoint)]))
  // In the order of the endpoints, so that two transactions wait for each other instead of deadlocking.
  for (const [, endpoint] of [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield* markSeen(endpoint, args.nowMs, SEEN_MS)
  }
  return rows.map(row => ({ reader: hexOf(row), endpoint: idText('ep', bytes(row.endpoint)) }))
}

const hexOf = (row: Row): string => Buffer.from(bytes(row.reader)).toString('hex')

export function* endListening({ reader }: { readonly reader: Uint8Array }): Transaction<void> {
  yield { text: 'delete from listener_reader where reader = $1', params: [reader] }
}

/** Whether someone listens. */
export function* isHeard(endpoint: Uint8Array, nowMs: number): Transaction<boolean> {
  const rows = yield {
    text: 'select 1 from listener_reader where endpoint = $1 and until_ms > $2 limit 1',
    params: [endpoint, nowMs],
  }
  return rows.length > 0
}

/** How many listeners a tenant has. */
export function* countListeners(tenant: TenantId): Transaction<number> {
  const [row] = yield {
    text: 'select count(*) as n from endpoint where tenant = $1 and seen_ms is not null and deleted_ms is null',
    params: [tenant],
  }
  return int(row!.n)
}

/** What is kept of a listener that is deleted. */
export function* forgetListener(endpoint: Uint8Array): Transaction<void> {
  yield { text: 'delete from listener_reader where endpoint = $1', params: [endpoint] }
  yield { text: 'delete from listener_request where endpoint = $1', params: [endpoint] }
}

export type UnseenListener = {
  readonly tenant: TenantId
  readonly id: EndpointId
}

/** Listeners that no one has listened to since a time, and to which no one listens now. */
export function* findUnseenListeners(args: {
  readonly beforeMs: number
  readonly nowMs: number
  readonly limit: number
}): Transaction<UnseenListener[]> {
  const rows = yield {
    text: `select e.tenant, e.id from endpoint e
           where e.seen_ms is not null and e.seen_ms < $1 and e.deleted_ms is null
             and not exists (select 1 from listener_reader r where r.endpoint = e.id and r.until_ms > $2)
           limit ${args.limit}`,
    params: [args.beforeMs, args.nowMs],
  }
  return rows.map(row => ({ tenant: text(row.tenant), id: idText('ep', bytes(row.id)) }))
}

/** Removes the streams whose node is gone, and requests that no one has settled. Returns how many. */
export function* dropStaleListening(args: { readonly beforeMs: number; readonly limit: number }): Transaction<number> {
  const params = [args.beforeMs]
  const readers = yield {
    text: `delete from listener_reader where (endpoint, reader) in (
             select endpoint, reader from listener_reader where until_ms < $1 limit ${args.limit}) returning 1 as one`,
    params,
  }
  const requests = yield {
    text: `delete from listener_request where (tenant, delivery) in (
             select tenant, delivery from listener_request where expires_ms < $1 limit ${args.limit}) returning 1 as one`,
    params,
  }
  return readers.length + requests.length
}
