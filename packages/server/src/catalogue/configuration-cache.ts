import type { EventType } from '../base/model.ts'
import type { Store } from '../store/store.ts'
import { compileSchema, type SchemaFault } from './schema.ts'
import { isProvenQuick } from './schema-cost.ts'
import type { TenantCache } from './tenant-cache.ts'

/** An event type with its schema ready to use. */
export type KnownType = {
  readonly type: EventType
  /** The schema's JSON text. */
  readonly schema: string
  /** Whether `validate` can be called: the schema is proven to be quick (schema-cost.ts). Judged on first use. */
  isQuick(): boolean
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
  /** The types of the last version by name, for reuse of their compiled schemas: a new version of the catalogue rarely changes more than one. */
  #compiled: ReadonlyMap<string, KnownType> = new Map()

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
    const byName = new Map<string, KnownType>()
    for (const type of types) {
      const schema = JSON.stringify(type.schema)
      const old = before.get(type.name)
      byName.set(type.name, old?.schema === schema ? { ...old, type } : toKnown(type, schema))
    }
    this.#compiled = byName
    return { version, list: types, byName }
  }
}

function toKnown(type: EventType, schema: string): KnownType {
  let validate: ((value: unknown) => SchemaFault[]) | undefined
  let isQuick: boolean | undefined
  return {
    type,
    schema,
    isQuick() {
      isQuick ??= isProvenQuick(type.schema)
      return isQuick
    },
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
