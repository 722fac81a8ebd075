import { Type } from 'typebox'
import type { Tenant } from '../model.ts'
import { isTenantId } from '../tenant-id.ts'
import type { ApiServices, App } from './app.ts'
import { decodeCursor, PageQuery, toPage } from './lists.ts'
import { Metadata, NoContent, nullable, pageOf, REFUSALS, Strict, TenantPath, Time, toTime } from './schemas.ts'

const TenantView = Type.Object({
  id: Type.String(),
  name: nullable(Type.String()),
  metadata: Metadata,
  createdAt: Time,
})

const viewOf = ({ id, name, metadata, createdAtMs }: Tenant) => ({ id, name, metadata, createdAt: toTime(createdAtMs) })

export function registerTenants(app: App, { tenants }: ApiServices): void {
  const tags = ['tenants']
  app.get(
    '/v1/tenants',
    {
      schema: {
        operationId: 'listTenants',
        tags,
        querystring: Type.Object(PageQuery, Strict),
        response: { 200: pageOf(TenantView), ...REFUSALS },
      },
    },
    async ({ query: { cursor, limit } }) => {
      const found = await tenants.list({ after: decodeCursor(cursor, isTenantId), limit: limit + 1 })
      return toPage(found, limit, ({ id }) => id, viewOf)
    },
  )
  app.get(
    '/v1/tenants/:tenant',
    { schema: { operationId: 'getTenant', tags, params: TenantPath, response: { 200: TenantView, ...REFUSALS } } },
    async ({ params }) => viewOf(await tenants.get(params.tenant)),
  )
  app.put(
    '/v1/tenants/:tenant',
    {
      schema: {
        operationId: 'putTenant',
        tags,
        params: TenantPath,
        body: Type.Object({ name: Type.Optional(nullable(Type.String())), metadata: Type.Optional(Metadata) }, Strict),
        response: { 200: TenantView, 201: TenantView, ...REFUSALS },
      },
    },
    async ({ params, body }, reply) => {
      const { tenant, created } = await tenants.put(params.tenant, body)
      return reply.code(created ? 201 : 200).send(viewOf(tenant))
    },
  )
  app.delete(
    '/v1/tenants/:tenant',
    { schema: { operationId: 'deleteTenant', tags, params: TenantPath, response: { 204: NoContent, ...REFUSALS } } },
    async ({ params }, reply) => {
      await tenants.remove(params.tenant)
      return reply.code(204).send(null)
    },
  )
}
