import type { Clock } from '../../base/clock.ts'
import type { TenantId } from '../../base/model.ts'
import { Rotation } from '../../base/rotation.ts'

/** Connections begun before others get the thread. TLS takes it for one to two milliseconds for each, a little later. */
const DIALS_A_TURN = 2
/** How long others have it then, in milliseconds, while there are others. */
const REST_MS = 5

/**
 * Spaces new connections. Hundreds that begin together would do TLS together a moment later and keep the thread from
 * the others: receivers that close each connection can make every request of a tenant open one. Those that don't
 * find a turn wait, in rotation by tenant.
 */
export class DialTurns {
  readonly #clock: Clock
  readonly #isShared: () => boolean
  readonly #waiting = new Rotation<() => void>()
  #begun = 0
  #isResting = false

  /** @param isShared whether several tenants are active */
  constructor(clock: Clock, isShared: () => boolean) {
    this.#clock = clock
    this.#isShared = isShared
  }

  /** Calls `begin` when the tenant has its turn, at once if nobody waits. */
  take(tenant: TenantId, begin: () => void): void {
    if (this.#begun < DIALS_A_TURN) this.#begin(begin)
    else this.#waiting.add(tenant, begin)
  }

  #begin(begin: () => void): void {
    this.#begun++
    if (!this.#isResting) {
      this.#isResting = true
      const go = () => this.#next()
      if (this.#isShared()) this.#clock.after(REST_MS, go)
      else setImmediate(go)
    }
    begin()
  }

  #next(): void {
    this.#isResting = false
    this.#begun = 0
    while (this.#begun < DIALS_A_TURN) {
      const begin = this.#waiting.take()
      if (begin === undefined) return
      this.#begin(begin)
    }
  }
}
