import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/base/durations.ts'
import { policy, resolvesTo } from '../services/setup.ts'
import { type Answer, type Json, useApi } from './setup.ts'

// cspell:ignore REFERNCE

const bench = useApi()
const CHECK = '/v1/tenants/acme/endpoint-checks'
const CREATE = '/v1/tenants/acme/endpoints'
const URL = 'https://hooks.example.com/a'
const SECRET = 'c2VjcmV0LXRva2VuLXdpdGg='

const check = async (body: unknown) => {
  const answer = await bench.post(CHECK, body)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

const jwt = (expMs: number) =>
  ['{"alg":"HS256"}', JSON.stringify({ exp: Math.floor(expMs / 1_000) }), 'signature']
    .map(part => Buffer.from(part).toString('base64url'))
    .join('.')

const faultsOf = ({ body }: Answer): Json[] => body.errors ?? []

describe('a check of an endpoint', () => {
  it('finds nothing wrong with a good one, and stores nothing', async () => {
    expect(await check({ url: URL, clientSecret: SECRET, uid: 'billing', types: ['COVER_REFERENCE'] })).toEqual({
      errors: [],
      missing: [],
      warnings: [],
    })
    expect((await bench.get(CREATE)).body.data).toEqual([])
    expect((await bench.get('/v1/audit')).body.data.filter((one: Json) => one.target === 'endpoint')).toEqual([])
  })

  it('says what is missing, and what is wrong with the rest', async () => {
    const { errors, missing } = await check({ types: ['COVER_REFERNCE'], timeoutMs: 1 })
    expect(missing.map(({ field }: Json) => field)).toEqual(['/url', '/clientSecret'])
    expect(errors.map(({ field }: Json) => field)).toEqual(['/types/0', '/timeoutMs'])
    expect((await check({ oauth: null })).missing).toHaveLength(2)
    expect((await check({ url: URL })).missing.map(({ field }: Json) => field)).toEqual(['/clientSecret'])
  })

  it.each([
    { url: 'http://hooks.example.com/a', clientSecret: SECRET },
    { url: 'https://10.0.0.1/', clientSecret: SECRET },
    { url: 'https://localhost/', clientSecret: SECRET },
    { url: URL, clientSecret: 'with space' },
    { url: URL, clientSecret: SECRET, types: [], uid: 'ep_01jy4k8v3xf0c8wq2rn5s7t9ab' },
    { url: URL, clientSecret: SECRET, filter: { amount: { $more: 1 } } },
    {
      url: URL,
      clientSecret: SECRET,
      headers: { Host: 'x' },
      schedule: [0],
      rateLimit: { requests: 0, perSeconds: 1 },
    },
    { url: URL, clientSecret: SECRET, headers: { 'X-Id': 'a' }, signatureHeaders: { id: 'X-Id' } },
    { url: URL, clientSecret: SECRET, clientCertificate: { certificate: 'a', key: 'b' } },
    { url: URL, oauth: { tokenUrl: 'https://127.0.0.1/', clientId: 'a', clientSecret: 'b' } },
    { url: URL, clientSecret: SECRET, signingSecret: 'short', name: 'n'.repeat(129), description: '\u0000' },
  ])('refuses what registering refuses: %j', async input => {
    const wanted = faultsOf(await bench.post(CREATE, input))
    expect(wanted.length).toBeGreaterThan(0)
    expect((await check(input)).errors).toEqual(wanted)
  })

  it.each([
    { url: `${URL}?a b`, clientSecret: SECRET },
    { url: URL, clientSecret: jwt(Date.now() + 3 * DAY_MS), types: ['COVER_*'] },
    { url: URL, clientSecret: 'short' },
    { url: URL, clientSecret: SECRET, types: ['COVER_REFERENCE'], filter: { nothing: ['a'] } },
  ])('warns of what registering warns of: %j', async input => {
    const { warnings } = await check(input)
    const created = await bench.post(CREATE, input)
    expect(created.status, created.text).toBe(201)
    expect(warnings).toEqual(created.body.warnings)
  })

  it('warns of what is right if something else is wrong', async () => {
    const { errors, warnings } = await check({
      url: 'nonsense',
      clientSecret: 'short',
      filter: { a: { $more: 1 } },
      types: ['NOPE'],
    })
    expect(errors.map(({ field }: Json) => field)).toContain('/url')
    expect(warnings.length).toBeGreaterThan(0)
  })

  it('knows the uids, the secrets and the limits of the tenant', async () => {
    await bench.post(CREATE, { url: URL, clientSecret: SECRET, uid: 'billing' })
    const taken = await check({ url: URL, clientSecret: SECRET, uid: 'billing' })
    expect(taken.errors).toMatchObject([{ field: '/uid' }])
    expect(taken.errors[0].detail).toContain('billing')
    expect(taken.warnings.map(({ code }: Json) => code)).toContain('secret_shared_between_endpoints')
    const limited = (limits: object) =>
      bench.useServices({ endpoints: bench.endpointsWith(policy(limits), resolvesTo('93.184.215.14')) })
    await limited({ maxEndpoints: 1, maxSelectionCharacters: 10 })
    const full = await check({ url: URL, clientSecret: SECRET, types: ['COVER_REFERENCE'] })
    expect(full.errors).toMatchObject([{ field: '', detail: expect.stringContaining('maxEndpoints') }])
    await limited({ maxEndpoints: 2, maxSelectionCharacters: 10 })
    expect((await check({ types: ['COVER_REFERENCE'] })).errors).toMatchObject([
      { field: '', detail: expect.stringContaining('maxSelectionCharacters') },
    ])
    await limited({ maxEndpoints: 2 })
    expect((await check({ types: ['COVER_REFERENCE'] })).errors).toEqual([])
  })

  it('is refused for an unknown tenant and for members that endpoints do not have', async () => {
    expect((await bench.post('/v1/tenants/unknown/endpoint-checks', { url: URL })).status).toBe(404)
    expect((await bench.post(CHECK, { url: URL, switchAt: null })).status).toBe(422)
  })
})
