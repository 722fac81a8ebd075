import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ERRORS, PosthornError } from '../../src/base/errors.ts'
import { newId } from '../../src/base/ids.ts'
import { StoreOverloaded } from '../../src/store/store.ts'
import { StoreContended, StoreUnavailable } from '../../src/store/transaction.ts'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { type Json, KEY, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, put, patch, remove, send } = bench
const EVENTS = '/v1/tenants/acme/events'
const ENDPOINTS = '/v1/tenants/acme/endpoints'
const URL_A = 'https://hooks.example.com/a'
const EVENT = `{"type":"${TYPE}","payload":${PAYLOAD}}`

describe('the API key', () => {
  it.each([
    ['no key', null, {}],
    ['a wrong key', 'wrong', {}],
    ['another scheme', null, { authorization: `Basic ${KEY}` }],
    ['two keys', null, { authorization: `Bearer ${KEY} ${KEY}` }],
    ['a key that is not a token', null, { authorization: `Bearer ${KEY}é` }],
  ])('is required everywhere under /v1, whatever the path, method and body: %s', async (_what, key, headers) => {
    for (const [method, url, body] of [
      ['GET', '/v1/egress', undefined],
      ['GET', '/v1/nothing', undefined],
      ['GET', '/v1', undefined],
      ['PROPFIND', '/v1/egress', undefined],
      ['GET', '/%761/egress', undefined],
      ['GET', '/v1/tenants/%zz', undefined],
      ['POST', EVENTS, '{not json'],
      ['HEAD', '/v1/tenants', undefined],
    ] as const) {
      const answer = await send(method, url, { key, headers, ...(body === undefined ? {} : { body }) })
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer')
    }
  })

  it('is not required for public routes', async () => {
    for (const url of ['/healthz', '/readyz', '/openapi.json', '/.well-known/posthorn-egress.json']) {
      expect((await get(url, { key: null })).status).toBe(200)
    }
    expect((await get('/nothing', { key: null })).status).toBe(404)
  })
})

describe('paths and methods', () => {
  it('responds with 404 to unknown paths', async () => {
    for (const url of ['/', '/v2', '/v1/tenants/', '/v1//tenants', '/v1/tenants/acme/Events', '/V1/tenants']) {
      expect(refused(await get(url)).slice(0, 2), url).toEqual([404, 'not_found'])
    }
    expect(refused(await post('/nothing', '{'))).toEqual([404, 'not_found', ['']])
  })

  it('responds with 405 and the methods that a path supports', async () => {
    const answer = await put(EVENTS, '{')
    expect(refused(answer)).toEqual([405, 'method_not_allowed', []])
    expect(answer.headers.allow).toBe('GET, HEAD, POST')
    expect((await send('OPTIONS', '/healthz', { key: null })).headers.allow).toBe('GET, HEAD')
    expect((await send('PROPFIND', '/v1/tenants/a%2Fb')).headers.allow).toBe('DELETE, GET, HEAD, PUT')
  })

  it('responds to HEAD where it responds to GET', async () => {
    for (const url of ['/healthz', '/openapi.json', EVENTS, ENDPOINTS, '/v1/tenants/acme']) {
      const answer = await send('HEAD', url)
      expect([answer.status, answer.text]).toEqual([200, ''])
    }
  })

  it('decodes path parameters, and refuses those that cannot be decoded', async () => {
    expect((await put('/v1/tenants/a%40b.example')).body.id).toBe('a@b.example')
    expect((await get('/v1/tenants/a@b.example')).status).toBe(200)
    expect(refused(await get('/v1/tenants/%'))).toEqual([400, 'bad_request', []])
    expect(refused(await get('/v1/tenants/%ff'))).toEqual([400, 'bad_request', []])
    expect(refused(await get(`/v1/tenants/${'a'.repeat(9_000)}`))).toEqual([404, 'not_found', []])
  })
})

