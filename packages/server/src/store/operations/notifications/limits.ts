/** How often something happens in a period, counted in the store, so that it holds for all nodes and over restarts. */
import { createHash } from 'node:crypto'
import { int, type Transaction } from '../../transaction.ts'

export type Allowance = { readonly most: number; readonly periodMs: number; readonly nowMs: number }

/** More than any limit allows. */
const BLOCKED = 1_000_000

const nameOf = (what: string) => new Uint8Array(createHash('sha256').update(what).digest())

/**
 * Counts one use. Returns null if it is allowed, otherwise when the next one is.
 *
 * @param what what is limited; only its hash is stored
 */
export function* spend(what: string, { most, periodMs, nowMs }: Allowance): Transaction<number | null> {
  const rows = yield {
    text: `insert into notification_limit (name, used, until_ms) values ($1, 1, $2)
           on conflict (name) do update set
             used = case when notification_limit.until_ms <= $3 then 1 else notification_limit.used + 1 end,
             until_ms = case when notification_limit.until_ms <= $3 then excluded.until_ms
                             else notification_limit.until_ms end
           returning used, until_ms`,
    params: [nameOf(what), nowMs + periodMs, nowMs],
  }
  return int(rows[0]!.used) > most ? int(rows[0]!.until_ms) : null
}

/** Has no more uses allowed until a time. */
export function* block(what: string, untilMs: number): Transaction<void> {
  yield {
    text: `insert into notification_limit (name, used, until_ms) values ($1, ${BLOCKED}, $2)
           on conflict (name) do update set used = excluded.used, until_ms = excluded.until_ms`,
    params: [nameOf(what), untilMs],
  }
}

/** Removes what no longer limits anything. */
export function* dropOldLimits(args: { readonly nowMs: number; readonly limit: number }): Transaction<number> {
  const rows = yield {
    text: `delete from notification_limit where name in (
             select name from notification_limit where until_ms <= $1 limit ${args.limit}) returning name`,
    params: [args.nowMs],
  }
  return rows.length
}
