/**
 * Calls with an `Idempotency-Key`, each with the response to it. A call is stored in the transaction that makes what it
 * asks for, so after a crash either both are there or neither is, and no call is left in flight.
 */

import { idText } from '../../base/ids.ts'
import type { TenantId } from '../../base/model.ts'
import { reads, writes } from '../operation.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  intOrNull,
  KeyRace,
  type Row,
  type Transaction,
  text,
  textOrNull,
} from '../transaction.ts'

/** Which call it is. */
export type CallName = {
  /** Whose key it is: the API key and the tenant. `scopeOf` writes it. */
  readonly scope: string
  readonly key: string
}

/** A call to be stored with what it makes. */
export type KeptCall = CallName & {
  /** Tells the same request from another one. */
  readonly hash: Uint8Array
  /** Id of what was made; null if it has none. */
  readonly madeId: string | null
  readonly madeMs: number
  readonly expiresMs: number
  readonly status: number
  /** See `packResponse`. Sealed if `sealedUntilMs` is set. */
  readonly response: Uint8Array
  /** When a response that contains a secret is removed. Null if it contains none. */
  readonly sealedUntilMs: number | null
}

/** A call as it is stored. */
export type StoredCall = Omit<KeptCall, 'scope' | 'key' | 'response'> & {
  /** Null if it was removed, because it contained a secret. */
  readonly response: Uint8Array | null
}

/** Turns the result of an operation into the call to be stored with it. Services call it right before they store. */
export type Keep<Result> = (result: Result) => KeptCall

/** What an operation that makes something takes. Absent: the call has no `Idempotency-Key`. */
export type Once = { readonly once?: KeptCall | undefined }

/** The call was already made, by this node or another one, so this one made nothing. */
export class CallRepeated extends Error {}

/** @param apiKey id of the API key; null: the root key */
export const scopeOf = (apiKey: string | null, tenant: TenantId | undefined): string =>
  `${apiKey ?? 'root'}/${tenant ?? ''}`

/** The tenant of a call; empty for a call that concerns none. No id of an API key contains a slash. */
const tenantOfScope = ({ scope }: CallName): string => scope.slice(scope.indexOf('/') + 1)

export type PackedResponse = { readonly headers: Readonly<Record<string, string>>; readonly body: string }

/** As text, which is stored in UTF-8 or, if it contains a secret, sealed. */
export const packResponse = ({ headers, body }: PackedResponse): string => `${JSON.stringify(headers)}\n${body}`

export function unpackResponse(packed: string): PackedResponse {
  const end = packed.indexOf('\n')
  return { headers: JSON.parse(packed.slice(0, end)) as Record<string, string>, body: packed.slice(end + 1) }
}

// Inside the transaction that makes something

const nameOf = ({ scope, key }: CallName): string => `${scope}\n${key}`

const NAME_COLUMNS: BulkQuery['columns'] = [
  ['scope', 'text'],
  ['call_key', 'text'],
  ['now_ms', 'int'],
]

/** The calls that are known already, to be asked with `isKnown`. */
export class KnownCalls {
  readonly #names = new Set<string>()

  add(call: CallName): void {
    this.#names.add(nameOf(call))
  }

  has(call: CallName): boolean {
    return this.#names.has(nameOf(call))
  }
}

/** Which of the calls were made before. */
export function* readKnownCalls(calls: readonly KeptCall[], { isNamed }: Dialect): Transaction<KnownCalls> {
  const known = new KnownCalls()
  if (calls.length === 0) return known
  const rows = yield {
    text: `select c.scope, c.call_key from v cross join idempotent_call c
           where ${isNamed('c', ['scope', 'call_key'])} and c.expires_ms > v.now_ms`,
    columns: NAME_COLUMNS,
    rows: calls.map(({ scope, key, madeMs }) => [scope, key, madeMs]),
  }
  for (const row of rows) known.add({ scope: text(row.scope), key: text(row.call_key) })
  return known
}

/** Whether the call was made before. Ask before making anything. */
export function* isRepeated(call: KeptCall | undefined): Transaction<boolean> {
  if (call === undefined) return false
  const rows = yield {
    text: 'select 1 from idempotent_call where scope = $1 and call_key = $2 and expires_ms > $3',
    params: [call.scope, call.key, call.madeMs],
  }
  return rows.length > 0
}

const CALL_COLUMNS: BulkQuery['columns'] = [
  ['scope', 'text'],
  ['call_key', 'text'],
  ['hash', 'bytes'],
  ['made_id', 'text'],
  ['made_ms', 'int'],
  ['expires_ms', 'int'],
  ['status', 'int'],
  ['answer', 'bytes'],
  ['sealed_until_ms', 'int'],
]

/** Stores calls with what they have made. Throws KeyRace if another node has just made one of them. */
export function* keepCalls(calls: readonly KeptCall[]): Transaction<void> {
  if (calls.length === 0) return
  // Sorted, so that two transactions that store the same calls wait for each other instead of deadlocking.
  const sorted = [...calls].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  const kept = yield {
    text: `insert into idempotent_call (scope, call_key, hash, made_id, made_ms, expires_ms, status, answer, sealed_until_ms)
           select scope, call_key, hash, made_id, made_ms, expires_ms, status, answer, sealed_until_ms from v where true
           on conflict (scope, call_key) do update
             set hash = excluded.hash, made_id = excluded.made_id, made_ms = excluded.made_ms,
               expires_ms = excluded.expires_ms, status = excluded.status, answer = excluded.answer,
               sealed_until_ms = excluded.sealed_until_ms
             where idempotent_call.expires_ms <= excluded.made_ms
           returning call_key`,
    columns: CALL_COLUMNS,
    rows: sorted.map(call => [
      call.scope,
      call.key,
      call.hash,
      call.madeId,
      call.madeMs,
      call.expiresMs,
      call.status,
      call.response,
      call.sealedUntilMs,
    ]),
  }
  if (kept.length < calls.length) throw new KeyRace()
}

