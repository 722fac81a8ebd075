import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { newId } from '../../src/base/ids.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { type EndpointInput, Endpoints } from '../../src/services/endpoints/endpoints.ts'
import { endpointsOf } from '../store/endpoints-of.ts'
import { code, faults, fields, policy, refusal, resolvesTo, SECRET, TYPE, useBench } from './setup.ts'

const bench = useBench()
const URL_A = 'https://hooks.example.com/a'

const create = (over: Partial<EndpointInput> = {}) =>
  bench.endpoints.create('acme', { url: URL_A, clientSecret: SECRET, types: [TYPE], ...over })
const codes = (warnings: readonly { code: string }[]) => warnings.map(({ code }) => code)

type Tokens = { invalid: { token?: string; repeat?: string; times?: number; at: number; why: string }[] }
const tokens = JSON.parse(readFileSync(new URL('../vectors/tokens.json', import.meta.url), 'utf8')) as Tokens

describe('create', () => {
  it('C2: registers an endpoint with URL, secret and types', async () => {
    const { endpoint, warnings } = await create({
      description: 'd',
      metadata: { a: 'b' },
      headers: { 'X-Plan': 'v' },
      schedule: [30, 60],
      timeoutMs: 5_000,
    })
    expect(warnings).toEqual([])
    expect(await bench.endpoints.get('acme', endpoint.id)).toEqual(endpoint)
    expect(endpoint).toMatchObject({
      url: URL_A,
      types: [TYPE],
      description: 'd',
      metadata: { a: 'b' },
      headers: { 'x-plan': { secret: false, value: 'v' } },
      schedule: [30, 60],
      timeoutMs: 5_000,
      state: 'enabled',
    })
    const { id: ep, partition } = endpoint
    expect(bench.changes).toEqual([{ kind: 'endpoint', tenant: 'acme', endpoint: ep, partition }])
  })

  it('C2: without types an endpoint receives all; unknown types and an empty list are refused', async () => {
    expect((await create({ types: null })).endpoint.types).toBeNull()
    expect((await create({ types: [TYPE, TYPE] })).endpoint.types).toEqual([TYPE])
    expect(await fields(create({ types: [TYPE, 'NO_SUCH'] }))).toEqual(['/types/1'])
    expect(await fields(create({ types: [] }))).toEqual(['/types'])
  })

  it('C2: needs a URL and a clientSecret', async () => {
    const { url, clientSecret } = { url: URL_A, clientSecret: SECRET }
    expect(await fields(bench.endpoints.create('acme', { url } as EndpointInput))).toEqual(['/clientSecret'])
    expect(await fields(bench.endpoints.create('acme', { clientSecret } as EndpointInput))).toEqual(['/url'])
  })

  it('C2: new types replace the previous ones', async () => {
    const { endpoint } = await create()
    await bench.endpoints.update('acme', endpoint.id, { types: ['GRADE_CHANGED'] })
    expect((await bench.publishOne()).events[0]).toMatchObject({ deliveries: 0, notSent: { type: 1 } })
  })

  it('C3: stores the host of the URL as the parser normalised it, and path and query as they are', async () => {
    expect((await create({ url: 'https://HOOKS.example.com' })).endpoint.url).toBe('https://hooks.example.com/')
    const { endpoint, warnings } = await create({ url: "https://HOOKS.example.com:443/A/../b?c='d'&e=%2f?" })
    expect(endpoint.url).toBe("https://hooks.example.com/A/../b?c='d'&e=%2f?")
    expect(codes(warnings)).not.toContain('url_encoded')
  })

  it.each([
    ['http://hooks.example.com/', 'scheme'],
    ['https://user@hooks.example.com/', 'user_info'],
    ['https://10.0.0.1/', 'address_not_public'],
    ['https://hooks.example.com:22/', 'port'],
    ['https://shortname/', 'host_single_label'],
  ])('C3: refuses %s with the reason %s', async (url, reason) => {
    expect(await faults(create({ url }))).toMatchObject([{ field: '/url', reason }])
  })

  it('C3: refuses a host name that resolves to a non-public address, and does not reveal the address', async () => {
    const endpoints = bench.endpointsWith(policy(), resolvesTo('93.184.215.14', '10.1.2.3'))
    const error = await refusal(endpoints.create('acme', { url: URL_A, clientSecret: SECRET }))
    expect(error.fields).toMatchObject([{ field: '/url', reason: 'address_not_public' }])
    expect(JSON.stringify(error.fields)).not.toContain('10.1.2.3')
  })

  it('C3: accepts loopback in development mode only', async () => {
    const url = 'http://localhost:9000/hook'
    const dev = bench.endpointsWith(policy({ dev: true }), resolvesTo('127.0.0.1'))
    expect((await dev.create('acme', { url, clientSecret: SECRET })).endpoint.url).toBe(url)
    expect(await fields(create({ url }))).toEqual(['/url'])
  })

  it("C3: accepts a host name that doesn't resolve, with a warning", async () => {
    const endpoints = bench.endpointsWith(policy(), (_host, _options, callback) =>
      callback(Object.assign(new Error(), { code: 'ENOTFOUND' }), []),
    )
    const { warnings } = await endpoints.create('acme', { url: URL_A, clientSecret: SECRET, types: [TYPE] })
    expect(codes(warnings)).toEqual(['host_unresolved'])
  })

  it('C3: waits three seconds for a name server that does not respond', async () => {
    const waits: number[] = []
    const clock: Clock = {
      now: () => 0,
      monotonicMs: () => 0,
      after(delayMs, fire) {
        waits.push(delayMs)
        queueMicrotask(fire)
        return { cancel: () => {} }
      },
    }
    const types = () => bench.publisher.types()
    const endpoints = new Endpoints(bench.store, bench.keyring, policy(), types, { resolver: () => {}, clock })
    const { warnings } = await endpoints.create('acme', { url: URL_A, clientSecret: SECRET, types: [TYPE] })
    expect(codes(warnings)).toEqual(['host_unresolved'])
    expect(waits).toEqual([3_000])
  })

  it('C7: refuses each invalid secret with the position of the fault, and never repeats the secret', async () => {
    for (const { token, repeat, times, at } of tokens.invalid) {
      const secret = token ?? repeat!.repeat(times!)
      const error = await refusal(create({ clientSecret: secret }))
      expect(error.fields).toMatchObject([{ field: '/clientSecret', position: at }])
      if (secret.length > 12) expect(JSON.stringify([error.message, error.fields])).not.toContain(secret)
    }
    expect(await fields(create({ clientSecret: 7 as unknown as string }))).toEqual(['/clientSecret'])
  })

  it('C8: warns of problems with a secret', async () => {
    expect(codes((await create({ clientSecret: 'short' })).warnings)).toEqual(['secret_short'])
    expect(codes((await create({ clientSecret: `${SECRET}=`, types: null })).warnings)).toEqual([
      'secret_for_several_types',
    ])
    await create()
    expect(codes((await create()).warnings)).toEqual(['secret_shared_between_endpoints'])
  })

  it("C8: warns of a shared secret only among the tenant's own endpoints that still exist", async () => {
    await bench.tenants.put('other', {})
    await bench.endpoint({}, 'other')
    const { endpoint, warnings } = await create()
    expect(warnings).toEqual([])
    await bench.endpoints.remove('acme', endpoint.id)
    expect((await create()).warnings).toEqual([])
  })

  it('C8: compares the expiry of a token with the current time', async () => {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const token = (days: number) => {
      const exp = Math.floor(bench.store.now() / 1_000) + days * 86_400
      return `${encode({ alg: 'HS256' })}.${encode({ exp })}.c2lnbmF0dXJl`
    }
    expect(codes((await create({ clientSecret: token(-1) })).warnings)).toEqual(['token_expired'])
    expect(codes((await create({ clientSecret: token(10) })).warnings)).toEqual(['token_expires_soon'])
    expect(codes((await create({ clientSecret: token(400) })).warnings)).toEqual([])
  })

  it('C14: stores the secret encrypted for that endpoint, and never reveals it', async () => {
    const { endpoint } = await create()
    expect(bench.secretOf(endpoint)).toBe(SECRET)
    expect(JSON.stringify([endpoint, bench.changes])).not.toContain(SECRET)
    expect(Buffer.from(endpoint.sealedCredentials).includes(SECRET)).toBe(false)
  })

  it('names all faults in one refusal', async () => {
    const input = {
      url: 'nonsense',
      clientSecret: 'a b',
      types: ['NO_SUCH'],
      description: 'x'.repeat(1_025),
      metadata: { a: 1 },
      headers: { Host: 'x' },
      schedule: [0],
      timeoutMs: 999,
    } as unknown as EndpointInput
    const expected = [
      '/url',
      '/clientSecret',
      '/types/0',
      '/description',
      '/metadata/a',
      '/headers/Host',
      '/schedule/0',
      '/timeoutMs',
    ]
    expect(await fields(create(input))).toEqual(expected)
    expect(await fields(bench.endpoints.create('acme', {} as EndpointInput))).toEqual(['/url', '/clientSecret'])
    expect(await endpointsOf(bench.store, 'acme')).toEqual([])
  })

  it('throws not_found for an unknown tenant before anything else', async () => {
    expect(await code(bench.endpoints.create('unknown', {} as EndpointInput))).toBe('not_found')
  })
})

