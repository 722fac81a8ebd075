import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { EventParser } from '../../../client/src/http/stream.ts'
import { HOUR_MS } from '../../src/base/durations.ts'
import { newId } from '../../src/base/ids.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { hurried, startStreams } from '../services/streaming.ts'
import { anAttempt, aSettlement } from '../store/builders.ts'
import { type Json, KEY, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, put } = bench

type Received = { readonly id: string; readonly event: string; readonly data: Json }

type Opening = {
  readonly key?: string
  readonly after?: string
  /** With a cookie, there is no key. */
  readonly headers?: Record<string, string>
}

/** A stream over a real connection. */
class Reader {
  readonly received: Received[] = []
  text = ''
  lastId = ''
  isEnded = false
  status = 0
  headers = new Headers()
  readonly #controller = new AbortController()

  async open(url: string, { key = KEY, after = '', headers: own = {} }: Opening = {}): Promise<this> {
    const authorization = 'cookie' in own ? {} : { authorization: `Bearer ${key}` }
    const headers = { ...authorization, ...own, ...(after === '' ? {} : { 'last-event-id': after }) }
    const response = await fetch(url, { headers, signal: this.#controller.signal })
    this.status = response.status
    this.headers = response.headers
    void this.#read(response).catch(() => {
      this.isEnded = true
    })
    return this
  }

  async #read(response: Response): Promise<void> {
    const parser = new EventParser()
    for await (const piece of response.body!) {
      this.text += Buffer.from(piece).toString()
      for (const { id, event, data } of parser.take(piece)) this.received.push({ id, event, data: JSON.parse(data) })
      this.lastId = parser.lastId
    }
    this.isEnded = true
  }

  close(): void {
    this.#controller.abort()
  }

  async until(count: number): Promise<Received[]> {
    await expect.poll(() => this.received.length, { timeout: 5_000, interval: 5 }).toBeGreaterThanOrEqual(count)
    return this.received
  }
}

const urlOf = async (path: string) => `http://127.0.0.1:${await bench.listen()}${path}`
const event = { type: TYPE, payload: JSON.parse(PAYLOAD) }
const ALL = '/v1/stream'
const OWN = '/v1/tenants/acme/stream'

