/**
 * Moves everything in an embedded store into an empty PostgreSQL.
 *
 * Goes table by table, in the order of its key, in batches that are small enough for memory and for a commit. The
 * target keeps how far the move has come (`MOVE_MARK`), written with each batch, so an interrupted move resumes there.
 * The source is never changed. Its digest shows whether it is the one that the move was started with.
 */
import { createHash } from 'node:crypto'
import { DAY_MS } from '../base/durations.ts'
import { bytesMs } from '../base/ids.ts'
import { keyOfRow, MoveRefused, type RowCount, type TableShape } from './operations/move.ts'
import type { Store } from './store.ts'
import type { Row, Transaction, Value } from './transaction.ts'

/** The tables to move, in this order. Small ones that decide whether the target can be used at all come first. */
export const MOVED_TABLES = [
  'event_type',
  'tenant',
  'endpoint',
  'endpoint_selection',
  'endpoint_request',
  'sender',
  'api_key',
  'portal_looks',
  'audit',
  'stat',
  'event_type_sample',
  'idempotency',
  'idempotent_call',
  'inbox',
  'live_delivery',
  'replay_batch',
  'replay',
  'replay_part',
  'retention_mark',
  'retention_kept',
  'erasure',
  'notice',
  'notification',
  'notification_item',
  'notification_limit',
  'event',
  'delivery',
  'attempt',
] as const

/** The tables that are not moved, and why. `meta` is moved separately. */
export const UNMOVED_TABLES: Readonly<Record<string, string>> = {
  meta: 'is moved key by key: see UNMOVED_META',
  partition_lease: 'each store hands out its own leases and counts their epochs',
  node: 'nodes belong to the store that they run on',
  node_report: 'nodes report to the store that they run on',
  session: 'people sign in again',
  sign_in_link: 'they work for ten minutes',
  portal_link: 'they are made when someone asks for one, and their sessions are not moved either',
  used_sign_in: 'a sign-in works for ten minutes',
  upkeep: 'each store schedules its own upkeep',
  stream_log: 'positions in a stream belong to the store that they are of',
  listener_reader: 'streams that listen are read at the store that they are of',
  listener_request: 'what was handed over and not settled is attempted again',
  mismatch: 'the consistency check runs again on the target and finds mismatches again',
}

export const UNMOVED_META: Readonly<Record<string, string>> = {
  stream: 'says until when the log of streams is written',
  stream_kept: 'belongs to the log of streams',
  schema_version: 'each store has its own, and both are the same before anything is moved',
  schema_compatible_from: 'belongs to the schema version',
}

/** History tables, which a target can partition by time, each with the column whose ids contain that time. */
const HISTORY_IDS: Readonly<Record<string, string>> = { event: 'id', delivery: 'id', attempt: 'delivery' }

const MAX_ROWS_A_BATCH = 2_000
/** On the way to PostgreSQL, bytes become hexadecimal digits, and for a moment they are in memory twice. */
const MAX_BYTES_A_BATCH = 4 * 1024 * 1024
const ROWS_A_COUNT = 100_000

export type MoveSource = {
  readonly tables: readonly TableShape[]
  readonly meta: readonly { readonly key: string; readonly value: string }[]
  /** Stays the same until another process opens the store for writing, and differs from any other store's. */
  readonly digest: string
  /** Rows in the order of the key, from the one after `after`. Null: from the first. */
  rows(table: TableShape, after: readonly Value[] | null): Iterable<Row>
  count(table: TableShape, after: readonly Value[] | null, limit: number): RowCount
  close(): void
}

/** How far a move has come, and how many rows of a table it counted at the end. */
export type MoveProgress =
  | { readonly kind: 'resumed' }
  /** All rows of the source are counted. `moved` of them were moved before. */
  | { readonly kind: 'begun'; readonly rows: number; readonly moved: number }
  /** Rows of all tables that are moved by now. */
  | { readonly kind: 'moved'; readonly rows: number }
  /** All rows are moved, and are counted in the target. */
  | { readonly kind: 'counting' }
  | { readonly kind: 'counted'; readonly table: string; readonly rows: number }

/** The content of the mark. Bytes in a key have their own form, to distinguish them from texts. */
type Mark = {
  readonly source: string
  /** Finished tables, and how many rows each had. */
  readonly done: Readonly<Record<string, number>>
  readonly table: string | null
  readonly after: readonly (string | number | null | { readonly hex: string })[] | null
  readonly rows: number
}

