/** B1: what a batched event costs on the embedded store, compared with a bare POST. */
import { runBatches } from './batches.ts'
import type { Bench } from './definition.ts'

export const batchSqlite: Bench = {
  id: 'B1',
  name: 'batch-sqlite',
  summary: 'processor time per delivered event, divided by that of a bare POST',
  run: (options, say) => runBatches({ id: batchSqlite.id, store: 'SQLite', goal: 2 }, options, say),
}
