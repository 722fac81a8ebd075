import type { Clock } from '../../base/clock.ts'

/** Connections that an address can open in a second, without bringing a valid key on them, once its first ones are used. */
const PER_SECOND = 200
/** Addresses that are remembered; the one that opened its latest connection longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000

type Used = { readonly count: number; readonly atMs: number }

/**
 * How fast an address opens connections. Opening one costs as much as a small call, and it can be closed and opened again
 * before any limit of open ones is reached. One that has brought a valid key doesn't count.
 */
export class Openings {
  readonly #clock: Clock
  readonly #first: number
  readonly #used = new Map<string, Used>()

  /** @param first how many can be opened at the same time */
  constructor(clock: Clock, first: number) {
    this.#clock = clock
    this.#first = first
  }

  /** Counts a connection. False if the address has to wait. */
  take(network: string): boolean {
    const count = this.#countOf(network)
    if (count >= this.#first) return false
    this.#set(network, count + 1)
    if (this.#used.size > MAX_ADDRESSES) this.#used.delete(this.#used.keys().next().value!)
    return true
  }

  /** A connection has brought a valid key. */
  giveBack(network: string): void {
    const count = this.#countOf(network) - 1
    if (count > 0) this.#set(network, count)
    else this.#used.delete(network)
  }

  #countOf(network: string): number {
    const used = this.#used.get(network)
    if (used === undefined) return 0
    return Math.max(used.count - ((this.#clock.monotonicMs() - used.atMs) / 1_000) * PER_SECOND, 0)
  }

  #set(network: string, count: number): void {
    this.#used.delete(network)
    this.#used.set(network, { count, atMs: this.#clock.monotonicMs() })
  }
}
