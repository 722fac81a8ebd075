// cspell:ignore Bestätigen
/** Notifications in the API: who can have them, what is refused, and the links in their messages (decision 55). */
import { describe, expect, it, vi } from 'vitest'
import { readNotificationSecrets } from '../../src/secrets/notification-secrets.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const PATH = '/v1/tenants/acme/notifications'
const MAIL = { kind: 'email', address: 'ada@acme.example' }
const SLACK = { kind: 'slack', address: 'https://hooks.slack.com/services/T000/B000/very-secret' }
const ALL = [
  'posthorn.endpoint.failing',
  'posthorn.endpoint.disabled',
  'posthorn.secret.expiring',
  'posthorn.delivery.exhausted',
]

const create = async (body: object = MAIL, tenant = 'acme') =>
  (await bench.post(`/v1/tenants/${tenant}/notifications`, body)).body as Json

/** The tokens of the links in a notification's messages. */
async function tokensOf(id: string) {
  const rows = await bench.store.read('readSealedNotifications', { after: null, limit: 100 })
  const { sealed } = rows.find(row => row.id === id)!
  return readNotificationSecrets(bench.keyring.open(id, sealed))
}

const link = (method: 'GET' | 'POST', token: string, headers = {}, body?: string) =>
  bench.send(method, `/notification-links/${token}`, { key: null, headers, ...(body === undefined ? {} : { body }) })

