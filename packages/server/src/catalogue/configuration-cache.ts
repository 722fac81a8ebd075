import type { EventType, NotSentReason, TenantId } from '../base/model.ts'
import { isTenantId } from '../base/tenant-id.ts'
import type { MatchEndpoint } from '../store/operations/endpoints/endpoints.ts'
import type { Store } from '../store/store.ts'
import { Filters } from './filter.ts'
import { createMatcher, decide, type Matcher, type Selection } from './match.ts'
import { compileSchema, type SchemaFault } from './schema.ts'

/** Endpoints of all tenants together that are kept; the tenants used longest ago go first. */
const MAX_CACHED_ENDPOINTS = 200_000

export type TenantMatcher = Matcher & {
  readonly version: number
  /** In the order of their ids. */
  readonly endpoints: readonly MatchEndpoint[]
  /** Why an endpoint that wants these gets no delivery; undefined: it gets one. */
  decide(selection: Selection, type: string, payload: unknown): NotSentReason | undefined
}

/** An event type with its schema ready to use. */
export type KnownType = {
  readonly type: EventType
  /** Compiled at the first use: most installations never see most of their types in one run. */
  validate(value: unknown): SchemaFault[]
}

export type KnownTypes = {
  readonly version: number
  readonly list: readonly EventType[]
  readonly byName: ReadonlyMap<string, KnownType>
}

/**
 * What events are validated and matched against, kept in memory. A copy that is out of date costs a second try, never a
 * delivery: storing compares versions in its transaction.
 */
export type Configuration = { readonly catalogue: CatalogueCache; readonly tenants: TenantCache }

/** The event types, with their schemas: absent → loading → current → absent, when the catalogue changes. */
export class CatalogueCache {
  readonly #store: Store
  #current: KnownTypes | undefined
  #loading: Promise<KnownTypes> | undefined
  /** What was compiled, by name: a new version of the catalogue rarely changes more than one schema. */
  #compiled = new Map<string, { readonly schema: string; readonly known: KnownType }>()

  constructor(store: Store) {
    this.#store = store
    store.changes.on(({ kind }) => {
      if (kind === 'catalogue' || kind === 'doubt') this.#forget()
    })
  }

  /** Answers without a promise where it can, so that the hot path never waits for a turn of the event loop. */
  get(): KnownTypes | Promise<KnownTypes> {
    return this.#current ?? this.#loading ?? this.#load()
  }

  /** Forgets a version that the store calls stale, unless a newer one is here already. */
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
      // A change that came meanwhile has put this load aside: its result serves those who wait, nobody after them.
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
        // It compiled when it was put there, so this is a fault of ours and no business of the publisher's.
        if (!compiled.ok) throw new Error(`The stored schema of ${type.name} does not compile: ${compiled.detail}`)
        validate = compiled.validate
      }
      return validate(value)
    },
  }
}

/** The endpoints of the tenants that are in use, each tenant's ready to be matched; those used longest ago go first. */
export class TenantCache {
  readonly #store: Store
  readonly #maxEndpoints: number
  /** In order of use, the latest last. */
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

  /** null: there is no such tenant. That is not kept, or anybody's invented names would fill the memory. */
  get(tenant: TenantId): TenantMatcher | Promise<TenantMatcher | null> {
    const cached = this.#cached.get(tenant)
    if (cached === undefined) return this.#loading.get(tenant) ?? this.#load(tenant)
    this.#cached.delete(tenant)
    this.#cached.set(tenant, cached)
    return cached
  }

  /** Forgets a copy that the store calls stale, unless a newer one is here already. */
  drop(tenant: TenantId, stale: TenantMatcher): void {
    if (this.#cached.get(tenant) === stale) this.#forget(tenant)
  }

  #load(tenant: TenantId): Promise<TenantMatcher | null> {
    const loading = this.#read(tenant)
    this.#loading.set(tenant, loading)
    const done = (matcher: TenantMatcher | null) => {
      // A change that came meanwhile has put this load aside: its result serves those who wait, nobody after them.
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

/** A tenant without endpoints takes room too. */
function weightOf({ endpoints }: TenantMatcher): number {
  return endpoints.length + 1
}
