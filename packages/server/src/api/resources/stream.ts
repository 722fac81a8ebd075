import { Buffer } from 'node:buffer'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { MASK } from '../../base/webhook-request.ts'
import { STREAM_KINDS, type StreamFilter, type StreamQuery } from '../../services/stream/filter.ts'
import type { HandedRequest, StreamRecord } from '../../services/stream/records.ts'
import type { Streams } from '../../services/stream/streams.ts'
import { maySeeSecrets, requireListening, requirePayloads } from '../http/access.ts'
import { EVENT_STREAM, EventStream } from '../http/event-stream.ts'
import { partyOf } from '../http/party.ts'
import type { Routes } from '../http/routes.ts'
import { Several, valuesOf } from '../http/several.ts'
import { strict, TenantParams, time, Word } from '../http/shapes.ts'
import type { ApiOptions } from '../options.ts'
import { type Public, resource } from '../resource.ts'
import { viewAttempt } from './deliveries/deliveries.ts'
import { viewDelivery } from './deliveries/delivery.ts'
import { viewEndpoint } from './endpoints/view.ts'
import { writeEvent } from './events/views.ts'
import examples from './stream.examples.json' with { type: 'json' }

const Query = {
  kind: Type.Optional(
    Several(
      'Only records of these kinds. Default: all but `request`, without `event` if `endpoint` is given, and without ' +
        '`endpoint` if `type` is given; only `request` if `listen` is given.',
      { values: STREAM_KINDS, examples: ['delivery,attempt'] },
    ),
  ),
  type: Type.Optional(
    Several('Only events, deliveries and attempts of these event types.', { examples: ['COVER_REFERENCE'] }),
  ),
  endpoint: Type.Optional(
    Several('Only deliveries and attempts to these endpoints and changes of them, by id or uid.', {
      examples: ['ep_01kb8dzn3afp8rr0yc2h1q7d9k', 'billing,shipping'],
    }),
  ),
  payloads: Type.Optional(
    Word(['true', 'false'] as const, {
      description:
        '`true`: with the payloads of events, and with what receivers responded to attempts. Needs the permission ' +
        '`payloads`. Default: both are left out, as for a key without it.',
    }),
  ),
}

const Listen = Type.Optional(
  Several(
    'Listens to these listeners, by id or uid: the stream has their requests, to be answered with `answerRequest`, and ' +
      'Posthorn sends them because someone listens. Needs the scope `all` and the permission `payloads`.',
    { examples: ['ep_01kb8dzn3afp8rr0yc2h1q7d9k'] },
  ),
)

type Asked = {
  readonly kind?: string | readonly string[]
  readonly type?: string | readonly string[]
  readonly endpoint?: string | readonly string[]
  readonly payloads?: 'true' | 'false'
  readonly listen?: string | readonly string[]
}

const Stream = {
  description:
    'Server-sent events, for as long as the connection is open. The `event` of each is `event`, `delivery`, `attempt`, ' +
    '`endpoint`, `request` or `reset`, its `data` is JSON, and its `id` is the position to continue after.',
  content: { 'text/event-stream': { schema: Type.String() } },
}

const HOW =
  'Sends what is committed from now on, by any node, in the order of the commits. A record shows its thing as it is ' +
  'when the record is sent. `event`: an item of the list of events. `delivery`: an item of the list of deliveries. ' +
  '`attempt`: `{ tenant, delivery, event, endpoint, attempt }`. `endpoint`: `{ tenant, id, change, endpoint }`, where ' +
  '`change` is `created`, `updated` or `deleted`, and `endpoint` is null if it was deleted. `reset`: the position ' +
  'cannot be continued, so read the lists again; what follows is complete from here on. A comment is sent every 15 ' +
  'seconds. To continue after the connection was closed, send the last `id` as the header `Last-Event-ID` within about ' +
  'two minutes.'

const LISTENING =
  'With `listen`, `request`: `{ tenant, delivery, attempt, endpoint, event, type, test, startedAt, expiresAt, method, ' +
  'headers, body }`, a request as it would be sent to a URL: `headers` are pairs of name and value, and `body` is the ' +
  'payload as published, in UTF-8. What was open when the stream was opened comes first. The same request can come again ' +
  'after the connection was closed. A secret in a header shows as `[secret]` to a portal user without the permission ' +
  '`secrets`.'

/** Not reserved for as long as a stream lasts: `Streams` has a limit of its own for what waits. */
const ANSWER_BYTES = 0

const HEADERS = { 'content-type': EVENT_STREAM, 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

type Needs = { readonly streams: Public<Streams> }

export const streamResource = resource({
  tag: 'Stream',
  components: [],
  examples,
  add(routes, services: Needs, options) {
    const needs = { ...services, clock: options.clock }
    addAll(routes, needs)
    addTenant(routes, needs)
  },
})

type NeedsWithClock = Needs & Pick<ApiOptions, 'clock'>

function addAll(routes: Routes, services: NeedsWithClock): void {
  routes.get(
    '/v1/stream',
    {
      access: 'read',
      payloads: 'shown',
      isCostly: false,
      answerBytes: ANSWER_BYTES,
      operationId: 'readStream',
      summary: 'Stream what happens in all tenants',
      description: `For API keys without a tenant. ${HOW}`,
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only records of this tenant.', examples: ['acme'] })),
        ...Query,
      }),
      response: { 200: Stream },
    },
    async (request, reply) =>
      stream(services, request as FastifyRequest, reply as FastifyReply, request.query.tenant ?? null, request.query),
  )
}

