/** What the doctor asks beside what others do. */
import { bytesMs } from '../../base/ids.ts'
import { bytes, type Dialect, int, type Transaction, text } from '../transaction.ts'

/** Where some of the newest endpoints that are enabled want their deliveries. */
export function* sampleEndpointUrls(args: { readonly limit: number }): Transaction<string[]> {
  const rows = yield {
    text: `select url from endpoint where deleted_ms is null and state = 'enabled' order by id desc limit $1`,
    params: [args.limit],
  }
  return rows.map(row => text(row.url))
}

/** When the newest of what was configured was made, milliseconds since 1970; 0: there is nothing. */
export function* newestMs(_args: object): Transaction<number> {
  let newest = 0
  for (const table of ['endpoint', 'audit']) {
    const rows = yield { text: `select id from ${table} order by id desc limit 1` }
    if (rows.length > 0) newest = Math.max(newest, bytesMs(bytes(rows[0]!.id)))
  }
  return newest
}

/** Nodes that send and have come by in time. */
export function* countNodes(_args: object, dialect: Dialect): Transaction<number> {
  const rows = yield { text: `select count(*) as n from node where alive_until_ms > ${dialect.nowMs}` }
  return int(rows[0]!.n)
}
