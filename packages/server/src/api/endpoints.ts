import { Type } from 'typebox'
import type { Endpoint } from '../base/model.ts'
import { decodeCursor, isIdOf, PageQuery, parseTimeOrRefuse, toPage } from './lists.ts'
import { EndpointPatch, NewEndpoint, SIGNING_INPUT } from './schemas/endpoints.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import {
  Gone,
  ItemParams,
  Location,
  NoBody,
  NoQuery,
  optionalBody,
  pageOf,
  ref,
  strict,
  TenantParams,
} from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewEndpoint } from './views.ts'

const tags = ['Endpoints']
const Shown = (description: string) => ({ ...ref('Endpoint'), description })
const ShownOnce = (description: string) => ({ ...ref('EndpointWithSecret'), description })
const ONE = '/tenants/:tenant/endpoints/:id'

export function addEndpoints(api: Api, services: Services): void {
  addReading(api, services)
  addWriting(api, services)
  addSigning(api, services)
  addActions(api, services)
}

const viewWith =
  ({ endpoints }: Services) =>
  async (endpoint: Endpoint) =>
    viewEndpoint(endpoint, await endpoints.describe(endpoint))

function addReading(api: Api, services: Services): void {
  const { endpoints } = services
  const view = viewWith(services)

  api.get(
    '/tenants/:tenant/endpoints',
    {
      schema: {
        operationId: 'listEndpoints',
        summary: "List a tenant's endpoints, newest first",
        tags,
        params: TenantParams,
        querystring: strict(PageQuery),
        response: { 200: pageOf('Endpoint', 'A page of endpoints.'), ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant }, query: { cursor, limit } }) => {
      const before = decodeCursor(cursor, isIdOf('ep'))
      const found = await endpoints.list(tenant, { before, limit: limit + 1 })
      const page = toPage(
        found,
        limit,
        ({ id }) => id,
        endpoint => endpoint,
      )
      return { ...page, data: await Promise.all(page.data.map(view)) }
    },
  )

  api.get(
    ONE,
    {
      schema: {
        operationId: 'getEndpoint',
        summary: 'Get an endpoint',
        tags,
        params: ItemParams,
        querystring: NoQuery,
        response: { 200: Shown('The endpoint.'), ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant, id } }) => view(await endpoints.get(tenant, id)),
  )
}

function addWriting(api: Api, { endpoints }: Services): void {
  api.post(
    '/tenants/:tenant/endpoints',
    {
      schema: {
        operationId: 'createEndpoint',
        summary: 'Register an endpoint',
        tags,
        params: TenantParams,
        querystring: NoQuery,
        body: NewEndpoint,
        response: {
          201: { ...ShownOnce('It was created.'), ...Location },
          ...writeProblems('not_found', 'conflict', 'event_type_archived'),
        },
      },
    },
    async ({ params: { tenant }, body, actor }, reply) => {
      const { endpoint, signingSecret, ...described } = await endpoints.create(tenant, withoutNull(body), actor)
      return reply
        .code(201)
        .header('location', `/v1/tenants/${encodeURIComponent(tenant)}/endpoints/${endpoint.id}`)
        .send({ ...viewEndpoint(endpoint, described), signingSecret })
    },
  )

  api.patch(
    ONE,
    {
      schema: {
        operationId: 'updateEndpoint',
        summary: 'Change an endpoint',
        tags,
        description: 'Changes what is named and leaves the rest; null resets. The next attempts use it.',
        params: ItemParams,
        querystring: NoQuery,
        body: EndpointPatch,
        response: {
          200: ShownOnce('The endpoint as it is now.'),
          ...writeProblems('not_found', 'conflict', 'event_type_archived'),
        },
      },
    },
    async ({ params: { tenant, id }, body, actor }) => {
      const { switchAt, ...rest } = withoutNull(body)
      const patch = switchAt === undefined ? rest : { ...rest, switchAtMs: parseTimeOrRefuse('/switchAt', switchAt) }
      const { endpoint, signingSecret, ...described } = await endpoints.update(tenant, id, patch, actor)
      return { ...viewEndpoint(endpoint, described), signingSecret }
    },
  )

  api.delete(
    ONE,
    {
      schema: {
        operationId: 'deleteEndpoint',
        summary: 'Delete an endpoint',
        tags,
        description: 'What is still owed to it is cancelled.',
        params: ItemParams,
        querystring: NoQuery,
        response: { 204: Gone, ...writeProblems('not_found') },
      },
    },
    async ({ params: { tenant, id }, actor }, reply) => {
      await endpoints.remove(tenant, id, actor)
      return reply.code(204).send(undefined)
    },
  )
}

