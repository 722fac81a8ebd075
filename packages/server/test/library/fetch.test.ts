import { once } from 'node:events'
import { createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { ApiError, Posthorn } from '@posthorn/client'
import type { Posthorn as RunningPosthorn } from 'posthorn'
import { describe, expect, it } from 'vitest'
import { splitEvents } from '../api/stream-text.ts'
import { call, jsonOf, KEY, PAYLOAD, subscribe, TYPE, useLibrary } from './setup.ts'

const bench = useLibrary()
const AUTHORIZED = { authorization: `Bearer ${KEY}` }
const JSON_TYPE = { 'content-type': 'application/json' }
const MOUNTED = 'https://app.example.com/hooks/'

const tenant = (posthorn: RunningPosthorn) => call(posthorn, 'PUT', '/v1/tenants/acme', {})
const publishBody = (payload: unknown = PAYLOAD) => JSON.stringify({ type: TYPE, payload })
const openConnections = async (posthorn: RunningPosthorn) => {
  const text = await (await call(posthorn, 'GET', '/metrics')).text()
  return Number(/^posthorn_api_connections(?:\{.*\})? (\d+)$/m.exec(text)?.[1])
}

describe('fetch', () => {
  it('is a fetch for the client, whose errors and retries work as over the network', async () => {
    const posthorn = await bench.start()
    const client = new Posthorn({ url: 'http://posthorn', apiKey: KEY, fetch: posthorn.fetch })
    await client.tenants.put('acme', { name: 'Acme' })
    const published = await Promise.all(
      Array.from({ length: 200 }, () => client.events.publish('acme', { type: TYPE, payload: PAYLOAD })),
    )
    expect(new Set(published.map(({ id }) => id)).size).toBe(200)
    const ids = []
    for await (const { id } of client.events.list('acme', { limit: 50 })) ids.push(id)
    expect(ids).toHaveLength(200)
    const error = await client.tenants.get('unknown').catch(thrown => thrown)
    expect(error).toBeInstanceOf(ApiError)
    expect(error.code).toBe('not_found')
  })

  it('streams: a record arrives while the stream is open, and the call ends when its reader goes', async () => {
    const posthorn = await bench.start()
    const receiver = await bench.receiver()
    await subscribe(posthorn, receiver)
    const response = await call(posthorn, 'GET', '/v1/tenants/acme/stream')
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/event-stream'),
    ])
    const events = splitEvents(response.body as unknown as AsyncIterable<Uint8Array>)
    const { id } = await posthorn.publish('acme', TYPE, PAYLOAD)
    const seen: string[] = []
    for await (const { data } of events) {
      seen.push(JSON.stringify(data))
      if (seen.some(text => text.includes(id))) break
    }
    // Leaving the loop cancels the body: only the call that asks is left.
    await expect.poll(() => openConnections(posthorn)).toBe(1)
  })

  it('ends streams when it is closed, without waiting for their readers', async () => {
    const posthorn = await bench.start()
    const response = await call(posthorn, 'GET', '/v1/stream')
    const reading = buffer(response.body as never)
    await posthorn.close()
    expect((await reading).toString()).toContain(':')
  })

  it('has a response at every moment of closing, and none of them breaks off', async () => {
    const posthorn = await bench.start()
    await call(posthorn, 'PUT', '/v1/tenants/acme', {})
    let isOpen = true
    const statuses: number[] = []
    const read = async () => {
      while (isOpen) {
        const response = await call(posthorn, 'GET', '/v1/tenants/acme')
        statuses.push(response.status)
        expect(['acme', undefined]).toContain((await jsonOf(response)).id)
        await turn()
      }
    }
    const reading = Promise.all([read(), read(), read()])
    await turn()
    const closing = posthorn.close()
    await posthorn.publish('acme', 'T', {}).catch(() => {})
    statuses.push((await call(posthorn, 'GET', '/v1/tenants/acme')).status)
    await closing
    isOpen = false
    await reading
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
  })

  it('rejects with the reason of its signal, before the response and while the body is read', async () => {
    const posthorn = await bench.start()
    const reason = new Error('gone')
    const ended = AbortSignal.abort(reason)
    await expect(posthorn.fetch('http://x/v1/stream', { headers: AUTHORIZED, signal: ended })).rejects.toBe(reason)
    const controller = new AbortController()
    const { signal } = controller
    // A body that never ends: the server waits for it.
    const body = new ReadableStream({
      start: sink => sink.enqueue(new Uint8Array(100_000)),
      pull: () => new Promise(() => {}),
    })
    const options = { method: 'PUT', headers: { ...AUTHORIZED, ...JSON_TYPE }, body, duplex: 'half', signal } as const
    const waiting = posthorn.fetch('http://x/v1/tenants/acme', options as RequestInit).catch(thrown => thrown)
    setImmediate(() => controller.abort(reason))
    expect(await waiting).toBe(reason)
    const reading = new AbortController()
    const stream = await posthorn.fetch('http://x/v1/stream', { headers: AUTHORIZED, signal: reading.signal })
    const rest = buffer(stream.body as never).catch(thrown => thrown)
    reading.abort(reason)
    expect(await rest).toBe(reason)
    await expect.poll(() => openConnections(posthorn)).toBe(1)
  })

  it('takes a large body in pieces and without its length, and refuses one that is too large', async () => {
    const posthorn = await bench.start({ maxBodyBytes: 8_388_608, maxBatch: 10_000 })
    await tenant(posthorn)
    const events = Array.from({ length: 5_000 }, (_, n) => ({ type: TYPE, key: `k${n}`, payload: PAYLOAD }))
    const text = Buffer.from(JSON.stringify(events))
    const pieces = (bytes: Buffer, size: number) => {
      let at = 0
      return new ReadableStream<Uint8Array>({
        pull(sink) {
          if (at >= bytes.length) return sink.close()
          sink.enqueue(bytes.subarray(at, at + size))
          at += size
        },
      })
    }
    const send = (body: ReadableStream, headers = {}) =>
      posthorn.fetch('http://x/v1/tenants/acme/events', {
        method: 'POST',
        headers: { ...AUTHORIZED, ...JSON_TYPE, ...headers },
        body,
        duplex: 'half',
      } as RequestInit)
    // A length that is not the body's: a program might have decompressed what arrived.
    const sent = await send(pieces(text, 20_000), { 'content-length': '10' })
    expect([sent.status, ((await jsonOf(sent)) as { data: unknown[] }).data.length]).toEqual([202, 5_000])
    const large = Buffer.alloc(9_000_000, ' ')
    const refused = await send(pieces(large, 100_000))
    expect([refused.status, (await jsonOf(refused)).code]).toEqual([413, 'body_too_large'])
  })

  it('has what belongs to a path: pages, redirects, cookies and links start with it', async () => {
    const posthorn = await bench.start({ publicUrl: MOUNTED })
    await tenant(posthorn)
    const page = await posthorn.fetch(MOUNTED, { headers: { accept: 'text/html' } })
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(await page.text()).toContain('<base href="/hooks/">')
    const headers = {
      ...JSON_TYPE,
      origin: 'https://app.example.com',
      'posthorn-session': '1',
      'sec-fetch-site': 'same-origin',
    }
    const body = JSON.stringify({ apiKey: KEY })
    const signedIn = await posthorn.fetch(`${MOUNTED}session/v1/session`, { method: 'POST', headers, body })
    expect(signedIn.status).toBe(201)
    const [set] = signedIn.headers.getSetCookie()
    expect(set).toMatch(
      /^posthorn_session=phs_[\w-]{43}; Path=\/hooks\/session\/v1; HttpOnly; Secure; SameSite=Strict$/,
    )
    const cookie = set!.split(';')[0]!
    const own = await posthorn.fetch(`${MOUNTED}session/v1/tenants/acme`, { headers: { ...headers, cookie } })
    expect([own.status, (await jsonOf(own)).id]).toEqual([200, 'acme'])
    const link = await posthorn.fetch(`${MOUNTED}v1/tenants/acme/portal-links`, {
      method: 'POST',
      headers: { ...AUTHORIZED, ...JSON_TYPE },
      body: '{"user":"ada@acme.example"}',
    })
    expect((await jsonOf(link)).url).toMatch(/^https:\/\/app\.example\.com\/hooks\/portal\/#/)
    const key = await posthorn.fetch(`${MOUNTED}v1/api-keys`, {
      method: 'POST',
      headers: { ...AUTHORIZED, ...JSON_TYPE },
      body: '{"name":"reader","scope":"read"}',
    })
    expect(key.headers.get('location')).toMatch(/^\/hooks\/v1\/api-keys\//)
  })

  it('asks for publicUrl where a link is made without one', async () => {
    const posthorn = await bench.start()
    await tenant(posthorn)
    const link = await call(posthorn, 'POST', '/v1/tenants/acme/portal-links', { user: 'ada@acme.example' })
    expect([link.status, (await jsonOf(link)).detail]).toEqual([409, expect.stringContaining('Set publicUrl')])
  })

  it('answers HEAD without a body, and refuses what is no request of the API', async () => {
    const posthorn = await bench.start()
    const head = await posthorn.fetch('http://x/readyz', { method: 'HEAD' })
    expect([head.status, head.body, Number(head.headers.get('content-length'))]).toEqual([200, null, 65])
    const unknown = await posthorn.fetch('http://x/v1/nothing')
    expect([unknown.status, unknown.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(unknown.headers.get('connection')).toBeNull()
    const long = await posthorn.fetch(`http://x/${'a'.repeat(20_000)}`)
    expect([long.status, (await jsonOf(long)).code]).toEqual([431, 'headers_too_large'])
    await expect(posthorn.fetch('/v1/tenants')).rejects.toThrow(TypeError)
  })

  it('knows the address of a client only from the program, and believes proxies that are trusted', async () => {
    const posthorn = await bench.start({ trustedProxies: ['192.0.2.0/24'] })
    const asked = async (clientAddress: string | undefined, forwarded: string) => {
      const headers = { ...AUTHORIZED, ...JSON_TYPE, 'x-forwarded-for': forwarded }
      const id = `t${Math.random().toString(36).slice(2)}`
      await posthorn.fetch(`http://x/v1/tenants/${id}`, {
        method: 'PUT',
        headers,
        body: '{}',
        clientAddress,
      } as RequestInit)
      const audit = await call(posthorn, 'GET', '/v1/audit?limit=1')
      return ((await jsonOf(audit)) as { data: { actor: { address: string | null } }[] }).data[0]!.actor.address
    }
    expect(await asked(undefined, '198.51.100.7')).toBeNull()
    expect(await asked('203.0.113.9', '198.51.100.7')).toBe('203.0.113.9')
    expect(await asked('192.0.2.1', '198.51.100.7')).toBe('198.51.100.7')
  })

  it('is not limited by how many clients the program serves', async () => {
    const posthorn = await bench.start({ maxConnectionsPerAddress: 4, maxConnections: 64 })
    const calls = Array.from({ length: 32 }, () => posthorn.fetch('http://x/healthz'))
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200]))
  })
})