describe('a stream', () => {
  it('has the items of the lists, and says what changed at an endpoint', async () => {
    const reader = await new Reader().open(await urlOf(`${ALL}?payloads=true`))
    expect(reader.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const endpoint = await bench.endpoint({ url: 'https://hooks.example.com/covers' })
    const asCreated = (await get(`/v1/tenants/acme/endpoints/${endpoint}`)).body
    const published = await post('/v1/tenants/acme/events', event)
    await reader.until(3)
    const [delivery] = await bench.list('pending')
    const { partition } = await bench.endpoints.get('acme', endpoint)
    const item = { ...delivery!, delivery: delivery!.id, partition, dueAtMs: delivery!.dueAtMs ?? 0, payload: null }
    await bench.store.settle(
      aSettlement(
        item,
        { kind: 'delivered' },
        { attempt: anAttempt(1, { error: null, outcome: 'success', status: 204 }) },
      ),
    )
    const [created, first, pending, attempt, delivered] = await reader.until(5)
    const list = (path: string) => get(path).then(({ body }) => body.data[0])
    expect(created).toMatchObject({ event: 'endpoint', data: { tenant: 'acme', id: endpoint, change: 'created' } })
    expect(created!.data.endpoint).toEqual(asCreated)
    expect(first).toMatchObject({ event: 'event', data: await list('/v1/tenants/acme/events') })
    expect(pending!.data).toMatchObject({ id: delivery!.id, state: 'pending' })
    expect(delivered).toMatchObject({ event: 'delivery', data: await list('/v1/deliveries') })
    const shown = (await get(`/v1/tenants/acme/deliveries/${delivery!.id}`)).body.attempts[0]
    expect(attempt).toMatchObject({
      event: 'attempt',
      data: { tenant: 'acme', delivery: delivery!.id, event: published.body.id, endpoint, attempt: shown },
    })
    expect(new Set(reader.received.map(({ id }) => id)).size).toBe(5)
    reader.close()
  })

  it('leaves payloads and responses out unless they are asked for, and refuses them without the permission', async () => {
    const { secret: blind } = await bench.apiKeys.create({ name: 'k', scope: 'read', payloads: false })
    const url = await urlOf(OWN)
    expect((await new Reader().open(`${url}?payloads=true`, { key: blind })).status).toBe(403)
    const [plain, hidden] = [await new Reader().open(url), await new Reader().open(url, { key: blind })]
    await post('/v1/tenants/acme/events', event)
    for (const reader of [plain, hidden]) {
      const [record] = await reader.until(1)
      expect(record!.data).toMatchObject({ payload: null, payloadHidden: true, payloadRemoved: false })
      expect(reader.text).not.toContain('564200aa')
      reader.close()
    }
  })

  it('takes a payload with line breaks of any kind', async () => {
    const reader = await new Reader().open(await urlOf(`${OWN}?payloads=true&kind=event`))
    const { CoverId } = JSON.parse(PAYLOAD)
    const body = `{"type":"${TYPE}",\n"payload":{\r\n "CoverId":\r "${CoverId}",\n\n "text": "a\\nb"}}`
    expect((await post('/v1/tenants/acme/events', body)).status).toBe(202)
    const [record] = await reader.until(1)
    expect(record!.data.payload).toEqual({ CoverId, text: 'a\nb' })
    reader.close()
  })

  it('continues after Last-Event-ID, also after one that only a heartbeat sent', async () => {
    const url = await urlOf(`${ALL}?kind=event`)
    const first = await new Reader().open(url)
    await expect.poll(() => first.lastId).not.toBe('')
    first.close()
    const missed = await post('/v1/tenants/acme/events', event)
    const second = await new Reader().open(url, { after: first.lastId })
    expect((await second.until(1))[0]!.data.id).toBe(missed.body.id)
    second.close()
    const odd = await new Reader().open(url, { after: 'something else' })
    expect((await odd.until(1))[0]).toMatchObject({ event: 'reset', data: { reason: 'unknown' } })
    odd.close()
  })

  it('refuses what can select nothing', async () => {
    const uid = 'billing'
    await put('/v1/tenants/beta', {})
    for (const [path, status, fields] of [
      [`${ALL}?kind=events`, 422, ['kind']],
      [`${ALL}?tenant=unknown`, 422, ['tenant']],
      [`${ALL}?type=A*`, 422, ['type']],
      [`${ALL}?endpoint=${uid}`, 422, ['endpoint']],
      [`${ALL}?endpoint=${newId('ep', 1)}`, 422, ['endpoint']],
      [`${OWN}?endpoint=${uid}`, 422, ['endpoint']],
      [`${OWN}?payloads=yes`, 422, ['payloads']],
      [`${OWN}?other=1`, 422, ['other']],
      ['/v1/tenants/unknown/stream', 404, []],
    ] as const) {
      const answer = await get(path)
      expect([path, ...refused(answer)]).toEqual([path, status, answer.body.code, fields])
    }
    const endpoint = await bench.endpoint()
    expect(refused(await get(`${OWN}?endpoint=${endpoint}&kind=event,delivery`))[2]).toEqual(['endpoint'])
    expect(refused(await get(`${OWN}?type=A&kind=endpoint`))[2]).toEqual(['type'])
    expect(bench.streams.size).toBe(0)
  })

  it('of one tenant shows nothing of another, and a key of one tenant opens no other', async () => {
    await bench.tenants.put('beta', {})
    const { secret } = await bench.apiKeys.create({ name: 'k', scope: 'read', tenant: 'acme' })
    expect((await get(ALL, { key: secret })).status).toBe(403)
    expect((await get('/v1/tenants/beta/stream', { key: secret })).status).toBe(403)
    const reader = await new Reader().open(await urlOf(OWN), { key: secret })
    await post('/v1/tenants/beta/events', event)
    const own = await post('/v1/tenants/acme/events', event)
    expect((await reader.until(1)).map(({ data }) => data.id)).toEqual([own.body.id])
    reader.close()
  })

  it('ends within a second when its key is revoked', async () => {
    const { secret, key } = await bench.apiKeys.create({ name: 'k', scope: 'read' })
    const reader = await new Reader().open(await urlOf(ALL), { key: secret })
    await bench.apiKeys.revoke(key.id)
    await expect.poll(() => reader.isEnded, { timeout: 1_000, interval: 10 }).toBe(true)
    expect(bench.streams.size).toBe(0)
  })

  it('ends within a second when its session ends, and keeps no session alive', async () => {
    const PAGE = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin' }
    const signIn = async () => {
      const headers = { ...PAGE, origin: 'http://localhost:8470' }
      const answer = await post('/session/v1/session', { apiKey: KEY }, { key: null, headers })
      return { id: answer.body.id as string, cookie: String(answer.headers['set-cookie']).split(';')[0]! }
    }
    const [ending, other] = [await signIn(), await signIn()]
    const url = await urlOf(`/session${OWN}?kind=event`)
    const open = ({ cookie }: { cookie: string }) => new Reader().open(url, { headers: { ...PAGE, cookie } })
    expect((await new Reader().open(url, { headers: { cookie: other.cookie } })).status).toBe(403)
    const readers = [await open(ending), await open(other)]
    expect(readers.map(({ status }) => status)).toEqual([200, 200])
    expect(readers[0]!.headers.get('cache-control')).toBe('no-store')
    await bench.sessions.end(ending.id)
    await expect.poll(() => readers[0]!.isEnded, { timeout: 1_000, interval: 10 }).toBe(true)
    const { body } = await post('/v1/tenants/acme/events', event)
    await readers[1]!.until(1)
    expect(readers[1]!.received.map(({ data }) => data.id)).toEqual([body.id])
    // An open stream is no use of a session.
    vi.spyOn(bench.store, 'now').mockImplementation(() => Date.now() + 13 * HOUR_MS)
    await expect.poll(() => readers.every(({ isEnded }) => isEnded), { timeout: 1_000, interval: 10 }).toBe(true)
    vi.restoreAllMocks()
    expect(bench.streams.size).toBe(0)
  })

  it('ends with its connection, and a HEAD request has none', async () => {
    const url = await urlOf(ALL)
    const reader = await new Reader().open(url)
    expect(bench.streams.size).toBe(1)
    reader.close()
    await expect.poll(() => bench.streams.size).toBe(0)
    const head = await fetch(url, { method: 'HEAD', headers: { authorization: `Bearer ${KEY}` } })
    expect([head.status, bench.streams.size]).toEqual([200, 0])
  })

  it('takes no place of calls that read, and ends at a shutdown even if no one reads it', async () => {
    const url = await urlOf(ALL)
    const readers = await Promise.all(Array.from({ length: 8 }, () => new Reader().open(url)))
    expect((await get('/v1/deliveries')).status).toBe(200)
    const { port } = new URL(url)
    const stuck = connect(Number(port), '127.0.0.1')
    stuck.write(`GET ${ALL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`)
    await expect.poll(() => bench.streams.size).toBe(9)
    stuck.pause()
    bench.streams.refuse()
    await bench.created.untilIdle()
    await expect.poll(() => readers.every(({ isEnded }) => isEnded)).toBe(true)
    stuck.destroy()
  })

  it('cuts off a reader that stops reading', { timeout: 60_000 }, async () => {
    await bench.streams.stop()
    bench.streams = startStreams(bench.store, hurried(20))
    await bench.useServices({ streams: bench.streams })
    const url = await urlOf(`${OWN}?payloads=true`)
    const { port } = new URL(url)
    const stuck = connect(Number(port), '127.0.0.1')
    stuck.write(`GET ${OWN}?payloads=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`)
    await expect.poll(() => bench.streams.size).toBe(1)
    stuck.pause()
    const large = { type: TYPE, payload: { ...event.payload, text: 'x'.repeat(200_000) } }
    for (let sent = 0; sent < 60 && bench.streams.size > 0; sent++) {
      expect((await post('/v1/tenants/acme/events', large)).status).toBe(202)
      await new Promise(resolve => setImmediate(resolve))
    }
    await expect.poll(() => bench.streams.size, { timeout: 10_000 }).toBe(0)
    stuck.resume()
    await once(stuck, 'close')
  })
})
