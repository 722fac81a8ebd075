import { Type } from 'typebox'
import { NoQuery } from '../http/shapes.ts'
import { resource } from '../resource.ts'
import examples from './metrics.examples.json' with { type: 'json' }

/** Metrics for Prometheus. Every node has them, because a node that only sends deliveries has metrics too. */
export const metricsResource = resource({
  tag: 'Health',
  components: [],
  examples,
  isOnEveryNode: true,
  add(routes, _services, { metrics, metricsOpen }) {
    routes.get(
      '/metrics',
      {
        access: metricsOpen ? 'open' : 'read',
        operationId: 'getMetrics',
        summary: 'Get Prometheus metrics',
        description:
          'Needs a key with the scope `all` or `read` that is not limited to one tenant, unless the setting ' +
          '`metricsOpen` is on. The HELP line of each metric says what it means.',
        querystring: NoQuery,
        response: {
          200: {
            description: 'The metrics in the Prometheus text format.',
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
