import type { TenantId } from '../base/model.ts'
import { enqueue, itemsOf, type Waiting } from './waiting.ts'

/** How much a commit takes, in items. */
export type CommitLimits = {
  readonly total: number
  /** For each tenant. */
  readonly each: number
}

/**
 * Work that waits for a commit, in the order of its arrival for each tenant. Tenants take turns, so that one with ten
 * thousand pieces of work delays another by no more than its own part of a commit.
 *
 * A piece of work that alone exceeds a tenant's part of a commit is large. It gets a commit of its own, and after each
 * of these the others have one: they wait for it only if they arrive while it is being committed.
 */
export class FairQueue<Input extends { readonly tenant: TenantId }, Output> {
  /** In the order of their turns. None is empty. */
  readonly #tenants = new Map<TenantId, Waiting<Input, Output>[]>()
  #length = 0
  #items = 0
  /** Whether the last commit left out a large piece of work. */
  #isLargeNext = false
  readonly #mustRest: (tenant: TenantId) => boolean

  /** @param mustRest whether nothing of a tenant is taken now. Default: never */
  constructor(mustRest: (tenant: TenantId) => boolean = () => false) {
    this.#mustRest = mustRest
  }

  /** Whether there is work of a tenant that doesn't rest. */
  get hasReady(): boolean {
    for (const tenant of this.#tenants.keys()) if (!this.#mustRest(tenant)) return true
    return false
  }

  /** The number of pieces of work. */
  get length(): number {
    return this.#length
  }

  /** The sum of their sizes. */
  get items(): number {
    return this.#items
  }

  /** Adds work to the end of its tenant's queue; resolves or rejects with its result. */
  add(input: Input, size: number): Promise<Output> {
    return enqueue(waiting => this.put(waiting), input, size)
  }

  /** Adds work to the end of its tenant's queue. */
  put(waiting: Waiting<Input, Output>): void {
    const { tenant } = waiting.input
    const queue = this.#tenants.get(tenant)
    if (queue === undefined) this.#tenants.set(tenant, [waiting])
    else queue.push(waiting)
    this.#length++
    this.#items += waiting.size
  }

  /** Puts work first in line again, in the given order. */
  putBack(works: readonly Waiting<Input, Output>[]): void {
    for (const [tenant, own] of Map.groupBy(works, ({ input }) => input.tenant)) {
      this.#tenants.set(tenant, [...own, ...(this.#tenants.get(tenant) ?? [])])
    }
    this.#length += works.length
    this.#items += itemsOf(works)
  }

  /** Takes work for a commit: up to the limits, but at least one piece of work, unless all its tenants rest. */
  take({ total, each }: CommitLimits): Waiting<Input, Output>[] {
    const large = this.#isLargeNext ? this.#takeLarge(each) : []
    this.#isLargeNext = false
    if (large.length > 0) return large
    const taken: Waiting<Input, Output>[] = []
    let left = total
    for (const [tenant, queue] of [...this.#tenants]) {
      if (this.#mustRest(tenant)) continue
      const some = takeFrom(queue, Math.min(each, left))
      left -= itemsOf(some)
      for (const work of some) taken.push(work)
      if (queue.length > 0 && queue[0]!.size > each) this.#isLargeNext = true
      if (some.length > 0) this.#endTurn(tenant, queue)
      if (left <= 0) break
    }
    this.#forget(taken)
    return taken.length > 0 ? taken : this.#takeLarge(each)
  }

  /** Takes the first large piece of work that is first in its line. */
  #takeLarge(each: number): Waiting<Input, Output>[] {
    for (const [tenant, queue] of this.#tenants) {
      if (queue[0]!.size <= each || this.#mustRest(tenant)) continue
      const large = queue.splice(0, 1)
      this.#endTurn(tenant, queue)
      this.#forget(large)
      this.#isLargeNext = false
      return large
    }
    return []
  }

  /** Moves a tenant that has had its turn behind the others. */
  #endTurn(tenant: TenantId, queue: Waiting<Input, Output>[]): void {
    this.#tenants.delete(tenant)
    if (queue.length > 0) this.#tenants.set(tenant, queue)
  }

  #forget(taken: readonly Waiting<Input, Output>[]): void {
    this.#length -= taken.length
    this.#items -= itemsOf(taken)
  }
}

/** Takes work off the front, up to that many items. */
function takeFrom<Input, Output>(queue: Waiting<Input, Output>[], room: number): Waiting<Input, Output>[] {
  let items = 0
  let count = 0
  while (count < queue.length && items + queue[count]!.size <= room) items += queue[count++]!.size
  return queue.splice(0, count)
}
