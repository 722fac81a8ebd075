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

/** How long a replay that has ended is still shown, in milliseconds. */
const SHOWN_AFTER_MS = 60_000
/** How often replays are read while one is shown, in milliseconds. */
const LOOK_MS = 2_000

/** The replays to this endpoint whose deliveries haven't all ended, and those that have just ended. */
export function replaysQuery(tenant: string, id: string) {
  return queryOptions({
    queryKey: ['replays', tenant, 'of', id],
    queryFn: async ({ signal }): Promise<readonly Replay[]> => {
      const page = await posthorn.replays.list(tenant, { limit: 100 }, { signal })
      return page.data.filter(replay => replay.endpoint === id && isShown(replay, Date.now()))
    },
    refetchInterval: ({ state }) => ((state.data?.length ?? 0) > 0 ? LOOK_MS : false),
  })
}

function isShown({ state, made, ended, endedAt }: Replay, now: number): boolean {
  if (state === 'cancelled') return false
  if (state !== 'done' || ended < made) return true
  return endedAt !== null && now - Date.parse(endedAt) < SHOWN_AFTER_MS
}

/** What is read again after a change of an endpoint. */
export const CONCERNED = ['endpoint', 'endpoints', 'overview', 'deliveries'] as const
