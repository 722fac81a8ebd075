import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ApiError,
  type ClientOptions,
  Connection,
  ConnectionError,
  Posthorn,
  ResponseError,
  VERSION,
} from '../../src/index.ts'

const KEY = 'phk_do-not-show-me-0123456789'

const clientOf = (fetch: ClientOptions['fetch'], options: Partial<ClientOptions> = {}) =>
  new Posthorn({ url: 'http://posthorn.test', apiKey: KEY, maxRetries: 0, fetch, ...options })

const failureOf = (response: Response) =>
  clientOf(async () => response)
    .tenants.get('acme')
    .catch(error => error)

describe('an error', () => {
  it('of the API has what the problem document says', async () => {
    const fields = [{ field: '/url', detail: 'This field is required.', reason: 'missing' }]
    const problem = {
      type: 't',
      title: 'T',
      status: 422,
      detail: '/url: This field is required.',
      code: 'invalid',
      errors: fields,
    }
    const headers = { 'content-type': 'application/problem+json', 'x-request-id': 'req-1', 'retry-after': '2' }
    const error = await failureOf(Response.json(problem, { status: 422, headers }))
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({
      name: 'ApiError',
      message: 'GET /v1/tenants/acme: /url: This field is required.',
      code: 'invalid',
      status: 422,
      fields,
      field: '/url',
      serverVersion: null,
      requestId: 'req-1',
      retryAfterMs: 2_000,
      made: null,
    })
  })

  it('names several fields in its message, but not all of many', async () => {
    const problem = (count: number) => ({
      type: 't',
      title: 'T',
      status: 422,
      detail: `${count} values are invalid.`,
      code: 'invalid',
      errors: Array.from({ length: count }, (_, at) => ({ field: `/${at}`, detail: 'D.' })),
    })
    const messageOf = async (body: object) => {
      const headers = { 'content-type': 'application/problem+json' }
      return (await failureOf(Response.json(body, { status: 422, headers }))).message
    }
    const start = 'GET /v1/tenants/acme:'
    expect(await messageOf(problem(2))).toBe(`${start} 2 values are invalid. /0: D. /1: D.`)
    expect(await messageOf(problem(5))).toBe(`${start} 5 values are invalid. /0: D. /1: D. /2: D. …`)
    expect(await messageOf({ ...problem(2), errors: [null, 7, { field: '/x' }] })).toBe(
      `${start} 2 values are invalid.`,
    )
  })

  it('of something else has the status, and the body if that is JSON', async () => {
    const html = new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } })
    expect(await failureOf(html)).toMatchObject({ name: 'ResponseError', status: 502, body: undefined })
    const json = await failureOf(Response.json({ status: 'starting' }, { status: 503 }))
    expect(json).toMatchObject({ code: 'unexpected_response', status: 503, body: { status: 'starting' } })
    const moved = await failureOf(new Response(null, { status: 301, headers: { location: 'http://other.test' } }))
    expect(moved.message).toContain('The server redirects.')
    const page = await failureOf(new Response('<h1>Welcome</h1>', { headers: { 'content-type': 'text/html' } }))
    expect(page).toMatchObject({
      status: 200,
      message: 'GET /v1/tenants/acme: The response is not JSON. Check that `url` leads to Posthorn.',
    })
  })

  describe('of a server of another version', () => {
    const [major, minor] = VERSION.split('.').map(Number)
    const newer = `${major}.${minor! + 1}.0`
    const problem = (code: string, reason?: string) => ({
      type: 't',
      title: 'T',
      status: 404,
      detail: 'D.',
      code,
      ...(reason && { errors: [{ field: '', detail: 'D.', reason }] }),
    })
    const messageOf = async (body: object, version: string) => {
      const headers = { 'content-type': 'application/problem+json', 'posthorn-version': version }
      const error = await failureOf(Response.json(body, { status: 404, headers }))
      expect(error.serverVersion).toBe(version)
      return error.message
    }

    it.each([
      ['path', problem('not_found', 'unknown_path')],
      ['method', problem('method_not_allowed')],
      ['field', problem('invalid', 'unknown')],
      ['code', problem('moon_phase')],
    ])('has both versions in its message if it does not know a %s, and says what still works', async (_name, body) => {
      const start = 'GET /v1/tenants/acme: D.'
      expect(await messageOf(body, newer)).toBe(
        `${start} This client is version ${VERSION}, the server ${newer}. Whatever ${newer} still has works. For this one, upgrade the client.`,
      )
      expect(await messageOf(body, '0.0.9')).toBe(
        `${start} This client is version ${VERSION}, the server 0.0.9. Calls and fields of 0.0.9 work. For this one, upgrade the server.`,
      )
      expect(await messageOf(body, VERSION)).toBe(start)
    })

    it('does not blame the version for anything else', async () => {
      expect(await messageOf(problem('not_found'), newer)).toBe('GET /v1/tenants/acme: D.')
      expect(await messageOf(problem('invalid', 'missing'), '0.0.9')).toBe('GET /v1/tenants/acme: D.')
    })

    it('has both if a response is of another kind', async () => {
      const headers = { 'content-type': 'text/csv', 'posthorn-version': newer }
      const error = await failureOf(new Response('x', { headers }))
      expect(error).toMatchObject({ code: 'unexpected_response', serverVersion: newer })
      expect(error.message).toContain(`the server ${newer}`)
    })
  })

  it('is one of the four classes, whatever the response', async () => {
    const response = fc.record({
      status: fc.integer({ min: 200, max: 599 }).filter(status => ![204, 205, 304].includes(status)),
      type: fc.constantFrom('application/problem+json', 'application/json', 'text/html', ''),
      text: fc.oneof(fc.json(), fc.string(), fc.constantFrom('null', '{"code":"invalid"}', '{"code":1,"errors":{}}')),
    })
    await fc.assert(
      fc.asyncProperty(response, async ({ status, type, text }) => {
        const headers = type === '' ? undefined : { 'content-type': type }
        const result = await failureOf(new Response(text, { status, ...(headers && { headers }) }))
        if (status < 300 && !(result instanceof Error)) return
        expect([ApiError, ResponseError].some(one => result instanceof one)).toBe(true)
        expect(result.status).toBe(status)
      }),
    )
  })

  it('of the connection has its cause', async () => {
    const cause = new TypeError('fetch failed')
    const error = await clientOf(() => Promise.reject(cause))
      .tenants.get('acme')
      .catch(one => one)
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject({ code: 'connection_failed', status: null, cause })
  })
})

