import { Type } from 'typebox'
import type { Endpoint } from '../../../base/model.ts'
import type { Publisher, StartedTest } from '../../../publish/publisher.ts'
import type { EndpointLists } from '../../../services/endpoints/endpoint-lists.ts'
import type { EndpointResult, Endpoints } from '../../../services/endpoints/endpoints.ts'
import type { HeaderInput } from '../../../services/endpoints/extra-headers.ts'
import { parseTimeOrRefuse } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import { EndpointParams, Gone, Location, NoBody, NoQuery, ref, strict, TenantParams } from '../../http/shapes.ts'
import { type Public, resource } from '../../resource.ts'
import examples from './endpoints.examples.json' with { type: 'json' }
import { addEndpointLists } from './lists.ts'
import { requirePermissionsToChange } from './portal-secrets.ts'
import {
  EndpointCheckInput,
  EndpointCheckSchema,
  EndpointPatch,
  EndpointSchema,
  EndpointWithSecretSchema,
  GracePeriod,
  Held,
  NewEndpoint,
  SIGNING_INPUT,
} from './schemas.ts'
import { viewEndpoint } from './view.ts'

const Shown = (description: string) => ({ ...ref(EndpointSchema), description })

const ShownOnce = (description: string) => ({ ...ref(EndpointWithSecretSchema), description })

const ONE = '/v1/tenants/:tenant/endpoints/:id'

type Needs = {
  readonly endpoints: Public<Endpoints>
  readonly endpointLists: Public<EndpointLists>
  readonly publisher: Pick<Publisher, 'publishTest'>
}

export const endpointsResource = resource({
  tag: 'Endpoints',
  components: [EndpointSchema, EndpointWithSecretSchema, EndpointCheckSchema],
  examples,
  add(routes, services: Needs) {
    addEndpointLists(routes, services)
    addReading(routes, services)
    addCreating(routes, services)
    addChecking(routes, services)
    addChanging(routes, services)
    addSigning(routes, services)
    addTesting(routes, services)
    addStateChanges(routes, services)
  },
})

const viewWith =
  ({ endpoints }: Needs) =>
  async (endpoint: Endpoint) =>
    viewEndpoint(endpoint, await endpoints.describe(endpoint))