describe('unknown ids', () => {
  it('responds with 404 to an unknown tenant, endpoint, event, delivery or event type', async () => {
    for (const tenant of ['unknown', 'a%00', '%20', 'a%2Fb', '__proto__']) {
      for (const path of ['', '/endpoints', '/events', '/deliveries']) {
        expect(refused(await get(`/v1/tenants/${tenant}${path}`))).toEqual([404, 'not_found', []])
      }
      expect(refused(await post(`/v1/tenants/${tenant}/events`, EVENT))).toEqual([404, 'not_found', []])
      expect(refused(await remove(`/v1/tenants/${tenant}`))).toEqual([404, 'not_found', []])
    }
    for (const id of ['x', newId('ep', 1), newId('evt', 1), newId('dlv', 1), 'ep_%00', 'EP_0']) {
      for (const kind of ['endpoints', 'events', 'deliveries']) {
        expect(refused(await get(`/v1/tenants/acme/${kind}/${id}`))).toEqual([404, 'not_found', []])
      }
      for (const action of ['test', 'disable', 'enable']) {
        expect(refused(await post(`${ENDPOINTS}/${id}/${action}`))).toEqual([404, 'not_found', []])
      }
      for (const action of ['retry', 'cancel']) {
        expect(refused(await post(`/v1/tenants/acme/deliveries/${id}/${action}`))).toEqual([404, 'not_found', []])
      }
      expect(refused(await patch(`${ENDPOINTS}/${id}`, {}))).toEqual([404, 'not_found', []])
      expect(refused(await remove(`${ENDPOINTS}/${id}`))).toEqual([404, 'not_found', []])
    }
    expect(refused(await get('/v1/event-types/NO_SUCH'))).toEqual([404, 'not_found', []])
    expect(refused(await remove('/v1/event-types/a%00'))).toEqual([404, 'not_found', []])
  })

  it("responds with 404 for another tenant's endpoints, events and deliveries", async () => {
    await put('/v1/tenants/other')
    const endpoint = await bench.endpoint()
    const { id: event } = (await post(EVENTS, EVENT)).body
    const delivery = (await get('/v1/tenants/acme/deliveries')).body.data[0].id
    const other = '/v1/tenants/other'
    for (const url of [`endpoints/${endpoint}`, `events/${event}`, `deliveries/${delivery}`]) {
      expect((await get(`/v1/tenants/acme/${url}`)).status).toBe(200)
      expect(refused(await get(`${other}/${url}`))).toEqual([404, 'not_found', []])
    }
    for (const url of [
      `endpoints/${endpoint}/test`,
      `endpoints/${endpoint}/disable`,
      `deliveries/${delivery}/cancel`,
    ]) {
      expect(refused(await post(`${other}/${url}`))).toEqual([404, 'not_found', []])
    }
    expect(refused(await remove(`${other}/endpoints/${endpoint}`))).toEqual([404, 'not_found', []])
    expect(refused(await patch(`${other}/endpoints/${endpoint}`, { description: 'x' }))[0]).toBe(404)
  })
})

