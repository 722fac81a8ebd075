import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { webhook as expressWebhook } from '../src/express.ts'
import { addWebhooks } from '../src/fastify.ts'
import { webhook as honoWebhook } from '../src/hono.ts'
import type { Webhook } from '../src/index.ts'

const KEY = Buffer.alloc(32, 3)
const OPTIONS = { clientSecret: 'secret-token', signingSecret: `whsec_${KEY.toString('base64')}` }
const BODY = '{"confirmationId":"9f4f9e51-7f0f-4a53-9a55-2c6f8ed1a8a4",  "status":"PENDING"}'

function headersFor(body: string, token = 'secret-token'): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const signature = createHmac('sha256', KEY).update(`evt_1.${timestamp}.${body}`).digest('base64')
  return {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'webhook-id': 'evt_1',
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}

type Send = (body: string, headers: Record<string, string>) => Promise<{ status: number; text: string }>

async function tryOut(send: Send): Promise<void> {
  expect(await send(BODY, headersFor(BODY))).toEqual({ status: 200, text: 'evt_1 PENDING' })
  const wrongBearer = await send(BODY, headersFor(BODY, 'another'))
  expect([wrongBearer.status, JSON.parse(wrongBearer.text)]).toEqual([401, { check: 'bearer', reason: 'mismatch' }])
  const changed = await send(BODY.replace('PENDING', 'ANSWERED'), headersFor(BODY))
  expect([changed.status, JSON.parse(changed.text)]).toEqual([401, { check: 'signature', reason: 'mismatch' }])
}

const told = (webhook: Webhook) => `${webhook.id} ${webhook.json<{ status: string }>().status}`

describe('adapters', () => {
  it('verify requests and refuse forged ones on Express', async () => {
    const app = express()
    app.post('/hook', expressWebhook(OPTIONS) as RequestHandler, (request, response) => {
      response.send(told((request as unknown as { webhook: Webhook }).webhook))
    })
    const failed: ErrorRequestHandler = (error, _request, response, _next) => void response.status(599).send(`${error}`)
    app.use(failed)
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    await tryOut(async (body, headers) => {
      const response = await fetch(url, { method: 'POST', headers, body })
      return { status: response.status, text: await response.text() }
    })
    server.close()
    server.closeAllConnections()
  })

  it('verify requests and refuse forged ones on Fastify', async () => {
    const app = fastify()
    app.register(async scope => {
      addWebhooks(scope, OPTIONS)
      scope.post('/hook', async request => told((request as unknown as { webhook: Webhook }).webhook))
    })
    await tryOut(async (body, headers) => {
      const response = await app.inject({ method: 'POST', url: '/hook', headers, body })
      return { status: response.statusCode, text: response.body }
    })
    await app.close()
  })

  it('verify requests and refuse forged ones on Hono', async () => {
    const app = new Hono<{ Variables: { webhook: Webhook } }>()
    app.post('/hook', honoWebhook(OPTIONS), c => c.text(told(c.get('webhook'))))
    await tryOut(async (body, headers) => {
      const response = await app.request('/hook', { method: 'POST', headers, body })
      return { status: response.status, text: await response.text() }
    })
  })
})
