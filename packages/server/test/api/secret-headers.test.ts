import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCredentials } from '../../src/secrets/credentials.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { isSecretName } from '../../src/secrets/secret-headers.ts'
import { Endpoints } from '../../src/services/endpoints/endpoints.ts'
import { policy, SECRET, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, patch, remove } = bench
const TENANT = '/v1/tenants/acme'
const ENDPOINTS = `${TENANT}/endpoints`
const ONE = `${ENDPOINTS}/hook`
const NEW = { uid: 'hook', url: 'https://hooks.example.com/a', clientSecret: SECRET, types: [TYPE] }
const HIDDEN = { secret: true }
const VALUE = 'value-of-the-key-7c1f'

const create = (headers: object) => post(ENDPOINTS, { ...NEW, headers })
const headersOf = async () => (await get(ONE)).body.headers

/** What is sent: the values in clear and the sealed ones. */
async function sent(reference = 'hook'): Promise<Record<string, string>> {
  const { id, headers, sealedCredentials } = await bench.endpoints.get('acme', reference)
  const sealed = new Map(Object.entries(readCredentials(bench.keyring.open(id, sealedCredentials)).headers))
  return Object.fromEntries(Object.entries(headers).map(([name, { value }]) => [name, value ?? sealed.get(name)!]))
}

/** As an earlier version stored them. */
const storeInClear = (headers: object, uid = 'hook') =>
  bench.run('update endpoint set headers = $1 where uid = $2', [JSON.stringify(headers), uid])

const storedText = async () => {
  const { id } = await bench.endpoints.get('acme', 'hook')
  const rows = await bench.store.read('readSealed', { after: null, limit: 99 })
  return rows.find(({ endpoint }) => endpoint === id)!.headers
}

/** What is written down of the endpoint's requests. */
const templateText = async () => {
  const { id } = await bench.endpoints.get('acme', 'hook')
  return JSON.stringify((await bench.store.read('getSendable', { id }))!.template)
}

