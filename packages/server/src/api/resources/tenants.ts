import { type Static, Type } from 'typebox'
import { PORTAL_PERMISSIONS, type PortalPermission } from '../../base/portal.ts'
import type { Retention, Tenant } from '../../base/tenant.ts'
import { isTenantId } from '../../base/tenant-id.ts'
import type { Tenants } from '../../services/tenants/tenants.ts'
import { inOrder, PageQuery } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import {
  Gone,
  IntegerOrNull,
  NoQuery,
  objectOrNull,
  pageOf,
  ref,
  strict,
  TenantParams,
  TextOrNull,
  Texts,
  TextsOrNull,
  Time,
  time,
} from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './tenants.examples.json' with { type: 'json' }

const AGE = 'from 1 to 36,500, counted from the end of its last delivery'

const retentionOf = <Member extends Parameters<typeof Type.Object>[0][string]>(days: (about: string) => Member) => ({
  days: days(
    `Number of days to keep an event with its deliveries and attempts, ${AGE}. If null, retentionDays applies.`,
  ),
  payloadDays: days(
    `Number of days to keep its payload, counted in the same way. If null, payloadRetentionDays applies.`,
  ),
  answerDays: days(
    `Number of days to keep a response, counted from the end of its delivery. If null, answerRetentionDays applies.`,
  ),
})

const RETENTION = 'Retention periods of this tenant. Null if those in the settings apply.'

const PORTAL_MAY = "What links to the tenant's portal let their users do, unless a link says it itself."
const PermissionsOrNull = (description: string) =>
  Type.Unsafe<readonly PortalPermission[] | null>({
    type: ['array', 'null'],
    items: { type: 'string', enum: [...PORTAL_PERMISSIONS] },
    description,
  })

const TenantSchema = Type.Object(
  {
    id: Type.String(),
    name: TextOrNull(),
    metadata: Texts(),
    retention: objectOrNull(
      retentionOf(description => IntegerOrNull({ description })),
      RETENTION,
    ),
    portalMay: PermissionsOrNull(`${PORTAL_MAY} Null if the setting of the same name applies.`),
    createdAt: Time('When the tenant was created.'),
  },
  { $id: 'Tenant' },
)

type TenantView = Static<typeof TenantSchema>

const TenantInput = strict({
  name: Type.Optional(TextOrNull({ description: 'At most 256 characters.' })),
  metadata: Type.Optional(TextsOrNull({ description: 'Your own labels, at most 50.' })),
  retention: Type.Optional(
    Type.Unsafe<Partial<Retention> | null>({
      ...strict(retentionOf(description => Type.Optional(IntegerOrNull({ description })))),
      type: ['object', 'null'],
      description: `${RETENTION} Defaults to null.`,
    }),
  ),
  portalMay: Type.Optional(PermissionsOrNull(`${PORTAL_MAY} Defaults to null: the setting of the same name applies.`)),
})

const TextQuery = Type.String({
  maxLength: 2_048,
  description:
    'Only tenants with this text in their id or name. Upper and lower case of the letters A to Z are the same.',
  examples: ['acme'],
})

const Shown = (description: string) => ({ ...ref(TenantSchema), description })

type Needs = { readonly tenants: Public<Tenants> }

export const tenantsResource = resource({
  tag: 'Tenants',
  components: [TenantSchema],
  examples,
  add(routes, services: Needs) {
    addReading(routes, services)
    addWriting(routes, services)
  },
})

function addReading(routes: Routes, { tenants }: Needs): void {
  routes.get(
    '/v1/tenants',
    {
      access: 'read',
      operationId: 'listTenants',
      summary: 'List tenants, sorted by id',
      description:
        'With `text`, a page can have fewer tenants than `limit` although more follow. Follow `nextCursor` until it is ' +
        'null.',
      querystring: strict({ ...PageQuery, text: Type.Optional(TextQuery) }),
      response: { 200: pageOf(TenantSchema, 'A page of tenants.') },
    },
    async ({ query }) => {
      const pager = inOrder(isTenantId, query)
      const idOf = ({ id }: Tenant) => id
      if (query.text !== undefined) {
        return pager.slicedPage(await tenants.find(query.text, pager.place, pager.count), idOf, viewTenant)
      }
      const found = await tenants.list({ ...pager.place, limit: pager.count })
      return pager.page(found, idOf, viewTenant)
    },
  )

  routes.get(
    '/v1/tenants/:tenant',
    {
      access: 'read',
      operationId: 'getTenant',
      summary: 'Get a tenant',
      params: TenantParams,
      querystring: NoQuery,
      response: { 200: Shown('The tenant.') },
      refusals: ['not_found'],
    },
    async ({ params }) => viewTenant(await tenants.get(params.tenant)),
  )
}

function addWriting(routes: Routes, { tenants }: Needs): void {
  routes.put(
    '/v1/tenants/:tenant',
    {
      access: 'operator',
      operationId: 'putTenant',
      summary: 'Create a tenant, or replace its name, metadata, retention periods and portal permissions',
      params: TenantParams,
      querystring: NoQuery,
      body: TenantInput,
      response: {
        200: Shown('The updated tenant.'),
        201: Shown('The new tenant.'),
      },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params, body, actor }, reply) => {
      const { name, metadata, retention, portalMay } = body
      const input = {
        name: name ?? null,
        metadata: metadata ?? {},
        retention: retention ?? null,
        portalMay: portalMay ?? null,
      }
      const { tenant, created } = await tenants.put(params.tenant, input, actor)
      return reply.code(created ? 201 : 200).send(viewTenant(tenant))
    },
  )

  routes.delete(
    '/v1/tenants/:tenant',
    {
      access: 'operator',
      operationId: 'deleteTenant',
      summary: 'Delete a tenant',
      description: "Also deletes the tenant's endpoints and cancels their pending and held deliveries.",
      params: TenantParams,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params, actor }, reply) => {
      await tenants.remove(params.tenant, actor)
      return reply.code(204).send(undefined)
    },
  )
}

export function viewTenant({ id, name, metadata, retention, portalMay, createdAtMs }: Tenant): TenantView {
  return { id, name, metadata, retention, portalMay, createdAt: time(createdAtMs) }
}
