import type { Clock } from '../base/clock.ts'
import type { EndpointId, TenantId } from '../base/model.ts'
import { Contents, type KeptFilter, type Matchable } from '../catalogue/contents.ts'
import { createSelection } from '../catalogue/type-pattern.ts'
import type { SharedTurns } from '../publish/turns.ts'
import type { MatchEndpoint, TenantConfiguration } from '../store/operations/endpoints/matching.ts'
import type { Store } from '../store/store.ts'
import type { Wanting } from './sieve.ts'

/** What one endpoint wants, or one that was deleted: nothing. */
export function wantingOf(endpoint: Pick<Matchable, 'types' | 'filter'> | null): Wanting {
  const isWanted = endpoint === null ? () => false : createSelection(endpoint.types)
  return {
    isWanted: (_endpoint, type) => isWanted(type),
    hasFilter: () => endpoint !== null && endpoint.filter !== null,
    filterOf: async () => endpoint?.filter ?? null,
  }
}

type Place = Pick<MatchEndpoint, 'id' | 'partition'>

/** Endpoints in one read: as many as their types and filters allow. */
const PAGE = { first: 64, most: 1_000, maxCharacters: 256 * 1024 }
/** Pause after each page, in milliseconds. */
const PAUSE_MS = 1
/** Filters kept, by their estimated size when compiled. Beyond that all are dropped, and read again when needed. */
const MAX_FILTER_BYTES = 16 * 1024 * 1024

/**
 * Which of a tenant's endpoints want which types. Reads the endpoints in pages and keeps a byte for each answer, and a
 * limited number of filters.
 */
export class WantingEndpoints implements Wanting {
  readonly #store: Store
  readonly #clock: Clock
  readonly #turns: SharedTurns
  readonly #tenant: TenantId
  readonly #only: EndpointId | null
  readonly #places: Place[] = []
  readonly #indexes = new Map<EndpointId, number>()
  readonly #filtered = new Set<EndpointId>()
  readonly #byType = new Map<string, Uint8Array>()
  /** Null: the endpoint has none now. */
  readonly #filters = new Map<EndpointId, KeptFilter | null>()
  #contents = new Contents()

  /** @param only the only endpoint that matters; null: all */
  constructor(store: Store, clock: Clock, turns: SharedTurns, tenant: TenantId, only: EndpointId | null) {
    this.#store = store
    this.#clock = clock
    this.#turns = turns
    this.#tenant = tenant
    this.#only = only
  }

  /** The endpoints that there are, in the order of their ids. Null if the tenant does not exist. */
  async list(): Promise<readonly Place[] | null> {
    const isThere = await this.#each(({ id, partition, filterText }) => {
      this.#indexes.set(id, this.#places.length)
      this.#places.push({ id, partition })
      if (filterText !== null) this.#filtered.add(id)
    })
    return isThere ? this.#places : null
  }

  /**
   * Finds out who wants these types. To be called after `list`, and before `isWanted`.
   *
   * @param isLate whether to give up, which leaves the types unknown. Returns false then
   */
  async learn(types: Iterable<string>, isLate: () => boolean): Promise<boolean> {
    const unknown = [...new Set(types)].filter(type => !this.#byType.has(type))
    if (unknown.length === 0) return true
    const answers = unknown.map(() => new Uint8Array(this.#places.length))
    const visit = ({ id, types: names }: MatchEndpoint) => {
      const index = this.#indexes.get(id)
      if (index === undefined) return
      const isWanted = createSelection(names)
      for (const [at, type] of unknown.entries()) if (isWanted(type)) answers[at]![index] = 1
    }
    await this.#each(visit, isLate)
    if (isLate()) return false
    for (const [at, type] of unknown.entries()) this.#byType.set(type, answers[at]!)
    return true
  }

  isWanted(endpoint: EndpointId, type: string): boolean {
    const index = this.#indexes.get(endpoint)
    return index !== undefined && this.#byType.get(type)?.[index] === 1
  }

  hasFilter(endpoint: EndpointId): boolean {
    return this.#filtered.has(endpoint)
  }

  async filterOf(endpoint: EndpointId): Promise<KeptFilter | null> {
    const known = this.#filters.get(endpoint)
    if (known !== undefined) return known
    if (this.#contents.bytes > MAX_FILTER_BYTES) {
      this.#filters.clear()
      this.#contents = new Contents()
    }
    // Those after it are usually asked for next.
    const before = this.#places[this.#indexes.get(endpoint)! - 1]?.id ?? null
    const page = await this.#read(before, PAGE.first)
    for (const one of page?.endpoints ?? []) {
      this.#filters.set(one.id, this.#contents.retain({ ...one, types: null }).filter)
    }
    const filter = this.#filters.get(endpoint) ?? null
    // It was deleted.
    if (filter === null) this.#filters.set(endpoint, null)
    return filter
  }

  #read(after: EndpointId | null, limit: number): Promise<TenantConfiguration | null> {
    const { maxCharacters } = PAGE
    return this.#store.read('readTenantConfiguration', {
      tenant: this.#tenant,
      after,
      only: this.#only,
      limit,
      maxCharacters,
    })
  }

  async #each(visit: (endpoint: MatchEndpoint) => void, isLate = () => false): Promise<boolean> {
    let after: EndpointId | null = null
    let limit = PAGE.first
    for (;;) {
      const read: TenantConfiguration | null = await this.#read(after, limit)
      if (read === null) return false
      for (const endpoint of read.endpoints) await this.#turns.take(this.#tenant, () => visit(endpoint))
      if (!read.hasMore || isLate()) return true
      after = read.endpoints.at(-1)!.id
      // The store reads a page's endpoints before it knows their size: no more than it is likely to return.
      limit = Math.min(PAGE.most, 2 * read.endpoints.length)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#clock.after(PAUSE_MS, resolve)
      await promise
    }
  }
}
