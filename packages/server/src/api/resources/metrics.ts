import { Type } from 'typebox'
import { NoQuery } from '../http/shapes.ts'
import { resource } from '../resource.ts'

/** For Prometheus. On every node, since one that only sends counts too. */
export const metricsResource = resource({
  tag: 'Health',
  components: [],
  isOnEveryNode: true,
  add(routes, _services, { metrics, metricsOpen }) {
    routes.get(
      '/metrics',
      {
        access: metricsOpen ? 'open' : 'read',
        operationId: 'getMetrics',
        summary: 'What this node counts, for Prometheus',
        description:
          'With a key that may read and is of no tenant, unless the operator has set `metricsOpen`. What each metric ' +
          'means is in its HELP line.',
        querystring: NoQuery,
        response: {
          200: {
            description: "Prometheus' text format.",
            content: { 'text/plain': { schema: Type.Unsafe<string>({ type: 'string' }) } },
          },
        },
      },
      async (_request, reply) => {
        const { type, text } = await metrics()
        return reply.header('content-type', type).serializer(String).send(text)
      },
    )
  },
})
