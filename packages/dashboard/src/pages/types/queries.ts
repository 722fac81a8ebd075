import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'

/** The types in use, by name. Needs no session. */
export const publicTypesQuery = queryOptions({
  queryKey: ['public-types'],
  queryFn: ({ signal }) => posthorn.portalLooks.listPublicEventTypes({ signal }).then(({ data }) => data),
  staleTime: 60_000,
})

export function publicTypeQuery(name: string) {
  return queryOptions({
    queryKey: ['public-types', name],
    queryFn: ({ signal }) => posthorn.portalLooks.getPublicEventType(name, { signal }),
    placeholderData: undefined,
    staleTime: 60_000,
  })
}
