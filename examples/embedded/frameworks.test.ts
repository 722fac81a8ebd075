/** Posthorn mounted in the frameworks that docs/library.md names, besides those with an example. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { Posthorn } from '@posthorn/client'
import express from 'express'
import { Hono } from 'hono'
import { createPosthorn, type Posthorn as RunningPosthorn } from 'posthorn'
import { afterAll, beforeAll, expect, it } from 'vitest'

const API_KEY = 'test-api-key-0123456789'

let folder: string
let posthorn: RunningPosthorn

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-frameworks-'))
  posthorn = await createPosthorn({ data: folder, apiKey: API_KEY, publicUrl: 'https://app.example.com/hooks/' })
})
afterAll(async () => {
  await posthorn.close()
  await rm(folder, { recursive: true, force: true })
})

const FRAMEWORKS: readonly (readonly [string, () => Server])[] = [
  [
    'Hono',
    () => {
      const app = new Hono()
      app.all('/hooks/*', context => posthorn.fetch(context.req.raw))
      return serve({ fetch: app.fetch, port: 0 }) as Server
    },
  ],
  [
    'Express',
    () => {
      const app = express()
      app.use('/hooks', posthorn.handle)
      return app.listen(0)
    },
  ],
]

it.each(FRAMEWORKS)('%s serves API, dashboard and streams under a path', async (name, start) => {
  const server = start()
  if (!server.listening) await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}/hooks`
  try {
    const client = new Posthorn({ url, apiKey: API_KEY })
    await client.tenants.put('acme', {})
    const stream = await fetch(`${url}/v1/tenants/acme/stream`, { headers: { authorization: `Bearer ${API_KEY}` } })
    const event = { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }
    const { id } = await client.events.publish('acme', event)
    let seen = ''
    for await (const piece of stream.body!.pipeThrough(new TextDecoderStream())) {
      seen += piece
      if (seen.includes(id)) break
    }
    expect(await (await fetch(`${url}/`)).text()).toContain('<base href="/hooks/">')
    const error = await client.tenants.get(`no-${name.toLowerCase()}`).catch(thrown => thrown)
    expect(error.code).toBe('not_found')
  } finally {
    server.close()
    server.closeAllConnections()
  }
})