/**
 * Moves everything. Throws MoveRefused if something blocks the move, StoreUnavailable, and what reading throws. It can
 * then be called again, and resumes.
 */
export async function moveStore(
  source: MoveSource,
  target: Store,
  tell: (progress: MoveProgress) => void,
): Promise<void> {
  const tables = movedTables(source.tables)
  const fresh = JSON.stringify({ source: source.digest, done: {}, table: null, after: null, rows: 0 } satisfies Mark)
  const begun = await target.write('beginMove', { tables: tables.map(({ name }) => name), mark: fresh })
  const mark = JSON.parse(begun) as Mark
  if (mark.source !== source.digest) throw otherSource()
  if (begun !== fresh) tell({ kind: 'resumed' })
  requireSameShape(tables, await target.read('describeTables', {}))
  const moved = source.meta.filter(({ key }) => UNMOVED_META[key] === undefined)
  for (const each of moved) await target.write('writeMeta', each)
  const run = new Run(source, target, mark, begun, tell)
  await run.countSource(tables)
  for (const table of tables) await run.moveTable(table)
  tell({ kind: 'counting' })
  for (const table of tables) await run.compareCounts(table)
  for (const { key, value } of moved) {
    if ((await target.read('readMeta', { key })) !== value) throw new Error(`meta ${key} differs after the move`)
  }
  await target.write('finishMove', { mark: run.mark })
}

const otherSource = () =>
  new MoveRefused(
    'This database has an unfinished move from another folder, or from this folder before serve ran on it again. ' +
      'Resume that move from its own folder, or empty the database with `drop schema posthorn cascade` and start over.',
  )

class Run {
  readonly #source: MoveSource
  readonly #target: Store
  readonly #tell: (progress: MoveProgress) => void
  /** Days since 1970 for which this run knows that the target has tables. */
  readonly #days = new Set<number>()
  /** Rows of each table in the source, which doesn't change: its folder is locked. */
  readonly #counts = new Map<string, number>()
  /** Rows of finished tables. */
  #finished = 0
  #state: Mark
  /** The mark as stored in the target. */
  mark: string

  constructor(source: MoveSource, target: Store, state: Mark, mark: string, tell: (progress: MoveProgress) => void) {
    this.#source = source
    this.#target = target
    this.#state = state
    this.mark = mark
    this.#tell = tell
  }

