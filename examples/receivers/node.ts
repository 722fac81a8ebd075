/** A receiver built on Node alone: `CLIENT_SECRET=… SIGNING_SECRET=whsec_… npx node examples/receivers/node.ts` */
import { createServer } from 'node:http'
import { VerificationError, verify } from '@posthorn/client'
import { listening, remember, secrets } from './shared.ts'

const server = createServer(async (request, response) => {
  if (request.url !== '/webhooks') return void response.writeHead(404).end()
  if (request.method !== 'POST') return void response.writeHead(405).end()
  try {
    const webhook = await verify(request, secrets)
    remember(webhook)
    response.writeHead(204).end()
  } catch (error) {
    response.writeHead(error instanceof VerificationError ? error.status : 500).end()
  }
})
server.listen(Number(process.env.PORT ?? 9000), () => listening(server))
