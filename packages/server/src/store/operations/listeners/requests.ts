/** Requests that were handed over to those who listen, and their answers (decision 54). */

import { idBytes, idText } from '../../../base/ids.ts'
import type { DeliveryId, EndpointId, EventId, TenantId } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import type { Noted } from '../../stream-notes.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  idList,
  int,
  type Row,
  type Transaction,
  text,
} from '../../transaction.ts'
import { isHeard } from './readers.ts'

/** An attempt, as a request is known by. */
export type RequestKey = {
  readonly tenant: TenantId
  readonly delivery: DeliveryId
  /** The attempt's number. */
  readonly number: number
}

export type Offer = RequestKey & {
  readonly endpoint: EndpointId
  readonly event: EventId
  readonly startedAtMs: number
  readonly expiresAtMs: number
  /** Sealed. */
  readonly headers: Uint8Array
  readonly nowMs: number
}

export type Offered = { readonly startedAtMs: number; readonly expiresAtMs: number }

/**
 * Hands a request over. Null if no one listens. If the same attempt was handed over before, by a node that didn't live to
 * see its answer, that request stands: its times are returned.
 */
export function* offerRequest(offer: Offer): Transaction<Offered | null> {
  const { tenant, number, startedAtMs, expiresAtMs, nowMs } = offer
  const [delivery, endpoint] = [idBytes(offer.delivery), idBytes(offer.endpoint)]
  const [before] = yield {
    text: `select started_ms, expires_ms from listener_request
           where tenant = $1 and delivery = $2 and number = $3 and (answer is not null or expires_ms > $4)`,
    params: [tenant, delivery, number, nowMs],
  }
  if (before !== undefined) return { startedAtMs: int(before.started_ms), expiresAtMs: int(before.expires_ms) }
  if (!(yield* isHeard(endpoint, nowMs))) return null
  yield {
    text: `insert into listener_request (tenant, delivery, endpoint, event, number, started_ms, expires_ms, headers)
           values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict (tenant, delivery) do update set number = excluded.number, started_ms = excluded.started_ms,
             expires_ms = excluded.expires_ms, headers = excluded.headers, answer = null`,
    params: [tenant, delivery, endpoint, idBytes(offer.event), number, startedAtMs, expiresAtMs, offer.headers],
  }
  yield { note: () => [{ kind: 'request', tenant, id: delivery, endpoint }] }
  return { startedAtMs, expiresAtMs }
}

/** Stores the answer to a request. False if it has one, or is over. */
export function* answerRequest(
  args: RequestKey & { readonly answer: Uint8Array; readonly nowMs: number },
): Transaction<boolean> {
  const rows = yield {
    text: `update listener_request set answer = $5
           where tenant = $1 and delivery = $2 and number = $3 and answer is null and expires_ms > $4 returning number`,
    params: [args.tenant, idBytes(args.delivery), args.number, args.nowMs, args.answer],
  }
  return rows.length > 0
}

export type RequestState = {
  readonly endpoint: EndpointId
  readonly startedAtMs: number
  readonly expiresAtMs: number
  readonly isAnswered: boolean
}

export function* findRequest({ tenant, delivery, number }: RequestKey): Transaction<RequestState | null> {
  const [row] = yield {
    text: `select endpoint, started_ms, expires_ms, case when answer is null then 0 else 1 end as answered
           from listener_request where tenant = $1 and delivery = $2 and number = $3`,
    params: [tenant, idBytes(delivery), number],
  }
  if (row === undefined) return null
  return {
    endpoint: idText('ep', bytes(row.endpoint)),
    startedAtMs: int(row.started_ms),
    expiresAtMs: int(row.expires_ms),
    isAnswered: row.answered === 1,
  }
}

export type Answered = { readonly delivery: DeliveryId; readonly number: number; readonly answer: Uint8Array }

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['delivery', 'bytes'],
]

