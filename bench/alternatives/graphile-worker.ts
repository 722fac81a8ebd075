/**
 * graphile-worker with a POST in the job, tuned for throughput as https://worker.graphile.org/docs/performance
 * recommends: a local queue of 500, jobs completed in batches, and as many connections as advised for `maxPoolSize`.
 */
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { answerWith } from './commands.ts'
import type { Job } from './sending.ts'

const TASK = 'deliver'

const settings = {
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
  // Logging a line for each job would cost more than the job itself.
  logger: new Logger(() => () => {}),
}

answerWith({
  async open(storeUrl) {
    const utils = await makeWorkerUtils({ preset: { worker: { ...settings, connectionString: storeUrl } } })
    await utils.migrate()
    return {
      add: jobs => utils.addJobs(jobs.map(payload => ({ identifier: TASK, payload }))),
      countPending: () =>
        utils.withPgClient(async client => {
          const { rows } = await client.query('select count(*)::int as jobs from graphile_worker.jobs')
          return (rows[0] as { jobs: number }).jobs
        }),
    }
  },
  work: (storeUrl, send, requests) =>
    run({
      preset: {
        worker: { ...settings, connectionString: storeUrl, concurrentJobs: requests, maxPoolSize: requests + 2 },
      },
      taskList: { [TASK]: job => send(job as Job) },
      noHandleSignals: true,
    }),
})
