import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Posthorn } from '@posthorn/client'
import { createAuthority, startPostgres, startReceiver } from '@posthorn/testkit'
import { createPosthorn } from 'posthorn'
import { expect, it } from 'vitest'

const API_KEY = 'test-api-key-0123456789'
const EXAMPLE = fileURLToPath(new URL('shop.ts', import.meta.url))

it('the outbox by Drizzle delivers an event for the order that was stored, and none for the one that was undone', {
  timeout: 90_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-outbox-'))
  const [authority, postgres] = await Promise.all([createAuthority(), startPostgres()])
  const receiver = await startReceiver({ authority, names: ['localhost'] })
  const ca = join(folder, 'ca.pem')
  await writeFile(ca, authority.caPem)
  const databaseUrl = await postgres.createDatabase('shop')
  const encryptionKey = Buffer.alloc(32, 7).toString('base64')
  const posthorn = await createPosthorn({ databaseUrl, apiKey: API_KEY, encryptionKey, dev: true, extraCa: [ca] })
  const shop = spawn(process.execPath, [EXAMPLE], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', PORT: '0', DATABASE_URL: databaseUrl },
  })
  const ended = once(shop, 'exit')
  try {
    const client = new Posthorn({ url: 'http://posthorn', apiKey: API_KEY, fetch: posthorn.fetch })
    await client.tenants.put('acme', {})
    const clientSecret = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
    await client.endpoints.create('acme', { url: receiver.url, clientSecret })
    const { value: line } = await createInterface({ input: shop.stdout })[Symbol.asyncIterator]().next()
    const url = String(line).replace('listening on ', '')
    const order = () => fetch(url, { method: 'POST', body: JSON.stringify({ tenant: 'acme', item: 'cup' }) })
    const placed = await order()
    expect(placed.status).toBe(201)
    const { id, event } = (await placed.json()) as { id: string; event: string }
    // There was one cup.
    expect((await order()).status).toBe(409)
    await receiver.waitFor(({ total }) => total > 0)
    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([event])
    const { data } = await client.events.list('acme')
    expect(data.map(each => [each.id, each.key])).toEqual([[event, id]])
    shop.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
  } finally {
    shop.kill('SIGKILL')
    await posthorn.close()
    await receiver.close()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
