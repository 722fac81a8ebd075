/** What the main thread and a checking thread send each other. */
import type { Job, JobResults } from './jobs.ts'

/** An event type for a thread. */
export type SentType = {
  readonly name: string
  readonly archivedAtMs: number | null
  /** As JSON text. Null: as the thread has it. */
  readonly schema: string | null
}

export type Request =
  /** Replaces the catalogue. */
  { readonly kind: 'catalogue'; readonly types: readonly SentType[] } | { readonly kind: 'job'; readonly job: Job }

export type Reply =
  /** The thread has started. */
  | { readonly kind: 'ready' }
  /** See Watch. */
  | { readonly kind: 'validating' }
  | { readonly kind: 'done'; readonly result: JobResults[Job['kind']] }
  /** An error of our own. */
  | { readonly kind: 'failed'; readonly message: string }

/** What a thread is started with. */
export type ThreadData = {
  /** Memory that both share: see `PLACE`. */
  readonly place: SharedArrayBuffer
  /** Whether it gets only the processor time that nothing else needs. */
  readonly isBackground: boolean
}

/**
 * In the shared memory: where the job is (`Watch.at`), and how much processor time the thread had used when the job, or
 * its validating, began.
 */
export const PLACE = { type: 0, index: 1, isInBatch: 2, cpuMs: 3, length: 4 } as const
