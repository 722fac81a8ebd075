import type { ListEndpointsPage } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { onForget } from '../../lib/forget.ts'
import type { Search } from '../../lib/search.ts'

/** The parameters that the list of endpoints takes, besides the tenant. */
export const FILTERS = ['text', 'health', 'state', 'type', 'url', 'uid'] as const

/** The part of a page's parameters that are filters. */
export function filtersOf(search: Search): Search {
  return Object.fromEntries(FILTERS.map(name => [name, search[name]]).filter(([, value]) => value !== undefined))
}

/** A page of endpoints of a tenant, or of all, with what happened at each in the last 7 days. */
export function listQuery(tenant: string | null, search: Search) {
  const filters = filtersOf(search)
  const { cursor } = search
  return queryOptions({
    queryKey: ['endpoints', tenant, filters, cursor],
    queryFn: async ({ signal }): Promise<ListEndpointsPage> => {
      const query = { ...(filters as object), stats: '7d' as const, cursor, limit: 100 }
      return tenant === null
        ? await posthorn.endpoints.listAll(query, { signal })
        : await posthorn.endpoints.list(tenant, query, { signal })
    },
  })
}

let lastSearch: Search = {}
onForget(() => {
  lastSearch = {}
})

/** Notes the filters of the list, so that the way back from an endpoint leads to the same list. */
export function rememberSearch(search: Search): void {
  lastSearch = search
}

export function rememberedSearch(): Search {
  return lastSearch
}
