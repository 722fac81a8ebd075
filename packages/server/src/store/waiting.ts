import type { TenantId } from '../base/model.ts'
import type { OperationCall, OperationResult } from './driver.ts'

/** Storing this many bytes takes about as long as a row. */
const ITEM_BYTES = 2_048

/** How many items bytes count as. Small ones are free: a row is never without any. */
export const itemsOfBytes = (bytes: number): number => Math.floor(bytes / ITEM_BYTES)

/** Work that waits for a commit, and its caller. */
export type Waiting<Input, Output> = {
  readonly input: Input
  /** How many items of a commit it counts as: rows, and one more for each ITEM_BYTES. */
  readonly size: number
  readonly resolve: (output: Output) => void
  readonly reject: (error: Error) => void
}

/** Adds work to the end of a queue; resolves or rejects with its result. */
export function enqueue<Input, Output>(queue: Waiting<Input, Output>[], input: Input, size: number): Promise<Output> {
  const { promise, resolve, reject } = Promise.withResolvers<Output>()
  queue.push({ input, size, resolve, reject })
  return promise
}

export function conclude({ resolve, reject }: Waiting<unknown, unknown>, result: OperationResult): void {
  if (result.ok) resolve(result.value)
  else reject(result.error)
}

export const itemsOf = (waiting: readonly { readonly size: number }[]): number =>
  waiting.reduce((sum, { size }) => sum + size, 0)

/** What a queue needs from the group commit that it is part of. */
export type Commits = {
  /** Runs calls in a transaction of their own. */
  write(calls: readonly OperationCall[]): Promise<OperationResult[]>
  /** Emits the observations of a committed call. */
  observe(call: OperationCall, value: unknown): void
  /** Schedules a commit: there is something of that tenant to commit. */
  schedule(tenant: TenantId): void
  /** Checks whether everything is done: a queue might have become empty outside the commits. */
  lookIdle(): void
}
