import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'

/** How long a tenant rests for each millisecond of a commit that its work was in: it gets a quarter of the time. */
const REST_FACTOR = 3
/** A commit can take long because the store is slow: no tenant rests for longer than this. */
const LONGEST_REST_MS = 1_000
/** Tenants whose rests are remembered, before those that are over are looked for. */
const MANY = 1_000

/** Which tenants rest because of what their calls have taken of the store. */
export class Rests {
  readonly #clock: Clock
  readonly #untilMs = new Map<TenantId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Lets tenants rest for a commit. */
  charge(tenants: Iterable<TenantId>, commitMs: number): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#untilMs.size >= MANY)
      for (const [tenant, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(tenant)
    const untilMs = nowMs + Math.min(commitMs * REST_FACTOR, LONGEST_REST_MS)
    for (const tenant of tenants) this.#untilMs.set(tenant, untilMs)
  }

  mustRest(tenant: TenantId): boolean {
    const untilMs = this.#untilMs.get(tenant)
    return untilMs !== undefined && this.#clock.monotonicMs() < untilMs
  }

  /** How long until the first of the rests is over, in milliseconds. Undefined: none rests. */
  nextMs(): number | undefined {
    const nowMs = this.#clock.monotonicMs()
    const waits = [...this.#untilMs.values()].filter(untilMs => untilMs > nowMs).map(untilMs => untilMs - nowMs)
    return waits.length === 0 ? undefined : Math.min(...waits)
  }
}
