import type { EventType } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { catalogueQuery } from '../../app/catalogue.ts'
import { posthorn } from '../../app/client.ts'

/** The types that can be chosen: those in use. */
export const typesQuery = queryOptions({
  ...catalogueQuery,
  select: (types: readonly EventType[]) => types.filter(({ archivedAt }) => archivedAt === null),
})

export function egressQuery() {
  return queryOptions({
    queryKey: ['egress'],
    queryFn: ({ signal }) => posthorn.egress.get({ signal }),
    staleTime: 60_000,
  })
}

/** Whether there is a tenant with this id. A search, because a call about a tenant that isn't there is an error. */
export function tenantQuery(tenant: string) {
  return queryOptions({
    queryKey: ['tenant', 'exists', tenant],
    queryFn: async ({ signal }) => {
      const { data } = await posthorn.search.search({ q: tenant }, { signal })
      return data.some(({ kind, id }) => kind === 'tenant' && id === tenant)
    },
    placeholderData: undefined,
  })
}

/** How many recent events a filter is tried on. */
export const TRIED = 20

/** What a filter decides of the newest events. */
export function trialQuery(tenant: string, filter: Record<string, unknown>, types: readonly string[] | null) {
  return queryOptions({
    queryKey: ['filter-trial', tenant, filter, types],
    queryFn: ({ signal }) => posthorn.endpoints.tryFilter(tenant, { filter, types, recent: TRIED }, { signal }),
    staleTime: 10_000,
  })
}
