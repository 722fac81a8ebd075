import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Erasure } from '../../base/model.ts'
import type { Exports } from '../../services/tenants/exports.ts'
import type { Tenants } from '../../services/tenants/tenants.ts'
import type { Routes } from '../http/routes.ts'
import { NoBody, NoQuery, ref, TenantParams, Time, TimeOrNull, time, timeOrNull, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'

const ErasureSchema = Type.Object(
  {
    tenant: Type.String(),
    state: Word(['running', 'finished'] as const, {
      description: 'finished: nothing of it is left in the store but in the audit log.',
    }),
    rowsRemoved: Type.Integer({ description: 'Rows that are gone so far.' }),
    requestedAt: Time('When it was asked for.'),
    finishedAt: TimeOrNull('When it was finished; null: it is not.'),
  },
  { $id: 'Erasure' },
)

type ErasureView = Static<typeof ErasureSchema>

const NDJSON = 'application/x-ndjson'

const Shown = (description: string) => ({ ...ref(ErasureSchema), description })

const Export = {
  description:
    'A line of JSON each: `kind` is export, tenant, endpoint, event, delivery or attempt. The last line is ' +
    '`{"kind":"end","complete":true,"counts":{…}}`: without it, the answer was cut off.',
  content: { [NDJSON]: { schema: Type.String() } },
}

type Needs = { readonly tenants: Public<Tenants>; readonly exports: Public<Exports> }

export const tenantDataResource = resource({
  tag: 'Tenants',
  components: [ErasureSchema],
  add(routes, services: Needs) {
    addExport(routes, services)
    addErasure(routes, services)
  },
})

function addExport(routes: Routes, { exports }: Needs): void {
  routes.get(
    '/v1/tenants/:tenant/export',
    {
      access: 'read',
      operationId: 'exportTenant',
      summary: 'Export everything that is kept of a tenant',
      description:
        'As it is read: what is made after the call has begun is not in it. Secrets are not in it. At most four exports ' +
        'run at once.',
      params: TenantParams,
      querystring: NoQuery,
      response: { 200: Export },
      refusals: ['not_found'],
    },
    async ({ params: { tenant } }, reply) => {
      const lines = Readable.from(await exports.open(tenant), { objectMode: false })
      return (reply as FastifyReply).header('content-type', NDJSON).send(lines)
    },
  )
}

function addErasure(routes: Routes, { tenants }: Needs): void {
  routes.post(
    '/v1/tenants/:tenant/erase',
    {
      access: 'operator',
      operationId: 'eraseTenant',
      summary: 'Erase a tenant and everything that is kept of it',
      description:
        'Deletes the tenant, or takes one that was deleted before, and removes whatever is kept of it: secrets, ' +
        'payloads, answers, history. It goes on by itself, through restarts too. There is no way back. Of the audit ' +
        'log nothing is removed.',
      params: TenantParams,
      querystring: NoQuery,
      body: NoBody,
      response: { 202: Shown('It is being erased.') },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params, actor }, reply) => reply.code(202).send(viewErasure(await tenants.erase(params.tenant, actor))),
  )

  routes.get(
    '/v1/tenants/:tenant/erasure',
    {
      access: 'read',
      operationId: 'getErasure',
      summary: 'Get how far the erasure of a tenant has come',
      params: TenantParams,
      querystring: NoQuery,
      response: { 200: Shown('The erasure.') },
      refusals: ['not_found'],
    },
    async ({ params }) => viewErasure(await tenants.erasure(params.tenant)),
  )
}

function viewErasure({ tenant, state, rowsRemoved, requestedAtMs, finishedAtMs }: Erasure): ErasureView {
  const times = { requestedAt: time(requestedAtMs), finishedAt: timeOrNull(finishedAtMs) }
  return { tenant, state, rowsRemoved, ...times }
}
