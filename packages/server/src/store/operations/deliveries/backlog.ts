/** How much is owed, counted a limited number of rows at a time. */

import { bytesMs } from '../../../base/ids.ts'
import { bytes, int, type Transaction, type Value } from '../../transaction.ts'

export type PendingCount = {
  readonly count: number
  /** When the oldest of those counted was made, milliseconds since 1970; null: there was none. */
  readonly oldestMs: number | null
  /** The key of the last one counted; null: that was all. */
  readonly last: readonly Value[] | null
}

/**
 * In the order of the index `live_due`, which has all that is asked for: no row is looked at. PostgreSQL has to be kept from
 * sorting them all where it thinks that there are few (930 ms for 300,000, not 9): it does not with a limit that it can't
 * know beforehand.
 */
const KEY = 'partition, endpoint, due_ms, id'

/** Pending deliveries behind a key (null: from the first on), up to `limit` of them. */
export function* countPending(args: {
  readonly after: readonly Value[] | null
  readonly limit: number
}): Transaction<PendingCount> {
  const { after, limit } = args
  const params = [limit, ...(after ?? [])]
  const behind = after === null ? '' : `and (${KEY}) > ($2, $3, $4, $5)`
  const some = `select ${KEY} from live_delivery where state = 'pending' ${behind} order by ${KEY}
                limit (select cast($1 as bigint))`
  const [counted] = yield { text: `select count(*) as n from (${some}) s`, params }
  const count = int(counted!.n)
  const [oldest] = yield { text: `select id from (${some}) s order by id limit 1`, params }
  const oldestMs = oldest === undefined ? null : bytesMs(bytes(oldest.id))
  if (count < limit) return { count, oldestMs, last: null }
  const [last] = yield { text: `select ${KEY} from (${some}) s order by ${KEY} limit 1 offset ${limit - 1}`, params }
  return {
    count,
    oldestMs,
    last: last === undefined ? null : [last.partition!, last.endpoint!, last.due_ms!, last.id!],
  }
}

/** Counted no further, so that looking costs little whatever happens. */
const MAX_SET_ASIDE_COUNTED = 10_000

/** Deliveries that are set aside, of all tenants, up to 10,000. */
export function* countSetAside(): Transaction<number> {
  const counted = yield {
    text: `select count(*) as count from (
             select 1 from live_delivery where held_reason = 'set_aside' limit ${MAX_SET_ASIDE_COUNTED}) l`,
  }
  return int(counted[0]!.count)
}
