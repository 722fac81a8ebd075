/** A receiver built on Hono: `CLIENT_SECRET=… SIGNING_SECRET=whsec_… npx node examples/receivers/hono.ts` */
import { serve } from '@hono/node-server'
import { VerificationError, type Webhook } from '@posthorn/client'
import { webhook } from '@posthorn/client/hono'
import { Hono } from 'hono'
import { listening, remember, secrets } from './shared.ts'

const app = new Hono<{ Variables: { webhook: Webhook } }>()
app.post('/webhooks', webhook(secrets), context => {
  remember(context.get('webhook'))
  return context.body(null, 204)
})
// Not JSON, which the middleware leaves to `json()`.
app.onError((error, context) => context.body(null, error instanceof VerificationError ? error.status : 500))
const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 9000) }, () => listening(server))
