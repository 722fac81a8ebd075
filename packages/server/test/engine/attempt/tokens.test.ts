import { describe, expect, it, vi } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import type { OutgoingRequest } from '../../../src/engine/attempt/deliver.ts'
import type { Exchange } from '../../../src/engine/attempt/outcome.ts'
import { isToken, type TokenClient, Tokens } from '../../../src/engine/attempt/tokens.ts'

const client: TokenClient = {
  endpoint: 'ep_1',
  route: { origin: 'https://login.example.com', tenant: 'acme', identity: null },
  path: '/token',
  clientId: 'client one',
  clientSecret: 'p:w&+é',
  scope: 'hooks write',
  audience: null,
  resource: [],
  credentialsIn: 'header',
}

const exchange = (status: number, body: unknown): Exchange => ({
  startedAtMs: 0,
  durationMs: 1,
  status,
  failure: null,
  detail: null,
  reconnected: false,
  address: null,
  headers: typeof body === 'string' ? ['X-A', 'content-type', 'Content-Type', 'text/html; charset=utf-8'] : [],
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  truncated: false,
  retryAfter: null,
})

type Asked = Omit<OutgoingRequest, 'mayBegin'>

function start(answer: (nth: number) => Exchange | Promise<Exchange>, maxPerHost = 2) {
  const requests: Asked[] = []
  let nowMs = 0
  const clock: Clock = { now: () => nowMs, monotonicMs: () => nowMs, after: () => ({ cancel() {} }) }
  const send = async (request: Asked) => {
    requests.push(request)
    return answer(requests.length)
  }
  const tokens = new Tokens({ send, clock, timeoutMs: 15_000, maxPerHost })
  return {
    tokens,
    requests,
    advance(seconds: number) {
      nowMs += seconds * 1_000
    },
    value: async (endpoint = client.endpoint) => {
      const asked = await tokens.get({ ...client, endpoint })
      return isToken(asked) ? asked.value : `${asked.code} ${asked.value}`
    },
  }
}

const silent = (detail: Exchange['detail']): Exchange => ({
  ...exchange(200, ''),
  status: null,
  failure: 'connect_refused',
  detail,
})

const good = (nth: number) => exchange(200, { access_token: `t${nth}`, token_type: 'Bearer', expires_in: 100 })

