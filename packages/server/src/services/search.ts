import type { Clock } from '../base/clock.ts'
import type { FieldError } from '../base/errors.ts'
import type { EventId, TenantId } from '../base/model.ts'
import type { RejectedHead, RejectedSlice } from '../store/operations/events/rejected.ts'
import type { Found } from '../store/operations/search.ts'
import type { Store } from '../store/store.ts'
import { invalid, requireTenant } from './checks/refusals.ts'
import { checkStorable } from './checks/values.ts'
import { REJECTED_A_READ } from './slices.ts'

/** The most things shown. A key or a uid can be used by every tenant. */
const MAX_FOUND = 100
/** No further tenants are searched after this time, in milliseconds. */
const MAX_SEARCH_MS = 2_000

export type SearchScope = {
  /** Only in this tenant; null: everywhere. */
  readonly tenant: TenantId | null
  /** Whether what operators alone can see is found: API keys and audit entries. */
  readonly includesOperators: boolean
}

export type SearchResult = {
  readonly found: readonly Found[]
  /** False: there was more than is shown, or time was up before all tenants had been searched. */
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
    const startMs = this.#clock.monotonicMs()
    const found = [...(await this.#store.read('findOutsideTenants', { text, tenant, includesOperators }))]
    for (let after: TenantId | null = null; ; ) {
      const args = { text, tenant, after, limit: MAX_FOUND + 1 }
      const slice: { found: readonly Found[]; last: TenantId | null } = await this.#store.read('findInTenants', args)
      found.push(...slice.found)
      if (found.length > MAX_FOUND) return { found: found.slice(0, MAX_FOUND), isComplete: false }
      if (slice.last === null) break
      if (this.#clock.monotonicMs() - startMs > MAX_SEARCH_MS) return { found, isComplete: false }
      after = slice.last
    }
    return this.#withRejected(found, text, tenant, startMs)
  }

  /** Adds rejected events with this key, which they don't keep. They can be of tenants that don't exist. */
  async #withRejected(
    found: readonly Found[],
    key: string,
    tenant: TenantId | null,
    startMs: number,
  ): Promise<SearchResult> {
    const all = [...found]
    for (let before: EventId | null = null; ; ) {
      const slice: RejectedSlice<RejectedHead> = await this.#store.read('listRejectedHeads', {
        tenant,
        key,
        before,
        limit: MAX_FOUND + 1,
        maxRows: REJECTED_A_READ,
      })
      for (const { tenant: own, id, key: ownKey, isOrphan } of slice.items) {
        const isKnown = all.some(one => one.kind === 'event' && one.id === id)
        if (!isKnown) all.push({ kind: 'event', tenant: own, id, key: ownKey, ...(isOrphan ? { isOrphan } : {}) })
      }
      if (all.length > MAX_FOUND) return { found: all.slice(0, MAX_FOUND), isComplete: false }
      if (slice.goesOnAt === null) return { found: all, isComplete: true }
      if (this.#clock.monotonicMs() - startMs > MAX_SEARCH_MS) return { found: all, isComplete: false }
      before = slice.goesOnAt
    }
  }
}
