import { Buffer } from 'node:buffer'
import { Type } from 'typebox'
import type { Warning } from '../manage/endpoints.ts'
import type { Endpoint } from '../model.ts'
import type { ApiServices, App } from './app.ts'
import { decodeCursor, isIdOf, PageQuery, toPage } from './lists.ts'
import {
  Metadata,
  NoContent,
  nullable,
  oneOf,
  pageOf,
  REFUSALS,
  Strict,
  TenantItemPath,
  TenantPath,
  Time,
  toTime,
} from './schemas.ts'

const settings = {
  types: nullable(Type.Array(Type.String(), { description: 'Event types wanted; null: all of the catalogue’s.' })),
  description: nullable(Type.String()),
  metadata: Metadata,
  headers: Type.Record(Type.String(), Type.String(), { description: 'Extra request headers.' }),
  schedule: nullable(
    Type.Array(Type.Number(), { description: 'Seconds before each retry; null: the operator’s (C12).' }),
  ),
  timeoutMs: nullable(
    Type.Integer({ description: 'From the first byte sent to the status; null: the operator’s (C11).' }),
  ),
}

const required = {
  url: Type.String({ description: 'https://, on a public host (C3).' }),
  clientSecret: Type.String({ description: 'Sent as the bearer token (C6, C7). Never shown again.' }),
}

const optional = Type.Partial(Type.Object(settings)).properties
const EndpointInput = Type.Object({ ...required, ...optional }, Strict)
const EndpointPatch = Type.Object(Type.Partial(Type.Object({ ...required, ...settings })).properties, Strict)

const WarningView = Type.Object({ code: Type.String(), detail: Type.String() })

const EndpointView = Type.Object({
  id: Type.String(),
  tenant: Type.String(),
  url: Type.String(),
  ...settings,
  state: oneOf(['enabled', 'disabled']),
  disabledReason: nullable(Type.String()),
  secretFingerprint: Type.String({ description: 'Tells two secrets apart, and nothing else of them.' }),
  createdAt: Time,
  updatedAt: Time,
  warnings: Type.Array(WarningView),
})

function viewOf(endpoint: Endpoint, warnings: readonly Warning[]) {
  const { id, tenant, url, types, description, metadata, headers, schedule, timeoutMs, state } = endpoint
  return {
    id,
    tenant,
    url,
    types: types === null ? null : [...types],
    description,
    metadata,
    headers,
    schedule: schedule === null ? null : [...schedule],
    timeoutMs,
    state,
    disabledReason: endpoint.disabledReason,
    secretFingerprint: Buffer.from(endpoint.secretDigest).toString('hex').slice(0, 8),
    createdAt: toTime(endpoint.createdAtMs),
    updatedAt: toTime(endpoint.updatedAtMs),
    warnings: [...warnings],
  }
}

export function registerEndpoints(app: App, services: ApiServices): void {
  const { endpoints } = services
  const tags = ['endpoints']
  const path = '/v1/tenants/:tenant/endpoints'
  const view = async (endpoint: Endpoint) => viewOf(endpoint, await endpoints.warnings(endpoint))
  app.get(
    path,
    {
      schema: {
        operationId: 'listEndpoints',
        tags,
        params: TenantPath,
        querystring: Type.Object(PageQuery, Strict),
        response: { 200: pageOf(EndpointView), ...REFUSALS },
      },
    },
    async ({ params, query: { cursor, limit } }) => {
      const before = decodeCursor(cursor, isIdOf('ep'))
      const found = await endpoints.list(params.tenant, { before, limit: limit + 1 })
      const { data, nextCursor } = toPage(found, limit, ({ id }) => id, view)
      return { data: await Promise.all(data), nextCursor }
    },
  )
  app.post(
    path,
    {
      schema: {
        operationId: 'createEndpoint',
        tags,
        params: TenantPath,
        body: EndpointInput,
        response: { 201: EndpointView, ...REFUSALS },
      },
    },
    async ({ params, body }, reply) => {
      const { endpoint, warnings } = await endpoints.create(params.tenant, body)
      reply.header('location', `/v1/tenants/${encodeURIComponent(params.tenant)}/endpoints/${endpoint.id}`)
      return reply.code(201).send(viewOf(endpoint, warnings))
    },
  )
  app.get(
    `${path}/:id`,
    {
      schema: {
        operationId: 'getEndpoint',
        tags,
        params: TenantItemPath,
        response: { 200: EndpointView, ...REFUSALS },
      },
    },
    async ({ params }) => view(await endpoints.get(params.tenant, params.id)),
  )
  app.patch(
    `${path}/:id`,
    {
      schema: {
        operationId: 'updateEndpoint',
        tags,
        params: TenantItemPath,
        body: EndpointPatch,
        response: { 200: EndpointView, ...REFUSALS },
      },
    },
    async ({ params, body }) => {
      const { endpoint, warnings } = await endpoints.update(params.tenant, params.id, body)
      return viewOf(endpoint, warnings)
    },
  )
  app.delete(
    `${path}/:id`,
    {
      schema: {
        operationId: 'deleteEndpoint',
        tags,
        params: TenantItemPath,
        response: { 204: NoContent, ...REFUSALS },
      },
    },
    async ({ params }, reply) => {
      await endpoints.remove(params.tenant, params.id)
      return reply.code(204).send(null)
    },
  )
  registerActions(app, services, path, view)
}

const TestBody = nullable(Type.Object({ type: Type.Optional(Type.String()) }, Strict))
const TestView = Type.Object({ event: Type.String(), delivery: Type.String(), type: Type.String() })
const EnableBody = nullable(Type.Object({ held: Type.Optional(oneOf(['release', 'cancel'])) }, Strict))

function registerActions(
  app: App,
  { endpoints, publisher }: ApiServices,
  path: string,
  view: (endpoint: Endpoint) => Promise<ReturnType<typeof viewOf>>,
): void {
  const tags = ['endpoints']
  app.post(
    `${path}/:id/test`,
    {
      schema: {
        operationId: 'testEndpoint',
        tags,
        params: TenantItemPath,
        body: TestBody,
        response: { 202: TestView, ...REFUSALS },
      },
    },
    async ({ params, body }, reply) => {
      const endpoint = await endpoints.get(params.tenant, params.id)
      return reply.code(202).send(await publisher.publishTest(endpoint, body?.type))
    },
  )
  app.post(
    `${path}/:id/disable`,
    {
      schema: {
        operationId: 'disableEndpoint',
        tags,
        params: TenantItemPath,
        response: { 200: EndpointView, ...REFUSALS },
      },
    },
    async ({ params }) => view(await endpoints.disable(params.tenant, params.id)),
  )
  app.post(
    `${path}/:id/enable`,
    {
      schema: {
        operationId: 'enableEndpoint',
        tags,
        params: TenantItemPath,
        body: EnableBody,
        response: { 200: EndpointView, ...REFUSALS },
      },
    },
    async ({ params, body }) =>
      view(await endpoints.enable(params.tenant, params.id, { held: body?.held ?? 'release' })),
  )
}
