/** Operational events, from their cause to the receiver. */
import { startReceiver } from '@posthorn/testkit'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { Notices } from '../../src/background/notices.ts'
import { systemClock } from '../../src/base/clock.ts'
import { operationalType } from '../../src/catalogue/operational-types.ts'
import { compileSchema } from '../../src/catalogue/schema.ts'
import { EventTypes } from '../../src/services/event-types/event-types.ts'
import { eventsOf } from '../store/events-of.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const WAIT = { timeout: 20_000, interval: 20 }
const silent = pino({ level: 'silent' })

/** A JWT that expires that many days from now. */
const tokenFor = (days: number) => {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode({ alg: 'none' })}.${encode({ exp: Math.floor(Date.now() / 1_000) + days * 86_400 })}.c2ln`
}

describe('operational events', () => {
  it(
    "C9: reach the provider's and the tenant's endpoints that name them, valid by their schemas, without secrets",
    () =>
      inFolder(async (folder, authority) => {
        const receiver = await startReceiver({
          authority,
          names: ['localhost'],
          script: ({ path }) => ({ status: path === '/bad' ? 500 : path === '/gone' ? 410 : 204 }),
        })
        const posthorn = await startPosthorn(folder, authority, { retrySchedule: [0.02] })
        const { store, publisher, endpoints, tenants } = posthorn
        const notices = new Notices(store, publisher, systemClock, silent)
        await tenants.put('acme', {})
        const of = (path: string, types: string[] | null = null, clientSecret = SECRET) => ({
          url: `${receiver.url}${path}`,
          clientSecret,
          types,
        })
        const all = ['delivery.exhausted', 'endpoint.disabled', 'secret.expiring', 'secret.replaced']
        const names = all.map(name => `posthorn.${name}`)
        await endpoints.create('posthorn', of('/operator', names))
        await endpoints.create('acme', of('/own', ['posthorn.endpoint.disabled']))
        const { endpoint: bad } = await endpoints.create('acme', of('/bad', null, tokenFor(5)))
        const { endpoint: gone } = await endpoints.create('acme', of('/gone', ['COVER_REFERENCE']))
        await posthorn.publish('acme', [cover(1), cover(2)])
        const got = (path: string) =>
          receiver.requests.filter(request => request.path === path).map(({ body }) => JSON.parse(body.toString()))
        notices.start()
        await expect.poll(() => got('/operator').some(({ days }) => days !== undefined), WAIT).toBe(true)
        await endpoints.update('acme', bad.id, { clientSecret: 'a-quite-different-secret' })
        await expect.poll(() => got('/operator').length, WAIT).toBeGreaterThanOrEqual(4)
        await expect.poll(() => got('/own').length, WAIT).toBe(1)
        expect(got('/own')[0]).toMatchObject({ tenant: 'acme', endpoint: gone.id, reason: 'gone' })
        const stored = await eventsOf(store, 'posthorn')
        expect([...new Set(stored.map(({ type }) => type))].sort()).toEqual([...names].sort())
        for (const { type, payload } of stored) {
          const compiled = compileSchema(operationalType(type)!.schema)
          expect(compiled.ok && compiled.validate(JSON.parse(Buffer.from(payload).toString())), type).toEqual([])
          expect(Buffer.from(payload).toString()).not.toMatch(/a-quite-different|c2VjcmV0/)
        }
        const exhausted = got('/operator').filter(({ deliveries }) => deliveries !== undefined)
        expect(exhausted.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(1)
        expect(exhausted[0].endpoint).toBe(bad.id)
        expect(got('/operator').find(({ days }) => days !== undefined)).toMatchObject({ endpoint: bad.id, days: 7 })
        // An endpoint that names no types receives none of them.
        const seen = receiver.requests
          .filter(({ path }) => path === '/bad')
          .map(({ body }) => JSON.parse(body.toString()))
        expect(seen.every(({ CoverId }) => CoverId !== undefined)).toBe(true)
        await notices.stop()
        await posthorn.stop()
        await receiver.close()
      }),
    60_000,
  )

  it(
    "about a failing operational endpoint don't cause a storm",
    () =>
      inFolder(async (folder, authority) => {
        const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status: 500 }) })
        const posthorn = await startPosthorn(folder, authority, { retrySchedule: [0.01] })
        const { store, publisher, endpoints, tenants } = posthorn
        const notices = new Notices(store, publisher, systemClock, silent)
        notices.start()
        await tenants.put('acme', {})
        const types = ['posthorn.delivery.exhausted', 'posthorn.endpoint.disabled', 'posthorn.endpoint.failing']
        const of = (path: string) => ({ url: `${receiver.url}${path}`, clientSecret: SECRET })
        await endpoints.create('posthorn', { ...of('/operator'), types })
        await endpoints.create('acme', { ...of('/own'), types })
        await endpoints.create('acme', of('/business'))
        await posthorn.publish('acme', cover(1))
        const exhausted = async (tenant: string) => {
          return (await listDeliveries(store, tenant, { state: 'exhausted' })).length
        }
        await expect.poll(() => exhausted('acme'), WAIT).toBe(2)
        await expect.poll(() => exhausted('posthorn'), WAIT).toBe(1)
        // All notices have been published, and cause no new ones.
        await expect.poll(() => store.read('peekNotices', { nowMs: store.now() }), WAIT).toBe(false)
        const count = async (tenant: string) => (await eventsOf(store, tenant)).length
        expect([await count('posthorn'), await count('acme')]).toEqual([1, 2])
        await notices.stop()
        await posthorn.stop()
        await receiver.close()
      }),
    60_000,
  )
})

describe("C12: an event type's schedule", () => {
  it(
    'applies to its deliveries as soon as it is changed, unless the endpoint has its own',
    () =>
      inFolder(async (folder, authority) => {
        const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status: 500 }) })
        const posthorn = await startPosthorn(folder, authority, { retrySchedule: [600] })
        const types = new EventTypes(posthorn.store, { newest: async function* () {} }, { dev: true })
        await posthorn.tenants.put('acme', {})
        const of = (path: string) => ({ url: `${receiver.url}${path}`, clientSecret: SECRET })
        await posthorn.endpoints.create('acme', of('/plain'))
        await posthorn.endpoints.create('acme', { ...of('/own'), schedule: [500] })
        const type = await types.get('COVER_REFERENCE')
        await types.put('COVER_REFERENCE', { ...type, schedule: [0.02, 0.02] })
        await posthorn.publish('acme', cover(1))
        const seen = (path: string) => receiver.requests.filter(request => request.path === path).length
        await expect.poll(() => seen('/plain'), WAIT).toBe(3)
        await expect.poll(() => seen('/own'), WAIT).toBe(1)
        const filter = { endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }
        await expect
          .poll(
            async () => (await listDeliveries(posthorn.store, 'acme', { ...filter, state: 'exhausted' }, 9)).length,
            WAIT,
          )
          .toBe(1)
        expect((await listDeliveries(posthorn.store, 'acme', { ...filter, state: 'pending' }, 9)).length).toBe(1)
        await posthorn.stop()
        await receiver.close()
      }),
    60_000,
  )
})
