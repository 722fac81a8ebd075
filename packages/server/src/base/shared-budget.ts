import type { TenantId } from './model.ts'

/** How many times what is left one tenant can have: alone it gets four fifths (docs/decisions/0004-shares.md). */
export const TENANT_SHARE = 4

/** What a holder of parts of a budget needs: the whole budget, or a tenant's share of it. */
export type Room = {
  /** Whether anything is left. */
  readonly isLeft: boolean
  /** Returns false, and reserves nothing, if less than that is left. */
  tryReserve(amount: number): boolean
  /** Reserves the amount even if less than that is left. */
  reserve(amount: number): void
  release(amount: number): void
}

/**
 * A budget that all tenants share: bytes, or places. A tenant can have up to TENANT_SHARE times what is left, so that
 * there is always some left for another. Only tenants that have something reserved are remembered.
 */
export class SharedBudget {
  readonly #max: number
  #used = 0
  readonly #usedBy = new Map<TenantId, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** How much is reserved by all tenants. */
  get used(): number {
    return this.#used
  }

  /** Whether the tenant can have that much more. */
  isLeft(tenant: TenantId, amount = 1): boolean {
    const left = this.#max - this.#used - amount
    return left >= 0 && (this.#usedBy.get(tenant) ?? 0) + amount <= TENANT_SHARE * (left + 1)
  }

  /** Returns false, and reserves nothing, if the tenant can't have that much. */
  tryReserve(tenant: TenantId, amount: number): boolean {
    if (!this.isLeft(tenant, amount)) return false
    this.reserve(tenant, amount)
    return true
  }

  /** Reserves the amount even if the tenant can't have that much. */
  reserve(tenant: TenantId, amount: number): void {
    if (amount === 0) return
    this.#used += amount
    this.#usedBy.set(tenant, (this.#usedBy.get(tenant) ?? 0) + amount)
  }

  release(tenant: TenantId, amount: number): void {
    if (amount === 0) return
    this.#used -= amount
    const left = (this.#usedBy.get(tenant) ?? 0) - amount
    if (left > 0) this.#usedBy.set(tenant, left)
    else this.#usedBy.delete(tenant)
  }

  /** How much the tenant has reserved. */
  usedBy(tenant: TenantId): number {
    return this.#usedBy.get(tenant) ?? 0
  }

  /** The tenant's share, for holders that know only their own tenant. */
  of(tenant: TenantId): Room {
    return new Share(this, tenant)
  }
}

class Share implements Room {
  readonly #budget: SharedBudget
  readonly #tenant: TenantId

  constructor(budget: SharedBudget, tenant: TenantId) {
    this.#budget = budget
    this.#tenant = tenant
  }

  get isLeft(): boolean {
    return this.#budget.isLeft(this.#tenant)
  }

  tryReserve(amount: number): boolean {
    return this.#budget.tryReserve(this.#tenant, amount)
  }

  reserve(amount: number): void {
    this.#budget.reserve(this.#tenant, amount)
  }

  release(amount: number): void {
    this.#budget.release(this.#tenant, amount)
  }
}
