import { type Clock, systemClock } from '../base/clock.ts'
import type { EndpointId, TenantId } from '../base/model.ts'
import { isTenantId } from '../base/tenant-id.ts'
import type { TenantConfiguration } from '../store/operations/endpoints/matching.ts'
import type { Store } from '../store/store.ts'
import type { Matchable } from './contents.ts'
import { BYTES_AN_ENDPOINT, TenantIndex } from './match.ts'
import { type Entry, ownBytes, type TenantMatcher, TenantMemory } from './tenant-memory.ts'

export type TenantCacheOptions = {
  /** Maximum estimated size of everything that is cached, in bytes. Default: 256 MiB. */
  readonly configurationMemoryBytes?: number
  readonly clock?: Clock
  /** The most endpoints in one read. Default: 1,000. */
  readonly pageSize?: number
}

const MEMORY_BYTES = 256 * 1024 * 1024
/** A tenant beyond this share of the memory is not cached. */
const TENANT_SHARE = 1 / 4
const PAGE_SIZE = 1_000
const PAGE_CHARACTERS = 256 * 1024
/** Changed endpoints in one read. If there are more, the tenant is read from scratch. */
const CHANGES_A_READ = 64
/** Reads of changes while others replace the copy. */
const MAX_TRIES = 3
/** Pause after each page of a tenant that is being read in the background, in milliseconds. */
const PAUSE_MS = 2
/** How long a tenant that was too large is not tried again. */
const TOO_LARGE_MS = 5 * 60_000
/** Tenants that are remembered as too large. */
const MAX_TOO_LARGE = 10_000

/** A tenant that is being read in the background. */
type Build = {
  readonly tenant: TenantId
  /** The last change before it was begun. */
  readonly since: number
  readonly endpoints: Matchable[]
  contentBytes: number
  hasMore: boolean
  /** The most endpoints to read next: the store reads them all before it knows how many fit into a page. */
  limit: number
}

/**
 * Caches the endpoints of recently used tenants, ready for matching, within a bound of bytes for each tenant and for all
 * (decision 37):
 *
 * - A tenant that fits into one page is read when its first event arrives. A larger one is read in the background, and
 *   in the meantime its events are matched from the inbox.
 * - After a change only the endpoints that changed are read and replaced.
 * - A tenant beyond its share of the memory is not cached: its events are always matched from the inbox.
 */
export class TenantCache {
  readonly #store: Store
  readonly #clock: Clock
  readonly #maxTenantBytes: number
  readonly #pageSize: number
  readonly #memory: TenantMemory
  readonly #loading = new Map<TenantId, Promise<TenantMatcher | null>>()
  /** In the order in which their next pages are read. */
  readonly #builds = new Map<TenantId, Build>()
  #isBuilding = false
  readonly #tooLargeUntilMs = new Map<TenantId, number>()

  constructor(store: Store, options: TenantCacheOptions = {}) {
    const { configurationMemoryBytes = MEMORY_BYTES, clock = systemClock, pageSize = PAGE_SIZE } = options
    this.#store = store
    this.#clock = clock
    this.#maxTenantBytes = configurationMemoryBytes * TENANT_SHARE
    this.#pageSize = pageSize
    this.#memory = new TenantMemory(configurationMemoryBytes, clock)
    store.changes.on(change => {
      if (change.kind === 'tenant' || change.kind === 'endpoint') this.#makeStale(change.tenant)
      else if (change.kind === 'doubt') this.#forgetAll()
    })
  }

  /** Estimated size of everything that is cached, in bytes. */
  get bytes(): number {
    return this.#memory.bytes
  }

