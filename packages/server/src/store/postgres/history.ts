/**
 * History on PostgreSQL is partitioned by time: `event`, `delivery` and `attempt` each have a table for every span of
 * days, with the rows whose ids were created in it (an attempt goes by its delivery's id). Old history is removed by
 * dropping tables, which costs nothing and leaves nothing to clean up. The three tables of a span are created and
 * dropped together.
 *
 * There is no default partition: it would have to be searched whenever a span is created.
 */
import { DAY_MS } from '../../base/durations.ts'
import type { HistoryReport } from '../driver.ts'
import { type Dialect, int, type Query, type Row, type Transaction, text } from '../transaction.ts'
import { isContention } from './server-errors.ts'

/** From midnight to midnight (UTC), `toMs` excluded. */
export type Span = { readonly fromMs: number; readonly toMs: number }

/** How far ahead tables are created: nothing has to run at midnight, and a week of downtime is no problem. */
const AHEAD_DAYS = 7

/** An arbitrary number: it only has to be the same on every node, and different from the other locks'. */
const HISTORY_LOCK = 7_072_748
/** Creating a span doesn't wait for readers or writers, only for others that change the tables. */
const MAKE_LOCK_TIMEOUT_MS = 2_000
/** Dropping waits for those who use the tables, and all others queue behind it: hence only a tenth of a second. */
const DROP_LOCK_TIMEOUT_MS = 100
/**
 * Two nodes' estimates of the server's time differ by a few milliseconds, so a delivery's id can be slightly older than
 * its event's.
 */
const SLACK_MS = 60_000

/** The tables in locking order, which is that of the transactions that use them. */
const TABLES = ['attempt', 'delivery', 'event'] as const

/** An unrestricted query searches and locks every span, so the number of spans must stay in the tens. */
export function daysASpan(retentionDays: number): number {
  if (retentionDays === 0 || retentionDays > 366) return 28
  return retentionDays > 45 ? 7 : 1
}

/** The parts of a period that no span covers yet, in spans of `days`. Both ends are widened to midnight. */
export function missingSpans(there: readonly Span[], between: Span, days: number): Span[] {
  const missing: Span[] = []
  const sorted = [...there].sort((a, b) => a.fromMs - b.fromMs)
  let at = Math.floor(between.fromMs / DAY_MS) * DAY_MS
  while (at < between.toMs) {
    const covering = sorted.find(({ fromMs, toMs }) => fromMs <= at && at < toMs)
    if (covering !== undefined) at = covering.toMs
    else {
      const next = sorted.find(({ fromMs }) => fromMs > at)?.fromMs ?? Number.POSITIVE_INFINITY
      const toMs = Math.min(at + days * DAY_MS, next)
      missing.push({ fromMs: at, toMs })
      at = toMs
    }
  }
  return missing
}

/** The day that a span begins with, such as `20261124`. */
const nameOf = ({ fromMs }: Span): string => new Date(fromMs).toISOString().slice(0, 10).replaceAll('-', '')

/** The first id of a time, as an SQL expression. */
const bound = (ms: number): string => `decode('${ms.toString(16).padStart(12, '0').padEnd(32, '0')}', 'hex')`

const waitAtMost = (ms: number): Query => ({ text: `set local lock_timeout = ${ms}` })

function* readSpans(): Transaction<Span[]> {
  // Bounds are printed in the session's format for bytes.
  yield { text: `set local bytea_output = 'hex'` }
  const rows = yield {
    text: `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
           from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'posthorn.event'::regclass`,
  }
  return rows.map(toSpan).sort((a, b) => a.fromMs - b.fromMs)
}

function toSpan(row: Row): Span {
  const [from, to] = [...text(row.bounds).matchAll(/\\x([0-9a-f]{12})/g)].map(([, hex]) => Number.parseInt(hex!, 16))
  if (from !== undefined && to !== undefined) return { fromMs: from, toMs: to }
  const bounds = `${text(row.name)}, a partition of posthorn.event, is not by days (${text(row.bounds)})`
  throw new Error(`${bounds}: Posthorn did not create it as it is. Detach it.`)
}

/** Creates tables for the parts of a period that no span covers yet. Doesn't hold up readers or writers. */
function* makeSpans(between: Span, days: number): Transaction<number> {
  const missing = missingSpans(yield* readSpans(), between, days)
  for (const span of missing) {
    for (const table of TABLES) {
      const name = `${table}_${nameOf(span)}`
      // Created separately, then attached: `create table … partition of` would wait until no one uses the table, such
      // as until a dump ends, and everyone else would queue behind it.
      yield { text: `create table ${name} (like ${table} including all)` }
      yield {
        text: `alter table ${table} attach partition ${name} for values from (${bound(span.fromMs)}) to (${bound(span.toMs)})`,
      }
    }
  }
  return missing.length
}

const ahead = (nowMs: number): Span => ({ fromMs: nowMs - DAY_MS, toMs: nowMs + AHEAD_DAYS * DAY_MS })

/** The store's time, read inside the transaction: at startup no other estimate exists yet. */
function* serverMs(dialect: Pick<Dialect, 'nowMs'>): Transaction<number> {
  const rows = yield { text: `select ${dialect.nowMs} as now_ms` }
  return int(rows[0]!.now_ms)
}

/**
 * Makes sure that everything that can be written now finds its table: from yesterday to a week ahead, and on the days
 * of live deliveries, whatever became of their tables. Returns how many spans were created.
 */
