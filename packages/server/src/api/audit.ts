import { Type } from 'typebox'
import { decodeCursor, isIdOf, PageQuery, parseRange, RangeQuery, toPage } from './lists.ts'
import { readProblems } from './schemas/problems.ts'
import { pageOf, strict } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewAuditEntry } from './views.ts'

export function addAudit(api: Api, { apiKeys }: Services): void {
  api.get(
    '/audit',
    {
      schema: {
        operationId: 'listAudit',
        summary: 'List who changed the configuration, newest first',
        tags: ['Audit'],
        querystring: strict({
          tenant: Type.Optional(Type.String({ description: 'Only of this tenant, deleted or not.' })),
          ...RangeQuery,
          ...PageQuery,
        }),
        response: { 200: pageOf('AuditEntry', 'A page of entries.'), ...readProblems() },
      },
    },
    async ({ query }) => {
      const before = decodeCursor(query.cursor, isIdOf('aud'))
      const filter = { tenant: query.tenant ?? null, before, ...parseRange(query) }
      const found = await apiKeys.audit(filter, query.limit + 1)
      return toPage(found, query.limit, ({ id }) => id, viewAuditEntry)
    },
  )
}
