/**
 * Rejected events, which only publishing from SQL stores. Their tenants might not exist, and they don't keep their keys,
 * so no index by tenant or key has them. They are read along an index that has those of all tenants in order; of those
 * of one tenant, or with one key, only the next `maxRows` are looked at.
 */
import { firstIdAt, idBytes, idText } from '../../../base/ids.ts'
import type { EventId, PublishedEvent, TenantId } from '../../../base/model.ts'
import { bytes, type Dialect, int, type Row, type Transaction, text, textOrNull } from '../../transaction.ts'
import { type Place, type Range, Where } from '../../where.ts'
import { EVENT_FIELDS, toEvent } from './event-rows.ts'

export type RejectedFilter = Place<EventId> &
  Partial<Range> & {
    readonly tenant: TenantId | null
    /** The publisher's own key; null: any, or none. */
    readonly key: string | null
  }

type Bounded = { readonly limit: number; readonly maxRows: number }

export type RejectedSlice<Item = PublishedEvent> = {
  /** The nearest first. */
  readonly items: readonly Item[]
  /** The id behind which the next slice begins; null: there is none. */
  readonly goesOnAt: EventId | null
}

/** Rejected events of one tenant, or of all, including tenants that don't exist. */
export function* listRejectedEvents(args: RejectedFilter & Bounded, dialect: Dialect): Transaction<RejectedSlice> {
  const { rows, goesOnAt } = yield* readSlice(args, EVENT_FIELDS, dialect)
  return { items: rows.map(toEvent), goesOnAt }
}

export type RejectedHead = Pick<PublishedEvent, 'tenant' | 'id' | 'type' | 'key'> & {
  /** The size of the payload. */
  readonly bytes: number
  /** Whether its tenant doesn't exist. */
  readonly isOrphan: boolean
}

/** Rejected events without their payloads. */
export function* listRejectedHeads(
  args: RejectedFilter & Bounded,
  dialect: Dialect,
): Transaction<RejectedSlice<RejectedHead>> {
  const orphan = `(case when exists (select 1 from tenant t where t.id = event.tenant and t.deleted_ms is null)
                   then 0 else 1 end) as orphan`
  const { rows, goesOnAt } = yield* readSlice(
    args,
    `tenant, id, type, event_key, length(payload) as bytes, ${orphan}`,
    dialect,
  )
  return { items: rows.map(toHead), goesOnAt }
}

const toHead = (row: Row): RejectedHead => ({
  tenant: text(row.tenant),
  id: idText('evt', bytes(row.id)),
  type: text(row.type),
  key: textOrNull(row.event_key),
  bytes: int(row.bytes),
  isOrphan: int(row.orphan) === 1,
})

function* readSlice(
  args: RejectedFilter & Bounded,
  fields: string,
  { readByIndex }: Dialect,
): Transaction<{ readonly rows: Row[]; readonly goesOnAt: EventId | null }> {
  if (readByIndex !== null) yield readByIndex
  const isRare = args.tenant !== null || args.key !== null
  const edge = isRare ? yield* edgeOf(args) : null
  const { where, order } = behind(args)
  if (edge !== null) where.add(args.after === undefined ? 'id >= ?' : 'id <= ?', edge)
  // An expression, since the key of the table begins with the tenant: it would be read with all events in between.
  where.addIf(`tenant || '' = ?`, args.tenant).addIf('event_key = ?', args.key)
  const rows = yield {
    text: `select ${fields} from event where ${textOf(where)}
           ${order} limit ${args.limit}`,
    params: where.params,
  }
  const last = rows.length < args.limit ? edge : bytes(rows.at(-1)!.id)
  return { rows, goesOnAt: last === null ? null : idText('evt', last) }
}

/** The id of the last of the next `maxRows` rejected events; null: there are fewer. */
function* edgeOf(args: RejectedFilter & Bounded): Transaction<Uint8Array | null> {
  const { where, order } = behind(args)
  const [row] = yield {
    text: `select id from event where ${textOf(where)}
           ${order} limit 1 offset ${args.maxRows - 1}`,
    params: where.params,
  }
  return row === undefined ? null : bytes(row.id)
}

function behind({ fromMs = null, toMs = null, ...place }: Place<EventId> & Partial<Range>): {
  where: Where
  order: string
} {
  const idAt = (ms: number | null) => (ms === null ? null : idBytes(firstIdAt('evt', ms)))
  const where = new Where().addIf('id >= ?', idAt(fromMs)).addIf('id < ?', idAt(toMs))
  return { where, order: where.behind(place) }
}

const textOf = ({ conditions }: Where): string => ['rejected is not null', ...conditions].join(' and ')
