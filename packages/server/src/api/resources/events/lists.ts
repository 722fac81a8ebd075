/** The lists of events: those of one tenant, and those of all. */
import { Type } from 'typebox'
import { idMs } from '../../../base/ids.ts'
import { MAX_PAGE_BYTES } from '../../../services/events/event-list.ts'
import type { EventFilter, Events, EventsSelected } from '../../../services/events/events.ts'
import { requirePayloads } from '../../http/access.ts'
import type { Caller } from '../../http/gate.ts'
import { JSON_TYPE, newestFirst } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import { IntegerOrNull, ListWarnings, pageOf, SearchedTo, strict, TenantParams, time } from '../../http/shapes.ts'
import type { Public } from '../../resource.ts'
import { writeEventPage } from './pages.ts'
import { type EventListQuery, EventQuery, parseEventQuery, searchesPayloads } from './queries.ts'
import { EventSchema } from './schemas.ts'
import { writeEvent } from './views.ts'

const Page = {
  ...Type.Object({
    ...pageOf(EventSchema, '').properties,
    searchedTo: SearchedTo,
    counts: Type.Optional(
      Type.Object({
        total: IntegerOrNull({
          description:
            'Number of events that match, on this page and all others. Null if there are more than 10,000, if counting ' +
            'them means looking at more than 50,000, if payloads are searched, or for events of all tenants.',
        }),
      }),
    ),
    warnings: ListWarnings,
  }),
  description: 'A page of events.',
}

const HOW_IT_SEARCHES =
  'A page with large payloads can have fewer items than `limit`. If little matches, the list answers after about 2 ' +
  'seconds with what it has found until then, possibly nothing, and says in `searchedTo` how far it looked. Follow ' +
  '`nextCursor` until it is null.'

type Needs = { readonly events: Public<Events> }

type Asking = { readonly query: EventListQuery; readonly caller: Caller | null; readonly seesPayloads: boolean }

export function addEventLists(routes: Routes, { events }: Needs): void {
  const show = async (
    { query, caller, seesPayloads }: Asking,
    select: (filter: EventFilter) => Promise<EventsSelected>,
  ): Promise<string> => {
    if (searchesPayloads(query)) requirePayloads(caller, 'search payloads')
    const selected = await select(parseEventQuery(query))
    const pager = newestFirst('evt', query)
    const page = await events.list(selected, pager.place, pager.limit)
    const searchedTo = page.isCutShort ? time(idMs(page.goesOnAt!)) : null
    const counts = query.counts === 'true' ? { counts: { total: await events.count(selected) } } : {}
    const more = { searchedTo, ...counts, warnings: selected.warnings }
    return writeEventPage(pager, page, event => writeEvent(event, seesPayloads), more)
  }

  routes.get(
    '/v1/tenants/:tenant/events',
    {
      access: 'read',
      payloads: 'shown',
      answerBytes: MAX_PAGE_BYTES,
      portal: 'look',
      operationId: 'listEvents',
      summary: "List a tenant's events, newest first",
      description: HOW_IT_SEARCHES,
      params: TenantParams,
      querystring: strict(EventQuery),
      response: { 200: Type.Unsafe<string>(Page) },
      refusals: ['not_found'],
    },
    async (request, reply) => {
      const text = await show(request, filter => events.select(request.params.tenant, filter))
      return reply.header('content-type', JSON_TYPE).send(text)
    },
  )

  routes.get(
    '/v1/events',
    {
      access: 'read',
      payloads: 'shown',
      answerBytes: MAX_PAGE_BYTES,
      operationId: 'listAllEvents',
      summary: 'List the events of all tenants, newest first',
      description:
        `For API keys without a tenant. ${HOW_IT_SEARCHES} Without \`tenant\`, \`key\` finds an event for as long as its ` +
        "key is remembered (`idempotencyDays`), and rejected events; a tenant's list also finds older ones. Rejected " +
        'events of tenants that do not exist are only in `/v1/rejected-events`.',
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only events of this tenant.', examples: ['acme'] })),
        ...EventQuery,
      }),
      response: { 200: Type.Unsafe<string>(Page) },
    },
    async (request, reply) => {
      const text = await show(request, filter => events.selectOfAll(request.query.tenant ?? null, filter))
      return reply.header('content-type', JSON_TYPE).send(text)
    },
  )
}
