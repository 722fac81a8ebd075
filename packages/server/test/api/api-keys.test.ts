import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { RateLimits } from '../../src/api/http/rate-limits.ts'
import type { ApiKey } from '../../src/base/callers.ts'
import { HandClock } from '../hand-clock.ts'
import { refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, remove } = bench
const KEYS = '/v1/api-keys'

const make = async (body: object = {}) => (await post(KEYS, { name: 'ci', scope: 'all', ...body })).body

describe('an API key', () => {
  it('is returned only once, and stored only as a hash', async () => {
    const { status, headers, body } = await post(KEYS, { name: 'ci', scope: 'publish' })
    expect(status).toBe(201)
    expect(body.key).toMatch(/^phk_[\w-]{43}$/)
    expect(headers).toMatchObject({ location: `${KEYS}/${body.id}`, 'cache-control': 'no-store' })
    const { key, ...shown } = body
    const plain = { tenant: null, payloads: true, rateLimit: null, expiresAt: null }
    expect(shown).toMatchObject({ name: 'ci', scope: 'publish', ...plain })
    expect((await get(`${KEYS}/${body.id}`)).body).toEqual(shown)
    expect((await get(KEYS)).body).toEqual({ data: [shown], nextCursor: null, prevCursor: null })
    const { keys } = await bench.store.read('readApiKeyChanges', { after: 0 })
    expect(Buffer.from(keys[0]!.hash)).toEqual(createHash('sha256').update(key).digest())
    expect(JSON.stringify(keys)).not.toContain(key)
  })

  it('is listed newest first, in pages, even if it is revoked', async () => {
    const ids = []
    for (let at = 0; at < 3; at++) ids.unshift((await make()).id)
    await remove(`${KEYS}/${ids[1]}`)
    const first = (await get(`${KEYS}?limit=2`)).body
    expect(first.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2))
    expect(first.data[1].revokedAt).toMatch(/Z$/)
    const { body } = await get(`${KEYS}?limit=2&cursor=${first.nextCursor}`)
    expect([body.data[0].id, body.nextCursor]).toEqual([ids[2], null])
  })

  it('is valid immediately, until it is revoked for good', async () => {
    const { id, key } = await make()
    expect((await get('/v1/tenants', { key })).status).toBe(200)
    expect((await remove(`${KEYS}/${id}`, { key })).status).toBe(204)
    expect((await get('/v1/tenants', { key })).status).toBe(401)
    const { revokedAt } = (await get(`${KEYS}/${id}`)).body
    expect((await remove(`${KEYS}/${id}`)).status).toBe(204)
    expect((await get(`${KEYS}/${id}`)).body.revokedAt).toBe(revokedAt)
    expect((await remove(`${KEYS}/key_00000000000000000000000000`)).status).toBe(404)
  })

  it('stops being valid when it expires, by the clock of the store', async () => {
    const { key } = await make({ expiresAt: new Date(bench.store.now() + 1_500).toISOString() })
    expect((await get('/v1/tenants', { key })).status).toBe(200)
    await expect.poll(async () => (await get('/v1/tenants', { key })).status, { timeout: 10_000 }).toBe(401)
  })

  it('is revoked with its tenant, and stays revoked if the tenant is created again', async () => {
    const { key } = await make({ tenant: 'acme' })
    expect((await get('/v1/tenants/acme', { key })).status).toBe(200)
    await remove('/v1/tenants/acme')
    await bench.tenants.put('acme', {})
    await bench.apiKeyCache.untilFresh()
    expect((await get('/v1/tenants/acme', { key })).status).toBe(401)
  })

  it.each([
    [{ name: '' }, '/name'],
    [{ name: 'a\0' }, '/name'],
    [{ name: 'a'.repeat(257) }, '/name'],
    [{ scope: 'some' }, '/scope'],
    [{ tenant: 'unknown' }, '/tenant'],
    [{ tenant: '' }, '/tenant'],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    [{ expiresAt: 'soon' }, '/expiresAt'],
    [{ rateLimit: { requests: 0, perSeconds: 1 } }, '/rateLimit/requests'],
    [{ rateLimit: { requests: 1 } }, '/rateLimit/perSeconds'],
    [{ payloads: 'no' }, '/payloads'],
    [{ payloads: null }, '/payloads'],
    [{ key: 'mine' }, '/key'],
  ])('is not created from %j', async (body, field) => {
    expect(refused(await post(KEYS, { name: 'ci', scope: 'all', ...body }))).toEqual([422, 'invalid', [field]])
  })
})

describe('the rate limit of a key', () => {
  it('is reported in every response, and calls beyond it are refused with 429', async () => {
    const { key } = await make({ rateLimit: { requests: 2, perSeconds: 600 } })
    const first = await get('/v1/tenants', { key })
    expect(first.headers).toMatchObject({ 'ratelimit-policy': '"key";q=2;w=600', ratelimit: '"key";r=1;t=300' })
    expect((await get('/v1/nothing', { key })).headers.ratelimit).toBe('"key";r=0;t=600')
    const third = await get('/v1/tenants', { key })
    expect(refused(third)).toEqual([429, 'rate_limited', []])
    expect(third.headers['ratelimit-policy']).toBe('"key";q=2;w=600')
    const wait = Number(third.headers['retry-after'])
    expect(wait).toBeGreaterThan(250)
    expect(wait).toBeLessThanOrEqual(300)
    // Other keys are not affected.
    expect((await get('/v1/tenants', { key: (await make()).key })).headers.ratelimit).toBeUndefined()
    expect((await get('/v1/tenants')).headers.ratelimit).toBeUndefined()
  })

  it('refills over time, up to its limit', () => {
    const clock = new HandClock()
    const rates = new RateLimits(clock)
    const key = { rateLimit: { requests: 10, perSeconds: 5 } } as ApiKey
    const taken = (tries: number) =>
      Array.from({ length: tries }, () => rates.take(key)!).filter(({ isAllowed }) => isAllowed).length
    expect(taken(15)).toBe(10)
    expect(rates.take(key)).toMatchObject({ isAllowed: false, retryAfterSeconds: 1 })
    clock.turn(1_000)
    expect(taken(15)).toBe(2)
    clock.turn(60_000)
    expect(taken(15)).toBe(10)
  })
})
