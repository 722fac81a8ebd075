import type { TenantId } from '../../base/model.ts'

/** Probes of a tenant's unreachable receivers that begin in one second. Each costs a new connection. */
const PROBES_A_SECOND = 100
const SECOND_MS = 1_000

/**
 * Spaces the probes of each tenant's unreachable receivers. Each of them is probed ever more rarely, but thousands that
 * begin to fail together would still be probed thousands of times a second at first, and keep the process from sending
 * to others.
 */
export class ProbeTurns {
  /** How many probes are planned in each second, by tenant. */
  readonly #planned = new Map<TenantId, Map<number, number>>()

  /**
   * Plans a probe.
   * @param wantedMs when the receiver itself is to be probed
   * @param latestMs when it is probed in any case
   * @returns when to probe: the first second from `wantedMs` on in which the tenant has a turn left
   */
  take(tenant: TenantId, wantedMs: number, latestMs: number): number {
    const planned = this.#of(tenant)
    const wanted = secondOf(wantedMs)
    for (let second = wanted; second < secondOf(latestMs); second++) {
      const count = planned.get(second) ?? 0
      if (count >= PROBES_A_SECOND) continue
      planned.set(second, count + 1)
      return second === wanted ? wantedMs : (second + count / PROBES_A_SECOND) * SECOND_MS
    }
    return Math.max(wantedMs, latestMs)
  }

  /** Forgets what was planned for the past. */
  forgetPast(nowMs: number): void {
    for (const [tenant, planned] of this.#planned) {
      for (const second of planned.keys()) if (second < secondOf(nowMs)) planned.delete(second)
      if (planned.size === 0) this.#planned.delete(tenant)
    }
  }

  #of(tenant: TenantId): Map<number, number> {
    let planned = this.#planned.get(tenant)
    if (planned === undefined) {
      planned = new Map()
      this.#planned.set(tenant, planned)
    }
    return planned
  }
}

const secondOf = (ms: number): number => Math.floor(ms / SECOND_MS)
