/** Counting pending deliveries and those set aside, a limited number of rows at a time. */

import { bytesMs } from '../../../base/ids.ts'
import { bytes, type Dialect, int, intOrNull, type Transaction, type Value } from '../../transaction.ts'

/** Pending deliveries of one partition. */
export type PartitionBacklog = {
  readonly partition: number
  readonly pending: number
  /** How many of them are due. */
  readonly due: number
  /** When the first of those that are due became due, in milliseconds since 1970; null if none is. */
  readonly dueSinceMs: number | null
}

export type PendingCount = {
  readonly count: number
  /** The same for each partition that has any. */
  readonly partitions: readonly PartitionBacklog[]
  /** When the oldest delivery counted was created, in milliseconds since 1970; null if there was none. */
  readonly oldestMs: number | null
  /** The key of the last delivery counted; null if all were counted. */
  readonly last: readonly Value[] | null
}

/**
 * The order of the index `live_due`, which contains every column needed, so that no row has to be read. Where
 * PostgreSQL expects few rows, it would sort them all (930 ms for 300,000 instead of 9). It doesn't if it can't know
 * the limit in advance.
 */
const KEY = 'partition, endpoint, due_ms, id'

/** Counts up to `limit` pending deliveries after a key (null: from the first). */
export function* countPending(
  args: { readonly after: readonly Value[] | null; readonly limit: number },
  dialect: Dialect,
): Transaction<PendingCount> {
  const { after, limit } = args
  const params = [limit, ...(after ?? [])]
  const behind = after === null ? '' : `and (${KEY}) > ($2, $3, $4, $5)`
  const some = `select ${KEY} from live_delivery where state = 'pending' ${behind} order by ${KEY}
                limit (select cast($1 as bigint))`
  const isDue = `due_ms <= (select ${dialect.nowMs})`
  const counted = yield {
    text: `select partition, count(*) as n, sum(case when ${isDue} then 1 else 0 end) as due,
             min(case when ${isDue} then due_ms end) as due_since_ms
           from (${some}) s group by partition order by partition`,
    params,
  }
  const partitions = counted.map(row => ({
    partition: int(row.partition),
    pending: int(row.n),
    due: int(row.due),
    dueSinceMs: intOrNull(row.due_since_ms),
  }))
  const count = partitions.reduce((sum, { pending }) => sum + pending, 0)
  const [oldest] = yield { text: `select id from (${some}) s order by id limit 1`, params }
  const oldestMs = oldest === undefined ? null : bytesMs(bytes(oldest.id))
  if (count < limit) return { count, partitions, oldestMs, last: null }
  const [last] = yield { text: `select ${KEY} from (${some}) s order by ${KEY} limit 1 offset ${limit - 1}`, params }
  return {
    count,
    partitions,
    oldestMs,
    last: last === undefined ? null : [last.partition!, last.endpoint!, last.due_ms!, last.id!],
  }
}

/** Counting stops here, so that it stays cheap whatever happens. */
const MAX_SET_ASIDE_COUNTED = 10_000

/** Counts deliveries of all tenants that are set aside, up to 10,000. */
export function* countSetAside(): Transaction<number> {
  const counted = yield {
    text: `select count(*) as count from (
             select 1 from live_delivery where held_reason = 'set_aside' limit ${MAX_SET_ASIDE_COUNTED}) l`,
  }
  return int(counted[0]!.count)
}
