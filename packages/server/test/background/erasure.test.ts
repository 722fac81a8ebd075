import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Erasure } from '../../src/background/erasure.ts'
import { Interrupted } from '../../src/background/works.ts'
import { systemClock } from '../../src/base/clock.ts'
import { idBytes } from '../../src/base/ids.ts'
import type { Endpoint } from '../../src/base/model.ts'
import { Tenants } from '../../src/services/tenants/tenants.ts'
import type { NewEvent } from '../../src/store/operations/events/publish-request.ts'
import { scopeOf } from '../../src/store/operations/idempotent-calls.ts'
import { openSqlite } from '../../src/store/sqlite/driver.ts'
import { Store } from '../../src/store/store.ts'
import { anAttempt, anEndpoint, anEvent, aRequest, aSettlement, aTenant, bytes } from '../store/builders.ts'
import { endpointsOf } from '../store/endpoints-of.ts'
import { engines, type Opened } from '../store/engines.ts'
import { atOnce, countRows, end, log, publish, replay } from './setup.ts'

const options = { attemptMs: 0, onErase() {} }
const FILLED = new Set([
  'event',
  'delivery',
  'attempt',
  'live_delivery',
  'inbox',
  'idempotency',
  'endpoint',
  'api_key',
  'audit',
  'mismatch',
  'retention_mark',
  'retention_kept',
])
const ACTOR = { kind: 'root', key: null, name: null, address: '192.0.2.7' } as const

