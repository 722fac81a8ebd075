import type { Clock, Timer } from '../../base/clock.ts'
import type { TenantId } from '../../base/model.ts'
import { Rotation } from '../../base/rotation.ts'
import type { Handshakes } from './handshakes.ts'

/** Connections begun before others get the thread. TLS takes it for one to two milliseconds for each, a little later. */
const DIALS_A_TURN = 2
/** How long others have it then, in milliseconds, while there are others. */
const REST_MS = 5

/** Connections of a resting tenant that wait, before those that nobody waits for any longer are left out. */
const MANY = 1_000

export type Dial = {
  readonly tenant: TenantId
  begin(): void
  /** Whether nobody waits for it any longer. */
  isOver(): boolean
}

/**
 * Spaces new connections. Hundreds that begin together would do TLS together a moment later and keep the thread from
 * the others: receivers that close each connection can make every request of a tenant open one. Those that don't
 * find a turn wait, in rotation by tenant; those of a tenant that has to rest (handshakes.ts) wait until it has.
 */
export class DialTurns {
  readonly #clock: Clock
  readonly #isShared: () => boolean
  readonly #handshakes: Handshakes
  readonly #waiting = new Rotation<Dial>()
  /** What waits until its tenant has rested. */
  readonly #resting = new Map<TenantId, Dial[]>()
  #timer: Timer | undefined
  #begun = 0
  #isPausing = false

  /** @param isShared whether several tenants are active */
  constructor(clock: Clock, isShared: () => boolean, handshakes: Handshakes) {
    this.#clock = clock
    this.#isShared = isShared
    this.#handshakes = handshakes
    handshakes.onRoom = () => this.#wake()
  }

  /** Begins a connection when its tenant has its turn, at once if nobody waits. */
  take(dial: Dial): void {
    if (this.#resting.has(dial.tenant) || this.#mustRest(dial.tenant)) this.#rest(dial)
    else if (this.#begun < DIALS_A_TURN) this.#begin(dial)
    else this.#waiting.add(dial.tenant, dial)
  }

  #begin(dial: Dial): void {
    this.#begun++
    if (!this.#isPausing) {
      this.#isPausing = true
      const go = () => this.#next()
      if (this.#isShared()) this.#clock.after(REST_MS, go)
      else setImmediate(go)
    }
    dial.begin()
  }

  #next(): void {
    this.#isPausing = false
    this.#begun = 0
    while (this.#begun < DIALS_A_TURN) {
      const dial = this.#waiting.take()
      if (dial === undefined) return
      if (dial.isOver()) continue
      if (this.#mustRest(dial.tenant)) this.#rest(dial)
      else this.#begin(dial)
    }
  }

  #mustRest(tenant: TenantId): boolean {
    return this.#handshakes.waitMs(tenant) > 0
  }

  #rest(dial: Dial): void {
    const queue = this.#resting.get(dial.tenant) ?? []
    queue.push(dial)
    const isMany = queue.length % MANY === 0
    this.#resting.set(dial.tenant, isMany ? queue.filter(each => !each.isOver()) : queue)
    if (queue.length === 1) this.#wake()
  }

  /** Lets those of the tenants that have rested take their turns, and looks again when the next one has. */
  #wake(): void {
    if (this.#resting.size === 0) return
    this.#timer?.cancel()
    let nextMs = Number.POSITIVE_INFINITY
    for (const [tenant, queue] of [...this.#resting]) {
      while (queue[0]?.isOver() === true) queue.shift()
      const waitMs = this.#handshakes.waitMs(tenant)
      // One at a time: after each, the tenant might have to rest.
      const dial = waitMs > 0 ? undefined : queue.shift()
      if (queue.length === 0) this.#resting.delete(tenant)
      else nextMs = Math.min(nextMs, Math.max(waitMs, REST_MS))
      if (dial === undefined) continue
      if (this.#begun < DIALS_A_TURN) this.#begin(dial)
      else this.#waiting.add(tenant, dial)
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#timer = this.#clock.after(nextMs, () => this.#wake())
  }
}
