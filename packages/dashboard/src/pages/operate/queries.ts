import type { ListRejectedEventsPage, ListSetAsideDeliveriesPage } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'

/** How often pages that the stream says nothing about are read again, in milliseconds. */
const SOON_MS = 3_000
const LATER_MS = 15_000

export const nodesQuery = queryOptions({
  queryKey: ['nodes'],
  queryFn: ({ signal }) => posthorn.operations.listNodes({ signal }),
  refetchInterval: SOON_MS,
})

export const checksQuery = queryOptions({
  queryKey: ['checks'],
  queryFn: ({ signal }) => posthorn.operations.getChecks({ signal }),
  refetchInterval: 4 * LATER_MS,
})

/** Settings change only when a node is restarted. */
export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => posthorn.operations.getSettings({ signal }),
  staleTime: 60_000,
})

export const egressQuery = queryOptions({
  queryKey: ['egress'],
  queryFn: ({ signal }) => posthorn.egress.get({ signal }),
  staleTime: 60_000,
})

/** Rejected events of a tenant, or of all. Pages behind a cursor stay as they are. */
export function rejectedQuery(tenant: string | null, key: string | undefined, cursor: string | undefined) {
  return queryOptions({
    queryKey: ['rejected', tenant, key, cursor],
    queryFn: ({ signal }): Promise<ListRejectedEventsPage> =>
      posthorn.events.listRejected({ tenant: tenant ?? undefined, key, cursor, limit: 100 }, { signal }),
    refetchInterval: cursor === undefined ? LATER_MS : false,
  })
}

/** Set-aside deliveries of a tenant, or of all. */
export function setAsideQuery(tenant: string | null, cursor: string | undefined) {
  return queryOptions({
    queryKey: ['deliveries', 'set-aside', tenant, cursor],
    queryFn: async ({ signal }): Promise<ListSetAsideDeliveriesPage> => {
      if (tenant === null) return posthorn.deliveries.listSetAside({ cursor, limit: 100 }, { signal })
      const query = { state: 'held', heldReason: 'set_aside', counts: true, cursor, limit: 100 } as const
      const { counts, ...page } = await posthorn.deliveries.list(tenant, query, { signal })
      return { ...page, count: counts?.total ?? 10_000 }
    },
    refetchInterval: cursor === undefined ? LATER_MS : false,
  })
}
