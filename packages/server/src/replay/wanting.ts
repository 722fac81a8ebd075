import type { Clock } from '../base/clock.ts'
import type { EndpointId, TenantId } from '../base/model.ts'
import { createSelection } from '../catalogue/type-pattern.ts'
import type { MatchEndpoint, TenantConfiguration } from '../store/operations/endpoints/matching.ts'
import type { Store } from '../store/store.ts'

type Place = Pick<MatchEndpoint, 'id' | 'partition'>

/** Endpoints in one read: as many as their types and filters allow. */
const PAGE = { first: 64, most: 1_000, maxCharacters: 256 * 1024 }
/** Pause after each page, in milliseconds. */
const PAUSE_MS = 1

/** Which of a tenant's endpoints want which types. Reads the endpoints in pages and keeps a byte for each answer. */
export class WantingEndpoints {
  readonly #store: Store
  readonly #clock: Clock
  readonly #tenant: TenantId
  readonly #only: EndpointId | null
  readonly #places: Place[] = []
  readonly #indexes = new Map<EndpointId, number>()
  readonly #byType = new Map<string, Uint8Array>()

  /** @param only the only endpoint that matters; null: all */
  constructor(store: Store, clock: Clock, tenant: TenantId, only: EndpointId | null) {
    this.#store = store
    this.#clock = clock
    this.#tenant = tenant
    this.#only = only
  }

  /** The endpoints that there are, in the order of their ids. Null if the tenant does not exist. */
  async list(): Promise<readonly Place[] | null> {
    const isThere = await this.#each(({ id, partition }) => {
      this.#indexes.set(id, this.#places.length)
      this.#places.push({ id, partition })
    })
    return isThere ? this.#places : null
  }

  /** Finds out who wants these types. To be called after `list`, and before `has`. */
  async learn(types: Iterable<string>): Promise<void> {
    const unknown = [...new Set(types)].filter(type => !this.#byType.has(type))
    if (unknown.length === 0) return
    const answers = unknown.map(() => new Uint8Array(this.#places.length))
    await this.#each(({ id, types: names }) => {
      const index = this.#indexes.get(id)
      if (index === undefined) return
      const isWanted = createSelection(names)
      for (const [at, type] of unknown.entries()) if (isWanted(type)) answers[at]![index] = 1
    })
    for (const [at, type] of unknown.entries()) this.#byType.set(type, answers[at]!)
  }

  has(endpoint: EndpointId, type: string): boolean {
    const index = this.#indexes.get(endpoint)
    return index !== undefined && this.#byType.get(type)?.[index] === 1
  }

  async #each(visit: (endpoint: MatchEndpoint) => void): Promise<boolean> {
    let after: EndpointId | null = null
    let limit = PAGE.first
    for (;;) {
      const read: TenantConfiguration | null = await this.#store.read('readTenantConfiguration', {
        tenant: this.#tenant,
        after,
        only: this.#only,
        limit,
        maxCharacters: PAGE.maxCharacters,
      })
      if (read === null) return false
      for (const endpoint of read.endpoints) visit(endpoint)
      if (!read.hasMore) return true
      after = read.endpoints.at(-1)!.id
      // The store reads a page's endpoints before it knows their size: no more than it is likely to return.
      limit = Math.min(PAGE.most, 2 * read.endpoints.length)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#clock.after(PAUSE_MS, resolve)
      await promise
    }
  }
}
