/** Lists of deliveries, of one tenant or of all. */
import { type Static, Type } from 'typebox'
import { ATTEMPT_ERRORS, DELIVERY_STATES, HELD_REASONS, type HeldReason } from '../../../base/model.ts'
import type { Deliveries } from '../../../services/deliveries/deliveries.ts'
import type { DeliveryQuery, DeliverySelection } from '../../../services/deliveries/query.ts'
import { requirePayloads } from '../../http/access.ts'
import type { Caller } from '../../http/gate.ts'
import { newestFirst, PageQuery, parseRange, RangeQuery } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import { Several, valuesOf } from '../../http/several.ts'
import { IntegerOrNull, ListWarnings, pageOf, ref, SearchedTo, strict, TenantParams, Word } from '../../http/shapes.ts'
import type { Public } from '../../resource.ts'
import { parseFilter, payloadQuery, searchesPayloads } from '../events/queries.ts'
import { DeliverySchema, viewDelivery } from './delivery.ts'

/** What selects deliveries. */
export const DELIVERY_QUERY = {
  state: Type.Optional(
    Several('Only deliveries in one of these states.', { values: DELIVERY_STATES, examples: ['pending,held'] }),
  ),
  heldReason: Type.Optional(Word<HeldReason>(HELD_REASONS, { description: 'Only deliveries held for this reason.' })),
  status: Type.Optional(
    Several(
      'Only deliveries whose last attempt got one of these statuses: a status (`503`), a class (`5xx`), or `none` for ' +
        'no response.',
      { examples: ['5xx', '404,410', 'none'] },
    ),
  ),
  error: Type.Optional(
    Several('Only deliveries whose last attempt failed for one of these reasons.', {
      values: ATTEMPT_ERRORS,
      examples: ['response_timeout', 'connect_refused,connect_timeout'],
    }),
  ),
  type: Type.Optional(Several('Only deliveries of these event types.', { examples: ['COVER_REFERENCE'] })),
  endpoint: Type.Optional(
    Several('Only deliveries to these endpoints, by id or uid. They can be deleted ones.', {
      examples: ['ep_01kb8dzn3afp8rr0yc2h1q7d9k', 'billing,shipping'],
    }),
  ),
  event: Type.Optional(
    Type.String({
      description: 'Only deliveries of the event with this id.',
      examples: ['evt_01jy4k8v3xf0c8wq2rn5s7t9ab'],
    }),
  ),
  key: Type.Optional(
    Type.String({
      description:
        'Only deliveries of the event with this key. While Posthorn remembers the key (`idempotencyDays`), it finds the ' +
        'event directly; after that, it looks through all deliveries.',
      examples: ['order-7'],
    }),
  ),
  ...payloadQuery('deliveries of events'),
  ...RangeQuery,
}

export type DeliveryQueryParameters = Static<ReturnType<typeof strict<typeof DELIVERY_QUERY>>>

const QUERY = {
  ...DELIVERY_QUERY,
  counts: Type.Optional(
    Word(['true', 'false'] as const, { description: '`true` also counts the deliveries that match, by state.' }),
  ),
  ...PageQuery,
}

type Query = Static<ReturnType<typeof strict<typeof QUERY>>>

const CountSchema = (what: string) => IntegerOrNull({ description: `Number of ${what}.` })

export const DeliveryCountsSchema = Type.Object(
  {
    total: CountSchema('deliveries that match'),
    pending: CountSchema('those that are pending'),
    held: CountSchema('those that are held'),
    delivered: CountSchema('those that were delivered'),
    exhausted: CountSchema('those that are exhausted'),
    cancelled: CountSchema('those that were cancelled'),
  },
  {
    $id: 'DeliveryCounts',
    description:
      'How many deliveries match, on this page and all others. A number is null if it exceeds 10,000, if counting ' +
      'took longer than 2 seconds, or if payloads are searched.',
  },
)

const DeliveryPage = {
  ...Type.Object({
    ...pageOf(DeliverySchema, '').properties,
    searchedTo: SearchedTo,
    counts: Type.Optional(ref(DeliveryCountsSchema)),
    warnings: ListWarnings,
  }),
  description: 'A page of deliveries.',
}

const HOW_IT_SEARCHES =
  'If little matches, the list answers after about 2 seconds with what it has found until then, possibly nothing, and ' +
  'says in `searchedTo` how far it looked. Follow `nextCursor` until it is null.'

export function addLists(routes: Routes, { deliveries }: { readonly deliveries: Public<Deliveries> }): void {
  const show = async (
    { query, caller }: { readonly query: Query; readonly caller: Caller | null },
    select: (query: DeliveryQuery) => Promise<DeliverySelection>,
  ) => {
    requirePermission(query, caller)
    const selection = await select(toDeliveryQuery(query))
    const pager = newestFirst('dlv', query)
    const found = await deliveries.find(selection, pager.place, pager.count)
    const counts = query.counts === 'true' ? { counts: await deliveries.count(selection) } : {}
    const page = pager.foundPage(found, ({ id }) => id, viewDelivery)
    return { ...page, ...counts, warnings: [...selection.warnings] }
  }

  routes.get(
    '/v1/tenants/:tenant/deliveries',
    {
      access: 'read',
      operationId: 'listDeliveries',
      summary: "List a tenant's deliveries, newest first",
      description: HOW_IT_SEARCHES,
      params: TenantParams,
      querystring: strict(QUERY),
      response: { 200: DeliveryPage },
      refusals: ['not_found'],
    },
    async request => show(request, query => deliveries.select(request.params.tenant, query)),
  )

  routes.get(
    '/v1/deliveries',
    {
      access: 'read',
      operationId: 'listAllDeliveries',
      summary: 'List the deliveries of all tenants, newest first',
      description: `For API keys without a tenant. ${HOW_IT_SEARCHES}`,
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only deliveries of this tenant.', examples: ['acme'] })),
        ...QUERY,
      }),
      response: { 200: DeliveryPage },
    },
    async request => show(request, query => deliveries.selectOfAll(request.query.tenant ?? null, query)),
  )
}

/** Throws `forbidden` if the query selects by what is in payloads, and the caller can't see them. */
export function requirePermission(query: DeliveryQueryParameters, caller: Caller | null): void {
  if (searchesPayloads(query)) requirePayloads(caller, 'search payloads')
}

export function toDeliveryQuery({
  state,
  heldReason,
  status,
  error,
  type,
  endpoint,
  event,
  key,
  filter,
  text,
  ...rest
}: DeliveryQueryParameters): DeliveryQuery {
  const several = (parameter: string | readonly string[] | undefined) => valuesOf(parameter) ?? undefined
  return {
    states: several(state),
    heldReason,
    statuses: several(status),
    errors: several(error),
    types: several(type),
    endpoints: several(endpoint),
    event,
    key,
    filter: parseFilter(filter),
    text,
    ...parseRange(rest),
  }
}
