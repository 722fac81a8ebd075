/** What the overview counts of one tenant, or of all: a limited number of rows each. */
import { firstIdAt, idBytes } from '../../base/ids.ts'
import type { TenantId } from '../../base/model.ts'
import { reads } from '../operation.ts'
import { type Dialect, int, intOrNull, type Transaction, text } from '../transaction.ts'
import { Where } from '../where.ts'

/** Counting stops here. */
export const MAX_COUNTED = 10_000
/** Rejected events that are looked at for those of one tenant. */
const REJECTED_LOOKED_AT = 10_000

export type Unended = {
  readonly pending: number
  /** Those that are due. */
  readonly due: number
  /** When the first of those became due; null: none is. */
  readonly oldestDueMs: number | null
  /** When the oldest pending one was created; null: there is none. */
  readonly oldestMs: number | null
  readonly held: number
  /** Those of the held ones that are set aside. */
  readonly setAside: number
  /** Whether there are more than MAX_COUNTED of them, so that only the oldest were looked at. */
  readonly isCutShort: boolean
}

/** The tenant's deliveries that have not ended. */
export function* countUnended(args: { readonly tenant: TenantId; readonly nowMs: number }): Transaction<Unended> {
  const rows = yield {
    text: `select state, count(*) as n, count(case when due_ms <= $2 then 1 end) as due, min(due_ms) as first_due_ms,
             min(created_ms) as oldest_ms, count(case when held_reason = 'set_aside' then 1 end) as set_aside
           from (select state, held_reason, due_ms, created_ms from live_delivery where tenant = $1
                 order by tenant, id limit ${MAX_COUNTED}) l group by state`,
    params: [args.tenant, args.nowMs],
  }
  const pending = rows.find(row => text(row.state) === 'pending')
  const held = rows.find(row => text(row.state) === 'held')
  const due = int(pending?.due ?? 0)
  return {
    pending: int(pending?.n ?? 0),
    due,
    oldestDueMs: due === 0 ? null : intOrNull(pending!.first_due_ms),
    oldestMs: pending === undefined ? null : intOrNull(pending.oldest_ms),
    held: int(held?.n ?? 0),
    setAside: int(held?.set_aside ?? 0),
    isCutShort: rows.reduce((sum, row) => sum + int(row.n), 0) === MAX_COUNTED,
  }
}

export type OverviewCounts = {
  /** Held deliveries of all tenants, up to MAX_COUNTED + 1; null: not counted for a single tenant. */
  readonly held: number | null
  readonly openReplays: number
  readonly openBatches: number
  readonly rejected: number
}

/** Each up to MAX_COUNTED + 1: that many means more than MAX_COUNTED. */
export function* countForOverview(
  args: { readonly tenant: TenantId | null; readonly rejectedFromMs: number },
  { readByIndex }: Dialect,
): Transaction<OverviewCounts> {
  if (readByIndex !== null) yield readByIndex
  const { tenant } = args
  return {
    // In the order of the index `live_held`, so that no row has to be read.
    held:
      tenant !== null
        ? null
        : yield* countUpTo(`from live_delivery where state = 'held' order by partition, endpoint, id`, new Where()),
    openReplays: yield* openReplays(tenant),
    openBatches: tenant !== null ? 0 : yield* countUpTo('from replay_batch where ended_ms is null', new Where()),
    rejected: yield* rejectedSince(args.rejectedFromMs, tenant),
  }
}

function* countUpTo(rest: string, { params }: Where): Transaction<number> {
  const [counted] = yield {
    text: `select count(*) as n from (select 1 as one ${rest} limit ${MAX_COUNTED + 1}) s`,
    params,
  }
  return int(counted!.n)
}

function* openReplays(tenant: TenantId | null): Transaction<number> {
  const where = new Where().addIf('tenant = ?', tenant)
  const open = ['ended_ms is null', ...where.conditions].join(' and ')
  // In the order of the index of those that are open: a tenant can have very many that have ended.
  return yield* countUpTo(`from replay where ${open} order by tenant, state`, where)
}

/** Rejected events of all tenants are in one order, so those of one are counted among the newest of all. */
function* rejectedSince(fromMs: number, tenant: TenantId | null): Transaction<number> {
  const where = new Where().add('id >= ?', idBytes(firstIdAt('evt', fromMs)))
  const some = `from event where rejected is not null and ${where.text} order by id desc`
  if (tenant === null) return yield* countUpTo(some, where)
  where.add('n.tenant = ?', tenant)
  const [counted] = yield {
    text: `select count(*) as n from (select tenant ${some} limit ${REJECTED_LOOKED_AT}) n
           where n.tenant = $${where.params.length}`,
    params: where.params,
  }
  return int(counted!.n)
}

export const overviewOperations = {
  countUnended: reads({ run: countUnended, waitedForBy: 'people' }),
  countForOverview: reads({ run: countForOverview, waitedForBy: 'people' }),
}
