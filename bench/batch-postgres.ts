/** B2: what an event of a batch costs on PostgreSQL, whose own time counts too, beside a bare POST (batches.ts). */
import { runBatches } from './batches.ts'
import type { Bench } from './definition.ts'

export const batchPostgres: Bench = {
  id: 'B2',
  name: 'batch-postgres',
  summary: 'the same on PostgreSQL, its own time included',
  run: (options, say) => runBatches({ id: batchPostgres.id, store: 'PostgreSQL', goal: 3 }, options, say),
}
