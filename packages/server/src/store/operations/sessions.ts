/** Sessions of the dashboard, and the links that start one. The store has only the hashes of their tokens. */

import { idBytes, idText } from '../../base/ids.ts'
import type { ApiKey, ApiKeyId, ApiKeyScope, Session, SessionId } from '../../base/model.ts'
import { reads, writes } from '../operation.ts'
import { bytes, int, intOrNull, type Row, type Transaction, text, textOrNull } from '../transaction.ts'
import { type Place, Where } from '../where.ts'
import { type By, record } from './audit.ts'
import { nextChange } from './configuration.ts'
import { getMeta } from './meta.ts'

/** Whose a session or a sign-in link is: an API key's, or the root key's, with the hash that the root key had. */
export type Holder =
  | { readonly key: ApiKeyId; readonly rootHash: null }
  | { readonly key: null; readonly rootHash: Uint8Array }

const FIELDS = 'id, api_key, tenant, address, user_agent, created_ms, used_ms, expires_ms, ended_ms'

const keyOf = (row: Row): ApiKeyId | null => (row.api_key === null ? null : idText('key', bytes(row.api_key)))

const holderOf = (row: Row): Holder =>
  row.api_key === null
    ? { key: null, rootHash: bytes(row.root_hash) }
    : { key: idText('key', bytes(row.api_key)), rootHash: null }

const toSession = (row: Row): Session => ({
  id: idText('ses', bytes(row.id)),
  key: keyOf(row),
  tenant: textOrNull(row.tenant),
  address: textOrNull(row.address),
  userAgent: textOrNull(row.user_agent),
  createdAtMs: int(row.created_ms),
  usedAtMs: int(row.used_ms),
  expiresAtMs: int(row.expires_ms),
  endedAtMs: intOrNull(row.ended_ms),
})

const entryOf = ({ id, tenant }: Pick<Session, 'id' | 'tenant'>) =>
  ({ target: 'session', targetId: id, tenant }) as const

export type NewSession = Pick<Session, 'id' | 'address' | 'userAgent' | 'createdAtMs' | 'expiresAtMs'> & {
  /** The hash of its token. */
  readonly hash: Uint8Array
  readonly holder: Holder
  /** How many sessions a key can have. Beyond it, those unused for longest end. */
  readonly maxOfKey: number
}

/** Starts a session. Returns null if its key no longer exists, was revoked or has expired. */
export function* createSession(args: NewSession & By): Transaction<Session | null> {
  const { id, hash, holder, address, userAgent, createdAtMs, expiresAtMs } = args
  let tenant: string | null = null
  if (holder.key !== null) {
    const keys = yield {
      text: `select tenant from api_key where id = $1 and revoked_ms is null
               and (expires_ms is null or expires_ms > $2)`,
      params: [idBytes(holder.key), createdAtMs],
    }
    if (keys.length === 0) return null
    tenant = textOrNull(keys[0]!.tenant)
  }
  const change = yield* nextChange()
  yield* endOldest(args, change)
  const rows = yield {
    text: `insert into session (id, hash, api_key, root_hash, tenant, address, user_agent, created_ms, used_ms,
             expires_ms, change_seq)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10) returning ${FIELDS}`,
    params: [
      idBytes(id),
      hash,
      holder.key === null ? null : idBytes(holder.key),
      holder.rootHash,
      tenant,
      address,
      userAgent,
      createdAtMs,
      expiresAtMs,
      change,
    ],
  }
  yield* record(args, { ...entryOf({ id, tenant }), action: 'created' }, createdAtMs)
  return toSession(rows[0]!)
}

/** Makes room for one more session of a key. */
function* endOldest({ holder, maxOfKey, createdAtMs }: NewSession, change: number): Transaction<void> {
  const isTheirs = holder.key === null ? 'api_key is null' : 'api_key = $3'
  yield {
    text: `update session set ended_ms = $1, change_seq = $2 where id in (
             select id from session where ${isTheirs} and ended_ms is null and expires_ms > $1
             order by used_ms desc, id desc limit 1000 offset ${maxOfKey - 1})`,
    params: [createdAtMs, change, ...(holder.key === null ? [] : [idBytes(holder.key)])],
  }
}

type NewSignInLink = { readonly hash: Uint8Array; readonly holder: Holder; readonly expiresAtMs: number }

/** Stores the token of a sign-in link. */
export function* createSignInLink({ hash, holder, expiresAtMs }: NewSignInLink): Transaction<void> {
  yield {
    text: 'insert into sign_in_link (hash, api_key, root_hash, expires_ms) values ($1, $2, $3, $4)',
    params: [hash, holder.key === null ? null : idBytes(holder.key), holder.rootHash, expiresAtMs],
  }
}

/**
 * Takes the token of a sign-in link, which works once. Returns whose it is, or null for one that is unknown, used or
 * expired.
 */
export function* takeSignInLink(args: { hash: Uint8Array; nowMs: number }): Transaction<Holder | null> {
  const rows = yield {
    text: 'delete from sign_in_link where hash = $1 returning api_key, root_hash, expires_ms',
    params: [args.hash],
  }
  return rows.length === 0 || int(rows[0]!.expires_ms) <= args.nowMs ? null : holderOf(rows[0]!)
}