describe('handle', () => {
  type Serving = { readonly isRead?: boolean; readonly onRequest?: () => void }

  async function serve(posthorn: RunningPosthorn, { isRead = false, onRequest }: Serving = {}): Promise<string> {
    const server = createServer(async (request, response) => {
      onRequest?.()
      if (isRead) await buffer(request)
      try {
        posthorn.handle(request, response)
      } catch (error) {
        response.writeHead(500).end((error as Error).message)
      }
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    bench.later(() => server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('serves a request of another server, at its path', async () => {
    const posthorn = await bench.start({ publicUrl: MOUNTED })
    const url = await serve(posthorn)
    const put = { method: 'PUT', headers: { ...AUTHORIZED, ...JSON_TYPE }, body: '{}' }
    expect((await fetch(`${url}/hooks/v1/tenants/acme`, put)).status).toBe(201)
    const options = { method: 'POST', headers: { ...AUTHORIZED, ...JSON_TYPE }, body: publishBody() }
    expect((await fetch(`${url}/hooks/v1/tenants/acme/events`, options)).status).toBe(202)
    expect(await (await fetch(`${url}/hooks/`)).text()).toContain('<base href="/hooks/">')
    await posthorn.close()
    const closed = await fetch(`${url}/hooks/healthz`)
    expect([closed.status, (await jsonOf(closed)).code]).toEqual([503, 'shutting_down'])
  })

  it('says so if the body has been read already', async () => {
    const posthorn = await bench.start()
    const url = await serve(posthorn, { isRead: true })
    const answer = await fetch(`${url}/v1/tenants/acme`, { method: 'PUT', headers: AUTHORIZED, body: '{}' })
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('has been read already')])
  })

  it('waits for a call in progress when it is closed, as long as drainTimeoutMs allows', async () => {
    const posthorn = await bench.start({ drainTimeoutMs: 200 })
    const arrived = Promise.withResolvers<void>()
    const url = new URL(await serve(posthorn, { onRequest: arrived.resolve }))
    const headers = { ...AUTHORIZED, ...JSON_TYPE, 'content-length': '1000' }
    const slow = sendRequest({ host: url.hostname, port: url.port, method: 'PUT', path: '/v1/tenants/acme', headers })
    slow.on('error', () => {})
    bench.later(() => slow.destroy())
    slow.write('{')
    await arrived.promise
    await posthorn.close()
  })
})
