import { Buffer } from 'node:buffer'
import { type Static, Type } from 'typebox'
import { sentenceOf } from '../../../base/attempt-details.ts'
import { ATTEMPT_ERRORS, type Attempt, type DescribedDelivery } from '../../../base/model.ts'
import type { SentRequest } from '../../../base/webhook-request.ts'
import type { Deliveries, RetriedDelivery } from '../../../services/deliveries/deliveries.ts'
import { newestFirst, PageQuery } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import {
  IntegerOrNull,
  ItemParams,
  Location,
  NoBody,
  NoQuery,
  objectOrNull,
  pageOf,
  ref,
  strict,
  TextOrNull,
  Time,
  time,
  Word,
  WordOrNull,
} from '../../http/shapes.ts'
import { type Public, resource } from '../../resource.ts'
import examples from './deliveries.examples.json' with { type: 'json' }
import { DELIVERY_MEMBERS, DeliverySchema, viewDelivery } from './delivery.ts'
import { addLists, DeliveryCountsSchema } from './lists.ts'
import { addRetries, RetriesSchema } from './retries.ts'

const HeaderList = (description: string) =>
  Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 }), { description })

const SentRequestOrNull = objectOrNull(
  {
    method: Word(['POST'] as const),
    url: TextOrNull({ description: "The endpoint's URL at that time. Null if the request went to those who listen." }),
    headers: HeaderList(
      'Name and value of each, in the order in which they were sent. A secret shows as `[secret]`, the signature as ' +
        '`[signature]`. `content-length` is missing if the payload was removed, `traceparent` if the response was.',
    ),
    clientCertificate: Type.Boolean({ description: "Whether Posthorn presented the endpoint's client certificate." }),
  },
  'The request as it was sent, or as it would have been if a connection had been made. The body is the payload of the ' +
    'event. Null if the request was not made for want of a secret or token, or before Posthorn kept what it sent.',
)

const AttemptSchema = Type.Object(
  {
    number: Type.Integer(),
    startedAt: Time('When the attempt started.'),
    durationMs: Type.Integer(),
    outcome: Word(['success', 'failure'] as const),
    status: IntegerOrNull({ description: 'HTTP status of the response. Null if there was no response.' }),
    error: WordOrNull(ATTEMPT_ERRORS, { description: 'Why the attempt failed. Null if it succeeded.' }),
    detail: TextOrNull({
      description:
        'What exactly the error was, or why `Retry-After` was not obeyed: a stable code, listed in ' +
        'docs/deliveries.md. Null if the error says it all, or if the response was removed.',
    }),
    explanation: TextOrNull({
      description:
        'The detail as a sentence, with what the receiver has to do. Null if there is no detail. What it quotes of a ' +
        'response of the token server is left out if the API key cannot see payloads.',
    }),
    reconnected: Type.Boolean({
      description:
        'Whether the request was lost on a kept connection that the receiver had closed, and repeated on a new one.',
    }),
    address: TextOrNull({
      description: 'The address that Posthorn connected to, with its port. Null if there was no connection.',
    }),
    request: SentRequestOrNull,
    responseHeaders: HeaderList(
      'Name and value of each response header, as received, with secrets masked. Empty if the API key cannot see ' +
        'payloads.',
    ),
    responseBody: Type.String({
      description:
        'The first 16 KiB of the response body as text, with secrets masked. Empty if the API key cannot see payloads.',
    }),
    responseTruncated: Type.Boolean({ description: 'Whether `responseBody` is only a part of the response body.' }),
    responseRemoved: Type.Boolean({
      description: 'Whether the response headers and body were removed because their retention period had ended.',
    }),
    responseHidden: Type.Boolean({
      description:
        'True if the API key lacks the permission `payloads`. `responseHeaders` and `responseBody` are then empty.',
    }),
  },
  { $id: 'Attempt' },
)

type AttemptView = Static<typeof AttemptSchema>

const DeliveryDetailSchema = Type.Object(
  { ...DELIVERY_MEMBERS, attempts: Type.Array(ref(AttemptSchema)) },
  { $id: 'DeliveryDetail' },
)

type DeliveryDetail = Static<typeof DeliveryDetailSchema>

const Shown = (description: string) => ({ ...ref(DeliverySchema), description })

const ONE = '/v1/tenants/:tenant/deliveries/:id'

type Needs = { readonly deliveries: Public<Deliveries> }

export const deliveriesResource = resource({
  tag: 'Deliveries',
  components: [DeliverySchema, DeliveryCountsSchema, AttemptSchema, DeliveryDetailSchema, RetriesSchema],
  examples,
  add(routes, services: Needs) {
    addLists(routes, services)
    addReading(routes, services)
    addSetAside(routes, services)
    addActions(routes, services)
    addRetries(routes, services)
  },
})

