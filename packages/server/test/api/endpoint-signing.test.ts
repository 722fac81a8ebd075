import { describe, expect, it } from 'vitest'
import { SECRET, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, patch } = bench
const ENDPOINTS = '/v1/tenants/acme/endpoints'
const ONE = `${ENDPOINTS}/hook`
const ROTATE = `${ONE}/signing-secrets`
const NEW = { uid: 'hook', url: 'https://hooks.example.com/a', clientSecret: SECRET, types: [TYPE] }

const create = async (over: object = {}) => (await post(ENDPOINTS, { ...NEW, ...over })).body

/** How many seconds each signing secret is still valid; null: the current one. */
const secondsLeft = ({ body }: { body: Json }): (number | null)[] =>
  body.signing.map(({ expiresAt }: Json) => {
    const seconds = (Date.parse(expiresAt) - Date.parse(body.updatedAt)) / 1_000
    return expiresAt === null ? null : Math.round(seconds)
  })

describe('rotating a signing secret', () => {
  it.each([
    [undefined, [null, 86_400]],
    [{}, [null, 86_400]],
    [{ gracePeriodSeconds: 3_600 }, [null, 3_600]],
    [{ gracePeriodSeconds: 604_800 }, [null, 604_800]],
    [{ gracePeriodSeconds: 0 }, [null]],
  ])('with %j keeps the older one valid for the grace period', async (body, expected) => {
    const { signing } = await create()
    const rotated = await post(ROTATE, body)
    expect(rotated.status).toBe(201)
    expect(secondsLeft(rotated)).toEqual(expected)
    expect((await get(ONE)).body.signing).toEqual(rotated.body.signing)
    expect(rotated.body.signing[0].fingerprint).not.toBe(signing[0].fingerprint)
  })

  it('immediately drops all older ones that have leaked, however long they were to be valid', async () => {
    await create()
    for (let at = 2; at <= 10; at++) await post(ROTATE, { gracePeriodSeconds: 604_800 })
    const full = await post(ROTATE)
    expect(refused(full)).toEqual([409, 'conflict', []])
    expect(full.body.detail).toContain('gracePeriodSeconds to 0')
    const signingSecret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
    const dropped = await post(ROTATE, { gracePeriodSeconds: 0, signingSecret })
    expect([secondsLeft(dropped), dropped.body.signingSecret]).toEqual([[null], null])
    const shortened = await post(ROTATE, { gracePeriodSeconds: 60 })
    expect(secondsLeft(shortened)).toEqual([null, 60])
  })

  it.each([-1, 604_801, 1.5, '60', null])('refuses a grace period of %j', async gracePeriodSeconds => {
    await create()
    expect(refused(await post(ROTATE, { gracePeriodSeconds }))).toEqual([422, 'invalid', ['/gracePeriodSeconds']])
    expect(refused(await patch(ONE, { gracePeriodSeconds: 0 }))).toEqual([422, 'invalid', ['/gracePeriodSeconds']])
  })
})

describe('the names of the signature headers', () => {
  const STANDARD = { id: 'webhook-id', timestamp: 'webhook-timestamp', signature: 'webhook-signature' }

  it('are those of Standard Webhooks by default, and are shown in full once one of them is another', async () => {
    expect((await create()).signatureHeaders).toBeNull()
    const rename = async (signatureHeaders: unknown) => (await patch(ONE, { signatureHeaders })).body.signatureHeaders
    expect(await rename({ signature: 'X-Signature' })).toEqual({ ...STANDARD, signature: 'x-signature' })
    const all = { id: 'x-id', timestamp: 'x-time', signature: 'webhook-sig' }
    expect(await rename(all)).toEqual(all)
    expect(await rename((await get(ONE)).body.signatureHeaders)).toEqual(all)
    expect((await patch(ONE, { name: 'n' })).body.signatureHeaders).toEqual(all)
    expect((await get('/v1/tenants/acme/export')).text).toContain(`"signatureHeaders":${JSON.stringify(all)}`)
    expect(await rename({ id: null, timestamp: 'Webhook-Timestamp' })).toBeNull()
    await rename(all)
    expect(await rename(null)).toBeNull()
    expect((await get('/v1/audit?limit=1')).body.data[0].fields).toEqual(['signatureHeaders'])
    expect((await create({ uid: 'b', signatureHeaders: all })).signatureHeaders).toEqual(all)
  })

  it.each([
    [{ id: 'X-Posthorn-Id' }, ['/signatureHeaders/id']],
    [{ timestamp: 'Date', signature: 'Authorization' }, ['/signatureHeaders/timestamp', '/signatureHeaders/signature']],
    [{ signature: 'a b' }, ['/signatureHeaders/signature']],
    [{ signature: '' }, ['/signatureHeaders/signature']],
    [{ signature: 'X-Forwarded_For' }, ['/signatureHeaders/signature']],
    // Sent in any case, and by servers not told from each other.
    [{ signature: 'Webhook-Id' }, ['/signatureHeaders/signature']],
    [{ timestamp: 'webhook_id' }, ['/signatureHeaders/timestamp']],
    [{ timestamp: 'webhook-signature' }, ['/signatureHeaders/signature']],
    [{ id: 'x-a', timestamp: 'X_A' }, ['/signatureHeaders/timestamp']],
    [{ id: 7 }, ['/signatureHeaders/id']],
    [{ key: 'x-a' }, ['/signatureHeaders/key']],
    ['x-a', ['/signatureHeaders']],
  ])('are refused as %j', async (signatureHeaders, named) => {
    expect(refused(await post(ENDPOINTS, { ...NEW, signatureHeaders }))).toEqual([422, 'invalid', named])
  })

  it('are not those of extra headers, whichever come first', async () => {
    const headers = { 'X-Signature': 'v' }
    const signatureHeaders = { signature: 'x_signature' }
    const both = await post(ENDPOINTS, { ...NEW, headers, signatureHeaders })
    expect(refused(both)).toEqual([422, 'invalid', ['/signatureHeaders/signature']])
    await create({ headers })
    expect(refused(await patch(ONE, { signatureHeaders }))).toEqual([422, 'invalid', ['/signatureHeaders/signature']])
    expect((await patch(ONE, { headers: {}, signatureHeaders })).status).toBe(200)
    expect(refused(await patch(ONE, { headers }))).toEqual([422, 'invalid', ['/headers/x-signature']])
    expect((await patch(ONE, { headers, signatureHeaders: null })).status).toBe(200)
  })
})
