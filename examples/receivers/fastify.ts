/** A receiver built on Fastify: `CLIENT_SECRET=… SIGNING_SECRET=whsec_… npx node examples/receivers/fastify.ts` */
import type { Webhook } from '@posthorn/client'
import { addWebhooks } from '@posthorn/client/fastify'
import fastify from 'fastify'
import { listening, remember, secrets } from './shared.ts'

const app = fastify()
app.register(async scope => {
  addWebhooks(scope, secrets)
  scope.post('/webhooks', async (request, reply) => {
    remember((request as unknown as { webhook: Webhook }).webhook)
    return reply.code(204).send()
  })
})
await app.listen({ port: Number(process.env.PORT ?? 9000) })
listening(app.server)
