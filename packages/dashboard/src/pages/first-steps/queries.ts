import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import type { Delivered } from './progress.ts'

/** How many endpoints are looked at, and how many deliveries to them. */
const LOOKED_AT = 50
/** How many endpoints a list of deliveries can be asked for. */
const AT_ONE_TIME = 20

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
      const { data: newest } = await posthorn.deliveries.list(tenant, { state, limit: LOOKED_AT }, { signal })
      const toOwn = newest.filter(({ endpoint }) => own.includes(endpoint))
      // Then everything is done, and older ones say no more.
      if (toOwn.some(({ test }) => !test)) return { newest, toOwn }
      const groups = Array.from({ length: Math.ceil(own.length / AT_ONE_TIME) }, (_, index) =>
        own.slice(index * AT_ONE_TIME, (index + 1) * AT_ONE_TIME),
      )
      const found = await Promise.all(
        groups.map(endpoint => posthorn.deliveries.list(tenant, { state, endpoint, limit: LOOKED_AT }, { signal })),
      )
      return { newest, toOwn: found.flatMap(({ data }) => data) }
    },
  })
}
