import type { Delivery } from '@posthorn/client'
import { posthorn } from '../../app/client.ts'
import { boundsOf, type Range } from '../../lib/range.ts'
import type { Search } from '../../lib/search.ts'
import { add, NOTHING, type Outcome } from './outcomes.ts'
import { filtersOf, hasPeriod } from './queries.ts'

/** The states whose deliveries are sent by a retry of all that match, if no state is chosen. */
const FAILED = 'exhausted'

/** How many deliveries a call retries. */
const PAGE = 500

/** How many deliveries that match are looked at before a retry: beyond that, their number isn't told. */
const LOOKED_AT = 10_000

/** The parameters of a retry of all that match: the list's own, with a state, since what arrived must not be resent. */
export type RetryFilters = Readonly<Record<string, string | undefined>> & { readonly state: string }

/** Named periods end at `now`: what is counted is what is sent. */
export function retryFilters(search: Search, range: Range, now: number): RetryFilters {
  const { from, to } = hasPeriod(search) ? boundsOf(range, now) : { from: undefined, to: undefined }
  return { ...filtersOf(search), state: search.state ?? FAILED, from, to: to ?? new Date(now).toISOString() }
}

type Options = {
  readonly dryRun: boolean
  readonly signal?: AbortSignal
  /** Called after each call with what was done so far. */
  readonly onProgress?: (outcome: Outcome) => void
}

/** Retries all that match, call by call, or says what that would do. */
export async function retryMatching(tenant: string | null, filters: RetryFilters, options: Options): Promise<Outcome> {
  const { dryRun, signal, onProgress } = options
  let outcome = NOTHING
  let cursor: string | undefined
  let looked = 0
  do {
    const query = { ...(filters as object), limit: PAGE, cursor, dryRun }
    const page =
      tenant === null
        ? await posthorn.deliveries.retryAllMatching(query, { signal })
        : await posthorn.deliveries.retryMatching(tenant, {}, query, { signal })
    outcome = add(outcome, page)
    onProgress?.(outcome)
    cursor = page.nextCursor ?? undefined
    looked += PAGE
  } while (cursor !== undefined && !(dryRun && looked >= LOOKED_AT))
  return { ...outcome, hasMore: cursor !== undefined }
}

/** Retries the given deliveries, or says what that would do. */
export async function retryNamed(
  rows: readonly Pick<Delivery, 'tenant' | 'id'>[],
  { dryRun, signal }: Options,
): Promise<Outcome> {
  const byTenant = Map.groupBy(rows, ({ tenant }) => tenant)
  let outcome = NOTHING
  for (const [tenant, own] of byTenant) {
    const ids = own.map(({ id }) => id)
    outcome = add(outcome, await posthorn.deliveries.retryMatching(tenant, { ids }, { dryRun }, { signal }))
  }
  return outcome
}
