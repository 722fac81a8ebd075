import type { OperationCall, OperationResult } from './driver.ts'

/** Work that waits for a commit, and its caller. */
export type Waiting<Input, Output> = {
  readonly input: Input
  /** How many items of a commit it counts as. */
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

/** Takes waiting work off the front: up to `maxItems` items, but at least one piece of work. */
export function take<Work extends { readonly size: number }>(queue: Work[], maxItems: number): Work[] {
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

/** What a queue needs from the group commit that it is part of. */
export type Commits = {
  /** Runs calls in a transaction of their own. */
  write(calls: readonly OperationCall[]): Promise<OperationResult[]>
  /** Emits the observations of a committed call. */
  observe(call: OperationCall, value: unknown): void
  /** Schedules a commit: there is something to commit. */
  schedule(): void
  /** Checks whether everything is done: a queue might have become empty outside the commits. */
  lookIdle(): void
}
