import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import type { Clock, Timer } from '../../base/clock.ts'
import { type DirectRule, isDirectAddress, isDirectHost } from '../../guard/direct-rule.ts'
import { TargetRefusedError } from '../../guard/lookup.ts'
import { addressAllowed, isLoopbackHost } from '../../guard/target.ts'
import { type DialFailure, type DialTarget, type Link, Opening, type OpeningOptions } from './opening.ts'
import { interleave, NEXT_ADDRESS_MS, Race, type Slots } from './race.ts'

/**
 * Looks a target's host up, which is a name, for its tenant. Rejects with TargetRefusedError if the guard refuses any of
 * its addresses (C3), and with the resolver's error if there are none.
 * @param signal aborted once no one waits for the result
 */
export type Lookup = (target: DialTarget, signal: AbortSignal) => Promise<readonly LookupAddress[]>

export type DialEvents = {
  ready(link: Link): void
  failed(failure: DialFailure): void
}

export type DialerOptions = OpeningOptions & {
  readonly lookup: Lookup
  /** Receivers that are connected to without the proxy. */
  readonly noProxy: readonly DirectRule[]
  readonly clock: Clock
  /** Until TCP and TLS are ready, in milliseconds, for all addresses together (C11). */
  readonly timeoutMs: number
}

/** There was no connection in time. */
class ConnectTimeout extends Error {
  readonly code = 'POSTHORN_CONNECT_TIMEOUT'
}

/** Maximum number of sockets of this process that connect next to another one for the same request. */
const MAX_EXTRA_SOCKETS = 1_000

/**
 * Opens connections to receivers. The guard checks every address that a lookup returns, every address literal (which is
 * never looked up), and the address of each connected socket (C3). A proxy is only asked for checked addresses.
 */
export class Dialer {
  readonly #options: DialerOptions
  #extraSockets = 0
  readonly #slots: Slots = {
    isFree: () => this.#extraSockets < MAX_EXTRA_SOCKETS,
    take: () => void this.#extraSockets++,
    giveBack: () => void this.#extraSockets--,
  }

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /** Calls one of the events once, never from within this call. Returns the function that gives up without a report. */
  dial(target: DialTarget, events: DialEvents): () => void {
    const dialling = new Dialling(target, this.#options, this.#slots, events)
    dialling.start()
    return () => dialling.end()
  }
}

/** A connection being opened: looked up → tried at its addresses → ready or failed. */
class Dialling {
  readonly #target: DialTarget
  readonly #options: DialerOptions
  readonly #slots: Slots
  readonly #events: DialEvents
  readonly #abort = new AbortController()
  readonly #openings: Opening[] = []
  #race: Race<LookupAddress, Link, DialFailure> | undefined
  #timer: Timer | undefined
  #isOver = false

  constructor(target: DialTarget, options: DialerOptions, slots: Slots, events: DialEvents) {
    this.#target = target
    this.#options = options
    this.#slots = slots
    this.#events = events
  }

  start(): void {
    const { clock, timeoutMs } = this.#options
    this.#timer = clock.after(timeoutMs, () => this.#failLate())
    this.#addresses().then(
      addresses => this.#tryAll(addresses),
      error => this.#fail({ error, address: null }),
    )
  }

  /** Gives up without a report. */
  end(): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#abort.abort()
    this.#race?.cancel()
  }

  async #addresses(): Promise<readonly LookupAddress[]> {
    const { policy, lookup } = this.#options
    const { host } = this.#target
    const family = isIP(host)
    if (family === 0) return lookup(this.#target, this.#abort.signal)
    const reason = addressAllowed(host, policy, host)
    if (reason !== undefined) throw new TargetRefusedError(host, reason)
    return [{ address: host, family }]
  }

  #tryAll(addresses: readonly LookupAddress[]): void {
    if (this.#isOver) return
    const { clock, timeoutMs } = this.#options
    const options = { ...this.#options, proxy: this.#isDirect(addresses) ? null : this.#options.proxy }
    // No more than can be started in time, because a name can have any number.
    const tried = interleave(addresses).slice(0, Math.max(2, Math.ceil(timeoutMs / NEXT_ADDRESS_MS)))
    this.#race = new Race<LookupAddress, Link, DialFailure>(
      tried,
      ({ address }, events) => {
        const opening = new Opening(this.#target, address, options, events)
        this.#openings.push(opening)
        opening.start()
        return () => opening.end()
      },
      clock,
      this.#slots,
      {
        ready: link => {
          this.#timer?.cancel()
          this.#isOver = true
          this.#events.ready(link)
        },
        failed: failure => this.#fail(failure),
      },
    )
    this.#race.start()
  }

  /** Whether no proxy is needed: by the host, or because all of its addresses are in networks that need none. */
  #isDirect(addresses: readonly LookupAddress[]): boolean {
    const { host, port } = this.#target
    const { policy, noProxy } = this.#options
    if (policy.dev && isLoopbackHost(host)) return true
    return (
      isDirectHost(noProxy, host, port) || addresses.every(({ address }) => isDirectAddress(noProxy, address, port))
    )
  }

  /** A fault of one address says more than that another one was silent. */
  #failLate(): void {
    const address = this.#openings.findLast(opening => opening.address !== null)?.address ?? null
    this.#fail(this.#race?.furthest ?? { error: new ConnectTimeout('There was no connection in time'), address })
  }

  #fail(failure: DialFailure): void {
    if (this.#isOver) return
    this.end()
    this.#events.failed(failure)
  }
}
