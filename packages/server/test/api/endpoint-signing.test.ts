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

  it('drops all older ones at once that have leaked, however long they were to be valid', async () => {
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
