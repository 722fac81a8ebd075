import type { NodeRequest } from './incoming.ts'
import { VerificationError } from './verification-error.ts'
import { type VerifyOptions, verify, type Webhook } from './verify.ts'

type FastifyRequest = NodeRequest & { webhook?: Webhook | null }
type FastifyReply = { code(code: number): { send(body: unknown): unknown } }
type Parsed = (error: Error | null, body?: unknown) => void
type FastifyScope = {
  removeAllContentTypeParsers(): void
  addContentTypeParser(
    type: '*',
    options: { parseAs: 'buffer' },
    parse: (request: unknown, body: unknown, done: Parsed) => void,
  ): unknown
  decorateRequest(name: 'webhook', value: null): unknown
  addHook(name: 'preHandler', hook: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown
}

/**
 * Verifies the requests of a Fastify scope and sets `request.webhook`, or responds with the error. It replaces the body
 * parsers, so call it in a scope of its own: `app.register(async scope => …)`.
 */
export function addWebhooks(scope: FastifyScope, options: VerifyOptions): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  scope.decorateRequest('webhook', null)
  scope.addHook('preHandler', async (request, reply) => {
    try {
      request.webhook = await verify(request, options)
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      return reply.code(error.status).send({ check: error.check, reason: error.reason })
    }
  })
}
