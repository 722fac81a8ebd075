import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Erasure } from '../../base/tenant.ts'
import type { Exports } from '../../services/tenants/exports.ts'
import type { Tenants } from '../../services/tenants/tenants.ts'
import type { Routes } from '../http/routes.ts'
import { NoBody, NoQuery, ref, strict, TenantParams, Time, TimeOrNull, time, timeOrNull, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './tenant-data.examples.json' with { type: 'json' }

const ErasureSchema = Type.Object(
  {
    tenant: Type.String(),
    state: Word(['running', 'finished'] as const, {
      description: '`finished`: nothing of the tenant is left in the store, except in the audit log.',
    }),
    rowsRemoved: Type.Integer({ description: 'Number of rows removed so far.' }),
    requestedAt: Time('When the erasure was requested.'),
    finishedAt: TimeOrNull('When the erasure finished. Null if it is still running.'),
  },
  { $id: 'Erasure' },
)

type ErasureView = Static<typeof ErasureSchema>

const NDJSON = 'application/x-ndjson'

const Shown = (description: string) => ({ ...ref(ErasureSchema), description })

const Export = {
  description:
    'One JSON object per line. Its `kind` is `export`, `tenant`, `endpoint`, `notification`, `event`, `delivery` or ' +
    '`attempt`. The last line is `{"kind":"end","complete":true,"counts":{…}}`; without it, the response was cut off.',
  content: { [NDJSON]: { schema: Type.String() } },
}

const ExportQuery = strict({
  after: Type.Optional(
    Type.String({
      description:
        'Continue behind this event or delivery, whose line is the last one that you have. Behind an event, the other ' +
        'events and all deliveries follow; behind a delivery, the other deliveries, each with its attempts. `counts` in ' +
        'the last line is then about this response.',
    }),
  ),
})

type Needs = { readonly tenants: Public<Tenants>; readonly exports: Public<Exports> }

export const tenantDataResource = resource({
  tag: 'Tenants',
  components: [ErasureSchema],
  examples,
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
      payloads: 'shown',
      isCostly: false,
      operationId: 'exportTenant',
      summary: 'Export everything stored about a tenant',
      description:
        'Each row is exported as it is when it is read, without secrets. Events and deliveries created after the ' +
        'call started are not included. At most four exports run at the same time. For a key without the permission ' +
        '`payloads`, the export leaves out payloads and responses, and each line that lacks some says so.',
      params: TenantParams,
      querystring: ExportQuery,
      response: { 200: Export },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query: { after }, seesPayloads }, reply) => {
      const lines = Readable.from(await exports.open(tenant, seesPayloads, after), { objectMode: false })
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
      summary: 'Erase a tenant and everything stored about it',
      description:
        'Deletes the tenant, unless it is deleted already, and removes everything stored about it: secrets, ' +
        'payloads, responses and history. Runs in the background and resumes after restarts. This cannot be undone. ' +
        'Nothing is removed from the audit log.',
      params: TenantParams,
      querystring: NoQuery,
      body: NoBody,
      response: { 202: Shown('The erasure has started.') },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params, actor }, reply) => reply.code(202).send(viewErasure(await tenants.erase(params.tenant, actor))),
  )

  routes.get(
    '/v1/tenants/:tenant/erasure',
    {
      access: 'read',
      operationId: 'getErasure',
      summary: "Get the progress of a tenant's erasure",
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
