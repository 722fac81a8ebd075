import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../../src/base/model.ts'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, patch, remove } = bench
const TENANT = '/v1/tenants/acme'
const ENDPOINTS = `${TENANT}/endpoints`
const ONE = `${ENDPOINTS}/orders`
const EVENT = { type: TYPE, payload: JSON.parse(PAYLOAD) }
const NEW = { uid: 'orders', url: 'https://hooks.example.com/a', clientSecret: SECRET, types: [TYPE] }

const create = async (over: object = {}) => (await post(ENDPOINTS, { ...NEW, ...over })).body
const publish = () => post(`${TENANT}/events`, EVENT)
const states = async () => (await get(`${TENANT}/deliveries`)).body.data.map(({ state }: Json) => state)
const members = ({ state, disabledReason, disabledAt }: Json) => ({ state, disabledReason, disabledAt })
const ENABLED = { state: 'enabled', disabledReason: null, disabledAt: null }
const DISABLED = { state: 'disabled', disabledReason: 'manual', disabledAt: expect.any(String) }

describe('an endpoint', () => {
  it('is created disabled if the call says so, and holds deliveries until it is enabled', async () => {
    const created = await create({ state: 'disabled' })
    expect(members(created)).toEqual({ ...DISABLED, disabledAt: created.createdAt })
    await publish()
    expect(await states()).toEqual(['held'])
    expect(members((await patch(ONE, { state: 'enabled' })).body)).toEqual(ENABLED)
    expect(await states()).toEqual(['pending'])
    expect(members(await create({ uid: 'b', state: 'enabled' }))).toEqual(ENABLED)
  })

  it('is disabled and enabled by a change of its state, together with other members', async () => {
    await create()
    await publish()
    const disabled = await patch(ONE, { state: 'disabled', name: 'n', timeoutMs: 2_000 })
    expect(disabled.body).toMatchObject({ ...DISABLED, name: 'n', timeoutMs: 2_000 })
    expect((await get(ONE)).body).toMatchObject(members(disabled.body))
    await publish()
    expect(await states()).toEqual(['held', 'held'])
    const again = await patch(ONE, { state: 'disabled', name: 'm' })
    expect(members(again.body)).toEqual(members(disabled.body))
    const enabled = await patch(ONE, { state: 'enabled', url: 'https://hooks.example.com/b' })
    expect(enabled.body).toMatchObject({ ...ENABLED, name: 'm', url: 'https://hooks.example.com/b' })
    expect(await states()).toEqual(['pending', 'pending'])
    const actions = (await get('/v1/audit?limit=4')).body.data.map(({ action, fields }: Json) => [action, ...fields])
    expect(actions).toEqual([['enabled'], ['updated', 'url'], ['updated', 'name'], ['disabled']])
  })

  it.each([
    [{ held: 'cancel' }, ['pending', 'cancelled', 'cancelled']],
    [{ held: 'release' }, ['pending', 'pending', 'pending']],
    [{}, ['pending', 'pending', 'pending']],
  ])('is enabled with %j for its held deliveries', async (held, expected) => {
    await create()
    await publish()
    await patch(ONE, { state: 'disabled' })
    await publish()
    expect((await patch(ONE, { state: 'enabled', ...held, description: 'd' })).body).toMatchObject({
      ...ENABLED,
      description: 'd',
    })
    await publish()
    expect(await states()).toEqual(expected)
  })

  it('never makes held deliveries pending that are to be cancelled, and cancels none if the call is refused', async () => {
    await create({ uid: 'taken' })
    await create()
    await patch(ONE, { state: 'disabled' })
    await publish()
    const all = { state: 'enabled', held: 'cancel' }
    const before = (await get(ONE)).body
    expect((await patch(ONE, { ...all, uid: 'taken' })).status).toBe(409)
    expect((await patch(ONE, { ...all, timeoutMs: 1 })).status).toBe(422)
    expect((await get(ONE)).body).toEqual(before)
    expect((await get(`${TENANT}/deliveries?state=held`)).body.data).toHaveLength(1)
    const seen: Endpoint['state'][] = []
    const write = bench.store.write.bind(bench.store)
    bench.store.write = (async (name: never, args: never) => {
      if (name === 'cancelDeliveries') seen.push((await bench.endpoints.get('acme', 'orders')).state)
      return write(name, args)
    }) as typeof bench.store.write
    await patch(ONE, { ...all, name: 'n' })
    expect([seen[0], seen.at(-1)]).toEqual(['disabled', 'enabled'])
    expect((await get(`${TENANT}/deliveries?state=cancelled`)).body.data).toHaveLength(1)
  })

  it.each([{ held: 'cancel' }, { held: 'release', state: 'disabled' }, { held: 'release', name: 'n' }])(
    'refuses %j, which says what happens to held deliveries but does not enable it',
    async body => {
      await create()
      const answer = await patch(ONE, body)
      expect(refused(answer)).toEqual([422, 'invalid', ['/held']])
      expect(answer.body.detail).toContain('Set state to enabled too, or omit it.')
    },
  )

  it('refuses other states, and takes no held at creation', async () => {
    expect(refused(await post(ENDPOINTS, { ...NEW, state: 'paused' }))).toEqual([422, 'invalid', ['/state']])
    expect(refused(await post(ENDPOINTS, { ...NEW, held: 'cancel' }))).toEqual([422, 'invalid', ['/held']])
    await create()
    for (const state of [null, 'gone', true]) {
      const answer = await patch(ONE, { state })
      expect(refused(answer)).toEqual([422, 'invalid', ['/state']])
      expect(answer.body.detail).toBe('/state: The value must be one of enabled, disabled.')
    }
    for (const held of [null, 'drop', 1]) {
      const answer = await patch(ONE, { state: 'enabled', held })
      expect(refused(answer)).toEqual([422, 'invalid', ['/held']])
      expect(answer.body.detail).toBe('/held: The value must be one of release, cancel.')
    }
    const both = await patch(ONE, { state: null, held: null })
    expect(refused(both)).toEqual([422, 'invalid', ['/held', '/state']])
  })

  it('is reported by an operational event when a change of its state disables it', async () => {
    await create({ uid: 'news', types: ['posthorn.endpoint.disabled'] })
    const { id } = await create()
    const { disabledAt } = (await patch(ONE, { state: 'disabled', name: 'n' })).body
    await patch(ONE, { state: 'disabled', name: 'm' })
    const notices = await bench.store.write('claimNotices', { nowMs: bench.store.now() + 1_000 })
    expect(notices.map(({ type, payload }) => [type, JSON.parse(payload)])).toEqual([
      ['posthorn.endpoint.disabled', { tenant: 'acme', endpoint: id, reason: 'manual', disabledAt, delivery: null }],
    ])
  })

  it('shows in the export when it was disabled', async () => {
    const { disabledAt } = await create({ state: 'disabled' })
    const line = (await get(`${TENANT}/export`)).text.split('\n').find(each => each.includes(`"kind":"endpoint"`))
    expect(JSON.parse(line!)).toMatchObject({ state: 'disabled', disabledAt })
    expect((await remove(ONE)).status).toBe(204)
  })
})
