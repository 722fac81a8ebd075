import { Type } from 'typebox'
import type { ApiServices, App } from './app.ts'
import { decodeCursor, PageQuery, toPage } from './lists.ts'
import { NoContent, pageOf, REFUSALS, Strict } from './schemas.ts'

const fields = {
  group: Type.String({ description: 'What the catalogue lists it under.' }),
  description: Type.String(),
  schema: Type.Unknown({ description: 'JSON Schema (2020-12) that payloads must satisfy.' }),
  example: Type.Unknown({ description: 'A payload that satisfies it.' }),
}
const EventTypeView = Type.Object({ name: Type.String(), ...fields })
const NamePath = Type.Object({ name: Type.String() })

export function registerEventTypes(app: App, { eventTypes }: ApiServices): void {
  const tags = ['event types']
  app.get(
    '/v1/event-types',
    {
      schema: {
        operationId: 'listEventTypes',
        tags,
        querystring: Type.Object(PageQuery, Strict),
        response: { 200: pageOf(EventTypeView), ...REFUSALS },
      },
    },
    async ({ query: { cursor, limit } }) => {
      const after = decodeCursor(cursor, text => text !== '')
      const types = (await eventTypes.list()).filter(({ name }) => after === null || name > after)
      return toPage(
        types.slice(0, limit + 1),
        limit,
        ({ name }) => name,
        type => type,
      )
    },
  )
  app.get(
    '/v1/event-types/:name',
    {
      schema: { operationId: 'getEventType', tags, params: NamePath, response: { 200: EventTypeView, ...REFUSALS } },
    },
    ({ params }) => eventTypes.get(params.name),
  )
  app.put(
    '/v1/event-types/:name',
    {
      schema: {
        operationId: 'putEventType',
        tags,
        params: NamePath,
        body: Type.Object(fields, Strict),
        response: { 200: EventTypeView, 201: EventTypeView, ...REFUSALS },
      },
    },
    async ({ params, body }, reply) => {
      const { type, created } = await eventTypes.put(params.name, body)
      return reply.code(created ? 201 : 200).send(type)
    },
  )
  app.delete(
    '/v1/event-types/:name',
    { schema: { operationId: 'deleteEventType', tags, params: NamePath, response: { 204: NoContent, ...REFUSALS } } },
    async ({ params }, reply) => {
      await eventTypes.remove(params.name)
      return reply.code(204).send(null)
    },
  )
}