describe('settings of an endpoint', () => {
  it.each([
    'Authorization',
    'cookie',
    'Proxy-Authorization',
    'User-Agent',
    'X-APIVersion',
    'Webhook-Id',
    'x-posthorn-test',
    'Content-Type',
    'content-length',
    'Content-Encoding',
    'Host',
    'Connection',
    'Keep-Alive',
    'Transfer-Encoding',
    'TE',
    'Trailer',
    'Upgrade',
    'Expect',
    'Accept-Encoding',
    'Forwarded',
    'X-Forwarded-For',
    'Sec-Fetch-Site',
    'Date',
    'traceparent',
    'X-HTTP-Method-Override',
    'webhook_id',
    'Content_Length',
    'X_Forwarded_For',
    'True-Client-IP',
    'CF-Connecting-IP',
    'X-Original-URL',
  ])('C10: refuses the header %s, which is reserved', async name => {
    expect(await faults(create({ headers: { [name]: 'x' } }))).toMatchObject([{ reason: 'header_reserved' }])
  })

  it('refuses headers that would not arrive unchanged, and never repeats a value', async () => {
    for (const value of ['a\r\nb: c', 'a\0', 'é', ' a', 'a ', '\ta', 'x'.repeat(1_025)]) {
      const error = await refusal(create({ headers: { 'x-key': value } }))
      expect(error.fields).toHaveLength(1)
      if (value.length > 2) expect(JSON.stringify(error.fields)).not.toContain(JSON.stringify(value).slice(1, -1))
    }
    for (const name of ['', 'a b', 'a:b', 'é', 'a\n', 'x'.repeat(129)]) {
      expect(await faults(create({ headers: { [name]: 'x' } }))).toMatchObject([{ reason: 'header_name' }])
    }
    expect(await fields(create({ headers: { 'X-A': '1', 'x-a': '2' } }))).toEqual(['/headers/x-a'])
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`x-${index}`, 'v']))
    expect(await fields(create({ headers: many }))).toEqual(['/headers'])
  })

  it('keeps headers and metadata with unusual names', async () => {
    const own = JSON.parse('{"__proto__":"v"}') as Record<string, string>
    const { endpoint } = await create({ headers: own, metadata: own })
    const read = await bench.endpoints.get('acme', endpoint.id)
    expect(Object.entries(read.headers)).toEqual([['__proto__', { secret: false, value: 'v' }]])
    expect(Object.entries(read.metadata)).toEqual([['__proto__', 'v']])
    expect((await create({ headers: { 'x-a': 'a\tb c', 'x-b': '' } })).endpoint.headers).toEqual({
      'x-a': { secret: false, value: 'a\tb c' },
      'x-b': { secret: false, value: '' },
    })
  })

  it('C12: accepts a schedule, even an empty one, and a very short one in development mode', async () => {
    expect((await create({ schedule: [] })).endpoint.schedule).toEqual([])
    expect((await create({ schedule: [1, 1.5, 604_800] })).endpoint.schedule).toEqual([1, 1.5, 604_800])
    expect(await fields(create({ schedule: [30, 0.5, 604_801, Number.NaN] }))).toEqual([
      '/schedule/1',
      '/schedule/2',
      '/schedule/3',
    ])
    expect(await fields(create({ schedule: Array(31).fill(1) }))).toEqual(['/schedule'])
    const dev = bench.endpointsWith(policy({ dev: true }), resolvesTo('127.0.0.1'))
    const input = { url: 'http://localhost:1/', clientSecret: SECRET, schedule: [0.01], timeoutMs: 50 }
    expect((await dev.create('acme', input)).endpoint.schedule).toEqual([0.01])
  })

  it('accepts a rate limit and strict order, and has neither by default', async () => {
    expect((await create()).endpoint).toMatchObject({ rateLimit: null, ordered: false })
    const rateLimit = { requests: 10_000, perSeconds: 86_400 }
    const { endpoint } = await create({ rateLimit, ordered: true })
    expect(await bench.endpoints.get('acme', endpoint.id)).toMatchObject({ rateLimit, ordered: true })
    const { endpoint: after } = await bench.endpoints.update('acme', endpoint.id, { rateLimit: null })
    expect(after).toMatchObject({ rateLimit: null, ordered: true })
    const { endpoint: last } = await bench.endpoints.update('acme', endpoint.id, { ordered: false })
    expect(last).toMatchObject({ rateLimit: null, ordered: false })
  })

  it.each([
    [{ requests: 0, perSeconds: 86_401 }, ['/rateLimit/requests', '/rateLimit/perSeconds']],
    [{ requests: 10_001, perSeconds: 0 }, ['/rateLimit/requests', '/rateLimit/perSeconds']],
    [{ requests: 1.5, perSeconds: '1' }, ['/rateLimit/requests', '/rateLimit/perSeconds']],
    [{ requests: 1 }, ['/rateLimit/perSeconds']],
    [
      [1, 2],
      ['/rateLimit/requests', '/rateLimit/perSeconds'],
    ],
    ['5/s', ['/rateLimit']],
  ])('refuses the rate limit %j', async (rateLimit, expected) => {
    expect(await fields(create({ rateLimit } as unknown as EndpointInput))).toEqual(expected)
  })

  it('refuses a value of ordered that is neither true nor false', async () => {
    expect(await fields(create({ ordered: 'yes' } as unknown as EndpointInput))).toEqual(['/ordered'])
  })

  it('refuses too much metadata, and other invalid settings', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`${index}`, 'v']))
    expect(await fields(create({ metadata }))).toEqual(['/metadata'])
    expect(await fields(create({ metadata: { a: 'x'.repeat(513) } }))).toEqual(['/metadata/a'])
    expect(await fields(create({ metadata: { ['k'.repeat(65)]: 'v' } }))).toHaveLength(1)
    expect(await fields(create({ description: 'a\0b' }))).toEqual(['/description'])
    expect(await fields(create({ timeoutMs: 1_000.5 }))).toEqual(['/timeoutMs'])
  })
})

