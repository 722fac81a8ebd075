import type { EventDetail, ListDeliveriesPage } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { callText, posthorn } from '../../app/client.ts'
import { payloadTextIn } from '../../lib/payload-text.ts'
import { boundsOf, type Range } from '../../lib/range.ts'
import type { Search } from '../../lib/search.ts'

/** The parameters that the list of deliveries takes, besides the period and the tenant. */
const FILTERS = [
  'state',
  'status',
  'error',
  'type',
  'endpoint',
  'filter',
  'text',
  'key',
  'event',
  'heldReason',
] as const

/** The part of a page's parameters that are filters. */
export function filtersOf(search: Search): Search {
  return Object.fromEntries(FILTERS.map(name => [name, search[name]]).filter(([, value]) => value !== undefined))
}

/** How long a page that was left is kept, in milliseconds: enough for going back, whatever one has paged through. */
const KEPT_MS = 30_000

/** Whether the period at the top applies: a key or an event is looked for at any time, since it is a rare match. */
export function hasPeriod({ key, event }: Search): boolean {
  return key === undefined && event === undefined
}

/** A page of deliveries of a tenant, or of all. Pages behind a cursor stay as they are while new deliveries come in. */
export function listQuery(tenant: string | null, search: Search, range: Range) {
  const filters = filtersOf(search)
  const { cursor } = search
  return queryOptions({
    queryKey: ['deliveries', tenant, filters, range, cursor, { live: cursor === undefined }],
    queryFn: async ({ signal }): Promise<ListDeliveriesPage> => {
      const query = { ...(filters as object), ...periodOf(filters, range), cursor, limit: 100 }
      return await list(tenant, query, signal)
    },
    ...(cursor !== undefined && { gcTime: KEPT_MS }),
  })
}

/**
 * How many match, on all pages. Counting takes longer than reading a page, so it is a call of its own, which is made
 * again with the figures of other pages. Null if there are more than 10,000, or no time to count them.
 */
export function countQuery(tenant: string | null, search: Search, range: Range) {
  const filters = filtersOf(search)
  return queryOptions({
    queryKey: ['stats', 'matching', tenant, filters, range],
    queryFn: async ({ signal }): Promise<number | null> => {
      const query = { ...(filters as object), ...periodOf(filters, range), limit: 1, counts: true }
      return (await list(tenant, query, signal)).counts?.total ?? null
    },
  })
}

const periodOf = (filters: Search, range: Range) => (hasPeriod(filters) ? boundsOf(range, Date.now()) : {})

/** The newest delivery that matches, of any time: for an empty list, which may be empty only in its period. */
export function newestQuery(tenant: string | null, search: Search) {
  const filters = filtersOf(search)
  return queryOptions({
    queryKey: ['deliveries', 'newest', tenant, filters],
    queryFn: async ({ signal }) => (await list(tenant, { ...(filters as object), limit: 1 }, signal)).data[0] ?? null,
    placeholderData: undefined,
  })
}

async function list(tenant: string | null, query: object, signal: AbortSignal): Promise<ListDeliveriesPage> {
  return tenant === null
    ? await posthorn.deliveries.listAll(query, { signal })
    : await posthorn.deliveries.list(tenant, query, { signal })
}

export function deliveryQuery(tenant: string, id: string) {
  return queryOptions({
    queryKey: ['delivery', tenant, id],
    queryFn: ({ signal }) => posthorn.deliveries.get(tenant, id, { signal }),
    placeholderData: undefined,
  })
}

/** The payload of a delivery's event, as it was published. `text` is null if it isn't kept or isn't shown. */
export type Payload = { readonly text: string | null; readonly isRemoved: boolean; readonly isHidden: boolean }

/** The payload that a delivery sends. Payloads don't change. */
export function payloadQuery(tenant: string, event: string | undefined) {
  return queryOptions({
    queryKey: ['payload', tenant, event],
    queryFn: async ({ signal }): Promise<Payload> => {
      const path = `/v1/tenants/${encodeURIComponent(tenant)}/events/${encodeURIComponent(event ?? '')}`
      const text = await callText('GET', path, { signal })
      const { payloadRemoved, payloadHidden } = JSON.parse(text) as EventDetail
      return { text: payloadTextIn(text), isRemoved: payloadRemoved, isHidden: payloadHidden }
    },
    enabled: event !== undefined,
    staleTime: 60_000,
    placeholderData: undefined,
  })
}
