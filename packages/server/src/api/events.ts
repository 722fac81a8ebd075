import { Buffer } from 'node:buffer'
import { Type } from 'typebox'
import type { PublishedEvent } from '../model.ts'
import type { PublishedItem } from '../store/operations/publish.ts'
import type { ApiServices, App } from './app.ts'
import { viewOf as deliveryView } from './deliveries.ts'
import { decodeCursor, isIdOf, PageQuery, parseRange, RangeQuery, toPage } from './lists.ts'
import {
  DeliveryView,
  NotSent,
  nullable,
  pageOf,
  REFUSALS,
  Strict,
  TenantItemPath,
  TenantPath,
  Time,
  toTime,
} from './schemas.ts'
import { UNCHECKED } from './validation.ts'

const NewEvent = Type.Object(
  {
    type: Type.String({ description: 'A type of the catalogue.' }),
    payload: Type.Unknown({ description: 'Sent byte for byte as it stands here (C5).' }),
    id: Type.Optional(Type.String({ description: 'Your own id: the same event under it is stored once.' })),
  },
  { ...Strict, examples: [{ type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }] },
)
/** The handler cuts it out of the request's own bytes; this only documents it. */
const PublishBody = Type.Unsafe<unknown>({ anyOf: [NewEvent, Type.Array(NewEvent)], [UNCHECKED]: true })

const PublishedView = Type.Object({
  id: Type.String(),
  deliveries: Type.Integer({ description: 'How many endpoints it goes to.' }),
  notSent: NotSent,
  duplicate: Type.Optional(Type.Literal(true)),
})
const PublishedBatch = Type.Object({ data: Type.Array(PublishedView) })

const eventFields = {
  id: Type.String(),
  type: Type.String(),
  key: nullable(Type.String({ description: 'The id that it was published under.' })),
  test: Type.Boolean(),
  createdAt: Time,
  notSent: NotSent,
  payload: Type.Unknown(),
}
const EventView = Type.Object(eventFields)
const EventWithDeliveries = Type.Object({ ...eventFields, deliveries: Type.Array(DeliveryView) })

const publishedView = ({ id, deliveries, notSent, duplicate }: PublishedItem) => ({
  id,
  deliveries,
  notSent,
  ...(duplicate ? { duplicate } : {}),
})

/** JSON text, with the payload's own bytes: to parse and write them again would change numbers. */
function eventText(event: PublishedEvent, more: object = {}): string {
  const { id, type, key, test, createdAtMs, notSent, payload } = event
  const rest = JSON.stringify({ id, type, key, test, createdAt: toTime(createdAtMs), notSent, ...more })
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  return `${rest.slice(0, -1)},"payload":${bytes.toString('utf8')}}`
}

export function registerEvents(app: App, { publisher, deliveries }: ApiServices): void {
  const tags = ['events']
  const path = '/v1/tenants/:tenant/events'
  app.post(
    path,
    {
      config: { isRawBody: true },
      schema: {
        operationId: 'publishEvents',
        tags,
        params: TenantPath,
        body: PublishBody,
        response: { 202: Type.Union([PublishedView, PublishedBatch]), ...REFUSALS },
      },
    },
    async ({ params, body }, reply) => {
      const bytes = (body as Buffer | undefined) ?? Buffer.alloc(0)
      const { batch, events } = await publisher.publish(params.tenant, bytes)
      const views = events.map(publishedView)
      return reply.code(202).send(batch ? { data: views } : views[0]!)
    },
  )
  app.get(
    path,
    {
      schema: {
        operationId: 'listEvents',
        tags,
        params: TenantPath,
        querystring: Type.Object({ ...PageQuery, ...RangeQuery, type: Type.Optional(Type.String()) }, Strict),
        response: { 200: pageOf(EventView), ...REFUSALS },
      },
    },
    async ({ params, query }, reply) => {
      const { cursor, limit, type = null } = query
      const filter = { type, before: decodeCursor(cursor, isIdOf('evt')), ...parseRange(query) }
      const found = await deliveries.listEvents(params.tenant, filter, limit + 1)
      const { data, nextCursor } = toPage(
        found,
        limit,
        ({ id }) => id,
        event => eventText(event),
      )
      const text = `{"data":[${data.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`
      return reply.type('application/json; charset=utf-8').send(text as never)
    },
  )
  app.get(
    `${path}/:id`,
    {
      schema: {
        operationId: 'getEvent',
        tags,
        params: TenantItemPath,
        response: { 200: EventWithDeliveries, ...REFUSALS },
      },
    },
    async ({ params }, reply) => {
      const { event, deliveries: made } = await deliveries.getEvent(params.tenant, params.id)
      const text = eventText(event, { deliveries: made.map(deliveryView) })
      return reply.type('application/json; charset=utf-8').send(text as never)
    },
  )
}