describe('update', () => {
  it('changes the fields in the patch and keeps the others', async () => {
    const { endpoint } = await create({ description: 'd', schedule: [30] })
    const { endpoint: after } = await bench.endpoints.update('acme', endpoint.id, { schedule: null, timeoutMs: 2_000 })
    expect(after).toEqual({ ...endpoint, schedule: null, timeoutMs: 2_000, updatedAtMs: after.updatedAtMs })
    expect(after.updatedAtMs).toBeGreaterThan(endpoint.updatedAtMs)
    expect(await bench.endpoints.get('acme', endpoint.id)).toEqual(after)
    expect(bench.kinds()).toEqual(['endpoint', 'endpoint'])
  })

  it('C8: warns of problems with a new secret, and C7 refuses an invalid one', async () => {
    const { endpoint } = await create()
    const { endpoint: after, warnings } = await bench.endpoints.update('acme', endpoint.id, { clientSecret: 'short' })
    expect(codes(warnings)).toEqual(['secret_short'])
    expect(bench.secretOf(after)).toBe('short')
    expect(codes((await bench.endpoints.describe(after)).warnings)).toEqual(['secret_short'])
    expect(await fields(bench.endpoints.update('acme', endpoint.id, { clientSecret: '' }))).toEqual(['/clientSecret'])
  })

  it('C3: checks a new URL, including the addresses of its host', async () => {
    const { endpoint } = await create()
    const inside = bench.endpointsWith(policy(), resolvesTo('10.1.2.3'))
    expect(await faults(inside.update('acme', endpoint.id, { url: URL_A }))).toMatchObject([
      { field: '/url', reason: 'address_not_public' },
    ])
    expect(await fields(bench.endpoints.update('acme', endpoint.id, { url: 'http://x' }))).toEqual(['/url'])
  })

  it('loses none of several concurrent changes', async () => {
    const { endpoint } = await create()
    await Promise.all([
      bench.endpoints.update('acme', endpoint.id, { description: 'new' }),
      bench.endpoints.update('acme', endpoint.id, { timeoutMs: 2_000 }),
      bench.endpoints.disable('acme', endpoint.id),
    ])
    const after = await bench.endpoints.get('acme', endpoint.id)
    expect(after).toMatchObject({ description: 'new', timeoutMs: 2_000, state: 'disabled' })
  })
})

