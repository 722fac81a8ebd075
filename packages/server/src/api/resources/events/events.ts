import { Buffer } from 'node:buffer'
import { Type } from 'typebox'
import { parseTraceparent, writeTraceparent } from '../../../base/trace-context.ts'
import type { Publisher } from '../../../publish/publisher.ts'
import type { Events } from '../../../services/events/events.ts'
import { publishedBody } from '../../../store/operations/events/publish-request.ts'
import { decodeCursor, isIdOf, PageQuery, parseRange, RangeQuery, toPage } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import { ItemParams, NoQuery, pageOf, ref, strict, TenantParams } from '../../http/shapes.ts'
import type { ApiOptions, BeginPublishTrace } from '../../options.ts'
import { type Public, resource } from '../../resource.ts'
import { MAX_PAGE_BYTES, readPage, writePage, writeSearched } from './pages.ts'
import {
  EventDetailSchema,
  EventEndpointSchema,
  EventPage,
  EventSchema,
  NewEvents,
  NotSentSchema,
  PublishedSchema,
  RejectedEventSchema,
} from './schemas.ts'
import { viewEventEndpoint, writeEvent, writeEventDetail, writeRejectedEvent } from './views.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

/** The newest endpoints shown with an event. The list of the event's endpoints has all of them. */
const ENDPOINTS_SHOWN = 1_000

const Published = {
  ...Type.Unsafe<unknown>({ anyOf: [ref(PublishedSchema), Type.Object({ data: Type.Array(ref(PublishedSchema)) })] }),
  description: 'The stored event. For an array of events, `data` has one item per event, in the same order.',
}

type Needs = {
  readonly publisher: Pick<Publisher, 'publish'>
  readonly events: Public<Events>
}

export const eventsResource = resource({
  tag: 'Events',
  components: [
    NotSentSchema,
    EventSchema,
    EventEndpointSchema,
    EventDetailSchema,
    RejectedEventSchema,
    PublishedSchema,
  ],
  add(routes, services: Needs, options) {
    addReading(routes, services)
    addRejected(routes, services)
    addEventEndpoints(routes, services)
    addPublishing(routes, services, options)
  },
})

/** Without tracing, the caller's own traceparent is stored unchanged. */
const keepTraceparent: BeginPublishTrace = (_tenant, traceparent) => ({ traceparent, end: () => {} })

function addPublishing(
  routes: Routes,
  { publisher }: Needs,
  { beginPublishTrace = keepTraceparent }: ApiOptions,
): void {
  routes.post(
    '/v1/tenants/:tenant/events',
    {
      access: 'publish',
      takesBytes: true,
      makes: true,
      operationId: 'publishEvents',
      summary: 'Publish one event or an array of events',
      params: TenantParams,
      querystring: NoQuery,
      body: NewEvents,
      response: { 202: Published },
      refusals: ['not_found', 'idempotency_conflict', 'event_type_archived'],
    },
    async ({ params, body, headers, once }, reply) => {
      const caller = parseTraceparent(headers.traceparent)
      const trace = beginPublishTrace(params.tenant, caller === null ? null : writeTraceparent(caller))
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
      const publishing = publisher.publish(params.tenant, bytes, trace.traceparent, once?.keepingStatus(202))
      const { batch, events } = await publishing.catch(error => {
        trace.end(null)
        throw error
      })
      trace.end(events.length)
      return reply.code(202).header('content-type', JSON_TYPE).send(publishedBody(events, batch))
    },
  )
}

