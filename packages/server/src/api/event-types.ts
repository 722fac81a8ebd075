import { Type } from 'typebox'
import { isTypeName } from '../services/refusals.ts'
import { decodeCursor, PageQuery, toPage } from './lists.ts'
import { EventTypeInput } from './schemas/configuration.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { Gone, NoBody, NoQuery, pageOf, ref, strict, TypeParams, Word } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewEventType } from './views.ts'

const tags = ['Event types']
const EventType = (description: string) => ({ ...ref('EventType'), description })

export function addEventTypes(api: Api, services: Services): void {
  const { eventTypes } = services
  api.get(
    '/event-types',
    {
      schema: {
        operationId: 'listEventTypes',
        summary: 'List the catalogue, by name',
        tags,
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
        operationId: 'getEventType',
        summary: 'Get an event type',
        tags,
        params: TypeParams,
        querystring: NoQuery,
        response: { 200: EventType('The event type.'), ...readProblems('not_found') },
      },
    },
    async ({ params }) => viewEventType(await eventTypes.get(params.name)),
  )

  api.put(
    '/event-types/:name',
    {
      schema: {
        operationId: 'putEventType',
        summary: 'Create or replace an event type',
        tags,
        params: TypeParams,
        description:
          'A schema that would refuse what is being published, going by the newest events of the type, is refused ' +
          '(`schema_conflict`) unless it is forced. An archived type stays so.',
        querystring: strict({
          force: Type.Optional(
            Word(['true', 'false'] as const, { description: 'true: replace the schema nevertheless.' }),
          ),
        }),
        body: EventTypeInput,
        response: {
          200: EventType('It was replaced.'),
          201: EventType('It was created.'),
          ...writeProblems('not_found', 'schema_conflict'),
        },
      },
    },
    async ({ params, query, body, actor }, reply) => {
      const force = query.force === 'true'
      const { type, created } = await eventTypes.put(params.name, body, actor, { force })
      return reply.code(created ? 201 : 200).send(viewEventType(type))
    },
  )

  api.delete(
    '/event-types/:name',
    {
      schema: {
        operationId: 'deleteEventType',
        summary: 'Delete an event type',
        tags,
        description: 'It can no longer be published; what was published is still delivered.',
        params: TypeParams,
        querystring: NoQuery,
        response: { 204: Gone, ...writeProblems('not_found', 'conflict') },
      },
    },
    async ({ params, actor }, reply) => {
      await eventTypes.remove(params.name, actor)
      return reply.code(204).send(undefined)
    },
  )
  addArchiving(api, services)
}

function addArchiving(api: Api, { eventTypes }: Services): void {
  api.post(
    '/event-types/:name/archive',
    {
      schema: {
        operationId: 'archiveEventType',
        summary: 'Archive an event type',
        tags,
        description:
          'It can no longer be published, and no endpoint can begin to name it (`event_type_archived`). What was ' +
          'published is still delivered, and endpoints that name it keep it.',
        params: TypeParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 200: EventType('The event type, archived.'), ...writeProblems('not_found') },
      },
    },
    async ({ params, actor }) => viewEventType(await eventTypes.archive(params.name, actor)),
  )

  api.post(
    '/event-types/:name/unarchive',
    {
      schema: {
        operationId: 'unarchiveEventType',
        summary: 'Take an archived event type back into use',
        tags,
        params: TypeParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 200: EventType('The event type, in use.'), ...writeProblems('not_found') },
      },
    },
    async ({ params, actor }) => viewEventType(await eventTypes.unarchive(params.name, actor)),
  )
}