describe.each(engines())('erasing a tenant on $name', engine => {
  let opened: Opened
  let store: Store
  let tenants: Tenants
  let endpoint: Endpoint
  let other: Endpoint

  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    tenants = new Tenants(store, options)
    endpoint = anEndpoint('acme')
    other = anEndpoint('other', { partition: 9 })
    await aTenant(store, 'acme', [endpoint])
    await aTenant(store, 'other', [other])
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  const erase = () => new Erasure(store, log).run(atOnce)

  /** Creates a row of a tenant in each table that has rows of tenants. */
  async function fill(of: Endpoint): Promise<void> {
    const { tenant } = of
    const { event, items } = await publish(store, [of], { key: 'k', hash: bytes('h') })
    await end(store, items[0]!)
    await replay(store, of, event, items[0]!.delivery)
    const waiting = anEvent([], { deliveries: null })
    await store.publish(await aRequest(store, tenant, [waiting]))
    const kept = [items[0]!.delivery]
    await store.write('removeAnswers', { tenant, deliveries: [], kept, mark: items[0]!.delivery })
    const mismatch = { kind: 'event_deliveries', tenant, id: event.id, detail: 'x' } as const
    await store.write('storeMismatches', { mismatches: [mismatch], nowMs: 1 })
    const times = { createdAtMs: 1, expiresAtMs: null, revokedAtMs: null }
    const key = {
      id: event.id.replace('evt', 'key'),
      name: 'k',
      scope: 'all',
      tenant,
      payloads: true,
      rateLimit: null,
      ...times,
    } as const
    await store.write('createApiKey', { key, hash: bytes(`hash of ${tenant}`) })
    const call = { key: 'k', hash: bytes('h'), madeId: null, madeMs: 1, status: 201, response: bytes('{}\n{}') }
    const scope = scopeOf(null, tenant)
    await store.write('recordCall', { call: { ...call, scope, expiresMs: 2, sealedUntilMs: null } })
    await fillOthers(tenant)
  }

  /** Adds a row to every other table with rows of tenants, even to those that this test doesn't know. */
  async function fillOthers(tenant: string): Promise<void> {
    const dummies = { text: tenant, int: 0, bytes: Uint8Array.from(bytes(tenant.padEnd(16))) }
    for (const { name, columns } of await store.read('describeTables', {})) {
      if (!columns.some(([column]) => column === 'tenant') || FILLED.has(name)) continue
      const names = columns.map(([column]) => column)
      const places = names.map((_, index) => `$${index + 1}`)
      const values = columns.map(([, type]) => dummies[type])
      await opened.run(`insert into ${name} (${names.join(', ')}) values (${places.join(', ')})`, values)
    }
  }

  /** A tenant's rows by table. Tables without any are left out. */
  async function rowsOf(tenant: string): Promise<Record<string, number>> {
    const rows: Record<string, number> = {}
    for (const { name, columns } of await store.read('describeTables', {})) {
      if (!columns.some(([column]) => column === 'tenant')) continue
      const count = await countRows(opened, name)
      await opened.run(`delete from ${name} where tenant <> $1`, [tenant])
      rows[name] = await countRows(opened, name)
      expect(rows[name]).toBeLessThanOrEqual(count)
    }
    return rows
  }

  it('leaves nothing of it in any table but the audit log, and keeps everything of others', async () => {
    await fill(endpoint)
    await fill(other)
    const begun = await tenants.erase('acme', ACTOR)
    expect(begun).toMatchObject({ tenant: 'acme', state: 'running', finishedAtMs: null })
    await erase()
    const done = await tenants.erasure('acme')
    expect(done.state).toBe('finished')
    expect(done.rowsRemoved).toBeGreaterThanOrEqual(10)
    const callsOf = (tenant: string) => store.read('findCall', { scope: scopeOf(null, tenant), key: 'k', nowMs: 1 })
    expect([await callsOf('acme'), (await callsOf('other'))?.status]).toEqual([null, 201])
    const audit = await store.read('listAudit', { tenant: 'acme', before: null, fromMs: null, toMs: null, limit: 99 })
    expect(audit.find(({ action }) => action === 'erased')).toMatchObject({ targetId: 'acme', actor: ACTOR })
    const left = await rowsOf('other')
    for (const [table, count] of Object.entries(left)) if (table !== 'delivery') expect(count, table).toBeGreaterThan(0)
    expect(await rowsOf('acme')).toEqual(Object.fromEntries(Object.keys(left).map(table => [table, 0])))
  })

  it('works for a tenant that was deleted before, and for one with events from SQL only', async () => {
    await fill(endpoint)
    await tenants.remove('acme')
    await tenants.erase('acme')
    await erase()
    expect((await tenants.erasure('acme')).state).toBe('finished')
    expect(await store.read('getTenant', { id: 'acme' })).toBeNull()
    await expect(tenants.erase('acme')).rejects.toThrow('The tenant was not found')
    await expect(tenants.erase('unknown')).rejects.toThrow('The tenant was not found')
    await expect(tenants.erasure('unknown')).rejects.toThrow('The erasure was not found')
    await opened.run(`insert into inbox (tenant, id, type, payload, created_ms) values ('?', $1, 'T', $2, 1)`, [
      new Uint8Array(16),
      bytes('{}'),
    ])
    await tenants.erase('?')
    await erase()
    expect(await countRows(opened, 'inbox')).toBe(0)
  })

  it('continues after any number of interruptions', async () => {
    for (let round = 0; round < 3; round++) await publish(store, [endpoint])
    await tenants.erase('acme')
    for (let allowed = 0; (await tenants.erasure('acme')).state === 'running'; allowed++) {
      let steps = 0
      const cut = {
        ...atOnce,
        step: <T>(work: () => Promise<T>) => (steps++ < allowed ? work() : Promise.reject(new Interrupted())),
      }
      await new Erasure(store, log).run(cut).catch(error => expect(error).toBeInstanceOf(Interrupted))
      expect(allowed).toBeLessThan(50)
    }
    expect(await countRows(opened, 'event')).toBe(0)
  })

  it('waits for attempts in flight, and removes what they leave behind', async () => {
    const { items } = await publish(store, [endpoint])
    const patient = new Tenants(store, { attemptMs: 400, onErase() {} })
    await patient.erase('acme')
    await erase()
    expect((await tenants.erasure('acme')).state).toBe('running')
    expect(await countRows(opened, 'live_delivery')).toBe(0)
    // A node with the attempt in flight doesn't know about the erasure.
    const attempt = anAttempt(1, { outcome: 'success', status: 200, error: null, responseBody: bytes('late') })
    expect(await store.settle(aSettlement(items[0]!, { kind: 'delivered' }, { attempt }))).toBe('unmoved')
    expect(await countRows(opened, 'attempt')).toBe(1)
    const eraseMore = async () => {
      await erase()
      return (await tenants.erasure('acme')).state
    }
    await expect.poll(eraseMore).toBe('finished')
    expect(await countRows(opened, 'attempt')).toBe(0)
  })

  it('leaves out what operational events for the operator quote of it, and nothing else of them', async () => {
    await aTenant(store, 'posthorn')
    const quoted = { key: 'order-7', payload: { name: 'Jane' }, payloadOmitted: false, lastAttempt: { status: 500 } }
    const deliveries = [{ delivery: 'dlv_1', key: 'order-7' }]
    const of = (name: string, data: object) =>
      anEvent([], { type: `posthorn.${name}`, payload: bytes(JSON.stringify(data)) })
    const failing = of('endpoint.failing', { tenant: 'acme', days: 1, ...quoted })
    const exhausted = of('delivery.exhausted', { tenant: 'acme', count: 2, deliveries, ...quoted })
    const kept = [
      of('endpoint.disabled', { tenant: 'other', ...quoted }),
      // From before such events quoted anything.
      of('endpoint.disabled', { tenant: 'acme', reason: 'gone' }),
      of('replay.finished', { tenant: 'acme', replay: 'r', payloadOmitted: false }),
      of('endpoint.disabled', { payload: { tenant: 'acme' }, payloadOmitted: false }),
      anEvent([], { type: 'posthorn.endpoint.failing', payload: bytes('{"tenant":"acme","payloadOmitted":true}') }),
    ]
    // More than one page of them.
    const many = Array.from({ length: 120 }, () => of('endpoint.failing', { tenant: 'other', ...quoted }))
    const events = [failing, ...many, ...kept, exhausted]
    for (const event of events) await store.publish(await aRequest(store, 'posthorn', [event]))
    await opened.run('update event set payload = $1 where id = $2', [new Uint8Array(0), idBytes(kept[4]!.id)])
    await tenants.erase('acme')
    await erase()
    const payloadOf = async ({ id }: NewEvent) =>
      Buffer.from((await store.read('getEvent', { tenant: 'posthorn', id }))!.payload).toString()
    const nothing = { key: null, payload: null, payloadOmitted: true, lastAttempt: null }
    expect(JSON.parse(await payloadOf(failing))).toEqual({ tenant: 'acme', days: 1, ...nothing })
    expect(JSON.parse(await payloadOf(exhausted))).toEqual({
      tenant: 'acme',
      count: 2,
      deliveries: [{ delivery: 'dlv_1', key: null }],
      ...nothing,
    })
    const unchanged = [...many, ...kept.slice(0, 4)]
    for (const event of unchanged) expect(await payloadOf(event)).toBe(Buffer.from(event.payload).toString())
    expect(await payloadOf(kept[4]!)).toBe('')
  })

  it('makes the id reusable: without old history, and old idempotency keys are new again', async () => {
    const keyed = { key: 'order-1', hash: bytes('h') }
    const { event } = await publish(store, [endpoint], keyed)
    await tenants.erase('acme')
    await expect(tenants.put('acme', {})).rejects.toMatchObject({ code: 'conflict' })
    await erase()
    expect((await tenants.put('acme', {})).created).toBe(true)
    const again = anEvent([], { ...keyed, deliveries: [] })
    expect(await store.publish(await aRequest(store, 'acme', [again]))).toMatchObject({
      events: [{ id: again.id, duplicate: false }],
    })
    expect(await store.read('getEvent', { tenant: 'acme', id: event.id })).toBeNull()
  })
})

