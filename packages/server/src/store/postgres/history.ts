/**
 * History on PostgreSQL is cut by time: `event`, `delivery` and `attempt` have a table each for every span of days, of
 * the rows whose ids were made in it (an attempt goes by its delivery's id). What is old goes by dropping tables, which
 * costs nothing and leaves nothing to clean up; the three of a span are made and dropped together.
 *
 * There is no table for "anything else": it would have to be searched whenever a span is made.
 */
import { DAY_MS } from '../../base/durations.ts'
import type { HistoryReport } from '../driver.ts'
import { type Dialect, int, type Query, type Row, type Transaction, text } from '../transaction.ts'
import { isContention } from './server-errors.ts'

/** From midnight to midnight (UTC), `toMs` not included. */
export type Span = { readonly fromMs: number; readonly toMs: number }

/** How far ahead of time tables are there: nobody has to be awake at midnight, and a week of silence is no fault. */
const AHEAD_DAYS = 7

/** Any number: it only has to be the same on every node, and no other lock's. */
const HISTORY_LOCK = 7_072_748
/** Making a span waits for nobody who reads or writes, only for others who change the tables. */
const MAKE_LOCK_TIMEOUT_MS = 2_000
/** Dropping waits for whoever uses the tables, and all others wait behind it meanwhile: so, a tenth of a second. */
const DROP_LOCK_TIMEOUT_MS = 100
/**
 * Two nodes know the server's time to within a few milliseconds of each other, so a delivery's id can be a little older
 * than its event's.
 */
const SLACK_MS = 60_000

/** The tables, in the order in which they are locked: that of the transactions that use them. */
const TABLES = ['attempt', 'delivery', 'event'] as const

/** Each is a search of every span where nothing limits it, and a lock on each: their number must stay in the tens. */
export function daysASpan(retentionDays: number): number {
  if (retentionDays === 0 || retentionDays > 366) return 28
  return retentionDays > 45 ? 7 : 1
}

/** What is not covered yet between two times, in spans of `days`; both are widened to midnight. */
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

/** `20261124`, of the day that it begins with. */
const nameOf = ({ fromMs }: Span): string => new Date(fromMs).toISOString().slice(0, 10).replaceAll('-', '')

/** The first id of a time, as SQL. */
const bound = (ms: number): string => `'\\x${ms.toString(16).padStart(12, '0').padEnd(32, '0')}'`

const waitAtMost = (ms: number): Query => ({ text: `set local lock_timeout = ${ms}` })

function* readSpans(): Transaction<Span[]> {
  // Bounds are told the way that bytes are written in this session.
  yield { text: `set local bytea_output = 'hex'` }
  const rows = yield {
    text: `select pg_get_expr(c.relpartbound, c.oid) as bounds from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'posthorn.event'::regclass`,
  }
  return rows.map(toSpan).sort((a, b) => a.fromMs - b.fromMs)
}

function toSpan(row: Row): Span {
  const [from, to] = [...text(row.bounds).matchAll(/\\x([0-9a-f]{12})/g)].map(([, hex]) => Number.parseInt(hex!, 16))
  return { fromMs: from!, toMs: to! }
}

/** Makes tables for what is not covered yet between two times. Holds up nobody who reads or writes. */
function* makeSpans(between: Span, days: number): Transaction<number> {
  const missing = missingSpans(yield* readSpans(), between, days)
  for (const span of missing) {
    for (const table of TABLES) {
      const name = `${table}_${nameOf(span)}`
      // Made apart and attached: `create table … partition of` would wait until nobody uses the table, for a dump to
      // end, say, and everybody else would wait behind it.
      yield { text: `create table ${name} (like ${table} including all)` }
      yield {
        text: `alter table ${table} attach partition ${name} for values from (${bound(span.fromMs)}) to (${bound(span.toMs)})`,
      }
    }
  }
  return missing.length
}

const ahead = (nowMs: number): Span => ({ fromMs: nowMs - DAY_MS, toMs: nowMs + AHEAD_DAYS * DAY_MS })

