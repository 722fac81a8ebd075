/** The thread that makes a copy: SQLite does it in one call, during which nothing else could run. */
import { parentPort, workerData } from 'node:worker_threads'
import { backUp, type Copied, type CopyStep, checkWhole, restore, type TellStep } from './backup.ts'

export type CopyJob =
  | { readonly does: 'back up'; readonly folder: string; readonly file: string }
  | { readonly does: 'check'; readonly file: string }
  | { readonly does: 'restore'; readonly folder: string; readonly file: string; readonly copy: Copied }

export type CopyMessage =
  | { readonly kind: 'step'; readonly step: CopyStep }
  | { readonly kind: 'done'; readonly copied: Copied }
  /** Errors lose their class between threads. */
  | { readonly kind: 'failed'; readonly name: string; readonly message: string }

const send = (message: CopyMessage) => parentPort?.postMessage(message)
const tell: TellStep = step => send({ kind: 'step', step })

function work(job: CopyJob): Copied {
  if (job.does === 'back up') return backUp(job.folder, job.file, tell)
  if (job.does === 'check') return checkWhole(job.file, tell)
  return restore(job.file, job.folder, job.copy, tell)
}

try {
  send({ kind: 'done', copied: work(workerData as CopyJob) })
} catch (error) {
  const { name, message } = error as Error
  send({ kind: 'failed', name, message })
}