describe('a notification', () => {
  it('is created, listed, changed and deleted', async () => {
    const made = await create()
    expect(made).toMatchObject({ tenant: 'acme', kind: 'email', address: 'ada@acme.example', types: ALL })
    expect(made).toMatchObject({ state: 'unconfirmed', confirmedAt: null, lastFailure: null })
    const chat = await create(SLACK)
    expect(chat.address).toBe('https://hooks.slack.com')
    const listed = await bench.get(PATH)
    expect(listed.body.data).toEqual([chat, made])
    expect(listed.text).not.toMatch(/very-secret|pn[cu]_/)
    const types = ['posthorn.secret.expiring']
    expect((await bench.patch(`${PATH}/${made.id}`, { types })).body).toEqual({ ...made, types })
    expect((await bench.get(`${PATH}/${made.id}`)).body.types).toEqual(types)
    expect((await bench.remove(`${PATH}/${chat.id}`)).status).toBe(204)
    expect((await bench.get(`${PATH}/${chat.id}`)).status).toBe(404)
    const { body: audit } = await bench.get('/v1/audit')
    const entries = audit.data.filter((entry: Json) => entry.target.type === 'notification')
    expect(entries.map(({ action }: Json) => action)).toEqual(['deleted', 'updated', 'created', 'created'])
    expect(JSON.stringify(entries)).not.toContain('ada@')
  })

  it.each([
    ['no address', { kind: 'email', address: 'ada' }, '/address'],
    ['two addresses', { kind: 'email', address: 'ada@acme.example,bob@acme.example' }, '/address'],
    ['a header', { kind: 'email', address: 'ada@acme.example\r\nBcc: bob@acme.example' }, '/address'],
    ['a quoted second address', { kind: 'email', address: '"bob@acme.example "@acme.example' }, '/address'],
    ['an IP address', { kind: 'email', address: 'root@[127.0.0.1]' }, '/address'],
    ['a host of one label', { kind: 'email', address: 'root@localhost' }, '/address'],
    ['a URL of this network', { kind: 'slack', address: 'https://169.254.169.254/latest' }, '/address'],
    ['plain HTTP', { kind: 'teams', address: 'http://hooks.example.com/a' }, '/address'],
    ['an unknown type', { ...MAIL, types: ['posthorn.replay.finished'] }, '/types/0'],
    ["the operator's type", { ...MAIL, types: ['posthorn.node.lost'] }, '/types/0'],
    ['no type', { ...MAIL, types: [] }, '/types'],
  ])('is refused with %s', async (_what, body, field) => {
    const [status, , fields] = refused(await bench.post(PATH, body))
    expect([status, fields]).toEqual([422, [field]])
    expect((await bench.get(PATH)).body.data).toEqual([])
  })

  it('exists once for an address in a tenant, and is asked to be confirmed three times a day at most', async () => {
    await bench.tenants.put('beta', {})
    const made = await create()
    expect(refused(await bench.post(PATH, { ...MAIL, address: 'ADA+other@Acme.example' }))[0]).toBe(409)
    expect((await bench.post(`${PATH}/${made.id}/confirmation`)).status).toBe(202)
    // Whichever tenant asks, and however it goes about it.
    expect((await create(MAIL, 'beta')).state).toBe('unconfirmed')
    await bench.remove(`${PATH}/${made.id}`)
    const again = await bench.post(PATH, { ...MAIL, address: 'ada+4@acme.example' })
    expect([again.status, again.body.code]).toEqual([429, 'rate_limited'])
    expect(Number(again.headers['retry-after'])).toBeGreaterThan(86_000)
    expect((await create({ ...MAIL, address: 'bob@acme.example' })).state).toBe('unconfirmed')
  })

  it('is sent a test once it is confirmed', async () => {
    const { id } = await create()
    expect((await bench.post(`${PATH}/${id}/test`)).status).toBe(409)
    await link('POST', (await tokensOf(id)).confirm)
    const asked = await bench.post(`${PATH}/${id}/test`)
    expect([asked.status, asked.body.lastSentAt]).toEqual([202, null])
    expect((await bench.post(`${PATH}/${id}/test`)).status).toBe(409)
    expect((await bench.post(`${PATH}/ntf_01jy4k8v3xf0c8wq2rn5s7t9ab/test`)).status).toBe(404)
  })

  it('is one of at most fifty of a tenant, which asks twenty addresses a day', async () => {
    for (let at = 0; at < 20; at++) await create({ ...MAIL, address: `a${at}@acme.example` })
    expect((await bench.post(PATH, { ...MAIL, address: 'a20@acme.example' })).status).toBe(429)
  })

  it("of the tenant posthorn is the operator's, who can be told of lost nodes too", async () => {
    await bench.tenants.put('posthorn', {}).catch(() => {})
    const made = await create(MAIL, 'posthorn')
    expect(made.types).toEqual([...ALL, 'posthorn.node.lost'])
  })

  it("of another tenant can't be reached", async () => {
    await bench.tenants.put('beta', {})
    const { id } = await create(MAIL, 'beta')
    const { secret } = await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'acme' })
    for (const [method, path] of [
      ['GET', `${PATH}/${id}`],
      ['DELETE', `${PATH}/${id}`],
      ['POST', `${PATH}/${id}/confirmation`],
    ] as const) {
      expect((await bench.send(method, path, { key: secret })).status, `${method} ${path}`).toBe(404)
    }
    expect((await bench.get(`/v1/tenants/beta/notifications`, { key: secret })).status).toBe(403)
  })
})

