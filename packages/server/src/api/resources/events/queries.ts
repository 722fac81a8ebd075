/** The query parameters that select events. */
import { Buffer } from 'node:buffer'
import { Type } from 'typebox'
import { PosthornError } from '../../../base/errors.ts'
import { invalid } from '../../../services/checks/refusals.ts'
import type { EventFilter } from '../../../services/events/events.ts'
import { parseJson } from '../../http/json.ts'
import { PageQuery, parseRange, RangeQuery } from '../../http/lists.ts'
import { Several, valuesOf } from '../../http/several.ts'
import { Word } from '../../http/shapes.ts'

/**
 * What selects by payloads.
 *
 * @param what is selected
 */
export const payloadQuery = (what: 'events' | 'deliveries of events') => ({
  filter: Type.Optional(
    Type.String({
      description:
        `Only ${what} whose payload satisfies this filter: JSON in the language of endpoints' filters. Needs the ` +
        'permission `payloads`.',
      examples: ['{"status":["Quoted"]}'],
    }),
  ),
  text: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        `Only ${what} with this text in their payload, in upper and lower case as it is written. Needs the permission ` +
        '`payloads`.',
      examples: ['564200aa-7128'],
    }),
  ),
})

export const EventQuery = {
  type: Type.Optional(Several('Only events of these types.', { examples: ['COVER_REFERENCE'] })),
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: "Only events that were published with this key, the publisher's own.",
      examples: ['order-7'],
    }),
  ),
  ...payloadQuery('events'),
  ...RangeQuery,
  counts: Type.Optional(Word(['true', 'false'] as const, { description: '`true` also counts the events that match.' })),
  ...PageQuery,
}

export type EventListQuery = {
  readonly type?: string | readonly string[]
  readonly key?: string
  readonly filter?: string
  readonly text?: string
  readonly from?: string
  readonly to?: string
  readonly cursor?: string
  readonly counts?: 'true' | 'false'
  readonly limit: number
}

/** Throws `invalid`. */
export function parseEventQuery(query: EventListQuery): EventFilter {
  const { type, key = null, filter, text } = query
  return { types: valuesOf(type), key, filter: parseFilter(filter), text, ...parseRange(query) }
}

/** Whether the query selects by what is in payloads. */
export const searchesPayloads = ({ filter, text }: Pick<EventListQuery, 'filter' | 'text'>): boolean =>
  filter !== undefined || text !== undefined

/** Read like a filter in a body, so that the same ones are refused. */
export function parseFilter(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return parseJson(Buffer.from(text), 'The filter') ?? null
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error
    const [fault] = error.fields
    const detail = fault?.detail ?? `${error.message} Send JSON, percent-encoded, such as {"status":["Quoted"]}.`
    const reason = fault?.reason === undefined ? {} : { reason: fault.reason }
    throw invalid([{ field: `filter${fault?.field ?? ''}`, detail, ...reason }])
  }
}
