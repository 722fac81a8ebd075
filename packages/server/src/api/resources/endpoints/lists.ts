/** Lists of endpoints, of one tenant or of all. */
import { type Static, Type } from 'typebox'
import type { Endpoint } from '../../../base/model.ts'
import {
  type EndpointListInput,
  type EndpointLists,
  type EndpointSelection,
  MAX_PAGE_BYTES,
} from '../../../services/endpoints/endpoint-lists.ts'
import { STATS_PERIODS } from '../../../services/endpoints/endpoint-stats.ts'
import type { Endpoints } from '../../../services/endpoints/endpoints.ts'
import { HEALTH_STATES } from '../../../services/endpoints/health-report.ts'
import { firstOf, JSON_TYPE, newestFirst, PageQuery, writePage } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import { Several, valuesOf } from '../../http/several.ts'
import { ListWarnings, pageOf, SearchedTo, strict, TenantParams, Word } from '../../http/shapes.ts'
import type { Public } from '../../resource.ts'
import { EndpointSchema } from './schemas.ts'
import { viewEndpoint, viewNumbers } from './view.ts'

const QUERY = {
  state: Type.Optional(Several('Only endpoints in these states.', { values: ['enabled', 'disabled'] })),
  health: Type.Optional(
    Several('Only endpoints whose `health.state` is one of these.', { values: HEALTH_STATES, examples: ['failing'] }),
  ),
  uid: Type.Optional(
    Type.String({ maxLength: 128, description: 'Only endpoints with this uid.', examples: ['billing'] }),
  ),
  url: Type.Optional(
    Type.String({
      maxLength: 2_048,
      description: 'Only endpoints with this text in their URL, in upper or lower case.',
      examples: ['hooks.example.com'],
    }),
  ),
  text: Type.Optional(
    Type.String({
      maxLength: 2_048,
      description:
        'Only endpoints with this text in their URL, name or uid. Upper and lower case of the letters A to Z are the same.',
      examples: ['billing'],
    }),
  ),
  type: Type.Optional(
    Several('Only endpoints that receive one of these event types.', { examples: ['COVER_REFERENCE'] }),
  ),
  stats: Type.Optional(
    Word(STATS_PERIODS, {
      description:
        'Adds what happened at each endpoint in this period up to now (the member `stats`). `24h` begins at the start of an ' +
        'hour, `7d` and `30d` at the start of a day (UTC).',
    }),
  ),
  ...PageQuery,
}

type Query = Static<ReturnType<typeof strict<typeof QUERY>>>

const Page = {
  ...Type.Object({
    ...pageOf(EndpointSchema, '').properties,
    searchedTo: SearchedTo,
    warnings: ListWarnings,
  }),
  description: 'A page of endpoints.',
}

const HOW_IT_SEARCHES =
  'A page with large endpoints can have fewer items than `limit`. If little matches, the list answers after about 2 seconds with what it has found until then, possibly nothing, and ' +
  'says in `searchedTo` how far it looked. Follow `nextCursor` until it is null.'

type Needs = { readonly endpoints: Public<Endpoints>; readonly endpointLists: Public<EndpointLists> }

export function addEndpointLists(routes: Routes, { endpoints, endpointLists }: Needs): void {
  const show = async (selection: EndpointSelection, query: Query): Promise<string> => {
    const pager = newestFirst('ep', query)
    const found = await endpointLists.find(selection, pager.place, pager.count)
    const items = found.items.slice(0, pager.limit)
    const numbers = query.stats === undefined ? undefined : await endpointLists.numbers(items, query.stats)
    const texts = await endpoints.showAll(
      items,
      (endpoint, described) => {
        const view = viewEndpoint(endpoint, described)
        return JSON.stringify(numbers === undefined ? view : { ...view, stats: viewNumbers(numbers(endpoint.id)) })
      },
      MAX_PAGE_BYTES,
    )
    const idOf = ({ id }: Endpoint) => id
    const shown = firstOf(found, texts.length, idOf)
    const { data: _shown, ...more } = pager.foundPage(shown, idOf, idOf)
    return writePage(pager.inListOrder(texts), { ...more, warnings: selection.warnings })
  }

  routes.get(
    '/v1/tenants/:tenant/endpoints',
    {
      access: 'read',
      answerBytes: MAX_PAGE_BYTES,
      operationId: 'listEndpoints',
      summary: "List a tenant's endpoints, newest first",
      description: HOW_IT_SEARCHES,
      params: TenantParams,
      querystring: strict(QUERY),
      response: { 200: Type.Unsafe<string>(Page) },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query }, reply) => {
      const text = await show(await endpointLists.select(tenant, toInput(query)), query)
      return reply.header('content-type', JSON_TYPE).send(text)
    },
  )

  routes.get(
    '/v1/endpoints',
    {
      access: 'read',
      answerBytes: MAX_PAGE_BYTES,
      operationId: 'listAllEndpoints',
      summary: 'List the endpoints of all tenants, newest first',
      description:
        'For API keys without a tenant. `health=failing` answers which tenants have failing endpoints, since when, and ' +
        `why. ${HOW_IT_SEARCHES}`,
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only endpoints of this tenant.', examples: ['acme'] })),
        ...QUERY,
      }),
      response: { 200: Type.Unsafe<string>(Page) },
    },
    async ({ query }, reply) => {
      const text = await show(await endpointLists.selectOfAll(query.tenant ?? null, toInput(query)), query)
      return reply.header('content-type', JSON_TYPE).send(text)
    },
  )
}

function toInput({ state, health, type, uid, url, text }: Query): EndpointListInput {
  return { states: valuesOf(state), health: valuesOf(health), types: valuesOf(type), uid, url, text }
}
