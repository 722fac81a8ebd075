/** Single sign-on with a real provider (decision 56): who gets in, what they can do, and when it ends. */
import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../../src/base/durations.ts'
import { SECRET } from '../../services/setup.ts'
import type { Json } from '../setup.ts'
import { AFTER_SIGN_OUT } from './provider.ts'
import { cookiesOf, grant, jarOf, PAGE, SignOnBench } from './setup.ts'

const bench = new SignOnBench()
const { provider } = bench
const OWN = '/session/v1/session'
const OPTIONS = '/session/v1/sign-in-options'
const OUT = '/session/v1/single-sign-on/sign-out'

describe('the sign-in page', () => {
  it('lists the issuers, and which of them is unavailable', async () => {
    await bench.use([{}, { id: 'away', name: 'Away', issuer: 'http://127.0.0.1:9' }])
    const { body } = await bench.get(OPTIONS, '')
    expect(body).toEqual({
      issuers: [
        { id: 'okta', name: 'Okta', isAvailable: true },
        { id: 'away', name: 'Away', isAvailable: false },
      ],
    })
  })

  it('begins at the issuer with state, nonce and PKCE, and ties them to the browser', async () => {
    const begun = await bench.begin()
    expect(begun.status).toBe(201)
    const { origin, searchParams } = new URL(begun.body.url)
    expect(origin).toBe(provider.issuer)
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: 'posthorn',
      redirect_uri: 'http://127.0.0.1:8470/sign-in/okta',
      response_type: 'code',
      scope: 'openid profile email',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    const [cookie] = cookiesOf(begun)
    expect(cookie).toMatch(
      /^posthorn_sign_in=[\w-]+; Max-Age=600; Path=\/session\/v1\/session; HttpOnly; SameSite=Strict$/,
    )
    expect(cookie).not.toContain(searchParams.get('state'))
  })

  it('says which issuer is unavailable, while a key still signs in', async () => {
    await bench.use([{ id: 'away', name: 'Example Login', issuer: 'http://127.0.0.1:9' }])
    const { status, body } = await bench.begin('away')
    expect([status, body.code]).toEqual([502, 'issuer_unavailable'])
    expect(body.detail).toMatch(/^Example Login is not responding as it should\. .*API key/)
    expect((await bench.post(OWN, { apiKey: 'test-key-0123456789' })).status).toBe(201)
    expect(bench.log.join('')).toMatch(/"issuer":"away".*ECONNREFUSED.*issuer of single sign-on unavailable/)
  })

  it('can begin only where the issuer leads back to', async () => {
    const { status, body } = await bench.begin('okta', { origin: 'http://localhost:8470' })
    expect([status, body.code]).toEqual([403, 'forbidden'])
    expect(body.detail).toContain('http://127.0.0.1:8470/')
  })

  it('refuses an issuer that is not configured', async () => {
    expect((await bench.begin('google')).status).toBe(422)
  })

  it('is not answered to other sites', async () => {
    for (const url of [OPTIONS, '/session/v1/single-sign-on']) {
      const headers = { ...PAGE, 'sec-fetch-site': 'cross-site' }
      const method = url === OPTIONS ? 'GET' : 'POST'
      const answer = await bench.api.send(method, url, { key: null, headers, body: method === 'GET' ? undefined : {} })
      expect(answer.status).toBe(403)
    }
    expect((await bench.api.get('/v1/sign-in-options')).status).toBe(404)
  })
})