/** Stores the call, if it has a key, with what it has made. Throws KeyRace. */
export function* keepCall(call: KeptCall | undefined): Transaction<void> {
  if (call !== undefined) yield* keepCalls([call])
}

// Operations

const toCall = (row: Row): StoredCall => ({
  hash: bytes(row.hash),
  madeId: textOrNull(row.made_id),
  madeMs: int(row.made_ms),
  expiresMs: int(row.expires_ms),
  status: int(row.status),
  response: row.answer === null ? null : bytes(row.answer),
  sealedUntilMs: intOrNull(row.sealed_until_ms),
})

const FIELDS = 'hash, made_id, made_ms, expires_ms, status, answer, sealed_until_ms'

export function* findCall(args: CallName & { readonly nowMs: number }): Transaction<StoredCall | null> {
  const rows = yield {
    text: `select ${FIELDS} from idempotent_call where scope = $1 and call_key = $2 and expires_ms > $3`,
    params: [args.scope, args.key, args.nowMs],
  }
  return rows.length === 0 ? null : toCall(rows[0]!)
}

/**
 * The same, in a commit: after a crash, a server shows what it had committed itself, including what its standby doesn't
 * have yet. What was accepted must be stored as safely when it is reported again.
 */
export function* confirmCall(args: CallName & { readonly nowMs: number }): Transaction<StoredCall | null> {
  const rows = yield {
    text: `update idempotent_call set made_ms = made_ms where scope = $1 and call_key = $2 and expires_ms > $3
           returning ${FIELDS}`,
    params: [args.scope, args.key, args.nowMs],
  }
  return rows.length === 0 ? null : toCall(rows[0]!)
}

/** Stores a call that succeeded without making anything. Returns false if it was made before. */
export function* recordCall(args: { readonly call: KeptCall }): Transaction<boolean> {
  if (yield* isRepeated(args.call)) return false
  yield* keepCall(args.call)
  return true
}

type Due = { readonly nowMs: number }

/** Whether calls have expired, or responses with secrets are due to be removed. */
export function* findDueCalls({ nowMs }: Due): Transaction<boolean> {
  const rows = yield {
    text: `select exists (select 1 from idempotent_call where expires_ms <= $1)
             or exists (select 1 from idempotent_call where sealed_until_ms <= $1) as due`,
    params: [nowMs],
  }
  return Boolean(rows[0]!.due)
}

/** Removes calls that have expired. Skips one whose key is being used again at this moment. Returns how many. */
export function* dropExpiredCalls(
  { nowMs, limit }: Due & { readonly limit: number },
  { skipLocked }: Dialect,
): Transaction<number> {
  const rows = yield {
    text: `delete from idempotent_call where (scope, call_key) in (
             select scope, call_key from idempotent_call where expires_ms <= $1 order by expires_ms
             limit ${limit} ${skipLocked})
           returning scope`,
    params: [nowMs],
  }
  return rows.length
}

/** Removes responses that contain secrets and are no longer shown. Returns how many. */
export function* dropSealedResponses(
  { nowMs, limit }: Due & { readonly limit: number },
  { skipLocked }: Dialect,
): Transaction<number> {
  const rows = yield {
    text: `update idempotent_call set answer = null, sealed_until_ms = null where (scope, call_key) in (
             select scope, call_key from idempotent_call where sealed_until_ms <= $1
             limit ${limit} ${skipLocked})
           returning scope`,
    params: [nowMs],
  }
  return rows.length
}

const SCOPE_COLUMNS: BulkQuery['columns'] = [['scope', 'text']]

/** Removes calls of a tenant that was deleted, or is being erased. Returns how many. */
export function* eraseCalls(tenant: TenantId, limit: number): Transaction<number> {
  const keys = yield { text: 'select id from api_key where tenant is null or tenant = $1', params: [tenant] }
  const scopes = [scopeOf(null, tenant), ...keys.map(row => scopeOf(idText('key', bytes(row.id)), tenant))]
  const rows = yield {
    text: `delete from idempotent_call where (scope, call_key) in (
             select c.scope, c.call_key from idempotent_call c join v on c.scope = v.scope limit ${limit})
           returning scope`,
    columns: SCOPE_COLUMNS,
    rows: scopes.map(scope => [scope]),
  }
  return rows.length
}

/** Removes calls of a tenant, unless it exists (again). Returns how many. */
export function* forgetCalls(args: { readonly tenant: TenantId; readonly limit: number }): Transaction<number> {
  const rows = yield { text: 'select 1 from tenant where id = $1 and deleted_ms is null', params: [args.tenant] }
  return rows.length > 0 ? 0 : yield* eraseCalls(args.tenant, args.limit)
}

export const idempotentCallOperations = {
  findCall: reads({ run: findCall, waitedForBy: 'engine', turnOf: tenantOfScope }),
  findDueCalls: reads({ run: findDueCalls, waitedForBy: 'engine' }),
  confirmCall: writes({ run: confirmCall, configuration: 'ignores' }),
  recordCall: writes({ run: recordCall, configuration: 'ignores' }),
  forgetCalls: writes({ run: forgetCalls, configuration: 'relies on' }),
  dropExpiredCalls: writes({ run: dropExpiredCalls, configuration: 'ignores' }),
  dropSealedResponses: writes({ run: dropSealedResponses, configuration: 'ignores' }),
}
