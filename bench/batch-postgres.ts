/** B2: what a batched event costs on PostgreSQL, including PostgreSQL's own time, compared with a bare POST. */
import { runBatches } from './batches.ts'
import type { Bench } from './definition.ts'

export const batchPostgres: Bench = {
  id: 'B2',
  name: 'batch-postgres',
  summary: "the same on PostgreSQL, including the database server's time",
  run: (options, say) => runBatches({ id: batchPostgres.id, store: 'PostgreSQL', goal: 3 }, options, say),
}
