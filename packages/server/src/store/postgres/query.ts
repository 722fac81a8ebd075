/** Runs the queries of a transaction on a connection. */
import pg from 'pg'
import type { Note } from '../stream-notes.ts'
import { type BulkQuery, type Query, type Row, StoreUnavailable, type Transaction } from '../transaction.ts'
import { packColumn } from './array.ts'

/** Extra time for the server's response to arrive. */
const TIMEOUT_MARGIN_MS = 500

const ARRAY_TYPES = { text: 'text[]', int: 'bigint[]', bytes: 'bytea[]' } as const

/** Throws what the server reports; any other error means that the connection broke or took too long. */
export async function ask(
  client: pg.ClientBase,
  query: pg.QueryConfig,
  timeoutMs: number,
): Promise<pg.QueryResult<Row>> {
  // In addition to the server's own timeout, whose error never arrives if the connection is cut.
  const patient = { ...query, query_timeout: timeoutMs + TIMEOUT_MARGIN_MS }
  try {
    return await client.query(patient)
  } catch (error) {
    if (error instanceof pg.DatabaseError) throw error
    throw new StoreUnavailable('The connection to the database failed', { cause: error })
  }
}

/** A query as the driver takes it. */
export function toConfig(asked: Query | BulkQuery): pg.QueryConfig {
  if (!('columns' in asked)) return { text: asked.text, values: (asked.params ?? []) as unknown[] }
  const { columns, rows } = asked
  const values = columns.map(([, type], column) => packColumn(type, rows, column))
  return { text: bulkPrefix(columns) + asked.text, values }
}

const bulkPrefixes = new WeakMap<BulkQuery['columns'], string>()

/** Makes the rows of a bulk query from arrays, one for each column. */
function bulkPrefix(columns: BulkQuery['columns']): string {
  let prefix = bulkPrefixes.get(columns)
  if (prefix === undefined) {
    const names = columns.map(([name]) => name).join(', ')
    const arrays = columns.map(([, type], index) => `$${index + 1}::${ARRAY_TYPES[type]}`).join(', ')
    prefix = `with v(${names}) as (select * from unnest(${arrays})) `
    bulkPrefixes.set(columns, prefix)
  }
  return prefix
}

/**
 * Runs a transaction to its end. The caller begins and commits it.
 *
 * @param notes what it notes for the stream is added to these
 */
export async function drive<Result>(
  client: pg.PoolClient,
  transaction: Transaction<Result>,
  timeoutMs: number,
  notes: Note['note'][],
): Promise<Result> {
  let step = transaction.next([])
  while (step.done !== true) {
    if ('note' in step.value) {
      notes.push(step.value.note)
      step = transaction.next([])
    } else step = transaction.next((await ask(client, toConfig(step.value), timeoutMs)).rows)
  }
  return step.value
}
