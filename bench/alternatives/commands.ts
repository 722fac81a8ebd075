/** The commands for an alternative's processes: one publishes and counts, the other works. */
import { answerCommands } from '../child.ts'
import { createSend, type Job, makeJob, type Send, type Sending } from './sending.ts'

export type AlternativeCommand =
  /** Prepares the store, once. */
  | { readonly kind: 'open'; readonly storeUrl: string }
  | { readonly kind: 'work'; readonly storeUrl: string; readonly sending: Sending }
  | ({ readonly kind: 'publish' } & Publishing)
  /** Returns how many jobs are not done. */
  | { readonly kind: 'countPending' }

export type Publishing = {
  /** The receiver's URL. */
  readonly url: string
  /** Serial number of the first job; the others count up from it. */
  readonly firstSerial: number
  readonly batches: number
  readonly batchSize: number
  /** Number of batches in flight at the same time. */
  readonly inFlight: number
}

/** The publishing side. */
export type Queue = {
  add(jobs: readonly Job[]): Promise<unknown>
  countPending(): Promise<number>
}

export type Library = {
  /** Prepares the store, then connects to it. */
  open(storeUrl: string): Promise<Queue>
  /** Starts working, with up to this many requests at the same time. */
  work(storeUrl: string, send: Send, requests: number): Promise<unknown>
}

export function answerWith({ open, work }: Library): void {
  let queue: Queue | undefined
  const opened = () => {
    if (queue === undefined) throw new Error('the queue is not open')
    return queue
  }
  answerCommands(async (command: AlternativeCommand): Promise<number> => {
    switch (command.kind) {
      case 'open':
        queue = await open(command.storeUrl)
        return 0
      case 'work':
        await work(command.storeUrl, createSend(command.sending), command.sending.requests)
        return 0
      case 'publish':
        return publish(opened(), command)
      case 'countPending':
        return opened().countPending()
    }
  })
}

async function publish(queue: Queue, { url, firstSerial, batches, batchSize, inFlight }: Publishing): Promise<number> {
  let next = 0
  const keepPublishing = async () => {
    while (next < batches) {
      const first = firstSerial + next++ * batchSize
      await queue.add(Array.from({ length: batchSize }, (_, index) => makeJob(url, first + index)))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, keepPublishing))
  return batches * batchSize
}
