import type { Clock } from '../../base/clock.ts'
import type { TenantId } from '../../base/model.ts'

/** Sign-ins of a key or a person: each is a change that all nodes read. */
const MAX_SIGN_INS = 30
/** Visits of a tenant's portal, by all of its people. */
const MAX_VISITS = 300
const WINDOW_MS = 60_000

type Window = { readonly sinceMs: number; count: number }

/**
 * Limits how often a key or a person can sign in, and how often links start sessions of a tenant's portal, on this node.
 * Only those who can sign in get here, so it holds as many entries as there are keys, people and tenants.
 */
export class SignInRates {
  readonly #clock: Clock
  readonly #windows = new Map<string | null, Window>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a sign-in of a key or a person; null: the root key. Returns 0, or the whole seconds until the next one is allowed. */
  take(key: string | null): number {
    return this.#take(key, MAX_SIGN_INS)
  }

  /** Counts a visit of a tenant's portal, and returns the same. */
  takeVisit(tenant: TenantId): number {
    return this.#take(`portal ${tenant}`, MAX_VISITS)
  }

  #take(key: string | null, most: number): number {
    const nowMs = this.#clock.monotonicMs()
    let window = this.#windows.get(key)
    if (window === undefined || nowMs - window.sinceMs >= WINDOW_MS) {
      window = { sinceMs: nowMs, count: 0 }
      this.#windows.set(key, window)
    }
    if (window.count >= most) return Math.ceil((window.sinceMs + WINDOW_MS - nowMs) / 1000)
    window.count++
    return 0
  }
}