  /** Null if the tenant does not exist. That is not cached, or made-up names in calls would fill the memory. */
  get(tenant: TenantId): TenantMatcher | Promise<TenantMatcher | null> {
    const entry = this.#memory.peek(tenant)
    if (entry === undefined || entry.isStale) return this.#loading.get(tenant) ?? this.#load(tenant)
    this.#memory.touch(tenant, entry)
    // Reading it failed, or there is room again for what was too large.
    if (entry.matcher.index === null && !this.#builds.has(tenant) && !this.#isTooLarge(tenant)) entry.isStale = true
    return entry.matcher
  }

  /** Makes a copy that the store reported as stale be read again, unless a newer one is already cached. */
  drop(tenant: TenantId, stale: TenantMatcher): void {
    if (this.#memory.peek(tenant)?.matcher === stale) this.#makeStale(tenant)
  }

  #makeStale(tenant: TenantId): void {
    this.#loading.delete(tenant)
    const entry = this.#memory.peek(tenant)
    if (entry !== undefined) entry.isStale = true
  }

  #forgetAll(): void {
    this.#loading.clear()
    this.#memory.clear()
    for (const build of this.#builds.values()) this.#end(build)
  }

  #load(tenant: TenantId): Promise<TenantMatcher | null> {
    // A change supersedes this load: its result goes to the callers already waiting, and is read again for later ones.
    const loading: Promise<TenantMatcher | null> = this.#read(tenant, () => this.#loading.get(tenant) === loading)
    this.#loading.set(tenant, loading)
    const done = () => {
      if (this.#loading.get(tenant) === loading) this.#loading.delete(tenant)
    }
    loading.then(done, done)
    return loading
  }

  async #read(tenant: TenantId, isCurrent: () => boolean): Promise<TenantMatcher | null> {
    if (!isTenantId(tenant)) return null
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const entry = this.#memory.peek(tenant)
      if (entry === undefined || entry.matcher.index === null) break
      const changed = await this.#readChanges(tenant, entry, entry.matcher.index, isCurrent)
      if (changed !== 'again') return changed
    }
    if (this.#builds.has(tenant) || this.#isTooLarge(tenant)) return this.#readVersion(tenant, isCurrent)
    const first = await this.#readPage(tenant, null, this.#pageSize)
    if (first === null) return this.#gone(tenant)
    const { version, changeSeq } = first
    if (first.hasMore) {
      this.#begin(tenant, first)
      return this.#keep(tenant, { matcher: { version, index: null }, changeSeq: 0, contentBytes: 0 }, isCurrent)
    }
    // Another read could have ended first.
    this.#memory.forget(tenant)
    const { endpoints, contentBytes } = this.#memory.retain(first.endpoints)
    const matcher = { version, index: new TenantIndex(endpoints) }
    this.#keep(tenant, { matcher, changeSeq, contentBytes }, isCurrent)
    return this.#fits(endpoints.length, contentBytes) ? matcher : this.#isNowTooLarge(tenant, version)
  }