describe('C14: the value of a secret header', () => {
  it.each([
    'X-Api-Key',
    'apikey',
    'X_API_KEY',
    'X-Auth-Token',
    'X-Authorization',
    'X-Access-Key',
    'Ocp-Apim-Subscription-Key',
    'X-Functions-Key',
    'X-Shared-Secret',
    'X-Password',
    'X-Session',
    'X-Credentials',
    'X-Hub-Signature-256',
    'X-JWT',
    'X-Webhook-Key',
    'X-Master-Key',
    'X-Pass',
    'X_PWD',
    'X-Pin',
    'X-OTP',
    'X-PSK',
    'X-Sig',
    'X-Hook-Sign',
    'X-Cred',
    'X-CSRF',
    'X-Ticket',
    'X-Private',
  ])('is never shown if the header is named %s, and is sent', async name => {
    const created = await create({ [name]: VALUE, 'X-Region': 'eu' })
    const key = name.toLowerCase()
    expect(created.body.headers).toEqual({ [key]: HIDDEN, 'x-region': 'eu' })
    expect(await headersOf()).toEqual(created.body.headers)
    expect(await sent()).toEqual({ [key]: VALUE, 'x-region': 'eu' })
  })

  it.each(['X-Keyboard', 'X-Pinned', 'X-Compass', 'X-Design', 'Idempotency-Key', 'X-Routing-Key', 'X-Cache-Key'])(
    'is shown if the header is named %s',
    async name => {
      const { body } = await create({ [name]: 'eu' })
      expect(body.headers).toEqual({ [name.toLowerCase()]: 'eu' })
    },
  )

  it('is hidden or shown as the call says, whatever the name is', async () => {
    const { body } = await create({
      'X-Region': { value: 'eu', secret: true },
      'X-Author': { value: 'jo', secret: false },
      'X-Plan': { value: 'a' },
      'X-Token': { value: 'b' },
    })
    expect(body.headers).toEqual({
      'x-region': HIDDEN,
      'x-author': { value: 'jo', secret: false },
      'x-plan': 'a',
      'x-token': HIDDEN,
    })
    expect(await sent()).toEqual({ 'x-region': 'eu', 'x-author': 'jo', 'x-plan': 'a', 'x-token': 'b' })
  })

  it('is in no response, export, audit entry, log line or row', async () => {
    await create({ 'X-Api-Key': VALUE, 'X-Region': { value: VALUE, secret: true } })
    const texts = [
      (await get(ENDPOINTS)).text,
      (await get(`${TENANT}/export`)).text,
      (await patch(ONE, { headers: { 'X-Api-Key': `${VALUE}2` } })).text,
      (await post(`${ONE}/signing-secrets`)).text,
      (await patch(ONE, { headers: { 'X-Api-Key': `${VALUE}\n` } })).text,
      (await patch(ONE, { headers: { 'X-Api-Key': { value: VALUE, secret: 'yes' } } })).text,
      (await patch(ONE, { headers: { 'X Api Key': VALUE } })).text,
      (await patch(ONE, { headers: { Host: { value: VALUE, secret: true } } })).text,
      (await get('/v1/audit')).text,
      await storedText(),
      await templateText(),
      ...bench.log,
    ]
    for (const text of texts) expect(text).not.toContain(VALUE)
    const line = texts[1]!.split('\n').find(each => each.includes('"kind":"endpoint"'))
    expect(JSON.parse(line!).headers).toEqual({ 'x-api-key': HIDDEN, 'x-region': HIDDEN })
  })

  it('is kept by a PATCH that gives back what was shown, and by one that leaves headers out', async () => {
    await create({
      'X-Api-Key': VALUE,
      'X-Author': { value: 'jo', secret: false },
      'X-Region': { value: 'eu', secret: true },
    })
    const before = await sent()
    const shown = await headersOf()
    expect((await patch(ONE, { headers: shown, name: 'n' })).body.headers).toEqual(shown)
    expect(await sent()).toEqual(before)
    for (const change of [{ name: 'm' }, { clientSecret: `${SECRET}=` }, { headers: { ...shown, 'x-new': '1' } }]) {
      await patch(ONE, change)
      expect(await sent()).toMatchObject(before)
    }
    await post(`${ONE}/signing-secrets`)
    expect(await sent()).toMatchObject(before)
    expect((await patch(ONE, { headers: { 'X-API-KEY': HIDDEN } })).body.headers).toEqual({ 'x-api-key': HIDDEN })
    expect(await sent()).toEqual({ 'x-api-key': VALUE })
    await patch(ONE, { headers: null })
    expect(await sent()).toEqual({})
  })

  it('stays hidden unless it is given again', async () => {
    await create({ 'X-Api-Key': VALUE, 'X-Region': 'eu' })
    for (const name of ['X-Api-Key', 'x-api-key']) {
      const answer = await patch(ONE, { headers: { [name]: { secret: false } } })
      expect(refused(answer)).toEqual([422, 'invalid', [`/headers/${name}`]])
    }
    const opened = await patch(ONE, { headers: { 'x-api-key': { value: VALUE, secret: false } } })
    expect(opened.body.headers).toEqual({ 'x-api-key': { value: VALUE, secret: false } })
    // What is shown can become secret without being given again, or stay as it is.
    expect((await patch(ONE, { headers: { 'x-api-key': { secret: false } } })).body.headers).toEqual(
      opened.body.headers,
    )
    expect((await patch(ONE, { headers: { 'x-api-key': HIDDEN } })).body.headers).toEqual({ 'x-api-key': HIDDEN })
    expect(await sent()).toEqual({ 'x-api-key': VALUE })
  })

  it.each([
    [{ 'X-Api-Key': HIDDEN }, ['/headers/X-Api-Key']],
    [{ 'X-Region': {} }, ['/headers/X-Region']],
    [{ 'X-Region': { secret: true } }, ['/headers/X-Region']],
    [{ 'X-Region': { value: 'a\nb', secret: true } }, ['/headers/X-Region/value']],
    [{ 'X-Region': { value: 7 } }, ['/headers/X-Region/value']],
    [{ 'X-Region': { value: 'a', hidden: true } }, ['/headers/X-Region/hidden']],
    [{ 'X-Region': null }, ['/headers/X-Region']],
    [{ 'X-Region': ['a'] }, ['/headers/X-Region']],
    [Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`x-token-${at}`, 'v'])), ['/headers']],
  ])('is refused as %j', async (headers, named) => {
    expect(refused(await create(headers))).toEqual([422, 'invalid', named])
  })

  it('is named in the audit log and in an operational event when it changes, and only then', async () => {
    await post(ENDPOINTS, { ...NEW, uid: 'news', types: ['posthorn.secret.replaced'] })
    await create({ 'X-Api-Key': VALUE, 'X-Region': 'eu' })
    const secrets = async (headers: object) => {
      await patch(ONE, { headers })
      const notices = await bench.store.write('claimNotices', { nowMs: bench.store.now() + 1_000 })
      await bench.store.write('finishNotices', { keys: notices.map(({ key }) => key), nowMs: Date.now() })
      const { fields, action } = (await get('/v1/audit?limit=1')).body.data[0]
      return [action, ...fields, ...notices.map(({ payload }) => JSON.parse(payload).secrets)]
    }
    expect(await secrets({ 'X-Api-Key': HIDDEN, 'X-Region': 'us' })).toEqual(['updated', 'headers'])
    expect(await secrets({ 'X-Api-Key': VALUE, 'X-Region': 'us' })).toEqual(['updated', 'headers'])
    expect(await secrets({ 'X-Api-Key': `${VALUE}2`, 'X-Region': 'us' })).toEqual(['updated', 'headers', ['headers']])
    expect((await get('/v1/audit')).body.data.filter(({ action }: Json) => action === 'updated')).toHaveLength(2)
  })

  it('is whatever was given last, through any changes', async () => {
    const names = ['x-api-key', 'x-region', 'constructor', 'x-token']
    const value = fc.constantFrom('a', 'b', 'c')
    const input = fc.oneof(
      value,
      fc.record({ value, secret: fc.boolean() }),
      fc.record({ value }),
      fc.constant({ secret: true }),
      fc.constant({ secret: false }),
    )
    const change = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), input), { selector: ([name]) => name })
    let count = 0
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 5 }), async changes => {
        const uid = `p${++count}`
        await post(ENDPOINTS, { ...NEW, uid })
        let model = new Map<string, { value: string; secret: boolean }>()
        for (const wanted of changes) {
          const next = new Map<string, { value: string; secret: boolean }>()
          let isSound = true
          for (const [name, given] of wanted) {
            const { value: own, secret = isSecretName(name) } = (
              typeof given === 'string' ? { value: given } : given
            ) as { value?: string; secret?: boolean }
            const before = model.get(name)
            if (own === undefined && (before === undefined || (before.secret && !secret))) isSound = false
            next.set(name, { value: own ?? before?.value ?? '', secret })
          }
          const { status, body } = await patch(`${ENDPOINTS}/${uid}`, { headers: Object.fromEntries(wanted) })
          expect(status).toBe(isSound ? 200 : 422)
          if (!isSound) continue
          model = next
          expect(await sent(uid)).toEqual(Object.fromEntries([...model].map(([name, header]) => [name, header.value])))
          const hidden = Object.entries(body.headers).flatMap(([name, header]) =>
            (header as Json).secret === true ? [name] : [],
          )
          expect(hidden.sort()).toEqual([...model].flatMap(([name, { secret }]) => (secret ? [name] : [])).sort())
        }
      }),
      { numRuns: 40 },
    )
  })
})

