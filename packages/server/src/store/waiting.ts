import type { TenantId } from '../base/model.ts'
import type { OperationCall, OperationResult } from './driver.ts'

/** Storing this many bytes takes about as long as a row. */
const ITEM_BYTES = 2_048

/** How many items bytes count as. Small ones are free: a row is never without any. */
export const itemsOfBytes = (bytes: number): number => Math.floor(bytes / ITEM_BYTES)

/** Work that waits for a commit, and who waits for its result. */
export type Waiting<Input, Output> = {
  readonly input: Input
  /** How many items of a commit it counts as: rows, and one more for each ITEM_BYTES. */
  readonly size: number
  resolve(output: Output): void
  reject(error: Error): void
}

/** Hands work to `queue`; resolves or rejects with its result. */
export const enqueue = <Input, Output>(
  queue: (waiting: Waiting<Input, Output>) => void,
  input: Input,
  size: number,
): Promise<Output> => new Promise((resolve, reject) => queue({ input, size, resolve, reject }))

export function conclude(waiting: Waiting<unknown, unknown>, result: OperationResult): void {
  if (result.ok) waiting.resolve(result.value)
  else waiting.reject(result.error)
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
