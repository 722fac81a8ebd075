import { Type } from 'typebox'
import { PROBLEM_TYPE, ProblemSchema } from '../http/problem-schema.ts'
import { NoQuery, ref } from '../http/shapes.ts'
import { resource } from '../resource.ts'
import examples from './health.examples.json' with { type: 'json' }

const Status = (description: string) => Type.Object({ status: Type.String() }, { description })

export const healthResource = resource({
  tag: 'Health',
  components: [],
  examples,
  isOnEveryNode: true,
  add(routes, _services, { isReady, isDraining }) {
    routes.get(
      '/healthz',
      {
        access: 'open',
        operationId: 'getHealth',
        summary: 'Check whether the process is alive',
        querystring: NoQuery,
        refusals: ['invalid'],
        response: { 200: Status('The process is alive.') },
      },
      async () => ({ status: 'ok' }),
    )

    routes.get(
      '/readyz',
      {
        access: 'open',
        operationId: 'getReadiness',
        summary: 'Check whether the node is ready to take requests',
        querystring: NoQuery,
        refusals: ['invalid'],
        response: {
          200: Status('The node is ready.'),
          // Replaces the 503 of all other calls: this one can have two different bodies.
          503: {
            description: 'The node is still starting, or is shutting down.',
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