  #keep(tenant: TenantId, entry: Omit<Entry, 'isStale'>, isCurrent: () => boolean): TenantMatcher {
    this.#memory.keep(tenant, { ...entry, isStale: !isCurrent() })
    return entry.matcher
  }

  #gone(tenant: TenantId): null {
    this.#memory.forget(tenant)
    const build = this.#builds.get(tenant)
    if (build !== undefined) this.#end(build)
    return null
  }

  #readPage(tenant: TenantId, after: EndpointId | null, limit: number): Promise<TenantConfiguration | null> {
    const page = { after, limit, maxCharacters: PAGE_CHARACTERS }
    return this.#store.read('readTenantConfiguration', { tenant, ...page })
  }

  /** For a tenant whose endpoints are not in memory. */
  async #readVersion(tenant: TenantId, isCurrent: () => boolean): Promise<TenantMatcher | null> {
    const { tenant: version } = await this.#store.read('readVersions', { tenant })
    if (version === null) return this.#gone(tenant)
    const matcher = { version, index: null }
    // Its background read could have ended in the meantime.
    if (this.#memory.peek(tenant)?.matcher.index) return matcher
    return this.#keep(tenant, { matcher, changeSeq: 0, contentBytes: 0 }, isCurrent)
  }

  /** Reads the endpoints that changed, and replaces them. */
  async #readChanges(
    tenant: TenantId,
    entry: Entry,
    index: TenantIndex,
    isCurrent: () => boolean,
  ): Promise<TenantMatcher | null | 'again'> {
    const { changeSeq: since } = entry
    const read = await this.#store.read('readEndpointChanges', { tenant, since, limit: CHANGES_A_READ })
    if (read === null) return this.#gone(tenant)
    // Evicted, or replaced by another read, in the meantime.
    if (this.#memory.peek(tenant) !== entry) return 'again'
    const { version, changeSeq, endpointCount, changes, hasMore } = read
    const gone = changes.flatMap(({ id }) => index.find(id) ?? [])
    const come = changes.flatMap(({ endpoint }) => endpoint ?? [])
    // Only if endpoints were removed for good, or written by something else, is the number wrong.
    if (hasMore || index.endpoints.length - gone.length + come.length !== endpointCount) {
      this.#memory.forget(tenant)
      return 'again'
    }
    const retained = this.#memory.retain(come)
    const added = new Map(retained.endpoints.map(endpoint => [endpoint.id, endpoint]))
    const next = index.with(changes.map(({ id }) => ({ id, endpoint: added.get(id) ?? null })))
    const contentBytes = Math.max(0, entry.contentBytes + retained.contentBytes - this.#memory.release(gone))
    const matcher = { version, index: next }
    this.#keep(tenant, { matcher, changeSeq, contentBytes }, isCurrent)
    return this.#fits(next.endpoints.length, contentBytes) ? matcher : this.#isNowTooLarge(tenant, version)
  }

  #fits(endpointCount: number, contentBytes: number): boolean {
    return ownBytes(endpointCount) + contentBytes <= this.#maxTenantBytes
  }

  #isTooLarge(tenant: TenantId): boolean {
    const untilMs = this.#tooLargeUntilMs.get(tenant)
    if (untilMs === undefined) return false
    if (this.#clock.monotonicMs() < untilMs) return true
    this.#tooLargeUntilMs.delete(tenant)
    return false
  }

  #isNowTooLarge(tenant: TenantId, version: number): TenantMatcher {
    this.#memory.forget(tenant)
    if (this.#tooLargeUntilMs.size >= MAX_TOO_LARGE) this.#tooLargeUntilMs.clear()
    this.#tooLargeUntilMs.set(tenant, this.#clock.monotonicMs() + TOO_LARGE_MS)
    return { version, index: null }
  }

  /** Reads a tenant in the background, from its second page on. */
  #begin(tenant: TenantId, first: TenantConfiguration): void {
    if (this.#builds.has(tenant)) return
    const build: Build = { tenant, since: first.changeSeq, endpoints: [], contentBytes: 0, hasMore: true, limit: 1 }
    this.#builds.set(tenant, build)
    this.#add(build, first)
    if (!this.#isBuilding) void this.#build()
  }

  /** One page after the other, of all such tenants in turn. A failure ends it: the tenant's next event begins again. */
  async #build(): Promise<void> {
    this.#isBuilding = true
    for (let build = this.#next(); build !== undefined; build = this.#next()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#clock.after(PAUSE_MS, resolve)
      await promise
      try {
        if (build.hasMore) await this.#readOn(build)
        else this.#complete(build)
      } catch {
        this.#end(build)
      }
    }
    this.#isBuilding = false
  }

  /** The tenant whose last page was read longest ago. */
  #next(): Build | undefined {
    const [build] = this.#builds.values()
    if (build === undefined) return undefined
    this.#builds.delete(build.tenant)
    this.#builds.set(build.tenant, build)
    return build
  }

  async #readOn(build: Build): Promise<void> {
    const page = await this.#readPage(build.tenant, build.endpoints.at(-1)?.id ?? null, build.limit)
    if (this.#builds.get(build.tenant) !== build) return
    if (page === null) this.#end(build)
    else this.#add(build, page)
  }

  #add(build: Build, page: TenantConfiguration): void {
    const { endpoints, contentBytes } = this.#memory.retain(page.endpoints)
    for (const endpoint of endpoints) build.endpoints.push(endpoint)
    build.contentBytes += contentBytes
    build.hasMore = page.hasMore
    build.limit = Math.min(this.#pageSize, 2 * page.endpoints.length)
    this.#memory.reserve(endpoints.length * BYTES_AN_ENDPOINT)
    this.#memory.makeRoom(build.tenant)
    if (this.#fits(build.endpoints.length, build.contentBytes) && !this.#memory.isFull) return
    this.#end(build)
    this.#isNowTooLarge(build.tenant, page.version)
  }

  /** The next event reads what has changed since the first page, and is matched in memory. */
  #complete(build: Build): void {
    const { tenant, since: changeSeq, contentBytes } = build
    this.#take(build)
    const matcher = { version: 0, index: new TenantIndex(build.endpoints) }
    this.#loading.delete(tenant)
    this.#memory.keep(tenant, { matcher, changeSeq, contentBytes, isStale: true })
  }

  /** Gives up reading a tenant. */
  #end(build: Build): void {
    this.#take(build)
    this.#memory.release(build.endpoints)
  }

  #take(build: Build): void {
    if (this.#builds.get(build.tenant) === build) this.#builds.delete(build.tenant)
    this.#memory.reserve(-build.endpoints.length * BYTES_AN_ENDPOINT)
  }
}
