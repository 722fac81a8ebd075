/** What the main thread and a checking thread send each other. */
import type { Job, JobResults } from './jobs.ts'

/** An event type for a thread. */
export type SentType = {
  readonly name: string
  readonly archivedAtMs: number | null
  /** As JSON text. Null: as the thread has it. */
  readonly schema: string | null
}

/** A schema that is to be compiled. */
export type Needed = {
  readonly type: string
  /** Whether what finds all faults is needed, too. */
  readonly isAll: boolean
}

export type Request =
  /** Replaces the catalogue. */
  | { readonly kind: 'catalogue'; readonly types: readonly SentType[] }
  /** `mayDefer`: whether it can be answered with `needs`, instead of compiling what it needs. */
  | { readonly kind: 'job'; readonly job: Job; readonly mayDefer: boolean }
  | { readonly kind: 'compile'; readonly needed: Needed }

export type Reply =
  /** The thread has started. */
  | { readonly kind: 'ready' }
  /** See Watch. */
  | { readonly kind: 'validating' }
  | { readonly kind: 'done'; readonly result: JobResults[Job['kind']] }
  /** The job needs schemas that are not compiled yet. It was not done. */
  | { readonly kind: 'needs'; readonly needed: readonly Needed[] }
  | { readonly kind: 'compiled' }
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
 * its validating, began, plus what compiling has taken since. `compilingSinceMs`: likewise when compiling began; 0: it
 * doesn't compile. `compiledMs`: what compiling has taken in the job.
 */
export const PLACE = {
  type: 0,
  index: 1,
  isInBatch: 2,
  cpuMs: 3,
  compilingSinceMs: 4,
  compiledMs: 5,
  length: 6,
} as const
