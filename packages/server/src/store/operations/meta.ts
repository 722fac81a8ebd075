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

export const metaOperations = {
  readMeta: reads({ run: readMeta, waitedForBy: 'engine' }),
  writeMeta: writes({ run: writeMeta, configuration: 'ignores' }),
}
