import { isTypeName } from '../manage/refusals.ts'
import { decodeCursor, PageQuery, toPage } from './lists.ts'
import { EventTypeInput } from './schemas/configuration.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { Gone, NoQuery, pageOf, ref, strict, TypeParams } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewEventType } from './views.ts'

const tags = ['Event types']
const EventType = (description: string) => ({ ...ref('EventType'), description })

export function addEventTypes(api: Api, { eventTypes }: Services): void {
  api.get(
    '/event-types',
    {
      schema: {
        ...{ operationId: 'listEventTypes', summary: 'List the catalogue, by name', tags },
        description:
          "Posthorn's own types (operational) among it: they are told of itself, and nobody else's to publish.",
        querystring: strict(PageQuery),
        response: { 200: pageOf('EventType', 'A page of event types.'), ...readProblems() },
      },
    },
    async ({ query: { cursor, limit } }) => {
      const after = decodeCursor(cursor, isTypeName)
      const all = await eventTypes.list()
      const rest = after === null ? all : all.filter(({ name }) => name > after)
      return toPage(rest, limit, ({ name }) => name, viewEventType)
    },
  )

  api.get(
    '/event-types/:name',
    {
      schema: {
        ...{
          operationId: 'getEventType',
          summary: 'Get an event type',
          tags,
          params: TypeParams,
          querystring: NoQuery,
        },
        response: { 200: EventType('The event type.'), ...readProblems('not_found') },
      },
    },
    async ({ params }) => viewEventType(await eventTypes.get(params.name)),
  )

  api.put(
    '/event-types/:name',
    {
      schema: {
        ...{ operationId: 'putEventType', summary: 'Create or replace an event type', tags, params: TypeParams },
        ...{ querystring: NoQuery, body: EventTypeInput },
        response: {
          200: EventType('It was replaced.'),
          201: EventType('It was created.'),
          ...writeProblems('not_found'),
        },
      },
    },
    async ({ params, body, actor }, reply) => {
      const { type, created } = await eventTypes.put(params.name, body, actor)
      return reply.code(created ? 201 : 200).send(viewEventType(type))
    },
  )

  api.delete(
    '/event-types/:name',
    {
      schema: {
        ...{ operationId: 'deleteEventType', summary: 'Delete an event type', tags },
        description: 'It can no longer be published; what was published is still delivered.',
        ...{ params: TypeParams, querystring: NoQuery },
        response: { 204: Gone, ...writeProblems('not_found', 'conflict') },
      },
    },
    async ({ params, actor }, reply) => {
      await eventTypes.remove(params.name, actor)
      return reply.code(204).send(undefined)
    },
  )
}
