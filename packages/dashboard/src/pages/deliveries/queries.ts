import type { Delivery, DeliveryCounts, ListDeliveriesPage } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { call, posthorn } from '../../app/client.ts'
import { boundsOf, type Range } from '../../lib/range.ts'
import type { Search } from '../../lib/search.ts'

/** The parameters that the list of deliveries takes, besides the period and the tenant. */
export const FILTERS = ['state', 'heldReason', 'status', 'error', 'type', 'endpoint', 'event', 'key'] as const

/** The part of a page's parameters that are filters. */
export function filtersOf(search: Search): Search {
  return Object.fromEntries(FILTERS.map(name => [name, search[name]]).filter(([, value]) => value !== undefined))
}

/** A page of deliveries of a tenant, or of all. Pages behind a cursor stay as they are while new deliveries come in. */
export function listQuery(tenant: string | null, search: Search, range: Range) {
  const filters = filtersOf(search)
  const { cursor } = search
  return queryOptions({
    queryKey: ['deliveries', tenant, filters, range, cursor, { live: cursor === undefined }],
    queryFn: async ({ signal }): Promise<ListDeliveriesPage> => {
      // A key or an event is looked for at any time: it is a rare match, and mostly older than the period at the top.
      const isOne = filters.key !== undefined || filters.event !== undefined
      const bounds = isOne ? {} : boundsOf(range, Date.now())
      const query = { ...(filters as object), ...bounds, cursor, limit: 100, counts: true }
      return tenant === null
        ? await posthorn.deliveries.listAll(query, { signal })
        : await posthorn.deliveries.list(tenant, query, { signal })
    },
  })
}

export function deliveryQuery(tenant: string, id: string) {
  return queryOptions({
    queryKey: ['delivery', tenant, id],
    queryFn: ({ signal }) => posthorn.deliveries.get(tenant, id, { signal }),
    placeholderData: undefined,
  })
}

/** The event of a delivery, for its payload. Payloads don't change. */
export function payloadQuery(tenant: string, event: string | undefined) {
  return queryOptions({
    queryKey: ['payload', tenant, event],
    queryFn: ({ signal }) => posthorn.events.get(tenant, event ?? '', { signal }),
    enabled: event !== undefined,
    staleTime: 60_000,
    placeholderData: undefined,
  })
}

/** The states whose deliveries are sent by a retry of all that match, if no state is chosen. */
const FAILED = 'exhausted'

/** The parameters of a retry of all that match: the list's own, with a state, since what arrived must not be resent. */
export function retryFilters(search: Search, range: Range, now: number): Record<string, string | undefined> {
  const { from, to } = boundsOf(range, now)
  return { ...filtersOf(search), state: search.state ?? FAILED, from, to }
}

/** How many deliveries such a retry would send. Null for more than 10,000. */
export async function countMatching(
  tenant: string | null,
  filters: Record<string, string | undefined>,
  signal?: AbortSignal,
): Promise<DeliveryCounts['total']> {
  const query = { ...(filters as object), limit: 1, counts: true }
  const page = await (tenant === null
    ? posthorn.deliveries.listAll(query, { signal })
    : posthorn.deliveries.list(tenant, query, { signal }))
  return page.counts?.total ?? null
}

type RetryPage = {
  readonly madeDue: number
  readonly created: number
  readonly refused: readonly unknown[]
  readonly nextCursor: string | null
}

/** Retries all that match, page by page. Tells after each page how many were retried. */
export async function retryMatching(
  tenant: string | null,
  filters: Record<string, string | undefined>,
  onProgress: (retried: number) => void,
): Promise<{ readonly retried: number; readonly refused: number }> {
  const path = tenant === null ? '/v1/deliveries/retry' : `/v1/tenants/${encodeURIComponent(tenant)}/deliveries/retry`
  let retried = 0
  let refused = 0
  let cursor: string | undefined
  do {
    const page = await call<RetryPage>('POST', path, { query: { ...filters, limit: '500', cursor }, body: {} })
    retried += page.madeDue + page.created
    refused += page.refused.length
    onProgress(retried)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return { retried, refused }
}

/** How many single retries are made at the same time. */
const AT_A_TIME = 6

/** Retries the given deliveries one by one. */
export async function retryEach(rows: readonly Pick<Delivery, 'tenant' | 'id'>[]) {
  const waiting = [...rows]
  let retried = 0
  let refused = 0
  const work = async () => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      try {
        await posthorn.deliveries.retry(row.tenant, row.id)
        retried++
      } catch {
        refused++
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  return { retried, refused }
}
