import { type Static, Type } from 'typebox'
import { API_KEY_SCOPES, type ApiKey } from '../../base/callers.ts'
import type { ApiKeys, CreatedApiKey } from '../../services/api-keys/api-keys.ts'
import { requirePayloads } from '../http/access.ts'
import { newestFirst, PageQuery, parseTimeOrRefuse } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import {
  Gone,
  KeyParams,
  Location,
  NoQuery,
  pageOf,
  RateLimitOrNull,
  ref,
  strict,
  TextOrNull,
  Time,
  TimeInputOrNull,
  TimeOrNull,
  time,
  timeOrNull,
  Word,
} from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './api-keys.examples.json' with { type: 'json' }

const Scope = Word(API_KEY_SCOPES, {
  description: 'What the key allows: everything (`all`), publishing only (`publish`) or reading only (`read`).',
})

const CALL_RATE = 'Maximum rate of calls with this key, counted by each node separately. Null for no limit.'

const API_KEY_MEMBERS = {
  id: Type.String({ examples: ['key_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
  name: Type.String(),
  scope: Scope,
  tenant: TextOrNull({
    description: 'The only tenant that the key can be used for. Null if it can be used for all tenants.',
  }),
  payloads: Type.Boolean({
    description: 'Whether responses to calls with the key show payloads and what receivers responded.',
  }),
  rateLimit: RateLimitOrNull({ description: CALL_RATE }),
  createdAt: Time('When the key was created.'),
  expiresAt: TimeOrNull('When the key expires. Null if it never does.'),
  revokedAt: TimeOrNull('When the key was revoked. Null if it was not.'),
}

const ApiKeySchema = Type.Object(API_KEY_MEMBERS, { $id: 'ApiKey' })

type ApiKeyView = Static<typeof ApiKeySchema>

const NewApiKeySchema = Type.Object(
  { ...API_KEY_MEMBERS, key: Type.String({ description: 'The key itself. Only this response contains it.' }) },
  { $id: 'NewApiKey' },
)

const ApiKeyInput = strict({
  name: Type.String({ description: 'A name that says what the key is for, 1 to 256 characters.' }),
  scope: Scope,
  tenant: Type.Optional(
    TextOrNull({
      description: 'The only tenant that the key can be used for. Null if it can be used for all tenants.',
    }),
  ),
  payloads: Type.Optional(
    Type.Boolean({
      description:
        'Whether responses to calls with the key show payloads and what receivers responded. Defaults to true. A key ' +
        'without this permission cannot create one that has it.',
    }),
  ),
  expiresAt: Type.Optional(TimeInputOrNull('When the key expires. Null if it never does.')),
  rateLimit: Type.Optional(RateLimitOrNull({ description: CALL_RATE })),
})

const ONE = '/v1/api-keys/:id'

type Needs = { readonly apiKeys: Public<ApiKeys> }

export const apiKeysResource = resource({
  tag: 'API keys',
  components: [ApiKeySchema, NewApiKeySchema],
  examples,
  add(routes, services: Needs) {
    addCreating(routes, services)
    addReading(routes, services)
    addRevoking(routes, services)
  },
})

function addCreating(routes: Routes, { apiKeys }: Needs): void {
  routes.post(
    '/v1/api-keys',
    {
      access: 'operator',
      makes: true,
      operationId: 'createApiKey',
      summary: 'Create an API key',
      description: 'Only the response to this call contains the key itself.',
      querystring: NoQuery,
      body: ApiKeyInput,
      response: { 201: { ...ref(NewApiKeySchema), description: 'The new API key.', ...Location } },
    },
    async ({ body: { expiresAt, ...rest }, caller, actor, once }, reply) => {
      if (rest.payloads ?? true) requirePayloads(caller, 'create a key that has it')
      const expiresAtMs = parseTimeOrRefuse('/expiresAt', expiresAt ?? null)
      const { headers, body } = made(await apiKeys.create({ ...rest, expiresAtMs }, actor, once?.keeping(made)))
      return reply.code(201).headers(headers).send(body)
    },
  )
}

const made = ({ key, secret }: CreatedApiKey) => ({
  status: 201,
  headers: { location: `/v1/api-keys/${key.id}`, 'cache-control': 'no-store' },
  body: { ...viewApiKey(key), key: secret },
  madeId: key.id,
  hasSecret: true,
})

function addReading(routes: Routes, { apiKeys }: Needs): void {
  routes.get(
    '/v1/api-keys',
    {
      access: 'operator',
      operationId: 'listApiKeys',
      summary: 'List API keys, newest first',
      description: 'Includes revoked and expired keys, but not the root key.',
      querystring: strict(PageQuery),
      response: { 200: pageOf(ApiKeySchema, 'A page of API keys.') },
    },
    async ({ query }) => {
      const pager = newestFirst('key', query)
      const found = await apiKeys.list({ ...pager.place, limit: pager.count })
      return pager.page(found, ({ id }) => id, viewApiKey)
    },
  )

  routes.get(
    ONE,
    {
      access: 'operator',
      operationId: 'getApiKey',
      summary: 'Get an API key, without its secret',
      params: KeyParams,
      querystring: NoQuery,
      response: { 200: { ...ref(ApiKeySchema), description: 'The API key.' } },
      refusals: ['not_found'],
    },
    async ({ params: { id } }) => viewApiKey(await apiKeys.get(id)),
  )
}

function addRevoking(routes: Routes, { apiKeys }: Needs): void {
  routes.delete(
    ONE,
    {
      access: 'operator',
      operationId: 'revokeApiKey',
      summary: 'Revoke an API key',
      description: 'All nodes refuse the key within a second. This cannot be undone. The key stays in the list.',
      params: KeyParams,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found'],
    },
    async ({ params: { id }, actor }, reply) => {
      await apiKeys.revoke(id, actor)
      return reply.code(204).send(undefined)
    },
  )
}

function viewApiKey({ id, name, scope, tenant, payloads, rateLimit, ...times }: ApiKey): ApiKeyView {
  const { createdAtMs, expiresAtMs, revokedAtMs } = times
  return {
    id,
    name,
    scope,
    tenant,
    payloads,
    rateLimit,
    createdAt: time(createdAtMs),
    expiresAt: timeOrNull(expiresAtMs),
    revokedAt: timeOrNull(revokedAtMs),
  }
}