function addReading(routes: Routes, { deliveries }: Needs): void {
  routes.get(
    ONE,
    {
      access: 'read',
      payloads: 'shown',
      portal: 'look',
      operationId: 'getDelivery',
      summary: 'Get a delivery with its attempts',
      params: ItemParams,
      querystring: NoQuery,
      response: {
        200: { ...ref(DeliveryDetailSchema), description: 'The delivery.' },
      },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, seesPayloads }) => {
      const { delivery, attempts } = await deliveries.get(tenant, id)
      return viewDeliveryDetail(delivery, attempts, seesPayloads)
    },
  )
}

const SetAsidePage = {
  ...Type.Object({
    count: Type.Integer({ description: 'Number of set-aside deliveries. 10,000 means 10,000 or more.' }),
    ...pageOf(DeliverySchema, '').properties,
  }),
  description: 'A page of set-aside deliveries.',
}

function addSetAside(routes: Routes, { deliveries }: Needs): void {
  routes.get(
    '/v1/set-aside-deliveries',
    {
      access: 'read',
      operationId: 'listSetAsideDeliveries',
      summary: 'List the set-aside deliveries of all tenants, newest first',
      description:
        'Posthorn sets a delivery aside if it was in flight during repeated crashes, because it might have caused ' +
        'them. A set-aside delivery is not sent. Look at it, then retry or cancel it.',
      querystring: strict(PageQuery),
      response: { 200: SetAsidePage },
    },
    async ({ query }) => {
      const pager = newestFirst('dlv', query)
      const found = await deliveries.listSetAside(pager.place, pager.count)
      return { count: found.count, ...pager.page(found.deliveries, ({ id }) => id, viewDelivery) }
    },
  )
}

function addActions(routes: Routes, { deliveries }: Needs): void {
  routes.post(
    `${ONE}/retry`,
    {
      access: 'write',
      makes: true,
      portal: 'retry',
      operationId: 'retryDelivery',
      summary: 'Retry a delivery now',
      description:
        'If the delivery is pending or set aside, its next attempt is made now. If it has ended, a new delivery of ' +
        'the same event is created instead. The call is refused if the delivery is held because its endpoint is ' +
        'disabled.',
      params: ItemParams,
      querystring: NoQuery,
      body: NoBody,
      response: {
        200: Shown('The delivery, whose next attempt is due now.'),
        201: { ...Shown('A new delivery of the same event.'), ...Location },
      },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params: { tenant, id }, actor, once }, reply) => {
      const { status, headers, body } = retried(await deliveries.retry(tenant, id, actor, once?.keeping(retried)))
      return reply.code(status).headers(headers).send(body)
    },
  )

  routes.post(
    `${ONE}/cancel`,
    {
      access: 'write',
      portal: 'retry',
      operationId: 'cancelDelivery',
      summary: 'Cancel a delivery',
      params: ItemParams,
      querystring: NoQuery,
      body: NoBody,
      response: { 200: Shown('The cancelled delivery.') },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params: { tenant, id }, actor }) => viewDelivery(await deliveries.cancel(tenant, id, actor)),
  )
}

const retried = ({ delivery, created }: RetriedDelivery) => {
  const location = `/v1/tenants/${encodeURIComponent(delivery.tenant)}/deliveries/${delivery.id}`
  const shown = { body: viewDelivery(delivery), madeId: delivery.id }
  return created
    ? ({ ...shown, status: 201, headers: { location } } as const)
    : ({ ...shown, status: 200, headers: {} } as const)
}

function viewDeliveryDetail(
  delivery: DescribedDelivery,
  attempts: readonly Attempt[],
  seesPayloads: boolean,
): DeliveryDetail {
  return { ...viewDelivery(delivery), attempts: attempts.map(attempt => viewAttempt(attempt, seesPayloads)) }
}

export function viewAttempt(attempt: Attempt, seesPayloads: boolean): AttemptView {
  const { number, durationMs, outcome, status, error, detail, reconnected, address } = attempt
  const { responseTruncated, responseRemoved = false } = attempt
  return {
    number,
    startedAt: time(attempt.startedAtMs),
    durationMs,
    outcome,
    status,
    error,
    detail: detail === null ? null : detail.code,
    explanation: detail === null ? null : sentenceOf(detail, { quotes: seesPayloads }),
    reconnected,
    address,
    request: viewRequest(attempt.request),
    responseHeaders: seesPayloads ? pairs(attempt.responseHeaders) : [],
    responseBody: seesPayloads ? Buffer.from(attempt.responseBody).toString() : '',
    responseTruncated,
    responseRemoved,
    responseHidden: !seesPayloads,
  }
}

function viewRequest(request: SentRequest | null): AttemptView['request'] {
  if (request === null) return null
  const { url, headers, hasClientCertificate: clientCertificate } = request
  return { method: 'POST', url, headers: pairs(headers), clientCertificate }
}

function pairs(flat: readonly string[]): string[][] {
  const headers: string[][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) headers.push([flat[at]!, flat[at + 1]!])
  return headers
}
