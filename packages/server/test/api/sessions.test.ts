/** Sessions, attacked: what another site, another address, an old cookie or a wrong key gets (decision 48). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { DAY_MS, HOUR_MS } from '../../src/base/durations.ts'
import { HandClock } from '../hand-clock.ts'
import { type Answer, type Json, KEY, refused, useApi } from './setup.ts'

const bench = useApi()
/** The wait until the next line of the log about wrong keys. */
const NEXT_LINE_MS = 1_000
const OWN = '/session/v1/session'
const LOCAL = 'http://localhost:8470'
const PAGE = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin' }

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  bench.post(url, body, { key: null, headers: { ...PAGE, origin: LOCAL, ...headers } })
const signIn = (body: object = { apiKey: KEY }, headers = {}) => post(OWN, body, headers)
const setCookieOf = ({ headers }: Answer) => String(headers['set-cookie'])
const cookieOf = (answer: Answer) => setCookieOf(answer).split(';')[0]!
const cookie = async (apiKey = KEY) => cookieOf(await signIn({ apiKey }))
const send = (method: string, url: string, withCookie: string, headers: Json = PAGE, body?: unknown) =>
  bench.send(method, url, { key: null, headers: { ...headers, cookie: withCookie }, body })
const get = (url: string, withCookie: string, headers: Json = PAGE) => send('GET', url, withCookie, headers)
const makeKey = async (over: object = {}) =>
  (await bench.post('/v1/api-keys', { name: 'ops', scope: 'all', ...over })).body
const problem = ({ status, body }: Answer) => [status, body.code]

