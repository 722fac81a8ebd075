import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant } from './builders.ts'
import { engines, type Opened } from './engines.ts'

describe.each(engines())('earlier selections of endpoints on $name', engine => {
  let opened: Opened
  let store: Store
  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  async function publish(endpoints: readonly Endpoint[], tenant = 'acme') {
    const event = anEvent(endpoints)
    await store.publish(await aRequest(store, tenant, [event]))
    return event.id
  }
  let time = 1
  async function change(endpoint: Endpoint, to: Partial<Endpoint>): Promise<Endpoint> {
    const after = { ...endpoint, ...to, updatedAtMs: ++time + 1_000 }
    expect(await store.write('updateEndpoint', { endpoint: after, readAtMs: endpoint.updatedAtMs })).toBe('updated')
    return after
  }
  const facts = async (event: string, tenant = 'acme') =>
    (await store.read('listEventEndpoints', { tenant, event, before: null, limit: 9 }))!
  const wanted = async (event: string) => (await facts(event)).endpoints.map(each => each.wanted)

  it("are kept by the tenant's versions, and stored only when they change", async () => {
    let endpoint = anEndpoint('acme', { types: ['A'], filter: { a: [1] } })
    await aTenant(store, 'acme', [endpoint])
    const first = await publish([])
    endpoint = await change(endpoint, { description: 'x', filter: { a: [1] } })
    const second = await publish([])
    endpoint = await change(endpoint, { types: null })
    const third = await publish([])
    await change(endpoint, { types: ['A'], filter: null })
    const fourth = await publish([])
    const was = { types: ['A'], filterText: '{"a":[1]}' }
    expect(await wanted(first)).toEqual([was])
    expect(await wanted(second)).toEqual([was])
    expect(await wanted(third)).toEqual([{ types: null, filterText: '{"a":[1]}' }])
    expect(await wanted(fourth)).toEqual([{ types: ['A'], filterText: null }])
    const version = (await facts(second)).tenantVersion!
    expect(await store.read('readSelectionsAt', { tenant: 'acme', version })).toEqual(new Map([[endpoint.id, was]]))
    const none = { tenant: 'acme', version, ids: [newId('ep', 1), newId('ep', 1)] as const }
    expect((await store.read('readSelectionsAt', none)).size).toBe(0)
  })

  it('are forgotten after a thousand changes', { timeout: 120_000 }, async () => {
    let endpoint = anEndpoint('acme', { types: ['A'] })
    await aTenant(store, 'acme', [endpoint])
    const first = await publish([])
    endpoint = await change(endpoint, { types: ['B'] })
    const second = await publish([])
    for (let n = 0; n < 1_000; n++) endpoint = await change(endpoint, { types: [`C${n}`] })
    expect(await wanted(first)).toEqual([null])
    expect(await wanted(second)).toEqual([{ types: ['B'], filterText: null }])
  })

  it('show which endpoints were registered later and which were deleted, alone or with their tenant', async () => {
    const [before, there] = [anEndpoint('acme'), anEndpoint('acme')]
    await aTenant(store, 'acme', [before, there])
    await store.write('deleteEndpoint', { tenant: 'acme', id: before.id, nowMs: 2 })
    const event = await publish([there])
    await store.write('createEndpoint', { endpoint: anEndpoint('acme') })
    const of = async () => {
      const { tenantVersion, endpoints } = await facts(event)
      return endpoints.map(({ createdVersion, deletedVersion, deletedAtMs, delivery }) => [
        createdVersion > tenantVersion! ? 'later' : 'there',
        deletedAtMs === null ? 'kept' : deletedVersion! <= tenantVersion! ? 'deleted before' : 'deleted',
        delivery?.state ?? null,
      ])
    }
    expect(await of()).toEqual([
      ['later', 'kept', null],
      ['there', 'kept', 'pending'],
      ['there', 'deleted before', null],
    ])
    await store.write('deleteTenant', { id: 'acme', nowMs: 3 })
    await aTenant(store, 'acme', [anEndpoint('acme')])
    expect((await of()).map(([when, kept]) => `${when} ${kept}`)).toEqual([
      'later kept',
      'later deleted',
      'there deleted',
      'there deleted before',
    ])
  })

  it("come with each endpoint's newest delivery, live or ended, and the number of its deliveries", async () => {
    const [one, two] = [anEndpoint('acme'), anEndpoint('acme')]
    await aTenant(store, 'acme', [one, two])
    const event = await publish([one, two])
    const [first] = (await facts(event)).endpoints.filter(({ endpoint }) => endpoint === one.id)
    await store.write('cancelDelivery', { tenant: 'acme', id: first!.delivery!.id, nowMs: 9 })
    const delivery = { id: newId('dlv', Date.now()), endpoint: one.id, partition: 7, replayOf: first!.delivery!.id }
    await store.write('createDelivery', { tenant: 'acme', event, type: 'T', test: false, delivery, nowMs: 10 })
    const found = new Map((await facts(event)).endpoints.map(each => [each.endpoint, each]))
    expect(found.get(one.id)).toMatchObject({ deliveryCount: 2, delivery: { id: delivery.id, state: 'pending' } })
    expect(found.get(two.id)).toMatchObject({ deliveryCount: 1, delivery: { state: 'pending' } })
    await store.write('cancelDelivery', { tenant: 'acme', id: delivery.id, nowMs: 11 })
    const again = (await facts(event)).endpoints.find(({ endpoint }) => endpoint === one.id)
    expect(again).toMatchObject({ deliveryCount: 2, delivery: { id: delivery.id, state: 'cancelled', endedAtMs: 11 } })
  })

  it('are listed page by page, newest endpoint first, without those of other tenants', async () => {
    const endpoints = Array.from({ length: 5 }, () => anEndpoint('acme'))
    await aTenant(store, 'acme', endpoints)
    await aTenant(store, 'other', [anEndpoint('other')])
    const event = await publish(endpoints)
    const page = async (before: string | null) =>
      (await store.read('listEventEndpoints', { tenant: 'acme', event, before, limit: 2 }))!.endpoints
    const ids = endpoints.map(({ id }) => id).reverse()
    expect((await page(null)).map(({ endpoint }) => endpoint)).toEqual(ids.slice(0, 2))
    expect((await page(ids[1]!)).map(({ endpoint, deliveryCount }) => [endpoint, deliveryCount])).toEqual([
      [ids[2], 1] as const,
      [ids[3], 1] as const,
    ])
    expect(await page(ids[4]!)).toEqual([])
    const nothing = { tenant: 'other', event, before: null, limit: 2 }
    expect(await store.read('listEventEndpoints', nothing)).toBeNull()
  })
})

