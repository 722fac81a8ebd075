import { type Static, Type } from 'typebox'
import { ACTOR_KINDS, AUDIT_ACTIONS, AUDIT_TARGETS, type AuditEntry } from '../../base/model.ts'
import type { ApiKeys } from '../../services/api-keys/api-keys.ts'
import { decodeCursor, isIdOf, PageQuery, parseRange, RangeQuery, toPage } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import { pageOf, strict, TextOrNull, Time, time, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'

const AuditEntrySchema = Type.Object(
  {
    id: Type.String(),
    at: Time('When.'),
    actor: Type.Object({
      kind: Word(ACTOR_KINDS, { description: 'The root key, another key, or Posthorn itself.' }),
      key: TextOrNull({ description: "The key's id." }),
      name: TextOrNull({ description: "The key's name." }),
      address: TextOrNull({ description: 'Where the call came from.' }),
    }),
    action: Word(AUDIT_ACTIONS),
    target: Type.Object({ type: Word(AUDIT_TARGETS), id: Type.String() }),
    tenant: TextOrNull({ description: 'Whose it is.' }),
    fields: Type.Array(Type.String(), { description: 'What was changed, by name. No value is kept.' }),
  },
  { $id: 'AuditEntry' },
)

type AuditEntryView = Static<typeof AuditEntrySchema>

type Needs = { readonly apiKeys: Public<ApiKeys> }

export const auditResource = resource({
  tag: 'Audit',
  components: [AuditEntrySchema],
  add(routes, services: Needs) {
    addReading(routes, services)
  },
})

function addReading(routes: Routes, { apiKeys }: Needs): void {
  routes.get(
    '/v1/audit',
    {
      access: 'operator',
      operationId: 'listAudit',
      summary: 'List who changed the configuration, newest first',
      querystring: strict({
        tenant: Type.Optional(Type.String({ description: 'Only of this tenant, deleted or not.' })),
        ...RangeQuery,
        ...PageQuery,
      }),
      response: { 200: pageOf(AuditEntrySchema, 'A page of entries.') },
    },
    async ({ query }) => {
      const before = decodeCursor(query.cursor, isIdOf('aud'))
      const filter = { tenant: query.tenant ?? null, before, ...parseRange(query) }
      const found = await apiKeys.audit(filter, query.limit + 1)
      return toPage(found, query.limit, ({ id }) => id, viewAuditEntry)
    },
  )
}

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
