/**
 * pg-boss with a POST in the job, tuned for throughput as its documentation advises. Four workers fetch batches: the
 * next one immediately while batches are full, otherwise when NOTIFY wakes them. Each job of a batch has its own
 * result.
 */
import { PgBoss, type Job as PgBossJob } from 'pg-boss'
import { answerWith } from './commands.ts'
import type { Job, Send } from './sending.ts'

const QUEUE = 'deliver'
const WORKERS = 4
/** With 16, so that all fetched jobs are in flight, an event costs half as much again. The pool queues the excess. */
const BATCH_SIZE = 100
const RETRIES = { retryLimit: 5, retryDelay: 1, retryBackoff: true }

async function start(options: ConstructorParameters<typeof PgBoss>[0]): Promise<PgBoss> {
  const boss = new PgBoss(options)
  boss.on('error', error => process.stderr.write(`pg-boss: ${error.message}\n`))
  return boss.start()
}

async function workOn(boss: PgBoss, send: Send): Promise<void> {
  const options = {
    localConcurrency: WORKERS,
    batchSize: BATCH_SIZE,
    perJobResults: true,
    burstWhenBatchFull: true,
    pollingIntervalSeconds: 0.5,
  } as const
  await boss.work(QUEUE, options, (jobs: PgBossJob<Job>[]) =>
    Promise.all(
      jobs.map(async ({ id, data }) => {
        try {
          await send(data)
          return { id, status: 'completed' as const }
        } catch {
          return { id, status: 'failed' as const }
        }
      }),
    ),
  )
}

answerWith({
  async open(storeUrl) {
    const boss = await start({ connectionString: storeUrl, supervise: false, schedule: false })
    await boss.createQueue(QUEUE, { ...RETRIES, notify: true })
    return {
      add: jobs =>
        boss.insert(
          QUEUE,
          jobs.map(data => ({ data })),
        ),
      async countPending() {
        const { rows } = await boss
          .getDb()
          .executeSql(`select count(*)::int as jobs from pgboss.job where name = $1 and state < 'completed'`, [QUEUE])
        return (rows[0] as { jobs: number }).jobs
      },
    }
  },
  async work(storeUrl, send) {
    const boss = await start({ connectionString: storeUrl, schedule: false, useListenNotify: true })
    await workOn(boss, send)
  },
})