describe('the files of an embedded store', () => {
  const MARKS = [
    'PAYLOAD-MARK',
    'ANSWER-MARK',
    'HEADER-MARK',
    'url-mark.example',
    'SEALED-MARK',
    'DIGEST-MARK',
    'KEY-MARK',
  ]
  const found = async (folder: string): Promise<string[]> => {
    const files = ['posthorn.db', 'posthorn.db-wal', 'posthorn.db-shm']
    const all = Buffer.concat(await Promise.all(files.map(name => readFile(join(folder, name)))))
    return MARKS.filter(mark => all.includes(mark))
  }

  it('contain nothing of an erased tenant, and are smaller', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'posthorn-erase-'))
    const driver = await openSqlite(folder, systemClock)
    const store = new Store(driver, systemClock)
    try {
      await store.write('migrate', {})
      const over = { sealedCredentials: bytes('SEALED-MARK'), secretDigest: bytes('DIGEST-MARK') }
      const endpoint = anEndpoint('acme', { ...over, url: 'https://url-mark.example/a' })
      const other = anEndpoint('other', { partition: 9 })
      await aTenant(store, 'acme', [endpoint])
      await aTenant(store, 'other', [other])
      // Interleaved with another tenant's, small and large, so that pages are split, shared and refilled.
      for (let round = 0; round < 40; round++) {
        const size = round % 3 === 0 ? 5_000 : 100
        const payload = bytes(`{"a":"PAYLOAD-MARK ${'x'.repeat(size)}"}`)
        const over = { payload, key: `KEY-MARK ${round}`, hash: bytes('h') }
        const events = Array.from({ length: 20 }, (_, index) =>
          anEvent([endpoint], { ...over, key: `KEY-MARK ${round} ${index}` }),
        )
        await store.publish(await aRequest(store, 'acme', events))
        await store.publish(await aRequest(store, 'other', [anEvent([other]), anEvent([other])]))
        const lane = { endpoint: endpoint.id, partition: endpoint.partition, limit: 20, maxPayloadBytes: 0 }
        const answer = { responseHeaders: ['x', 'HEADER-MARK'], responseBody: bytes(`ANSWER-MARK ${'y'.repeat(size)}`) }
        const attempt = anAttempt(1, { outcome: 'success', status: 200, error: null, ...answer })
        const items = await store.readLane(lane)
        const settled = items.slice(0, 15)
        await Promise.all(settled.map(item => store.settle(aSettlement(item, { kind: 'delivered' }, { attempt }))))
      }
      expect(await found(folder)).toEqual(MARKS)
      const before = (await readFile(join(folder, 'posthorn.db'))).length
      const tenants = new Tenants(store, options)
      await tenants.erase('acme')
      await new Erasure(store, log).run(atOnce)
      expect((await tenants.erasure('acme')).state).toBe('finished')
      expect(await found(folder)).toEqual([])
      expect((await readFile(join(folder, 'posthorn.db'))).length).toBeLessThan(before / 2)
      expect(await endpointsOf(store, 'other')).toHaveLength(1)
    } finally {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('contain nothing that operational events quoted of an erased tenant', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'posthorn-erase-'))
    const driver = await openSqlite(folder, systemClock)
    const store = new Store(driver, systemClock)
    try {
      await store.write('migrate', {})
      for (const tenant of ['posthorn', 'acme']) await aTenant(store, tenant)
      const quoted = { tenant: 'acme', payload: 'PAYLOAD-MARK', payloadOmitted: false, lastAttempt: 'ANSWER-MARK' }
      const quoting = { type: 'posthorn.endpoint.failing', payload: bytes(JSON.stringify(quoted)) }
      for (let count = 0; count < 30; count++) {
        await store.publish(await aRequest(store, 'posthorn', [anEvent([], quoting)]))
      }
      expect(await found(folder)).toEqual(['PAYLOAD-MARK', 'ANSWER-MARK'])
      await new Tenants(store, options).erase('acme')
      await new Erasure(store, log).run(atOnce)
      expect(await found(folder)).toEqual([])
    } finally {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
