import type { Worker } from 'node:worker_threads'
import { startWorker, type Workers } from '../../src/store/sqlite/thread.ts'

const idle: Worker[] = []

/**
 * Threads that serve one store of a test file after another, because starting one takes longer than most tests. A store
 * leaves nothing in them (`worker.ts`): its connection is closed, the next one's ids begin at its own time, and a
 * closed `Thread` can't send queries.
 */
export const reusedWorkers: Workers = {
  take() {
    let worker = idle.pop()
    // A worker that has ended in the meantime no longer has an id.
    while (worker !== undefined && worker.threadId === -1) worker = idle.pop()
    worker ??= startWorker()
    worker.ref()
    return worker
  },
  giveBack(worker) {
    worker.unref()
    idle.push(worker)
  },
}
