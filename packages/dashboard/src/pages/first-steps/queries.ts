import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import type { Delivered } from './progress.ts'

/** How many endpoints are looked at, and how many deliveries to them. */
const LOOKED_AT = 50

/** In the order of the API: newest first. */
export function endpointsQuery(tenant: string) {
  return queryOptions({
    queryKey: ['endpoints', 'first-steps', tenant],
    queryFn: ({ signal }) => posthorn.endpoints.list(tenant, { limit: LOOKED_AT }, { signal }).then(({ data }) => data),
  })
}

/** @param own ids of the endpoints with a URL */
export function deliveredQuery(tenant: string, own: readonly string[]) {
  const state = 'delivered'
  return queryOptions({
    queryKey: ['deliveries', 'first-steps', tenant, own],
    queryFn: async ({ signal }): Promise<Delivered> => {
      const [newest, toOwn] = await Promise.all([
        posthorn.deliveries.list(tenant, { state, limit: 1 }, { signal }),
        own.length === 0
          ? { data: [] }
          : posthorn.deliveries.list(tenant, { state, endpoint: own, limit: LOOKED_AT }, { signal }),
      ])
      return { newest: newest.data, toOwn: toOwn.data }
    },
  })
}