  /** Before anything is moved, so that it is known how much is left. */
  async countSource(tables: readonly TableShape[]): Promise<void> {
    for (const table of tables) {
      const count = await countAll(async after => {
        // Reading the source blocks the thread: signals and timers come in between.
        await new Promise(resolve => setImmediate(resolve))
        return this.#source.count(table, after, ROWS_A_COUNT)
      })
      this.#counts.set(table.name, count)
    }
    const { done, rows } = this.#state
    this.#finished = Object.values(done).reduce((sum, each) => sum + each, 0)
    const all = [...this.#counts.values()].reduce((sum, each) => sum + each, 0)
    this.#tell({ kind: 'begun', rows: all, moved: this.#finished + rows })
  }

  async moveTable(table: TableShape): Promise<void> {
    const { done, table: current, after } = this.#state
    if (done[table.name] !== undefined) return
    const isBegun = current === table.name
    let moved = isBegun ? this.#state.rows : 0
    for (const batch of batches(this.#source.rows(table, isBegun ? keyOf(after) : null), table)) {
      moved += batch.length
      await this.#makeHistory(table, batch)
      const last = markKey(keyOfRow(batch.at(-1)!, table.key))
      await this.#store(table, batch, { ...this.#state, table: table.name, after: last, rows: moved })
      this.#tell({ kind: 'moved', rows: this.#finished + moved })
    }
    const over = { ...this.#state.done, [table.name]: moved }
    await this.#store(table, [], { ...this.#state, done: over, table: null, after: null, rows: 0 })
    this.#finished += moved
  }

  /** Counts the target's rows too: a count kept during the move would only say what the move believes. */
  async compareCounts(table: TableShape): Promise<void> {
    const here = this.#counts.get(table.name)
    const args = { table: table.name, key: table.key, limit: ROWS_A_COUNT }
    const there = await countAll(after => this.#target.read('countRows', { ...args, after }))
    if (here !== there) {
      throw new MoveRefused(
        `${table.name} has ${here} rows in the folder but ${there} in the database, which something else must have ` +
          'changed: empty it with `drop schema posthorn cascade` and start over.',
      )
    }
    this.#tell({ kind: 'counted', table: table.name, rows: there })
  }

  /** Creates tables day by day, so that one very old row doesn't create them for all the time since. */
  async #makeHistory(table: TableShape, batch: readonly Row[]): Promise<void> {
    const column = HISTORY_IDS[table.name]
    if (column === undefined) return
    for (const row of batch) {
      const ms = bytesMs(row[column] as Uint8Array)
      const day = Math.floor(ms / DAY_MS)
      if (this.#days.has(day)) continue
      await this.#target.makeHistory(day * DAY_MS, (day + 1) * DAY_MS)
      this.#days.add(day)
    }
  }

  async #store(table: TableShape, batch: readonly Row[], state: Mark): Promise<void> {
    const after = JSON.stringify(state)
    const rows = batch.map(row => table.columns.map(([name]) => row[name]!))
    await this.#target.write('moveRows', { table, rows, before: this.mark, after })
    this.#state = state
    this.mark = after
  }
}

async function countAll(countSome: (after: readonly Value[] | null) => Promise<RowCount>): Promise<number> {
  let total = 0
  let after: readonly Value[] | null = null
  do {
    const { count, last }: RowCount = await countSome(after)
    total += count
    after = last
  } while (after !== null)
  return total
}

function* batches(rows: Iterable<Row>, table: TableShape): Generator<Row[]> {
  let batch: Row[] = []
  let bytes = 0
  for (const row of rows) {
    batch.push(row)
    bytes += sizeOf(row, table)
    if (batch.length < MAX_ROWS_A_BATCH && bytes < MAX_BYTES_A_BATCH) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

/** The size of texts and bytes. Throws MoveRefused for a NUL, which PostgreSQL can't store and we never write. */
function sizeOf(row: Row, table: TableShape): number {
  let bytes = 0
  for (const [name] of table.columns) {
    const value = row[name]
    if (typeof value === 'string' && value.includes('\0')) {
      const key = JSON.stringify(markKey(keyOfRow(row, table.key)))
      throw new MoveRefused(
        `${table.name}.${name} of ${key} contains a NUL character, which PostgreSQL cannot store: change it.`,
      )
    }
    if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length
  }
  return bytes
}

/** The tables in moving order. A table that is neither moved nor left out for a reason is a bug. */
function movedTables(tables: readonly TableShape[]): TableShape[] {
  const names: readonly string[] = MOVED_TABLES
  const unknown = tables.find(({ name }) => !names.includes(name) && UNMOVED_TABLES[name] === undefined)
  if (unknown !== undefined) throw new Error(`The move does not know the table ${unknown.name}`)
  return names.map(name => {
    const table = tables.find(each => each.name === name)
    if (table === undefined) throw new Error(`The table ${name} is missing`)
    return table
  })
}

/** Both sides have been migrated to the same version, so a different shape is a bug too. */
function requireSameShape(tables: readonly TableShape[], found: readonly TableShape[]): void {
  const shapeOf = ({ columns }: TableShape) => JSON.stringify(columns.map(([name, type]) => `${name} ${type}`).sort())
  for (const table of tables) {
    const other = found.find(({ name }) => name === table.name)
    if (other !== undefined && shapeOf(other) === shapeOf(table)) continue
    throw new Error(`${table.name} differs between the stores: ${shapeOf(table)} and ${other && shapeOf(other)}`)
  }
}

const markKey = (key: readonly Value[]): NonNullable<Mark['after']> =>
  key.map(value => (value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value))

const keyOf = (after: Mark['after']): Value[] | null =>
  after?.map(value =>
    value !== null && typeof value === 'object' ? Uint8Array.from(Buffer.from(value.hex, 'hex')) : value,
  ) ?? null

/**
 * A digest of what changes whenever anyone serves on the store (the epochs rise at each startup), and of what no two
 * stores share: the ids of the first and the last rows.
 */
export function* sourceDigest(meta: MoveSource['meta'], tables: readonly TableShape[]): Transaction<string> {
  const epochs = yield { text: 'select id, epoch from partition_lease order by id' }
  const hash = createHash('sha256').update(JSON.stringify([meta, epochs]))
  for (const { name, key } of movedTables(tables)) {
    for (const order of ['asc', 'desc'] as const) {
      const by = key.map(column => `${column} ${order}`).join(', ')
      const rows = yield { text: `select ${key.join(', ')} from ${name} order by ${by} limit 1` }
      hash.update(JSON.stringify([name, rows.map(row => markKey(keyOfRow(row, key)))]))
    }
  }
  return hash.digest('hex')
}
