/** Retries of several deliveries: those of a list, or those that are named. */

import { type Static, Type } from 'typebox'
import type { Actor } from '../../../base/callers.ts'
import { invalid } from '../../../services/checks/refusals.ts'
import type { Deliveries } from '../../../services/deliveries/deliveries.ts'
import type { DeliverySelection } from '../../../services/deliveries/query.ts'
import type { Retries } from '../../../services/deliveries/retrying.ts'
import { firstOf, newestFirst, PageQuery } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import { NoBody, ref, SearchedTo, strict, TenantParams, TextOrNull, Word } from '../../http/shapes.ts'
import type { Public } from '../../resource.ts'
import { DELIVERY_QUERY, type DeliveryQueryParameters, requirePermission, toDeliveryQuery } from './lists.ts'

const MAX_RETRIED = 500

export const RetriesSchema = Type.Object(
  {
    madeDue: Type.Integer({ description: 'Number of pending or set-aside deliveries whose next attempt is due now.' }),
    created: Type.Integer({ description: 'Number of new deliveries, of events whose delivery had ended.' }),
    superseded: Type.Integer({
      description:
        'Number of deliveries that had ended and were left alone, because there is a newer delivery of their event to the ' +
        'same endpoint.',
    }),
    refused: Type.Array(
      Type.Object({
        tenant: Type.String(),
        delivery: Type.String(),
        detail: Type.String({ description: 'Why the delivery cannot be retried.' }),
      }),
      { description: 'Deliveries that cannot be retried.' },
    ),
    searchedTo: SearchedTo,
    nextCursor: TextOrNull({ description: 'Cursor for the next call. Null if all that match were retried.' }),
  },
  { $id: 'Retries' },
)

const FILTER = {
  ...DELIVERY_QUERY,
  dryRun: Type.Optional(
    Word(['true', 'false'] as const, {
      description: '`true` changes nothing: the response is what the call would return.',
    }),
  ),
  cursor: PageQuery.cursor,
  limit: Type.Integer({
    minimum: 1,
    maximum: MAX_RETRIED,
    default: 100,
    description: 'Maximum number of deliveries to retry in this call.',
  }),
}

type Query = DeliveryQueryParameters & {
  readonly cursor?: string
  readonly limit: number
  readonly dryRun?: 'true' | 'false'
}

const IDS = strict({
  ids: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      maxItems: MAX_RETRIED,
      description: 'Retry the deliveries with these ids instead of those that match the parameters.',
    }),
  ),
})

const HOW_IT_RETRIES =
  'Retries each as `…/retry` does, newest first, and leaves alone what was sent again since, so that the call can be ' +
  'repeated. `state` must be given. A call retries at most `limit` deliveries: repeat it with `nextCursor` until that is ' +
  'null. With `dryRun=true`, it says what would be retried and what would be left alone.'

type Needs = { readonly deliveries: Public<Deliveries> }

export function addRetries(routes: Routes, { deliveries }: Needs): void {
  const retry = async (
    selection: DeliverySelection,
    query: Query,
    by: Actor,
  ): Promise<Static<typeof RetriesSchema>> => {
    const pager = newestFirst('dlv', query)
    const found = firstOf(await deliveries.find(selection, pager.place, pager.count), query.limit, ({ id }) => id)
    const retries = await deliveries.retryFound(found.items, query.dryRun === 'true', by)
    const { nextCursor, searchedTo } = pager.foundPage(
      found,
      ({ id }) => id,
      ({ id }) => id,
    )
    return { ...viewRetries(retries), searchedTo, nextCursor }
  }

  routes.post(
    '/v1/tenants/:tenant/deliveries/retry',
    {
      access: 'write',
      isCostly: true,
      portal: 'retry',
      operationId: 'retryMatchingDeliveries',
      summary: "Retry a tenant's deliveries that match, or those with given ids",
      description: HOW_IT_RETRIES,
      params: TenantParams,
      querystring: strict(FILTER),
      body: IDS,
      response: { 200: { ...ref(RetriesSchema), description: 'What was retried, or would be.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query, body: { ids }, caller, actor }) => {
      if (ids === undefined) {
        requireStates(query)
        requirePermission(query, caller)
        return retry(await deliveries.select(tenant, toDeliveryQuery(query)), query, actor)
      }
      refuseFilter(query)
      return {
        ...viewRetries(await deliveries.retryNamed(tenant, ids, query.dryRun === 'true', actor)),
        searchedTo: null,
        nextCursor: null,
      }
    },
  )

  routes.post(
    '/v1/deliveries/retry',
    {
      access: 'write',
      isCostly: true,
      operationId: 'retryAllMatchingDeliveries',
      summary: 'Retry the deliveries of all tenants that match',
      description: `For API keys without a tenant. ${HOW_IT_RETRIES}`,
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only deliveries of this tenant.', examples: ['acme'] })),
        ...FILTER,
      }),
      body: NoBody,
      response: { 200: { ...ref(RetriesSchema), description: 'What was retried, or would be.' } },
    },
    async ({ query, caller, actor }) => {
      requireStates(query)
      requirePermission(query, caller)
      return retry(await deliveries.selectOfAll(query.tenant ?? null, toDeliveryQuery(query)), query, actor)
    },
  )
}

/** A delivery that arrived would be sent again. Leaving out a parameter must not do that to all of them. */
function requireStates({ state }: Query): void {
  if (state !== undefined) return
  throw invalid([
    { field: 'state', detail: 'Name the states to retry, such as `exhausted`: what arrived is sent again.' },
  ])
}

function refuseFilter({ limit: _limit, dryRun: _dryRun, ...query }: Query): void {
  const [given] = Object.keys(query)
  if (given === undefined) return
  throw invalid([{ field: given, detail: 'Give `ids` or parameters, not both.' }])
}

const viewRetries = ({ madeDue, created, superseded, refused }: Retries) => ({
  madeDue,
  created,
  superseded,
  refused: [...refused],
})
