import type { Clock } from '../../base/clock.ts'
import { HOUR_MS, MINUTE_MS } from '../../base/durations.ts'
import type { TenantId } from '../../base/model.ts'

/** Handshakes of a tenant in progress while others are active: more could keep the thread for seconds together. */
const AT_ONCE = 8
/** How long connecting by TCP takes one of these places: where nothing answers, it takes as long as it may. */
const CONNECTING_MS = 1_000
/** How often it is looked whether handshakes keep the thread, while there are any. */
const LOOK_MS = 20
/** What a usual handshake takes of the thread at most, in milliseconds. */
const USUAL_MS = 4
/** Handshakes that take more beyond that, in milliseconds, are costly. */
const COSTLY_MS = 20
/** What takes this long is no chance: it counts twice. */
const SURE_MS = 250
/** How long a tenant rests after its second costly handshake, in multiples of its cost. Four times as long after each further one. */
const REST_FACTOR = 20
const GROWTH = 4
const LONGEST_REST_MS = 10 * MINUTE_MS
/** How long after a costly handshake a tenant is one with costly handshakes. */
const REMEMBERED_MS = HOUR_MS

/** `count`: costly handshakes. */
type Record = { count: number; lastAtMs: number; restsUntilMs: number }

/** A connection that is being opened. */
export type Handshake = {
  /** TCP is connected: TLS begins. */
  connected(): void
  /** It is over, however it ended. */
  end(): void
}

/**
 * Notices tenants whose receivers make TLS costly, and has them rest. OpenSSL verifies the certificates of a receiver on
 * this thread, up to 100 KB of them and even if their authority is unknown: a chain of RSA keys with 16,384 bits takes
 * more than a tenth of a second, and one of DSA keys can take longer. No setting bounds it.
 *
 * What a handshake takes can't be measured by itself. So the thread is watched while there are any: every tenant that had one
 * in progress while the thread was kept for long is suspected. The first time can be chance (someone else's handshake, a
 * garbage collection). From the second time on a tenant rests, longer each time, and has one handshake at a time.
 */
export class Handshakes {
  readonly #clock: Clock
  readonly #cpuMs: () => number
  readonly #isShared: () => boolean
  readonly #open = new Map<TenantId, Set<object>>()
  /** Tenants that had a handshake by TLS since the last look, and how many of these have ended. */
  readonly #seen = new Set<TenantId>()
  #ended = 0
  readonly #speaking = new Map<object, TenantId>()
  readonly #records = new Map<TenantId, Record>()
  #looked: { readonly atMs: number; readonly cpuMs: number } | undefined
  /** Called when a tenant might have room for another handshake. */
  onRoom: () => void = () => {}

  /**
   * @param isShared whether several tenants are active
   * @param cpuMs processor time of this thread, in milliseconds
   */
  constructor(clock: Clock, isShared: () => boolean, cpuMs: () => number = threadCpuMs) {
    this.#clock = clock
    this.#isShared = isShared
    this.#cpuMs = cpuMs
  }

  /** How long a tenant has to rest before its next handshake; Infinity: until another one of it is over. */
  waitMs(tenant: TenantId): number {
    const record = this.#recordOf(tenant)
    const open = this.#open.get(tenant)?.size ?? 0
    if (open >= (this.isSuspect(tenant) ? 1 : this.#isShared() ? AT_ONCE : Number.POSITIVE_INFINITY)) {
      return Number.POSITIVE_INFINITY
    }
    return record === undefined ? 0 : Math.max(0, record.restsUntilMs - this.#clock.monotonicMs())
  }

  /** Whether a tenant has costly handshakes, so that each of them is one too many. */
  isSuspect(tenant: TenantId): boolean {
    return (this.#recordOf(tenant)?.count ?? 0) > 1
  }

  begin(tenant: TenantId): Handshake {
    const place = {}
    const open = this.#open.get(tenant) ?? new Set()
    this.#open.set(tenant, open.add(place))
    const timer = this.#clock.after(CONNECTING_MS, () => this.#leave(tenant, place))
    return {
      connected: () => {
        timer.cancel()
        this.#open.set(tenant, (this.#open.get(tenant) ?? new Set()).add(place))
        this.#speaking.set(place, tenant)
        this.#seen.add(tenant)
        this.#watch()
      },
      end: () => {
        timer.cancel()
        if (this.#speaking.delete(place)) this.#ended++
        this.#leave(tenant, place)
      },
    }
  }

  #leave(tenant: TenantId, place: object): void {
    const open = this.#open.get(tenant)
    if (open?.delete(place) !== true) return
    if (open.size === 0) this.#open.delete(tenant)
    this.onRoom()
  }

  #watch(): void {
    if (this.#looked !== undefined) return
    this.#looked = { atMs: this.#clock.monotonicMs(), cpuMs: this.#cpuMs() }
    this.#clock.after(LOOK_MS, () => this.#look(this.#looked!))
  }

  #look({ atMs, cpuMs }: { readonly atMs: number; readonly cpuMs: number }): void {
    // A thread that doesn't get the processor is late, too: only what it has used counts.
    const lateMs = this.#clock.monotonicMs() - atMs - LOOK_MS
    const keptMs = Math.min(lateMs, this.#cpuMs() - cpuMs) - USUAL_MS * this.#ended
    if (keptMs >= COSTLY_MS) for (const tenant of this.#seen) this.#note(tenant, keptMs)
    this.#looked = undefined
    this.#seen.clear()
    this.#ended = 0
    for (const tenant of this.#speaking.values()) this.#seen.add(tenant)
    if (this.#seen.size > 0) this.#watch()
  }

  #note(tenant: TenantId, ms: number): void {
    const nowMs = this.#clock.monotonicMs()
    const record = this.#recordOf(tenant) ?? { count: 0, lastAtMs: nowMs, restsUntilMs: 0 }
    this.#records.set(tenant, record)
    record.lastAtMs = nowMs
    record.count += ms >= SURE_MS ? 2 : 1
    if (record.count === 1) return
    const restMs = Math.min(ms * REST_FACTOR * GROWTH ** (record.count - 2), LONGEST_REST_MS)
    record.restsUntilMs = Math.max(record.restsUntilMs, nowMs + restMs)
  }

  #recordOf(tenant: TenantId): Record | undefined {
    const record = this.#records.get(tenant)
    if (record === undefined || this.#clock.monotonicMs() - record.lastAtMs < REMEMBERED_MS) return record
    this.#records.delete(tenant)
    return undefined
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
