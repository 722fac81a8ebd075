import { Buffer } from 'node:buffer'
import { Type } from 'typebox'
import type { EventId, PublishedEvent } from '../base/model.ts'
import { parseTraceparent, writeTraceparent } from '../base/trace-context.ts'
import type { PublishedItem } from '../store/operations/events/publish-request.ts'
import { refuseEncoding } from './json.ts'
import { decodeCursor, encodeCursor, isIdOf, PageQuery, parseRange, RangeQuery, toPage } from './lists.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { ItemParams, NoQuery, pageOf, ref, strict, TenantParams } from './schemas/shapes.ts'
import type { Api, ApiOptions, BeginPublishTrace, Services } from './services.ts'
import { UNCHECKED } from './validation.ts'
import { viewOutcome, writeEvent, writeEventDetail, writeRejectedEvent } from './views.ts'

const tags = ['Events']
const JSON_TYPE = 'application/json; charset=utf-8'

/** A page ends when its payloads come to about this much, so that a thousand big ones don't fill the memory. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024
/** Endpoints shown with their event, the newest; the list of the event's endpoints has them all. */
const ENDPOINTS_SHOWN = 1_000
/** Events read at first; the next time as many as their payloads allow. */
const FIRST_CHUNK = 16

const NewEvent = strict({
  type: Type.String({ description: 'The name of an event type.' }),
  payload: Type.Unknown({ description: "Satisfies the type's schema; delivered byte for byte as it stands here." }),
  id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'A key of your own: published again with the same type and payload, it makes no second event.',
    }),
  ),
})

const NewEvents = Type.Unsafe<unknown>({
  anyOf: [NewEvent, Type.Array(NewEvent, { minItems: 1 })],
  description: 'An event, or an array of events of which all are stored or none.',
  examples: [
    { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } },
    [{ id: 'order-7', type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }],
  ],
  [UNCHECKED]: true,
})

const Published = {
  ...Type.Unsafe<unknown>({ anyOf: [ref('PublishedEvent'), Type.Object({ data: Type.Array(ref('PublishedEvent')) })] }),
  description: 'Stored. For an array, `data` has one item for each event, in its order.',
}

export function addEvents(api: Api, services: Services, options: ApiOptions): void {
  // In a scope of its own, where a body stays the bytes that came in (C5).
  api.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      const fault = refuseEncoding(request.headers['content-encoding'])
      if (fault === undefined) done(null, body)
      else done(fault)
    })
    addPublishing(scope as Api, services, options)
  })
  addReading(api, services)
  addRejected(api, services)
}

/** Without traces, the caller's own is kept as it came. */
const keepTraceparent: BeginPublishTrace = (_tenant, traceparent) => ({ traceparent, end: () => {} })

function addPublishing(api: Api, { publisher }: Services, options: ApiOptions): void {
  const { beginPublishTrace = keepTraceparent } = options
  api.post(
    '/tenants/:tenant/events',
    {
      schema: {
        operationId: 'publishEvents',
        summary: 'Publish an event, or up to 1,000 at once',
        tags,
        params: TenantParams,
        querystring: NoQuery,
        body: NewEvents,
        response: { 202: Published, ...writeProblems('not_found', 'idempotency_conflict', 'event_type_archived') },
      },
    },
    async ({ params, body, headers }, reply) => {
      const caller = parseTraceparent(headers.traceparent)
      const trace = beginPublishTrace(params.tenant, caller === null ? null : writeTraceparent(caller))
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
      const publishing = publisher.publish(params.tenant, bytes, trace.traceparent)
      const { batch, events } = await publishing.catch(error => {
        trace.end(null)
        throw error
      })
      trace.end(events.length)
      const items = events.map(viewPublished)
      return reply.code(202).send(batch ? { data: items } : items[0])
    },
  )
}

function viewPublished({ id, deliveries, notSent, duplicate }: PublishedItem) {
  return duplicate ? { id, deliveries, notSent, duplicate } : { id, deliveries, notSent }
}

