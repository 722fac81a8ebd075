import type { EventType, PutEventType } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { shownType } from '../../app/catalogue.ts'
import { callText, posthorn } from '../../app/client.ts'
import { indent, spansOf } from '../../lib/json-source.ts'

/** How often types are read again, in milliseconds: the stream says nothing of them. */
const EVERY_MS = 15_000

/** All types of the catalogue, in order of name. */
export const typesQuery = queryOptions({
  queryKey: ['event-types', 'all'],
  queryFn: async ({ signal }) => {
    const types: EventType[] = []
    for await (const type of posthorn.eventTypes.list({ limit: 1_000 }, { signal }).items()) types.push(shownType(type))
    return types
  },
  staleTime: 5_000,
  refetchInterval: EVERY_MS,
})

export function typeQuery(name: string) {
  return queryOptions({
    queryKey: ['event-types', 'one', name],
    queryFn: ({ signal }) => posthorn.eventTypes.get(name, { signal }).then(shownType),
    staleTime: 5_000,
    refetchInterval: EVERY_MS,
    placeholderData: undefined,
  })
}

/** What is edited of a type. Schema and example as they are written: numbers that JavaScript can't hold stay as they are. */
export type Draft = {
  readonly group: string
  readonly description: string
  readonly schema: string
  readonly example: string
  readonly schedule: readonly number[] | null
}

export function draftQuery(name: string) {
  return queryOptions({
    queryKey: ['event-types', 'draft', name],
    queryFn: ({ signal }) => readDraft(name, signal),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    placeholderData: undefined,
  })
}

export async function readDraft(name: string, signal?: AbortSignal): Promise<Draft> {
  const text = await callText('GET', pathOf(name), { signal })
  const { group, description, schedule } = JSON.parse(text) as EventType
  return { group, description, schedule, schema: memberOf(text, 'schema'), example: memberOf(text, 'example') }
}

/** Whether there is a type of this name. By the list, since a 404 would stand in the browser's console as an error. */
export async function exists(name: string, signal?: AbortSignal): Promise<boolean> {
  for await (const type of posthorn.eventTypes.list({ limit: 1_000 }, { signal }).items()) {
    if (type.name === name) return true
  }
  return false
}

/** Stores a type, or (`dryRun`) finds out what storing it would come to. */
export async function putType(
  name: string,
  { group, description, schedule, schema, example }: Draft,
  { dryRun = false, force = false, signal }: { dryRun?: boolean; force?: boolean; signal?: AbortSignal },
): Promise<PutEventType> {
  const rest = JSON.stringify({ group, description, schedule }).slice(1)
  const body = `{"schema":${schema},"example":${example},${rest}`
  const query = { ...(dryRun && { dryRun: 'true' }), ...(force && { force: 'true' }) }
  return JSON.parse(await callText('PUT', pathOf(name), { query, body, signal })) as PutEventType
}

/** How many endpoints receive a type now: up to a page of them, and whether there are more. */
export async function countReceivers(name: string, signal?: AbortSignal) {
  const { data, nextCursor } = await posthorn.endpoints.listAll({ type: [name], limit: 1_000 }, { signal })
  return { count: data.length, isMore: nextCursor !== null }
}

/** The tenant of an event, to show it. Null if it is no longer there. */
export async function tenantOf(event: string): Promise<string | null> {
  const { data } = await posthorn.search.search({ q: event })
  return data.find(({ kind, id }) => kind === 'event' && id === event)?.tenant ?? null
}

function pathOf(name: string): string {
  return `/v1/event-types/${encodeURIComponent(name)}`
}

/** A member's value as it is written, indented. */
function memberOf(text: string, name: string): string {
  const span = spansOf(text, [`/${name}`]).get(`/${name}`)
  if (span === undefined) return 'null'
  return indent(text.slice(span.from, span.to).replace(/^"[^"]*"\s*:\s*/, ''))
}