describe('bodies', () => {
  it.each([
    ['not JSON', '{"url":', 400, 'bad_json'],
    ['two values', '{}{}', 400, 'bad_json'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'bad_json'],
    ['a byte order mark', '\ufeff{}', 400, 'bad_json'],
    ['too deep', `${'['.repeat(400_000)}${']'.repeat(400_000)}`, 400, 'bad_json'],
    ['a number that is infinite', '{"metadata":{},"name":1e999}', 422, 'invalid'],
    ['a number that would lose digits', '{"name":12345678901234567890}', 422, 'invalid'],
    ['__proto__', '{"metadata":{"__proto__":{"a":1}}}', 400, 'bad_json'],
    ['an escaped __proto__', '{"\\u005f_proto__":1}', 400, 'bad_json'],
    ['a duplicate member', '{"url":"https://a.example/","u\\u0072l":"https://b.example/"}', 422, 'invalid'],
    ['an empty body', '', 422, 'invalid'],
    ['null', 'null', 422, 'invalid'],
    ['an array', '[]', 422, 'invalid'],
    ['a string', '"x"', 422, 'invalid'],
    ['a body that is too large', `"${'x'.repeat(1_048_577)}"`, 413, 'body_too_large'],
  ] as const)('refuses %s', async (_what, body, status, code) => {
    for (const answer of [await post(ENDPOINTS, body), await put('/v1/event-types/A', body)]) {
      expect([answer.status, answer.body.code]).toEqual([status, code])
    }
  })

  it('accepts application/json with parameters, and no other type or encoding', async () => {
    for (const type of ['application/json; charset=utf-8', 'Application/JSON ;a="b"']) {
      expect((await post(EVENTS, EVENT, { headers: { 'content-type': type } })).status).toBe(202)
      expect((await put('/v1/tenants/b', '{}', { headers: { 'content-type': type } })).status).toBeLessThan(300)
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'nonsense', '']) {
      for (const answer of [
        await post(EVENTS, EVENT, { headers: { 'content-type': type } }),
        await put('/v1/tenants/b', '{}', { headers: { 'content-type': type } }),
      ]) {
        expect(refused(answer)).toEqual([415, 'unsupported_media_type', []])
      }
    }
    const encoded = { headers: { 'content-encoding': 'gzip' } }
    expect((await post(EVENTS, EVENT, encoded)).status).toBe(415)
    expect((await put('/v1/tenants/b', '{}', encoded)).status).toBe(415)
  })

  it('names every member that is unknown, missing or of the wrong type', async () => {
    const body = { clientSecret: 7, typos: 1, metadata: { a: 1 }, schedule: ['x'], 'a/b~c': 1 }
    const answer = await post(ENDPOINTS, body)
    const names = ['/a~1b~0c', '/clientSecret', '/metadata/a', '/schedule/0', '/typos']
    expect([answer.status, answer.body.errors.map(({ field }: Json) => field).sort()]).toEqual([422, names])
    expect(refused(await put('/v1/tenants/b', { nmae: 'x' }))).toEqual([422, 'invalid', ['/nmae']])
    expect(refused(await patch(`${ENDPOINTS}/x`, { tenant: 'b' }))).toEqual([422, 'invalid', ['/tenant']])
    expect(refused(await post(`${ENDPOINTS}/x/disable`, { a: 1 }))).toEqual([422, 'invalid', ['/a']])
    expect(refused(await post(`${ENDPOINTS}/x/enable`, { held: 'x' }))).toEqual([422, 'invalid', ['/held']])
    expect(refused(await put('/v1/event-types/A', { group: 'g' }))[2]).toEqual(['/description', '/schema', '/example'])
  })

  it('does not convert between numbers and strings', async () => {
    const input = { url: URL_A, clientSecret: SECRET, timeoutMs: '5000' }
    expect(refused(await post(ENDPOINTS, input))).toEqual([422, 'invalid', ['/timeoutMs']])
    expect(refused(await put('/v1/tenants/b', { name: 1 }))).toEqual([422, 'invalid', ['/name']])
    const limits = { rateLimit: { requests: '3', perSeconds: 1.5, burst: 1 }, ordered: 1 }
    const answer = await post(ENDPOINTS, { url: URL_A, clientSecret: SECRET, ...limits })
    const names = ['/ordered', '/rateLimit/burst', '/rateLimit/perSeconds', '/rateLimit/requests']
    expect([answer.status, answer.body.errors.map(({ field }: Json) => field).sort()]).toEqual([422, names])
  })
})