/** Those of the requests that were answered, with their answers, sealed. */
export function* readAnswers(
  { keys }: { readonly keys: readonly RequestKey[] },
  { isNamed }: Dialect,
): Transaction<Answered[]> {
  const rows = yield {
    text: `select r.delivery, r.number, r.answer from v cross join listener_request r
           where ${isNamed('r', ['tenant', 'delivery'])} and r.answer is not null`,
    columns: KEY_COLUMNS,
    rows: keys.map(({ tenant, delivery }) => [tenant, idBytes(delivery)]),
  }
  return rows.map(row => ({
    delivery: idText('dlv', bytes(row.delivery)),
    number: int(row.number),
    answer: bytes(row.answer),
  }))
}

/**
 * Ends a request whose time is over: it can't be answered any longer. Returns the answer if it has one after all. If not,
 * those who listened when it was handed over no longer count: they have to show that they are there.
 */
export function* expireRequest(
  args: RequestKey & { readonly endpoint: EndpointId; readonly startedAtMs: number },
): Transaction<Uint8Array | null> {
  const params = [args.tenant, idBytes(args.delivery), args.number]
  const isIt = 'tenant = $1 and delivery = $2 and number = $3'
  const open = yield { text: `delete from listener_request where ${isIt} and answer is null returning number`, params }
  if (open.length === 0) {
    const [row] = yield { text: `select answer from listener_request where ${isIt}`, params }
    if (row !== undefined && row.answer !== null) return bytes(row.answer)
  }
  yield {
    text: 'delete from listener_reader where endpoint = $1 and since_ms <= $2',
    params: [idBytes(args.endpoint), args.startedAtMs],
  }
  return null
}

/** Forgets a request whose outcome has been stored. */
export function* forgetRequest({ tenant, delivery, number }: RequestKey): Transaction<void> {
  yield {
    text: 'delete from listener_request where tenant = $1 and delivery = $2 and number = $3',
    params: [tenant, idBytes(delivery), number],
  }
}

/** More than can be in flight to one endpoint. */
const MAX_OPEN = 1_000

/** The open requests of endpoints, as the log of the stream notes them, in the order in which they were handed over. */
export function* findOpenRequests(
  { tenant, endpoints }: { readonly tenant: TenantId; readonly endpoints: readonly EndpointId[] },
  { nowMs }: Dialect,
): Transaction<Noted[]> {
  const { text: list, params } = idList(endpoints.map(idBytes), 2)
  const rows = yield {
    text: `select tenant, delivery, endpoint from listener_request
           where tenant = $1 and endpoint in (${list}) and answer is null and expires_ms > (select ${nowMs})
           order by started_ms, delivery limit ${MAX_OPEN}`,
    params: [tenant, ...params],
  }
  return rows.map(row => ({
    kind: 'request',
    tenant: text(row.tenant),
    id: bytes(row.delivery),
    endpoint: bytes(row.endpoint),
  }))
}

/** An open request with what it carries. */
export type OpenRequest = RequestKey &
  Offered & {
    readonly endpoint: EndpointId
    readonly event: EventId
    readonly type: string
    readonly test: boolean
    /** Sealed. */
    readonly headers: Uint8Array
    readonly payload: Uint8Array
  }

const toOpenRequest = (row: Row): OpenRequest => ({
  tenant: text(row.tenant),
  delivery: idText('dlv', bytes(row.delivery)),
  number: int(row.number),
  endpoint: idText('ep', bytes(row.endpoint)),
  event: idText('evt', bytes(row.event)),
  type: text(row.type),
  test: row.test === 1,
  startedAtMs: int(row.started_ms),
  expiresAtMs: int(row.expires_ms),
  headers: bytes(row.headers),
  payload: bytes(row.payload),
})

/** Those that are still open, in any order. */
export function* readOpenRequests(
  keys: readonly (readonly [tenant: TenantId, delivery: Uint8Array])[],
  dialect: Dialect,
): Transaction<OpenRequest[]> {
  const rows = yield* forEach(dialect, {
    columns: KEY_COLUMNS,
    rows: keys,
    query: `select r.tenant, r.delivery, r.number, r.endpoint, r.event, r.started_ms, r.expires_ms, r.headers, e.type,
              e.test, e.payload
            from listener_request r join event e on e.tenant = r.tenant and e.id = r.event
            where r.tenant = v.tenant and r.delivery = v.delivery and r.answer is null
              and r.expires_ms > (select ${dialect.nowMs})`,
  })
  return rows.map(toOpenRequest)
}
