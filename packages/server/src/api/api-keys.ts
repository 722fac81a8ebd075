import { PosthornError } from '../base/errors.ts'
import { decodeCursor, isIdOf, PageQuery, parseTime, toPage } from './lists.ts'
import { ApiKeyInput } from './schemas/access.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { Gone, KeyParams, Location, NoQuery, pageOf, ref, strict } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewApiKey } from './views.ts'

const tags = ['API keys']
const ONE = '/api-keys/:id'

export function addApiKeys(api: Api, { apiKeys }: Services): void {
  api.post(
    '/api-keys',
    {
      schema: {
        operationId: 'createApiKey',
        summary: 'Make an API key',
        tags,
        description: 'The answer is the only place that ever shows the key.',
        querystring: NoQuery,
        body: ApiKeyInput,
        response: { 201: { ...ref('NewApiKey'), description: 'It was made.', ...Location }, ...writeProblems() },
      },
    },
    async ({ body: { expiresAt, ...rest }, actor }, reply) => {
      const expiresAtMs = typeof expiresAt === 'string' ? readTime(expiresAt) : null
      const { key, secret } = await apiKeys.create({ ...rest, expiresAtMs }, actor)
      return reply
        .code(201)
        .header('location', `/v1/api-keys/${key.id}`)
        .header('cache-control', 'no-store')
        .send({ ...viewApiKey(key), key: secret })
    },
  )

  api.get(
    '/api-keys',
    {
      schema: {
        operationId: 'listApiKeys',
        summary: 'List the API keys, newest first',
        tags,
        description: 'Revoked and expired ones too; not the root key.',
        querystring: strict(PageQuery),
        response: { 200: pageOf('ApiKey', 'A page of API keys.'), ...readProblems() },
      },
    },
    async ({ query: { cursor, limit } }) => {
      const found = await apiKeys.list({ before: decodeCursor(cursor, isIdOf('key')), limit: limit + 1 })
      return toPage(found, limit, ({ id }) => id, viewApiKey)
    },
  )

  api.get(
    ONE,
    {
      schema: {
        operationId: 'getApiKey',
        summary: 'Get an API key, not the secret',
        tags,
        params: KeyParams,
        querystring: NoQuery,
        response: { 200: { ...ref('ApiKey'), description: 'The API key.' }, ...readProblems('not_found') },
      },
    },
    async ({ params: { id } }) => viewApiKey(await apiKeys.get(id)),
  )

  api.delete(
    ONE,
    {
      schema: {
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key',
        tags,
        description: 'For good, within a second on all nodes. It stays in the list.',
        params: KeyParams,
        querystring: NoQuery,
        response: { 204: Gone, ...writeProblems('not_found') },
      },
    },
    async ({ params: { id }, actor }, reply) => {
      await apiKeys.revoke(id, actor)
      return reply.code(204).send(undefined)
    },
  )
}

function readTime(text: string): number {
  const ms = parseTime(text)
  if (ms !== undefined) return ms
  const detail = 'It must be a time by RFC 3339, such as 2027-01-31T12:00:00Z.'
  throw new PosthornError('invalid', detail, { fields: [{ field: '/expiresAt', detail }] })
}
