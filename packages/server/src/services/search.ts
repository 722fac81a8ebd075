import type { Clock } from '../base/clock.ts'
import type { FieldError } from '../base/errors.ts'
import type { TenantId } from '../base/model.ts'
import type { RejectedHead } from '../store/operations/events/rejected.ts'
import type { Found } from '../store/operations/search.ts'
import type { Store } from '../store/store.ts'
import { invalid, requireTenant } from './checks/refusals.ts'
import { checkStorable } from './checks/values.ts'
import { REJECTED_A_READ, type Slice } from './slices.ts'

/** The most things shown. A key or a uid can be used by every tenant. */
const MAX_FOUND = 100
/** Nothing further is searched after this time, in milliseconds. */
const MAX_SEARCH_MS = 2_000
/** Endpoints looked at by one short read. */
const ENDPOINTS_A_READ = 5_000

export type SearchScope = {
  /** Only in this tenant; null: everywhere. */
  readonly tenant: TenantId | null
  /** Whether what operators alone can see is found: API keys and audit entries. */
  readonly includesOperators: boolean
}

export type SearchResult = {
  readonly found: readonly Found[]
  /** False: there was more than is shown, or time was up before everything had been searched. */
  readonly isComplete: boolean
}

/** Finds anything by an id, a key, a uid or a name exactly as it is written. */
export class Search {
  readonly #store: Store
  readonly #clock: Pick<Clock, 'monotonicMs'>

  constructor(store: Store, clock: Pick<Clock, 'monotonicMs'>) {
    this.#store = store
    this.#clock = clock
  }

  async find(typed: string, { tenant, includesOperators }: SearchScope): Promise<SearchResult> {
    const text = typed.trim()
    const faults: FieldError[] = []
    if (text === '') faults.push({ field: 'q', detail: 'Name what to search for: an id, a key, a uid or a name.' })
    else checkStorable(text, 'q', faults)
    if (faults.length > 0) throw invalid(faults)
    if (tenant !== null) await requireTenant(this.#store, tenant)
    const endsAtMs = this.#clock.monotonicMs() + MAX_SEARCH_MS
    const found = new Map<string, Found>()
    const add = (some: readonly Found[]) => {
      for (const one of some) {
        const place = JSON.stringify([one.kind, one.tenant, one.id])
        if (!found.has(place)) found.set(place, one)
      }
    }
    add(await this.#store.read('findOutsideTenants', { text, tenant, includesOperators }))
    for (const sweep of this.#sweeps(text, tenant)) {
      for (let after: string | null = null; ; ) {
        const slice: Slice<Found> = await sweep(after)
        add(slice.items)
        if (found.size > MAX_FOUND) return { found: [...found.values()].slice(0, MAX_FOUND), isComplete: false }
        after = slice.goesOnAt
        if (after === null) break
        if (this.#clock.monotonicMs() > endsAtMs) return { found: [...found.values()], isComplete: false }
      }
    }
    return { found: [...found.values()], isComplete: true }
  }

  /** What is searched step by step, the quickest first. */
  #sweeps(text: string, tenant: TenantId | null): readonly Sweep[] {
    const limit = MAX_FOUND + 1
    const inTenants: Sweep = async after => {
      const { found, last } = await this.#store.read('findInTenants', { text, tenant, after, limit })
      return { items: found, goesOnAt: last }
    }
    // They don't keep their keys, and can be of tenants that don't exist.
    const rejected: Sweep = async before => {
      const args = { tenant, key: text, before, limit, maxRows: REJECTED_A_READ }
      const { items, goesOnAt } = await this.#store.read('listRejectedHeads', args)
      return { items: items.map(toFound), goesOnAt }
    }
    const endpoints: Sweep = async before => {
      const args = { text, tenant, before, limit, rows: ENDPOINTS_A_READ }
      const { items, goesOnAt } = await this.#store.read('findNamedEndpoints', args)
      return { items: items.map(one => ({ kind: 'endpoint', ...one })), goesOnAt }
    }
    return [inTenants, rejected, endpoints]
  }
}

/** Searches behind a place, as far as one short read gets. */
type Sweep = (place: string | null) => Promise<Slice<Found>>

const toFound = ({ tenant, id, key, isOrphan }: RejectedHead): Found => ({
  kind: 'event',
  tenant,
  id,
  key,
  ...(isOrphan ? { isOrphan } : {}),
})
