import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'

/** How long tenants count as having work at the same time after the last change from one to another. */
const TOGETHER_MS = 1_000

/** Notes whose work arrives, and whether several tenants have had some lately. */
export class Company {
  readonly #clock: Clock
  #last: TenantId | undefined
  #lastAtMs = Number.NEGATIVE_INFINITY
  #togetherUntilMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(tenant: TenantId): void {
    const nowMs = this.#clock.monotonicMs()
    if (tenant !== this.#last && nowMs - this.#lastAtMs <= TOGETHER_MS) this.#togetherUntilMs = nowMs + TOGETHER_MS
    this.#last = tenant
    this.#lastAtMs = nowMs
  }

  /** Whether a tenant that has work now is likely to keep another one waiting. */
  get isSeveral(): boolean {
    return this.#clock.monotonicMs() < this.#togetherUntilMs
  }
}
