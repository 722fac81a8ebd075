import type { DeliveryCounts, Replay, Stats } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../../app/client.ts'
import { boundsOf, type Range } from '../../../lib/range.ts'

export function endpointQuery(tenant: string, id: string) {
  return queryOptions({
    queryKey: ['endpoint', tenant, id],
    queryFn: ({ signal }) => posthorn.endpoints.get(tenant, id, { signal }),
    placeholderData: undefined,
  })
}

/** Its deliveries that haven't ended. A number is null for more than 10,000. */
export function openQuery(tenant: string, id: string) {
  return queryOptions({
    queryKey: ['endpoint', tenant, id, 'open'],
    queryFn: async ({ signal }): Promise<Pick<DeliveryCounts, 'total' | 'pending' | 'held'>> => {
      const query = { endpoint: id, state: ['pending', 'held'] as const, counts: true, limit: 1 }
      const page = await posthorn.deliveries.list(tenant, query, { signal })
      return page.counts ?? { total: null, pending: null, held: null }
    },
    placeholderData: undefined,
  })
}

/** How many of its deliveries are held because it is disabled: those that are released when it is enabled. */
export function heldQuery(tenant: string, id: string) {
  return queryOptions({
    queryKey: ['endpoint', tenant, id, 'held'],
    queryFn: async ({ signal }): Promise<number | null> => {
      const query = { endpoint: id, state: 'held' as const, heldReason: 'disabled' as const, counts: true, limit: 1 }
      const page = await posthorn.deliveries.list(tenant, query, { signal })
      return page.counts?.total ?? null
    },
    placeholderData: undefined,
  })
}

export function statsQuery(tenant: string, id: string, range: Range) {
  return queryOptions({
    queryKey: ['stats', tenant, id, range],
    queryFn: ({ signal }): Promise<Stats> =>
      posthorn.deliveries.getStats(tenant, { endpoint: id, ...boundsOf(range, Date.now()) }, { signal }),
  })
}

/** How many of its deliveries the page shows. */
const LATEST = 15

export function latestQuery(tenant: string, id: string, range: Range) {
  return queryOptions({
    queryKey: ['deliveries', tenant, id, range, 'latest'],
    queryFn: ({ signal }) =>
      posthorn.deliveries
        .list(tenant, { endpoint: id, ...boundsOf(range, Date.now()), limit: LATEST }, { signal })
        .then(page => page.data),
  })
}

/** The replays to this endpoint that haven't ended. */
export function replaysQuery(tenant: string, id: string) {
  return queryOptions({
    queryKey: ['replays', tenant, 'of', id],
    queryFn: async ({ signal }): Promise<readonly Replay[]> => {
      const pages = await Promise.all(
        (['running', 'paused'] as const).map(state => posthorn.replays.list(tenant, { state, limit: 100 }, { signal })),
      )
      return pages.flatMap(page => page.data).filter(replay => replay.endpoint === id)
    },
  })
}

/** What is read again after a change of an endpoint. */
export const CONCERNED = ['endpoint', 'endpoints', 'overview', 'deliveries'] as const
