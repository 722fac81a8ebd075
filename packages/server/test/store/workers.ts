import type { Worker } from 'node:worker_threads'
import { startWorker, type Workers } from '../../src/store/sqlite/thread.ts'

const idle: Worker[] = []

/**
 * Threads that serve one store of a test file after the other: to start one takes longer than most tests. A store leaves
 * nothing in them (`worker.ts`): its connection is closed, the next one's ids begin at its own time, and a `Thread` that
 * is closed can't ask any more.
 */
export const reusedWorkers: Workers = {
  take() {
    let worker = idle.pop()
    // One that has ended meanwhile has no id any more.
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
