import { describe, expect, it } from 'vitest'
import { currentTenantCall } from '../../src/store/tenant-call.ts'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { KEY, useApi } from './setup.ts'

const bench = useApi()
const ENDPOINTS = '/v1/tenants/acme/endpoints'
const ONE = `${ENDPOINTS}/orders`
const NEW = { uid: 'orders', url: 'https://hooks.example.com/a', clientSecret: SECRET, types: [TYPE] }

const keyOf = async (tenant: string | null) => (await bench.apiKeys.create({ name: 'a', scope: 'all', tenant })).secret

/** Notes for each write of the store in which tenant's call it is. */
function watchWrites(): (string | undefined)[] {
  const seen: (string | undefined)[] = []
  const { store } = bench
  const write = store.write.bind(store)
  store.write = (name, args) => {
    seen.push(currentTenantCall()?.tenant)
    return write(name, args)
  }
  return seen
}

/** The service with other methods. */
const replaced = <Service extends object>(service: Service, methods: Partial<Service>): Service =>
  new Proxy(service, {
    get(_target, name) {
      const value = Reflect.get(methods, name) ?? Reflect.get(service, name)
      return typeof value === 'function' ? value.bind(service) : value
    },
  })

describe('a call that changes something', () => {
  it("is a tenant's own with a key of that tenant, in each of its steps, and with no other key", async () => {
    await bench.post(ENDPOINTS, NEW)
    await bench.post('/v1/tenants/acme/events', { type: TYPE, payload: JSON.parse(PAYLOAD) })
    const [own, operator] = [await keyOf('acme'), await keyOf(null)]
    const seen = watchWrites()
    for (const key of [KEY, operator]) {
      expect((await bench.patch(ONE, { state: 'disabled' }, { key })).status).toBe(200)
      expect((await bench.post(`${ONE}/enable`, {}, { key })).status).toBe(200)
    }
    // For each call the change itself, then its deliveries until none is left.
    expect(seen.length).toBeGreaterThanOrEqual(12)
    expect(new Set(seen)).toEqual(new Set([undefined]))
    seen.length = 0
    expect((await bench.patch(ONE, { state: 'disabled' }, { key: own })).status).toBe(200)
    expect((await bench.post(`${ONE}/enable`, {}, { key: own })).status).toBe(200)
    expect(seen.length).toBeGreaterThanOrEqual(6)
    expect(new Set(seen)).toEqual(new Set(['acme']))
  })

  it('is no such call if it publishes or reads', async () => {
    await bench.post(ENDPOINTS, NEW)
    const key = await keyOf('acme')
    const seen: unknown[] = []
    const { publisher, events } = bench
    const publish: typeof publisher.publish = (...args) => {
      seen.push(currentTenantCall())
      return publisher.publish(...args)
    }
    const select: typeof events.select = (...args) => {
      seen.push(currentTenantCall())
      return events.select(...args)
    }
    await bench.useServices({ publisher: replaced(publisher, { publish }), events: replaced(events, { select }) })
    const published = await bench.post('/v1/tenants/acme/events', { type: TYPE, payload: JSON.parse(PAYLOAD) }, { key })
    expect(published.status).toBe(202)
    expect((await bench.get('/v1/tenants/acme/events', { key })).status).toBe(200)
    expect(seen).toEqual([undefined, undefined])
  })
})

describe('calls that change something for one tenant', () => {
  it('are carried out a few at a time with its own key while others publish, and those of an operator all', async () => {
    const own = await keyOf('acme')
    const waiting: (() => void)[] = []
    const { endpoints } = bench
    const create: typeof endpoints.create = async (...args) => {
      await new Promise<void>(resolve => waiting.push(resolve))
      return endpoints.create(...args)
    }
    await bench.useServices({ endpoints: replaced(endpoints, { create }) }, { isShared: () => isShared })
    let isShared = true
    const begin = (count: number, key: string) =>
      Array.from({ length: count }, (_, nth) =>
        bench.post(ENDPOINTS, { ...NEW, uid: `${key === own}-${nth}` }, { key }),
      )
    const started = (count: number) => expect.poll(() => waiting.length, { timeout: 10_000 }).toBe(count)
    const calls = begin(6, own)
    await started(4)
    calls.push(...begin(6, KEY))
    await started(10)
    isShared = false
    waiting.shift()!()
    await started(11)
    for (const resolve of waiting.splice(0)) resolve()
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(new Array(12).fill(201))
  })
})
