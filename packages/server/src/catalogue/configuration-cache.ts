import type { EventType, NotSentReason, TenantId } from '../base/model.ts'
import { isTenantId } from '../base/tenant-id.ts'
import type { MatchEndpoint } from '../store/operations/endpoints/endpoints.ts'
import type { Store } from '../store/store.ts'
import { Filters } from './filter.ts'
import { createMatcher, decide, type Matcher, type Selection } from './match.ts'
import { compileSchema, type SchemaFault } from './schema.ts'

/** Maximum number of cached endpoints, over all tenants. The least recently used tenants are evicted first. */
const MAX_CACHED_ENDPOINTS = 200_000

export type TenantMatcher = Matcher & {
  readonly version: number
  /** In the order of their ids. */
  readonly endpoints: readonly MatchEndpoint[]
  /** Why an endpoint with this selection gets no delivery. Undefined if it gets one. */
  decide(selection: Selection, type: string, payload: unknown): NotSentReason | undefined
}

/** An event type with its schema ready to use. */
export type KnownType = {
  readonly type: EventType
  /** Compiles the schema on first use: most installations never see most of their types in one run. */
  validate(value: unknown): SchemaFault[]
}

export type KnownTypes = {
  readonly version: number
  readonly list: readonly EventType[]
  readonly byName: ReadonlyMap<string, KnownType>
}

/**
 * The configuration that events are validated and matched against, cached in memory. A stale copy costs a second try,
 * never a delivery: the transaction that stores an event compares versions.
 */
export type Configuration = { readonly catalogue: CatalogueCache; readonly tenants: TenantCache }

/** Caches the event types and their schemas: absent → loading → current, then absent again if the catalogue changes. */
export class CatalogueCache {
  readonly #store: Store
  #current: KnownTypes | undefined
  #loading: Promise<KnownTypes> | undefined
  /** Compiled schemas by type name, for reuse: a new version of the catalogue rarely changes more than one. */
  #compiled = new Map<string, { readonly schema: string; readonly known: KnownType }>()

  constructor(store: Store) {
    this.#store = store
    store.changes.on(({ kind }) => {
      if (kind === 'catalogue' || kind === 'doubt') this.#forget()
    })
  }

  /** Returns no promise if the catalogue is cached, so that the hot path never waits for a turn of the event loop. */
  get(): KnownTypes | Promise<KnownTypes> {
    return this.#current ?? this.#loading ?? this.#load()
  }

  /** Drops a version that the store reported as stale, unless a newer one is already cached. */
  drop(stale: KnownTypes): void {
    if (this.#current === stale) this.#forget()
  }

  #forget(): void {
    this.#current = undefined
    this.#loading = undefined
  }

  #load(): Promise<KnownTypes> {
    const loading = this.#read()
    this.#loading = loading
    const done = (known?: KnownTypes) => {
      // A change superseded this load: its result goes to the callers already waiting, but is not cached.
      if (this.#loading !== loading) return
      this.#loading = undefined
      this.#current = known
    }
    loading.then(done, () => done())
    return loading
  }

  async #read(): Promise<KnownTypes> {
    const { version, types } = await this.#store.read('readCatalogue', {})
    const before = this.#compiled
    const compiled: typeof before = new Map()
    const byName = new Map<string, KnownType>()
    for (const type of types) {
      const schema = JSON.stringify(type.schema)
      const old = before.get(type.name)
      const known = old?.schema === schema ? { type, validate: old.known.validate } : toKnown(type)
      compiled.set(type.name, { schema, known })
      byName.set(type.name, known)
    }
    this.#compiled = compiled
    return { version, list: types, byName }
  }
}

function toKnown(type: EventType): KnownType {
  let validate: ((value: unknown) => SchemaFault[]) | undefined
  return {
    type,
    validate(value) {
      if (validate === undefined) {
        const compiled = compileSchema(type.schema)
        // The schema compiled when it was stored, so this is a bug of ours and not the publisher's mistake.
        if (!compiled.ok) throw new Error(`The stored schema of ${type.name} does not compile: ${compiled.detail}`)
        validate = compiled.validate
      }
      return validate(value)
    },
  }
}

/** Caches the endpoints of recently used tenants, ready for matching. The least recently used tenants go first. */
export class TenantCache {
  readonly #store: Store
  readonly #maxEndpoints: number
  /** In order of use, the most recently used last. */
  readonly #cached = new Map<TenantId, TenantMatcher>()
  readonly #loading = new Map<TenantId, Promise<TenantMatcher | null>>()
  readonly #filters = new Filters()
  #weight = 0

  constructor(store: Store, maxEndpoints = MAX_CACHED_ENDPOINTS) {
    this.#store = store
    this.#maxEndpoints = maxEndpoints
    store.changes.on(change => {
      if (change.kind === 'tenant' || change.kind === 'endpoint') this.#forget(change.tenant)
      else if (change.kind === 'doubt') this.#forgetAll()
    })
  }

  /** Null if the tenant does not exist. That is not cached, or made-up names in calls would fill the memory. */
  get(tenant: TenantId): TenantMatcher | Promise<TenantMatcher | null> {
    const cached = this.#cached.get(tenant)
    if (cached === undefined) return this.#loading.get(tenant) ?? this.#load(tenant)
    this.#cached.delete(tenant)
    this.#cached.set(tenant, cached)
    return cached
  }

  /** Drops a copy that the store reported as stale, unless a newer one is already cached. */
  drop(tenant: TenantId, stale: TenantMatcher): void {
    if (this.#cached.get(tenant) === stale) this.#forget(tenant)
  }

  #load(tenant: TenantId): Promise<TenantMatcher | null> {
    const loading = this.#read(tenant)
    this.#loading.set(tenant, loading)
    const done = (matcher: TenantMatcher | null) => {
      // A change superseded this load: its result goes to the callers already waiting, but is not cached.
      if (this.#loading.get(tenant) !== loading) return
      this.#loading.delete(tenant)
      if (matcher !== null) this.#keep(tenant, matcher)
    }
    loading.then(done, () => done(null))
    return loading
  }

  async #read(tenant: TenantId): Promise<TenantMatcher | null> {
    const configuration = !isTenantId(tenant) ? null : await this.#store.read('readTenantConfiguration', { tenant })
    if (configuration === null) return null
    const { version, endpoints } = configuration
    const filters = this.#filters
    return {
      version,
      endpoints,
      ...createMatcher(configuration, filters),
      decide: (selection, type, payload) => decide(selection, type, payload, filters),
    }
  }

  #keep(tenant: TenantId, matcher: TenantMatcher): void {
    this.#cached.set(tenant, matcher)
    this.#weight += weightOf(matcher)
    for (const oldest of this.#cached.keys()) {
      if (this.#weight <= this.#maxEndpoints || oldest === tenant) break
      this.#forget(oldest)
    }
  }

  #forget(tenant: TenantId): void {
    this.#loading.delete(tenant)
    const cached = this.#cached.get(tenant)
    if (cached === undefined) return
    this.#cached.delete(tenant)
    this.#weight -= weightOf(cached)
  }

  #forgetAll(): void {
    this.#loading.clear()
    this.#cached.clear()
    this.#weight = 0
  }
}

/** One more than the endpoints, since a tenant without endpoints takes memory too. */
function weightOf({ endpoints }: TenantMatcher): number {
  return endpoints.length + 1
}