describe('tokens', () => {
  it('are read from a response with a byte order mark, too', async () => {
    const answer = JSON.stringify({ access_token: 't', token_type: 'Bearer' })
    expect(await start(() => exchange(200, `\ufeff${answer}`)).value()).toBe('t')
  })

  it('are requested as in RFC 6749', async () => {
    const { requests, value } = start(good)
    expect(await value()).toBe('t1')
    const [{ headers, body, path, timeoutMs }] = requests as [Asked]
    expect(Buffer.from(body).toString()).toBe('grant_type=client_credentials&scope=hooks+write')
    const authorization = headers[headers.indexOf('Authorization') + 1]!
    expect(Buffer.from(authorization.slice('Basic '.length), 'base64').toString()).toBe('client+one:p%3Aw%26%2B%C3%A9')
    expect([path, timeoutMs]).toEqual(['/token', 15_000])
  })

  it('are requested for an audience and resources, with the credentials where the server wants them', async () => {
    const { tokens, requests } = start(good)
    const resource = ['https://hooks.example.com/a?b=c', 'urn:example:hooks']
    for (const credentialsIn of ['header', 'body'] as const) {
      const more = { audience: 'https://api.example.com/ ü', resource, credentialsIn, endpoint: credentialsIn }
      await tokens.get({ ...client, ...more })
    }
    const [inHeader, inBody] = requests.map(({ headers, body }) => ({
      isBasic: headers.includes('Authorization'),
      form: [...new URLSearchParams(Buffer.from(body).toString())],
    }))
    const rest = [
      ['scope', 'hooks write'],
      ['audience', 'https://api.example.com/ ü'],
      ...resource.map(uri => ['resource', uri]),
    ]
    const grant = ['grant_type', 'client_credentials']
    expect(inHeader).toEqual({ isBasic: true, form: [grant, ...rest] })
    const credentials = [
      ['client_id', client.clientId],
      ['client_secret', client.clientSecret],
    ]
    expect(inBody).toEqual({ isBasic: false, form: [grant, ...credentials, ...rest] })
  })

  it('are kept until shortly before they expire, and requested once for all callers', async () => {
    const { requests, value, advance } = start(good)
    expect(await Promise.all([value(), value(), value()])).toEqual(['t1', 't1', 't1'])
    advance(89.9)
    expect(await value()).toBe('t1')
    advance(0.1)
    expect(await Promise.all([value(), value()])).toEqual(['t2', 't2'])
    expect(requests).toHaveLength(2)
  })

  it('of a tenant whose requests take long leave room at the server for those of another', async () => {
    const hanging = Promise.withResolvers<Exchange>()
    const { tokens, requests } = start(nth => (nth <= 8 ? hanging.promise : good(nth)), 10)
    const ask = (tenant: string, endpoint: string) =>
      tokens.get({ ...client, endpoint, path: `/${tenant}`, route: { ...client.route, tenant } })
    const slow = Array.from({ length: 30 }, (_, at) => ask('slow', `ep_slow_${at}`))
    await vi.waitFor(() => expect(requests).toHaveLength(8))
    const quick = await Promise.all(Array.from({ length: 5 }, (_, at) => ask('quick', `ep_quick_${at}`)))
    expect(quick.filter(isToken)).toHaveLength(5)
    expect(requests.slice(8).map(({ path }) => path)).toEqual(Array(5).fill('/quick'))
    hanging.resolve(good(0))
    expect((await Promise.all(slow)).filter(isToken)).toHaveLength(30)
  })

  it('of others are kept if a tenant requests more than are kept', async () => {
    const { tokens, requests } = start(good)
    const ask = (tenant: string, endpoint: string) =>
      tokens.get({ ...client, endpoint, route: { ...client.route, tenant } })
    await ask('small', 'ep_small')
    for (let at = 0; at < 10_050; at++) await ask('large', `ep_${at}`)
    const before = requests.length
    await ask('small', 'ep_small')
    await ask('large', 'ep_10049')
    expect(requests).toHaveLength(before)
    await ask('large', 'ep_0')
    expect(requests).toHaveLength(before + 1)
  })

  it('are requested again after a refusal, once for all callers', async () => {
    const { tokens, requests, value } = start(good)
    const token = await tokens.get(client)
    if (!isToken(token)) throw new Error(token.code)
    await Promise.all([tokens.invalidate('ep_1', token), tokens.invalidate('ep_1', token)])
    expect(await value()).toBe('t2')
    await tokens.invalidate('ep_1', token)
    expect(await value()).toBe('t2')
    expect(requests).toHaveLength(2)
    tokens.forget('ep_1')
    expect(await value()).toBe('t3')
  })

  it.each([
    ['an error', exchange(400, { error: 'invalid_client' }), 'token_refused 400 "{"error":"invalid_client"}"'],
    [
      'an error with a token',
      exchange(400, { error: 'e', refresh_token: 't0ken', token_type: 'x' }),
      'token_refused 400 "{"error":"e","refresh_token":"[secret]","token_type":"x"}"',
    ],
    ['an error without a body', exchange(503, ''), 'token_refused 503'],
    ['a redirect', exchange(302, 'elsewhere'), 'token_refused 302 "elsewhere"'],
    ['no response', silent(null), 'token_server_silent connect_refused'],
    ['no name', silent({ code: 'name_unknown', value: null }), 'token_server_silent name_unknown'],
    ['a page', exchange(200, '<html>t0ken'), 'token_not_json 200, text/html'],
    ['null', exchange(200, null), 'token_not_json 200'],
    ['a list', exchange(200, ['t0ken']), 'token_not_json 200'],
    [
      'a token that would break the request',
      exchange(200, { access_token: 't\r\nx: y', token_type: 'bearer' }),
      'token_missing 200 "{"access_token":"[secret]","token_type":"bearer"}"',
    ],
    [
      'an empty token',
      exchange(200, { access_token: '', token_type: 'bearer' }),
      'token_missing 200 "{"access_token":"[secret]","token_type":"bearer"}"',
    ],
    [
      'a token elsewhere',
      exchange(200, { data: { token: ['t0ken'], ok: true }, error: null }),
      'token_missing 200 "{"data":{"token":["[secret]"],"ok":true},"error":null}"',
    ],
    [
      'an error with a good status',
      exchange(200, { error: 'invalid_scope', error_description: 'No "hooks".' }),
      'token_missing 200 "{"error":"invalid_scope","error_description":"No \\"hooks\\"."}"',
    ],
    ['a response that ends early', { ...good(1), truncated: true }, 'token_cut_off null'],
  ])('%s gives no token, says why, and is not cached', async (_name, answer, reason) => {
    const { value } = start(nth => (nth === 1 ? answer : good(nth)))
    expect(await value()).toBe(reason)
    expect(await value()).toBe('t2')
  })

  it('are taken whatever type the server gives them', async () => {
    for (const [type, expected] of [
      ['BEARER', 'bearer'],
      [undefined, 'missing'],
      [null, 'missing'],
      ['MAC', 'mac'],
      ['Bearer token', 'unreadable'],
      [7, 'unreadable'],
      ['t', 'unreadable'],
    ]) {
      const { tokens } = start(() => exchange(201, { access_token: 't', token_type: type }))
      expect(await tokens.get(client)).toMatchObject({ value: 't', type: expected })
    }
  })

  it('C14: no secret of the request, nor what could be a token, is in the reason', async () => {
    const secret = 'p:w&+é'
    const basic = Buffer.from('client+one:p%3Aw%26%2B%C3%A9').toString('base64')
    const echoes = [secret, encodeURIComponent(secret), JSON.stringify(secret), basic, `Basic ${basic}`]
    for (const status of [200, 400, 500]) {
      for (const echo of echoes) {
        for (const body of [`you sent ${echo} and`, { error: `you sent ${echo}`, access_token: 'a b' }]) {
          const said = await start(() => exchange(status, body)).value()
          for (const each of [...echoes, 'a b', 'p:w', 'p%3Aw']) expect(said).not.toContain(each)
        }
      }
    }
  })

  it('the reason has no more of a response than fits in a line', async () => {
    const said = await start(() => exchange(400, `\u0000a\r\n\u202eb${'x'.repeat(9_000)}😀`)).value()
    expect(said).toMatch(/^token_refused 400 "a bx*"$/)
    expect(said.length).toBeLessThan(240)
    for (const cut of [195, 196, 197]) {
      const text = await start(() => exchange(400, `${'x'.repeat(cut)}😀😀😀`)).value()
      expect(text.isWellFormed()).toBe(true)
    }
    expect(await start(() => exchange(200, `${'['.repeat(14_000)}${']'.repeat(14_000)}`)).value()).toBe(
      'token_not_json 200, text/html',
    )
    const deep = `{"a":${'['.repeat(13_000)}${']'.repeat(13_000)}}`
    expect(await start(() => exchange(200, deep)).value()).toMatch(/^token_missing 200/)
  })

  it('are requested from one server by a limited number of callers at a time, the others in turn', async () => {
    const answers: ((exchange: Exchange) => void)[] = []
    const { value, requests } = start(() => new Promise<Exchange>(resolve => answers.push(resolve)))
    const values = Array.from({ length: 5 }, (_, at) => value(`ep_${at}`))
    for (let asked = 2; asked <= 5; asked++) {
      await vi.waitFor(() => expect(requests).toHaveLength(asked))
      answers.shift()!(good(asked))
    }
    answers.shift()!(good(6))
    expect(await Promise.all(values)).toEqual(['t2', 't3', 't4', 't5', 't6'])
  })
})
