/** Listeners by the API: who may register, listen and answer, and what each sees (decision 54). */
import { beforeEach, describe, expect, it } from 'vitest'
import type { PortalPermission } from '../../src/base/portal.ts'
import { type Answer, type Json, refused, useApi } from './setup.ts'
import { splitEvents } from './stream-text.ts'

const bench = useApi()
const { get, post } = bench
const ENDPOINTS = '/v1/tenants/acme/endpoints'
const SECRET = 'bGlzdGVuZXItc2VjcmV0LXRoYXQtaXMtbG9uZw=='
const PAGE = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8470' }

let listening: Promise<number> | undefined
beforeEach(() => {
  listening = undefined
})
const base = async () => {
  listening ??= bench.listen()
  return `http://127.0.0.1:${await listening}`
}

const problem = ({ status, body }: Answer) => [status, body.code]

async function register(over: object = {}, tenant = 'acme') {
  const answer = await post(`/v1/tenants/${tenant}/endpoints`, { kind: 'listener', clientSecret: SECRET, ...over })
  expect(answer.status).toBe(201)
  return answer.body
}

const keyOf = async (over: object) => (await post('/v1/api-keys', { name: 'k', ...over })).body.key as string

async function visitorOf(may: readonly PortalPermission[], tenant = 'acme'): Promise<string> {
  const { url } = (await post(`/v1/tenants/${tenant}/portal-links`, { may })).body
  const body = { token: url.split('#token=')[1], keep: 'memory' }
  return (await bench.post('/portal/v1/portal-session', body, { key: null, headers: PAGE })).body.token
}

/** Hands a request over, as the engine does. */
async function handOver(listener: Json, headers = ['Authorization', `Bearer ${SECRET}`, 'webhook-id', 'evt_1']) {
  const published = await bench.publishOne(listener.tenant)
  const [delivery] = await bench.list(null, listener.id, listener.tenant)
  const sealed = bench.keyring.seal(listener.id, JSON.stringify({ headers, secret: ['authorization'] }))
  const nowMs = bench.store.now()
  const offered = await bench.store.write('offerRequest', {
    tenant: listener.tenant,
    delivery: delivery!.id,
    number: 1,
    endpoint: listener.id,
    event: delivery!.event,
    startedAtMs: nowMs,
    expiresAtMs: nowMs + 15_000,
    headers: sealed,
    nowMs,
  })
  expect(published).toBeDefined()
  return {
    delivery: delivery!.id,
    offered,
    path: `/v1/tenants/${listener.tenant}/deliveries/${delivery!.id}/response`,
  }
}

/** The requests that a stream gets, up to a number. */
async function listen(path: string, key: string, count = 1): Promise<Json[]> {
  const controller = new AbortController()
  const url = `${await base()}${path}`
  const response = await fetch(url, { headers: { authorization: `Bearer ${key}` }, signal: controller.signal })
  expect(response.status).toBe(200)
  const found: Json[] = []
  for await (const event of splitEvents(response.body!)) {
    if (event.event === 'request') found.push(event.data)
    if (found.length === count) break
  }
  controller.abort()
  return found
}

/** Keeps someone listening, so that a request can be handed over. */
async function holdOpen(path: string, key: string): Promise<() => void> {
  const controller = new AbortController()
  const url = `${await base()}${path}`
  const response = await fetch(url, { headers: { authorization: `Bearer ${key}` }, signal: controller.signal })
  expect(response.status).toBe(200)
  return () => controller.abort()
}