function addReading(routes: Routes, { events }: Needs): void {
  routes.get(
    '/v1/tenants/:tenant/events',
    {
      access: 'read',
      answerBytes: MAX_PAGE_BYTES,
      operationId: 'listEvents',
      summary: "List a tenant's events, newest first",
      description:
        'A page with large payloads can have fewer items than `limit`. With `key`, the list finds the event directly as ' +
        'long as its key is remembered (`idempotencyDays`). After that, each call looks through a limited number of ' +
        'events, newest first: follow `nextCursor` until it is null.',
      params: TenantParams,
      querystring: strict({
        type: Type.Optional(Type.String({ description: 'Only events of this type.' })),
        key: Type.Optional(
          Type.String({ description: 'Only events that were published with this key, byte for byte.' }),
        ),
        ...RangeQuery,
        ...PageQuery,
      }),
      response: { 200: Type.Unsafe<string>(EventPage) },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query }, reply) => {
      const filter = { type: query.type ?? null, ...parseRange(query) }
      const first = decodeCursor(query.cursor, isIdOf('evt'))
      reply.header('content-type', JSON_TYPE)
      if (query.key !== undefined) {
        const found = await events.listByKey(tenant, query.key, { ...filter, before: first })
        return reply.send(writeSearched(found, writeEvent))
      }
      const page = await readPage(first, query.limit, (before, count) =>
        events.list(tenant, { ...filter, before }, count),
      )
      return reply.send(writePage(page, writeEvent))
    },
  )

  routes.get(
    '/v1/tenants/:tenant/events/:id',
    {
      access: 'read',
      operationId: 'getEvent',
      summary: 'Get an event with its outcome at each endpoint',
      params: ItemParams,
      querystring: NoQuery,
      response: { 200: { ...Type.Unsafe<string>(ref(EventDetailSchema)), description: 'The event.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id } }, reply) => {
      const { event, deliveries: made } = await events.get(tenant, id)
      const found = await events.listEndpoints(tenant, id, { before: null, limit: ENDPOINTS_SHOWN + 1 })
      const { data, nextCursor } = toPage(found, ENDPOINTS_SHOWN, ({ endpoint }) => endpoint, viewEventEndpoint)
      return reply.header('content-type', JSON_TYPE).send(writeEventDetail(event, made, data, nextCursor))
    },
  )
}

function addRejected(routes: Routes, { events }: Needs): void {
  routes.get(
    '/v1/rejected-events',
    {
      access: 'read',
      answerBytes: MAX_PAGE_BYTES,
      operationId: 'listRejectedEvents',
      summary: 'List rejected events, newest first',
      description:
        'Lists events that were published from SQL and that the API would have refused. They are not delivered. ' +
        'Includes events of all tenants, and of tenants that do not exist.',
      querystring: strict({
        tenant: Type.Optional(Type.String({ maxLength: 128, description: 'Only events published for this tenant.' })),
        ...PageQuery,
      }),
      response: { 200: Type.Unsafe<string>(pageOf(RejectedEventSchema, 'A page of rejected events.')) },
    },
    async ({ query }, reply) => {
      const first = decodeCursor(query.cursor, isIdOf('evt'))
      const page = await readPage(first, query.limit, (before, count) =>
        events.listRejected({ tenant: query.tenant ?? null, before }, count),
      )
      return reply.header('content-type', JSON_TYPE).send(writePage(page, writeRejectedEvent))
    },
  )
}

/** Explains which endpoints of the tenant got an event, which did not, and why. */
function addEventEndpoints(routes: Routes, { events }: Needs): void {
  routes.get(
    '/v1/tenants/:tenant/events/:id/endpoints',
    {
      access: 'read',
      operationId: 'listEventEndpoints',
      summary: "List an event's outcome at each endpoint",
      description:
        "Lists all of the tenant's endpoints, newest first, including those that were deleted or created later. " +
        'Outcomes reflect the types and filters at the time when the event was published.',
      params: ItemParams,
      querystring: strict(PageQuery),
      response: { 200: pageOf(EventEndpointSchema, 'A page of endpoints.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, query: { cursor, limit } }) => {
      const before = decodeCursor(cursor, isIdOf('ep'))
      const found = await events.listEndpoints(tenant, id, { before, limit: limit + 1 })
      return toPage(found, limit, ({ endpoint }) => endpoint, viewEventEndpoint)
    },
  )
}
