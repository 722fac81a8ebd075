import { Buffer } from 'node:buffer'
import { type Static, Type } from 'typebox'
import {
  ATTEMPT_ERRORS,
  type Attempt,
  type AttemptResult,
  DELIVERY_STATES,
  type Delivery,
  type DeliveryState,
  HELD_REASONS,
  type HeldReason,
} from '../../base/model.ts'
import type { SentRequest } from '../../base/webhook-request.ts'
import type { Deliveries } from '../../services/deliveries.ts'
import { decodeCursor, isIdOf, PageQuery, parseRange, RangeQuery, toPage } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
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
  TenantParams,
  TextOrNull,
  Time,
  TimeOrNull,
  time,
  timeOrNull,
  Word,
  WordOrNull,
} from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'

const StateQuery = Word<DeliveryState>(DELIVERY_STATES, { description: 'Only deliveries in this state.' })

const HeldReasonQuery = Word<HeldReason>(HELD_REASONS, { description: 'Only deliveries that are held for it.' })

/** Also of what became of an event at an endpoint. */
export const LastAttempt = objectOrNull(
  {
    at: Time('When it started.'),
    durationMs: Type.Integer({ description: 'How long it took, in milliseconds.' }),
    status: IntegerOrNull({ description: "The response's status. Null if there was no response." }),
    error: WordOrNull(ATTEMPT_ERRORS, { description: 'Why it failed. Null if it succeeded.' }),
  },
  'The result of its last attempt. Null before the first one, and for deliveries that ended before Posthorn kept this.',
)

const DELIVERY_MEMBERS = {
  id: Type.String(),
  event: Type.String(),
  endpoint: Type.String(),
  type: Type.String(),
  state: Word<DeliveryState>(DELIVERY_STATES),
  heldReason: WordOrNull(HELD_REASONS, {
    description: 'disabled: its endpoint is; set_aside: it was in flight at repeated crashes.',
  }),
  attemptCount: Type.Integer(),
  lastAttempt: LastAttempt,
  nextAttemptAt: TimeOrNull('When the next attempt falls due; null unless pending.'),
  replayOf: TextOrNull({ description: 'The delivery that this one repeats.' }),
  test: Type.Boolean(),
  createdAt: Time('When it was made.'),
  endedAt: TimeOrNull('When it was delivered, exhausted or cancelled.'),
}

export const DeliverySchema = Type.Object(DELIVERY_MEMBERS, { $id: 'Delivery' })

export type DeliveryView = Static<typeof DeliverySchema>

const SetAsideDeliverySchema = Type.Object(
  { tenant: Type.String(), ...DELIVERY_MEMBERS },
  { $id: 'SetAsideDelivery', description: 'A delivery that is not sent until a person says so, with its tenant.' },
)

type SetAsideDeliveryView = Static<typeof SetAsideDeliverySchema>

const HeaderList = (description: string) =>
  Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 }), { description })

