import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'

/** How long what a call writes can rest, from the call's beginning on: a call is never delayed by more. */
const RESTS_FOR_MS = 30_000

const current = new AsyncLocalStorage<TenantCall | undefined>()

/**
 * A call of the API by which a tenant changes something itself. What it writes to the store rests while other tenants
 * have work (other-calls.ts). It is known to whatever the call awaits, without being passed on, and to nothing that
 * Posthorn does by itself: see `asPosthorn`.
 */
export class TenantCall {
  readonly tenant: TenantId
  readonly #clock: Clock
  readonly #restsUntilMs: number
  #isOver = false

  constructor(tenant: TenantId, clock: Clock) {
    this.tenant = tenant
    this.#clock = clock
    this.#restsUntilMs = clock.monotonicMs() + RESTS_FOR_MS
  }

  get rests(): boolean {
    return !this.#isOver && this.#clock.monotonicMs() < this.#restsUntilMs
  }

  /** Does something as a part of the call, and all that it awaits. */
  run<T>(work: () => T): T {
    return current.run(this, work)
  }

  /** The call has its response. */
  end(): void {
    this.#isOver = true
  }
}

/** The call that this is a part of, if what it writes rests. */
export function currentTenantCall(): TenantCall | undefined {
  const call = current.getStore()
  return call?.rests === true ? call : undefined
}

/** Does something, and all that it awaits, as Posthorn's own work: it is a part of no call, although one causes it. */
export function asPosthorn(work: () => void): void {
  if (current.getStore() === undefined) work()
  else current.run(undefined, work)
}
