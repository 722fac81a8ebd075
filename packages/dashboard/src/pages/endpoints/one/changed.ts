import type { Endpoint } from '@posthorn/client'
import { useQueryClient } from '@tanstack/react-query'
import { CONCERNED, endpointQuery } from './queries.ts'

/** Shows an endpoint as a call has left it, and has what depends on it read again. */
export function useChanged(tenant: string, id: string) {
  const client = useQueryClient()
  return async (endpoint?: Endpoint) => {
    if (endpoint !== undefined) client.setQueryData(endpointQuery(tenant, id).queryKey, endpoint)
    await Promise.all(CONCERNED.map(name => client.invalidateQueries({ queryKey: [name] })))
  }
}
