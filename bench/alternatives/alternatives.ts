/** The usual alternatives: job queue libraries with a POST in the job, each in its own processes with its own store. */
import { startPostgres } from '@posthorn/testkit'
import { Child } from '../child.ts'
import type { AlternativeCommand, Publishing } from './commands.ts'
import { findRedis, startRedis } from './redis.ts'
import type { Sending } from './sending.ts'

export const LIBRARIES = ['graphile-worker', 'pg-boss', 'BullMQ'] as const
export type LibraryName = (typeof LIBRARIES)[number]

export type Alternative = {
  /** The process that sends the requests. */
  readonly workerPid: number
  readonly publisherPid: number
  readonly store: { readonly name: 'PostgreSQL' | 'Redis'; readonly pid: number }
  publish(publishing: Publishing): Promise<unknown>
  /** Resolves when no job is pending, that is, when the store also knows that all are done. */
  allStored(): Promise<void>
  end(): Promise<void>
}

type Store = Alternative['store'] & { readonly url: string; end(): Promise<unknown> }

const FILES: Record<LibraryName, string> = {
  'graphile-worker': 'alternatives/graphile-worker.ts',
  'pg-boss': 'alternatives/pg-boss.ts',
  BullMQ: 'alternatives/bullmq.ts',
}
const LOOK_EVERY_MS = 20

/** Returns undefined if the store it needs is not installed on this machine. */
export async function startAlternative(library: LibraryName, sending: Sending): Promise<Alternative | undefined> {
  const store = library === 'BullMQ' ? await openRedis() : await openPostgres()
  if (store === undefined) return undefined
  const file = FILES[library]
  const worker = new Child<AlternativeCommand, number>(file)
  const publisher = new Child<AlternativeCommand, number>(file)
  const end = async () => {
    await Promise.all([worker.end(), publisher.end()])
    await store.end()
  }
  try {
    await publisher.ask({ kind: 'open', storeUrl: store.url })
    await worker.ask({ kind: 'work', storeUrl: store.url, sending })
  } catch (error) {
    await end()
    throw error
  }
  return {
    workerPid: worker.pid,
    publisherPid: publisher.pid,
    store: { name: store.name, pid: store.pid },
    publish: publishing => publisher.ask({ kind: 'publish', ...publishing }),
    async allStored() {
      while ((await publisher.ask({ kind: 'countPending' })) > 0) {
        await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
      }
    },
    end,
  }
}

async function openPostgres(): Promise<Store> {
  const postgres = await startPostgres()
  return { name: 'PostgreSQL', pid: postgres.pid, url: postgres.url(), end: () => postgres.stop() }
}

async function openRedis(): Promise<Store | undefined> {
  const command = findRedis()
  return command === undefined ? undefined : { name: 'Redis', ...(await startRedis(command)) }
}