describe('queries', () => {
  it('refuses unknown, repeated and invalid parameters, and names them', async () => {
    const deliveries = '/v1/tenants/acme/deliveries'
    for (const [query, field] of [
      ['nothing=1', 'nothing'],
      ['__proto__=1', '__proto__'],
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['limit=x', 'limit'],
      ['limit=', 'limit'],
      ['limit=1.5', 'limit'],
      ['limit=-Infinity', 'limit'],
      ['limit=1e999', 'limit'],
      ['limit=0x10', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['cursor=', 'cursor'],
      ['cursor=!!', 'cursor'],
      ['cursor=AAAA', 'cursor'],
      ['cursor=%00', 'cursor'],
      ['state=done', 'state'],
      ['endpoint=x', 'endpoint'],
      [`endpoint=${newId('evt', 1)}`, 'endpoint'],
      ['event=evt_', 'event'],
      ['type=%00', 'type'],
      ['type=', 'type'],
      ['from=yesterday', 'from'],
      ['to=2026-02-30T00:00:00Z', 'to'],
      ['from=2026-01-01T00:00:00+01:00', 'from'],
    ]) {
      expect(refused(await get(`${deliveries}?${query}`))).toEqual([422, 'invalid', [field]])
    }
    for (const url of ['/v1/egress', '/v1/tenants', '/v1/event-types', '/v1/tenants/acme', EVENTS, ENDPOINTS]) {
      expect(refused(await get(`${url}?a=1`))).toEqual([422, 'invalid', ['a']])
    }
    expect(refused(await post(`${EVENTS}?a=1`, EVENT))).toEqual([422, 'invalid', ['a']])
  })

  it('refuses the cursor of another list', async () => {
    await bench.endpoint()
    await bench.endpoint()
    const { nextCursor } = (await get(`${ENDPOINTS}?limit=1`)).body
    expect(refused(await get(`${EVENTS}?cursor=${nextCursor}`))).toEqual([422, 'invalid', ['cursor']])
  })
})

describe('errors of the server', () => {
  const failing = (error: unknown) => ({ list: () => Promise.reject(error) }) as Json

  it('C14: responds with 500 without details, and logs the error', async () => {
    await bench.useServices({ tenants: failing(new Error(`broken ${SECRET.slice(0, 3)}`)) })
    const answer = await get('/v1/tenants')
    expect(refused(answer)).toEqual([500, 'internal', []])
    expect(answer.text).not.toContain('broken')
    expect(bench.log.map(line => JSON.parse(line))).toMatchObject([
      { level: 'error', status: 500, method: 'GET', route: '/v1/tenants', err: { message: expect.any(String) } },
    ])
  })

  it.each([
    [new StoreUnavailable('disk full'), 'store_unavailable', '5'],
    [new StoreOverloaded('too much'), 'overloaded', '1'],
    [new StoreContended('a key is held'), 'busy', '1'],
    [new PosthornError('overloaded', 'wait', { retryAfterSeconds: 7 }), 'overloaded', '7'],
  ])('responds with 503 and Retry-After: %s', async (error, code, retryAfter) => {
    await bench.useServices({ tenants: failing(error) })
    const answer = await get('/v1/tenants')
    expect(refused(answer)).toEqual([503, code, []])
    expect(answer.headers['retry-after']).toBe(retryAfter)
    expect(bench.log).toHaveLength(1)
  })

  it('logs no other requests', async () => {
    await post(EVENTS, EVENT)
    await post(EVENTS, '{')
    await get('/nothing')
    expect(bench.log).toEqual([])
  })
})

it('C14: no response, not even a refusal, and no log line contains a secret', async () => {
  const secret = 'S3cret-that-must-not-leak-0123456789'
  const texts: string[] = []
  const keep = async (answer: Promise<{ text: string }>) => texts.push((await answer).text)
  for (const body of [
    { url: URL_A, clientSecret: secret },
    { url: URL_A, clientSecret: `${secret} ` },
    { url: URL_A, clientSecret: `Bearer ${secret}` },
    { url: URL_A, clientSecret: [secret] },
    { url: URL_A, clientSecret: { secret } },
    { url: 'x', clientSecret: secret },
    `{"url":"x","clientSecret":"${secret}"`,
    `{"url":"x","clientSecret":"${secret}","clientSecret":"${secret}"}`,
    `"${secret}"`,
  ]) {
    await keep(post(ENDPOINTS, body))
  }
  const { id } = (await get(ENDPOINTS)).body.data[0]
  await keep(patch(`${ENDPOINTS}/${id}`, { clientSecret: secret }))
  await keep(get(`${ENDPOINTS}/${id}`))
  await keep(get(ENDPOINTS))
  await keep(post(`${ENDPOINTS}/${id}/disable`))
  expect(texts.join('\n') + bench.log.join('\n')).not.toContain('S3cret')
})

describe('invalid input', () => {
  it('C3: an invalid URL is refused with the reason', async () => {
    for (const url of [
      'http://hooks.example.com/',
      'https://u:p@a.example/',
      'https://localhost/',
      'https://10.0.0.1/',
    ]) {
      const answer = await post(ENDPOINTS, { url, clientSecret: SECRET })
      expect([refused(answer)[2], typeof answer.body.errors[0].reason]).toEqual([['/url'], 'string'])
    }
  })

  it('C7: an invalid secret is refused with the position of its first invalid character, and a hint', async () => {
    const answer = await post(ENDPOINTS, { url: URL_A, clientSecret: 'Bearer abc' })
    expect(answer.body.errors).toMatchObject([{ field: '/clientSecret', position: 6 }])
    expect(answer.body.errors[0].detail).toContain('Bearer')
  })

  it('C1: unknown types and invalid payloads are named, and nothing in the array is stored', async () => {
    const good = { type: TYPE, payload: JSON.parse(PAYLOAD) }
    const batch = [good, { type: 'NO_SUCH', payload: {} }, { type: TYPE, payload: {} }, { ...good, extra: 1 }]
    const answer = await post(EVENTS, batch)
    expect(answer.status).toBe(422)
    expect(answer.body.errors.map(({ field }: Json) => field)).toEqual(['/1/type', '/2/payload/CoverId', '/3/extra'])
    expect((await get(EVENTS)).body.data).toEqual([])
  })

  it('events that are not JSON, too deep, too large or have duplicate keys are refused', async () => {
    const deep = `{"type":"${TYPE}","payload":${'['.repeat(65)}${']'.repeat(65)}}`
    expect(refused(await post(EVENTS, '{'))[0]).toBe(400)
    expect(refused(await post(EVENTS, ' '))[0]).toBe(400)
    expect(refused(await post(EVENTS, deep)).slice(0, 2)).toEqual([400, 'bad_json'])
    expect(refused(await post(EVENTS, ' '.repeat(1_048_577)))).toEqual([413, 'body_too_large', []])
    expect(refused(await post(EVENTS, '{"type":"A","type":"B","payload":{}}')).slice(0, 2)).toEqual([422, 'invalid'])
  })

  it('an event with the key of another payload is a conflict that names the key', async () => {
    await post(EVENTS, `{"key":"k","type":"${TYPE}","payload":${PAYLOAD}}`)
    const other = `{"key":"k","type":"${TYPE}","payload":${PAYLOAD.replace(':', ': ')}}`
    expect(refused(await post(EVENTS, other))).toEqual([409, 'idempotency_conflict', ['/key']])
    expect(refused(await post(EVENTS, `[${EVENT},${other}]`))).toEqual([409, 'idempotency_conflict', ['/1/key']])
    const alias = other.replace('"key"', '"id"')
    expect(refused(await post(EVENTS, `[${EVENT},${alias}]`))).toEqual([409, 'idempotency_conflict', ['/1/id']])
  })
})

it('docs/errors.md lists every code with its status and title', () => {
  const text = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `(\w+)` \| (\d+) \| ([^|]+) \| [^|]+ \|$/gm)].map(row => row.slice(1, 4))
  expect(rows).toEqual(Object.entries(ERRORS).map(([code, { status, title }]) => [code, String(status), title]))
})
