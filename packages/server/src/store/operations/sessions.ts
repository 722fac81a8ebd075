/** Sessions of the dashboard, and the links that start one. The store has only the hashes of their tokens. */

import type { ApiKey, ApiKeyScope, Person, Session } from '../../base/callers.ts'
import { idBytes, idText } from '../../base/ids.ts'
import type { ApiKeyId, PortalLinkId, SessionId, TenantId } from '../../base/model.ts'
import type { Portal } from '../../base/portal.ts'
import { reads, writes } from '../operation.ts'
import { bytes, int, intOrNull, jsonOrNull, type Row, type Transaction, text, textOrNull } from '../transaction.ts'
import { type Place, Where } from '../where.ts'
import { type By, record } from './audit.ts'
import { nextChange } from './configuration.ts'
import { getMeta } from './meta.ts'

/** Whose a session or a sign-in link is: an API key's, or the root key's, with the hash that the root key had. */
export type Holder =
  | { readonly key: ApiKeyId; readonly rootHash: null }
  | { readonly key: null; readonly rootHash: Uint8Array }

const FIELDS = 'id, api_key, tenant, portal, person, address, user_agent, created_ms, used_ms, expires_ms, ended_ms'

export const keyOf = (row: Row): ApiKeyId | null => (row.api_key === null ? null : idText('key', bytes(row.api_key)))

export const holderOf = (row: Row): Holder =>
  row.api_key === null
    ? { key: null, rootHash: bytes(row.root_hash) }
    : { key: idText('key', bytes(row.api_key)), rootHash: null }