describe('C14: a secret header that an earlier version stored in clear', () => {
  it('is shown as a secret, and is sealed at the next change, which is no change of it', async () => {
    await create({})
    await storeInClear({ 'x-api-key': VALUE, 'x-region': 'eu' })
    expect(await headersOf()).toEqual({ 'x-api-key': HIDDEN, 'x-region': 'eu' })
    expect((await get(`${TENANT}/export`)).text).not.toContain(VALUE)
    expect(await sent()).toEqual({ 'x-api-key': VALUE, 'x-region': 'eu' })
    await patch(ONE, { name: 'n' })
    expect(await storedText()).toBe('{"x-api-key":null,"x-region":"eu"}')
    expect(await sent()).toEqual({ 'x-api-key': VALUE, 'x-region': 'eu' })
    expect((await get('/v1/audit?limit=1')).body.data[0].fields).toEqual(['name'])
  })

  it('is sealed when the signing secret is rotated, and can be kept and shown by a PATCH', async () => {
    await create({})
    await storeInClear({ 'x-api-key': VALUE })
    await post(`${ONE}/signing-secrets`)
    expect(await storedText()).toBe('{"x-api-key":null}')
    await storeInClear({ 'x-api-key': VALUE, 'x-token': VALUE })
    await patch(ONE, { headers: { 'x-api-key': HIDDEN, 'x-token': { value: 'w', secret: false } } })
    expect(await storedText()).toBe('{"x-api-key":null,"x-token":["w"]}')
    expect(await sent()).toEqual({ 'x-api-key': VALUE, 'x-token': 'w' })
  })

  it('is removed with its endpoint or tenant', async () => {
    await create({})
    await storeInClear({ 'x-api-key': VALUE, 'x-region': 'eu' })
    await post(ENDPOINTS, { ...NEW, uid: 'other' })
    await storeInClear({ 'x-api-key': VALUE }, 'other')
    await remove(ONE)
    const lines = (await get(`${TENANT}/export`)).text.split('\n').filter(line => line.includes('"kind":"endpoint"'))
    expect(lines.map(line => JSON.parse(line).headers)).toEqual([
      { 'x-api-key': HIDDEN, 'x-region': 'eu' },
      { 'x-api-key': HIDDEN },
    ])
    await remove(TENANT)
    // Nothing that is still in the table has the value.
    await bench.run(`update endpoint set description = 'found' where headers like $1`, [`%${VALUE}%`])
    await bench.tenants.put('acme', {})
    expect((await get(`${TENANT}/export`)).text).not.toContain('found')
  })
})

