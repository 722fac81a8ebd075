/** Single values by key, such as the schema version or the progress of a long job. */
import { reads, writes } from '../operation.ts'
import { type Transaction, text } from '../transaction.ts'

export function* getMeta(key: string): Transaction<string | null> {
  const rows = yield { text: 'select value from meta where key = $1', params: [key] }
  return rows.length === 0 ? null : (rows[0]!.value as string)
}

export function* setMeta(key: string, value: string): Transaction<void> {
  yield {
    text: 'insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value',
    params: [key, value],
  }
}

/** All rows of `meta`. */
export function* listMeta(): Transaction<{ key: string; value: string }[]> {
  const rows = yield { text: 'select key, value from meta order by key' }
  return rows.map(row => ({ key: text(row.key), value: text(row.value) }))
}

const readMeta = (args: { readonly key: string }) => getMeta(args.key)
const writeMeta = (args: { readonly key: string; readonly value: string }) => setMeta(args.key, args.value)

const TRIAL = 'trial_write:'

/**
 * Writes something that no one reads, to find out whether the store takes writes of that size. The row lives until the
 * next trial, because pages that a transaction frees again are never written by SQLite; an empty one is removed at once.
 * Rows of processes that ended in between are removed too.
 */
function* tryWrite({ trial, filler }: { readonly trial: string; readonly filler: string }): Transaction<void> {
  yield { text: `delete from meta where key like '${TRIAL}%'` }
  yield* setMeta(`${TRIAL}${trial}`, filler)
  if (filler === '') yield { text: 'delete from meta where key = $1', params: [`${TRIAL}${trial}`] }
}

/** Reads all pages of an SQLite file. Returns `ok`, or the first thing that is wrong. */
export function* checkPages(): Transaction<string> {
  const rows = yield { text: 'pragma quick_check(1)' }
  return text(rows[0]!.quick_check)
}

export const metaOperations = {
  tryWrite: writes({ run: tryWrite, configuration: 'ignores' }),
  checkPages: reads({ run: checkPages, waitedForBy: 'people' }),
  readMeta: reads({ run: readMeta, waitedForBy: 'engine' }),
  writeMeta: writes({ run: writeMeta, configuration: 'ignores' }),
}
