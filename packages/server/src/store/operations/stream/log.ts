/** The log of the stream (decision 47): turning it on, reading it by snapshots, and removing its beginning. */

import type { TenantId } from '../../../base/model.ts'
import { type Noted, unpackNotes } from '../../stream-notes.ts'
import { type Snapshot, toSnapshot } from '../../stream-position.ts'
import { STREAM_KEY } from '../../stream-state.ts'
import { type Dialect, int, type Query, type Row, type Transaction, text, textOrNull } from '../../transaction.ts'
import { Where } from '../../where.ts'
import { setMeta } from '../meta.ts'

/** The snapshots by which the log is cut, in `meta`: pairs of time and snapshot as JSON, the oldest first. */
const KEPT_KEY = 'stream_kept'

/** How long the log stays complete behind the present, in milliseconds. */
const KEPT_MS = 120_000
/** How often its beginning is removed. */
const CUT_MS = 10_000
/** Digits of a time, so that texts are as long as `UNTIL` expects. */
const TIME_DIGITS = 13

export type StreamState = {
  /** Empty if the stream was never on. */
  readonly epoch: string
  readonly untilMs: number
  /** The database's time. */
  readonly nowMs: number
}

function toState(value: string | null, nowMs: number): StreamState {
  if (value === null) return { epoch: '', untilMs: 0, nowMs }
  return { epoch: value.slice(TIME_DIGITS + 1), untilMs: Number(value.slice(0, TIME_DIGITS)), nowMs }
}

const writeState = (untilMs: number, epoch: string): string => `${String(untilMs).padStart(TIME_DIGITS, '0')} ${epoch}`

export type KeepStreamOn = {
  /** For how long from now, in milliseconds. */
  readonly forMs: number
  /** If the stream is not on for longer than this, it might go off before this is committed: it gets a new epoch. */
  readonly marginMs: number
  /** The new epoch, if it needs one. */
  readonly epoch: string
  /** An epoch whose log can have a gap. */
  readonly given: string | null
}

/** Turns the stream on, or keeps it on. With another epoch than before, the log begins. */
export function* keepStreamOn(args: KeepStreamOn, dialect: Dialect): Transaction<StreamState> {
  yield {
    text: 'insert into meta (key, value) values ($1, $2) on conflict (key) do nothing',
    params: [STREAM_KEY, writeState(0, '')],
  }
  // Locks the row: another node might be about to do the same.
  const [row] = yield {
    text: `update meta set value = value where key = $1 returning value, ${dialect.nowMs} as now_ms`,
    params: [STREAM_KEY],
  }
  const nowMs = int(row!.now_ms)
  const before = toState(text(row!.value), nowMs)
  const untilMs = Math.max(nowMs + args.forMs, before.untilMs)
  const isContinued = before.untilMs - nowMs > args.marginMs && before.epoch !== args.given
  const epoch = isContinued ? before.epoch : args.epoch
  yield* setMeta(STREAM_KEY, writeState(untilMs, epoch))
  if (!isContinued) {
    yield { text: 'delete from stream_log' }
    const [head] = yield { text: `select ${dialect.snapshot} as snapshot` }
    yield* setMeta(KEPT_KEY, JSON.stringify([[nowMs, text(head!.snapshot)]]))
  }
  return { epoch, untilMs, nowMs }
}

export type StreamWriters = {
  /** How long after the stream was turned on they are to be looked for, in milliseconds. */
  readonly afterMs: number
  readonly transactions: readonly string[]
}

/** The transactions that might not know yet that the stream is on. Null if there can be none. */
export function* findStreamWriters(_args: object, { streamWriters }: Dialect): Transaction<StreamWriters | null> {
  if (streamWriters === null) return null
  const rows = yield streamWriters.query
  return { afterMs: streamWriters.afterMs, transactions: rows.map(row => text(row.transaction)) }
}

export type LogQuery = {
  /** What was read: everything in this snapshot. */
  readonly from: Snapshot
  /** What is to be read: everything in this one. Null: everything up to now. */
  readonly to: Snapshot | null
  /** The last row that was read of the difference. Null: none was. */
  readonly after: number | null
  /** The most rows that are read. */
  readonly rows: number
}

export type LogRow = { readonly id: number; readonly items: readonly Noted[] }

export type LogPart = StreamState & {
  readonly to: Snapshot
  /** From this snapshot on, the log is complete. */
  readonly kept: Snapshot
  /** In their order. */
  readonly rows: readonly LogRow[]
  /** Whether there can be more up to `to`. */
  readonly isCut: boolean
}

