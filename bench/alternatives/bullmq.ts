/**
 * BullMQ with a POST in the job, set up as https://docs.bullmq.io recommends: jobs are added in bulk and removed when
 * they are done, and one worker runs as many jobs at the same time as there can be requests.
 */
import { Queue, Worker } from 'bullmq'
import { answerWith } from './commands.ts'
import type { Job } from './sending.ts'

const QUEUE = 'deliver'
const JOB_OPTIONS = { removeOnComplete: true, attempts: 6, backoff: { type: 'exponential', delay: 1_000 } }

answerWith({
  async open(storeUrl) {
    const queue = new Queue(QUEUE, { connection: { url: storeUrl }, defaultJobOptions: JOB_OPTIONS })
    await queue.waitUntilReady()
    return {
      add: jobs => queue.addBulk(jobs.map(data => ({ name: QUEUE, data }))),
      countPending: () => queue.getJobCountByTypes('waiting', 'active', 'delayed'),
    }
  },
  async work(storeUrl, send, requests) {
    const worker = new Worker<Job>(QUEUE, ({ data }) => send(data), {
      connection: { url: storeUrl, maxRetriesPerRequest: null },
      concurrency: requests,
    })
    worker.on('error', error => process.stderr.write(`BullMQ: ${error.message}\n`))
    await worker.waitUntilReady()
  },
})
