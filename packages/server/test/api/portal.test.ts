/** The portal of a tenant: its links, its sessions, and what those can do and can't (decision 52). */
import { describe, expect, it, vi } from 'vitest'
import { HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { PORTAL_PERMISSIONS, type PortalPermission } from '../../src/base/portal.ts'
import { type Answer, type Json, KEY, refused, useApi } from './setup.ts'

const bench = useApi()
const OWN = '/portal/v1/portal-session'
const LINKS = '/v1/tenants/acme/portal-links'
const LOCAL = 'http://localhost:8470'
const PAGE = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin' }
const SECRET = 'c2VjcmV0LXRva2VuLXdpdGg='

const problem = ({ status, body }: Answer) => [status, body.code]
const makeLink = async (body: object = {}, tenant = 'acme') =>
  (await bench.post(`/v1/tenants/${tenant}/portal-links`, body)).body
const tokenOf = ({ url }: Json) => new URLSearchParams(new URL(url).hash.slice(1)).get('token')!
const redeem = (token: string, keep: string | null = 'memory', headers = {}) =>
  bench.post(OWN, { token, ...(keep && { keep }) }, { key: null, headers: { ...PAGE, origin: LOCAL, ...headers } })

/** Calls of a portal's user, by a token in memory. */
async function visit(body: object = {}, tenant = 'acme') {
  const link = await makeLink(body, tenant)
  const { status, body: session } = await redeem(tokenOf(link))
  expect(status).toBe(201)
  const send = (method: string, path: string, sent?: unknown) =>
    bench.send(method, `/portal/v1${path}`, { key: session.token, body: sent })
  return { link, session, send }
}

const endpoint = async (tenant = 'acme', over: object = {}) =>
  (
    await bench.post(`/v1/tenants/${tenant}/endpoints`, {
      url: 'https://hooks.example.com/a',
      clientSecret: SECRET,
      ...over,
    })
  ).body

describe('a portal link', () => {
  it('is made for a tenant, works once and for ten minutes, and its token is shown once only', async () => {
    const answer = await bench.post(LINKS, { user: 'ada@acme.example', theme: 'dark', language: 'de' })
    expect(answer.status).toBe(201)
    const { url, ...link } = answer.body
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:8470\/portal\/#token=ppl_[\w-]{43}&language=de&theme=dark$/)
    expect(link).toMatchObject({ tenant: 'acme', user: 'ada@acme.example', usesLeft: 1, sessionMinutes: 480 })
    expect(link).toMatchObject({ may: [...PORTAL_PERMISSIONS], theme: 'dark', language: 'de', returnUrl: null })
    expect(Date.parse(link.expiresAt) - Date.parse(link.createdAt)).toBe(10 * MINUTE_MS)
    const listed = await bench.get(LINKS)
    expect(listed.body.data).toEqual([link])
    expect(listed.text).not.toContain('ppl_')
    const token = tokenOf(answer.body)
    const first = await redeem(token)
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({ tenant: { id: 'acme', name: null }, user: 'ada@acme.example', theme: 'dark' })
    expect(Date.parse(first.body.expiresAt) - Date.parse(first.body.createdAt)).toBe(8 * HOUR_MS)
    expect(problem(await redeem(token))).toEqual([401, 'unauthorized'])
    expect((await bench.get(LINKS)).body.data).toEqual([])
  })

  it('can work several times, and gives each its own session', async () => {
    const token = tokenOf(await makeLink({ uses: 2, minutes: 60, sessionMinutes: 30 }))
    const [one, two] = [await redeem(token), await redeem(token)]
    expect([one.status, two.status]).toEqual([201, 201])
    expect(one.body.token).not.toBe(two.body.token)
    expect(problem(await redeem(token))).toEqual([401, 'unauthorized'])
  })

  it('that never was, was used, has expired, was revoked or is altered gets the same answer', async () => {
    const expired = tokenOf(await makeLink({ uses: 2 }))
    await bench.run(`update portal_link set expires_ms = expires_ms - ${10 * MINUTE_MS}`)
    const used = tokenOf(await makeLink())
    await redeem(used)
    const revoked = await makeLink()
    expect((await bench.remove(`${LINKS}/${revoked.id}`)).status).toBe(204)
    const good = tokenOf(await makeLink())
    const altered = `${good.slice(0, -2)}${good.endsWith('AA') ? 'BB' : 'AA'}`
    const tokens = [used, expired, tokenOf(revoked), altered, `ppl_${'a'.repeat(43)}`, 'x', KEY]
    const answers = await Promise.all(tokens.map(token => redeem(token)))
    expect(answers.map(problem)).toEqual(tokens.map(() => [401, 'unauthorized']))
    expect(new Set(answers.map(({ body }) => body.detail)).size).toBe(1)
    expect(bench.failedAuthentications()).toBe(tokens.length)
    expect((await redeem(good)).status).toBe(201)
  })

  it('that does not work writes nothing, so that guesses hold up no one', async () => {
    const used = tokenOf(await makeLink())
    await redeem(used)
    const write = vi.spyOn(bench.store, 'write')
    for (const token of [used, `ppl_${'a'.repeat(43)}`]) expect((await redeem(token)).status).toBe(401)
    expect(write).not.toHaveBeenCalled()
    write.mockRestore()
  })

  it.each([
    [{ returnUrl: 'javascript:alert(1)' }, ['/returnUrl']],
    [{ returnUrl: 'http://app.example.com/' }, ['/returnUrl']],
    [{ returnUrl: 'http://localhost:3000/' }, ['/returnUrl']],
    [{ returnUrl: 'https://user@app.example.com/' }, ['/returnUrl']],
    [{ returnUrl: 'https:\\\\app.example.com' }, ['/returnUrl']],
    [{ returnUrl: 'java\nscript:alert(1)' }, ['/returnUrl']],
    [{ returnUrl: '/back' }, ['/returnUrl']],
    [{ returnUrl: 'https:app.example.com' }, ['/returnUrl']],
    [{ returnUrl: 'https:/app.example.com' }, ['/returnUrl']],
    [{ user: '' }, ['/user']],
    [{ user: 'x'.repeat(257) }, ['/user']],
    [{ uses: 0 }, ['/uses']],
    [{ uses: 101 }, ['/uses']],
    [{ minutes: 10_081 }, ['/minutes']],
    [{ sessionMinutes: 10_081 }, ['/sessionMinutes']],
    [{ uses: 0, minutes: 0 }, ['/uses', '/minutes']],
    [{ may: ['everything'] }, ['/may/0']],
    [{ tenant: 'other' }, ['/tenant']],
  ])('with %j is refused', async (body, fields) => {
    expect(refused(await bench.post(LINKS, body))).toEqual([422, 'invalid', fields])
  })

  it('is refused with the words that there are, null among them', async () => {
    const [fault] = (await bench.post(LINKS, { theme: 'blue' })).body.errors
    expect(fault.detail).toBe('The value must be one of light, dark, system, null.')
  })

  it('is made for tenants only that exist, and by keys only that can write there', async () => {
    expect(problem(await bench.post('/v1/tenants/nobody/portal-links', {}))).toEqual([404, 'not_found'])
    expect(problem(await bench.post('/v1/tenants/posthorn/portal-links', {}))).toEqual([404, 'not_found'])
    await bench.put('/v1/tenants/other', {})
    const keyOf = async (over: object) => (await bench.post('/v1/api-keys', { name: 'k', ...over })).body.key
    const own = await keyOf({ scope: 'all', tenant: 'acme' })
    expect((await bench.post(LINKS, {}, { key: own })).status).toBe(201)
    expect(problem(await bench.post('/v1/tenants/other/portal-links', {}, { key: own }))).toEqual([403, 'forbidden'])
    expect(problem(await bench.post(LINKS, {}, { key: await keyOf({ scope: 'read' }) }))).toEqual([403, 'forbidden'])
    expect(problem(await bench.remove('/v1/tenants/other/portal-links/pln_x'))).toEqual([404, 'not_found'])
  })

  it('of another tenant cannot be revoked', async () => {
    await bench.put('/v1/tenants/other', {})
    const { id } = await makeLink()
    expect(problem(await bench.remove(`/v1/tenants/other/portal-links/${id}`))).toEqual([404, 'not_found'])
  })

  it('gives what it says, else what its tenant says, else what the setting says', async () => {
    const given = async (body: object) => (await makeLink(body)).may
    expect(await given({})).toEqual([...PORTAL_PERMISSIONS])
    await bench.put('/v1/tenants/acme', { portalMay: ['retry'] })
    expect((await bench.get('/v1/tenants/acme')).body.portalMay).toEqual(['look', 'retry'])
    expect(await given({})).toEqual(['look', 'retry'])
    expect(await given({ may: ['test', 'secrets'] })).toEqual(['look', 'test', 'secrets'])
    expect(await given({ may: [] })).toEqual(['look'])
  })

  it('says of itself and of its sessions that they end with its key', async () => {
    const expiresAt = new Date(bench.store.now() + 5 * MINUTE_MS).toISOString()
    const { key } = (await bench.post('/v1/api-keys', { name: 'k', scope: 'all', expiresAt })).body
    const made = await bench.post(LINKS, {}, { key })
    expect(made.body.expiresAt).toBe(expiresAt)
    expect((await redeem(tokenOf(made.body))).body.expiresAt).toBe(expiresAt)
  })
})

describe('a portal session', () => {
  it('is in a cookie of a name and path of its own, or in memory, and never in both', async () => {
    const cookie = await redeem(tokenOf(await makeLink()), null)
    expect(String(cookie.headers['set-cookie'])).toMatch(
      /^posthorn_portal=php_[\w-]{43}; Path=\/portal\/v1; HttpOnly; SameSite=Strict$/,
    )
    expect(cookie.body.token).toBeNull()
    const sent = String(cookie.headers['set-cookie']).split(';')[0]!
    expect((await bench.get(OWN, { key: null, headers: { ...PAGE, cookie: sent } })).status).toBe(200)
    expect(problem(await bench.get(OWN, { key: null, headers: { cookie: sent } }))).toEqual([403, 'forbidden'])
    const memory = await redeem(tokenOf(await makeLink()))
    expect(memory.headers['set-cookie']).toBeUndefined()
    expect((await bench.get(OWN, { key: memory.body.token })).status).toBe(200)
  })

  it("and the operator's do not work at each other's door, nor where keys do", async () => {
    const { session } = await visit()
    const signedIn = await bench.post(
      '/session/v1/session',
      { apiKey: KEY },
      { key: null, headers: { ...PAGE, origin: LOCAL } },
    )
    const operator = String(signedIn.headers['set-cookie']).split(';')[0]!
    const token = operator.split('=')[1]!
    const path = '/tenants/acme/endpoints'
    const withCookie = (door: string, cookie: string) =>
      bench.get(`${door}/v1${path}`, { key: null, headers: { ...PAGE, cookie } })
    expect((await bench.get(`/portal/v1${path}`, { key: session.token })).status).toBe(200)
    for (const answer of [
      await withCookie('/portal', operator),
      await withCookie('/portal', `posthorn_portal=${token}`),
      await withCookie('/session', `posthorn_session=${session.token}`),
      await withCookie('/session', `posthorn_portal=${session.token}`),
      await bench.get(`/portal/v1${path}`, { key: token }),
      await bench.get(`/portal/v1${path}`, { key: KEY }),
      await bench.get(`/v1${path}`, { key: session.token }),
      await bench.get(`/session/v1${path}`, { key: session.token }),
    ]) {
      expect(answer.status, answer.text).toBe(401)
    }
    const own = { key: null, headers: { ...PAGE, cookie: operator } }
    expect(problem(await bench.get('/session/v1/portal-session', own))).toEqual([404, 'not_found'])
    expect(problem(await bench.get('/portal/v1/session', { key: session.token }))).toEqual([404, 'not_found'])
  })

  it('sees its tenant only, and only what portals have', async () => {
    await bench.put('/v1/tenants/other', {})
    const foreign = await endpoint('other')
    const { send } = await visit()
    for (const path of [
      '/tenants/other/endpoints',
      `/tenants/other/endpoints/${foreign.id}`,
      '/tenants/other/search?q=x',
      '/tenants/nobody/deliveries',
    ]) {
      expect(problem(await send('GET', path)), path).toEqual([403, 'forbidden'])
    }
    expect(problem(await send('GET', `/tenants/acme/endpoints/${foreign.id}`))).toEqual([404, 'not_found'])
    expect((await send('GET', `/tenants/acme/search?q=${foreign.id}`)).body.data).toEqual([])
    for (const path of [
      '/tenants',
      '/api-keys',
      '/audit',
      '/settings',
      '/nodes',
      '/endpoints',
      '/sessions',
      '/search?q=x',
    ]) {
      expect(problem(await send('GET', path)), path).toEqual([403, 'forbidden'])
    }
    expect(problem(await send('POST', '/tenants/acme/events', { events: [] }))).toEqual([403, 'forbidden'])
    expect(problem(await send('POST', '/tenants/acme/portal-links', {}))).toEqual([403, 'forbidden'])
  })

  it('ends when it is left, when it is revoked, with its link, with the key of its link and with its tenant', async () => {
    const ends = async (end: (of: Awaited<ReturnType<typeof visit>>) => Promise<Answer>) => {
      const of = await visit()
      expect((await of.send('GET', '/portal-session')).status).toBe(200)
      expect((await end(of)).status).toBe(204)
      expect(problem(await of.send('GET', '/portal-session'))).toEqual([401, 'session_ended'])
    }
    await ends(({ send }) => send('DELETE', '/portal-session'))
    await ends(({ session }) => bench.remove(`/v1/sessions/${session.id}`))
    await ends(({ link }) => bench.remove(`${LINKS}/${link.id}`))
    const key = (await bench.post('/v1/api-keys', { name: 'backend', scope: 'all' })).body
    const { url } = (await bench.post(LINKS, { uses: 2 }, { key: key.key })).body
    const { token } = (await redeem(url.split('#token=')[1])).body
    expect((await bench.get(OWN, { key: token })).status).toBe(200)
    await bench.remove(`/v1/api-keys/${key.id}`)
    expect(problem(await bench.get(OWN, { key: token }))).toEqual([401, 'session_ended'])
    expect(problem(await redeem(url.split('#token=')[1]))).toEqual([401, 'unauthorized'])
    await ends(() => bench.remove('/v1/tenants/acme'))
  })

  it('is listed with its user, and for one tenant', async () => {
    await bench.put('/v1/tenants/other', {})
    const { session } = await visit({ user: 'ada', may: ['retry'] })
    await visit({}, 'other')
    const { data } = (await bench.get('/v1/sessions?portal=acme')).body
    expect(data).toHaveLength(1)
    expect(data[0]).toMatchObject({ id: session.id, portal: { tenant: 'acme', user: 'ada', may: ['look', 'retry'] } })
    expect(data[0].apiKey).toMatchObject({ id: null, tenant: null })
    expect((await bench.get('/v1/sessions')).body.data).toHaveLength(2)
    expect((await bench.get('/v1/sessions')).text).not.toContain('php_')
  })

  it('is named in the audit log, with what its user did', async () => {
    const { send } = await visit({ user: 'ada@acme.example' })
    const made = await send('POST', '/tenants/acme/endpoints', {
      url: 'https://hooks.example.com/b',
      clientSecret: SECRET,
    })
    expect(made.status).toBe(201)
    expect(made.headers.location).toBe(`/portal/v1/tenants/acme/endpoints/${made.body.id}`)
    const test = await send('POST', `/tenants/acme/endpoints/${made.body.id}/test`, {})
    await send('POST', `/tenants/acme/deliveries/${test.body.delivery}/retry`)
    await send('POST', '/tenants/acme/replays', {})
    const { data } = (await bench.get('/v1/audit?tenant=acme')).body
    const byUser = data.filter(({ actor }: Json) => actor.kind === 'portal')
    expect(byUser.map(({ action, target, actor }: Json) => [action, target.type, actor.name, actor.key])).toEqual([
      ['created', 'replay', 'ada@acme.example', null],
      ['retried', 'delivery', 'ada@acme.example', null],
      ['tested', 'endpoint', 'ada@acme.example', null],
      ['created', 'endpoint', 'ada@acme.example', null],
      ['created', 'session', 'ada@acme.example', null],
    ])
  })
})

describe('whether there is a session of the portal', () => {
  const STATE = '/portal/v1/portal-session-state'
  const ask = (headers: object) => bench.get(STATE, { key: null, headers: { ...PAGE, ...headers } })

  it('is told without a refusal, which the console of a browser would have as an error', async () => {
    expect((await ask({})).body).toEqual({ session: null, hasEnded: false })
    const started = await redeem(tokenOf(await makeLink({ user: 'ada' })), null)
    const cookie = String(started.headers['set-cookie']).split(';')[0]!
    const { token: _token, ...session } = started.body
    expect((await ask({ cookie })).body).toEqual({ session, hasEnded: false })
    const { session: framed } = await visit()
    const authorization = `Bearer ${framed.token}`
    expect((await ask({ authorization })).body.session.id).toBe(framed.id)
    await bench.remove(`/v1/sessions/${session.id}`)
    await bench.remove(`/v1/sessions/${framed.id}`)
    for (const headers of [{ cookie }, { authorization }, { cookie: `posthorn_portal=php_${'a'.repeat(43)}` }]) {
      const { status, body } = await ask(headers)
      expect([status, body]).toEqual([200, { session: null, hasEnded: true }])
    }
  })

  it("is told to the portal's own pages only, and counts a guess as one", async () => {
    expect(problem(await bench.get(STATE, { key: null }))).toEqual([403, 'forbidden'])
    expect(problem(await ask({ 'sec-fetch-site': 'cross-site' }))).toEqual([403, 'forbidden'])
    expect(problem(await bench.get('/session/v1/portal-session-state', { key: null, headers: PAGE }))).toEqual([
      404,
      'not_found',
    ])
    expect((await bench.get('/v1/portal-session-state')).status).toBe(404)
    const before = bench.failedAuthentications()
    await ask({ authorization: `Bearer php_${'b'.repeat(43)}` })
    expect(bench.failedAuthentications()).toBe(before + 1)
  })
})

describe('a permission', () => {
  const NEEDS: readonly [PortalPermission, string, string, unknown?][] = [
    ['retry', 'POST', '/tenants/acme/deliveries/retry?state=exhausted', {}],
    ['retry', 'POST', '/tenants/acme/replays', { from: '2026-01-01', to: '2026-01-02', dryRun: true }],
    ['test', 'POST', '/tenants/acme/endpoints/:id/test', {}],
    ['endpoints', 'POST', '/tenants/acme/endpoints', { url: 'https://hooks.example.com/b', clientSecret: SECRET }],
    ['endpoints', 'POST', '/tenants/acme/endpoint-checks', { url: 'https://hooks.example.com/b' }],
    ['endpoints', 'PATCH', '/tenants/acme/endpoints/:id', { name: 'New' }],
    ['endpoints', 'PATCH', '/tenants/acme/endpoints/:id', { url: 'https://hooks.example.com/other' }],
    ['endpoints', 'POST', '/tenants/acme/endpoints/:id/disable', {}],
    ['endpoints', 'DELETE', '/tenants/acme/endpoints/:id'],
    ['secrets', 'POST', '/tenants/acme/endpoints/:id/signing-secrets', {}],
  ]

  it.each(NEEDS)('%s is what %s %s needs', async (needed, method, path, body) => {
    const { id } = await endpoint()
    const target = path.replace(':id', id)
    const others = PORTAL_PERMISSIONS.filter(each => each !== needed)
    const without = await visit({ may: others })
    const refusal = await without.send(method, target, body)
    expect(problem(refusal)).toEqual([403, 'forbidden'])
    expect(refusal.body.detail).toContain(`\`${needed}\``)
    const { send } = await visit({ may: [needed] })
    const answer = await send(method, target, body)
    expect([200, 201, 202, 204], answer.text).toContain(answer.status)
  })

  it.each([
    [{ clientSecret: 'bmV3LXNlY3JldC12YWx1ZQ==' }],
    [{ url: 'https://evil.example.com/a' }],
    [{ url: 'https://hooks.example.com:8443/a' }],
    [{ oauth: { tokenUrl: 'https://evil.example.com/t', clientId: 'a', clientSecret: 'bbbbbbbb' } }],
    [{ headers: { 'X-Api-Key': 'k' } }],
    [{ clientCertificate: null }],
  ])('secrets is needed to change an endpoint by %j', async patch => {
    const { id } = await endpoint()
    const path = `/tenants/acme/endpoints/${id}`
    const without = await visit({ may: ['endpoints'] })
    expect(problem(await without.send('PATCH', path, patch))).toEqual([403, 'forbidden'])
    const { send } = await visit({ may: ['endpoints', 'secrets'] })
    expect((await send('PATCH', path, patch)).status).not.toBe(403)
  })

  it('secrets is enough to replace a secret, and no more', async () => {
    const { id } = await endpoint()
    const { send } = await visit({ may: ['secrets'] })
    const change = (patch: object) => send('PATCH', `/tenants/acme/endpoints/${id}`, patch)
    expect((await change({ clientSecret: 'YW5vdGhlci1zZWNyZXQtdG9rZW4=' })).status).toBe(200)
    for (const other of [{ name: 'New' }, { url: 'https://hooks.example.com/other' }, { state: 'disabled' }]) {
      const refusal = await change({ clientSecret: 'YW5vdGhlci1zZWNyZXQtdG9rZW4=', ...other })
      expect(problem(refusal)).toEqual([403, 'forbidden'])
      expect(refusal.body.detail).toContain('`endpoints`')
    }
    const { send: look } = await visit({ may: ['look'] })
    expect(problem(await look('PATCH', `/tenants/acme/endpoints/${id}`, {}))).toEqual([403, 'forbidden'])
  })

  it('payloads is needed to see payloads and to search them', async () => {
    await endpoint()
    const CoverId = '564200aa-7128-4a26-83a8-cf0201903fcc'
    const { events } = await bench.publish({ type: 'COVER_REFERENCE', payload: { CoverId } })
    const seen = async (may: string[]) => {
      const { send } = await visit({ may })
      const one = await send('GET', `/tenants/acme/events/${events[0]!.id}`)
      const search = await send('GET', `/tenants/acme/events?text=${CoverId}`)
      return [one.status, one.text.includes(CoverId), search.status]
    }
    expect(await seen(['payloads'])).toEqual([200, true, 200])
    expect(await seen([])).toEqual([200, false, 403])
  })

  it('is said in the document, for the calls that portals have', () => {
    const operations = Object.values(bench.document.paths).flatMap((path: Json) => Object.values(path) as Json[])
    const inPortal = operations.filter(each => each['x-portal'] !== undefined)
    expect(
      inPortal.map(({ operationId, 'x-portal': needs }) => `${operationId} ${needs}`).sort(),
    ).toMatchInlineSnapshot(`
      [
        "answerRequest endpoints",
        "cancelDelivery retry",
        "cancelReplay retry",
        "checkEndpoint endpoints",
        "createEndpoint endpoints",
        "createNotification endpoints",
        "createReplay retry",
        "deleteEndpoint endpoints",
        "deleteNotification endpoints",
        "disableEndpoint endpoints",
        "enableEndpoint endpoints",
        "getDelivery look",
        "getEgress look",
        "getEndpoint look",
        "getEndpointSchedule look",
        "getEvent look",
        "getEventType look",
        "getNotification endpoints",
        "getOverview look",
        "getReplay look",
        "getStats look",
        "listDeliveries look",
        "listEndpoints look",
        "listEventEndpoints look",
        "listEventTypes look",
        "listEvents look",
        "listNotifications endpoints",
        "listReplays look",
        "pauseReplay retry",
        "previewSchedule look",
        "readTenantStream look",
        "requestConfirmation endpoints",
        "resumeReplay retry",
        "retryDelivery retry",
        "retryMatchingDeliveries retry",
        "rotateSigningSecret secrets",
        "searchTenant look",
        "testEndpoint test",
        "testNotification endpoints",
        "tryFilter look",
        "updateEndpoint endpoints,secrets",
        "updateNotification endpoints",
      ]
    `)
  })
})