/** What is in one snapshot and not in another. */
export function* readStreamLog(args: LogQuery, dialect: Dialect): Transaction<LogPart> {
  const rows = yield logQuery(args, dialect)
  const [first] = rows
  const kept = JSON.parse(textOrNull(first!.kept) ?? '[[0,"0"]]') as Kept
  const items = rows
    .filter(row => row.id !== null)
    .map(row => ({ id: int(row.id), items: unpackNotes(text(row.entries)) }))
  return {
    ...toState(textOrNull(first!.state), int(first!.now_ms)),
    to: args.to ?? toSnapshot(text(first!.snapshot)),
    kept: toSnapshot(kept[0]![1]),
    rows: items,
    isCut: items.length === args.rows,
  }
}

/** One statement, because the snapshot that it reports is the one that it reads. Ids first: entries can be long. */
function logQuery({ from, to, after, rows }: LogQuery, { snapshot, nowMs }: Dialect): Query {
  const where = new Where()
  addOutside(where, from)
  if (to !== null) addInside(where, to)
  where.addIf('id > ?', after)
  return {
    text: `with ids as materialized (select id from stream_log where ${where.text})
           select h.snapshot, s.value as state, k.value as kept, ${nowMs} as now_ms, l.id, l.entries
           from (select ${snapshot} as snapshot) h
             left join meta s on s.key = '${STREAM_KEY}' left join meta k on k.key = '${KEPT_KEY}'
             left join (select r.id, r.entries from (select id from ids order by id limit ${rows}) i
                        join stream_log r on r.id = i.id) l on true
           order by l.id`,
    params: where.params,
  }
}

function addOutside(where: Where, { next, open }: Snapshot): void {
  where.params.push(next)
  const isNew = `txid >= $${where.params.length}`
  if (open.length === 0) where.conditions.push(isNew)
  else {
    const late = new Where(where.params).addIn('txid', open)
    where.conditions.push(`(${isNew} or ${late.text})`)
  }
}

function addInside(where: Where, { next, open }: Snapshot): void {
  where.add('txid < ?', next)
  if (open.length === 0) return
  const still = new Where(where.params).addIn('txid', open)
  where.conditions.push(`not (${still.text})`)
}

type Kept = [atMs: number, snapshot: string][]

/**
 * Removes the beginning of the log: what was visible already to the newest of the snapshots that are old enough. Does
 * nothing if that was done a moment ago.
 */
export function* cutStreamLog(_args: object, dialect: Dialect): Transaction<number> {
  // Locks the row, so that only one node does it.
  const [row]: Row[] = yield {
    text: `update meta set value = value where key = $1 returning value, ${dialect.nowMs} as now_ms,
             ${dialect.snapshot} as snapshot`,
    params: [KEPT_KEY],
  }
  if (row === undefined) return 0
  const nowMs = int(row.now_ms)
  const kept = JSON.parse(text(row.value)) as Kept
  if (nowMs - kept.at(-1)![0] < CUT_MS) return 0
  kept.push([nowMs, text(row.snapshot)])
  let isLater = false
  while (kept.length > 1 && nowMs - kept[1]![0] >= KEPT_MS) {
    kept.shift()
    isLater = true
  }
  yield* setMeta(KEPT_KEY, JSON.stringify(kept))
  if (!isLater) return 0
  const where = new Where()
  addInside(where, toSnapshot(kept[0]![1]))
  // The last row stays: on SQLite, it says which number is next.
  const removed = yield {
    text: `delete from stream_log where ${where.text} and id < (select max(id) from stream_log) returning id`,
    params: where.params,
  }
  return removed.length
}

/** Sees to it that a tenant is no longer named in the log. If it is, the log begins again, and readers are told. */
export function* forgetTenantInStream(tenant: TenantId): Transaction<void> {
  const found = yield {
    text: `select 1 from stream_log where entries like '%"' || $1 || '"%' limit 1`,
    params: [tenant],
  }
  if (found.length === 0) return
  yield { text: 'delete from stream_log' }
  yield* setMeta(STREAM_KEY, writeState(0, ''))
}

/** Empties the log once the stream is off. Returns how many rows were removed. */
export function* clearStreamLog(_args: object, dialect: Dialect): Transaction<number> {
  const [row] = yield {
    text: `update meta set value = value where key = $1 returning value, ${dialect.nowMs} as now_ms`,
    params: [STREAM_KEY],
  }
  if (row === undefined) return 0
  const { untilMs, nowMs } = toState(text(row.value), int(row.now_ms))
  if (untilMs > nowMs) return 0
  return (yield { text: 'delete from stream_log returning id' }).length
}
