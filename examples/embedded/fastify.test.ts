import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Posthorn } from '@posthorn/client'
import { createAuthority, startReceiver } from '@posthorn/testkit'
import { expect, it } from 'vitest'

const API_KEY = 'test-api-key-0123456789'
const EXAMPLE = fileURLToPath(new URL('fastify.ts', import.meta.url))

it('the example in Fastify delivers a webhook for an order, and serves API and dashboard under /hooks/', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-fastify-'))
  const authority = await createAuthority()
  await writeFile(join(folder, 'ca.pem'), authority.caPem)
  const receiver = await startReceiver({ authority, names: ['localhost'] })
  const app = spawn(process.execPath, [EXAMPLE], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
      PORT: '0',
      POSTHORN_DATA: join(folder, 'data'),
      POSTHORN_API_KEY: API_KEY,
      POSTHORN_EXTRA_CA: join(folder, 'ca.pem'),
      POSTHORN_DEV: 'true',
    },
  })
  const ended = once(app, 'exit')
  try {
    const { value: line } = await createInterface({ input: app.stdout })[Symbol.asyncIterator]().next()
    const url = String(line).replace('listening on ', '')
    const posthorn = new Posthorn({ url: `${url}/hooks`, apiKey: API_KEY })
    await posthorn.tenants.put('acme', { name: 'Acme' })
    const clientSecret = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
    await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret })
    const headers = { 'content-type': 'application/json' }
    const placed = await fetch(`${url}/orders`, { method: 'POST', headers, body: '{"item":"cup"}' })
    expect(placed.status).toBe(201)
    const order = (await placed.json()) as { CoverId: string; item: string; event: string }
    await receiver.waitFor(({ total }) => total === 1)
    const [request] = receiver.requests
    expect([request!.headers['webhook-id'], JSON.parse(request!.body.toString())]).toEqual([
      order.event,
      { CoverId: order.CoverId, item: 'cup' },
    ])
    expect(await (await fetch(`${url}/hooks/`)).text()).toContain('<base href="/hooks/">')
    // A stream that its reader keeps open must not keep the application from ending.
    const open = await fetch(`${url}/hooks/v1/stream`, { headers: { authorization: `Bearer ${API_KEY}` } })
    expect(open.status).toBe(200)
    app.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
  } finally {
    app.kill('SIGKILL')
    await receiver.close()
    await rm(folder, { recursive: true, force: true })
  }
})