describe('the link in a message', () => {
  it('confirms by POST without a key, however often, and by GET shows a page that changes nothing', async () => {
    const { id } = await create()
    const { confirm } = await tokensOf(id)
    for (let at = 0; at < 3; at++) {
      const page = await link('GET', confirm)
      expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
      expect(page.text).toContain(`<form method="post" action="/notification-links/${confirm}">`)
      expect(String(page.headers['content-security-policy'])).toContain("default-src 'none'")
      expect(page.headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
    }
    expect((await bench.get(`${PATH}/${id}`)).body.state).toBe('unconfirmed')
    for (let at = 0; at < 2; at++) expect((await link('POST', confirm)).text).toContain('<h1>Confirmed</h1>')
    expect((await bench.get(`${PATH}/${id}`)).body).toMatchObject({ state: 'confirmed', confirmUntil: null })
    expect((await bench.post(`${PATH}/${id}/confirmation`)).status).toBe(409)
  })

  it('that does not work writes nothing', async () => {
    const write = vi.spyOn(bench.store, 'write')
    for (const kind of ['pnc', 'pnu']) expect((await link('POST', `${kind}_${'a'.repeat(43)}`)).status).toBe(404)
    expect(write).not.toHaveBeenCalled()
    write.mockRestore()
  })

  it('works with what mail passes through has added to it', async () => {
    const { id } = await create()
    const { confirm } = await tokensOf(id)
    expect((await link('GET', `${confirm}?utm_source=mail&%`)).status).toBe(200)
    expect((await link('POST', `${confirm}?utm_source=mail`)).text).toContain('<h1>Confirmed</h1>')
  })

  it.each([
    ['a form', 'application/x-www-form-urlencoded', 'List-Unsubscribe=One-Click'],
    [
      'a form in parts',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    ],
  ])('unsubscribes by the one POST of a mailbox, with %s (RFC 8058)', async (_what, type, body) => {
    const { id } = await create()
    const { unsubscribe, confirm } = await tokensOf(id)
    await link('POST', confirm)
    expect((await link('GET', unsubscribe)).text).toContain('Unsubscribe</button>')
    const done = await link('POST', unsubscribe, { 'content-type': type }, body)
    expect([done.status, done.text]).toEqual([200, expect.stringContaining('<h1>Unsubscribed</h1>')])
    expect((await bench.get(`${PATH}/${id}`)).status).toBe(404)
    for (const token of [unsubscribe, confirm]) {
      expect((await link('POST', token)).status).toBe(404)
      expect((await link('GET', token)).status).toBe(404)
    }
  })

  it('says the same of tokens that are unknown, altered or of another kind', async () => {
    const { id } = await create()
    const { confirm, unsubscribe } = await tokensOf(id)
    const swapped = [confirm.replace('pnc', 'pnu'), unsubscribe.replace('pnu', 'pnc')]
    const pages = []
    for (const token of [...swapped, `${confirm.slice(0, -1)}!`, 'x', 'pnc_', '%00', "'--"]) {
      for (const method of ['GET', 'POST'] as const) pages.push(await link(method, token))
    }
    expect(pages.map(({ status }) => status)).toEqual(pages.map(() => 404))
    expect(new Set(pages.map(({ text }) => text)).size).toBe(1)
  })
})

describe('the language of a notification', () => {
  it('is that of the pages behind its links, too, and can be changed', async () => {
    const made = await create({ ...MAIL, language: 'de' })
    expect(made.language).toBe('de')
    const { confirm } = await tokensOf(made.id)
    expect((await link('GET', confirm)).text).toContain('<html lang="de">')
    expect((await link('GET', confirm)).text).toContain('>Bestätigen</button>')
    expect((await bench.patch(`${PATH}/${made.id}`, { language: 'en' })).body).toEqual({ ...made, language: 'en' })
    expect((await link('GET', confirm)).text).toContain('>Confirm</button>')
    expect((await bench.post(PATH, { ...SLACK, language: 'fr' })).status).toBe(422)
    expect((await create(SLACK)).language).toBe('en')
  })
})

describe('the portal', () => {
  const visit = async (may: readonly string[]) => {
    const { url } = (await bench.post('/v1/tenants/acme/portal-links', { may })).body
    const headers = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8470' }
    const token = url.split('#token=')[1]
    const redeem = { token, keep: 'memory' }
    return (await bench.post('/portal/v1/portal-session', redeem, { key: null, headers })).body.token as string
  }

  it('has notifications with the permission `endpoints` only', async () => {
    const [with_, without] = [await visit(['endpoints']), await visit(['look', 'payloads', 'secrets', 'retry', 'test'])]
    const made = await bench.send('POST', `/portal${PATH}`, { key: with_, body: MAIL })
    expect(made.status).toBe(201)
    expect((await bench.send('GET', `/portal${PATH}`, { key: with_ })).body.data).toHaveLength(1)
    for (const [method, path, body] of [
      ['POST', PATH, MAIL],
      ['GET', PATH, undefined],
      ['DELETE', `${PATH}/${made.body.id}`, undefined],
    ] as const) {
      expect((await bench.send(method, `/portal${path}`, { key: without, body })).status).toBe(403)
    }
    const others = '/portal/v1/tenants/posthorn/notifications'
    expect((await bench.send('POST', others, { key: with_, body: MAIL })).status).toBe(403)
  })
})
