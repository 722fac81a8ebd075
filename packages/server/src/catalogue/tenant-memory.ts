import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'
import type { MatchEndpoint } from '../store/operations/endpoints/matching.ts'
import { Contents, type Matchable } from './contents.ts'
import { BYTES_AN_ENDPOINT, type TenantIndex } from './match.ts'

/** What events of a tenant are matched against. */
export type TenantMatcher = {
  readonly version: number
  /** Null if not all of the endpoints are in memory: the event is matched from the inbox, which reads them in pages. */
  readonly index: TenantIndex | null
}

/** A cached tenant. */
export type Entry = {
  readonly matcher: TenantMatcher
  /** The last change that the index contains. 0 without an index. */
  readonly changeSeq: number
  /** Size of the contents that were first needed for this tenant. */
  readonly contentBytes: number
  /** Whether the configuration has changed since. */
  isStale: boolean
}

/** Size of a tenant without endpoints. */
const BYTES_A_TENANT = 1_000
/** Endpoints released in one go. */
const RELEASED_AT_ONCE = 2_000
/** Tenants that are looked at to find one to evict. */
const COMPARED = 64

export const ownBytes = (endpointCount: number): number => BYTES_A_TENANT + endpointCount * BYTES_AN_ENDPOINT
const ownBytesOf = ({ matcher }: Entry): number => ownBytes(matcher.index?.endpoints.length ?? 0)
const bytesOf = (entry: Entry): number => ownBytesOf(entry) + entry.contentBytes

/** The cached tenants, within a bound of bytes, and the contents that their endpoints share. Sizes are estimates. */
export class TenantMemory {
  readonly #maxBytes: number
  readonly #clock: Clock
  readonly #contents = new Contents()
  /** In order of use, the most recently used last. */
  readonly #entries = new Map<TenantId, Entry>()
  #ownBytes = 0
  /** Size of what is being read. */
  #reservedBytes = 0

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes
    this.#clock = clock
  }

  get bytes(): number {
    return this.#ownBytes + this.#reservedBytes + this.#contents.bytes
  }

  get isFull(): boolean {
    return this.bytes > this.#maxBytes
  }

  peek(tenant: TenantId): Entry | undefined {
    return this.#entries.get(tenant)
  }

  /** Makes it the most recently used. */
  touch(tenant: TenantId, entry: Entry): void {
    this.#entries.delete(tenant)
    this.#entries.set(tenant, entry)
  }

  /** Returns the endpoints with shared contents, and the size of the contents that were not there. */
  retain(endpoints: readonly MatchEndpoint[]): { endpoints: Matchable[]; contentBytes: number } {
    const before = this.#contents.bytes
    const retained = endpoints.map(endpoint => this.#contents.retain(endpoint))
    return { endpoints: retained, contentBytes: this.#contents.bytes - before }
  }

  /** Returns the size of the contents that no other endpoint has, if all are released now; many are released later. */
  release(endpoints: readonly Matchable[]): number {
    const before = this.#contents.bytes
    for (const endpoint of endpoints.slice(0, RELEASED_AT_ONCE)) this.#contents.release(endpoint)
    const rest = endpoints.slice(RELEASED_AT_ONCE)
    if (rest.length > 0) this.#clock.after(1, () => this.release(rest))
    return before - this.#contents.bytes
  }

  /** Counts what is being read; negative: no longer. */
  reserve(bytes: number): void {
    this.#reservedBytes += bytes
  }

  /** Caches a tenant, instead of what was cached of it, and evicts others if there is too little room. */
  keep(tenant: TenantId, entry: Entry): void {
    const before = this.#entries.get(tenant)
    if (before !== undefined) this.#ownBytes -= ownBytesOf(before)
    this.touch(tenant, entry)
    this.#ownBytes += ownBytesOf(entry)
    this.makeRoom(tenant)
  }

  /** Evicts others than this tenant until there is room, or no other is left. */
  makeRoom(except: TenantId): void {
    while (this.isFull) {
      const evicted = this.#choose(except)
      if (evicted === undefined) return
      this.forget(evicted)
    }
  }

  forget(tenant: TenantId): void {
    const entry = this.#entries.get(tenant)
    if (entry === undefined) return
    this.#entries.delete(tenant)
    this.#ownBytes -= ownBytesOf(entry)
    this.release(entry.matcher.index?.endpoints ?? [])
  }

  clear(): void {
    for (const tenant of [...this.#entries.keys()]) this.forget(tenant)
  }

  /**
   * The least recently used tenant that is not smaller than the average, so that no large tenant can evict small ones;
   * if there is none among the first, the largest of them.
   */
  #choose(except: TenantId): TenantId | undefined {
    const average = this.#maxBytes / this.#entries.size
    let largest: TenantId | undefined
    let most = 0
    let compared = 0
    for (const [tenant, entry] of this.#entries) {
      if (tenant === except) continue
      const bytes = bytesOf(entry)
      if (bytes >= average) return tenant
      if (bytes > most) [largest, most] = [tenant, bytes]
      if (++compared === COMPARED) break
    }
    return largest
  }
}
