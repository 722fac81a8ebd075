import { Type } from 'typebox'
import { publicProblems } from './schemas/problems.ts'
import type { Api, ApiOptions } from './services.ts'

const tags = ['Health']
const Status = (description: string) => Type.Object({ status: Type.String() }, { description })

export function addHealth(api: Api, { isReady, isDraining }: ApiOptions): void {
  api.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        tags,
        security: [],
        response: { 200: Status('It is.'), ...publicProblems() },
      },
    },
    async () => ({ status: 'ok' }),
  )

  api.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether to send requests here',
        tags,
        security: [],
        response: {
          200: Status('Yes.'),
          // Its 503 has two shapes, so it goes after the others'.
          ...publicProblems(),
          503: {
            description: 'Not yet, or no more.',
            content: {
              'application/json': { schema: Status('`starting` or `draining`.') },
              'application/problem+json': { schema: { $ref: 'Problem#' } },
            },
          },
        },
      },
    },
    async (_request, reply) => {
      if (isDraining()) return reply.code(503).send({ status: 'draining' })
      if (!isReady()) return reply.code(503).send({ status: 'starting' })
      return { status: 'ready' }
    },
  )
}