function addReading(routes: Routes, services: Needs): void {
  const { endpoints } = services
  const view = viewWith(services)

  routes.get(
    ONE,
    {
      access: 'read',
      portal: 'look',
      operationId: 'getEndpoint',
      summary: 'Get an endpoint',
      params: EndpointParams,
      querystring: NoQuery,
      response: { 200: Shown('The endpoint.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id } }) => view(await endpoints.get(tenant, id)),
  )
}

function addCreating(routes: Routes, { endpoints }: Needs): void {
  routes.post(
    '/v1/tenants/:tenant/endpoints',
    {
      access: 'write',
      makes: true,
      portal: 'endpoints',
      operationId: 'createEndpoint',
      summary: 'Register an endpoint',
      params: TenantParams,
      querystring: NoQuery,
      body: NewEndpoint,
      response: {
        201: { ...ShownOnce('The new endpoint.'), ...Location },
      },
      refusals: ['not_found', 'conflict', 'event_type_archived'],
    },
    async ({ params: { tenant }, body, actor, once }, reply) => {
      const toMade = (result: EndpointResult) => ({
        ...made(result),
        headers: { location: `/v1/tenants/${encodeURIComponent(tenant)}/endpoints/${result.endpoint.id}` },
      })
      const result = await endpoints.create(tenant, withoutNull(body), actor, once?.keeping(toMade))
      const { headers, body: view } = toMade(result)
      return reply.code(201).headers(headers).send(view)
    },
  )
}

function addChecking(routes: Routes, { endpoints }: Needs): void {
  routes.post(
    '/v1/tenants/:tenant/endpoint-checks',
    {
      access: 'write',
      // It looks up a name, and a form can send it with every key that is pressed.
      isCostly: true,
      portal: 'endpoints',
      operationId: 'checkEndpoint',
      summary: 'Check an endpoint without registering it',
      description:
        'Says what registering the endpoint would refuse and warn of, of as many members as are given. Stores nothing, ' +
        'and sends nothing to the receiver.',
      params: TenantParams,
      querystring: NoQuery,
      body: EndpointCheckInput,
      response: { 200: { ...ref(EndpointCheckSchema), description: 'The findings.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, body }) => endpoints.checkNew(tenant, withoutNull(body)),
  )
}

/** The response to a call that made an endpoint, or a signing secret. */
const made = ({ endpoint, signingSecret, ...described }: EndpointResult) => ({
  status: 201,
  body: { ...viewEndpoint(endpoint, described), signingSecret },
  madeId: endpoint.id,
  hasSecret: signingSecret !== null,
})

function addChanging(routes: Routes, { endpoints }: Needs): void {
  routes.patch(
    ONE,
    {
      access: 'write',
      portal: ['endpoints', 'secrets'],
      operationId: 'updateEndpoint',
      summary: 'Update an endpoint',
      description:
        'Changes the given fields and keeps the others. Null resets a field. The next attempts use the new values.',
      params: EndpointParams,
      querystring: NoQuery,
      body: EndpointPatch,
      response: {
        200: ShownOnce('The updated endpoint.'),
      },
      refusals: ['not_found', 'conflict', 'event_type_archived'],
    },
    async ({ params: { tenant, id }, body, caller, actor }) => {
      await requirePermissionsToChange(caller, body, () => endpoints.get(tenant, id))
      const { switchAt, ...rest } = withoutNull(body)
      const patch = switchAt === undefined ? rest : { ...rest, switchAtMs: parseTimeOrRefuse('/switchAt', switchAt) }
      const { endpoint, signingSecret, ...described } = await endpoints.update(tenant, id, patch, actor)
      return { ...viewEndpoint(endpoint, described), signingSecret }
    },
  )

  routes.delete(
    ONE,
    {
      access: 'write',
      portal: 'endpoints',
      operationId: 'deleteEndpoint',
      summary: 'Delete an endpoint',
      description: "Also cancels the endpoint's pending and held deliveries.",
      params: EndpointParams,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, actor }, reply) => {
      await endpoints.remove(tenant, id, actor)
      return reply.code(204).send(undefined)
    },
  )
}

type Labels = {
  readonly metadata?: Record<string, string> | null
  readonly headers?: Record<string, HeaderInput> | null
}

/** Metadata and headers are never null in an endpoint: null resets them to empty ones. */
function withoutNull<Body extends Labels>({ metadata, headers, ...rest }: Body) {
  return {
    ...rest,
    ...(metadata === undefined ? {} : { metadata: metadata ?? {} }),
    ...(headers === undefined ? {} : { headers: headers ?? {} }),
  }
}

function addSigning(routes: Routes, { endpoints }: Needs): void {
  routes.post(
    `${ONE}/signing-secrets`,
    {
      access: 'write',
      makes: true,
      portal: 'secrets',
      operationId: 'rotateSigningSecret',
      summary: "Rotate an endpoint's signing secret",
      description:
        'The new secret takes effect immediately. The previous one stays valid for the grace period, 24 hours by ' +
        'default, and requests carry a signature for each valid secret.',
      params: EndpointParams,
      querystring: NoQuery,
      body: strict({ ...SIGNING_INPUT, gracePeriodSeconds: Type.Optional(GracePeriod) }),
      response: { 201: ShownOnce('The endpoint, with its new signing secret.') },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params: { tenant, id }, body, actor, once }, reply) => {
      const result = await endpoints.rotateSigning(tenant, id, body, actor, once?.keeping(made))
      return reply.code(201).send(made(result).body)
    },
  )
}

function addTesting(routes: Routes, { endpoints, publisher }: Needs): void {
  routes.post(
    `${ONE}/test`,
    {
      access: 'write',
      makes: true,
      portal: 'test',
      operationId: 'testEndpoint',
      summary: 'Send a test event to an endpoint',
      description:
        'Sends the example of an event type with the header `X-Posthorn-Test: true`, even if the endpoint does not ' +
        'otherwise want that type.',
      params: EndpointParams,
      querystring: NoQuery,
      body: strict({
        type: Type.Optional(
          Type.String({ description: 'The event type to send. Defaults to the first one that the endpoint receives.' }),
        ),
      }),
      response: { 202: TestStarted },
      refusals: ['not_found', 'conflict', 'event_type_archived'],
    },
    async ({ params: { tenant, id }, body, actor, once }, reply) => {
      const toMade = (started: StartedTest) => ({ status: 202, body: started, madeId: started.delivery })
      const endpoint = await endpoints.get(tenant, id)
      const started = await publisher.publishTest(endpoint, body.type, actor, once?.keeping(toMade))
      return reply.code(202).send(started)
    },
  )
}

function addStateChanges(routes: Routes, services: Needs): void {
  const { endpoints } = services
  const view = viewWith(services)

  routes.post(
    `${ONE}/disable`,
    {
      access: 'write',
      portal: 'endpoints',
      operationId: 'disableEndpoint',
      summary: 'Disable an endpoint',
      description: "Holds the endpoint's pending deliveries, and those of events published while it is disabled.",
      params: EndpointParams,
      querystring: NoQuery,
      body: NoBody,
      response: { 200: Shown('The updated endpoint.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, actor }) => view(await endpoints.disable(tenant, id, actor)),
  )

  routes.post(
    `${ONE}/enable`,
    {
      access: 'write',
      portal: 'endpoints',
      operationId: 'enableEndpoint',
      summary: 'Enable an endpoint',
      params: EndpointParams,
      querystring: NoQuery,
      body: strict({ held: Type.Optional(Held) }),
      response: { 200: Shown('The updated endpoint.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, body, actor }) =>
      view(await endpoints.enable(tenant, id, { held: body.held ?? 'release' }, actor)),
  )
}

const TestStarted = Type.Object(
  { event: Type.String(), delivery: Type.String(), type: Type.String() },
  { description: 'The test event was created. Get its delivery to see the outcome.' },
)