/** Ends a session for good. Ending it again changes nothing. Returns false if it doesn't exist. */
export function* endSession(args: { id: SessionId; nowMs: number } & By): Transaction<boolean> {
  const rows = yield {
    text: `update session set ended_ms = $2, change_seq = $3 where id = $1 and ended_ms is null returning ${FIELDS}`,
    params: [idBytes(args.id), args.nowMs, yield* nextChange()],
  }
  if (rows.length === 0) {
    return (yield { text: 'select 1 from session where id = $1', params: [idBytes(args.id)] }).length > 0
  }
  yield* record(args, { ...entryOf(toSession(rows[0]!)), action: 'revoked' }, args.nowMs)
  return true
}

/** Notes that a session was used. */
export function* useSession(args: { id: SessionId; nowMs: number }): Transaction<void> {
  yield {
    text: 'update session set used_ms = $2 where id = $1 and used_ms < $2',
    params: [idBytes(args.id), args.nowMs],
  }
}

export type LiveSessions = {
  readonly nowMs: number
  /** Sessions whose last use was before it have ended. */
  readonly usedAfterMs: number
  /** The hash of the root key: sessions of an earlier root key have ended. */
  readonly rootHash: Uint8Array
}

/** What a key lets its sessions do. */
export type SessionKey = Pick<ApiKey, 'id' | 'name' | 'scope' | 'tenant' | 'payloads'>

/** A session with its key, which is null for the root key. */
export type ListedSession = { readonly session: Session; readonly key: SessionKey | null }

/** Sessions that have not ended, and whose key is valid. */
export function* listSessions(args: Place<SessionId> & LiveSessions & { limit: number }): Transaction<ListedSession[]> {
  const where = new Where()
    .add('s.expires_ms > ?', args.nowMs)
    .add('s.used_ms > ?', args.usedAfterMs)
    .add('(s.api_key is not null or s.root_hash = ?)', args.rootHash)
    .add('(s.api_key is null or (k.revoked_ms is null and coalesce(k.expires_ms, s.expires_ms) > ?))', args.nowMs)
  const order = where.behind(args, 's.id')
  const fields = FIELDS.split(', ').map(field => `s.${field} as ${field}`)
  const rows = yield {
    text: `select ${fields.join(', ')}, k.name as name, k.scope as scope, k.payloads as payloads from session s
           left join api_key k on k.id = s.api_key
           where s.ended_ms is null and (s.api_key is null or k.id is not null) and ${where.text}
           ${order} limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(row => {
    const session = toSession(row)
    return { session, key: toKey(row, session) }
  })
}

function toKey(row: Row, { key: id, tenant }: Session): SessionKey | null {
  if (id === null) return null
  return { id, name: text(row.name), scope: text(row.scope) as ApiKeyScope, tenant, payloads: row.payloads === 1 }
}

export type SessionChange = {
  readonly session: Session
  readonly hash: Uint8Array
  readonly rootHash: Uint8Array | null
}

export type SessionChanges = {
  /** The newest change included: pass it as `after` the next time. */
  readonly seq: number
  readonly sessions: readonly SessionChange[]
}

/** Sessions that were started or ended after a change, and those that were used after a time. */
export function* readSessionChanges(args: { after: number; usedAfterMs: number }): Transaction<SessionChanges> {
  const seq = Number((yield* getMeta('change_seq')) ?? 0)
  const rows = yield {
    text: `select ${FIELDS}, hash, root_hash from session
           where (change_seq > $1 and change_seq <= $2) or (used_ms >= $3 and change_seq <= $2)`,
    params: [args.after, seq, args.usedAfterMs],
  }
  return {
    seq,
    sessions: rows.map(row => ({
      session: toSession(row),
      hash: bytes(row.hash),
      rootHash: row.root_hash === null ? null : bytes(row.root_hash),
    })),
  }
}

/** Removes sessions that ended before a time, and sign-in links that expired before it. */
export function* dropOldSessions(args: { readonly limit: number; readonly beforeMs: number }): Transaction<number> {
  const sessions = yield {
    text: `delete from session where id in (
             select id from session where ended_ms < $1 or expires_ms < $1 limit ${args.limit}) returning id`,
    params: [args.beforeMs],
  }
  const links = yield {
    text: `delete from sign_in_link where hash in (
             select hash from sign_in_link where expires_ms < $1 limit ${args.limit}) returning hash`,
    params: [args.beforeMs],
  }
  return sessions.length + links.length
}

export const sessionOperations = {
  createSession: writes({ run: createSession, configuration: 'changes' }),
  endSession: writes({ run: endSession, configuration: 'changes' }),
  useSession: writes({ run: useSession, configuration: 'ignores' }),
  createSignInLink: writes({ run: createSignInLink, configuration: 'ignores' }),
  takeSignInLink: writes({ run: takeSignInLink, configuration: 'ignores' }),
  listSessions: reads({ run: listSessions, waitedForBy: 'people' }),
  readSessionChanges: reads({ run: readSessionChanges, waitedForBy: 'engine' }),
  dropOldSessions: writes({ run: dropOldSessions, configuration: 'ignores' }),
}