describe('a listener in the API', () => {
  it('is registered without a URL, and shown as one everywhere', async () => {
    const listener = await register({ uid: 'laptop' })
    expect(listener).toMatchObject({ kind: 'listener', url: null, uid: 'laptop', lastListenedAt: listener.createdAt })
    const withUrl = (await post(ENDPOINTS, { url: 'https://hooks.example.com/a', clientSecret: SECRET })).body
    expect(withUrl).toMatchObject({ kind: 'url', lastListenedAt: null })
    const { body } = await get(ENDPOINTS)
    expect(body.data.map(({ kind, url }: Json) => [kind, url]).sort()).toEqual([
      ['listener', null],
      ['url', 'https://hooks.example.com/a'],
    ])
    expect((await get('/v1/search?q=laptop')).body.data[0]).toMatchObject({ kind: 'endpoint', url: null })
    expect((await get(`${ENDPOINTS}?url=listener`)).body.data).toEqual([])
    const lines = (await get('/v1/tenants/acme/export')).text.trim().split('\n')
    const exported = lines.map(line => JSON.parse(line) as Json).filter(({ kind }) => kind === 'endpoint')
    expect(exported.find(({ id }) => id === listener.id)).toMatchObject({ url: null, uid: 'laptop' })
  })

  it.each([
    [{ url: 'https://hooks.example.com/a' }, ['/url']],
    [{ clientCertificate: { certificate: 'x', key: 'y' } }, ['/clientCertificate']],
    [{ oauth: { tokenUrl: 'https://a.example/t', clientId: 'a', clientSecret: 'b' } }, ['/oauth']],
    [{ clientSecret: undefined }, ['/clientSecret']],
    [{ kind: 'browser' }, ['/kind']],
  ])('with %j is refused', async (over, fields) => {
    const body = { kind: 'listener', clientSecret: SECRET, ...over }
    expect(refused(await post(ENDPOINTS, body))).toEqual([422, 'invalid', fields])
  })

  it('keeps its kind', async () => {
    const listener = await register()
    const path = `${ENDPOINTS}/${listener.id}`
    expect(refused(await bench.send('PATCH', path, { body: { url: 'https://a.example/' } }))[2]).toEqual(['/url'])
    expect(refused(await bench.send('PATCH', path, { body: { kind: 'url' } }))[2]).toEqual(['/kind'])
    expect((await bench.send('PATCH', path, { body: { name: 'laptop' } })).body.kind).toBe('listener')
    expect((await post(ENDPOINTS, { clientSecret: SECRET })).body.errors.map(({ field }: Json) => field)).toEqual([
      '/url',
    ])
  })

  it('is listened to by those only who may see payloads and change things', async () => {
    await bench.put('/v1/tenants/zeta', {})
    const listener = await register()
    const stream = `/v1/tenants/acme/stream?listen=${listener.id}`
    const open = async (key: string, path = stream) => problem(await bench.send('GET', path, { key }))
    expect(await open(await keyOf({ scope: 'read' }))).toEqual([403, 'forbidden'])
    expect(await open(await keyOf({ scope: 'publish' }))).toEqual([403, 'forbidden'])
    expect(await open(await keyOf({ scope: 'all', payloads: false }))).toEqual([403, 'forbidden'])
    expect(await open(await keyOf({ scope: 'all', tenant: 'zeta' }))).toEqual([403, 'forbidden'])
    const inPortal = `/portal${stream}`
    expect(await open(await visitorOf(['look', 'payloads', 'test']), inPortal)).toEqual([403, 'forbidden'])
    expect(await open(await visitorOf(['look', 'endpoints']), inPortal)).toEqual([403, 'forbidden'])
    // All streams together have no requests.
    expect(refused(await get(`/v1/stream?listen=${listener.id}`))).toEqual([422, 'invalid', ['listen']])
  })

  it('is one of the tenant, and a listener', async () => {
    await bench.put('/v1/tenants/zeta', {})
    const foreign = await register({}, 'zeta')
    const withUrl = (await post(ENDPOINTS, { url: 'https://hooks.example.com/a', clientSecret: SECRET })).body
    for (const id of [foreign.id, withUrl.id, 'nobody']) {
      expect(refused(await get(`/v1/tenants/acme/stream?listen=${id}`))).toEqual([422, 'invalid', ['listen']])
    }
    expect(refused(await get('/v1/tenants/acme/stream?kind=request'))).toEqual([422, 'invalid', ['kind']])
  })

  it('shows its secret to those who may have it, and to no other user of the portal', async () => {
    const listener = await register()
    const own = await keyOf({ scope: 'all', tenant: 'acme' })
    const stream = `/v1/tenants/acme/stream?listen=${listener.id}`
    const close = await holdOpen(stream, own)
    const { delivery, offered } = await handOver(listener)
    expect(offered).not.toBeNull()
    const [request] = await listen(stream, own)
    expect(request).toMatchObject({ tenant: 'acme', delivery, attempt: 1, endpoint: listener.id, method: 'POST' })
    expect(request).toMatchObject({ type: 'COVER_REFERENCE', test: false })
    expect(request.headers).toEqual([
      ['Authorization', `Bearer ${SECRET}`],
      ['webhook-id', 'evt_1'],
    ])
    expect(JSON.parse(request.body)).toHaveProperty('CoverId')
    const [seen] = await listen(`/portal${stream}`, await visitorOf(['look', 'payloads', 'endpoints', 'secrets']))
    expect(seen.headers[0]).toEqual(['Authorization', `Bearer ${SECRET}`])
    const [hidden] = await listen(`/portal${stream}`, await visitorOf(['look', 'payloads', 'endpoints']))
    expect(hidden.headers).toEqual([
      ['Authorization', '[secret]'],
      ['webhook-id', 'evt_1'],
    ])
    close()
  })

  it('is answered for by those only who may listen, and by no other tenant', async () => {
    await bench.put('/v1/tenants/zeta', {})
    const listener = await register()
    const close = await holdOpen(`/v1/tenants/acme/stream?listen=${listener.id}`, await keyOf({ scope: 'all' }))
    const { path } = await handOver(listener)
    const foreign = path.replace('acme', 'zeta')
    const answer = (key: string, at = path) => bench.post(at, { attempt: 1, status: 200 }, { key }).then(problem)
    expect(await answer(await keyOf({ scope: 'read' }))).toEqual([403, 'forbidden'])
    expect(await answer(await keyOf({ scope: 'all', tenant: 'zeta' }))).toEqual([403, 'forbidden'])
    expect(await answer(await keyOf({ scope: 'all', tenant: 'zeta' }), foreign)).toEqual([404, 'not_found'])
    const stranger = await visitorOf(['look', 'payloads', 'endpoints', 'secrets'], 'zeta')
    expect(await answer(stranger, `/portal${path}`)).toEqual([403, 'forbidden'])
    expect(await answer(stranger, `/portal${foreign}`)).toEqual([404, 'not_found'])
    expect(await answer(await visitorOf(['look', 'payloads', 'test', 'secrets']), `/portal${path}`)).toEqual([
      403,
      'forbidden',
    ])
    const own = await visitorOf(['look', 'payloads', 'endpoints'])
    const body = {
      attempt: 1,
      status: 204,
      headers: [['Retry-After', '1']],
      body: 'ok',
      durationMs: 3,
      truncated: false,
    }
    expect((await bench.post(`/portal${path}`, body, { key: own })).status).toBe(204)
    expect(problem(await post(path, { attempt: 1, status: 200 }))).toEqual([409, 'conflict'])
    expect(problem(await post(path, { attempt: 2, status: 200 }))).toEqual([409, 'conflict'])
    expect(
      problem(await post(path.replace(/dlv_\w+/, 'dlv_00000000000000000000000000'), { attempt: 1, status: 200 })),
    ).toEqual([404, 'not_found'])
    close()
  })

  it.each([
    [{}, ['/status']],
    [{ attempt: 0, status: 200 }, ['/attempt']],
    [{ status: 100 }, ['/status']],
    [{ status: 600 }, ['/status']],
    [{ status: 200, headers: [['a']] }, ['/headers/0']],
    [{ status: 200, headers: { a: 'b' } }, ['/headers']],
    [{ status: 200, body: 'x'.repeat(32_769) }, ['/body']],
    [{ status: 200, durationMs: -1 }, ['/durationMs']],
    [{ status: 200, error: 'x' }, ['/error']],
  ])('is not answered for with %j', async (body, fields) => {
    const path = '/v1/tenants/acme/deliveries/dlv_00000000000000000000000000/response'
    expect(refused(await post(path, { attempt: 1, ...body }))).toEqual([422, 'invalid', fields])
  })
})