describe('an endpoint with a header that is reserved since', () => {
  it('keeps it, and can change its other headers', async () => {
    await create({})
    await storeInClear({ 'client-ip': '203.0.113.7', 'x-region': 'eu' })
    const shown = await headersOf()
    expect(shown).toEqual({ 'client-ip': '203.0.113.7', 'x-region': 'eu' })
    expect((await patch(ONE, { headers: { ...shown, 'x-region': 'us' }, name: 'n' })).status).toBe(200)
    const changed = await patch(ONE, { headers: { 'client-ip': '203.0.113.8' } })
    expect(refused(changed)).toEqual([422, 'invalid', ['/headers/client-ip']])
    await patch(ONE, { headers: {} })
    expect(refused(await patch(ONE, { headers: shown }))).toEqual([422, 'invalid', ['/headers/client-ip']])
  })
})

describe('headers whose sealed values cannot be decrypted', () => {
  it('stay as they are, and need their values again with a new clientSecret', async () => {
    await create({ 'X-Api-Key': VALUE, 'X-Region': 'eu' })
    const types = () => bench.publisher.types()
    const other = new Endpoints(bench.store, createKeyring(randomBytes(32)), policy(), types)
    await bench.useServices({ endpoints: other })
    const shown = { 'x-api-key': HIDDEN, 'x-region': 'eu' }
    expect((await patch(ONE, { name: 'n' })).body.headers).toEqual(shown)
    expect((await patch(ONE, { headers: { ...shown, 'x-region': 'us' } })).body.headers['x-region']).toBe('us')
    expect(refused(await patch(ONE, { headers: { 'X-Api-Key': VALUE } }))).toEqual([409, 'conflict', []])
    expect(refused(await patch(ONE, { headers: { 'X-Region': HIDDEN } }))).toEqual([409, 'conflict', []])
    const fresh = { clientSecret: `${SECRET}=` }
    expect(refused(await patch(ONE, fresh))).toEqual([422, 'invalid', ['/headers/x-api-key']])
    expect((await patch(ONE, { ...fresh, headers: { 'X-Api-Key': VALUE } })).status).toBe(200)
    const { id, sealedCredentials } = await other.get('acme', 'hook')
    expect(() => bench.keyring.open(id, sealedCredentials)).toThrow()
  })
})
