import { Type } from 'typebox'
import { PROBLEM_TYPE, ProblemSchema } from '../http/problem-schema.ts'
import { ref } from '../http/shapes.ts'
import { resource } from '../resource.ts'

const Status = (description: string) => Type.Object({ status: Type.String() }, { description })

export const healthResource = resource({
  tag: 'Health',
  components: [],
  isOnEveryNode: true,
  add(routes, _services, { isReady, isDraining }) {
    routes.get(
      '/healthz',
      {
        access: 'open',
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        response: { 200: Status('It is.') },
      },
      async () => ({ status: 'ok' }),
    )

    routes.get(
      '/readyz',
      {
        access: 'open',
        operationId: 'getReadiness',
        summary: 'Whether to send requests here',
        response: {
          200: Status('Yes.'),
          // In place of the 503 that any call has: this one has two shapes.
          503: {
            description: 'Not yet, or no more.',
            content: {
              'application/json': { schema: Status('`starting` or `draining`.') },
              [PROBLEM_TYPE]: { schema: ref(ProblemSchema) },
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
  },
})
