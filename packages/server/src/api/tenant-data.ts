/** What becomes of everything that is kept of a tenant: its export, and its erasure. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { NoBody, NoQuery, ref, TenantParams } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewErasure } from './views.ts'

const tags = ['Tenants']
const NDJSON = 'application/x-ndjson'
const Erasure = (description: string) => ({ ...ref('Erasure'), description })

const Export = {
  description:
    'A line of JSON each: `kind` is export, tenant, endpoint, event, delivery or attempt. The last line is ' +
    '`{"kind":"end","complete":true,"counts":{…}}`: without it, the answer was cut off.',
  content: { [NDJSON]: { schema: Type.String() } },
}

export function addTenantData(api: Api, { tenants, exports }: Services): void {
  api.get(
    '/tenants/:tenant/export',
    {
      schema: {
        operationId: 'exportTenant',
        summary: 'Export everything that is kept of a tenant',
        tags,
        description:
          'As it is read: what is made after the call has begun is not in it. Secrets are not in it. At most four exports ' +
          'run at once.',
        params: TenantParams,
        querystring: NoQuery,
        response: { 200: Export, ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant } }, reply) => {
      const lines = Readable.from(await exports.open(tenant), { objectMode: false })
      return (reply as FastifyReply).header('content-type', NDJSON).send(lines)
    },
  )

  api.post(
    '/tenants/:tenant/erase',
    {
      schema: {
        operationId: 'eraseTenant',
        summary: 'Erase a tenant and everything that is kept of it',
        tags,
        description:
          'Deletes the tenant, or takes one that was deleted before, and removes whatever is kept of it: secrets, ' +
          'payloads, answers, history. It goes on by itself, through restarts too. There is no way back. Of the audit ' +
          'log nothing is removed.',
        params: TenantParams,
        querystring: NoQuery,
        body: NoBody,
        response: { 202: Erasure('It is being erased.'), ...writeProblems('not_found', 'conflict') },
      },
    },
    async ({ params, actor }, reply) => reply.code(202).send(viewErasure(await tenants.erase(params.tenant, actor))),
  )

  api.get(
    '/tenants/:tenant/erasure',
    {
      schema: {
        operationId: 'getErasure',
        summary: 'Get how far the erasure of a tenant has come',
        tags,
        params: TenantParams,
        querystring: NoQuery,
        response: { 200: Erasure('The erasure.'), ...readProblems('not_found') },
      },
    },
    async ({ params }) => viewErasure(await tenants.erasure(params.tenant)),
  )
}
