/** A process that responds to empty calls, on an HTTP server configured like Posthorn's API (api/api.ts). */
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { answerCommands } from './child.ts'

answerCommands(async (): Promise<number> => {
  const server = fastify({
    bodyLimit: 1_048_576,
    trustProxy: false,
    requestTimeout: 120_000,
    connectionTimeout: 180_000,
    keepAliveTimeout: 65_000,
    http: { headersTimeout: 20_000 },
    forceCloseConnections: 'idle',
  })
  server.post('/', (_request, reply) => void reply.code(202).send())
  await server.listen({ host: '127.0.0.1', port: 0 })
  return (server.server.address() as AddressInfo).port
})
