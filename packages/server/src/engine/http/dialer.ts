import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import type { Timer } from '../../base/clock.ts'
import { type Room, SharedBudget } from '../../base/shared-budget.ts'
import { type DirectRule, isDirectAddress, isDirectHost } from '../../guard/direct-rule.ts'
import { TargetRefusedError } from '../../guard/lookup.ts'
import { addressAllowed, isLoopbackHost } from '../../guard/target.ts'
import { DialTurns } from './dial-turns.ts'
import { Handshakes } from './handshakes.ts'
import { type DialFailure, type DialTarget, type Link, Opening, type OpeningOptions } from './opening.ts'
import { interleave, Race } from './race.ts'

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
  /** For the lookup, and until TCP and TLS are ready, in milliseconds, for all addresses together (C11). */
  readonly timeoutMs: number
  /** Sockets that connect next to two others for the same request, shared by tenants. Default: 1,000. */
  readonly maxExtraSockets?: number
  /** Whether several tenants are active, so that each leaves time to the others. Default: never. */
  readonly isShared?: (() => boolean) | undefined
}

/** The time for connecting was over before the name was resolved. */
class LookupTimeout extends Error {
  readonly code = 'POSTHORN_LOOKUP_TIMEOUT'
}

/** There was no connection in time. */
class ConnectTimeout extends Error {
  readonly code = 'POSTHORN_CONNECT_TIMEOUT'
}

/** There was no connection in time, because the tenant's receivers make TLS costly (handshakes.ts). */
class HandshakesRest extends Error {
  readonly code = 'POSTHORN_HANDSHAKES_REST'
}

/** A connection that came to nothing before TLS. */
const NOWHERE = { address: null, isIdentified: false, isCertificateAsked: false }

const MAX_EXTRA_SOCKETS = 1_000

/**
 * Opens connections to receivers. The guard checks every address that a lookup returns, every address literal (which is
 * never looked up), and the address of each connected socket (C3). A proxy is only asked for checked addresses.
 */
export class Dialer {
  readonly #options: DialerOptions
  readonly #extraSockets: SharedBudget
  readonly #turns: DialTurns
  readonly #handshakes: Handshakes

  constructor(options: DialerOptions) {
    const { clock, isShared = () => false } = options
    this.#options = options
    this.#turns = new DialTurns(clock, isShared)
    this.#handshakes = new Handshakes(clock, isShared)
    this.#extraSockets = new SharedBudget(options.maxExtraSockets ?? MAX_EXTRA_SOCKETS)
  }

  /** Calls one of the events once, never from within this call. Returns the function that gives up without a report. */
  dial(target: DialTarget, events: DialEvents): () => void {
    const room = this.#extraSockets.of(target.tenant)
    const bounds = { extraSockets: room, turns: this.#turns, handshakes: this.#handshakes }
    const dialling = new Dialling(target, this.#options, bounds, events)
    dialling.start()
    return () => dialling.end()
  }
}

/** What connections that are being opened have in common. */
type Bounds = { readonly extraSockets: Room; readonly turns: DialTurns; readonly handshakes: Handshakes }

/** A connection being opened: looked up → its turn → tried at its addresses → ready or failed. */
class Dialling {
  readonly #target: DialTarget
  readonly #options: DialerOptions
  readonly #bounds: Bounds
  readonly #events: DialEvents
  readonly #abort = new AbortController()
  readonly #openings: Opening[] = []
  #race: Race<LookupAddress, Link, DialFailure> | undefined
  #timer: Timer | undefined
  #isOver = false

  constructor(target: DialTarget, options: DialerOptions, bounds: Bounds, events: DialEvents) {
    this.#target = target
    this.#options = options
    this.#bounds = bounds
    this.#events = events
  }

  start(): void {
    const { clock, timeoutMs } = this.#options
    const startedAtMs = clock.monotonicMs()
    this.#timer = clock.after(timeoutMs, () => this.#failLate())
    this.#addresses().then(
      addresses => {
        if (this.#isOver) return
        // The wait for its turn is not the receiver's fault, and doesn't count.
        this.#timer?.cancel()
        const leftMs = Math.max(0, startedAtMs + timeoutMs - clock.monotonicMs())
        this.#bounds.turns.take(this.#target.tenant, () => this.#tryAll(addresses, leftMs))
      },
      error => this.#fail({ ...NOWHERE, error }),
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

  #tryAll(addresses: readonly LookupAddress[], leftMs: number): void {
    if (this.#isOver) return
    const { clock } = this.#options
    const { extraSockets, handshakes } = this.#bounds
    this.#timer = clock.after(leftMs, () => this.#failLate())
    const options = { ...this.#options, proxy: this.#isDirect(addresses) ? null : this.#options.proxy }
    this.#race = new Race<LookupAddress, Link, DialFailure>(
      interleave(addresses),
      ({ address }, events) => {
        const opening = new Opening(this.#target, address, options, handshakes, events)
        this.#openings.push(opening)
        opening.start()
        return () => opening.end()
      },
      clock,
      extraSockets,
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
    const error =
      this.#race === undefined
        ? new LookupTimeout()
        : address !== null && this.#isResting
          ? new HandshakesRest()
          : new ConnectTimeout()
    this.#fail(this.#race?.furthest ?? { ...NOWHERE, error, address })
  }

  get #isResting(): boolean {
    const { isSecure, tenant } = this.#target
    return isSecure && this.#bounds.handshakes.isResting(tenant)
  }

  #fail(failure: DialFailure): void {
    if (this.#isOver) return
    this.end()
    this.#events.failed(failure)
  }
}
