import { Type } from 'typebox'
import { decodeCursor, isIdOf, PageQuery, parseRange, RangeQuery, toPage } from './lists.ts'
import { HeldReasonQuery, StateQuery } from './schemas/deliveries.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { ItemParams, Location, NoBody, NoQuery, pageOf, ref, strict, TenantParams } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewDelivery, viewDeliveryDetail, viewSetAside } from './views.ts'

const tags = ['Deliveries']
const Delivery = (description: string) => ({ ...ref('Delivery'), description })
const ONE = '/tenants/:tenant/deliveries/:id'

const ListQuery = strict({
  state: Type.Optional(StateQuery),
  heldReason: Type.Optional(HeldReasonQuery),
  endpoint: Type.Optional(Type.String({ description: 'Only to this endpoint.' })),
  type: Type.Optional(Type.String({ description: 'Only of this event type.' })),
  event: Type.Optional(Type.String({ description: 'Only of this event.' })),
  ...RangeQuery,
  ...PageQuery,
})

export function addDeliveries(api: Api, services: Services): void {
  addReading(api, services)
  addSetAside(api, services)
  addActions(api, services)
}

function addReading(api: Api, { deliveries }: Services): void {
  api.get(
    '/tenants/:tenant/deliveries',
    {
      schema: {
        operationId: 'listDeliveries',
        summary: "List a tenant's deliveries, newest first",
        tags,
        params: TenantParams,
        querystring: ListQuery,
        response: { 200: pageOf('Delivery', 'A page of deliveries.'), ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant }, query }) => {
      const { state = null, heldReason = null, endpoint = null, event = null, type = null, cursor, limit } = query
      const before = decodeCursor(cursor, isIdOf('dlv'))
      const filter = { state, heldReason, endpoint, event, type, before, ...parseRange(query) }
      return toPage(await deliveries.list(tenant, filter, limit + 1), limit, ({ id }) => id, viewDelivery)
    },
  )

  api.get(
    ONE,
    {
      schema: {
        operationId: 'getDelivery',
        summary: 'Get a delivery with its attempts',
        tags,
        params: ItemParams,
        querystring: NoQuery,
        response: {
          200: { ...ref('DeliveryDetail'), description: 'The delivery.' },
          ...readProblems('not_found'),
        },
      },
    },
    async ({ params: { tenant, id } }) => {
      const { delivery, attempts } = await deliveries.get(tenant, id)
      return viewDeliveryDetail(delivery, attempts)
    },
  )
}

const SetAsidePage = {
  ...Type.Object({
    count: Type.Integer({ description: 'How many there are; 10,000: so many or more.' }),
    ...pageOf('SetAsideDelivery', '').properties,
  }),
  description: 'A page of what is set aside.',
}

function addSetAside(api: Api, { deliveries }: Services): void {
  api.get(
    '/set-aside-deliveries',
    {
      schema: {
        operationId: 'listSetAsideDeliveries',
        summary: 'List what was set aside, of all tenants',
        tags,
        description:
          'A delivery that was in flight at repeated crashes is not sent any more, since it may be their cause. ' +
          'Look at it, then retry or cancel it. Newest first.',
        querystring: strict(PageQuery),
        response: { 200: SetAsidePage, ...readProblems() },
      },
    },
    async ({ query: { cursor, limit } }) => {
      const found = await deliveries.listSetAside(decodeCursor(cursor, isIdOf('dlv')), limit + 1)
      return { count: found.count, ...toPage(found.deliveries, limit, ({ id }) => id, viewSetAside) }
    },
  )
}

function addActions(api: Api, { deliveries }: Services): void {
  api.post(
    `${ONE}/retry`,
    {
      schema: {
        operationId: 'retryDelivery',
        summary: 'Try a delivery now, or again',
        tags,
        description:
          'The next attempt of a pending delivery, or of one that was set aside, is now; of one that has ended, a new ' +
          'delivery is made. One that is held because its endpoint is disabled is refused.',
        params: ItemParams,
        querystring: NoQuery,
        body: NoBody,
        response: {
          200: Delivery('The delivery: its next attempt is now.'),
          201: { ...Delivery('A new delivery of the same event.'), ...Location },
          ...writeProblems('not_found', 'conflict'),
        },
      },
    },
    async ({ params: { tenant, id } }, reply) => {
      const { delivery, created } = await deliveries.retry(tenant, id)
      if (!created) return viewDelivery(delivery)
      return reply
        .code(201)
        .header('location', `/v1/tenants/${encodeURIComponent(tenant)}/deliveries/${delivery.id}`)
        .send(viewDelivery(delivery))
    },
  )

  api.post(
    `${ONE}/cancel`,
    {
      schema: {
        operationId: 'cancelDelivery',
        summary: 'Cancel a delivery',
        tags,
        params: ItemParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 200: Delivery('The delivery, cancelled.'), ...writeProblems('not_found', 'conflict') },
      },
    },
    async ({ params: { tenant, id } }) => viewDelivery(await deliveries.cancel(tenant, id)),
  )
}
