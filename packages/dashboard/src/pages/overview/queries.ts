import type { Overview } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { queryClient } from '../../app/query.ts'
import { boundsOf, lengthOf, type Range } from '../../lib/range.ts'
import { noteBacklog } from './backlog.ts'

/** What waits and what needs attention, of a tenant or of all. */
export function overviewQuery(tenant: string | null) {
  return queryOptions({
    queryKey: ['overview', tenant],
    queryFn: async ({ signal }): Promise<Overview> => {
      const overview = await (tenant === null
        ? posthorn.overview.getAll({ signal })
        : posthorn.overview.get(tenant, { signal }))
      noteBacklog(overview)
      // For the icon in the browser's tab.
      if (tenant === null) queryClient.setQueryData(['overview', 'failing'], { failing: overview.failing.count ?? 1 })
      return overview
    },
    placeholderData: undefined,
  })
}

/** Deliveries and attempts over time. */
export function statsQuery(tenant: string | null, range: Range) {
  return queryOptions({
    queryKey: ['stats', tenant, range],
    queryFn: ({ signal }) => readStats(tenant, boundsOf(range, Date.now()), signal),
  })
}

/** The sums of the period before, of the same length: what the figures are compared with. */
export function beforeQuery(tenant: string | null, range: Range) {
  return queryOptions({
    queryKey: ['stats-before', tenant, range],
    queryFn: async ({ signal }) => {
      const now = Date.now()
      const to = Date.parse(boundsOf(range, now).from)
      const from = new Date(to - lengthOf(range, now)).toISOString()
      const { total } = await readStats(tenant, { from, to: new Date(to).toISOString() }, signal)
      return total
    },
    staleTime: 60_000,
  })
}

type Bounds = { readonly from: string; readonly to: string | undefined }

function readStats(tenant: string | null, bounds: Bounds, signal: AbortSignal) {
  const query = { ...bounds, empty: false }
  return tenant === null
    ? posthorn.deliveries.getAllStats(query, { signal })
    : posthorn.deliveries.getStats(tenant, query, { signal })
}

/** The tenants with the most traffic, or in the most trouble. */
export function ranksQuery(sort: 'volume' | 'trouble', range: Range, limit: number) {
  return queryOptions({
    queryKey: ['tenants', 'ranks', sort, range, limit],
    queryFn: ({ signal }) =>
      posthorn.overview.listTenantStats({ sort, limit, ...boundsOf(range, Date.now()) }, { signal }),
  })
}

export const nodesQuery = queryOptions({
  queryKey: ['nodes'],
  queryFn: ({ signal }) => posthorn.operations.listNodes({ signal }),
  refetchInterval: 15_000,
})

/** What the server finds when it checks itself. It keeps the result for a minute. */
export const checksQuery = queryOptions({
  queryKey: ['checks'],
  queryFn: ({ signal }) => posthorn.operations.getChecks({ signal }),
  staleTime: 60_000,
  refetchInterval: 120_000,
})

/** Whether anything was ever registered and published, for the first steps. */
export function beginningsQuery(tenant: string | null) {
  return queryOptions({
    queryKey: ['endpoints', 'beginnings', tenant],
    queryFn: async ({ signal }) => {
      const one = { limit: 1 }
      const [endpoints, events] = await Promise.all(
        tenant === null
          ? [posthorn.endpoints.listAll(one, { signal }), posthorn.events.listAll(one, { signal })]
          : [posthorn.endpoints.list(tenant, one, { signal }), posthorn.events.list(tenant, one, { signal })],
      )
      return {
        hasEndpoint: endpoints.data.length > 0,
        endpoint: endpoints.data[0] ?? null,
        hasEvent: events.data.length > 0,
      }
    },
    placeholderData: undefined,
  })
}