const SentRequestOrNull = objectOrNull(
  {
    method: Word(['POST'] as const),
    url: Type.String({ description: "The endpoint's URL at that time." }),
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
    startedAt: Time('When it began.'),
    durationMs: Type.Integer(),
    outcome: Word(['success', 'failure'] as const),
    status: IntegerOrNull({ description: "The answer's status; null if there was no answer." }),
    error: WordOrNull(ATTEMPT_ERRORS, { description: 'Why it failed.' }),
    address: TextOrNull({ description: 'The address connected to.' }),
    request: SentRequestOrNull,
    responseHeaders: HeaderList('Name and value of each, as received, secrets blanked.'),
    responseBody: Type.String({ description: 'The first 16 KiB as text, secrets blanked.' }),
    responseTruncated: Type.Boolean({ description: 'Whether there was more of it.' }),
    responseRemoved: Type.Boolean({ description: 'Headers and body were removed for their age.' }),
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

const ListQuery = strict({
  state: Type.Optional(StateQuery),
  heldReason: Type.Optional(HeldReasonQuery),
  endpoint: Type.Optional(Type.String({ description: 'Only to this endpoint.' })),
  type: Type.Optional(Type.String({ description: 'Only of this event type.' })),
  event: Type.Optional(Type.String({ description: 'Only of this event.' })),
  ...RangeQuery,
  ...PageQuery,
})

type Needs = { readonly deliveries: Public<Deliveries> }

export const deliveriesResource = resource({
  tag: 'Deliveries',
  components: [DeliverySchema, SetAsideDeliverySchema, AttemptSchema, DeliveryDetailSchema],
  add(routes, services: Needs) {
    addReading(routes, services)
    addSetAside(routes, services)
    addActions(routes, services)
  },
})

function addReading(routes: Routes, { deliveries }: Needs): void {
  routes.get(
    '/v1/tenants/:tenant/deliveries',
    {
      access: 'read',
      operationId: 'listDeliveries',
      summary: "List a tenant's deliveries, newest first",
      params: TenantParams,
      querystring: ListQuery,
      response: { 200: pageOf(DeliverySchema, 'A page of deliveries.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query }) => {
      const { state = null, heldReason = null, endpoint = null, event = null, type = null, cursor, limit } = query
      const before = decodeCursor(cursor, isIdOf('dlv'))
      const filter = { state, heldReason, endpoint, event, type, before, ...parseRange(query) }
      return toPage(await deliveries.list(tenant, filter, limit + 1), limit, ({ id }) => id, viewDelivery)
    },
  )

  routes.get(
    ONE,
    {
      access: 'read',
      operationId: 'getDelivery',
      summary: 'Get a delivery with its attempts',
      params: ItemParams,
      querystring: NoQuery,
      response: {
        200: { ...ref(DeliveryDetailSchema), description: 'The delivery.' },
      },
      refusals: ['not_found'],
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
    ...pageOf(SetAsideDeliverySchema, '').properties,
  }),
  description: 'A page of what is set aside.',
}

function addSetAside(routes: Routes, { deliveries }: Needs): void {
  routes.get(
    '/v1/set-aside-deliveries',
    {
      access: 'read',
      operationId: 'listSetAsideDeliveries',
      summary: 'List what was set aside, of all tenants',
      description:
        'A delivery that was in flight at repeated crashes is not sent any more, since it may be their cause. ' +
        'Look at it, then retry or cancel it. Newest first.',
      querystring: strict(PageQuery),
      response: { 200: SetAsidePage },
    },
    async ({ query: { cursor, limit } }) => {
      const found = await deliveries.listSetAside(decodeCursor(cursor, isIdOf('dlv')), limit + 1)
      return { count: found.count, ...toPage(found.deliveries, limit, ({ id }) => id, viewSetAside) }
    },
  )
}

function addActions(routes: Routes, { deliveries }: Needs): void {
  routes.post(
    `${ONE}/retry`,
    {
      access: 'write',
      operationId: 'retryDelivery',
      summary: 'Try a delivery now, or again',
      description:
        'The next attempt of a pending delivery, or of one that was set aside, is now; of one that has ended, a new ' +
        'delivery is made. One that is held because its endpoint is disabled is refused.',
      params: ItemParams,
      querystring: NoQuery,
      body: NoBody,
      response: {
        200: Shown('The delivery: its next attempt is now.'),
        201: { ...Shown('A new delivery of the same event.'), ...Location },
      },
      refusals: ['not_found', 'conflict'],
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

  routes.post(
    `${ONE}/cancel`,
    {
      access: 'write',
      operationId: 'cancelDelivery',
      summary: 'Cancel a delivery',
      params: ItemParams,
      querystring: NoQuery,
      body: NoBody,
      response: { 200: Shown('The delivery, cancelled.') },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params: { tenant, id } }) => viewDelivery(await deliveries.cancel(tenant, id)),
  )
}

export function viewDelivery(delivery: Delivery): DeliveryView {
  const { id, event, endpoint, type, state, heldReason, attempts, lastAttempt, dueAtMs, replayOf, test } = delivery
  return {
    id,
    event,
    endpoint,
    type,
    state,
    heldReason,
    attemptCount: attempts,
    lastAttempt: viewResult(lastAttempt),
    nextAttemptAt: timeOrNull(dueAtMs),
    replayOf,
    test,
    createdAt: time(delivery.createdAtMs),
    endedAt: timeOrNull(delivery.endedAtMs),
  }
}

export function viewResult(result: AttemptResult | null): DeliveryView['lastAttempt'] {
  if (result === null) return null
  const { startedAtMs, durationMs, status, error } = result
  return { at: time(startedAtMs), durationMs, status, error }
}

function viewSetAside(delivery: Delivery): SetAsideDeliveryView {
  return { tenant: delivery.tenant, ...viewDelivery(delivery) }
}

function viewDeliveryDetail(delivery: Delivery, attempts: readonly Attempt[]): DeliveryDetail {
  return { ...viewDelivery(delivery), attempts: attempts.map(viewAttempt) }
}

function viewAttempt(attempt: Attempt): AttemptView {
  const { number, durationMs, outcome, status, error, address, responseTruncated, responseRemoved = false } = attempt
  return {
    number,
    startedAt: time(attempt.startedAtMs),
    durationMs,
    outcome,
    status,
    error,
    address,
    request: viewRequest(attempt.request),
    responseHeaders: pairs(attempt.responseHeaders),
    responseBody: Buffer.from(attempt.responseBody).toString(),
    responseTruncated,
    responseRemoved,
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
