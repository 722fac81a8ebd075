/** How the portals look: one row for all of them. */
import { DEFAULT_LOOKS, type PortalLogo, type PortalLooks, type StoredLooks } from '../../base/portal.ts'
import { reads, writes } from '../operation.ts'
import { bytes, int, type Row, type Transaction, text } from '../transaction.ts'
import { type By, differences, record } from './audit.ts'

const FIELDS = 'looks, logo_type, logo_hash, length(logo) as logo_size, updated_ms'

const toStored = (row: Row | undefined): StoredLooks => {
  if (row === undefined) return { looks: DEFAULT_LOOKS, logo: null, updatedAtMs: null }
  const logo =
    row.logo_hash === null
      ? null
      : { type: text(row.logo_type) as PortalLogo['type'], hash: text(row.logo_hash), size: Number(row.logo_size) }
  // A member that a later version adds is missing in what an earlier one has stored.
  return { looks: { ...DEFAULT_LOOKS, ...JSON.parse(text(row.looks)) }, logo, updatedAtMs: int(row.updated_ms) }
}

export function* readPortalLooks(_args: object): Transaction<StoredLooks> {
  return toStored((yield { text: `select ${FIELDS} from portal_looks where id = 1` })[0])
}

export function* readPortalLogo(_args: object): Transaction<PortalLogo | null> {
  const [row] = yield {
    text: 'select logo, logo_type, logo_hash from portal_looks where id = 1 and logo is not null',
  }
  if (row === undefined) return null
  return { type: text(row.logo_type) as PortalLogo['type'], hash: text(row.logo_hash), bytes: bytes(row.logo) }
}

const MEMBERS = Object.keys(DEFAULT_LOOKS) as (keyof PortalLooks)[]

export function* putPortalLooks(args: { looks: PortalLooks; nowMs: number } & By): Transaction<StoredLooks> {
  const before = yield* readPortalLooks({})
  const rows = yield {
    text: `insert into portal_looks (id, looks, updated_ms) values (1, $1, $2)
           on conflict (id) do update set looks = excluded.looks, updated_ms = excluded.updated_ms returning ${FIELDS}`,
    params: [JSON.stringify(args.looks), args.nowMs],
  }
  const fields = differences(before.looks, args.looks, MEMBERS)
  yield* record(args, { action: 'updated', target: 'portal', targetId: 'portal', tenant: null, fields }, args.nowMs)
  return toStored(rows[0])
}

/** Replaces the logo, or removes it. Returns false if there is none to remove. */
export function* setPortalLogo(args: { logo: PortalLogo | null; nowMs: number } & By): Transaction<boolean> {
  const { logo, nowMs } = args
  const before = yield* readPortalLooks({})
  if (logo === null && before.logo === null) return false
  yield {
    text: `insert into portal_looks (id, looks, logo, logo_type, logo_hash, updated_ms) values (1, $1, $2, $3, $4, $5)
           on conflict (id) do update set logo = excluded.logo, logo_type = excluded.logo_type,
             logo_hash = excluded.logo_hash, updated_ms = excluded.updated_ms`,
    params: [JSON.stringify(before.looks), logo?.bytes ?? null, logo?.type ?? null, logo?.hash ?? null, nowMs],
  }
  const action = logo === null ? 'deleted' : before.logo === null ? 'created' : 'replaced'
  yield* record(args, { action, target: 'portal_logo', targetId: 'logo', tenant: null }, nowMs)
  return true
}

export const portalLooksOperations = {
  readPortalLooks: reads({ run: readPortalLooks, waitedForBy: 'people' }),
  readPortalLogo: reads({ run: readPortalLogo, waitedForBy: 'people' }),
  putPortalLooks: writes({ run: putPortalLooks, configuration: 'ignores' }),
  setPortalLogo: writes({ run: setPortalLogo, configuration: 'ignores' }),
}
