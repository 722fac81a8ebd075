/** Links to the portals of tenants (decision 52). The store has only the hashes of their tokens. */

import type { Session } from '../../base/callers.ts'
import { idBytes, idText } from '../../base/ids.ts'
import type { PortalLinkId, TenantId } from '../../base/model.ts'
import type { Portal, PortalLink } from '../../base/portal.ts'
import { reads, writes } from '../operation.ts'
import { bytes, int, type Row, type Transaction, text } from '../transaction.ts'
import { type Place, Where } from '../where.ts'
import { type By, record } from './audit.ts'
import { nextChange } from './configuration.ts'
import { createSession, endSessionsOf, type Holder, holderOf, keyOf, type NewSession } from './sessions.ts'

const FIELDS = 'id, api_key, tenant, portal, uses_left, session_ms, created_ms, expires_ms'

const toLink = (row: Row): PortalLink => ({
  id: idText('pln', bytes(row.id)),
  tenant: text(row.tenant),
  key: keyOf(row),
  portal: JSON.parse(text(row.portal)) as Portal,
  usesLeft: int(row.uses_left),
  sessionMs: int(row.session_ms),
  createdAtMs: int(row.created_ms),
  expiresAtMs: int(row.expires_ms),
})

const entryOf = ({ id, tenant }: Pick<PortalLink, 'id' | 'tenant'>) =>
  ({ target: 'portal_link', targetId: id, tenant }) as const

export type NewPortalLink = Omit<PortalLink, 'key'> & {
  /** The hash of its token. */
  readonly hash: Uint8Array
  readonly holder: Holder
}

/** Stores a link. Returns false if its tenant doesn't exist. */
export function* createPortalLink(args: NewPortalLink & By): Transaction<boolean> {
  const { id, hash, holder, tenant, portal, usesLeft, sessionMs, createdAtMs, expiresAtMs } = args
  const tenants = yield { text: 'select 1 from tenant where id = $1 and deleted_ms is null', params: [tenant] }
  if (tenants.length === 0) return false
  yield {
    text: `insert into portal_link (id, hash, api_key, root_hash, tenant, portal, uses_left, session_ms, created_ms,
             expires_ms)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    params: [
      idBytes(id),
      hash,
      holder.key === null ? null : idBytes(holder.key),
      holder.rootHash,
      tenant,
      JSON.stringify(portal),
      usesLeft,
      sessionMs,
      createdAtMs,
      expiresAtMs,
    ],
  }
  yield* record(args, { ...entryOf(args), action: 'created' }, createdAtMs)
  return true
}

/** A session to start with a link, whose token has the hash `linkHash`. */
export type Redemption = Omit<NewSession, 'holder' | 'link' | 'person' | 'expiresAtMs'> & {
  readonly linkHash: Uint8Array
  /** The hash of the root key: links of an earlier root key no longer work. */
  readonly rootHash: Uint8Array
}

const CAN_BE_USED = 'hash = $1 and uses_left > 0 and expires_ms > $2 and (api_key is not null or root_hash = $3)'

/** Anyone can try tokens, whose tenant isn't known before. No tenant has this id. */
const STRANGERS = ' strangers'

/** The tenant of a link that can be used; null for any other. Anyone can try tokens, and what starts a session has others wait. */
export function* canUsePortalLink(args: {
  readonly linkHash: Uint8Array
  readonly rootHash: Uint8Array
  readonly nowMs: number
}): Transaction<TenantId | null> {
  const params = [args.linkHash, args.nowMs, args.rootHash]
  const rows = yield { text: `select tenant from portal_link where ${CAN_BE_USED}`, params }
  return rows.length === 0 ? null : text(rows[0]!.tenant)
}

/**
 * Takes one use of a link and starts a session with it. Returns null for a link that is unknown, used up or expired, or
 * whose key is no longer valid.
 */
export function* redeemPortalLink(args: Redemption): Transaction<Session | null> {
  const { linkHash, rootHash, createdAtMs } = args
  const rows = yield {
    text: `update portal_link set uses_left = uses_left - 1
           where ${CAN_BE_USED}
           returning ${FIELDS}, root_hash`,
    params: [linkHash, createdAtMs, rootHash],
  }
  const row = rows[0]
  if (row === undefined) return null
  const link = toLink(row)
  return yield* createSession({
    ...args,
    holder: holderOf(row),
    link,
    person: null,
    expiresAtMs: createdAtMs + link.sessionMs,
    by: { kind: 'portal', key: link.key, name: link.portal.user, address: args.address },
  })
}

/** Links of a tenant that can still be used, newest first. */
export function* listPortalLinks(
  args: Place<PortalLinkId> & { tenant: TenantId; nowMs: number; limit: number },
): Transaction<PortalLink[]> {
  const where = new Where().add('tenant = ?', args.tenant).add('expires_ms > ?', args.nowMs)
  const order = where.behind(args)
  const rows = yield {
    text: `select ${FIELDS} from portal_link where uses_left > 0 and ${where.text} ${order} limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toLink)
}

/** Removes a link and ends the sessions that it has started. Returns false if it doesn't exist. */
export function* revokePortalLink(
  args: { id: PortalLinkId; tenant: TenantId; nowMs: number } & By,
): Transaction<boolean> {
  const rows = yield {
    text: 'delete from portal_link where id = $1 and tenant = $2 returning id',
    params: [idBytes(args.id), args.tenant],
  }
  if (rows.length === 0) return false
  yield* endSessionsOf({ link: args.id }, args.nowMs, yield* nextChange())
  yield* record(args, { ...entryOf(args), action: 'revoked' }, args.nowMs)
  return true
}

/** Removes the portal links of a tenant, and ends the sessions of its portal and of people who see only it. */
export function* closePortal(tenant: TenantId, nowMs: number, change: number): Transaction<void> {
  yield { text: 'delete from portal_link where tenant = $1', params: [tenant] }
  yield* endSessionsOf({ tenant }, nowMs, change)
}

export const portalLinkOperations = {
  createPortalLink: writes({ run: createPortalLink, configuration: 'ignores' }),
  canUsePortalLink: reads({ run: canUsePortalLink, waitedForBy: 'engine', turnOf: () => STRANGERS }),
  redeemPortalLink: writes({ run: redeemPortalLink, configuration: 'changes' }),
  listPortalLinks: reads({ run: listPortalLinks, waitedForBy: 'people' }),
  revokePortalLink: writes({ run: revokePortalLink, configuration: 'changes' }),
}