const toSession = (row: Row): Session => ({
  id: idText('ses', bytes(row.id)),
  key: keyOf(row),
  tenant: textOrNull(row.tenant),
  portal: jsonOrNull(row.portal) as Portal | null,
  person: jsonOrNull(row.person) as Person | null,
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
  /** Null: a person's. */
  readonly holder: Holder | null
  /** The link that it is started by, and what the link gives. Null: it is not started by a link. */
  readonly link: { readonly id: PortalLinkId; readonly tenant: TenantId; readonly portal: Portal } | null
  /** Who signed in through single sign-on. Null: nobody did. */
  readonly person: NewPerson | null
  /** How many sessions a key, a person or the portal of a tenant can have. Beyond it, those unused for longest end. */
  readonly max: number
}

export type NewPerson = {
  readonly person: Person
  /** The only tenant that they can see. Null: all tenants. */
  readonly tenant: TenantId | null
  /** What the settings say of the issuer, as a hash: the session ends when they say something else. */
  readonly mark: string
}

/** The same for all sessions of a person: an issuer's id has no space in it. */
const personOf = ({ issuer, subject }: Person): string => `${issuer} ${subject}`

/** Whether the tenant of a new session is there. */
function* isThere(tenant: TenantId): Transaction<boolean> {
  return (yield { text: 'select 1 from tenant where id = $1 and deleted_ms is null', params: [tenant] }).length > 0
}

/**
 * Starts a session, which ends when its key expires, if not before. Returns null if its key no longer exists, was revoked
 * or has expired, or if the only tenant of the person doesn't exist.
 */
export function* createSession(args: NewSession & By): Transaction<Session | null> {
  const { id, hash, link, person, address, userAgent, createdAtMs } = args
  const { key, rootHash } = args.holder ?? { key: null, rootHash: null }
  let { expiresAtMs } = args
  let tenant = link?.tenant ?? person?.tenant ?? null
  if (person !== null && tenant !== null && !(yield* isThere(tenant))) return null
  if (key !== null) {
    const keys = yield {
      text: `select tenant, expires_ms from api_key where id = $1 and revoked_ms is null
               and (expires_ms is null or expires_ms > $2)`,
      params: [idBytes(key), createdAtMs],
    }
    const [holder] = keys
    if (holder === undefined) return null
    tenant ??= textOrNull(holder.tenant)
    expiresAtMs = Math.min(expiresAtMs, intOrNull(holder.expires_ms) ?? expiresAtMs)
  }
  const change = yield* nextChange()
  yield* endOldest(args, change)
  const rows = yield {
    text: `insert into session (id, hash, api_key, root_hash, tenant, address, user_agent, created_ms, used_ms,
             expires_ms, change_seq, portal, portal_link, person, person_of, issuer_mark)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12, $13, $14, $15) returning ${FIELDS}`,
    params: [
      idBytes(id),
      hash,
      key === null ? null : idBytes(key),
      rootHash,
      tenant,
      address,
      userAgent,
      createdAtMs,
      expiresAtMs,
      change,
      link === null ? null : JSON.stringify(link.portal),
      link === null ? null : idBytes(link.id),
      person === null ? null : JSON.stringify(person.person),
      person === null ? null : personOf(person.person),
      person === null ? null : person.mark,
    ],
  }
  yield* record(args, { ...entryOf({ id, tenant }), action: 'created' }, createdAtMs)
  return toSession(rows[0]!)
}

/** Makes room for one more session of a key, of a person, or of a tenant's portal. */
function* endOldest(args: NewSession, change: number): Transaction<void> {
  const { max, createdAtMs } = args
  const [isTheirs, ...whose] = ownSessions(args)
  yield {
    text: `update session set ended_ms = $1, change_seq = $2 where id in (
             select id from session where ${isTheirs} and ended_ms is null and expires_ms > $1
             order by used_ms desc, id desc limit 1000 offset ${max - 1})`,
    params: [createdAtMs, change, ...whose],
  }
}

/** A condition for the sessions of the same holder, and its parameter, $3. */
function ownSessions({ holder, link, person }: NewSession): [string, ...(string | Uint8Array)[]] {
  if (link !== null) return ['portal is not null and tenant = $3', link.tenant]
  if (person !== null) return ['person_of = $3', personOf(person.person)]
  const key = holder?.key ?? null
  if (key !== null) return ['portal is null and api_key = $3', idBytes(key)]
  return ['portal is null and person is null and api_key is null']
}

/** Ends the sessions of a tenant: those of its portal and of people who see only it; or those that a link has started. */
export function* endSessionsOf(
  of: { readonly tenant: TenantId } | { readonly link: PortalLinkId },
  nowMs: number,
  change: number,
): Transaction<void> {
  const [isTheirs, whose] =
    'link' in of
      ? ['portal_link = $3', idBytes(of.link)]
      : ['(portal is not null or person is not null) and tenant = $3', of.tenant]
  yield {
    text: `update session set ended_ms = $1, change_seq = $2 where ${isTheirs} and ended_ms is null`,
    params: [nowMs, change, whose],
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

/** Notes that a sign-in through an issuer was used. Returns false if it was used before. */
export function* takeSignIn(args: { hash: Uint8Array; expiresAtMs: number }): Transaction<boolean> {
  const rows = yield {
    text: 'insert into used_sign_in (hash, expires_ms) values ($1, $2) on conflict do nothing returning hash',
    params: [args.hash, args.expiresAtMs],
  }
  return rows.length > 0
}

/** Whether a sign-in through an issuer was used. */
export function* isSignInUsed(args: { hash: Uint8Array }): Transaction<boolean> {
  return (yield { text: 'select 1 from used_sign_in where hash = $1', params: [args.hash] }).length > 0
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
  /** The marks of issuers as the settings are now: sessions of people with another one have ended. */
  readonly issuerMarks: readonly string[]
  /** Only the sessions of a tenant's portal. Null: all sessions. */
  readonly portalOf?: TenantId | null
}

/** What a key lets its sessions do. */
export type SessionKey = Pick<ApiKey, 'id' | 'name' | 'scope' | 'tenant' | 'payloads'>

/** A session with its key, which is null for the root key and for a person. */
export type ListedSession = { readonly session: Session; readonly key: SessionKey | null }

/** Sessions that have not ended, and whose key is valid. */
export function* listSessions(args: Place<SessionId> & LiveSessions & { limit: number }): Transaction<ListedSession[]> {
  const where = new Where()
    .add('s.expires_ms > ?', args.nowMs)
    .add('s.used_ms > ?', args.usedAfterMs)
    .add('(s.api_key is not null or s.person is not null or s.root_hash = ?)', args.rootHash)
    .addIn("coalesce(s.issuer_mark, '')", ['', ...args.issuerMarks])
    .addIf('(s.portal is not null and s.tenant = ?)', args.portalOf)
    .add('(s.api_key is null or (k.revoked_ms is null and coalesce(k.expires_ms, s.expires_ms) > ?))', args.nowMs)
  const order = where.behind(args, 's.id')
  const fields = FIELDS.split(', ').map(field => `s.${field} as ${field}`)
  const rows = yield {
    text: `select ${fields.join(', ')}, k.name as name, k.scope as scope, k.payloads as payloads, k.tenant as key_tenant from session s
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

function toKey(row: Row, { key: id }: Session): SessionKey | null {
  if (id === null) return null
  const [scope, tenant] = [text(row.scope) as ApiKeyScope, textOrNull(row.key_tenant)]
  return { id, name: text(row.name), scope, tenant, payloads: row.payloads === 1 }
}

export type SessionChange = {
  readonly session: Session
  readonly hash: Uint8Array
  readonly rootHash: Uint8Array | null
  /** For a person's session: what the settings said of the issuer. */
  readonly issuerMark: string | null
}

export type SessionChanges = {
  /** The newest change included: pass it as `after` the next time. */
  readonly seq: number
  readonly sessions: readonly SessionChange[]
}

/**
 * Sessions that were started or ended after a change, and those that were used since a time. They are two reads, each
 * with its index: together they would take one of all sessions.
 *
 * @param usedAfterMs null: uses don't matter. Default: null
 * @param livingAtMs only those that had not ended by then. Default: all
 */
export function* readSessionChanges(args: {
  after: number
  usedAfterMs?: number | null
  livingAtMs?: number
}): Transaction<SessionChanges> {
  const { after, usedAfterMs = null, livingAtMs } = args
  const seq = Number((yield* getMeta('change_seq')) ?? 0)
  const fields = `${FIELDS}, hash, root_hash, issuer_mark`
  const rows = [
    ...(yield {
      text: `select ${fields} from session where change_seq > $1 and change_seq <= $2
             ${livingAtMs === undefined ? '' : 'and ended_ms is null and expires_ms > $3'}`,
      params: [after, seq, ...(livingAtMs === undefined ? [] : [livingAtMs])],
    }),
  ]
  if (usedAfterMs !== null) {
    const used = yield {
      text: `select ${fields} from session where used_ms >= $1 and change_seq <= $2`,
      params: [usedAfterMs, after],
    }
    rows.push(...used)
  }
  return {
    seq,
    sessions: rows.map(row => ({
      session: toSession(row),
      hash: bytes(row.hash),
      rootHash: row.root_hash === null ? null : bytes(row.root_hash),
      issuerMark: textOrNull(row.issuer_mark),
    })),
  }
}

/** Removes sessions that ended before a time, and links that expired before it. */
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
  // Revoking a link ends its sessions, so it is kept as long as they can last.
  const portalLinks = yield {
    text: `delete from portal_link where id in (
             select id from portal_link where expires_ms + session_ms < $1 limit ${args.limit}) returning id`,
    params: [args.beforeMs],
  }
  const signIns = yield {
    text: `delete from used_sign_in where hash in (
             select hash from used_sign_in where expires_ms < $1 limit ${args.limit}) returning hash`,
    params: [args.beforeMs],
  }
  return sessions.length + links.length + portalLinks.length + signIns.length
}

export const sessionOperations = {
  createSession: writes({ run: createSession, configuration: 'changes' }),
  endSession: writes({ run: endSession, configuration: 'changes' }),
  useSession: writes({ run: useSession, configuration: 'ignores' }),
  createSignInLink: writes({ run: createSignInLink, configuration: 'ignores' }),
  takeSignInLink: writes({ run: takeSignInLink, configuration: 'ignores' }),
  takeSignIn: writes({ run: takeSignIn, configuration: 'ignores' }),
  isSignInUsed: reads({ run: isSignInUsed, waitedForBy: 'engine' }),
  listSessions: reads({ run: listSessions, waitedForBy: 'people' }),
  readSessionChanges: reads({ run: readSessionChanges, waitedForBy: 'engine' }),
  dropOldSessions: writes({ run: dropOldSessions, configuration: 'ignores' }),
}