function addReading(api: Api, { deliveries }: Services): void {
  api.get(
    '/tenants/:tenant/events',
    {
      schema: {
        operationId: 'listEvents',
        summary: "List a tenant's events, newest first",
        tags,
        description: 'A page with large payloads can be shorter than the limit.',
        params: TenantParams,
        querystring: strict({
          type: Type.Optional(Type.String({ description: 'Only of this event type.' })),
          ...RangeQuery,
          ...PageQuery,
        }),
        response: { 200: Type.Unsafe<string>(pageOf('Event', 'A page of events.')), ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant }, query }, reply) => {
      const filter = { type: query.type ?? null, ...parseRange(query) }
      const first = decodeCursor(query.cursor, isIdOf('evt'))
      const page = await readPage(first, query.limit, (before, count) =>
        deliveries.listEvents(tenant, { ...filter, before }, count),
      )
      return reply.header('content-type', JSON_TYPE).send(writePage(page, event => writeEvent(event)))
    },
  )

  api.get(
    '/tenants/:tenant/events/:id',
    {
      schema: {
        operationId: 'getEvent',
        summary: 'Get an event, with what became of it at each endpoint',
        tags,
        params: ItemParams,
        querystring: NoQuery,
        response: { 200: { ...ref<string>('EventDetail'), description: 'The event.' }, ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant, id } }, reply) => {
      const { event, deliveries: made } = await deliveries.getEvent(tenant, id)
      const found = await deliveries.listOutcomes(tenant, id, { before: null, limit: ENDPOINTS_SHOWN + 1 })
      const { data, nextCursor } = toPage(found, ENDPOINTS_SHOWN, ({ endpoint }) => endpoint, viewOutcome)
      return reply.header('content-type', JSON_TYPE).send(writeEventDetail(event, made, data, nextCursor))
    },
  )
}

function addRejected(api: Api, { deliveries }: Services): void {
  api.get(
    '/rejected-events',
    {
      schema: {
        operationId: 'listRejectedEvents',
        summary: 'List events that were rejected after all, newest first',
        tags,
        description:
          'Events published from SQL that the API would have refused: nothing of them is delivered. Of all tenants, and ' +
          'of those that do not exist.',
        querystring: strict({
          tenant: Type.Optional(Type.String({ maxLength: 128, description: 'Only those published for this tenant.' })),
          ...PageQuery,
        }),
        response: { 200: Type.Unsafe<string>(pageOf('RejectedEvent', 'A page of events.')), ...readProblems() },
      },
    },
    async ({ query }, reply) => {
      const first = decodeCursor(query.cursor, isIdOf('evt'))
      const page = await readPage(first, query.limit, (before, count) =>
        deliveries.listRejectedEvents({ tenant: query.tenant ?? null, before }, count),
      )
      return reply.header('content-type', JSON_TYPE).send(writePage(page, writeRejectedEvent))
    },
  )
}

type ReadEvents = (before: EventId | null, count: number) => Promise<readonly PublishedEvent[]>

type EventPage = { readonly events: readonly PublishedEvent[]; readonly hasMore: boolean }

function writePage({ events, hasMore }: EventPage, write: (event: PublishedEvent) => string): string {
  const nextCursor = hasMore ? `"${encodeCursor(events.at(-1)!.id)}"` : 'null'
  return `{"data":[${events.map(event => write(event)).join(',')}],"nextCursor":${nextCursor}}`
}

/** Reads a page in chunks, the later ones as large as the payloads so far allow. */
async function readPage(first: EventId | null, limit: number, read: ReadEvents): Promise<EventPage> {
  const events: PublishedEvent[] = []
  let bytes = 0
  let chunk = FIRST_CHUNK
  let before = first
  while (true) {
    // One more than is shown tells whether there is more.
    const count = Math.min(chunk, limit - events.length + 1)
    const found = await read(before, count)
    for (const event of found) {
      if (events.length === limit || (events.length > 0 && bytes + event.payload.length > MAX_PAGE_BYTES)) {
        return { events, hasMore: true }
      }
      events.push(event)
      bytes += event.payload.length
    }
    if (found.length < count) return { events, hasMore: false }
    before = found.at(-1)!.id
    const each = Math.max(1, bytes / events.length)
    chunk = Math.max(1, Math.min(limit, Math.floor((MAX_PAGE_BYTES - bytes) / each) + 1))
  }
}
