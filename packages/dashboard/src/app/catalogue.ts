import type { EventType } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { IS_PORTAL } from '../lib/portal.ts'
import { eventTypes } from '../strings/en/event-types.ts'
import { posthorn } from './client.ts'

/** A type as the pages show it. The group of Posthorn's own is called after it, which customers have never heard of. */
export const shownType = (type: EventType): EventType =>
  IS_PORTAL && type.operational ? { ...type, group: eventTypes.own } : type

/** The event types of the catalogue, for choosing some. The pages about event types read all of them, and more often. */
export const catalogueQuery = queryOptions({
  queryKey: ['event-types', 'filter'],
  queryFn: ({ signal }) =>
    posthorn.eventTypes.list({ limit: 1_000 }, { signal }).then(page => page.data.map(shownType)),
  staleTime: 60_000,
})

/** The first type of the provider's own whose events are accepted, with a payload that is. */
export function exampleOf(
  types: readonly EventType[],
): { readonly name: string; readonly payload: unknown } | undefined {
  const found = types.find(one => !one.operational && one.archivedAt === null)
  return found && { name: found.name, payload: found.example ?? {} }
}
