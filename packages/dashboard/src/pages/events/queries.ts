import type { EventDetail, EventEndpoint, ListEventsPage, Page } from '@posthorn/client'
import {
  type InfiniteData,
  infiniteQueryOptions,
  queryOptions,
  type UseInfiniteQueryResult,
} from '@tanstack/react-query'
import { callText, posthorn } from '../../app/client.ts'
import { payloadTextIn } from '../../lib/payload-text.ts'
import { boundsOf, type Range } from '../../lib/range.ts'
import type { Search } from '../../lib/search.ts'
import { isUnderWay } from './outcome.ts'

/** The parameters that the list of events takes, besides the period and the tenant. */
export const FILTERS = ['type', 'key', 'filter', 'text'] as const

/** The part of a page's parameters that are filters. */
export function filtersOf(search: Search): Search {
  return Object.fromEntries(FILTERS.map(name => [name, search[name]]).filter(([, value]) => value !== undefined))
}

/** A page of events of a tenant, or of all. Pages behind a cursor stay as they are while new events come in. */
export function listQuery(tenant: string | null, search: Search, range: Range) {
  const filters = filtersOf(search)
  const { cursor } = search
  return queryOptions({
    queryKey: ['events', tenant, filters, range, cursor, { live: cursor === undefined }],
    queryFn: async ({ signal }): Promise<ListEventsPage> => {
      // A key is looked for at any time: it is a rare match, and mostly older than the period at the top.
      const bounds = filters.key === undefined ? boundsOf(range, Date.now()) : {}
      const searches = filters.text !== undefined || filters.filter !== undefined
      const query = { ...(filters as object), ...bounds, cursor, limit: 100 }
      return tenant === null
        ? await posthorn.events.listAll(query, { signal })
        : await posthorn.events.list(tenant, { ...query, ...(!searches && { counts: true }) }, { signal })
    },
  })
}

/** An event as it was published: it never changes. What became of it is in `outcomesQuery`. */
export type Published = Omit<EventDetail, 'payload' | 'deliveries' | 'endpoints' | 'nextEndpoints'> & {
  /** The payload as it was published, byte for byte. Null if it is not kept or not shown. */
  readonly payloadText: string | null
}

export function eventQuery(tenant: string, id: string) {
  return queryOptions({
    queryKey: ['published', tenant, id],
    queryFn: async ({ signal }): Promise<Published> => {
      const path = `/v1/tenants/${encodeURIComponent(tenant)}/events/${encodeURIComponent(id)}`
      const text = await callText('GET', path, { signal })
      const {
        payload: _payload,
        deliveries: _deliveries,
        endpoints: _endpoints,
        ...event
      } = JSON.parse(text) as EventDetail
      return { ...event, payloadText: event.payloadRemoved || event.payloadHidden ? null : payloadTextIn(text) }
    },
    staleTime: 300_000,
    placeholderData: undefined,
  })
}

const ENDPOINTS = 200

/** What became of an event at each endpoint, the newest endpoints first. */
export function outcomesQuery(tenant: string, id: string) {
  return infiniteQueryOptions({
    queryKey: ['event', tenant, id],
    queryFn: async ({ pageParam, signal }): Promise<Page<EventEndpoint>> => {
      const query = { limit: ENDPOINTS, ...(pageParam !== null && { cursor: pageParam }) }
      return await posthorn.events.listEndpoints(tenant, id, query, { signal })
    },
    initialPageParam: null as string | null,
    getNextPageParam: page => page.nextCursor,
    placeholderData: undefined,
    // What is being sent just now is followed closely; everything else comes with the live updates.
    refetchInterval: ({ state }) =>
      state.data?.pages.some(page => page.data.some(one => isUnderWay(one, Date.now()))) ? 1_000 : false,
  })
}

/** What `useInfiniteQuery` returns for it. */
export type OutcomesRead = UseInfiniteQueryResult<InfiniteData<Page<EventEndpoint>>>

export type Again = { readonly tenant: string; readonly event: string; readonly missing: boolean }

const ALL_STATES = ['delivered', 'exhausted', 'cancelled'] as const

/** The selection of a replay of one event. */
function selectionOf({ event, missing }: Again) {
  return { event, states: ALL_STATES, missing }
}

/** How many deliveries sending an event again would create. Null for too many to count. */
export function againCountQuery(again: Again) {
  return queryOptions({
    queryKey: ['again', again],
    queryFn: async ({ signal }): Promise<number | null> =>
      (await posthorn.replays.create(again.tenant, { ...selectionOf(again), dryRun: true }, { signal })).deliveries,
    staleTime: 0,
    placeholderData: undefined,
  })
}

/** Sends an event again. Returns the id of the replay. */
export async function sendAgain(again: Again): Promise<{ readonly id: string; readonly deliveries: number | null }> {
  const made = await posthorn.replays.create(again.tenant, selectionOf(again))
  return { id: 'id' in made ? made.id : '', deliveries: made.deliveries }
}
