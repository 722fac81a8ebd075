import { createAuthority } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/base/model.ts'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { anAttempt, aSettlement, bytes } from '../store/builders.ts'
import { type Json, useApi } from './setup.ts'

const bench = useApi()
const { get, post, put, patch, remove } = bench
const TENANT = '/v1/tenants/acme'
const EVENTS = `${TENANT}/events`
const ENDPOINTS = `${TENANT}/endpoints`
const DELIVERIES = `${TENANT}/deliveries`
const EVENT = `{"type":"${TYPE}","payload":${PAYLOAD}}`
const URL_A = 'https://hooks.example.com/a'
const NEW = { url: URL_A, clientSecret: SECRET, types: [TYPE] }

const ids = ({ body }: { body: Json }): string[] => body.data.map(({ id }: Json) => id)

/** Reads all pages of a list. */
async function pages(url: string, limit: number, idOf = ({ id }: Json) => id as string): Promise<string[][]> {
  const found: string[][] = []
  let cursor = ''
  do {
    const { body } = await get(`${url}${url.includes('?') ? '&' : '?'}limit=${limit}${cursor}`)
    found.push(body.data.map(idOf))
    cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`
  } while (cursor !== '')
  return found
}

async function settle(id: string, step: Parameters<typeof aSettlement>[1], attempt = {}): Promise<void> {
  const { delivery } = await bench.deliveries.get('acme', id)
  const { partition } = await bench.endpoints.get('acme', delivery.endpoint)
  const item = { ...(delivery as Delivery), delivery: id, partition, dueAtMs: delivery.dueAtMs ?? 0, payload: null }
  const settlement = aSettlement(item, step)
  await bench.store.settle({ ...settlement, attempt: { ...settlement.attempt, ...attempt } })
}

describe('C1: event types', () => {
  const input = {
    group: 'g',
    description: 'd',
    schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
    example: { id: '1' },
  }

  it('are listed in order of name, created, replaced and deleted', async () => {
    const names = (await get('/v1/event-types?limit=1000')).body.data.map(({ name }: Json) => name)
    expect(names).toEqual([...names].sort())
    expect(names).toContain(TYPE)
    expect((await pages('/v1/event-types', 4, ({ name }) => name)).flat()).toEqual(names)
    const made = await put('/v1/event-types/A.b-c', input)
    expect([made.status, made.body]).toEqual([
      201,
      {
        name: 'A.b-c',
        ...input,
        schedule: null,
        operational: false,
        archivedAt: null,
        warnings: [],
        checkedEvents: null,
      },
    ])
    expect((await put('/v1/event-types/A.b-c', { ...input, group: 'h' })).status).toBe(200)
    expect((await get('/v1/event-types/A.b-c')).body.group).toBe('h')
    const gone = await remove('/v1/event-types/A.b-c')
    expect([gone.status, gone.text]).toEqual([204, ''])
    expect((await get('/v1/event-types/A.b-c')).status).toBe(404)
  })
})

describe('tenants', () => {
  it('are created, read, replaced, listed in order of id and deleted', async () => {
    expect((await put('/v1/tenants/b')).status).toBe(201)
    const { status, body } = await put('/v1/tenants/b', { name: 'Bee', metadata: { plan: 'x' } })
    expect([status, body]).toMatchObject([200, { id: 'b', name: 'Bee', metadata: { plan: 'x' } }])
    expect((await get('/v1/tenants/b')).body).toEqual(body)
    expect((await put('/v1/tenants/b', { metadata: null })).body).toMatchObject({ name: null, metadata: {} })
    await put('/v1/tenants/c', {})
    expect(await pages('/v1/tenants', 2)).toEqual([['acme', 'b'], ['c']])
    expect(await pages('/v1/tenants', 3)).toEqual([['acme', 'b', 'c']])
    expect((await remove('/v1/tenants/b')).status).toBe(204)
    expect((await remove('/v1/tenants/b')).status).toBe(404)
  })
})

describe('endpoints', () => {
  it('C2: are registered with 201, their location and their state', async () => {
    const answer = await post(ENDPOINTS, {
      ...NEW,
      headers: { 'X-A': '1' },
      schedule: [5],
      timeoutMs: 2000,
      rateLimit: { requests: 3, perSeconds: 60 },
      ordered: true,
    })
    const { status, headers } = answer
    // Only this response contains it.
    const { signingSecret, ...body } = answer.body
    expect(signingSecret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect([status, headers.location]).toEqual([201, `${ENDPOINTS}/${body.id}`])
    expect(body).toMatchObject({ tenant: 'acme', url: URL_A, types: [TYPE], state: 'enabled', warnings: [] })
    expect(body).toMatchObject({ headers: { 'x-a': '1' }, schedule: [5], timeoutMs: 2000, disabledReason: null })
    expect(body).toMatchObject({ rateLimit: { requests: 3, perSeconds: 60 }, ordered: true })
    expect(body.secretFingerprint).toMatch(/^[0-9a-f]{8}$/)
    expect((await get(`${ENDPOINTS}/${body.id}`)).body).toEqual(body)
  })

  it('C8: are returned with warnings, in lists too', async () => {
    await post(ENDPOINTS, { ...NEW, clientSecret: 'short' })
    const second = await post(ENDPOINTS, { url: URL_A, clientSecret: 'short' })
    const codes = ['secret_shared_between_endpoints', 'secret_for_several_types', 'secret_short']
    expect(second.body.warnings.map(({ code }: Json) => code)).toEqual(codes)
    const { data } = (await get(ENDPOINTS)).body
    expect(data[0].warnings.map(({ code }: Json) => code)).toEqual(codes)
    expect(data[0].secretFingerprint).toBe(data[1].secretFingerprint)
  })

  it('are changed in part, and null resets a field', async () => {
    const full = {
      ...NEW,
      description: 'd',
      metadata: { a: 'b' },
      headers: { 'x-a': '1' },
      schedule: [5],
      timeoutMs: 2000,
      rateLimit: { requests: 3, perSeconds: 60 },
    }
    const { signingSecret: _shownOnce, ...body } = (await post(ENDPOINTS, full)).body
    const url = `${ENDPOINTS}/${body.id}`
    const changed = await patch(url, { description: 'e', clientSecret: `${SECRET}==` })
    const { updatedAt, secretFingerprint } = changed.body
    expect(changed.body).toEqual({ ...body, description: 'e', updatedAt, secretFingerprint, signingSecret: null })
    expect(secretFingerprint).not.toBe(body.secretFingerprint)
    const none = {
      description: null,
      metadata: null,
      headers: null,
      schedule: null,
      timeoutMs: null,
      types: null,
      rateLimit: null,
    }
    expect((await patch(url, none)).body).toMatchObject({ ...none, metadata: {}, headers: {} })
    expect((await patch(url, { url: null })).status).toBe(422)
    expect((await patch(url, {})).status).toBe(200)
  })

  it('C6: switch to another clientSecret at a given time', async () => {
    const { body } = await post(ENDPOINTS, NEW)
    const url = `${ENDPOINTS}/${body.id}`
    const switchAt = new Date(Date.now() + 3_600_000).toISOString()
    const later = await patch(url, { clientSecret: `${SECRET}==`, switchAt })
    const fingerprint = expect.stringMatching(/^[0-9a-f]{8}$/)
    expect(later.body.nextSecret).toEqual({ switchAt, fingerprint, expiresAt: null })
    expect(later.body.secretFingerprint).toBe(body.secretFingerprint)
    expect((await patch(url, { clientSecret: `${SECRET}==`, switchAt: null })).body).toMatchObject({
      nextSecret: null,
      secretFingerprint: later.body.nextSecret.fingerprint,
    })
    for (const wrong of [{ switchAt }, { clientSecret: SECRET, switchAt: 'tomorrow' }, { switchAt: 5 }]) {
      expect((await patch(url, wrong)).status).toBe(422)
    }
  })

  it('C9: say when a clientSecret that is a JWT expires, now and after the switch', async () => {
    const part = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const jwt = (exp?: number) => `${part({ alg: 'HS256' })}.${part({ exp })}.c2lnbmF0dXJl`
    const { body } = await post(ENDPOINTS, { ...NEW, clientSecret: jwt(4_102_444_800) })
    expect(body).toMatchObject({ secretExpiresAt: '2100-01-01T00:00:00.000Z', nextSecret: null })
    const url = `${ENDPOINTS}/${body.id}`
    const switchAt = new Date(Date.now() + 3_600_000).toISOString()
    const later = await patch(url, { clientSecret: jwt(4_133_980_800), switchAt })
    expect(later.body).toMatchObject({
      secretExpiresAt: '2100-01-01T00:00:00.000Z',
      nextSecret: { switchAt, expiresAt: '2101-01-01T00:00:00.000Z' },
    })
    for (const clientSecret of [jwt(), SECRET]) {
      expect((await patch(url, { clientSecret })).body).toMatchObject({ secretExpiresAt: null, nextSecret: null })
    }
  })

  it('have signing secrets that are generated, given or rotated', async () => {
    const given = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
    const { body } = await post(ENDPOINTS, { ...NEW, signingSecret: given })
    expect(body.signingSecret).toBeNull()
    const url = `${ENDPOINTS}/${body.id}/signing-secrets`
    const made = await post(url, {})
    expect([made.status, made.body.signingSecret]).toEqual([201, expect.stringMatching(/^whsec_/)])
    expect(made.body.signing).toMatchObject([
      { version: 'v1', expiresAt: null },
      { fingerprint: body.signing[0].fingerprint },
    ])
    expect(Date.parse(made.body.signing[1].expiresAt) - Date.now()).toBeGreaterThan(23 * 3_600_000)
    const asymmetric = await post(url, { signatureVersion: 'v1a' })
    expect(asymmetric.body.signingSecret).toBeNull()
    expect(asymmetric.body.signing[0].publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/)
    for (const wrong of [
      { signingSecret: 'whsec_AAAA' },
      { signingSecret: given, signatureVersion: 'v1a' },
      { signatureVersion: 'v2' },
      { other: 1 },
    ]) {
      expect((await post(url, wrong)).status).toBe(422)
    }
    for (const path of [ENDPOINTS, `${ENDPOINTS}/${body.id}`]) {
      expect(JSON.stringify((await get(path)).body)).not.toMatch(/whsec_/)
    }
  })

  it('authenticate with a client certificate or with OAuth if the tenant chose that', async () => {
    const { certPem: certificate, keyPem: key } = await (await createAuthority()).issue({
      names: ['client'],
      use: 'client',
    })
    const clientCertificate = { certificate, key }
    const oauth = { tokenUrl: 'https://login.example.com/token', clientId: 'id', clientSecret: 'hidden-secret' }
    const { status, body } = await post(ENDPOINTS, { url: URL_A, types: [TYPE], clientCertificate, oauth })
    expect(status).toBe(201)
    expect(body).toMatchObject({ secretFingerprint: null, clientCertificate: { subject: 'CN=client' } })
    const defaults = { scope: null, audience: null, resource: null, credentialsIn: 'header' }
    expect(body.oauth).toEqual({ tokenUrl: oauth.tokenUrl, clientId: 'id', ...defaults })
    expect(body.warnings.map(({ code }: Json) => code)).toEqual(['certificate_expires_soon'])
    expect(JSON.stringify(body)).not.toMatch(/hidden-secret|PRIVATE/)
    const url = `${ENDPOINTS}/${body.id}`
    // Without OAuth, there must be a clientSecret.
    expect((await patch(url, { oauth: null })).status).toBe(422)
    expect((await patch(url, { oauth: null, clientSecret: SECRET })).body).toMatchObject({ oauth: null })
    expect((await patch(url, { clientCertificate: null })).body.clientCertificate).toBeNull()
    const other = await (await createAuthority()).issue({ names: ['other'] })
    for (const wrong of [
      { clientCertificate: { certificate, key: other.keyPem } },
      { clientCertificate: { certificate: 'no PEM', key } },
      { clientCertificate: { certificate } },
      { oauth: { ...oauth, tokenUrl: 'http://login.example.com/' } },
      { oauth: { ...oauth, tokenUrl: 'https://10.0.0.1/' } },
      { oauth: { ...oauth, clientSecret: '' } },
      { oauth: { ...oauth, scope: 'a  b' } },
      { oauth: { ...oauth, extra: 1 } },
      { oauth: { ...oauth, audience: '' } },
      { oauth: { ...oauth, audience: 'a\nb' } },
      { oauth: { ...oauth, resource: '/relative' } },
      { oauth: { ...oauth, resource: ['https://a.example/#fragment'] } },
      { oauth: { ...oauth, resource: ['https://a.example/', 7] } },
      { oauth: { ...oauth, resource: ['https://a.example/ b'] } },
      { oauth: { ...oauth, resource: Array(11).fill('https://a.example/') } },
      { oauth: { ...oauth, credentialsIn: 'query' } },
    ]) {
      const refused = await patch(url, wrong)
      expect([refused.status, JSON.stringify(refused.body)]).toEqual([422, expect.not.stringMatching(/hidden|PRIVATE/)])
    }
  })

  it('are listed newest first, in pages, and deleted', async () => {
    const made = []
    for (let i = 0; i < 5; i++) made.unshift(await bench.endpoint())
    expect(await pages(ENDPOINTS, 2)).toEqual([made.slice(0, 2), made.slice(2, 4), made.slice(4)])
    expect((await remove(`${ENDPOINTS}/${made[0]}`)).status).toBe(204)
    expect(ids(await get(ENDPOINTS))).toEqual(made.slice(1))
  })

  it('are disabled and enabled, which releases or cancels held deliveries', async () => {
    const id = await bench.endpoint()
    expect((await post(`${ENDPOINTS}/${id}/disable`)).body).toMatchObject({
      state: 'disabled',
      disabledReason: 'manual',
    })
    await post(EVENTS, EVENT)
    expect((await get(`${DELIVERIES}?state=held`)).body.data).toMatchObject([
      { heldReason: 'disabled', nextAttemptAt: null },
    ])
    expect((await post(`${ENDPOINTS}/${id}/enable`, {})).body).toMatchObject({ state: 'enabled', disabledReason: null })
    expect((await get(`${DELIVERIES}?state=pending`)).body.data).toHaveLength(1)
    await post(`${ENDPOINTS}/${id}/disable`, {})
    await post(`${ENDPOINTS}/${id}/enable`, { held: 'cancel' })
    expect((await get(DELIVERIES)).body.data).toMatchObject([{ state: 'cancelled', endedAt: expect.any(String) }])
  })

  it("are tested with an event type's example", async () => {
    const id = await bench.endpoint({ types: [TYPE] })
    for (const body of [undefined, {}, { type: TYPE }]) {
      const { status, body: made } = await post(`${ENDPOINTS}/${id}/test`, body)
      expect([status, made.type]).toEqual([202, TYPE])
      expect((await get(`${DELIVERIES}/${made.delivery}`)).body).toMatchObject({ test: true, event: made.event })
    }
    expect((await post(`${ENDPOINTS}/${id}/test`, { type: 'NO_SUCH' })).status).toBe(422)
    await post(`${ENDPOINTS}/${id}/disable`)
    expect((await post(`${ENDPOINTS}/${id}/test`)).status).toBe(409)
  })
})

describe('events', () => {
  it('are accepted with 202, and say why endpoints got no delivery', async () => {
    await bench.endpoint({ types: [TYPE] })
    await bench.endpoint({ types: ['COVER_QUOTE'] }).catch(() => bench.endpoint())
    const { status, body } = await post(EVENTS, EVENT)
    expect(status).toBe(202)
    expect(Object.keys(body)).toEqual(['id', 'key', 'deliveries', 'notSent'])
    expect((await get(`${EVENTS}/${body.id}`)).body).toMatchObject({ notSent: body.notSent, key: null, test: false })
  })

  it('in an array get their results in the same order', async () => {
    const { status, body } = await post(EVENTS, `[${EVENT}, {"key":"k","type":"${TYPE}","payload":${PAYLOAD}} ]`)
    expect(status).toBe(202)
    expect(body.data).toMatchObject([{ key: null }, { key: 'k' }])
    expect((await get(`${EVENTS}/${body.data[1].id}`)).body.key).toBe('k')
    expect((await post(EVENTS, '[]')).status).toBe(422)
  })

  it('with a key of their own are published once', async () => {
    const keyed = `{"key":"k","type":"${TYPE}","payload":${PAYLOAD}}`
    const { body } = await post(EVENTS, keyed)
    const again = await post(EVENTS, keyed)
    expect(body.key).toBe('k')
    expect([again.status, again.body]).toEqual([202, { ...body, duplicate: true }])
    const alias = await post(EVENTS, keyed.replace('"key"', '"id"'))
    expect([alias.status, alias.body]).toEqual([202, { ...body, duplicate: true }])
  })

  it('C5: return the payload byte for byte as published', async () => {
    const payload =
      '{ "CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc" ,"n":12345678901234567890,"x":1.0,"e":"\\u00e9é\\/"}'
    const { body } = await post(EVENTS, `{"type":"${TYPE}","payload": ${payload}\n}`)
    for (const { text } of [await get(EVENTS), await get(`${EVENTS}/${body.id}`)]) {
      expect(text).toContain(`"payload":${payload}}`)
    }
  })

  it('are listed newest first, and filtered by type and time', async () => {
    const made: string[] = []
    for (let i = 0; i < 40; i++) made.unshift((await post(EVENTS, EVENT)).body.id)
    expect(await pages(EVENTS, 7)).toEqual([0, 7, 14, 21, 28, 35].map(from => made.slice(from, from + 7)))
    expect(ids(await get(`${EVENTS}?limit=40`))).toEqual(made)
    expect((await pages(EVENTS, 20)).map(page => page.length)).toEqual([20, 20])
    expect(ids(await get(`${EVENTS}?type=${TYPE}&limit=1`))).toEqual(made.slice(0, 1))
    expect(ids(await get(`${EVENTS}?type=OTHER`))).toEqual([])
    const { createdAt } = (await get(`${EVENTS}/${made[0]}`)).body
    expect(ids(await get(`${EVENTS}?to=${createdAt}`))).not.toContain(made[0])
    expect(ids(await get(`${EVENTS}?from=${createdAt}`))).toContain(made[0])
  })

  it('with large payloads make shorter pages, and none is missing', async () => {
    const made: string[] = []
    const filling = 'x'.repeat(1_000_000)
    const large = `{"type":"${TYPE}","payload":${PAYLOAD.replace(/\}$/, `,"filling":"${filling}"}`)}}`
    for (let i = 0; i < 20; i++) made.unshift((await post(EVENTS, i % 4 === 0 ? EVENT : large)).body.id)
    const found = await pages(EVENTS, 1000)
    expect(found.flat()).toEqual(made)
    expect(found.length).toBeGreaterThan(1)
    expect(found.length).toBeLessThan(5)
  })

  it('are returned with their deliveries', async () => {
    const endpoint = await bench.endpoint()
    const { body } = await post(EVENTS, EVENT)
    const [delivery] = (await get(`${DELIVERIES}?event=${body.id}`)).body.data
    expect((await get(`${EVENTS}/${body.id}`)).body.deliveries).toEqual([delivery])
    expect(delivery).toMatchObject({ endpoint, event: body.id, state: 'pending', attemptCount: 0, replayOf: null })
  })
})

describe('deliveries', () => {
  it('are returned with their attempts', async () => {
    await bench.endpoint()
    await post(EVENTS, EVENT)
    const [id] = ids(await get(DELIVERIES))
    await settle(
      id!,
      { kind: 'retry', dueAtMs: 1_000_000 },
      { responseBody: bytes('a\u0000é'), responseTruncated: true },
    )
    const { startedAtMs, responseHeaders, responseBody, ...rest } = anAttempt(1)
    const { body } = await get(`${DELIVERIES}/${id}`)
    expect(body).toMatchObject({ state: 'pending', attemptCount: 1, nextAttemptAt: '1970-01-01T00:16:40.000Z' })
    expect(body.attempts).toEqual([
      {
        ...rest,
        startedAt: new Date(startedAtMs).toISOString(),
        responseHeaders: [['server', 'x']],
        responseBody: 'a\u0000é',
        responseTruncated: true,
        responseRemoved: false,
        responseHidden: false,
        explanation: null,
      },
    ])
    expect((await get(DELIVERIES)).body.data[0]).not.toHaveProperty('attempts')
  })

  it('show what the last attempt came to, in lists and alone, and with what became of their event', async () => {
    await bench.endpoint()
    const event = (await post(EVENTS, EVENT)).body.id
    const [fresh] = (await get(DELIVERIES)).body.data
    expect(fresh.lastAttempt).toBeNull()
    await settle(fresh.id, { kind: 'retry', dueAtMs: 1_000_000 })
    const { startedAtMs, durationMs, status, error } = anAttempt(1)
    const lastAttempt = { at: new Date(startedAtMs).toISOString(), durationMs, status, error }
    expect((await get(DELIVERIES)).body.data[0].lastAttempt).toEqual(lastAttempt)
    expect((await get(`${DELIVERIES}/${fresh.id}`)).body.lastAttempt).toEqual(lastAttempt)
    const shown = (await get(`${EVENTS}/${event}`)).body
    expect([shown.deliveries[0].lastAttempt, shown.endpoints[0].lastAttempt]).toEqual([lastAttempt, lastAttempt])
    await post(`${DELIVERIES}/${fresh.id}/cancel`)
    expect((await get(`${DELIVERIES}?state=cancelled`)).body.data[0].lastAttempt).toEqual(lastAttempt)
    // As if it had ended before the row kept it: alone, the delivery shows it all the same.
    await bench.run('update delivery set last_started_ms = null')
    expect((await get(DELIVERIES)).body.data[0].lastAttempt).toBeNull()
    expect((await get(`${DELIVERIES}/${fresh.id}`)).body.lastAttempt).toEqual(lastAttempt)
  })

  it('are filtered by each parameter and by combinations', async () => {
    const [a, b] = [await bench.endpoint(), await bench.endpoint()]
    const first = (await post(EVENTS, EVENT)).body.id
    await post(EVENTS, EVENT)
    const all = (await get(DELIVERIES)).body.data
    expect(all).toHaveLength(4)
    const count = async (query: string) => ids(await get(`${DELIVERIES}?${query}`)).length
    expect(await count(`endpoint=${a}`)).toBe(2)
    expect(await count(`endpoint=${b}&event=${first}`)).toBe(1)
    expect(await count(`event=${first}`)).toBe(2)
    expect(await count(`type=${TYPE}`)).toBe(4)
    expect(await count('type=OTHER')).toBe(0)
    expect(await count('state=pending')).toBe(4)
    expect(await count('state=delivered')).toBe(0)
    expect(await count(`to=${all[0].createdAt}`)).toBeLessThan(4)
    expect(await count(`from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59.999Z`)).toBe(4)
    expect(await pages(DELIVERIES, 3)).toEqual(
      [all.slice(0, 3), all.slice(3)].map(page => page.map(({ id }: Json) => id)),
    )
  })

  it('C13: that are set aside are listed and counted for all tenants, and sent again after a retry', async () => {
    await bench.endpoint()
    for (let count = 0; count < 3; count++) await post(EVENTS, EVENT)
    const made = ids(await get(DELIVERIES))
    for (const delivery of made) {
      const trial = { tenant: 'acme', delivery, epoch: 0, mayBeLast: true }
      for (let count = 0; count < 4; count++) await bench.store.write('beginTrial', trial)
    }
    const found = await get('/v1/set-aside-deliveries?limit=2')
    expect(found.body).toMatchObject({ count: 3, data: [{ tenant: 'acme', id: made[0], heldReason: 'set_aside' }, {}] })
    const rest = await get(`/v1/set-aside-deliveries?limit=2&cursor=${found.body.nextCursor}`)
    expect([ids(rest), rest.body.nextCursor]).toEqual([made.slice(2), null])
    expect(ids(await get(`${DELIVERIES}?heldReason=set_aside`))).toEqual(made)
    expect(ids(await get(`${DELIVERIES}?heldReason=disabled`))).toEqual([])
    expect((await get(`${DELIVERIES}?heldReason=other`)).status).toBe(422)
    const again = await post(`${DELIVERIES}/${made[0]}/retry`)
    expect([again.status, again.body]).toMatchObject([200, { id: made[0], state: 'pending', heldReason: null }])
    expect((await get('/v1/set-aside-deliveries')).body.count).toBe(2)
    expect((await get('/v1/set-aside-deliveries', { key: null })).status).toBe(401)
  })

  it('are retried: immediately if pending, with a new delivery if ended', async () => {
    await bench.endpoint()
    await post(EVENTS, EVENT)
    const [id] = ids(await get(DELIVERIES))
    const now = await post(`${DELIVERIES}/${id}/retry`)
    expect([now.status, now.body.id]).toEqual([200, id])
    expect((await post(`${DELIVERIES}/${id}/cancel`, {})).body.state).toBe('cancelled')
    const again = await post(`${DELIVERIES}/${id}/retry`, {})
    expect([again.status, again.body.replayOf]).toEqual([201, id])
    expect(again.headers.location).toBe(`${DELIVERIES}/${again.body.id}`)
    await settle(again.body.id, { kind: 'delivered' })
    expect((await post(`${DELIVERIES}/${again.body.id}/cancel`)).status).toBe(409)
  })
})

describe('the node', () => {
  it('C4: publishes the egress addresses, to callers and without a key', async () => {
    for (const [url, key] of [['/v1/egress'], ['/.well-known/posthorn-egress.json', null]] as const) {
      expect((await get(url, key === null ? { key } : {})).body).toEqual({ addresses: ['192.0.2.1'] })
    }
    expect((await get('/v1/egress', { key: null })).status).toBe(401)
  })

  it('names publishing and reading apart, and each has a path whose status it sets', async () => {
    const cases = [
      [{ publishing: false, reading: true, isReady: true }, [200, 503, 200], 'degraded'],
      [{ publishing: false, reading: true, isReady: false }, [503, 503, 200], 'unavailable'],
      [{ publishing: false, reading: false, isReady: false }, [503, 503, 503], 'unavailable'],
      [{ publishing: true, reading: true, isReady: true }, [200, 200, 200], 'ready'],
    ] as const
    for (const [readiness, statuses, status] of cases) {
      bench.readiness = readiness
      const answers = []
      for (const path of ['/readyz', '/readyz/publishing', '/readyz/reading'])
        answers.push(await get(path, { key: null }))
      expect(answers.map(answer => answer.status)).toEqual(statuses)
      const word = (isAvailable: boolean) => (isAvailable ? 'available' : 'unavailable')
      expect(answers[0]!.body).toEqual({
        status,
        publishing: word(readiness.publishing),
        reading: word(readiness.reading),
      })
    }
  })

  it('is ready after startup until it drains', async () => {
    bench.ready = false
    expect([(await get('/readyz')).status, (await get('/healthz')).status]).toEqual([503, 200])
    bench.ready = true
    expect((await get('/readyz')).body).toEqual({ status: 'ready', publishing: 'available', reading: 'available' })
    bench.draining = true
    expect((await get('/readyz')).body).toEqual({ status: 'draining' })
    const published = await post(EVENTS, EVENT)
    expect([published.status, published.headers.connection]).toEqual([202, 'close'])
    expect((await post(EVENTS, '{')).headers.connection).toBe('close')
  })
})
