/**
 * What a move (store/move.ts) needs from a store. The mark in `meta` says where a move comes from and how far it has
 * got. It is only replaced if it still has its old value, in the same transaction as the rows it stands for. So a move
 * that was killed continues where it stopped, and two of them can't both continue.
 */
import { reads, writes } from '../operation.ts'
import { type ColumnType, type Dialect, int, type Row, type Transaction, text, type Value } from '../transaction.ts'
import { getMeta, setMeta } from './meta.ts'
import { migrate } from './migrate.ts'

/** The key in `meta` of a move that isn't finished. While it exists, nothing is served from this store. */
export const MOVE_MARK = 'move'

/** The move can't be made in the present state. The message is for the operator. */
export class MoveRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MoveRefused'
  }
}

/** A table as its engine describes it. */
export type TableShape = {
  readonly name: string
  readonly columns: readonly (readonly [name: string, type: ColumnType])[]
  /** The primary key's columns, in key order. */
  readonly key: readonly string[]
}

export function* describeTables(_args: object, dialect: Dialect): Transaction<TableShape[]> {
  const rows = yield { text: dialect.listColumns }
  const byTable = Map.groupBy(rows, row => text(row.table_name))
  return [...byTable].map(([name, columns]) => ({
    name,
    columns: columns.map(row => [text(row.name), text(row.type) as ColumnType] as const),
    key: columns
      .filter(row => int(row.key_at) > 0)
      .sort((a, b) => int(a.key_at) - int(b.key_at))
      .map(row => text(row.name)),
  }))
}

/**
 * Prepares an empty store for the move, or finds the mark of a move that has begun. Returns the mark. Throws
 * MoveRefused, and changes nothing, if the store contains data.
 */
export function* beginMove(
  args: { readonly tables: readonly string[]; readonly mark: string },
  dialect: Dialect,
): Transaction<string> {
  const present = new Set((yield* describeTables({}, dialect)).map(({ name }) => name))
  const begun = present.has('meta') ? yield* getMeta(MOVE_MARK) : null
  if (begun !== null) return begun
  for (const table of args.tables) {
    if (!present.has(table)) continue
    const rows = yield { text: `select 1 as one from ${table} limit 1` }
    if (rows.length === 0) continue
    throw new MoveRefused(
      `The database is not empty: posthorn.${table} has rows. Choose an empty database ` +
        'or, if nothing in this one is needed, empty it with `drop schema posthorn cascade`.',
    )
  }
  yield* migrate({}, dialect)
  yield* setMeta(MOVE_MARK, args.mark)
  return args.mark
}

export type MovedRows = {
  readonly table: TableShape
  readonly rows: readonly (readonly Value[])[]
  /** The mark before these rows, and the mark with them. */
  readonly before: string
  readonly after: string
}

/** Stores rows and the new mark in one transaction. Throws MoveRefused if the mark has changed. */
export function* moveRows({ table, rows, before, after }: MovedRows): Transaction<void> {
  const marked = yield {
    text: `update meta set value = $2 where key = '${MOVE_MARK}' and value = $1 returning key`,
    params: [before, after],
  }
  if (marked.length === 0) throw markMoved()
  if (rows.length === 0) return
  const names = table.columns.map(([name]) => name).join(', ')
  yield { text: `insert into ${table.name} (${names}) select ${names} from v`, columns: table.columns, rows }
}

export function* finishMove(args: { readonly mark: string }): Transaction<void> {
  const marked = yield {
    text: `delete from meta where key = '${MOVE_MARK}' and value = $1 returning key`,
    params: [args.mark],
  }
  if (marked.length === 0) throw markMoved()
}

const markMoved = () => new MoveRefused('Another move into this database is under way. Let it finish, or stop it.')

export type RowCount = {
  readonly count: number
  /** The key of the last row counted; null if the table ends here. */
  readonly last: readonly Value[] | null
}

/** Counts up to `limit` rows after a key (null: from the first), never all of a large table in one query. */
export function* countRows(args: {
  readonly table: string
  readonly key: readonly string[]
  readonly after: readonly Value[] | null
  readonly limit: number
}): Transaction<RowCount> {
  const { table, key, after, limit } = args
  const params = after ?? []
  const behind = after === null ? '' : `where ${behindKey(key)}`
  const names = key.join(', ')
  const [last] = yield {
    text: `select ${names} from ${table} ${behind} order by ${names} limit 1 offset ${limit - 1}`,
    params,
  }
  if (last !== undefined) return { count: limit, last: keyOfRow(last, key) }
  const rows = yield { text: `select count(*) as n from ${table} ${behind}`, params }
  return { count: int(rows[0]!.n), last: null }
}

/** A condition that selects the rows after a key, with a parameter for each of the key's columns. */
export const behindKey = (key: readonly string[]): string =>
  `(${key.join(', ')}) > (${key.map((_, index) => `$${index + 1}`).join(', ')})`

export const keyOfRow = (row: Row, key: readonly string[]): Value[] => key.map(name => row[name]!)

export const moveOperations = {
  describeTables: reads({ run: describeTables, waitedForBy: 'engine' }),
  countRows: reads({ run: countRows, waitedForBy: 'engine' }),
  beginMove: writes({ run: beginMove, configuration: 'changes' }),
  moveRows: writes({ run: moveRows, configuration: 'ignores' }),
  finishMove: writes({ run: finishMove, configuration: 'ignores' }),
}