describe('endpoints', () => {
  it("are not found by ids that are unknown, malformed or another tenant's", async () => {
    await bench.tenants.put('other', {})
    const id = await bench.endpoint({}, 'other')
    for (const wrong of [id, newId('ep', 1), 'ep_x', '', 'a\0']) {
      expect(await code(bench.endpoints.get('acme', wrong))).toBe('not_found')
      expect(await code(bench.endpoints.update('acme', wrong, {}))).toBe('not_found')
      expect(await code(bench.endpoints.remove('acme', wrong))).toBe('not_found')
      expect(await code(bench.endpoints.disable('acme', wrong))).toBe('not_found')
      expect(await code(bench.endpoints.enable('acme', wrong, { held: 'cancel' }))).toBe('not_found')
    }
    expect(await code(bench.endpointLists.select('unknown', {}))).toBe('not_found')
    const all = await bench.endpointLists.select('acme', {})
    expect(await fields(bench.endpointLists.find(all, { before: 'x' }, 1))).toEqual(['cursor'])
  })

  it('are listed newest first, in pages', async () => {
    const ids = [await bench.endpoint(), await bench.endpoint(), await bench.endpoint()]
    const all = await bench.endpointLists.select('acme', {})
    const first = await bench.endpointLists.find(all, { before: null }, 2)
    expect(first.items.map(({ id }) => id)).toEqual([ids[2], ids[1]])
    const second = await bench.endpointLists.find(all, { before: ids[1]! }, 2)
    expect(second.items.map(({ id }) => id)).toEqual([ids[0]])
  })

  it('have a warning if their stored secret cannot be decrypted', async () => {
    const { endpoint } = await create()
    const types = () => bench.publisher.types()
    const other = new Endpoints(bench.store, createKeyring(randomBytes(32)), policy(), types)
    expect(codes((await other.describe(endpoint)).warnings)).toEqual(['secret_unreadable'])
    // A new clientSecret starts from scratch and takes effect immediately, with a new signing secret.
    const switchAtMs = bench.store.now() + 60_000
    const { id } = endpoint
    expect(await fields(other.update('acme', id, { clientSecret: `new-${SECRET}`, switchAtMs }))).toEqual(['/switchAt'])
    const mended = await other.update('acme', id, { clientSecret: `new-${SECRET}` })
    expect(mended.signingSecret).toMatch(/^whsec_/)
    expect(codes(mended.warnings)).not.toContain('secret_unreadable')
    expect((await other.update('acme', id, { clientSecret: `newer-${SECRET}` })).signingSecret).toBeNull()
  })

  it('C6: need no clientSecret besides OAuth, and keep one whose switch time has passed', async () => {
    const oauth = { tokenUrl: 'https://login.example.com/token', clientId: 'id', clientSecret: 'hidden' }
    const { endpoint } = await bench.endpoints.create('acme', { url: URL_A, oauth })
    const switchAtMs = bench.store.now() + 60_000
    await bench.endpoints.update('acme', endpoint.id, { clientSecret: SECRET, switchAtMs })
    expect(await fields(bench.endpoints.update('acme', endpoint.id, { oauth: null }))).toEqual(['/clientSecret'])
    const now = vi.spyOn(bench.store, 'now').mockReturnValue(switchAtMs + 1)
    const { authentication } = await bench.endpoints.update('acme', endpoint.id, { oauth: null })
    now.mockRestore()
    expect(authentication).toMatchObject({ oauth: null, secretFingerprint: expect.any(String) })
  })

  it('have at most ten valid signing secrets at the same time', async () => {
    const { endpoint } = await create()
    for (let at = 2; at <= 10; at++) await bench.endpoints.rotateSigning('acme', endpoint.id, {})
    expect(await code(bench.endpoints.rotateSigning('acme', endpoint.id, {}))).toBe('conflict')
  })
})

