/**
 * A shop on Fastify with Posthorn inside: one process takes orders, and delivers a webhook for each. The API, the
 * dashboard and the portal are under /hooks/.
 *
 *     POSTHORN_API_KEY=$(openssl rand -hex 32) npx node examples/embedded/fastify.ts
 */
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { createPosthorn } from 'posthorn'

const port = Number(process.env.PORT ?? 3000)
/** The customer that this shop sends to. A real one has many. */
const TENANT = 'acme'

const posthorn = await createPosthorn({
  publicUrl: process.env.PUBLIC_URL ?? `http://localhost:${port}/hooks/`,
  env: process.env,
  messages: process.stderr,
})

const app = fastify()

app.post<{ Body: { item: string } }>('/orders', async (request, reply) => {
  const order = { CoverId: randomUUID(), item: request.body.item }
  // Stored once this resolves, whatever happens to this process then.
  const { id } = await posthorn.publish(TENANT, 'COVER_REFERENCE', order, { key: order.CoverId })
  return reply.code(201).send({ ...order, event: id })
})

app.register(
  async hooks => {
    // Posthorn reads bodies itself: a payload is sent byte for byte as it was published.
    hooks.removeAllContentTypeParsers()
    hooks.addContentTypeParser('*', (_request, _body, done) => done(null))
    hooks.all('/*', (request, reply) => {
      reply.hijack()
      posthorn.handle(request.raw, reply.raw)
    })
  },
  { prefix: '/hooks' },
)

// Before the server waits for its connections: streams end only when Posthorn closes them.
app.addHook('preClose', () => posthorn.close())
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void app.close())

await app.listen({ port })
console.log(`listening on http://localhost:${(app.server.address() as AddressInfo).port}`)
