/** What the processes of an alternative are told: one publishes and looks, another works. */
import { answerCommands } from '../child.ts'
import { createSend, type Job, makeJob, type Send, type Sending } from './sending.ts'

export type AlternativeCommand =
  /** Makes what the store needs, once. */
  | { readonly kind: 'open'; readonly storeUrl: string }
  | { readonly kind: 'work'; readonly storeUrl: string; readonly sending: Sending }
  | ({ readonly kind: 'publish' } & Publishing)
  /** Answers how many jobs are not done. */
  | { readonly kind: 'countPending' }

export type Publishing = {
  /** Where the jobs go. */
  readonly url: string
  /** Of the first job; the others count on. */
  readonly firstSerial: number
  readonly batches: number
  readonly batchSize: number
  /** Batches that are under way at once. */
  readonly inFlight: number
}

/** The side that publishes. */
export type Queue = {
  add(jobs: readonly Job[]): Promise<unknown>
  countPending(): Promise<number>
}

export type Library = {
  /** Makes what the store needs first. */
  open(storeUrl: string): Promise<Queue>
  /** Works from then on, with so many requests at once. */
  work(storeUrl: string, send: Send, requests: number): Promise<unknown>
}

export function answerWith({ open, work }: Library): void {
  let queue: Queue | undefined
  const opened = () => {
    if (queue === undefined) throw new Error('it was not opened')
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