describe('the API key', () => {
  const shown = (value: unknown) =>
    [
      inspect(value, { depth: 20, showHidden: true, getters: true }),
      JSON.stringify(value),
      String(value),
      (value as Error).stack,
    ].join()

  it('is in the request, and not in a client or an error that is inspected, printed or converted to JSON', async () => {
    let authorization: string | null = null
    const posthorn = clientOf(async (_url, { headers }) => {
      authorization = new Headers(headers).get('authorization')
      throw new TypeError('fetch failed')
    })
    const error = await posthorn.tenants.get('acme').catch(one => one)
    expect(authorization).toBe(`Bearer ${KEY}`)
    for (const value of [posthorn, new Connection({ url: 'http://posthorn.test', apiKey: KEY }), error]) {
      expect(shown(value)).not.toContain('do-not-show-me')
    }
  })

  it('is refused without being shown if a header cannot carry it', async () => {
    for (const apiKey of [`${KEY}\n`, ` ${KEY}`, `${KEY}ü`, '']) {
      const attempt = () => clientOf(undefined, { apiKey })
      expect(attempt).toThrow('The API key must be visible ASCII characters only.')
      expect(attempt).not.toThrow('do-not-show-me')
    }
    const headers = { 'x-secret': `${KEY}\n\n ü` }
    const error = await clientOf(undefined, { headers })
      .tenants.get('acme')
      .catch(one => one)
    expect(error).toBeInstanceOf(TypeError)
    expect(shown(error)).not.toContain('do-not-show-me')
  })

  it('is not in the message about a URL with a user name or a password', () => {
    expect(() => clientOf(undefined, { url: `https://me:${KEY}@posthorn.test` })).toThrow(
      'must not contain a user name',
    )
    expect(() => clientOf(undefined, { url: `https://me:${KEY}@posthorn.test` })).not.toThrow('do-not-show-me')
  })
})

describe('options', () => {
  const refusal = (options: Partial<ClientOptions>) => () => clientOf(undefined, options)

  it('that cannot be used are refused with what is wrong', () => {
    expect(refusal({ url: 'posthorn.example' })).toThrow('must be an absolute URL')
    expect(refusal({ url: 'ftp://posthorn.example' })).toThrow('must begin with https:// or http://')
    expect(refusal({ url: 'http://posthorn.example/?a=1' })).toThrow('query or a fragment')
    for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31]) expect(refusal({ timeoutMs })).toThrow('`timeoutMs` must be')
    for (const maxRetries of [-1, 0.5, Infinity]) expect(refusal({ maxRetries })).toThrow('`maxRetries` must be')
  })

  it('can have a path, and headers that are made for each attempt', async () => {
    const sent: [string, string | null, string | null][] = []
    let attempt = 0
    const posthorn = new Posthorn({
      url: 'http://posthorn.test/base/session/',
      headers: async () => ({ 'X-Attempt': String(++attempt) }),
      fetch: async (url, { headers }) => {
        const got = new Headers(headers)
        sent.push([url, got.get('x-attempt'), got.get('authorization')])
        return Response.json({ id: 'acme' })
      },
    })
    await posthorn.tenants.get('acme')
    await posthorn.tenants.get('acme')
    const url = 'http://posthorn.test/base/session/v1/tenants/acme'
    expect(sent).toEqual([
      [url, '1', null],
      [url, '2', null],
    ])
  })
})
