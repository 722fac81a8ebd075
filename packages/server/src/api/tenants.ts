import { isTenantId } from '../base/tenant-id.ts'
import { decodeCursor, PageQuery, toPage } from './lists.ts'
import { TenantInput } from './schemas/configuration.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { Gone, NoQuery, pageOf, ref, strict, TenantParams } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewTenant } from './views.ts'

const tags = ['Tenants']
const Tenant = (description: string) => ({ ...ref('Tenant'), description })

export function addTenants(api: Api, { tenants }: Services): void {
  api.get(
    '/tenants',
    {
      schema: {
        operationId: 'listTenants',
        summary: 'List the tenants, by id',
        tags,
        querystring: strict(PageQuery),
        response: { 200: pageOf('Tenant', 'A page of tenants.'), ...readProblems() },
      },
    },
    async ({ query: { cursor, limit } }) => {
      const found = await tenants.list({ after: decodeCursor(cursor, isTenantId), limit: limit + 1 })
      return toPage(found, limit, ({ id }) => id, viewTenant)
    },
  )

  api.get(
    '/tenants/:tenant',
    {
      schema: {
        operationId: 'getTenant',
        summary: 'Get a tenant',
        tags,
        params: TenantParams,
        querystring: NoQuery,
        response: { 200: Tenant('The tenant.'), ...readProblems('not_found') },
      },
    },
    async ({ params }) => viewTenant(await tenants.get(params.tenant)),
  )

  api.put(
    '/tenants/:tenant',
    {
      schema: {
        operationId: 'putTenant',
        summary: 'Create a tenant, or replace its name, metadata and ages',
        tags,
        params: TenantParams,
        querystring: NoQuery,
        body: TenantInput,
        response: {
          200: Tenant('It was replaced.'),
          201: Tenant('It was created.'),
          ...writeProblems('not_found', 'conflict'),
        },
      },
    },
    async ({ params, body, actor }, reply) => {
      const { name, metadata, retention } = body ?? {}
      const input = { name: name ?? null, metadata: metadata ?? {}, retention: retention ?? null }
      const { tenant, created } = await tenants.put(params.tenant, input, actor)
      return reply.code(created ? 201 : 200).send(viewTenant(tenant))
    },
  )

  api.delete(
    '/tenants/:tenant',
    {
      schema: {
        operationId: 'deleteTenant',
        summary: 'Delete a tenant',
        tags,
        description: 'Its endpoints go with it, and what is still owed to them is cancelled.',
        params: TenantParams,
        querystring: NoQuery,
        response: { 204: Gone, ...writeProblems('not_found', 'conflict') },
      },
    },
    async ({ params, actor }, reply) => {
      await tenants.remove(params.tenant, actor)
      return reply.code(204).send(undefined)
    },
  )
}
