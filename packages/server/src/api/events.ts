import { Buffer } from 'node:buffer'
import { Type } from 'typebox'
import type { PublishedEvent } from '../model.ts'
import type { EventFilter } from '../store/operations/deliveries.ts'
import type { PublishedItem } from '../store/operations/publish.ts'
import { refuseEncoding } from './json.ts'
import { decodeCursor, encodeCursor, isIdOf, PageQuery, parseRange, RangeQuery } from './lists.ts'
import { ItemParams, NoQuery, pageOf, readProblems, ref, strict, TenantParams, writeProblems } from './schemas.ts'
import type { Api, Services } from './services.ts'
import { UNCHECKED } from './validation.ts'
import { writeEvent } from './views.ts'

const tags = ['Events']
const JSON_TYPE = 'application/json; charset=utf-8'

/** A page ends when its payloads come to about this much, so that a thousand big ones don't fill the memory. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024
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

export function addEvents(api: Api, services: Services): void {
  // In a scope of its own, where a body stays the bytes that came in (C5).
  api.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      const fault = refuseEncoding(request.headers['content-encoding'])
      if (fault === undefined) done(null, body)
      else done(fault)
    })
    addPublishing(scope as Api, services)
  })
  addReading(api, services)
}

function addPublishing(api: Api, { publisher }: Services): void {
  api.post(
    '/tenants/:tenant/events',
    {
      schema: {
        ...{ operationId: 'publishEvents', summary: 'Publish an event, or up to 1,000 at once', tags },
        ...{ params: TenantParams, querystring: NoQuery, body: NewEvents },
        response: { 202: Published, ...writeProblems('not_found', 'idempotency_conflict') },
      },
    },
    async ({ params, body }, reply) => {
      const { batch, events } = await publisher.publish(params.tenant, Buffer.isBuffer(body) ? body : Buffer.alloc(0))
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
        ...{ operationId: 'listEvents', summary: "List a tenant's events, newest first", tags },
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
      const before = decodeCursor(query.cursor, isIdOf('evt'))
      const filter = { type: query.type ?? null, before, ...parseRange(query) }
      const { events, hasMore } = await readPage(filter, query.limit, (part, count) =>
        deliveries.listEvents(tenant, part, count),
      )
      const nextCursor = hasMore ? `"${encodeCursor(events.at(-1)!.id)}"` : 'null'
      const data = events.map(event => writeEvent(event)).join(',')
      return reply.header('content-type', JSON_TYPE).send(`{"data":[${data}],"nextCursor":${nextCursor}}`)
    },
  )

  api.get(
    '/tenants/:tenant/events/:id',
    {
      schema: {
        ...{ operationId: 'getEvent', summary: 'Get an event, with what became of it at each endpoint', tags },
        ...{ params: ItemParams, querystring: NoQuery },
        response: { 200: { ...ref<string>('EventDetail'), description: 'The event.' }, ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant, id } }, reply) => {
      const { event, deliveries: made } = await deliveries.getEvent(tenant, id)
      return reply.header('content-type', JSON_TYPE).send(writeEvent(event, made))
    },
  )
}

type ReadEvents = (filter: EventFilter, count: number) => Promise<readonly PublishedEvent[]>

/** Reads a page in chunks, the later ones as large as the payloads so far allow. */
async function readPage(
  filter: EventFilter,
  limit: number,
  read: ReadEvents,
): Promise<{ events: PublishedEvent[]; hasMore: boolean }> {
  const events: PublishedEvent[] = []
  let bytes = 0
  let chunk = FIRST_CHUNK
  let before = filter.before
  while (true) {
    // One more than is shown tells whether there is more.
    const count = Math.min(chunk, limit - events.length + 1)
    const found = await read({ ...filter, before }, count)
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