describe('a person', () => {
  it('signs in, and can do what the grant says', async () => {
    const answer = await bench.signIn()
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      apiKey: { id: null, name: 'Ada Lovelace (okta: ada)', scope: 'all', tenant: null, payloads: true },
      person: { issuer: 'okta', subject: 'ada', name: 'Ada Lovelace' },
      portal: null,
      isCurrent: true,
    })
    const cookies = cookiesOf(answer)
    expect(cookies.map(cookie => cookie.split('=')[0])).toEqual([
      'posthorn_session',
      'posthorn_sign_in',
      'posthorn_sign_out',
    ])
    expect(cookies.every(cookie => cookie.includes('; HttpOnly; SameSite=Strict'))).toBe(true)
    const jar = jarOf(answer)
    expect((await bench.get(OWN, jar)).body).toEqual(answer.body)
    expect((await bench.get('/session/v1/tenants', jar)).status).toBe(200)
    const listed = (await bench.api.get('/v1/sessions')).body.data
    expect(listed).toMatchObject([{ id: answer.body.id, person: { subject: 'ada' }, apiKey: { scope: 'all' } }])
  })

  it('is named in the audit log, with issuer and subject', async () => {
    provider.behaviour.claims = { name: 'root\u0000\u202e', groups: ['operators'] }
    const jar = jarOf(await bench.signIn())
    await bench.api.send('PUT', '/session/v1/tenants/beta', { key: null, headers: { ...PAGE, cookie: jar }, body: {} })
    const entries = (await bench.api.get('/v1/audit?limit=2')).body.data
    expect(entries.map(({ target, action }: Json) => [target.type, action])).toEqual([
      ['tenant', 'created'],
      ['session', 'created'],
    ])
    for (const { actor } of entries) expect(actor).toMatchObject({ kind: 'person', name: 'root (okta: ada)' })
  })

  it.each([
    ['reads', grant({ scope: 'read' }), [200, 200, 200, 403]],
    ['sees one tenant', grant({ tenant: 'acme' }), [403, 200, 403, 201]],
    ['reads of one tenant', grant({ scope: 'read', tenant: 'acme' }), [403, 200, 403, 403]],
  ])('who only %s is refused the rest', async (_what, only, statuses) => {
    await bench.api.tenants.put('beta', {})
    await bench.use([{ grants: [only] }])
    const jar = jarOf(await bench.signIn())
    const endpoint = { url: 'https://hooks.example.com/a', clientSecret: SECRET }
    const found = [
      await bench.get('/session/v1/tenants', jar),
      await bench.get('/session/v1/tenants/acme', jar),
      await bench.get('/session/v1/tenants/beta', jar),
      await bench.post('/session/v1/tenants/acme/endpoints', endpoint, { cookie: jar }),
    ]
    expect(found.map(({ status }) => status)).toEqual(statuses)
  })

  it('without payloads sees none', async () => {
    await bench.use([{ grants: [grant({ payloads: false })] }])
    const answer = await bench.signIn()
    expect(answer.body.apiKey.payloads).toBe(false)
    expect((await bench.get('/session/v1/tenants/acme/events?text=x', jarOf(answer))).status).toBe(403)
  })

  it.each([
    [{ groups: ['others'] }],
    [{ groups: 'operators-of-another' }],
    [{ groups: { operators: true } }],
    [{ groups: [['operators']] }],
    [{}],
  ])('whose claims are %j is not let in, and is told who they are', async claims => {
    provider.behaviour.claims = claims
    const { status, body } = await bench.signIn()
    expect([status, body.code]).toEqual([403, 'forbidden'])
    expect(body.detail).toContain('Okta (ada) has no access')
    expect((await bench.api.get('/v1/sessions')).body.data).toEqual([])
  })

  it.each([
    [true, 201],
    [false, 403],
    ['true', 403],
    [undefined, 403],
  ])('has what an address gives only if it is verified: %j', async (verified, status) => {
    provider.behaviour.claims = { email: 'ada@example.com', email_verified: verified }
    await bench.use([{ grants: [grant({ claim: 'email', value: 'ada@example.com' })] }])
    expect((await bench.signIn()).status).toBe(status)
  })

  it('has the first grant that matches, also within a claim', async () => {
    provider.behaviour.claims = { realm_access: { roles: ['support', 'admin'] } }
    const claim = '/realm_access/roles'
    await bench.use([{ grants: [grant({ claim, value: 'support', scope: 'read' }), grant({ claim, value: 'admin' })] }])
    expect((await bench.signIn()).body.apiKey.scope).toBe('read')
  })

  it('cannot make what would end with a key', async () => {
    const jar = jarOf(await bench.signIn())
    for (const url of ['/session/v1/sign-in-links', '/session/v1/tenants/acme/portal-links']) {
      const { status, body } = await bench.post(url, {}, { cookie: jar })
      expect([status, body.code]).toEqual([403, 'forbidden'])
      expect(body.detail).toContain('Use an API key')
    }
  })
})

describe('a session of a person', () => {
  it('ends when the settings give its issuer other grants, and when the issuer is removed', async () => {
    const jar = jarOf(await bench.signIn())
    await bench.use([{ name: 'Renamed' }])
    expect((await bench.get(OWN, jar)).status).toBe(200)
    await bench.use([{ grants: [grant({ scope: 'read' })] }])
    expect((await bench.get(OWN, jar)).body.code).toBe('session_ended')
    expect((await bench.api.get('/v1/sessions')).body.data).toEqual([])
    await bench.use([])
    expect((await bench.get(OWN, jar)).body.code).toBe('session_ended')
    expect((await bench.api.get('/v1/sessions')).body.data).toEqual([])
  })

  it('ends with its tenant, and never begins for one that does not exist', async () => {
    await bench.use([{ grants: [grant({ tenant: 'acme' })] }])
    const jar = jarOf(await bench.signIn())
    expect((await bench.get(OWN, jar)).body.apiKey.tenant).toBe('acme')
    await bench.api.remove('/v1/tenants/acme')
    expect((await bench.get(OWN, jar)).body.code).toBe('session_ended')
    expect((await bench.signIn()).status).toBe(403)
  })

  it('ends when it is revoked', async () => {
    const answer = await bench.signIn()
    await bench.api.remove(`/v1/sessions/${answer.body.id}`)
    expect((await bench.get(OWN, jarOf(answer))).body.code).toBe('session_ended')
  })

  it.each([
    [true, 3_600_000],
    [false, 7 * DAY_MS],
  ])('ends with the ID token only if asked: %j', async (endsWithToken, lastsMs) => {
    await bench.use([{ endsWithToken }])
    const { createdAt, expiresAt } = (await bench.signIn()).body
    expect(Math.abs(Date.parse(expiresAt) - Date.parse(createdAt) - lastsMs)).toBeLessThan(60_000)
  })

  it('leads to the sign-out of the issuer, which signs out there and leads back', async () => {
    const answer = await bench.signIn()
    const out = await bench.post(OUT, undefined, { cookie: jarOf(answer) })
    const url = new URL(out.body.url)
    expect(url.origin).toBe(provider.issuer)
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(AFTER_SIGN_OUT)
    expect(url.searchParams.get('id_token_hint')).toMatch(/^ey/)
    expect(cookiesOf(out).every(cookie => cookie.includes('Max-Age=0'))).toBe(true)
    expect((await bench.get(OWN, jarOf(answer))).body.code).toBe('session_ended')
    expect((await fetch(url)).status).toBe(200)
  })

  it('signs out although the issuer is unavailable, and a session of a key does too', async () => {
    const jar = jarOf(await bench.signIn())
    await bench.use([{}], { fetch: () => Promise.reject(new Error('away')) })
    expect((await bench.post(OUT, undefined, { cookie: jar })).body).toEqual({ url: null })
    const keyed = jarOf(await bench.post(OWN, { apiKey: 'test-key-0123456789' }))
    expect((await bench.post(OUT, undefined, { cookie: keyed })).body).toEqual({ url: null })
    expect((await bench.get(OWN, keyed)).status).toBe(401)
  })
})
