import { decodeCursor, isIdOf, PageQuery, toPage } from './lists.ts'
import { readProblems } from './schemas/problems.ts'
import { ItemParams, pageOf, strict } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'
import { viewOutcome } from './views.ts'

/** Why: what became of an event at each endpoint of its tenant. */
export function addEventEndpoints(api: Api, { deliveries }: Services): void {
  api.get(
    '/tenants/:tenant/events/:id/endpoints',
    {
      schema: {
        operationId: 'listEventEndpoints',
        summary: 'List what became of an event at each endpoint, and why',
        tags: ['Events'],
        description:
          "All of the tenant's endpoints, newest first, also those that were deleted or registered later. Types and " +
          'filters count as they were when the event was published.',
        params: ItemParams,
        querystring: strict(PageQuery),
        response: { 200: pageOf('EventEndpoint', 'A page of endpoints.'), ...readProblems('not_found') },
      },
    },
    async ({ params: { tenant, id }, query: { cursor, limit } }) => {
      const before = decodeCursor(cursor, isIdOf('ep'))
      const found = await deliveries.listOutcomes(tenant, id, { before, limit: limit + 1 })
      return toPage(found, limit, ({ endpoint }) => endpoint, viewOutcome)
    },
  )
}
