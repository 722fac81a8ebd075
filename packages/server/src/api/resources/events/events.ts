import { Buffer } from 'node:buffer'
import { Type } from 'typebox'
import { idMs } from '../../../base/ids.ts'
import { parseTraceparent, writeTraceparent } from '../../../base/trace-context.ts'
import type { Publisher } from '../../../publish/publisher.ts'
import { MAX_PAGE_BYTES } from '../../../services/events/event-list.ts'
import type { Events } from '../../../services/events/events.ts'
import { publishedBody } from '../../../store/operations/events/publish-request.ts'
import { JSON_TYPE, newestFirst, PageQuery } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import { ItemParams, NoQuery, pageOf, ref, SearchedTo, strict, TenantParams, time } from '../../http/shapes.ts'
import type { ApiOptions, BeginPublishTrace } from '../../options.ts'
import { type Public, resource } from '../../resource.ts'
import examples from './events.examples.json' with { type: 'json' }
import { addEventLists } from './lists.ts'
import { readPage, writeEventPage } from './pages.ts'
import { EventQuery } from './queries.ts'
import {
  EventDetailSchema,
  EventEndpointSchema,
  EventSchema,
  NewEvents,
  NotSentSchema,
  PublishedSchema,
  RejectedEventSchema,
} from './schemas.ts'
import { viewEventEndpoint, writeEvent, writeEventDetail } from './views.ts'

/** The newest endpoints shown with an event. The list of the event's endpoints has all of them. */
const ENDPOINTS_SHOWN = 1_000

const Published = {
  ...Type.Unsafe<unknown>({ anyOf: [ref(PublishedSchema), Type.Object({ data: Type.Array(ref(PublishedSchema)) })] }),
  description: 'The stored event. For an array of events, `data` has one item per event, in the same order.',
}

const RejectedPage = {
  ...Type.Object({ ...pageOf(RejectedEventSchema, '').properties, searchedTo: SearchedTo }),
  description: 'A page of rejected events.',
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
  examples,
  add(routes, services: Needs, options) {
    addEventLists(routes, services)
    addReading(routes, services)
    addRejected(routes, services)
    addEventEndpoints(routes, services)
    addPublishing(routes, services, options)
  },
})

/** What a missing body is read as, so that what is missing in it is named, as in all other calls. */
const NO_BODY = Buffer.from('{}')

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
      const bytes = Buffer.isBuffer(body) && body.length > 0 ? body : NO_BODY
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
    '/v1/tenants/:tenant/events/:id',
    {
      access: 'read',
      payloads: 'shown',
      portal: 'look',
      operationId: 'getEvent',
      summary: 'Get an event with its outcome at each endpoint',
      params: ItemParams,
      querystring: NoQuery,
      response: { 200: { ...Type.Unsafe<string>(ref(EventDetailSchema)), description: 'The event.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, seesPayloads }, reply) => {
      const { event, deliveries: made } = await events.get(tenant, id)
      const pager = newestFirst('ep', { limit: ENDPOINTS_SHOWN })
      const found = await events.listEndpoints(tenant, id, { ...pager.place, limit: pager.count })
      const { data, nextCursor } = pager.page(found, ({ endpoint }) => endpoint, viewEventEndpoint)
      const text = writeEventDetail(event, made, data, nextCursor, seesPayloads)
      return reply.header('content-type', JSON_TYPE).send(text)
    },
  )
}

function addRejected(routes: Routes, { events }: Needs): void {
  routes.get(
    '/v1/rejected-events',
    {
      access: 'read',
      payloads: 'shown',
      answerBytes: MAX_PAGE_BYTES,
      operationId: 'listRejectedEvents',
      summary: 'List rejected events, newest first',
      description:
        'Lists events that were published from SQL and that the API would have refused. They are not delivered. ' +
        'Includes events of all tenants, and of tenants that do not exist.',
      querystring: strict({
        tenant: Type.Optional(Type.String({ maxLength: 128, description: 'Only events published for this tenant.' })),
        key: EventQuery.key,
        ...PageQuery,
      }),
      response: { 200: Type.Unsafe<string>(RejectedPage) },
    },
    async ({ query, seesPayloads }, reply) => {
      const pager = newestFirst('evt', query)
      const page = await readPage(pager, (place, count) =>
        events.listRejected({ tenant: query.tenant ?? null, key: query.key ?? null, ...place }, count),
      )
      const searchedTo = page.isCutShort ? time(idMs(page.goesOnAt!)) : null
      const text = writeEventPage(pager, page, event => writeEvent(event, seesPayloads), { searchedTo })
      return reply.header('content-type', JSON_TYPE).send(text)
    },
  )
}

/** Explains which endpoints of the tenant got an event, which did not, and why. */
function addEventEndpoints(routes: Routes, { events }: Needs): void {
  routes.get(
    '/v1/tenants/:tenant/events/:id/endpoints',
    {
      access: 'read',
      portal: 'look',
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
    async ({ params: { tenant, id }, query }) => {
      const pager = newestFirst('ep', query)
      const found = await events.listEndpoints(tenant, id, { ...pager.place, limit: pager.count })
      return pager.page(found, ({ endpoint }) => endpoint, viewEventEndpoint)
    },
  )
}
