/** A receiver built on Express: `CLIENT_SECRET=… SIGNING_SECRET=whsec_… npx node examples/receivers/express.ts` */
import type { Webhook } from '@posthorn/client'
import { webhook } from '@posthorn/client/express'
import express, { type RequestHandler } from 'express'
import { listening, remember, secrets } from './shared.ts'

const app = express()
// Put no JSON parser before it: the signature covers the raw bytes.
app.post('/webhooks', webhook(secrets) as RequestHandler, (request, response) => {
  remember((request as unknown as { webhook: Webhook }).webhook)
  response.status(204).end()
})
const server = app.listen(Number(process.env.PORT ?? 9000), () => listening(server))