describe.each(engines())('event types on $name', engine => {
  let opened: Opened
  let store: Store
  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  const find = async (type: string, limit = 1_000) =>
    (await store.read('findEventsOfType', { type, limit, nowMs: Date.now() })).map(({ event }) => event)
  const record = (type: string, events: readonly string[]) =>
    store.write('recordTypeSamples', { rows: events.map(event => ({ type, event, tenant: 'acme' })) })

  it('the newest events are recorded once each, up to 500 for each type', async () => {
    const ids = Array.from({ length: 700 }, () => newId('evt', 1))
    await record('A', ids.slice(0, 400))
    await record('A', ids.slice(300))
    await record('B', ids.slice(0, 3))
    await record('B', [])
    expect(await find('A')).toEqual(ids.slice(200).reverse())
    expect(await find('A', 2)).toEqual([ids[699], ids[698]])
    expect(await find('B')).toHaveLength(3)
    expect(await find('C')).toEqual([])
  })

  it("the newest events are also found among deliveries and tenants' events, without tests", async () => {
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    const [wanted, ended, unwanted] = [anEvent([endpoint]), anEvent([endpoint]), anEvent([])]
    const test = anEvent([endpoint], { test: true })
    const other = anEvent([endpoint], { type: 'OTHER' })
    await store.publish(await aRequest(store, 'acme', [wanted, ended, unwanted, test, other]))
    await store.write('cancelDelivery', { tenant: 'acme', id: ended.deliveries![0]!.id, nowMs: 9 })
    expect((await find('T')).sort()).toEqual([wanted.id, ended.id, unwanted.id].sort())
    const events = [wanted, test, ended].map(({ id }) => ({ tenant: 'acme', event: id }))
    const gone = { tenant: 'acme', event: newId('evt', Date.now()) }
    const read = await store.read('readSamplePayloads', { events: [...events, gone], maxBytes: 100 })
    expect(read.map(({ event }) => event)).toEqual([ended.id, wanted.id])
    expect(Buffer.from(read[0]!.payload).toString()).toBe('{"a":1}')
    expect(await store.read('readSamplePayloads', { events, maxBytes: 3 })).toEqual([])
  })

  it('a type is archived and restored, with an audit entry for each change', async () => {
    const type = { name: 'A', group: 'g', description: 'd', schema: {}, example: {} }
    await store.write('putEventType', { type, nowMs: 1 })
    const { version } = await store.read('readCatalogue', {})
    expect(await store.write('setArchived', { name: 'A', archived: true, nowMs: 5 })).toBe(true)
    expect(await store.write('setArchived', { name: 'A', archived: true, nowMs: 6 })).toBe(true)
    const archived = await store.read('readCatalogue', {})
    expect([archived.version, archived.types[0]!.archivedAtMs]).toEqual([version + 1, 5])
    await store.write('putEventType', { type: { ...type, group: 'h' }, nowMs: 7 })
    expect((await store.read('readCatalogue', {})).types[0]).toMatchObject({ group: 'h', archivedAtMs: 5 })
    expect(await store.write('setArchived', { name: 'A', archived: false, nowMs: 8 })).toBe(true)
    expect((await store.read('readCatalogue', {})).types[0]!.archivedAtMs).toBeNull()
    expect(await store.write('setArchived', { name: 'B', archived: true, nowMs: 8 })).toBe(false)
    const log = await store.read('listAudit', { tenant: null, before: null, fromMs: null, toMs: null, limit: 9 })
    expect(log.map(({ action }) => action)).toEqual(['unarchived', 'updated', 'archived', 'created'])
  })
})