describe('C13: the effect of a change on deliveries', () => {
  it('deleting cancels all deliveries, including held ones, and notifies the lane before and after', async () => {
    const id = await bench.endpoint()
    await bench.publishOne()
    await bench.endpoints.disable('acme', id)
    await bench.publishOne()
    bench.changes.length = 0
    await bench.endpoints.remove('acme', id)
    expect((await bench.list()).map(({ state }) => state)).toEqual(['cancelled', 'cancelled'])
    expect(bench.kinds()).toEqual(['endpoint', 'lane'])
    expect(await code(bench.endpoints.get('acme', id))).toBe('not_found')
  })

  it('disabling holds pending deliveries, and enabling releases them, due now', async () => {
    const id = await bench.endpoint()
    await bench.publishOne()
    expect(await bench.endpoints.disable('acme', id)).toMatchObject({ state: 'disabled', disabledReason: 'manual' })
    expect(await bench.list('held')).toHaveLength(1)
    await bench.publishOne()
    bench.changes.length = 0
    expect(await bench.endpoints.enable('acme', id, { held: 'release' })).toMatchObject({
      state: 'enabled',
      disabledReason: null,
    })
    expect(await bench.list('pending')).toHaveLength(2)
    expect(bench.kinds()).toEqual(['endpoint', 'lane'])
  })

  it('enabling with cancel cancels held deliveries without ever making them pending', async () => {
    const id = await bench.endpoint()
    const other = await bench.endpoint()
    await bench.publishOne()
    await bench.endpoints.disable('acme', id)
    const write = vi.spyOn(bench.store, 'write')
    await bench.endpoints.enable('acme', id, { held: 'cancel' })
    const names = write.mock.calls.map(([name]) => name)
    expect(names.indexOf('cancelDeliveries')).toBeLessThan(names.indexOf('setEndpointState'))
    expect(names.lastIndexOf('cancelDeliveries')).toBeGreaterThan(names.indexOf('setEndpointState'))
    expect((await bench.list(null, id)).map(({ state }) => state)).toEqual(['cancelled'])
    expect((await bench.list(null, other)).map(({ state }) => state)).toEqual(['pending'])
  })

  it('moves more deliveries than fit into one commit', async () => {
    const id = await bench.endpoint()
    const { example } = await bench.types.get(TYPE)
    const thousand = Array.from({ length: 1_000 }, () => ({ type: TYPE, payload: example }))
    for (let round = 0; round < 3; round++) await bench.publish(thousand)
    const { partition } = await bench.endpoints.get('acme', id)
    await bench.endpoints.disable('acme', id)
    const lane = () => bench.store.readLane({ partition, endpoint: id, limit: 9_999, maxPayloadBytes: 0 })
    expect(await lane()).toHaveLength(0)
    await bench.endpoints.enable('acme', id, { held: 'release' })
    expect(await lane()).toHaveLength(3_000)
    await bench.endpoints.remove('acme', id)
    expect(await lane()).toHaveLength(0)
  })
})

