import { Type } from 'typebox'
import type { ApiOptions, App } from './app.ts'

const Status = Type.Object({ status: Type.String() })

export function registerHealth(app: App, { isReady, isDraining }: ApiOptions): void {
  const config = { isPublic: true }
  app.get(
    '/healthz',
    {
      config,
      schema: { operationId: 'getHealth', tags: ['health'], security: [], response: { 200: Status } },
    },
    () => ({ status: 'ok' }),
  )
  app.get(
    '/readyz',
    {
      config,
      schema: { operationId: 'getReadiness', tags: ['health'], security: [], response: { 200: Status, 503: Status } },
    },
    async (_request, reply) => {
      if (isReady() && !isDraining()) return reply.code(200).send({ status: 'ready' })
      return reply.code(503).send({ status: isDraining() ? 'draining' : 'starting' })
    },
  )
}
