import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/base/durations.ts'
import { newId } from '../../src/base/ids.ts'
import { type EndpointId, RETURNING } from '../../src/base/model.ts'
import type { NextStep } from '../../src/store/operations/deliveries/settlement.ts'
import type { EndpointMark } from '../../src/store/operations/endpoints/marks.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { anAttempt, anEndpoint, anEvent, aRequest, aSettlement, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const FIVE_DAYS_MS = 5 * DAY_MS
const ALL_TYPES = ['delivery.exhausted', 'endpoint.disabled', 'endpoint.failing', 'secret.expiring', 'secret.replaced']
const OPERATIONAL = [...ALL_TYPES, 'replay.finished', 'node.lost'].map(name => `posthorn.${name}`)

describe.each(engines())('failing endpoints and notices on $name', engine => {
  let store: Store
  let run: Opened['run']
  let close: () => Promise<void>
  const endpoint = anEndpoint('acme')

  beforeEach(async () => {
    const opened = await engine.open()
    store = opened.store
    run = opened.run
    close = opened.close
    await aTenant(store, 'acme', [endpoint])
    await aTenant(store, 'posthorn')
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  const subscribe = (tenant: string, types = OPERATIONAL) =>
    store.write('createEndpoint', { endpoint: anEndpoint(tenant, { types, partition: 9 }) })

  async function published(count = 1, type = 'T'): Promise<LaneItem[]> {
    const events = Array.from({ length: count }, () => anEvent([endpoint], { type }))
    expect((await store.publish(await aRequest(store, 'acme', events))).kind).toBe('stored')
    return store.readLane({ partition: 7, endpoint: endpoint.id, limit: 1_000, maxPayloadBytes: 0 })
  }

  const read = async () => (await store.read('getEndpoint', { tenant: 'acme', id: endpoint.id }))!
  const mark = async (marks: EndpointMark[], step: NextStep = { kind: 'retry', dueAtMs: 30_000 }, epoch = 0) => {
    const [item] = await published()
    await store.settle(aSettlement(item!, step, { marks, epoch }))
    await store.write('cancelDeliveries', { partition: 7, endpoint: endpoint.id, only: 'all', limit: 99, nowMs: 1 })
    return (await read()).health
  }
  const judge = (nowMs: number, lastFailureMs = nowMs, disableAfterMs = FIVE_DAYS_MS, delivery: string | null = null) =>
    store.write('escalateFailing', {
      tenant: 'acme',
      endpoint: endpoint.id,
      nowMs,
      lastFailureMs,
      delivery,
      disableAfterMs,
    })
  /** Claims and finishes all notices that are ready to be published. */
  async function take(nowMs: number) {
    const notices = await store.write('claimNotices', { nowMs })
    await store.write('finishNotices', { keys: notices.map(({ key }) => key), nowMs: Date.now() })
    return notices.map(({ key, type, tenant, payload }) => ({ key, type, tenant, data: JSON.parse(payload) }))
  }

  it('C11: a run begins with its first failure, and ends with any success, whichever node records it', async () => {
    expect(await mark([{ kind: 'failing', sinceMs: 5_000 }])).toMatchObject({ failingSinceMs: 5_000, stage: 0 })
    expect((await mark([{ kind: 'failing', sinceMs: 9_000 }])).failingSinceMs).toBe(5_000)
    await store.write('takePartitions', { node: bytes('another node') })
    expect((await mark([{ kind: 'well' }], { kind: 'delivered' }, 0)).failingSinceMs).toBeNull()
    // A failure under an earlier epoch doesn't begin a run.
    expect((await mark([{ kind: 'failing', sinceMs: 12_000 }], undefined, 0)).failingSinceMs).toBeNull()
    expect((await mark([{ kind: 'failing', sinceMs: 12_000 }], undefined, 1)).failingSinceMs).toBe(12_000)
  })

  it('C12: the longest pause requested by the current URL under the current epoch applies', async () => {
    const { url } = endpoint
    expect((await mark([{ kind: 'paused', untilMs: 60_000, url }])).pausedUntilMs).toBe(60_000)
    expect((await mark([{ kind: 'paused', untilMs: 50_000, url }])).pausedUntilMs).toBe(60_000)
    expect((await mark([{ kind: 'paused', untilMs: 90_000, url: 'https://old.example' }])).pausedUntilMs).toBe(60_000)
    expect((await mark([{ kind: 'paused', untilMs: 90_000, url }], undefined, 4)).pausedUntilMs).toBe(60_000)
    expect((await mark([{ kind: 'paused', untilMs: 90_000, url }])).pausedUntilMs).toBe(90_000)
    const before = await read()
    const change = { ...before, description: 'x', updatedAtMs: before.updatedAtMs + 1 }
    expect(await store.write('updateEndpoint', { endpoint: change, readAtMs: before.updatedAtMs })).toBe('updated')
    expect((await read()).health.pausedUntilMs).toBe(90_000)
    const moved = { ...change, url: 'https://new.example/', updatedAtMs: change.updatedAtMs + 1 }
    expect(await store.write('updateEndpoint', { endpoint: moved, readAtMs: change.updatedAtMs })).toBe('updated')
    expect((await read()).health.pausedUntilMs).toBeNull()
  })

  it('takes marks of many endpoints in a few statements, and several of one endpoint in their order', async () => {
    const others = Array.from({ length: 50 }, () => anEndpoint('acme'))
    for (const other of others) await store.write('createEndpoint', { endpoint: other })
    const { url } = endpoint
    const failing: EndpointMark = { kind: 'failing', sinceMs: 5_000 }
    const place = (id: EndpointId, mark: EndpointMark, epoch = 0) => ({ endpoint: id, epoch, mark })
    await store.write('markEndpoints', [
      ...others.map(({ id }) => place(id, failing)),
      place(endpoint.id, failing),
      place(endpoint.id, { kind: 'well' }),
      place(endpoint.id, { ...failing, sinceMs: 7_000 }),
      place(endpoint.id, { kind: 'paused', untilMs: 60_000, url }),
      place(endpoint.id, { kind: 'paused', untilMs: 50_000, url }),
      place(others[0]!.id, { kind: 'well' }),
      // Of an earlier owner of the partition: says nothing.
      place(others[0]!.id, { ...failing, sinceMs: 9_000 }, 4),
    ])
    const health = await Promise.all(
      [endpoint, ...others].map(async ({ id }) => (await store.read('getEndpoint', { tenant: 'acme', id }))!.health),
    )
    expect(health[0]).toEqual({ failingSinceMs: 7_000, stage: 0, pausedUntilMs: 60_000 })
    expect(health[1]!.failingSinceMs).toBeNull()
    expect(new Set(health.slice(2).map(({ failingSinceMs }) => failingSinceMs))).toEqual(new Set([5_000]))
  })

  it('C11: warns once at each of 1, 2 and 4 days, and disables at five, however often it is checked', async () => {
    await subscribe('posthorn')
    await mark([{ kind: 'failing', sinceMs: 1_000 }])
    expect(await judge(1_000 + DAY_MS - 1)).toMatchObject({ kind: 'failing', stage: 0, isWarned: false })
    const warned: unknown[] = []
    for (const days of [1, 1.5, 2, 3.9, 4, 4.9]) {
      const [one, two] = await Promise.all([judge(1_000 + days * DAY_MS), judge(1_000 + days * DAY_MS)])
      warned.push([one, two].filter(judged => judged.kind === 'failing' && judged.isWarned).length)
    }
    expect(warned).toEqual([1, 0, 1, 0, 1, 0])
    const told = await take(FIVE_DAYS_MS)
    expect(told.map(({ type, data }) => [type, data.days])).toEqual(
      [1, 2, 4].map(n => ['posthorn.endpoint.failing', n]),
    )
    expect(told[0]).toMatchObject({ tenant: 'acme', data: { tenant: 'acme', endpoint: endpoint.id } })
    expect((await read()).state).toBe('enabled')
    // An endpoint is only disabled if its last failure was within the past day.
    expect((await judge(1_000 + 7 * DAY_MS, 5.9 * DAY_MS)).kind).toBe('failing')
    const both = await Promise.all([judge(1_000 + FIVE_DAYS_MS), judge(1_000 + FIVE_DAYS_MS)])
    expect(both.map(({ kind }) => kind).sort()).toEqual(['disabled', 'well'])
    expect(await read()).toMatchObject({
      state: 'disabled',
      disabledReason: 'failing',
      disabledAtMs: expect.any(Number),
    })
    const [audited] = await store.read('listAudit', {
      tenant: 'acme',
      before: null,
      fromMs: null,
      toMs: null,
      limit: 1,
    })
    expect(audited).toMatchObject({ action: 'disabled', targetId: endpoint.id, actor: { kind: 'system' } })
    expect((await take(9 * DAY_MS)).map(({ data }) => data.reason)).toEqual(['failing'])
  })

  it('C11: enabling clears the failures, and the endpoint counts as returning until a success', async () => {
    await mark([{ kind: 'failing', sinceMs: 1_000 }])
    await judge(1_000 + FIVE_DAYS_MS)
    const nowMs = 6 * DAY_MS
    await store.write('setEndpointState', { tenant: 'acme', id: endpoint.id, state: 'enabled', reason: null, nowMs })
    expect((await read()).health).toEqual({ failingSinceMs: null, stage: RETURNING, pausedUntilMs: null })
    expect((await mark([{ kind: 'well' }], { kind: 'delivered' })).stage).toBe(0)
  })

  it('names the delivery that failed last in warnings, and where it disables', async () => {
    await subscribe('acme')
    await mark([{ kind: 'failing', sinceMs: 1_000 }])
    await judge(1_000 + DAY_MS, undefined, undefined, 'dlv_a')
    await judge(1_000 + FIVE_DAYS_MS, undefined, undefined, 'dlv_b')
    expect((await take(9 * DAY_MS)).map(({ type, data }) => [type, data.delivery])).toEqual([
      ['posthorn.endpoint.failing', 'dlv_a'],
      ['posthorn.endpoint.disabled', 'dlv_b'],
    ])
  })

  it('has what operational events report about a delivery that failed', async () => {
    const payload = bytes('{"n":12345678901234567890 }')
    const events = [anEvent([endpoint], { key: 'k', hash: bytes('h'), payload }), anEvent([])]
    await store.publish(await aRequest(store, 'acme', events))
    const [item] = await store.readLane({ partition: 7, endpoint: endpoint.id, limit: 9, maxPayloadBytes: 0 })
    const { delivery } = item!
    const failure = (maxPayloadBytes = payload.length, tenant = 'acme') =>
      store.read('readFailure', { tenant, delivery, events: [events[1]!.id], maxPayloadBytes })
    expect(await failure()).toMatchObject({ event: events[0]!.id, type: 'T', key: 'k', lastAttempt: null })
    await store.settle(aSettlement(item!, { kind: 'retry', dueAtMs: 30_000 }))
    const attempt = anAttempt(2, { status: 503, responseHeaders: ['x-a', 'b'], responseBody: bytes('busy') })
    await store.settle(aSettlement({ ...item!, attempts: 1 }, { kind: 'retry', dueAtMs: 30_000 }, { attempt }))
    await store.settle(aSettlement({ ...item!, attempts: 2 }, { kind: 'delivered' }))
    const found = (await failure())!
    expect(Buffer.from(found.payload!)).toEqual(Buffer.from(payload))
    expect(found.keys).toEqual(
      new Map([
        [events[0]!.id, 'k'],
        [events[1]!.id, null],
      ]),
    )
    // The last that failed, though one succeeded after it.
    expect(found.lastAttempt).toMatchObject({ number: 2, status: 503, responseHeaders: ['x-a', 'b'], request: null })
    expect(Buffer.from(found.lastAttempt!.responseBody).toString()).toBe('busy')
    expect((await failure(payload.length - 1))!.payload).toBeNull()
    expect(await failure(99, 'other')).toBeNull()
    await run('update event set payload = $1', [new Uint8Array(0)])
    expect(await failure()).toMatchObject({ key: 'k', payload: null })
    await run('delete from event')
    expect(await failure()).toMatchObject({ event: events[0]!.id, key: null, payload: null })
  })

  it('with disabling switched off, warns but never disables', async () => {
    await mark([{ kind: 'failing', sinceMs: 1_000 }])
    expect(await judge(1_000 + 99 * DAY_MS, undefined, 0)).toMatchObject({ kind: 'failing', stage: 3, isWarned: true })
  })

  it('stores a notice only if an endpoint wants it', async () => {
    await mark([{ kind: 'failing', sinceMs: 1_000 }])
    await judge(1_000 + DAY_MS)
    expect(await store.read('peekNotices', { nowMs: 9 * DAY_MS })).toBe(false)
    await aTenant(store, 'beta')
    await subscribe('beta')
    await judge(1_000 + 2 * DAY_MS)
    expect(await store.read('peekNotices', { nowMs: 9 * DAY_MS })).toBe(false)
    await subscribe('acme')
    await judge(1_000 + 4 * DAY_MS)
    expect((await take(9 * DAY_MS)).map(({ data }) => data.days)).toEqual([4])
  })

  it('reports once that a 410 disabled an endpoint, and reports manual disabling', async () => {
    await subscribe('acme')
    const items = await published(2)
    const settled = items.map(item => aSettlement(item, { kind: 'retry', dueAtMs: 30_000 }, { gone: true }))
    await Promise.all(settled.map(settlement => store.settle(settlement)))
    expect((await take(DAY_MS)).map(({ type, data }) => [type, data.reason, data.delivery])).toEqual([
      ['posthorn.endpoint.disabled', 'gone', items[0]!.delivery],
    ])
    const set = (state: 'enabled' | 'disabled', nowMs: number) => {
      const reason = state === 'disabled' ? ('manual' as const) : null
      return store.write('setEndpointState', { tenant: 'acme', id: endpoint.id, state, reason, nowMs })
    }
    await set('disabled', 40_000)
    await set('enabled', 41_000)
    await set('disabled', 42_000)
    expect((await take(DAY_MS)).map(({ data }) => [data.reason, data.delivery])).toEqual([['manual', null]])
  })

  it('reports a first exhausted delivery immediately, then one event a minute with a count and ids', async () => {
    await subscribe('posthorn')
    const exhaust = async (count: number, endedAtMs: number) => {
      const items = (await published(count)).slice(-count)
      await Promise.all(items.map(item => store.settle(aSettlement(item, { kind: 'exhausted' }, { endedAtMs }))))
      return items
    }
    const [first] = await exhaust(1, 10_000)
    expect(await take(10_000)).toMatchObject([
      {
        type: 'posthorn.delivery.exhausted',
        tenant: 'acme',
        data: {
          tenant: 'acme',
          endpoint: endpoint.id,
          count: 1,
          deliveries: [{ delivery: first!.delivery, type: 'T' }],
        },
      },
    ])
    await exhaust(60, 20_000)
    await exhaust(40, 30_000)
    expect(await take(69_999)).toEqual([])
    const [gathered, ...more] = await take(70_001)
    expect(more).toEqual([])
    expect(gathered!.data.count).toBe(100)
    expect(gathered!.data.deliveries).toHaveLength(20)
    expect(new Set(gathered!.data.deliveries.map(({ delivery }: { delivery: string }) => delivery)).size).toBe(20)
    expect([gathered!.data.firstAt, gathered!.data.lastAt]).toEqual(
      [20_000, 30_000].map(ms => new Date(ms).toISOString()),
    )
    // Nothing else was exhausted: the row is removed, too.
    expect(await take(131_000)).toEqual([])
    expect(await store.read('peekNotices', { nowMs: 9 * DAY_MS })).toBe(false)
  })

  it('does not report exhausted operational events, nor endpoints that receive only those', async () => {
    await subscribe('posthorn')
    const [item] = await published(1, 'posthorn.endpoint.disabled')
    await store.settle(aSettlement(item!, { kind: 'exhausted' }))
    const own = anEndpoint('acme', { types: ['posthorn.endpoint.failing'] })
    await store.write('createEndpoint', { endpoint: own })
    const disable = { tenant: 'acme', id: own.id, state: 'disabled' as const, reason: 'manual' as const, nowMs: 5 }
    await store.write('setEndpointState', disable)
    expect(await take(DAY_MS)).toEqual([])
  })

  it('returns a notice again, byte for byte, if the node that claimed it did not finish', async () => {
    await subscribe('posthorn')
    const disable = {
      tenant: 'acme',
      id: endpoint.id,
      state: 'disabled' as const,
      reason: 'manual' as const,
      nowMs: 900,
    }
    await store.write('setEndpointState', disable)
    await store.write('setEndpointState', disable)
    const first = await store.write('claimNotices', { nowMs: 1_000 })
    expect(first).toMatchObject([{ type: 'posthorn.endpoint.disabled', tenant: 'acme' }])
    expect(JSON.parse(first[0]!.payload)).toMatchObject({ endpoint: endpoint.id, reason: 'manual' })
    expect(await store.write('claimNotices', { nowMs: 2_000 })).toEqual([])
    expect(await store.write('claimNotices', { nowMs: 60_000 })).toEqual(first)
  })

  it('C9: warns 30, 7 and 1 days before a secret expires, once each, and again after it is replaced', async () => {
    await subscribe('posthorn')
    const nowMs = 100 * DAY_MS
    const expiring = anEndpoint('acme', { expiry: { secretMs: nowMs, certificateMs: nowMs - DAY_MS } })
    await store.write('createEndpoint', { endpoint: expiring })
    const look = async (atMs: number) => {
      // Two nodes check at the same time.
      await Promise.all([store.write('warnExpiring', { nowMs: atMs }), store.write('warnExpiring', { nowMs: atMs })])
      return (await take(atMs)).map(({ type, data }) => {
        expect([type, data.endpoint]).toEqual(['posthorn.secret.expiring', expiring.id])
        return `${data.secret} ${data.days}`
      })
    }
    expect(await look(nowMs - 31.5 * DAY_MS)).toEqual([])
    expect((await look(nowMs - 30 * DAY_MS)).sort()).toEqual(['clientCertificate 30', 'clientSecret 30'])
    expect(await look(nowMs - 20 * DAY_MS)).toEqual([])
    // Warned late: only the warning nearest to the expiry is sent.
    expect((await look(nowMs - 1.5 * DAY_MS)).sort()).toEqual(['clientCertificate 1', 'clientSecret 7'])
    expect(await look(nowMs - DAY_MS)).toEqual(['clientSecret 1'])
    expect(await look(nowMs)).toEqual([])
    const before = (await store.read('getEndpoint', { tenant: 'acme', id: expiring.id }))!
    const renewed = { ...before, expiry: { secretMs: nowMs + 20 * DAY_MS, certificateMs: null }, updatedAtMs: 9 }
    await store.write('updateEndpoint', { endpoint: renewed, readAtMs: before.updatedAtMs, credentials: ['oauth'] })
    expect(await take(nowMs)).toMatchObject([{ type: 'posthorn.secret.replaced', data: { secrets: ['oauth'] } }])
    expect(await look(nowMs)).toEqual(['clientSecret 30'])
  })

  it('reports once that a node was lost, but not that a node shut down', async () => {
    await subscribe('posthorn')
    const tick = (node: string, leaseMs = 60_000) =>
      store.write('tickLeases', { node: bytes(node.padEnd(16)), leaseMs, give: [], isLeaving: false })
    await tick('gone', 1)
    await tick('stays')
    await store.write('leaveLeases', { node: bytes('stays'.padEnd(16)) })
    await expect.poll(async () => (await tick('next')).nodes, { timeout: 10_000 }).toBe(1)
    await Promise.all([tick('next'), tick('another')])
    const told = await take(Date.now() + DAY_MS)
    expect(told.map(({ type, data }) => [type, Buffer.from(data.node, 'hex').toString().trim()])).toEqual([
      ['posthorn.node.lost', 'gone'],
    ])
    expect(JSON.stringify(told)).not.toContain('secret')
  })

  it('reads a single delivery, but only while it is pending', async () => {
    const [item] = await published()
    const { tenant, delivery } = item!
    expect(await store.read('readPending', { tenant, delivery })).toMatchObject({
      delivery,
      event: item!.event,
      type: 'T',
      replay: false,
    })
    await store.settle(aSettlement(item!, { kind: 'delivered' }))
    expect(await store.read('readPending', { tenant, delivery })).toBeNull()
    const again = { id: newId('dlv', Date.now()), endpoint: item!.endpoint, partition: item!.partition }
    const of = { tenant, event: item!.event, type: 'T', test: false, nowMs: 1 }
    await store.write('createDelivery', { ...of, delivery: { ...again, replayOf: delivery } })
    expect(await store.read('readPending', { tenant, delivery: again.id })).toMatchObject({ replay: true })
  })
})
