/** Single sign-on, attacked (decision 56): tokens that are no good, responses that belong to others, broken issuers. */
// cspell:ignore crit Cscript
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { decodeJwt, exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { HandClock } from '../../hand-clock.ts'
import type { Answer } from '../setup.ts'
import { CLIENT, type TestProvider, type TokenResponse } from './provider.ts'
import { grant, jarOf, SignOnBench } from './setup.ts'

const bench = new SignOnBench()
const { provider } = bench
const problem = ({ status, body }: Answer) => [status, body.code]
const INVALID = [401, 'unauthorized']
const AWAY = [502, 'issuer_unavailable']

const base64 = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const header = { alg: 'RS256', kid: 'first' }

/** Signs other claims with the provider's own key. */
const resigned =
  (change: (claims: JWTPayload) => JWTPayload | object, over: object = {}) =>
  async (response: TokenResponse): Promise<TokenResponse> => {
    const claims = { ...change(decodeJwt(response.id_token)) } as JWTPayload
    const token = await new SignJWT(claims)
      .setProtectedHeader({ ...header, ...over })
      .sign(provider.privateKey, { crit: { odd: true } })
    return { ...response, id_token: token }
  }

const replaced = (make: (claims: JWTPayload, token: string) => string | Promise<string>) => {
  return async (response: TokenResponse): Promise<TokenResponse> => ({
    ...response,
    id_token: await make(decodeJwt(response.id_token), response.id_token),
  })
}

const without = (name: string) => (claims: JWTPayload) => ({ ...claims, [name]: undefined })
const nowSeconds = () => Math.floor(Date.now() / 1000)

async function hmac(claims: JWTPayload, secret: string, over: object = {}): Promise<string> {
  const input = `${base64({ alg: 'HS256', kid: 'first', ...over })}.${base64(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

const publicPem = async () => exportSPKI((await importJWK(provider.publicJwk, 'RS256')) as TestProvider['privateKey'])

const expectNoSession = async () => expect((await bench.api.get('/v1/sessions')).body.data).toEqual([])

describe('an ID token', () => {
  it('that is signed again with the right key is accepted: what follows fails for its own reason', async () => {
    provider.behaviour.forge = resigned(claims => claims)
    expect((await bench.signIn()).status).toBe(201)
  })

  it.each<[string, (response: TokenResponse) => Promise<TokenResponse>]>([
    ['has expired', resigned(claims => ({ ...claims, exp: nowSeconds() - 60 }))],
    ['never expires', resigned(without('exp'))],
    ['expires at a text', resigned(claims => ({ ...claims, exp: '9999999999' }))],
    ['is not valid yet', resigned(claims => ({ ...claims, nbf: nowSeconds() + 600 }))],
    ['has no time', resigned(without('iat'))],
    ['is for another client', resigned(claims => ({ ...claims, aud: 'another' }))],
    ['is for no client', resigned(without('aud'))],
    [
      'is for several clients, and does not say for which',
      resigned(claims => ({ ...claims, aud: [CLIENT.id, 'another'] })),
    ],
    [
      'is for several clients, and for another one',
      resigned(claims => ({ ...claims, aud: [CLIENT.id, 'b'], azp: 'b' })),
    ],
    ['was given to another client', resigned(claims => ({ ...claims, azp: 'another' }))],
    ['was given to a list of clients', resigned(claims => ({ ...claims, azp: [CLIENT.id] }))],
    ['answers another sign-in', resigned(claims => ({ ...claims, nonce: 'another' }))],
    ['answers no sign-in', resigned(without('nonce'))],
    ['is of another issuer', resigned(claims => ({ ...claims, iss: 'https://issuer.example.com' }))],
    ['is of an issuer that begins alike', resigned(claims => ({ ...claims, iss: `${claims.iss}/` }))],
    ['is of no issuer', resigned(without('iss'))],
    ['is about no one', resigned(without('sub'))],
    ['is about a number', resigned(claims => ({ ...claims, sub: 7 }))],
    ['is about an empty text', resigned(claims => ({ ...claims, sub: '' }))],
    ['is about a text with a line break', resigned(claims => ({ ...claims, sub: 'ada\n' }))],
    ['is about a very long text', resigned(claims => ({ ...claims, sub: 'a'.repeat(256) }))],
    ['is about another access token', resigned(claims => ({ ...claims, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }))],
    ['is about a number of access tokens', resigned(claims => ({ ...claims, at_hash: 1 }))],
    ['has critical extensions', resigned(claims => claims, { crit: ['odd'], odd: 1 })],
    ['is signed with a key that the issuer does not publish', resigned(claims => claims, { kid: 'other' })],
    [
      'is signed with another key of the same name',
      replaced(async claims =>
        new SignJWT(claims).setProtectedHeader(header).sign((await generateKeyPair('RS256')).privateKey),
      ),
    ],
    [
      'brings its own key',
      replaced(async claims => {
        const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
        const jwk = publicKey.export({ format: 'jwk' }) as { kty: string }
        return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', jwk }).sign(privateKey)
      }),
    ],
    ['is not signed', replaced(claims => `${base64({ alg: 'none' })}.${base64(claims)}.`)],
    ['is not signed (None)', replaced(claims => `${base64({ alg: 'None', kid: 'first' })}.${base64(claims)}.`)],
    ['has lost its signature', replaced((_claims, token) => `${token.split('.').slice(0, 2).join('.')}.`)],
    [
      'was altered',
      replaced((claims, token) =>
        [token.split('.')[0], base64({ ...claims, groups: ['operators'], x: 1 }), token.split('.')[2]].join('.'),
      ),
    ],
    ['is signed by HMAC with the public key', replaced(async claims => hmac(claims, await publicPem()))],
    ['is signed by HMAC with the client secret', replaced(claims => hmac(claims, CLIENT.secret))],
    ['says that HMAC is RS256', replaced(async claims => hmac(claims, await publicPem(), { alg: 'RS256' }))],
    ['is no token', replaced(() => 'x.y.z')],
    ['is empty', replaced(() => '')],
    ['is encrypted', replaced(() => 'a.b.c.d.e')],
    ['is missing', async response => ({ ...response, id_token: undefined as never })],
  ])('that %s signs no one in', async (_what, forge) => {
    provider.behaviour.forge = forge
    expect(problem(await bench.signIn())).toEqual(INVALID)
    await expectNoSession()
    expect(bench.log.join('')).not.toMatch(/eyJ|client-secret|"sub"/)
  })

  it.each<[string, (claims: JWTPayload) => string | Promise<string>]>([
    ['no signature', claims => `${base64({ alg: 'none' })}.${base64(claims)}.`],
    ['HMAC', async claims => hmac(claims, await publicPem())],
    ['HMAC with the client secret', claims => hmac(claims, CLIENT.secret)],
  ])('with %s signs no one in, even if the issuer says that it signs so', async (_what, make) => {
    const url = `${provider.issuer}/.well-known/openid-configuration`
    const metadata = (await (await fetch(url)).json()) as object
    provider.behaviour.before = (request, response) => {
      if (request.url !== new URL(url).pathname) return false
      const algorithms = { id_token_signing_alg_values_supported: ['none', 'HS256'] }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ ...metadata, ...algorithms }))
      return true
    }
    provider.behaviour.forge = replaced(make)
    expect(problem(await bench.signIn())).toEqual(INVALID)
    await expectNoSession()
  })

  it('that is signed with a key which the issuer has just begun to use is accepted', async () => {
    expect((await bench.signIn()).status).toBe(201)
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    const key = { ...(await exportJWK(publicKey)), kid: 'second', alg: 'RS256', use: 'sig' }
    provider.behaviour.before = (request, response) => {
      if (request.url !== '/jwks') return false
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ keys: [provider.publicJwk, key] }))
      return true
    }
    provider.behaviour.forge = replaced(claims =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'second' }).sign(privateKey),
    )
    expect((await bench.signIn()).status).toBe(201)
  })

  it('that says that it was given to this client is accepted', async () => {
    provider.behaviour.forge = resigned(claims => ({ ...claims, azp: CLIENT.id }))
    expect((await bench.signIn()).status).toBe(201)
  })

  it('that does not name its key is accepted if the issuer has one', async () => {
    provider.behaviour.forge = resigned(claims => claims, { kid: undefined })
    expect((await bench.signIn()).status).toBe(201)
  })

  it('that has expired within the tolerance signs no one in for a session that would end with it', async () => {
    const expired = resigned(claims => ({ ...claims, exp: nowSeconds() - 5 }))
    await bench.use([{ endsWithToken: true }])
    provider.behaviour.forge = expired
    expect(problem(await bench.signIn())).toEqual(INVALID)
    await bench.use([{ endsWithToken: false }])
    provider.behaviour.forge = expired
    expect((await bench.signIn()).status).toBe(201)
  })
})

describe('a response of an issuer', () => {
  const begun = async () => {
    const answer = await bench.begin()
    return { cookie: jarOf(answer), query: await provider.signIn(answer.body.url) }
  }
  const code = (query: string) => new URLSearchParams(query).get('code')!

  it('works once, with the state or with the code', async () => {
    const first = await begun()
    expect((await bench.end(first.cookie, first.query)).status).toBe(201)
    expect(problem(await bench.end(first.cookie, first.query))).toEqual(INVALID)
    const second = await begun()
    const mixed = new URLSearchParams(second.query)
    mixed.set('code', code(first.query))
    expect(problem(await bench.end(second.cookie, String(mixed)))).toEqual(INVALID)
    expect((await bench.end(second.cookie, second.query)).status).toBe(201)
    expect(problem(await bench.end(second.cookie, second.query))).toEqual(INVALID)
  })

  it('works once although the issuer accepts its code twice', async () => {
    const { cookie, query } = await begun()
    let sent: TokenResponse | undefined
    provider.behaviour.forge = response => {
      sent = response
      return response
    }
    expect((await bench.end(cookie, query)).status).toBe(201)
    const asked = provider.requests.length
    expect(problem(await bench.end(cookie, query))).toEqual(INVALID)
    expect(provider.requests).toHaveLength(asked)
    // As on another node, where it comes at the same time.
    const original = bench.api.store.read.bind(bench.api.store) as (name: string, args: object) => Promise<unknown>
    const read = vi.spyOn(bench.api.store, 'read')
    read.mockImplementation(((name: string, args: object) =>
      name === 'isSignInUsed' ? Promise.resolve(false) : original(name, args)) as never)
    provider.behaviour.before = (request, response) => {
      if (request.url !== '/token') return false
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(sent))
      return true
    }
    expect(problem(await bench.end(cookie, query))).toEqual(INVALID)
    expect(provider.requests.length).toBeGreaterThan(asked)
    read.mockRestore()
    expect((await bench.api.get('/v1/sessions')).body.data).toHaveLength(1)
  })

  it('stores nothing unless someone signs in', async () => {
    const { cookie, query } = await begun()
    const write = vi.spyOn(bench.api.store, 'write')
    const forged = new URLSearchParams(query)
    forged.set('code', 'x')
    expect(problem(await bench.end(cookie, String(forged)))).toEqual(INVALID)
    await begun()
    expect(write).not.toHaveBeenCalled()
    expect((await bench.end(cookie, query)).status).toBe(201)
    expect(write).toHaveBeenCalledWith('takeSignIn', expect.anything())
    write.mockRestore()
  })

  it('works for one of those who try at the same time', async () => {
    const { cookie, query } = await begun()
    const answers = await Promise.all(Array.from({ length: 5 }, () => bench.end(cookie, query)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401, 401])
  })

  it('works only in the browser that began', async () => {
    const [victim, attacker] = [await begun(), await begun()]
    expect(problem(await bench.end('', attacker.query))).toEqual(INVALID)
    expect(problem(await bench.end(victim.cookie, attacker.query))).toEqual(INVALID)
    // The code of another sign-in, with one's own state: its verifier is another.
    const injected = new URLSearchParams(victim.query)
    injected.set('code', code(attacker.query))
    expect(problem(await bench.end(victim.cookie, String(injected)))).toEqual(INVALID)
    await expectNoSession()
  })

  it('is found among cookies that another site has planted', async () => {
    const { cookie, query } = await begun()
    const others = ['posthorn_sign_in=AAAA', (await begun()).cookie, `posthorn_sign_in=${'x'.repeat(4_000)}`]
    expect((await bench.end([...others, cookie].join('; '), query)).status).toBe(201)
  })

  it.each([
    ['no state', (query: URLSearchParams) => query.delete('state')],
    ['two states', (query: URLSearchParams) => query.append('state', query.get('state')!)],
    ['two codes', (query: URLSearchParams) => query.append('code', query.get('code')!)],
    ['no code', (query: URLSearchParams) => query.delete('code')],
    ['another code', (query: URLSearchParams) => query.set('code', 'x')],
    ['another issuer', (query: URLSearchParams) => query.set('iss', 'https://issuer.example.com')],
    ['no issuer although it promises one', (query: URLSearchParams) => query.delete('iss')],
  ])('with %s signs no one in', async (_what, change) => {
    const { cookie, query } = await begun()
    const changed = new URLSearchParams(query)
    change(changed)
    expect(problem(await bench.end(cookie, String(changed)))).toEqual(INVALID)
    await expectNoSession()
  })

  it('of one issuer is not taken for that of another', async () => {
    await bench.use([{}, { id: 'other', name: 'Other' }])
    const { cookie, query } = await begun()
    expect(problem(await bench.end(cookie, query, 'other'))).toEqual(INVALID)
    expect((await bench.end(cookie, query)).status).toBe(201)
  })

  it('works for ten minutes', async () => {
    const { cookie, query } = await begun()
    const { now } = bench.api.store
    bench.api.store.now = () => now.call(bench.api.store) + 600_001
    expect(problem(await bench.end(cookie, query))).toEqual(INVALID)
    bench.api.store.now = now
    await expectNoSession()
  })

  it('that refuses is passed on in words, without what the URL says beyond a code', async () => {
    const answer = await bench.begin()
    const state = new URL(answer.body.url).searchParams.get('state')!
    const iss = encodeURIComponent(provider.issuer)
    const denied = await bench.end(
      jarOf(answer),
      `error=access_denied&error_description=<b>x</b>&state=${state}&iss=${iss}`,
    )
    expect(problem(denied)).toEqual([403, 'forbidden'])
    expect(denied.body.detail).toBe('Okta did not sign you in: access_denied. Begin again, or use an API key.')
    const again = await bench.begin()
    const other = new URL(again.body.url).searchParams.get('state')!
    const odd = await bench.end(jarOf(again), `error=%3Cscript%3E&state=${other}&iss=${iss}`)
    expect(odd.body.detail).toContain('an unknown error')
  })

  it('is answered late after many wrong ones, like a wrong key', async () => {
    await bench.end('', 'code=x&state=y')
    expect(bench.api.failedAuthentications()).toBe(1)
  })

  it.each([
    ['no query', { issuer: 'okta' }],
    ['a number for a query', { issuer: 'okta', response: 7 }],
    ['a very long query', { issuer: 'okta', response: 'x'.repeat(8_193) }],
    ['a very long issuer', { issuer: 'o'.repeat(33), response: '' }],
    ['a key in it', { issuer: 'okta', response: '', apiKey: 'x' }],
  ])('with %s is refused', async (_what, singleSignOn) => {
    expect((await bench.post('/session/v1/session', { singleSignOn })).status).toBe(422)
  })

  it('together with a key is refused', async () => {
    const singleSignOn = { issuer: 'okta', response: '' }
    expect((await bench.post('/session/v1/session', { singleSignOn, apiKey: 'x' })).status).toBe(422)
  })
})

describe('the user info', () => {
  const grants = [grant({ claim: 'team', value: 'ops' })]
  const answer = (info: object) => {
    provider.behaviour.before = (request, response) => {
      if (request.url !== '/me') return false
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(info))
      return true
    }
  }

  it('is read if the ID token lacks a claim that decides', async () => {
    await bench.use([{ grants }])
    answer({ sub: 'ada', team: 'ops' })
    expect((await bench.signIn()).status).toBe(201)
  })

  it('of someone else is refused', async () => {
    await bench.use([{ grants }])
    answer({ sub: 'eve', team: 'ops' })
    expect(problem(await bench.signIn())).toEqual(INVALID)
  })

  it('is not needed for a name', async () => {
    provider.behaviour.claims = { groups: ['operators'] }
    provider.behaviour.before = (request, response) => {
      if (request.url !== '/me') return false
      response.writeHead(500).end()
      return true
    }
    expect((await bench.signIn()).body.person).toEqual({ issuer: 'okta', subject: 'ada', name: null })
    expect(provider.requests.at(-1)).toBe('/me')
  })

  it.each([
    [{ email: 'ada@example.com' }, { email: 'eve@example.com', email_verified: true }, 403],
    [{ email_verified: true }, { email: 'ada@example.com', email_verified: false }, 403],
    [{ email_verified: true }, { email: 'ada@example.com' }, 403],
    [{ email: 'ada@example.com', email_verified: false }, { email: 'ada@example.com', email_verified: true }, 403],
    [{ email: 'ada@example.com' }, { email: 'ada@example.com', email_verified: true }, 201],
    [{}, { email: 'ada@example.com', email_verified: true }, 201],
  ])('verifies no address but its own: %j and %j', async (token, info, status) => {
    for (const claim of ['email', '/email']) {
      await bench.use([{ grants: [grant({ claim, value: 'ada@example.com' })] }])
      provider.behaviour.claims = {}
      provider.behaviour.forge = resigned(claims => ({ ...claims, ...token }))
      answer({ sub: 'ada', ...info })
      expect((await bench.signIn()).status, claim).toBe(status)
    }
  })

  it('does not replace what the ID token says', async () => {
    await bench.use([{ grants: [...grants, grant({ value: 'admins' })] }])
    answer({ sub: 'ada', groups: ['admins'] })
    expect(problem(await bench.signIn())).toEqual([403, 'forbidden'])
  })
})

describe('an issuer that', () => {
  type Before = NonNullable<typeof provider.behaviour.before>
  const at =
    (path: string, status: number, body: string, headers: Record<string, string> = {}): Before =>
    (request, response) => {
      if (request.url !== path) return false
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
      return true
    }
  const METADATA = '/.well-known/openid-configuration'
  const metadata = (over: object) =>
    at(
      METADATA,
      200,
      JSON.stringify({
        issuer: provider.issuer,
        authorization_endpoint: `${provider.issuer}/auth`,
        token_endpoint: `${provider.issuer}/token`,
        jwks_uri: `${provider.issuer}/jwks`,
        ...over,
      }),
    )

  it.each<[string, () => Before]>([
    ['fails', () => at(METADATA, 500, '{}')],
    ['has no metadata', () => at(METADATA, 404, 'no')],
    ['sends a page', () => at(METADATA, 200, '<html>', { 'content-type': 'text/html' })],
    ['leads elsewhere', () => at(METADATA, 302, '', { location: `${provider.issuer}/elsewhere` })],
    ['sends very much', () => at(METADATA, 200, `{"x":"${'x'.repeat(1_100_000)}"}`)],
    ['is another one', () => metadata({ issuer: 'https://issuer.example.com' })],
    ['has a script for a page', () => metadata({ authorization_endpoint: 'javascript:alert(1)' })],
    ['has a page without TLS', () => metadata({ authorization_endpoint: 'http://issuer.example.com/auth' })],
    ['has no page', () => metadata({ authorization_endpoint: undefined })],
    ['publishes no keys', () => metadata({ jwks_uri: undefined })],
    [
      'closes the connection',
      () => request => {
        request.socket.destroy()
        return true
      },
    ],
  ])('%s is reported as unavailable', async (_what, before) => {
    provider.behaviour.before = before()
    expect(problem(await bench.begin())).toEqual(AWAY)
    expect((await bench.get('/session/v1/sign-in-options', '')).body.issuers[0].isAvailable).toBe(false)
  })

  it.each<[string, () => Before, unknown[]]>([
    ['fails', () => at('/token', 503, '{}'), AWAY],
    ['sends a page', () => at('/token', 200, '<html>', { 'content-type': 'text/html' }), AWAY],
    ['leads elsewhere', () => at('/token', 307, '', { location: '/elsewhere' }), AWAY],
    ['sends very much', () => at('/token', 200, `{"x":"${'x'.repeat(1_100_000)}"}`), AWAY],
    ['does not know the client', () => at('/token', 401, '{"error":"invalid_client"}'), [403, 'forbidden']],
    ['fails to publish its keys', () => at('/jwks', 500, '{}'), AWAY],
    ['publishes other keys', () => at('/jwks', 200, '{"keys":[]}'), INVALID],
    ['publishes no list of keys', () => at('/jwks', 200, '{}'), INVALID],
  ])('%s when a sign-in ends signs no one in', async (_what, before, expected) => {
    const answer = await bench.begin()
    const query = await provider.signIn(answer.body.url)
    provider.behaviour.before = before()
    expect(problem(await bench.end(jarOf(answer), query))).toEqual(expected)
    await expectNoSession()
  })

  it('hangs does not hide the others, and is reported as unavailable', async () => {
    const clock = new HandClock()
    const fetch = () => new Promise<never>(() => {})
    await bench.use([{}], { fetch, clock })
    let answer: Answer | undefined
    void bench.get('/session/v1/sign-in-options', '').then(given => {
      answer = given
    })
    await vi.waitUntil(() => {
      clock.turn(2_001)
      return answer !== undefined
    })
    expect(answer!.body.issuers).toEqual([{ id: 'okta', name: 'Okta', isAvailable: false }])
  })

  it('hangs when sign-ins end keeps only a few of one address waiting, and none of another issuer', async () => {
    await bench.use([{}, { id: 'other', name: 'Other' }])
    const begun = await Promise.all(Array.from({ length: 9 }, () => bench.begin()))
    const queries: string[] = []
    for (const { body } of begun) queries.push(await provider.signIn(body.url))
    const held = Promise.withResolvers<void>()
    let waiting = 0
    provider.behaviour.before = (request, response) => {
      if (request.url !== '/token') return false
      waiting++
      void held.promise.then(() => response.writeHead(503).end())
      return true
    }
    const ends = begun.slice(0, 8).map((answer, at) => bench.end(jarOf(answer), queries[at]!))
    await vi.waitUntil(() => waiting === 8)
    expect(problem(await bench.end(jarOf(begun[8]!), queries[8]!))).toEqual([503, 'overloaded'])
    expect(problem(await bench.end(jarOf(begun[0]!), queries[0]!))).toEqual(INVALID)
    const ended = bench.end(jarOf(await bench.begin('other')), 'state=x', 'other')
    expect(problem(await ended)).toEqual(INVALID)
    held.resolve()
    for (const each of ends) expect(problem(await each)).toEqual(AWAY)
    provider.behaviour.before = null
    expect((await bench.end(jarOf(begun[8]!), queries[8]!)).status).toBe(201)
  })

  it('is complained about once a second, however many sign-ins fail', async () => {
    await bench.use([{}], { clock: new HandClock() })
    for (let n = 0; n < 3; n++) {
      const answer = await bench.begin()
      const { searchParams } = new URL(answer.body.url)
      await bench.end(jarOf(answer), `code=x&state=${searchParams.get('state')}&iss=${provider.issuer}`)
    }
    expect(bench.log.filter(line => line.includes('single sign-on failed'))).toHaveLength(1)
  })

  it('goes away is no longer a place to send someone to', async () => {
    const clock = new HandClock()
    await bench.use([{}], { clock })
    expect((await bench.begin()).status).toBe(201)
    provider.behaviour.before = at(METADATA, 500, '{}')
    expect((await bench.begin()).status).toBe(201)
    clock.turn(10_001)
    expect(problem(await bench.begin())).toEqual(AWAY)
    provider.behaviour.before = null
    expect(problem(await bench.begin())).toEqual(AWAY)
    clock.turn(3_001)
    expect((await bench.begin()).status).toBe(201)
  })

  it('is away is asked once in a while, however many ask for it', async () => {
    let calls = 0
    const fetch = async () => {
      calls++
      throw new TypeError('away')
    }
    const clock = new HandClock()
    await bench.use([{}], { fetch, clock })
    await Promise.all(Array.from({ length: 20 }, () => bench.begin()))
    await bench.begin()
    expect(calls).toBe(1)
    clock.turn(3_001)
    await bench.begin()
    expect(calls).toBe(2)
  })
})