function addTenant(routes: Routes, services: NeedsWithClock): void {
  routes.get(
    '/v1/tenants/:tenant/stream',
    {
      access: 'read',
      payloads: 'shown',
      isCostly: false,
      answerBytes: ANSWER_BYTES,
      portal: 'look',
      operationId: 'readTenantStream',
      summary: 'Stream what happens in a tenant',
      description: `${HOW} ${LISTENING}`,
      params: TenantParams,
      querystring: strict({ ...Query, listen: Listen }),
      response: { 200: Stream },
      refusals: ['not_found'],
    },
    async (request, reply) =>
      stream(services, request as FastifyRequest, reply as FastifyReply, request.params.tenant, request.query, true),
  )
}

async function stream(
  { streams, clock }: NeedsWithClock,
  request: FastifyRequest,
  reply: FastifyReply,
  tenant: string | null,
  asked: Asked,
  isPath = false,
): Promise<FastifyReply> {
  const withPayloads = asked.payloads === 'true'
  if (withPayloads) requirePayloads(request.caller, 'stream payloads')
  const listens = asked.listen !== undefined
  if (listens) requireListening(request.caller)
  const seesSecrets = listens && maySeeSecrets(request.caller)
  const query = { ...toQuery(asked, withPayloads && request.seesPayloads), seesSecrets }
  const filter = await streams.select(tenant, !isPath, query)
  // A connection of its own, which ends with the stream: kept alive, it would delay a shutdown.
  reply.headers({ ...HEADERS, connection: 'close' })
  // Nothing would end it.
  if (request.method === 'HEAD') return reply.send('')
  const sink = new EventStream(reply.raw, clock, record => textOf(record, filter))
  const after = request.headers['last-event-id']
  const close = await streams.open(
    {
      filter,
      after: typeof after === 'string' && after !== '' ? after : null,
      party: partyOf(request.caller?.key ?? null),
      isAllowed: () => request.isStillAllowed(),
    },
    sink,
  )
  // It is destroyed with its connection.
  sink.body.once('close', close)
  if (reply.raw.closed) sink.body.destroy()
  return reply.send(sink.body)
}

const toQuery = ({ kind, type, endpoint, listen }: Asked, withPayloads: boolean): Omit<StreamQuery, 'seesSecrets'> => ({
  kinds: valuesOf(kind),
  types: valuesOf(type),
  endpoints: valuesOf(endpoint),
  listen: valuesOf(listen),
  withPayloads,
})

/** The JSON of a record without and with payloads, each written once for all readers. */
const texts = new WeakMap<StreamRecord, [string?, string?]>()

function textOf(record: StreamRecord, { withPayloads, seesSecrets }: StreamFilter): string {
  // It goes to few.
  if (record.kind === 'request') return JSON.stringify(viewRequest(record.request, seesSecrets))
  const known = texts.get(record) ?? []
  texts.set(record, known)
  const place = withPayloads && (record.kind === 'event' || record.kind === 'attempt') ? 1 : 0
  known[place] ??= write(record, withPayloads)
  return known[place]
}

function write(record: Exclude<StreamRecord, { kind: 'request' }>, withPayloads: boolean): string {
  if (record.kind === 'event') return writeEvent(record.event, withPayloads)
  if (record.kind === 'delivery') return JSON.stringify(viewDelivery(record.delivery))
  if (record.kind === 'attempt') {
    const { tenant, delivery, attempt } = record
    const { id, event, endpoint } = delivery
    return JSON.stringify({ tenant, delivery: id, event, endpoint, attempt: viewAttempt(attempt, withPayloads) })
  }
  const { tenant, id, change, shown } = record
  const endpoint = shown === null ? null : viewEndpoint(shown.endpoint, shown.described)
  return JSON.stringify({ tenant, id, change, endpoint })
}

function viewRequest(request: HandedRequest, seesSecrets: boolean) {
  const { tenant, delivery, number, endpoint, event, type, test, headers, payload } = request
  const hidden = new Set(seesSecrets ? [] : request.secret)
  const pairs: string[][] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!
    pairs.push([name, hidden.has(name.toLowerCase()) ? MASK : headers[at + 1]!])
  }
  const times = { startedAt: time(request.startedAtMs), expiresAt: time(request.expiresAtMs) }
  const body = Buffer.from(payload).toString()
  return {
    tenant,
    delivery,
    attempt: number,
    endpoint,
    event,
    type,
    test,
    ...times,
    method: 'POST',
    headers: pairs,
    body,
  }
}
