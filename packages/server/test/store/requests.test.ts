import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/base/durations.ts'
import { idBytes } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { RequestTemplate } from '../../src/base/webhook-request.ts'
import type { NextStep } from '../../src/store/operations/deliveries/settlement.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const RETRY: NextStep = { kind: 'retry', dueAtMs: 30_000 }
const template = (over: Partial<RequestTemplate> = {}): RequestTemplate => ({
  url: 'https://hooks.example.com/a',
  headers: { 'x-a': 'é"\\', '1': 'b' },
  secretHeaders: [],
  signatureHeaders: null,
  authentication: 'bearer',
  hasClientCertificate: false,
  ...over,
})

describe.each(engines())('what requests carried, on $name', engine => {
  let store: Store
  let run: Opened['run']
  let close: () => Promise<void>
  let endpoint: Endpoint

  beforeEach(async () => {
    const opened = await engine.open()
    store = opened.store
    run = opened.run
    close = opened.close
    endpoint = anEndpoint('acme')
    await aTenant(store, 'acme')
    await aTenant(store, 'other')
    await store.write('createEndpoint', { endpoint, template: template() })
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  const current = async (id = endpoint.id) => (await store.read('getSendable', { id }))!

  /** Stores a change of what requests carry, and returns the version. */
  async function change(to: RequestTemplate): Promise<number> {
    const { endpoint: before } = await current()
    const after = { ...before, url: to.url, updatedAtMs: before.updatedAtMs + 1 }
    const args = { endpoint: after, template: to, readAtMs: before.updatedAtMs }
    expect(await store.write('updateEndpoint', args)).toBe('updated')
    return (await current()).version
  }

  async function published(): Promise<LaneItem> {
    const event = anEvent([endpoint])
    await store.publish(await aRequest(store, 'acme', [event]))
    const { partition, id } = endpoint
    const lane = await store.readLane({ partition, endpoint: id, limit: 100, maxPayloadBytes: 0 })
    return lane.find(item => item.event === event.id)!
  }

  const requestsOf = async ({ delivery }: LaneItem) =>
    (await store.read('listAttempts', { tenant: 'acme', delivery })).map(({ request }) => request)

  it('has another version for each change of it, and for none of anything else', async () => {
    expect(await current()).toMatchObject({ version: 1, template: template() })
    expect(await change(template({ headers: { '1': 'b', 'x-a': 'é"\\' } }))).toBe(1)
    const changes: Partial<RequestTemplate>[] = [
      { url: 'https://hooks.example.com/b' },
      { headers: { 'x-a': 'other' } },
      { secretHeaders: ['x-api-key'] },
      { signatureHeaders: { id: 'x-id', timestamp: 'webhook-timestamp', signature: 'x-signature' } },
      { authentication: 'oauth' },
      { hasClientCertificate: true },
      { authentication: 'oauth', hasClientCertificate: true },
    ]
    for (const [at, over] of changes.entries()) {
      expect(await change(template(over)), JSON.stringify(over)).toBe(at + 2)
      expect((await current()).template).toEqual(template(over))
      expect(await change(template(over)), `again ${JSON.stringify(over)}`).toBe(at + 2)
    }
  })

  it('is shown with each attempt as it was then, secrets blanked', async () => {
    const sender = await store.write('recordSender', { userAgent: 'Posthorn/1', apiVersion: '3.0' })
    const next = await store.write('recordSender', { userAgent: 'Posthorn/2', apiVersion: '3.0' })
    const item = await published()
    await store.settle(aSettlement(item, RETRY, { requestVersion: 1, sender }))
    const signatureHeaders = { id: 'x-id', timestamp: 'x-time', signature: 'webhook-signature' }
    const to = { url: 'https://b.example:8443/b?c', secretHeaders: ['x-key'], signatureHeaders, headers: {} }
    expect(await change(template({ ...to, authentication: 'oauth' }))).toBe(2)
    await store.settle(aSettlement({ ...item, attempts: 1 }, RETRY, { requestVersion: 2, sender: next }))
    await store.settle(aSettlement({ ...item, attempts: 2 }, { kind: 'delivered' }))
    const timestamp = '10'
    const signed = (name: string) => ['webhook-id', item.event, name, timestamp, 'webhook-signature', '[signature]']
    const fixed = ['Content-Type', 'application/json']
    const versionAnd = (userAgent: string) => ['X-APIVersion', '3.0', 'User-Agent', userAgent]
    expect(await requestsOf(item)).toEqual([
      {
        url: 'https://hooks.example.com/a',
        headers: [
          ...['host', 'hooks.example.com', 'connection', 'keep-alive', ...fixed, 'Authorization', 'Bearer [secret]'],
          ...[...versionAnd('Posthorn/1'), '1', 'b', 'x-a', 'é"\\', ...signed('webhook-timestamp')],
          ...['X-Posthorn-Type', item.type, 'content-length', '7'],
        ],
        hasClientCertificate: false,
      },
      {
        url: 'https://b.example:8443/b?c',
        headers: [
          ...['host', 'b.example:8443', 'connection', 'keep-alive', ...fixed, ...versionAnd('Posthorn/2')],
          ...[
            'x-key',
            '[secret]',
            ...signed('x-time'),
            'x-id',
            item.event,
            'X-Posthorn-Type',
            item.type,
            'Authorization',
            'Bearer [secret]',
            'content-length',
            '7',
          ],
        ],
        hasClientCertificate: false,
      },
      null,
    ])
    expect(await store.read('listAttempts', { tenant: 'other', delivery: item.delivery })).toEqual([])
  })

  it('is written before the first request, if it is missing or out of date, and never twice', async () => {
    const old = anEndpoint('acme')
    await store.write('createEndpoint', { endpoint: old })
    expect(await current(old.id)).toMatchObject({ version: 1, template: null })
    const record = (updatedAtMs: number, to: RequestTemplate, id = old.id) => {
      const args = { endpoint: { id, updatedAtMs }, template: to, nowMs: 5_000 }
      return store.writeApart('recordTemplate', args, 5_000)
    }
    expect(await Promise.all([record(1, template()), record(1, template())])).toEqual([1, 1])
    expect((await current(old.id)).template).toEqual(template())
    // It has changed since it was read, so this might be out of date.
    expect(await record(7, template({ url: 'https://x.example/' }))).toBeNull()
    const changed = template({ url: 'https://new.example/' })
    expect(await Promise.all([record(1, changed), record(1, changed)])).toEqual([2, 2])
    await store.write('deleteEndpoint', { tenant: 'acme', id: old.id, nowMs: 9_000 })
    expect(await record(1, template())).toBeNull()
    expect(await record(1, template(), 'ep_01jy4k8v3xf0c8wq2rn5s7t9ab')).toBeNull()
  })

  it('keeps the thousand newest versions of an endpoint', async () => {
    await run('update endpoint set request_version = 1000')
    await run('update endpoint_request set version = 1000')
    await run(
      `insert into endpoint_request
         select tenant, endpoint, 1, url, headers, secret_headers, signature_headers, authentication, since_ms
         from endpoint_request`,
    )
    const sender = await store.write('recordSender', { userAgent: 'P', apiVersion: '3.0' })
    const item = await published()
    await store.settle(aSettlement(item, RETRY, { requestVersion: 1, sender }))
    await store.settle(aSettlement({ ...item, attempts: 1 }, RETRY, { requestVersion: 1_000, sender }))
    expect((await requestsOf(item)).map(request => request === null)).toEqual([false, false])
    expect(await change(template({ url: 'https://x.example/' }))).toBe(1_001)
    expect((await requestsOf(item)).map(request => request === null)).toEqual([true, false])
  })

  it('of a sender has one number, even if several nodes ask at the same time', async () => {
    const ask = (userAgent: string, apiVersion = '3.0') =>
      store.writeApart('recordSender', { userAgent, apiVersion }, 5_000)
    const found = await Promise.all([ask('a'), ask('a'), ask('b'), ask('b'), ask('a', '4.0')])
    expect([found[1], found[3]]).toEqual([found[0], found[2]])
    expect([...new Set(found)].sort()).toEqual([1, 2, 3])
    expect(await ask('b')).toBe(found[2])
  })

  describe('goes', () => {
    const NOW_MS = 100 * DAY_MS
    const drop = (beforeMs = NOW_MS) => store.write('dropOldTemplates', { limit: 1, beforeMs })
    const versions = async () => {
      const item = await published()
      const sender = await store.write('recordSender', { userAgent: 'P', apiVersion: '3.0' })
      for (const version of [1, 2, 3]) {
        const attempts = { ...item, attempts: version - 1 }
        await store.settle(aSettlement(attempts, RETRY, { requestVersion: version, sender }))
      }
      const shown = await requestsOf(item)
      await store.write('cancelDelivery', { tenant: 'acme', id: item.delivery, nowMs: 1 })
      await run('delete from delivery where id = $1', [idBytes(item.delivery)])
      return shown.map(request => request !== null)
    }

    beforeEach(async () => {
      for (const path of ['b', 'c']) await change(template({ url: `https://hooks.example.com/${path}` }))
      // The first was replaced after ten days, the second after twenty.
      await run('update endpoint_request set since_ms = 864000000 * (version - 1)')
    })

    it('once it was replaced for as long as history is kept, the oldest first, and never the current one', async () => {
      expect(await drop(10 * DAY_MS)).toBe(0)
      expect(await drop(10 * DAY_MS + 1)).toBe(1)
      expect(await drop(10 * DAY_MS + 1)).toBe(0)
      expect(await drop()).toBe(1)
      expect(await drop()).toBe(0)
      expect(await versions()).toEqual([false, false, true])
    })

    it.each(['delivery', 'live_delivery'])('but not while a row of %s is left from its time', async table => {
      const item = await published()
      if (table === 'delivery') await store.settle(aSettlement(item, { kind: 'delivered' }))
      const createdAt = (ms: number) => run(`update ${table} set created_ms = $1`, [ms])
      await createdAt(5 * DAY_MS)
      expect(await drop()).toBe(0)
      // A node can send what was just replaced for a little while.
      await createdAt(10 * DAY_MS + HOUR_MS - 1)
      expect(await drop()).toBe(0)
      await createdAt(10 * DAY_MS + HOUR_MS)
      expect([await drop(), await drop()]).toEqual([1, 0])
      await createdAt(20 * DAY_MS + HOUR_MS)
      expect([await drop(), await drop()]).toEqual([1, 0])
    })

    it('nor while a held delivery is left from its time', async () => {
      const item = await published()
      await run(`update live_delivery set state = 'held', held_reason = 'disabled', created_ms = 5`)
      expect(await drop()).toBe(0)
      await store.write('cancelDelivery', { tenant: 'acme', id: item.delivery, nowMs: 1 })
      await run('delete from delivery')
      expect([await drop(), await drop(), await drop()]).toEqual([1, 1, 0])
    })

    it('with its endpoint, which goes with the last of its deliveries', async () => {
      await store.write('deleteEndpoint', { tenant: 'acme', id: endpoint.id, nowMs: 1_000 })
      expect(await store.write('dropDeletedEndpoints', { limit: 9, beforeMs: 2_000 })).toBe(1)
      const left = async (tenant: string) => store.write('eraseSome', { tenant, isLast: true, limit: 1 })
      // Only the row of the tenant itself is left to erase.
      expect(await left('acme')).toBe(1)
      expect(await left('acme')).toBe(0)
    })

    it('with its tenant when that is erased', async () => {
      const erase = () => store.write('eraseSome', { tenant: 'acme', isLast: false, limit: 100 })
      while ((await erase()) > 0);
      expect(await versions()).toEqual([false, false, false])
    })
  })
})
