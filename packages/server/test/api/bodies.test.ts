import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Json, KEY, refused, useApi } from './setup.ts'

const bench = useApi()
let port: number

beforeEach(async () => {
  await bench.api.listen({ port: 0, host: '127.0.0.1' })
  port = (bench.api.server.address() as AddressInfo).port
})

/** The ways to send no body: further header lines, and what follows the head. */
const WITHOUT_BODY: readonly (readonly [what: string, lines: readonly string[], rest: string])[] = [
  ['nothing', [], ''],
  ['a length of 0', ['Content-Length: 0'], ''],
  ['JSON', ['Content-Type: application/json'], ''],
  ['JSON of length 0', ['Content-Type: application/json', 'Content-Length: 0'], ''],
  ['JSON in chunks', ['Content-Type: application/json', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
  [
    'a form of length 0, as curl sends it',
    ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 0'],
    '',
  ],
  ['a form', ['Content-Type: application/x-www-form-urlencoded'], ''],
  ['text in chunks', ['Content-Type: text/plain', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
  ['chunks', ['Transfer-Encoding: chunked'], '0\r\n\r\n'],
]

async function send(method: string, path: string, lines: readonly string[], rest: string): Promise<Answer> {
  const socket = connect(port, '127.0.0.1')
  const head = [`${method} ${path} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${KEY}`, 'Connection: close', ...lines]
  socket.write(`${head.join('\r\n')}\r\n\r\n${rest}`)
  const answer = await text(socket)
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
  return {
    status: Number(answer.slice(9, 12)),
    headers: {},
    text: body,
    body: body === '' ? undefined : JSON.parse(body),
  }
}

type Operation = { readonly id: string; readonly method: string; readonly path: string; readonly required: boolean }

/** Keys can't make them. */
const FOR_SESSIONS = ['signIn', 'redeemPortalLink', 'beginSingleSignOn', 'signOutEverywhere']

/** Every call with a JSON body, on things that don't exist where it would have an effect that hinders the next one. */
function operationsWithBody(): Operation[] {
  return Object.entries(bench.document.paths).flatMap(([path, item]) =>
    Object.entries(item as Json).flatMap(([method, { operationId: id, requestBody }]: [string, Json]) => {
      if (requestBody?.content['application/json'] === undefined) return []
      if (id === 'publishEvents' || FOR_SESSIONS.includes(id)) return []
      const tenant = id === 'eraseTenant' ? 'nobody' : 'acme'
      const filled = path.replace('{tenant}', tenant).replace(/\{\w+\}/g, 'nobody')
      // Without ids, it needs states.
      const query = /^retry(All)?Matching/.test(id) ? '?state=exhausted' : ''
      return [{ id, method: method.toUpperCase(), path: filled + query, required: requestBody.required as boolean }]
    }),
  )
}

describe('a request without a body', () => {
  it('is read as one with an empty object, by every call', async () => {
    const operations = operationsWithBody()
    expect(operations.length).toBeGreaterThan(15)
    for (const { id, method, path, required } of operations) {
      const expected = await send(method, path, ['Content-Type: application/json', 'Content-Length: 2'], '{}')
      // What the call comes to after that can change from one to the next.
      const outcome = ({ status, body }: Answer) =>
        [400, 415, 422].includes(status) ? [status, body.code, body.errors] : status > 0
      for (const [what, lines, rest] of WITHOUT_BODY) {
        const answer = await send(method, path, lines, rest)
        expect(outcome(answer), `${id} with ${what}`).toEqual(outcome(expected))
      }
      // The document says so.
      expect([id, expected.status === 422]).toEqual([id, required])
    }
  }, 120_000)

  it('names what is missing where something is required', async () => {
    const answer = await bench.post('/v1/tenants/acme/endpoints')
    expect(refused(answer)).toEqual([422, 'invalid', ['/url', '/clientSecret']])
    expect(answer.body.errors[0].detail).toBe('A url is required.')
  })

  it('does what it says where nothing is required', async () => {
    const endpoint = `/v1/tenants/acme/endpoints/${await bench.endpoint()}`
    const statuses = []
    for (const action of ['disable', 'enable', 'test', 'signing-secrets']) {
      statuses.push((await bench.post(`${endpoint}/${action}`)).status)
    }
    expect(statuses).toEqual([200, 200, 202, 201])
    expect((await bench.post('/v1/tenants/acme/replays')).status).toBe(202)
    expect((await bench.put('/v1/tenants/beta')).status).toBe(201)
    expect((await bench.patch(endpoint)).status).toBe(200)
  })

  it('is not one with null, which is refused', async () => {
    expect(refused(await bench.post('/v1/tenants/acme/replays', 'null'))).toEqual([422, 'invalid', ['']])
    expect(refused(await bench.put('/v1/tenants/acme', 'null'))).toEqual([422, 'invalid', ['']])
  })

  it('publishes nothing, and names what is missing', async () => {
    const key = ['Idempotency-Key: a']
    for (const [what, lines, rest] of WITHOUT_BODY) {
      for (const more of [[], key]) {
        const answer = await send('POST', '/v1/tenants/acme/events', [...lines, ...more], rest)
        expect(refused(answer), what).toEqual([422, 'invalid', ['/type', '/payload']])
        expect(answer.body.errors[0].detail, what).toBe('The type is missing.')
      }
    }
  })

  it('is not one with white space alone, which is not JSON', async () => {
    for (const path of ['/v1/tenants/acme/events', '/v1/tenants/acme/replays']) {
      expect(refused(await bench.post(path, ' \n')).slice(0, 2)).toEqual([400, 'bad_json'])
    }
  })
})

describe('a byte order mark', () => {
  const marked: readonly (readonly [string, Buffer, string])[] = [
    ['UTF-8', Buffer.from('\ufeff{}'), 'begins with a byte order mark (the bytes EF BB BF). Remove it'],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), 'begins with a byte order mark of UTF-16. Encode it as UTF-8'],
    ['UTF-16, big end first', Buffer.from('\ufeff{}', 'utf16le').swap16(), 'Encode it as UTF-8'],
  ]

  it.each(marked)('of %s is named by every call, with what to do', async (_encoding, body, detail) => {
    const calls = [...operationsWithBody(), { id: 'publishEvents', method: 'POST', path: '/v1/tenants/acme/events' }]
    for (const { id, method, path } of calls) {
      const answer = await bench.send(method, path, { body })
      expect([id, answer.status, answer.body.code]).toEqual([id, 400, 'bad_json'])
      expect(answer.body.detail, id).toContain(detail)
    }
  })

  it.each([
    ['before a payload', '{"type":"FUZZ","payload":\ufeff{"id":1}}', ', in /payload)'],
    ['within an array', '[{"type":"FUZZ","payload":{}},\ufeff{"type":"FUZZ","payload":{}}]', ', in /1)'],
    ['after a space', ' \ufeff{"type":"FUZZ","payload":{}}', ')'],
    ['at the end', '{"type":"FUZZ","payload":{}}\n\ufeff', ')'],
  ])('is named %s, where it is', async (_where, text, place) => {
    const at = Buffer.byteLength(text.slice(0, text.indexOf('\ufeff')))
    const published = await bench.post('/v1/tenants/acme/events', text)
    expect(refused(published).slice(0, 2)).toEqual([400, 'bad_json'])
    expect(published.body.detail).toContain('a byte order mark (the bytes EF BB BF). Remove the one in the body')
    expect(published.body.detail).toContain(`(at byte ${at}${place}`)
    const other = await bench.post('/v1/tenants/acme/replays', text)
    expect(refused(other)).toEqual([400, 'bad_json', []])
    expect(other.body.detail).toContain('has a byte order mark (the bytes EF BB BF) outside strings')
  })

  it('is not one within a string, which is a character like any other', async () => {
    const broken = await bench.post('/v1/tenants/acme/replays', '{"key":"\ufeff"')
    expect(broken.body.detail).toBe('The request body is not valid JSON.')
    expect(
      (await bench.post('/v1/tenants/acme/events', `{"type":"FUZZ","payload":{"a":"\ufeff"`)).body.detail,
    ).toContain('but the body ends')
  })

  it('is named in the filter of a list, too', async () => {
    const { status, body } = await bench.get(`/v1/tenants/acme/events?filter=${encodeURIComponent('\uFEFF{}')}`)
    expect([status, body.errors[0].field]).toEqual([422, 'filter'])
    expect(body.detail).toContain('The filter begins with a byte order mark (the bytes EF BB BF). Remove it')
  })
})

describe('a body of another type than JSON', () => {
  it.each([
    ['with a length', ['Content-Type: text/plain', 'Content-Length: 2'], '{}'],
    ['in chunks', ['Content-Type: text/plain', 'Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'],
    ['of no type', ['Content-Length: 2'], '{}'],
    ['of no type, in chunks', ['Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'],
  ])('is refused: %s', async (_what, lines, rest) => {
    for (const path of ['/v1/tenants/acme/replays', '/v1/tenants/acme/events']) {
      const answer = await send('POST', path, lines, rest)
      expect(refused(answer)).toEqual([415, 'unsupported_media_type', []])
      expect(answer.body.detail).toContain('application/json')
    }
    expect((await bench.get('/v1/tenants/acme/replays')).body.data).toEqual([])
  })
})