describe('signing in', () => {
  it('exchanges a key for a session whose cookie no script can read and no other path gets', async () => {
    const answer = await signIn({ apiKey: KEY }, { 'user-agent': 'Browser' })
    expect(answer.status).toBe(201)
    expect(setCookieOf(answer)).toMatch(
      /^posthorn_session=phs_[\w-]{43}; Path=\/session\/v1; HttpOnly; SameSite=Strict$/,
    )
    expect(answer.body).toMatchObject({
      id: expect.stringMatching(/^ses_/),
      apiKey: { id: null, name: null, scope: 'all', tenant: null, payloads: true },
      address: '127.0.0.1',
      userAgent: 'Browser',
      isCurrent: true,
    })
    expect(answer.text).not.toMatch(/phs_|test-key/)
    const { createdAt, idleUntil, expiresAt } = answer.body
    expect(Date.parse(idleUntil) - Date.parse(createdAt)).toBe(12 * HOUR_MS)
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(7 * DAY_MS)
    expect((await get(OWN, cookieOf(answer))).body).toEqual(answer.body)
  })

  it.each([
    ['https://hooks.example.com', true],
    ['https://localhost:8443', true],
    ['http://localhost:8470', false],
    ['http://127.0.0.1:8470', false],
    ['http://127.8.9.1', false],
    ['http://[::1]:8470', false],
    ['http://posthorn.localhost', false],
  ])('from %s gives a cookie that is for encrypted connections only: %s', async (origin, isSecure) => {
    const answer = await signIn({ apiKey: KEY }, { origin })
    expect(answer.status).toBe(201)
    expect(/; Secure;/.test(setCookieOf(answer))).toBe(isSecure)
  })

  it.each([
    'http://10.0.0.5:8470',
    'http://hooks.example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://localhost@example.com',
    'http://mylocalhost',
    'http://[::2]',
    'HTTP://EXAMPLE.COM',
    'http://128.0.0.1',
  ])('from %s is refused, and says how to get TLS', async origin => {
    const answer = await signIn({ apiKey: KEY }, { origin })
    expect(problem(answer)).toEqual([403, 'insecure_origin'])
    expect(answer.body.detail).toMatch(/certificate.*publicUrl.*SSH tunnel/)
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  it.each(['null', '', 'file://', 'chrome-extension://abc', 'data:', 'x'])(
    'from the origin %j is refused',
    async origin => {
      expect(problem(await signIn({ apiKey: KEY }, { origin }))).toEqual([403, 'forbidden'])
    },
  )

  it.each([
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'none' }],
    [{ 'sec-fetch-site': '' }],
    [{ 'posthorn-session': '0' }],
    [{ 'posthorn-session': '' }],
  ])('with %j is refused: another site could have sent it', async headers => {
    expect(problem(await signIn({ apiKey: KEY }, headers))).toEqual([403, 'forbidden'])
  })

  it.each([undefined, 'application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x'])(
    'by a form of another site (%s) is refused',
    async type => {
      const headers = { origin: LOCAL, 'sec-fetch-site': 'cross-site', ...(type && { 'content-type': type }) }
      const answer = await bench.send('POST', OWN, { key: null, headers, body: `{"apiKey":"${KEY}"}` })
      expect(problem(answer)).toEqual([403, 'forbidden'])
    },
  )

  it('with a wrong key gets one sentence, and is as slow as at the API', async () => {
    const clock = new HandClock()
    await bench.useServices({}, { clock })
    const wrong = () => signIn({ apiKey: 'phk_wrong-key-0123456789' })
    for (let at = 0; at < 10; at++) {
      const answer = await wrong()
      expect(problem(answer)).toEqual([401, 'unauthorized'])
      expect(answer.body.detail).toBe('The API key is not valid.')
    }
    expect(clock.waits).toEqual([NEXT_LINE_MS])
    const late = wrong()
    await expect.poll(() => clock.waits).toEqual([NEXT_LINE_MS, 100])
    expect(bench.failedAuthentications()).toBe(11)
    // A valid key is not delayed.
    expect((await signIn()).status).toBe(201)
    clock.turn(100)
    expect(problem(await late)).toEqual([401, 'unauthorized'])
    expect(bench.log.join('')).not.toContain('phk_wrong')
  })

  it.each([
    [{}, []],
    [{ apiKey: KEY, signInToken: 'x' }, []],
    [{ apiKey: 7 }, ['/apiKey']],
    [{ apiKey: '' }, ['/apiKey']],
    [{ apiKey: KEY, remember: true }, ['/remember']],
    [{ apiKey: 'x'.repeat(4_097) }, ['/apiKey']],
  ])('with the body %j is refused', async (body, fields) => {
    expect(refused(await signIn(body))).toEqual([422, 'invalid', fields])
  })

  it('takes a small body only', async () => {
    expect(problem(await signIn({ apiKey: 'x'.repeat(20_000) }))).toEqual([413, 'body_too_large'])
  })

  it('makes a new token each time, whatever cookie the browser brings', async () => {
    const [first, planted] = [await cookie(), `posthorn_session=phs_${'a'.repeat(43)}`]
    const again = await signIn({ apiKey: KEY }, { cookie: first })
    expect(cookieOf(again)).not.toBe(first)
    expect(cookieOf(await signIn({ apiKey: KEY }, { cookie: planted }))).not.toBe(planted)
    expect((await get(OWN, planted)).status).toBe(401)
  })

  it('is limited for each key', async () => {
    const { key } = await makeKey()
    for (let at = 0; at < 30; at++) expect((await signIn({ apiKey: key })).status).toBe(201)
    const answer = await signIn({ apiKey: key })
    expect(problem(answer)).toEqual([429, 'rate_limited'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect((await signIn()).status).toBe(201)
  })
})

describe('a session', () => {
  it('calls every path of the API under /session/v1, with what its key allows', async () => {
    const { key } = await makeKey({ scope: 'read', tenant: 'acme', payloads: false })
    const own = await cookie(key)
    expect((await get('/session/v1/tenants/acme', own)).body.id).toBe('acme')
    expect(problem(await get('/session/v1/tenants', own))).toEqual([403, 'forbidden'])
    expect(problem(await get('/session/v1/tenants/beta', own))).toEqual([403, 'forbidden'])
    expect(problem(await send('PUT', '/session/v1/tenants/acme', own, PAGE, {}))).toEqual([403, 'forbidden'])
    expect(problem(await get('/session/v1/tenants/acme/events?text=x', own))).toEqual([403, 'forbidden'])
    expect(problem(await get('/session/v1/nothing', own))).toEqual([404, 'not_found'])
    expect((await get(OWN, own)).body.apiKey).toMatchObject({ name: 'ops', scope: 'read', tenant: 'acme' })
  })

  it('does not work under /v1, and a key does not work under /session/v1', async () => {
    const own = await cookie()
    for (const url of ['/v1/tenants', '/v1/session', '/v1/nothing']) {
      expect(problem(await get(url, own)), url).toEqual([401, 'unauthorized'])
    }
    const token = own.slice('posthorn_session='.length)
    expect((await bench.get('/v1/tenants', { key: token })).status).toBe(401)
    for (const url of ['/session/v1/tenants', OWN, '/session/v1/nothing']) {
      expect(problem(await bench.get(url, { headers: PAGE })), url).toEqual([401, 'unauthorized'])
    }
    for (const [method, url] of [
      ['GET', '/v1/session'],
      ['DELETE', '/v1/session'],
      ['POST', '/v1/session'],
    ] as const) {
      expect(problem(await bench.send(method, url, { body: method === 'POST' ? {} : undefined }))).toEqual([
        404,
        'not_found',
      ])
    }
  })

  it('counts only with what no other site can send', async () => {
    const own = await cookie()
    for (const site of ['cross-site', 'same-site', 'none', 'Same-Origin', undefined]) {
      const headers = { 'posthorn-session': '1', ...(site && { 'sec-fetch-site': site }) }
      expect(problem(await get(OWN, own, headers)), site).toEqual([403, 'forbidden'])
    }
    for (const value of ['true', '2', undefined]) {
      const headers = { 'sec-fetch-site': 'same-origin', ...(value && { 'posthorn-session': value }) }
      expect(problem(await get(OWN, own, headers)), value).toEqual([403, 'forbidden'])
    }
  })

  it('answers no preflight, so no other origin can send its header', async () => {
    const preflight = { origin: 'https://evil.example', 'access-control-request-method': 'GET' }
    const headers = { ...preflight, 'access-control-request-headers': 'posthorn-session' }
    for (const url of [OWN, '/session/v1/tenants']) {
      const answer = await bench.send('OPTIONS', url, { key: null, headers })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(Object.keys(answer.headers).filter(name => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('is not found by a path that only looks like its own', async () => {
    const own = await cookie()
    const urls = [
      '/session/v1x',
      '/session/v1;/tenants',
      '/session//v1/tenants',
      '/Session/v1/tenants',
      '/session/v%31/tenants',
    ]
    for (const url of [
      ...urls,
      '/session',
      '/session/',
      '/session/metrics',
      '/session/openapi.json',
      '/session/session/v1/session',
    ]) {
      expect((await get(url, own)).status, url).toBe(404)
    }
  })

  it('has responses that a browser neither keeps nor shows as a page', async () => {
    const own = await cookie()
    for (const answer of [
      await get(OWN, own),
      await get('/session/v1/nothing', own),
      await get(OWN, 'a=b'),
      await signIn(),
    ]) {
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      })
    }
  })

  it('without a cookie is none, and with one that is not known has ended', async () => {
    expect(problem(await get(OWN, ''))).toEqual([401, 'unauthorized'])
    expect(problem(await get(OWN, 'other=1'))).toEqual([401, 'unauthorized'])
    for (const value of ['', 'x', `phs_${'a'.repeat(43)}`, `phs_${'a'.repeat(44)}`, KEY]) {
      expect(problem(await get(OWN, `posthorn_session=${value}`)), value).toEqual([401, 'session_ended'])
    }
  })

  it('is not guessed: whatever the cookie, the answer is 401', async () => {
    await bench.useServices({}, { clock: { ...systemClock, after: (_ms, fire) => systemClock.after(0, fire) } })
    const own = await cookie()
    const value = fc.string({ unit: fc.constantFrom(...'phs_aA0-=; ,"posthorn_session'), maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(value, async text => {
        fc.pre(!text.includes(own))
        expect((await get(OWN, `posthorn_session=${text}`)).status).toBe(401)
      }),
      { numRuns: 60 },
    )
  })

  it('that is unknown is a guess, which is slow; one that has ended is not', async () => {
    const clock = new HandClock()
    await bench.useServices({}, { clock })
    const own = await cookie()
    await send('DELETE', OWN, own, { ...PAGE, origin: LOCAL })
    for (let at = 0; at < 20; at++) expect(problem(await get(OWN, own))).toEqual([401, 'session_ended'])
    expect(bench.failedAuthentications()).toBe(0)
    const guess = () => get(OWN, `posthorn_session=phs_${'b'.repeat(43)}`)
    for (let at = 0; at < 10; at++) await guess()
    const late = guess()
    await expect.poll(() => clock.waits).toEqual([NEXT_LINE_MS, 100])
    clock.turn(100)
    expect(problem(await late)).toEqual([401, 'session_ended'])
  })

  it('that started on another node a moment ago is found in the store', async () => {
    const own = await cookie()
    // A node that has read nothing yet.
    bench.useSessions()
    await bench.useServices({})
    expect((await get(OWN, own)).status).toBe(200)
  })

  it('is refused together with another one: a sibling domain might have planted it', async () => {
    const [one, two] = [await cookie(), await cookie()]
    expect(problem(await get(OWN, `${one}; ${two}`))).toEqual([401, 'session_ended'])
    expect((await get(OWN, `${one}; posthorn_session=phs_${'a'.repeat(43)}`)).status).toBe(200)
    expect((await get(OWN, `a=b; ${one}; ${one}`)).status).toBe(200)
  })

  it('makes things once with an Idempotency-Key, like its key', async () => {
    const own = await cookie()
    const headers = { ...PAGE, 'idempotency-key': 'k' }
    const body = { name: 'made', scope: 'read' }
    const first = await send('POST', '/session/v1/api-keys', own, headers, body)
    const again = await send('POST', '/session/v1/api-keys', own, headers, body)
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text])
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(first.headers.location).toBe(`/session/v1/api-keys/${first.body.id}`)
  })

  it('is in the audit log under its key, and so is what it does', async () => {
    const { id, key } = await makeKey()
    const started = await signIn({ apiKey: key })
    await send('PUT', '/session/v1/tenants/globex', cookieOf(started), PAGE, {})
    await send('DELETE', OWN, cookieOf(started), { ...PAGE, origin: LOCAL })
    const { data } = (await bench.get('/v1/audit?limit=3')).body
    expect(data.map(({ action, target, actor }: Json) => [action, target.type, actor.key, actor.name])).toEqual([
      ['revoked', 'session', id, 'ops'],
      ['created', 'tenant', id, 'ops'],
      ['created', 'session', id, 'ops'],
    ])
    expect(data[0].target.id).toBe(started.body.id)
  })
})

describe('whether there is a session', () => {
  const STATE = '/session/v1/session-state'
  const state = async (withCookie: string) => {
    const { status, body } = await get(STATE, withCookie)
    return [status, body]
  }

  it('is told without a refusal, which the console of a browser would have as an error', async () => {
    const own = await cookie()
    expect((await get(STATE, own)).body).toEqual({ session: (await get(OWN, own)).body, hasEnded: false })
    expect(await state('')).toEqual([200, { session: null, hasEnded: false }])
    expect(await state('other=1')).toEqual([200, { session: null, hasEnded: false }])
    await send('DELETE', OWN, own, { ...PAGE, origin: LOCAL })
    for (const value of [own, 'posthorn_session=', `posthorn_session=phs_${'a'.repeat(43)}`]) {
      expect(await state(value)).toEqual([200, { session: null, hasEnded: true }])
    }
  })

  it('is told to the dashboard’s own pages only', async () => {
    const own = await cookie()
    for (const withCookie of [own, '']) {
      for (const headers of [{}, { 'posthorn-session': '1' }, { ...PAGE, 'sec-fetch-site': 'cross-site' }]) {
        expect(problem(await get(STATE, withCookie, headers))).toEqual([403, 'forbidden'])
      }
    }
    expect((await bench.get('/v1/session-state')).status).toBe(404)
    expect((await bench.get('/v1/session-state', { key: null })).status).toBe(401)
    expect((await bench.get('/v1/session-state', { key: null, headers: { ...PAGE, cookie: own } })).status).toBe(401)
  })

  it('is as slow to guess as any call', async () => {
    const clock = new HandClock()
    await bench.useServices({}, { clock })
    const guess = () => get(STATE, `posthorn_session=phs_${'b'.repeat(43)}`)
    for (let at = 0; at < 10; at++) await guess()
    const late = guess()
    await expect.poll(() => clock.waits).toEqual([NEXT_LINE_MS, 100])
    expect(bench.failedAuthentications()).toBe(11)
    clock.turn(100)
    expect((await late).body).toEqual({ session: null, hasEnded: true })
  })
})

describe('a session ends', () => {
  it('when it signs out, which also removes its cookie', async () => {
    const own = await cookie()
    const answer = await send('DELETE', OWN, own, { ...PAGE, origin: 'https://hooks.example.com' })
    expect(answer.status).toBe(204)
    expect(setCookieOf(answer)).toBe(
      'posthorn_session=; Max-Age=0; Path=/session/v1; HttpOnly; Secure; SameSite=Strict',
    )
    expect(problem(await get(OWN, own))).toEqual([401, 'session_ended'])
  })

  it('when it is revoked', async () => {
    const own = await signIn()
    expect((await bench.remove(`/v1/sessions/${own.body.id}`)).status).toBe(204)
    expect((await bench.remove(`/v1/sessions/${own.body.id}`)).status).toBe(204)
    expect(problem(await get(OWN, cookieOf(own)))).toEqual([401, 'session_ended'])
    for (const id of ['ses_00000000000000000000000000', 'x', 'key_00000000000000000000000000']) {
      expect(problem(await bench.remove(`/v1/sessions/${id}`))).toEqual([404, 'not_found'])
    }
  })

  it('with its key: revoked, expired, or of a deleted tenant', async () => {
    const revoked = await makeKey()
    const ofTenant = await makeKey({ tenant: 'acme' })
    const expiring = await makeKey({ expiresAt: new Date(bench.store.now() + 1_500).toISOString() })
    const cookies = [await cookie(revoked.key), await cookie(ofTenant.key), await cookie(expiring.key)]
    for (const own of cookies) expect((await get(OWN, own)).status).toBe(200)
    expect((await get(OWN, cookies[2]!)).body.expiresAt).toBe(expiring.expiresAt)
    await bench.remove(`/v1/api-keys/${revoked.id}`)
    expect(problem(await get(OWN, cookies[0]!))).toEqual([401, 'session_ended'])
    await bench.remove('/v1/tenants/acme')
    await bench.apiKeyCache.untilFresh()
    expect(problem(await get(OWN, cookies[1]!))).toEqual([401, 'session_ended'])
    await expect.poll(async () => problem(await get(OWN, cookies[2]!))).toEqual([401, 'session_ended'])
    expect((await bench.get('/v1/sessions')).body.data).toEqual([])
  })

  it('when the root key is replaced', async () => {
    const own = await cookie()
    bench.useSessions({ rootKey: 'another-root-key-0123456789' })
    await bench.sessionCache.open()
    await bench.useServices({})
    expect(problem(await get(OWN, own))).toEqual([401, 'session_ended'])
    expect((await bench.get('/v1/sessions')).body.data).toEqual([])
  })

  it.each([
    ['12 hours after its last call', 'used_ms = used_ms -', 12 * HOUR_MS],
    ['7 days after signing in, however much it is used', 'expires_ms = expires_ms -', 7 * DAY_MS],
  ])('%s', async (_when, change, agoMs) => {
    const own = await cookie()
    const reopen = async (ms: number) => {
      await bench.run(`update session set ${change} ${ms}`)
      bench.useSessions()
      await bench.sessionCache.open()
      await bench.useServices({})
    }
    await reopen(agoMs - 60_000)
    expect((await get(OWN, own)).status).toBe(200)
    const other = await signIn()
    await reopen(agoMs)
    expect(problem(await get(OWN, cookieOf(other)))).toEqual([401, 'session_ended'])
    expect(JSON.stringify((await bench.get('/v1/sessions')).body)).not.toContain(other.body.id)
  })

  it('later each time it is used, which is stored at most once a minute', async () => {
    const own = await cookie()
    const { createdAt } = (await get(OWN, own)).body
    await bench.run('update session set used_ms = used_ms - 3600000, created_ms = created_ms - 3600000')
    bench.useSessions()
    await bench.sessionCache.open()
    await bench.useServices({})
    const { lastUsedAt } = (await get(OWN, own)).body
    expect(Date.parse(lastUsedAt)).toBeGreaterThanOrEqual(Date.parse(createdAt))
    const stored = async () =>
      (await bench.store.read('readSessionChanges', { after: 0, usedAfterMs: 0 })).sessions[0]!.session
    await expect.poll(async () => (await stored()).usedAtMs).toBe(Date.parse(lastUsedAt))
    expect((await get(OWN, own)).body.lastUsedAt).toBe(lastUsedAt)
  })
})

describe('the list of sessions', () => {
  it('has all that have not ended, newest first and in pages, and says which is the caller’s own', async () => {
    const { key } = await makeKey({ scope: 'read' })
    const made = [await signIn({ apiKey: key }), await signIn(), await signIn()]
    const ids = made.map(({ body }) => body.id).reverse()
    const first = (await bench.get('/v1/sessions?limit=2')).body
    expect(first.data.map(({ id }: Json) => id)).toEqual(ids.slice(0, 2))
    const second = (await bench.get(`/v1/sessions?limit=2&cursor=${first.nextCursor}`)).body
    expect(second.data).toMatchObject([{ id: ids[2], apiKey: { name: 'ops', scope: 'read' }, isCurrent: false }])
    const own = (await get('/session/v1/sessions', cookieOf(made[2]!))).body
    expect(own.data.map(({ isCurrent }: Json) => isCurrent)).toEqual([true, false, false])
    expect(JSON.stringify(own)).not.toMatch(/phs_|phk_/)
  })
})

describe('a sign-in link', () => {
  const link = async (sent: object = {}) => bench.post('/v1/sign-in-links', undefined, sent)
  const tokenOf = ({ body }: Answer) => new URL(body.url).hash.slice('#token='.length)

  it('signs in once, with the key that made it', async () => {
    const { key, id } = await makeKey()
    const made = await link({ key })
    expect(made.body.url).toMatch(/^http:\/\/127\.0\.0\.1:8470\/sign-in#token=phl_[\w-]{43}$/)
    expect(Date.parse(made.body.expiresAt) - Date.now()).toBeLessThanOrEqual(600_000)
    const started = await signIn({ signInToken: tokenOf(made) })
    expect([started.status, started.body.apiKey.id]).toEqual([201, id])
    expect((await get(OWN, cookieOf(started))).status).toBe(200)
    const again = await signIn({ signInToken: tokenOf(made) })
    expect(problem(again)).toEqual([401, 'unauthorized'])
    expect(again.headers['set-cookie']).toBeUndefined()
  })

  it('has expired after ten minutes', async () => {
    const made = await link()
    await bench.run('update sign_in_link set expires_ms = expires_ms - 600000')
    expect(problem(await signIn({ signInToken: tokenOf(made) }))).toEqual([401, 'unauthorized'])
  })

  it('does not work once its key was revoked or the root key replaced', async () => {
    const { key, id } = await makeKey()
    const [ofKey, ofRoot] = [await link({ key }), await link()]
    await bench.remove(`/v1/api-keys/${id}`)
    expect(problem(await signIn({ signInToken: tokenOf(ofKey) }))).toEqual([401, 'unauthorized'])
    bench.useSessions({ rootKey: 'another-root-key-0123456789' })
    await bench.useServices({})
    expect(problem(await signIn({ signInToken: tokenOf(ofRoot) }))).toEqual([401, 'unauthorized'])
  })

  it('is made and used only on this machine, and by no proxy for another', async () => {
    const made = await link()
    for (const headers of [{ 'x-forwarded-for': '192.0.2.7' }, { forwarded: 'for=192.0.2.7' }, { via: '1.1 proxy' }]) {
      expect(problem(await link({ headers })), JSON.stringify(headers)).toEqual([403, 'forbidden'])
      expect(problem(await signIn({ signInToken: tokenOf(made) }, headers))).toEqual([403, 'forbidden'])
    }
    expect(problem(await signIn({ signInToken: tokenOf(made) }, { origin: 'https://hooks.example.com' }))).toEqual([
      403,
      'forbidden',
    ])
    const far = (method: string, url: string, headers: Json, payload?: object) =>
      bench.api.inject({
        method: method as 'POST',
        url,
        remoteAddress: '192.0.2.7',
        headers,
        ...(payload && { payload }),
      })
    const asked = await far('POST', '/v1/sign-in-links', { authorization: `Bearer ${KEY}` })
    const used = await far('POST', OWN, { ...PAGE, origin: LOCAL }, { signInToken: tokenOf(made) })
    expect([asked.statusCode, used.statusCode]).toEqual([403, 403])
    // None of these has used it up.
    expect((await signIn({ signInToken: tokenOf(made) })).status).toBe(201)
  })

  it('is not made by a session, by a key of less, or for an address elsewhere', async () => {
    const own = await cookie()
    expect(problem(await send('POST', '/session/v1/sign-in-links', own))).toEqual([403, 'forbidden'])
    for (const over of [{ scope: 'read' }, { tenant: 'acme' }]) {
      expect(problem(await link({ key: (await makeKey(over)).key }))).toEqual([403, 'forbidden'])
    }
    await bench.useServices({}, { publicUrl: () => 'https://hooks.example.com/' })
    expect(problem(await link())).toEqual([409, 'conflict'])
  })

  it.each(['x', 'phl_', `phl_${'a'.repeat(43)}`, KEY])(
    'is not guessed as %j, and trying counts as a wrong key',
    async token => {
      expect(problem(await signIn({ signInToken: token }))).toEqual([401, 'unauthorized'])
      expect(bench.failedAuthentications()).toBe(1)
    },
  )
})

describe('publicUrl', () => {
  const BASE = { basePath: '/hooks/posthorn/', givenUrl: 'https://example.com/hooks/posthorn/' }

  it('gives its path to the cookie, to Location and to the document; requests come with it or without', async () => {
    await bench.useServices({}, BASE)
    const started = await post(`/hooks/posthorn${OWN}`, { apiKey: KEY }, { origin: 'https://example.com' })
    expect(setCookieOf(started)).toContain('; Path=/hooks/posthorn/session/v1; HttpOnly; Secure;')
    for (const base of ['', '/hooks/posthorn']) {
      expect((await get(`${base}${OWN}`, cookieOf(started))).status).toBe(200)
      const made = await bench.post(`${base}/v1/api-keys`, { name: 'k', scope: 'read' })
      expect(made.headers.location).toBe(`/hooks/posthorn/v1/api-keys/${made.body.id}`)
    }
    expect(bench.document.servers).toEqual([{ url: 'https://example.com/hooks/posthorn' }])
    expect(bench.document.paths['/v1/session'].get.servers).toEqual([{ url: './session' }])
    expect((await bench.get('/hooks/v1/tenants')).status).toBe(404)
  })

  it('is never taken from the Host header', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    const made = await bench.post('/v1/sign-in-links', undefined, { headers })
    expect([made.status, made.text.includes('evil')]).toEqual([201, false])
    const answer = await bench.post(
      OWN,
      { apiKey: KEY },
      { key: null, headers: { ...PAGE, ...headers, origin: LOCAL } },
    )
    expect([answer.status, /Secure/.test(setCookieOf(answer)), /evil/.test(JSON.stringify(answer))]).toEqual([
      201,
      false,
      false,
    ])
  })
})

describe('where there is no dashboard', () => {
  it('there are no sessions either', async () => {
    await bench.useServices({}, { dashboard: 'none' })
    for (const answer of [await signIn(), await get('/session/v1/tenants', 'a=b')]) {
      expect(problem(answer)).toEqual([404, 'not_found'])
    }
  })
})
