import type { OperationCall, OperationResult } from './driver.ts'

/** Something that is to go into a commit, and who waits for it. */
export type Waiting<Input, Output> = {
  readonly input: Input
  /** How many items it counts for in a commit. */
  readonly size: number
  readonly resolve: (output: Output) => void
  readonly reject: (error: Error) => void
}

/** Puts it at the end of a queue; resolves, or rejects, with what becomes of it. */
export function enqueue<Input, Output>(queue: Waiting<Input, Output>[], input: Input, size: number): Promise<Output> {
  const { promise, resolve, reject } = Promise.withResolvers<Output>()
  queue.push({ input, size, resolve, reject })
  return promise
}

/** Takes waiting work off the front, up to a number of items but at least one. */
export function take<Input, Output>(queue: Waiting<Input, Output>[], maxItems: number): Waiting<Input, Output>[] {
  let items = 0
  let count = 0
  while (count < queue.length && (count === 0 || items + queue[count]!.size <= maxItems)) items += queue[count++]!.size
  return queue.splice(0, count)
}

export function conclude({ resolve, reject }: Waiting<unknown, unknown>, result: OperationResult): void {
  if (result.ok) resolve(result.value)
  else reject(result.error)
}

export const itemsOf = (waiting: readonly { readonly size: number }[]): number =>
  waiting.reduce((sum, { size }) => sum + size, 0)

/** What a queue needs of the group commit that it is part of. */
export type Commits = {
  /** Runs calls in a transaction of their own. */
  write(calls: readonly OperationCall[]): Promise<OperationResult[]>
  /** Tells what a call that is committed has brought. */
  observe(call: OperationCall, value: unknown): void
  /** There is something to commit. */
  schedule(): void
  /** A queue may have become empty beside the commits. */
  lookIdle(): void
}