describe('warnings about the filters of many endpoints', () => {
  it('of one tenant keep no other tenant waiting for its own', async () => {
    await bench.tenants.put('globex', {})
    for (let n = 0; n < 100; n++) {
      const schema = { type: 'object', properties: { a: { enum: [n] } }, required: ['a'] }
      await bench.types.put(`T${n}`, { group: 'g', description: 'd', schema, example: { a: n } })
    }
    const many = []
    for (let n = 0; n < 5; n++)
      many.push((await create({ types: null, filter: { a: [...Array(99).keys(), 200 + n] } })).endpoint)
    const input = { url: URL_A, clientSecret: SECRET, types: ['T1'], filter: { a: [2] } }
    const own = await bench.endpoints.create('globex', input)
    const order: string[] = []
    const show = (_endpoint: unknown, { warnings }: { warnings: readonly { code: string }[] }) => codes(warnings).join()
    const describing = bench.endpoints.showAll([...many, ...many], show, 1_000_000).then(all => {
      order.push('many')
      return all
    })
    expect(codes((await bench.endpoints.describe(own.endpoint)).warnings)).toEqual(['filter_value_unknown'])
    order.push('own')
    const all = await describing
    expect(order).toEqual(['own', 'many'])
    expect(all).toHaveLength(10)
    for (const warnings of all) expect(warnings).toContain('filter_value_unknown')
  })
})
