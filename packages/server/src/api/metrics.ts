import { Type } from 'typebox'
import { publicProblems, readProblems } from './schemas/problems.ts'
import { NoQuery } from './schemas/shapes.ts'
import type { Api, ApiOptions } from './services.ts'

/** For Prometheus. Beside /healthz, since a node that only sends has it too. */
export function addMetrics(api: Api, { metrics, metricsOpen }: ApiOptions): void {
  api.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'What this node counts, for Prometheus',
        tags: ['Health'],
        description:
          'With a key that may read and is of no tenant, unless the operator has set `metricsOpen`. What each metric ' +
          'means is in its HELP line.',
        ...(metricsOpen ? { security: [] } : {}),
        querystring: NoQuery,
        response: {
          200: {
            description: "Prometheus' text format.",
            content: { 'text/plain': { schema: Type.Unsafe<string>({ type: 'string' }) } },
          },
          ...(metricsOpen ? publicProblems() : readProblems()),
        },
      },
    },
    async (_request, reply) => {
      const { type, text } = await metrics()
      return reply.header('content-type', type).serializer(String).send(text)
    },
  )
}
