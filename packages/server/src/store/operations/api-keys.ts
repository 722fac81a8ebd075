/** API keys. The store has only their hashes. */

import type { ApiKey, ApiKeyScope } from '../../base/callers.ts'
import { idBytes, idText } from '../../base/ids.ts'
import type { ApiKeyId, TenantId } from '../../base/model.ts'
import { reads, writes } from '../operation.ts'
import { bytes, int, intOrNull, type Row, type Transaction, text, textOrNull } from '../transaction.ts'
import { type Place, Where } from '../where.ts'
import { type By, record } from './audit.ts'
import { nextChange } from './configuration.ts'
import { isRepeated, keepCall, type Once } from './idempotent-calls.ts'
import { getMeta } from './meta.ts'

const FIELDS = 'id, name, scope, tenant, payloads, rate_requests, rate_seconds, created_ms, expires_ms, revoked_ms'

const toApiKey = (row: Row): ApiKey => ({
  id: idText('key', bytes(row.id)),
  name: text(row.name),
  scope: text(row.scope) as ApiKeyScope,
  tenant: textOrNull(row.tenant),
  payloads: row.payloads === 1,
  rateLimit:
    row.rate_requests === null ? null : { requests: int(row.rate_requests), perSeconds: int(row.rate_seconds) },
  createdAtMs: int(row.created_ms),
  expiresAtMs: intOrNull(row.expires_ms),
  revokedAtMs: intOrNull(row.revoked_ms),
})

const entryOf = ({ id, tenant }: ApiKey) => ({ target: 'api_key', targetId: id, tenant }) as const

/** Returns false if the key's tenant doesn't exist. */
export function* createApiKey(args: { key: ApiKey; hash: Uint8Array } & By & Once): Transaction<boolean | 'repeated'> {
  if (yield* isRepeated(args.once)) return 'repeated'
  const { key, hash } = args
  if (key.tenant !== null) {
    const there = yield { text: 'select 1 from tenant where id = $1 and deleted_ms is null', params: [key.tenant] }
    if (there.length === 0) return false
  }
  yield {
    text: `insert into api_key (${FIELDS}, hash, change_seq)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    params: [
      idBytes(key.id),
      key.name,
      key.scope,
      key.tenant,
      key.payloads ? 1 : 0,
      key.rateLimit?.requests ?? null,
      key.rateLimit?.perSeconds ?? null,
      key.createdAtMs,
      key.expiresAtMs,
      key.revokedAtMs,
      hash,
      yield* nextChange(),
    ],
  }
  yield* record(args, { ...entryOf(key), action: 'created' }, key.createdAtMs)
  yield* keepCall(args.once)
  return true
}

/** Revokes a key for good. Revoking it again changes nothing. Returns null if the key doesn't exist. */
export function* revokeApiKey(args: { id: ApiKeyId; nowMs: number } & By): Transaction<ApiKey | null> {
  const rows = yield {
    text: `update api_key set revoked_ms = $2, change_seq = $3 where id = $1 and revoked_ms is null returning ${FIELDS}`,
    params: [idBytes(args.id), args.nowMs, yield* nextChange()],
  }
  if (rows.length === 0) return yield* getApiKey(args)
  const key = toApiKey(rows[0]!)
  yield* record(args, { ...entryOf(key), action: 'revoked' }, args.nowMs)
  return key
}

/** Revokes the keys of a tenant that is being deleted. They must not become valid again if its id is reused. */
export function* revokeKeysOf(args: { id: TenantId; nowMs: number } & By, change: number): Transaction<void> {
  const rows = yield {
    text: `update api_key set revoked_ms = $2, change_seq = $3
           where tenant = $1 and revoked_ms is null returning ${FIELDS}`,
    params: [args.id, args.nowMs, change],
  }
  for (const row of rows) yield* record(args, { ...entryOf(toApiKey(row)), action: 'revoked' }, args.nowMs)
}

export function* getApiKey(args: { id: ApiKeyId }): Transaction<ApiKey | null> {
  const rows = yield { text: `select ${FIELDS} from api_key where id = $1`, params: [idBytes(args.id)] }
  return rows.length === 0 ? null : toApiKey(rows[0]!)
}

/** Includes revoked and expired keys. */
export function* listApiKeys(args: Place<ApiKeyId> & { limit: number }): Transaction<ApiKey[]> {
  const where = new Where()
  const order = where.behind(args)
  const rows = yield {
    text: `select ${FIELDS} from api_key ${where.clause} ${order} limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toApiKey)
}

export type ApiKeyChanges = {
  /** The newest change included: pass it as `after` the next time. */
  readonly seq: number
  readonly keys: readonly { readonly key: ApiKey; readonly hash: Uint8Array }[]
}

/** API keys that were created or revoked after a change. */
export function* readApiKeyChanges(args: { after: number }): Transaction<ApiKeyChanges> {
  const seq = Number((yield* getMeta('change_seq')) ?? 0)
  const rows = yield {
    text: `select ${FIELDS}, hash from api_key where change_seq > $1 and change_seq <= $2`,
    params: [args.after, seq],
  }
  return { seq, keys: rows.map(row => ({ key: toApiKey(row), hash: bytes(row.hash) })) }
}

/** Removes API keys that were revoked, or expired, before a time. */
export function* dropOldApiKeys({
  limit,
  beforeMs,
}: {
  readonly limit: number
  readonly beforeMs: number
}): Transaction<number> {
  const rows = yield {
    text: `delete from api_key where id in (
             select id from api_key where revoked_ms < $1 or expires_ms < $1 limit ${limit}) returning id`,
    params: [beforeMs],
  }
  return rows.length
}

export const apiKeyOperations = {
  createApiKey: writes({ run: createApiKey, configuration: 'changes' }),
  revokeApiKey: writes({ run: revokeApiKey, configuration: 'changes' }),
  getApiKey: reads({ run: getApiKey, waitedForBy: 'engine' }),
  listApiKeys: reads({ run: listApiKeys, waitedForBy: 'people' }),
  readApiKeyChanges: reads({ run: readApiKeyChanges, waitedForBy: 'engine' }),
  dropOldApiKeys: writes({ run: dropOldApiKeys, configuration: 'ignores' }),
}
