import { type Static, Type } from 'typebox'
import { type EventType, isOperational } from '../../base/model.ts'
import { isTypeName } from '../../services/checks/refusals.ts'
import type { EventTypes } from '../../services/event-types/event-types.ts'
import { writeInTurns } from '../../services/turns.ts'
import { maySeePayloads } from '../http/access.ts'
import { firstOf, inOrder, JSON_TYPE, PageQuery, writePage } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import {
  Gone,
  IntegerOrNull,
  ListOrNull,
  NoBody,
  NoQuery,
  pageOf,
  ref,
  strict,
  TimeOrNull,
  TypeParams,
  timeOrNull,
  Warnings,
  Word,
} from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './event-types.examples.json' with { type: 'json' }

/** A page of types ends when it reaches this size. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024
/** Who has the turns in which types are written: they are the operator's, not a tenant's. */
const OF_NO_TENANT = ''

const EVENT_TYPE_MEMBERS = {
  name: Type.String(),
  group: Type.String(),
  description: Type.String(),
  schema: Type.Unknown({ description: 'JSON Schema (2020-12) that payloads must satisfy.' }),
  example: Type.Unknown({ description: 'A payload that satisfies the schema.' }),
  schedule: ListOrNull<number>('number', {
    description: 'Seconds to wait before each retry, for endpoints without their own schedule. Null for the default.',
  }),
  operational: Type.Boolean({
    description: "Whether this is one of Posthorn's own types, which endpoints receive only if they name it.",
  }),
  archivedAt: TimeOrNull('When the type was archived. Its events can no longer be published. Null if it is in use.'),
}

const EventTypeSchema = Type.Object(EVENT_TYPE_MEMBERS, { $id: 'EventType' })

const PutEventTypeSchema = Type.Object(
  {
    ...EVENT_TYPE_MEMBERS,
    warnings: Warnings('Parts of the schema that payloads are not checked by.'),
    checkedEvents: IntegerOrNull({
      description:
        'Number of recent events that the new schema was checked against. It accepts all of them. Null if the type is new, ' +
        'if its schema stays the same, or with `force`.',
    }),
  },
  { $id: 'PutEventType' },
)

type EventTypeView = Static<typeof EventTypeSchema>

export const EventTypeInput = strict({
  group: Type.String({ description: '1 to 64 characters.' }),
  description: Type.String({ description: '1 to 2,000 characters.' }),
  schema: Type.Unknown({ description: 'JSON Schema (2020-12) of an object, with at least one required property.' }),
  example: Type.Unknown({ description: 'A payload that satisfies the schema.' }),
  schedule: Type.Optional(
    ListOrNull<number>('number', {
      description: 'Seconds to wait before each retry, for at most 30 retries. Null for the default.',
    }),
  ),
})

const Shown = (description: string) => ({ ...ref(EventTypeSchema), description })

const Put = (description: string) => ({ ...ref(PutEventTypeSchema), description })

type Needs = { readonly eventTypes: Public<EventTypes> }

export const eventTypesResource = resource({
  tag: 'Event types',
  components: [EventTypeSchema, PutEventTypeSchema],
  examples,
  add(routes, services: Needs) {
    addReading(routes, services)
    addWriting(routes, services)
    addArchiving(routes, services)
  },
})

function addReading(routes: Routes, { eventTypes }: Needs): void {
  routes.get(
    '/v1/event-types',
    {
      access: 'shared',
      answerBytes: MAX_PAGE_BYTES,
      operationId: 'listEventTypes',
      summary: 'List the event types in the catalogue, sorted by name',
      description:
        "Includes Posthorn's own types (`operational`), which only Posthorn can publish. A page " +
        'with large schemas can have fewer items than `limit`.',
      querystring: strict(PageQuery),
      response: { 200: Type.Unsafe<string>(pageOf(EventTypeSchema, 'A page of event types.')) },
    },
    async ({ query }, reply) => {
      const pager = inOrder(isTypeName, query)
      const idOf = ({ name }: EventType) => name
      const items = pager.behind(await eventTypes.list(), idOf).slice(0, pager.count)
      const write = (type: EventType) => JSON.stringify(viewEventType(type))
      const texts = await writeInTurns(OF_NO_TENANT, items.slice(0, pager.limit), write, MAX_PAGE_BYTES)
      const shown = firstOf({ items, goesOnAt: null, isCutShort: false }, texts.length, idOf)
      const { nextCursor, prevCursor } = pager.foundPage(shown, idOf, idOf)
      const text = writePage(pager.inListOrder(texts), { nextCursor, prevCursor })
      return reply.header('content-type', JSON_TYPE).send(text)
    },
  )

  routes.get(
    '/v1/event-types/:name',
    {
      access: 'shared',
      operationId: 'getEventType',
      summary: 'Get an event type',
      params: TypeParams,
      querystring: NoQuery,
      response: { 200: Shown('The event type.') },
      refusals: ['not_found'],
    },
    async ({ params }) => viewEventType(await eventTypes.get(params.name)),
  )
}

