import type { Clock } from '../base/clock.ts'
import type { FieldError } from '../base/errors.ts'
import type { TenantId } from '../base/model.ts'
import type { Found } from '../store/operations/search.ts'
import type { Store } from '../store/store.ts'
import { invalid, requireTenant } from './checks/refusals.ts'
import { checkStorable } from './checks/values.ts'

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
      if (slice.last === null) return { found, isComplete: true }
      if (this.#clock.monotonicMs() - startMs > MAX_SEARCH_MS) return { found, isComplete: false }
      after = slice.last
    }
  }
}