export function* makeHistory(dialect: Pick<Dialect, 'nowMs'>, days = 1): Transaction<number> {
  yield { text: `select pg_advisory_xact_lock(${HISTORY_LOCK})` }
  yield waitAtMost(MAKE_LOCK_TIMEOUT_MS)
  let made = yield* makeSpans(ahead(yield* serverMs(dialect)), days)
  const live = yield {
    text: `select distinct ('x' || encode(substring(id from 1 for 6), 'hex'))::bit(48)::bigint / ${DAY_MS} as day
           from live_delivery`,
  }
  for (const row of live) {
    const fromMs = int(row.day) * DAY_MS
    made += yield* makeSpans({ fromMs, toMs: fromMs + DAY_MS }, 1)
  }
  return made
}

/** The same for any period, for history that is moved from another store. */
export function* makeHistoryBetween(between: Span, days: number): Transaction<number> {
  yield { text: `select pg_advisory_xact_lock(${HISTORY_LOCK})` }
  yield waitAtMost(MAKE_LOCK_TIMEOUT_MS)
  return yield* makeSpans(between, days)
}

/** The spans that are older than the retention period, oldest first. Null: another node is maintaining them. */
function* readOldSpans(dialect: Pick<Dialect, 'nowMs'>, retentionDays: number): Transaction<Span[] | null> {
  const locks = yield { text: `select pg_try_advisory_xact_lock(${HISTORY_LOCK})::int as is_ours` }
  if (int(locks[0]!.is_ours) === 0) return null
  if (retentionDays === 0) return []
  const beforeMs = (yield* serverMs(dialect)) - retentionDays * DAY_MS
  return (yield* readSpans()).filter(({ toMs }) => toMs <= beforeMs)
}

/** A span became needed while its tables were being locked: none of them is dropped. */
class SpanNeeded extends Error {}

/** Drops a span if nothing needs it; returns whether it did. Throws SpanNeeded, or an error if a lock isn't granted. */
function* dropSpan(span: Span, dialect: Pick<Dialect, 'nowMs'>, retentionDays: number): Transaction<boolean> {
  yield { text: `select pg_advisory_xact_lock(${HISTORY_LOCK})` }
  const endedAfterMs = (yield* serverMs(dialect)) - retentionDays * DAY_MS
  if (yield* anyOf([...usedNow(span, endedAfterMs), ...usedOnce(span, endedAfterMs)])) return false
  yield waitAtMost(DROP_LOCK_TIMEOUT_MS)
  for (const table of TABLES) yield { text: `drop table ${table}_${nameOf(span)}` }
  // Checked again, now that no one can be about to replay one of its events: that takes a lock on `event`
  // (`createDelivery`), which has been waited for.
  if (yield* anyOf(usedNow(span, endedAfterMs))) throw new SpanNeeded()
  return true
}

function* anyOf(queries: readonly Query[]): Transaction<boolean> {
  for (const query of queries) if ((yield query).length > 0) return true
  return false
}

/** What can begin to need a span at any moment. Cheap, because it is checked while others wait. */
function usedNow({ fromMs, toMs }: Span, endedAfterMs: number): Query[] {
  const within = (column: string) =>
    `${column} >= ${bound(fromMs - SLACK_MS)} and ${column} < ${bound(toMs + SLACK_MS)}`
  return [
    { text: `select 1 from live_delivery where ${within('event')} limit 1` },
    { text: `select 1 from inbox where ${within('id')} limit 1` },
    // Later deliveries of its events: replays, which show the event for as long as they are kept.
    {
      text: `select 1 from delivery where ${within('event')} and id >= ${bound(toMs)} and ended_ms > ${endedAfterMs}
             limit 1`,
    },
    // Deliveries in the span of earlier events, created around midnight or manually, if a later delivery of the same
    // event is needed: an event keeps all its deliveries.
    {
      text: `select 1 from delivery d where d.event < ${bound(fromMs)} and d.id >= ${bound(fromMs)} and d.id < ${bound(toMs)}
               and (exists (select 1 from live_delivery l where l.event = d.event)
                    or exists (select 1 from delivery r where r.event = d.event and r.id >= ${bound(toMs)}
                                 and r.ended_ms > ${endedAfterMs}))
             limit 1`,
    },
  ]
}

/** What can stop needing a span, but never begin to. */
function usedOnce({ fromMs, toMs }: Span, endedAfterMs: number): Query[] {
  const within = `id >= ${bound(fromMs)} and id < ${bound(toMs)}`
  return [
    { text: `select 1 from live_delivery where ${within} limit 1` },
    {
      text: `select 1 from delivery where ${within} and ended_ms > ${endedAfterMs} limit 1`,
    },
  ]
}

type Transact = <Result>(run: () => Transaction<Result>) => Promise<Result>

/** Creates missing tables, and drops the spans that are older than the retention period and not needed. */
export async function keepHistory(
  transact: Transact,
  dialect: Pick<Dialect, 'nowMs'>,
  retentionDays: number,
): Promise<HistoryReport> {
  const old = await transact(() => readOldSpans(dialect, retentionDays))
  if (old === null) return { made: 0, dropped: [], busy: [] }
  const report = { dropped: [] as string[], busy: [] as string[] }
  const made = await transact(() => makeHistory(dialect, daysASpan(retentionDays)))
  for (const span of old) {
    try {
      if (await transact(() => dropSpan(span, dialect, retentionDays))) report.dropped.push(nameOf(span))
    } catch (error) {
      if (!(error instanceof SpanNeeded) && !isContention(error)) throw error
      report.busy.push(nameOf(span))
    }
  }
  return { made, ...report }
}