/** The store's time in the transaction's own words: at start nothing else is known yet. */
function* serverMs(dialect: Pick<Dialect, 'nowMs'>): Transaction<number> {
  const rows = yield { text: `select ${dialect.nowMs} as now_ms` }
  return int(rows[0]!.now_ms)
}

/**
 * Sees to it that what can be written now finds its table: from yesterday to a week ahead, and the days of live
 * deliveries, whatever became of their tables. Answers how many spans were made.
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

/** The same for any time, for history that comes from elsewhere. */
export function* makeHistoryBetween(between: Span, days: number): Transaction<number> {
  yield { text: `select pg_advisory_xact_lock(${HISTORY_LOCK})` }
  yield waitAtMost(MAKE_LOCK_TIMEOUT_MS)
  return yield* makeSpans(between, days)
}

/** Those that are older than the retention, oldest first; null: another node is looking after it. */
function* readOldSpans(dialect: Pick<Dialect, 'nowMs'>, retentionDays: number): Transaction<Span[] | null> {
  const locks = yield { text: `select pg_try_advisory_xact_lock(${HISTORY_LOCK})::int as is_ours` }
  if (int(locks[0]!.is_ours) === 0) return null
  if (retentionDays === 0) return []
  const beforeMs = (yield* serverMs(dialect)) - retentionDays * DAY_MS
  return (yield* readSpans()).filter(({ toMs }) => toMs <= beforeMs)
}

/** A span came to be needed while its tables were being locked: nothing of it is dropped. */
class SpanNeeded extends Error {}

/** Drops a span if nobody needs it; answers whether it did. Throws SpanNeeded, and whatever a lock is not had for. */
function* dropSpan(span: Span, dialect: Pick<Dialect, 'nowMs'>, retentionDays: number): Transaction<boolean> {
  yield { text: `select pg_advisory_xact_lock(${HISTORY_LOCK})` }
  const endedAfterMs = (yield* serverMs(dialect)) - retentionDays * DAY_MS
  if (yield* anyOf([...usedNow(span, endedAfterMs), ...usedOnce(span, endedAfterMs)])) return false
  yield waitAtMost(DROP_LOCK_TIMEOUT_MS)
  for (const table of TABLES) yield { text: `drop table ${table}_${nameOf(span)}` }
  // Again, now that nobody can be about to replay one of its events: whoever does so has a lock on `event`
  // (`createDelivery`), and has been waited for.
  if (yield* anyOf(usedNow(span, endedAfterMs))) throw new SpanNeeded()
  return true
}

function* anyOf(queries: readonly Query[]): Transaction<boolean> {
  for (const query of queries) if ((yield query).length > 0) return true
  return false
}

/** What can begin to need a span at any moment. Cheap: it is asked while others wait. */
function usedNow({ fromMs, toMs }: Span, endedAfterMs: number): Query[] {
  const within = (column: string) =>
    `${column} >= ${bound(fromMs - SLACK_MS)} and ${column} < ${bound(toMs + SLACK_MS)}`
  return [
    { text: `select 1 from live_delivery where ${within('event')} limit 1` },
    { text: `select 1 from inbox where ${within('id')} limit 1` },
    // Deliveries of its events that were made later: replays, which show the event as long as they are kept.
    {
      text: `select 1 from delivery where ${within('event')} and id >= ${bound(toMs)} and ended_ms > ${endedAfterMs}
             limit 1`,
    },
    // Deliveries in it of earlier events, made around midnight or by hand, of which something later is needed: an event
    // keeps all its deliveries.
    {
      text: `select 1 from delivery d where d.event < ${bound(fromMs)} and d.id >= ${bound(fromMs)} and d.id < ${bound(toMs)}
               and (exists (select 1 from live_delivery l where l.event = d.event)
                    or exists (select 1 from delivery r where r.event = d.event and r.id >= ${bound(toMs)}
                                 and r.ended_ms > ${endedAfterMs}))
             limit 1`,
    },
  ]
}

/** What needs a span less and less. */
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

/** Makes the tables that are missing, and drops the spans that are older than the retention and that nobody needs. */
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