function addWriting(routes: Routes, { eventTypes }: Needs): void {
  routes.put(
    '/v1/event-types/:name',
    {
      access: 'operator',
      operationId: 'putEventType',
      summary: 'Create or replace an event type',
      params: TypeParams,
      description:
        'Checks a new schema against the newest events of the type. If it would reject any that the current schema ' +
        'accepts, the call is refused (`schema_conflict`) unless `force` is `true`. What is wrong with them is shown to ' +
        'keys with the permission `payloads`. An archived type stays archived. ' +
        'Unknown formats and the keywords `discriminator`, `xml`, `externalDocs` and `example` of OpenAPI are accepted ' +
        'with a warning, and not applied. Other unknown keywords are refused.',
      querystring: strict({
        force: Type.Optional(
          Word(['true', 'false'] as const, {
            description: '`true` replaces the schema even if it would reject recent events.',
          }),
        ),
        dryRun: Type.Optional(
          Word(['true', 'false'] as const, {
            description: '`true` stores nothing: the response is what storing the type would return.',
          }),
        ),
      }),
      body: EventTypeInput,
      response: {
        200: Put('The updated event type, or what it would be.'),
        201: Put('The new event type.'),
      },
      refusals: ['not_found', 'schema_conflict'],
    },
    async ({ params, query, body, actor, caller }, reply) => {
      const { force, dryRun } = query
      const options = { force: force === 'true', dryRun: dryRun === 'true', seesPayloads: maySeePayloads(caller) }
      const { type, created, warnings, judged } = await eventTypes.put(params.name, body, actor, options)
      const isMade = created && !options.dryRun
      return reply.code(isMade ? 201 : 200).send({ ...viewEventType(type), warnings, checkedEvents: judged })
    },
  )

  routes.delete(
    '/v1/event-types/:name',
    {
      access: 'operator',
      operationId: 'deleteEventType',
      summary: 'Delete an event type',
      description: 'Events of this type can no longer be published. Those already published are still delivered.',
      params: TypeParams,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params, actor }, reply) => {
      await eventTypes.remove(params.name, actor)
      return reply.code(204).send(undefined)
    },
  )
}

function addArchiving(routes: Routes, { eventTypes }: Needs): void {
  routes.post(
    '/v1/event-types/:name/archive',
    {
      access: 'operator',
      operationId: 'archiveEventType',
      summary: 'Archive an event type',
      description:
        'Events of this type can no longer be published, and the type can no longer be added to endpoints ' +
        '(`event_type_archived`). Events already published are still delivered, and endpoints that name the type ' +
        'keep it.',
      params: TypeParams,
      querystring: NoQuery,
      body: NoBody,
      response: { 200: Shown('The archived event type.') },
      refusals: ['not_found'],
    },
    async ({ params, actor }) => viewEventType(await eventTypes.archive(params.name, actor)),
  )

  routes.post(
    '/v1/event-types/:name/unarchive',
    {
      access: 'operator',
      operationId: 'unarchiveEventType',
      summary: 'Unarchive an event type',
      params: TypeParams,
      querystring: NoQuery,
      body: NoBody,
      response: { 200: Shown('The unarchived event type.') },
      refusals: ['not_found'],
    },
    async ({ params, actor }) => viewEventType(await eventTypes.unarchive(params.name, actor)),
  )
}

function viewEventType(type: EventType): EventTypeView {
  const { name, group, description, schema, example, schedule = null, archivedAtMs } = type
  const operational = isOperational(name)
  return { name, group, description, schema, example, schedule, operational, archivedAt: timeOrNull(archivedAtMs) }
}
