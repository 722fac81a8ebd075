import { type Static, Type } from 'typebox'
import { ACTOR_KINDS, AUDIT_ACTIONS, AUDIT_TARGETS, type AuditEntry } from '../../base/callers.ts'
import type { AuditLog } from '../../services/audit-log.ts'
import { newestFirst, PageQuery, parseRange, RangeQuery } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import { Several, valuesOf } from '../http/several.ts'
import { pageOf, SearchedTo, strict, TextOrNull, Time, time, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './audit.examples.json' with { type: 'json' }

const AuditEntrySchema = Type.Object(
  {
    id: Type.String(),
    at: Time('When the change was made.'),
    actor: Type.Object({
      kind: Word(ACTOR_KINDS, {
        description:
          'Who made the change: the root key (`root`), another API key (`key`), a user of a portal (`portal`) or ' +
          'Posthorn itself (`system`).',
      }),
      key: TextOrNull({
        description:
          'Id of the API key. For `portal`, of the one that made the link. Null for the root key and for `system`.',
      }),
      name: TextOrNull({
        description:
          'Name of the API key. For `portal`, the user that the link names. Null for the root key and for `system`.',
      }),
      address: TextOrNull({
        description: 'IP address that the call came from. Null if there was no call, or if the address is unknown.',
      }),
    }),
    action: Word(AUDIT_ACTIONS),
    target: Type.Object({ type: Word(AUDIT_TARGETS), id: Type.String() }),
    tenant: TextOrNull({ description: 'The tenant that the target belongs to. Null if it belongs to none.' }),
    fields: Type.Array(Type.String(), { description: 'Names of the fields that changed. Their values are not kept.' }),
  },
  { $id: 'AuditEntry' },
)

const AuditPage = {
  ...Type.Object({ ...pageOf(AuditEntrySchema, '').properties, searchedTo: SearchedTo }),
  description: 'A page of audit entries.',
}

type AuditEntryView = Static<typeof AuditEntrySchema>

type Needs = { readonly auditLog: Public<AuditLog> }

export const auditResource = resource({
  tag: 'Audit',
  components: [AuditEntrySchema],
  examples,
  add(routes, services: Needs) {
    addReading(routes, services)
  },
})

function addReading(routes: Routes, { auditLog }: Needs): void {
  routes.get(
    '/v1/audit',
    {
      access: 'operator',
      operationId: 'listAudit',
      summary: 'List changes to the configuration, what people did to deliveries, and who it was, newest first',
      description:
        'If little matches, the list answers after about 2 seconds with what it has found until then, possibly nothing, ' +
        'and says in `searchedTo` how far it looked. Follow `nextCursor` until it is null.',
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only entries about this tenant, even if it was deleted.' })),
        actor: Type.Optional(
          Type.String({
            description:
              'Only changes made by the root key (`root`), by Posthorn itself (`system`), by any other API key (`key`), ' +
              'or by the API key with this id.',
          }),
        ),
        action: Type.Optional(Several('Only these actions.', { values: AUDIT_ACTIONS })),
        target: Type.Optional(Several('Only changes of things of these types.', { values: AUDIT_TARGETS })),
        targetId: Type.Optional(
          Type.String({
            maxLength: 256,
            description: 'Only changes of the thing with this id. For an event type, it is its name.',
          }),
        ),
        ...RangeQuery,
        ...PageQuery,
      }),
      response: { 200: AuditPage },
    },
    async ({ query }) => {
      const pager = newestFirst('aud', query)
      const { tenant = null, actor, targetId } = query
      const sought = { actor, actions: several(query.action), targets: several(query.target), targetId }
      const found = await auditLog.list({ tenant, ...sought, ...parseRange(query), ...pager.place }, pager.count)
      return pager.foundPage(found, ({ id }) => id, viewAuditEntry)
    },
  )
}

const several = (parameter: string | readonly string[] | undefined) => valuesOf(parameter) ?? undefined

function viewAuditEntry({ id, atMs, actor, action, target, targetId, tenant, fields }: AuditEntry): AuditEntryView {
  const { kind, key, name, address } = actor
  return {
    id,
    at: time(atMs),
    actor: { kind, key, name, address },
    action,
    target: { type: target, id: targetId },
    tenant,
    fields: [...fields],
  }
}
