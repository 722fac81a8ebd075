import type { TenantId } from '../base/model.ts'
import { take, type Waiting } from './waiting.ts'

/** The part of a commit that a tenant can have while others wait. A single request can be larger. */
const SHARE = 0.5

/** Requests that wait for a commit, by tenant: tenants take turns, and each has its requests stored in order. */
export class PublishRotation<Request extends Pick<Waiting<{ readonly tenant: TenantId }, never>, 'input' | 'size'>> {
  /** The tenant at the front is next. No queue is empty. */
  readonly #queues = new Map<TenantId, Request[]>()
  #length = 0

  get length(): number {
    return this.#length
  }

  add(request: Request): void {
    const { tenant } = request.input
    const queue = this.#queues.get(tenant)
    if (queue === undefined) this.#queues.set(tenant, [request])
    else queue.push(request)
    this.#length++
  }

  /** Puts requests back in front of those of their tenants. */
  putBack(requests: readonly Request[]): void {
    for (const request of requests.toReversed()) {
      const { tenant } = request.input
      const queue = this.#queues.get(tenant)
      if (queue === undefined) this.#queues.set(tenant, [request])
      else queue.unshift(request)
    }
    this.#length += requests.length
  }

  /** Takes requests for a commit: up to `maxItems` items, but at least one request. */
  take(maxItems: number): Request[] {
    const taken = this.#queues.size > 1 ? this.#takeInTurn(maxItems) : this.#takeOfOne(maxItems)
    this.#length -= taken.length
    return taken
  }

  #takeOfOne(maxItems: number): Request[] {
    for (const [tenant, queue] of this.#queues) {
      const taken = take(queue, maxItems)
      if (queue.length === 0) this.#queues.delete(tenant)
      return taken
    }
    return []
  }

  #takeInTurn(maxItems: number): Request[] {
    const taken: Request[] = []
    const itemsOf = new Map<TenantId, number>()
    let items = 0
    const fits = (tenant: TenantId, size: number): boolean => {
      if (taken.length > 0 && items + size > maxItems) return false
      const own = itemsOf.get(tenant) ?? 0
      return own === 0 || own + size <= maxItems * SHARE
    }
    for (let turn: TenantId[] = [...this.#queues.keys()]; turn.length > 0; ) {
      // A tenant whose next request doesn't fit keeps its place for the next commit.
      turn = turn.filter(tenant => {
        const queue = this.#queues.get(tenant)!
        const { size } = queue[0]!
        if (!fits(tenant, size)) return false
        taken.push(queue.shift()!)
        items += size
        itemsOf.set(tenant, (itemsOf.get(tenant) ?? 0) + size)
        this.#queues.delete(tenant)
        if (queue.length > 0) this.#queues.set(tenant, queue)
        return queue.length > 0
      })
    }
    return taken
  }
}
