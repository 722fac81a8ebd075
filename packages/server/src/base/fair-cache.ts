import type { TenantId } from './model.ts'

/** An entry, with what it is counted as. */
type Entry<Value> = { readonly tenant: TenantId; readonly value: Value; readonly cost: number }

/**
 * A cache of what belongs to tenants, bounded by what it costs: bytes, or one for each entry. When it is full, the oldest
 * entry makes way that is of a tenant with at least the average of all tenants in it, so that a tenant with very many or
 * very large entries drops its own. An entry that costs more than all of it is kept alone.
 */
export class FairCache<Key, Value> {
  readonly #maxCost: number
  /** The oldest first. */
  readonly #entries = new Map<Key, Entry<Value>>()
  readonly #costOf = new Map<TenantId, number>()
  #cost = 0

  constructor(maxCost: number) {
    this.#maxCost = maxCost
  }

  /** What everything in it costs. */
  get cost(): number {
    return this.#cost
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)?.value
  }

  *[Symbol.iterator](): Generator<[Key, Value]> {
    for (const [key, { value }] of this.#entries) yield [key, value]
  }

  set(key: Key, value: Value, { tenant, cost }: { readonly tenant: TenantId; readonly cost: number }): void {
    this.delete(key)
    while (this.#entries.size > 0 && this.#cost + cost > this.#maxCost) this.#dropOne()
    this.#entries.set(key, { tenant, value, cost })
    this.#count(tenant, cost)
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#count(entry.tenant, -entry.cost)
  }

  clear(): void {
    this.#entries.clear()
    this.#costOf.clear()
    this.#cost = 0
  }

  #count(tenant: TenantId, cost: number): void {
    this.#cost += cost
    const own = (this.#costOf.get(tenant) ?? 0) + cost
    if (own > 0) this.#costOf.set(tenant, own)
    else this.#costOf.delete(tenant)
  }

  /** At least one tenant has the average. What is passed over goes to the end, so that it isn't looked at each time. */
  #dropOne(): void {
    const average = this.#cost / this.#costOf.size
    for (const [key, entry] of this.#entries) {
      if (this.#costOf.get(entry.tenant)! >= average) {
        this.delete(key)
        return
      }
      this.#entries.delete(key)
      this.#entries.set(key, entry)
    }
  }
}
