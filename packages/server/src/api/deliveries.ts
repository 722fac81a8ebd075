import { Buffer } from 'node:buffer'
import { Type } from 'typebox'
import { type Attempt, DELIVERY_STATES, type Delivery } from '../model.ts'
import type { ApiServices, App } from './app.ts'
import { decodeCursor, isIdOf, PageQuery, parseRange, RangeQuery, toPage } from './lists.ts'
import {
  DeliveryView,
  nullable,
  oneOf,
  pageOf,
  REFUSALS,
  Strict,
  TenantItemPath,
  TenantPath,
  Time,
  toTime,
  toTimeOrNull,
} from './schemas.ts'

const AttemptView = Type.Object({
  number: Type.Integer(),
  startedAt: Time,
  durationMs: Type.Integer(),
  outcome: oneOf(['success', 'failure']),
  status: nullable(Type.Integer()),
  error: nullable(Type.String({ description: 'Why it failed: see docs/deliveries.md.' })),
  address: nullable(Type.String({ description: 'The address connected to, with its port.' })),
  responseHeaders: Type.Array(Type.Array(Type.String()), { description: 'Name and value, as received.' }),
  responseBody: Type.String({ description: 'The answer’s first 16 KiB as text, the secret blanked.' }),
  responseTruncated: Type.Boolean(),
})
const DeliveryWithAttempts = Type.Object({ ...DeliveryView.properties, attempts: Type.Array(AttemptView) })

export function viewOf(delivery: Delivery) {
  const { id, event, endpoint, type, state, heldReason, attempts, replayOf, test } = delivery
  return {
    id,
    event,
    endpoint,
    type,
    state,
    heldReason,
    attemptCount: attempts,
    nextAttemptAt: toTimeOrNull(delivery.dueAtMs),
    replayOf,
    test,
    createdAt: toTime(delivery.createdAtMs),
    endedAt: toTimeOrNull(delivery.endedAtMs),
  }
}

function attemptView(attempt: Attempt) {
  const { number, startedAtMs, durationMs, outcome, status, error, address, responseHeaders, responseBody } = attempt
  const { buffer, byteOffset, byteLength } = responseBody
  const pairs = Array.from({ length: responseHeaders.length >> 1 }, (_, at) =>
    responseHeaders.slice(at * 2, at * 2 + 2),
  )
  return {
    number,
    startedAt: toTime(startedAtMs),
    durationMs,
    outcome,
    status,
    error,
    address,
    responseHeaders: pairs,
    responseBody: Buffer.from(buffer, byteOffset, byteLength).toString('utf8'),
    responseTruncated: attempt.responseTruncated,
  }
}

const Filter = Type.Object(
  {
    ...PageQuery,
    ...RangeQuery,
    state: Type.Optional(oneOf(DELIVERY_STATES as readonly ['pending', 'held', 'delivered', 'exhausted', 'cancelled'])),
    endpoint: Type.Optional(Type.String()),
    event: Type.Optional(Type.String()),
    type: Type.Optional(Type.String()),
  },
  Strict,
)

export function registerDeliveries(app: App, { deliveries }: ApiServices): void {
  const tags = ['deliveries']
  const path = '/v1/tenants/:tenant/deliveries'
  app.get(
    path,
    {
      schema: {
        operationId: 'listDeliveries',
        tags,
        params: TenantPath,
        querystring: Filter,
        response: { 200: pageOf(DeliveryView), ...REFUSALS },
      },
    },
    async ({ params, query }) => {
      const { cursor, limit, state = null, endpoint = null, event = null, type = null } = query
      const before = decodeCursor(cursor, isIdOf('dlv'))
      const filter = { state, endpoint, event, type, before, ...parseRange(query) }
      return toPage(await deliveries.list(params.tenant, filter, limit + 1), limit, ({ id }) => id, viewOf)
    },
  )
  app.get(
    `${path}/:id`,
    {
      schema: {
        operationId: 'getDelivery',
        tags,
        params: TenantItemPath,
        response: { 200: DeliveryWithAttempts, ...REFUSALS },
      },
    },
    async ({ params }) => {
      const { delivery, attempts } = await deliveries.get(params.tenant, params.id)
      return { ...viewOf(delivery), attempts: attempts.map(attemptView) }
    },
  )
  app.post(
    `${path}/:id/retry`,
    {
      schema: {
        operationId: 'retryDelivery',
        tags,
        params: TenantItemPath,
        response: { 200: DeliveryView, 201: DeliveryView, ...REFUSALS },
      },
    },
    async ({ params }, reply) => {
      const { delivery, created } = await deliveries.retry(params.tenant, params.id)
      return reply.code(created ? 201 : 200).send(viewOf(delivery))
    },
  )
  app.post(
    `${path}/:id/cancel`,
    {
      schema: {
        operationId: 'cancelDelivery',
        tags,
        params: TenantItemPath,
        response: { 200: DeliveryView, ...REFUSALS },
      },
    },
    async ({ params }) => viewOf(await deliveries.cancel(params.tenant, params.id)),
  )
}
