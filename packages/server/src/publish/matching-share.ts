import type { TenantId } from '../base/model.ts'
import type { Work } from '../catalogue/contents.ts'

/** Matching in one go, before a call's events are stored: about a millisecond (a step takes some 50 ns). */
const STEPS_A_CALL = 20_000
/** Steps that a tenant earns in a millisecond: with more than a fortieth of the time, its events go to the inbox. */
const STEPS_A_MS = 500
/** A try in vain counts as this many: the inbox does its work again. */
const IN_VAIN = 8
/** Matching that isn't counted: most calls take less. */
const FREE_STEPS = 1_000
/** Tenants that are remembered. Beyond that, those that owe nothing are forgotten. */
const MAX_TENANTS = 10_000

/** How much matching the calls of each tenant do before their events are stored; the inbox does the rest. */
export class MatchingShares {
  readonly #owed = new Map<TenantId, { readonly steps: number; readonly atMs: number }>()

  /** Returns what a call can do now. None: leave it to the inbox without trying. */
  workOf(tenant: TenantId, nowMs: number): Work {
    return { left: this.#owed.size === 0 ? STEPS_A_CALL : STEPS_A_CALL - this.#owedBy(tenant, nowMs) }
  }

  /** Counts what a call has done, and whether its events were matched by that. */
  count(tenant: TenantId, steps: number, isMatched: boolean, nowMs: number): void {
    if (steps <= FREE_STEPS) return
    if (this.#owed.size >= MAX_TENANTS) this.#tidy(nowMs)
    const more = isMatched ? steps : steps * IN_VAIN
    this.#owed.set(tenant, { steps: this.#owedBy(tenant, nowMs) + more, atMs: nowMs })
  }

  #owedBy(tenant: TenantId, nowMs: number): number {
    const owed = this.#owed.get(tenant)
    if (owed === undefined) return 0
    const left = owed.steps - Math.max(0, nowMs - owed.atMs) * STEPS_A_MS
    if (left > 0) return left
    this.#owed.delete(tenant)
    return 0
  }

  #tidy(nowMs: number): void {
    for (const tenant of [...this.#owed.keys()]) this.#owedBy(tenant, nowMs)
    if (this.#owed.size >= MAX_TENANTS) this.#owed.clear()
  }
}