type Labels = { readonly metadata?: Record<string, string> | null; readonly headers?: Record<string, string> | null }

/** An endpoint has always metadata and headers, if empty ones: that is what null resets them to. */
function withoutNull<Body extends Labels>({ metadata, headers, ...rest }: Body) {
  return {
    ...rest,
    ...(metadata === undefined ? {} : { metadata: metadata ?? {} }),
    ...(headers === undefined ? {} : { headers: headers ?? {} }),
  }
}

function addSigning(api: Api, { endpoints }: Services): void {
  api.post(
    `${ONE}/signing-secrets`,
    {
      schema: {
        operationId: 'rotateSigningSecret',
        summary: 'Put another signing secret in force',
        tags,
        description: 'At once; the one before still counts for 24 hours, and requests have a signature by each.',
        params: ItemParams,
        querystring: NoQuery,
        body: optionalBody(SIGNING_INPUT),
        response: { 201: ShownOnce('The endpoint, with the secret.'), ...writeProblems('not_found', 'conflict') },
      },
    },
    async ({ params: { tenant, id }, body, actor }, reply) => {
      const { endpoint, signingSecret, ...described } = await endpoints.rotateSigning(tenant, id, body ?? {}, actor)
      return reply.code(201).send({ ...viewEndpoint(endpoint, described), signingSecret })
    },
  )
}

function addActions(api: Api, services: Services): void {
  const { endpoints, publisher } = services
  const view = viewWith(services)

  api.post(
    `${ONE}/test`,
    {
      schema: {
        operationId: 'testEndpoint',
        summary: "Send a type's example to an endpoint",
        tags,
        description: 'With the header `X-Posthorn-Test: true`, whether or not the endpoint wants the type.',
        params: ItemParams,
        querystring: NoQuery,
        body: optionalBody({
          type: Type.Optional(Type.String({ description: 'By default the first that the endpoint wants.' })),
        }),
        response: { 202: TestStarted, ...writeProblems('not_found', 'conflict', 'event_type_archived') },
      },
    },
    async ({ params: { tenant, id }, body }, reply) => {
      const { event, delivery, type } = await publisher.publishTest(await endpoints.get(tenant, id), body?.type)
      return reply.code(202).send({ event, delivery, type })
    },
  )

  api.post(
    `${ONE}/disable`,
    {
      schema: {
        operationId: 'disableEndpoint',
        summary: 'Disable an endpoint',
        tags,
        description: 'What is pending is held, and what is published meanwhile.',
        params: ItemParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 200: Shown('The endpoint as it is now.'), ...writeProblems('not_found') },
      },
    },
    async ({ params: { tenant, id }, actor }) => view(await endpoints.disable(tenant, id, actor)),
  )

  api.post(
    `${ONE}/enable`,
    {
      schema: {
        operationId: 'enableEndpoint',
        summary: 'Enable an endpoint',
        tags,
        params: ItemParams,
        querystring: NoQuery,
        body: optionalBody({ held: Type.Optional(Held) }),
        response: { 200: Shown('The endpoint as it is now.'), ...writeProblems('not_found') },
      },
    },
    async ({ params: { tenant, id }, body, actor }) =>
      view(await endpoints.enable(tenant, id, { held: body?.held ?? 'release' }, actor)),
  )
}

const TestStarted = Type.Object(
  { event: Type.String(), delivery: Type.String(), type: Type.String() },
  { description: 'It is on its way: the delivery tells what becomes of it.' },
)

const Held = Type.Enum(['release', 'cancel'], {
  type: 'string',
  description: 'What becomes of held deliveries: release (the default) or cancel.',
})
