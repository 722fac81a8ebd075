import { queryOptions } from '@tanstack/react-query'
import { posthorn } from './client.ts'

/** The event types of the catalogue, for choosing some. The pages about event types read all of them, and more often. */
export const catalogueQuery = queryOptions({
  queryKey: ['event-types', 'filter'],
  queryFn: ({ signal }) => posthorn.eventTypes.list({ limit: 1_000 }, { signal }).then(page => page.data),
  staleTime: 60_000,
})
