/** What is known about a failing receiver applies on whichever node sends to it. */
import { type Authority, createAuthority, type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Notices } from '../../src/background/notices.ts'
import { systemClock } from '../../src/base/clock.ts'
import { DAY_MS } from '../../src/base/durations.ts'
import { cover } from '../engine/harness.ts'
import { withClient } from '../move/tables.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { type ClusterNode, SECRET, startNode } from './node.ts'

const WAIT = { timeout: 30_000, interval: 25 }

let server: Postgres
let authority: Authority
let count = 0
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())
const database = () => server.createDatabase(`failing_${++count}`)
const engine = { retrySchedule: [0.1, 0.1, 600, 600] }
const ownerOf = (nodes: ClusterNode[], partition: number) => nodes.find(node => node.owns(partition))

describe('failing receivers on several nodes', () => {
  it('C12: a pause also applies on the node that takes over; a manual retry on any node bypasses it', async () => {
    const url = await database()
    const receiver = await startReceiver({
      authority,
      names: ['localhost'],
      script: (_request, _nth, total) =>
        total === 1 ? { status: 503, headers: { 'retry-after': '600' } } : { status: 204 },
    })
    const nodes = [await startNode(url, authority, { engine }), await startNode(url, authority, { engine })]
    const [one, two] = nodes as [ClusterNode, ClusterNode]
    await one.tenants.put('acme', {})
    const { endpoint } = await one.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
    const { id, partition } = endpoint
    await expect.poll(() => [one.shareOf(), two.shareOf()], WAIT).toEqual([128, 128])
    const owner = ownerOf(nodes, partition)!
    const heir = owner === one ? two : one
    await owner.publish('acme', cover(1))
    await expect.poll(async () => (await heir.endpoints.get('acme', id)).health.pausedUntilMs, WAIT).not.toBeNull()
    await owner.crash()
    await expect.poll(() => heir.owns(partition), WAIT).toBe(true)
    const third = await startNode(url, authority, { engine })
    await expect.poll(() => third.shareOf(), WAIT).toBe(128)
    const holder = ownerOf([heir, third], partition)!
    const other = holder === heir ? third : heir
    await holder.publish('acme', [cover(2), cover(3)])
    const { endpoint: well } = await other.endpoints.create('acme', {
      url: `${receiver.url}/well`,
      clientSecret: SECRET,
      types: ['COVER_REFERENCE'],
    })
    await other.publish('acme', cover(4))
    await receiver.waitFor(() => receiver.requests.some(({ path }) => path === '/well'), { timeoutMs: 20_000 })
    const atPaused = () => receiver.requests.filter(({ path }) => path === '/')
    expect(atPaused().length).toBe(1)
    const filter = {
      state: 'pending',
      endpoint: id,
      event: null,
      type: null,
      before: null,
      fromMs: null,
      toMs: null,
    } as const
    const pending = await listDeliveries(other.store, 'acme', filter, 10)
    expect(pending.length).toBe(4)
    await other.deliveries.retry('acme', pending[0]!.id)
    await expect.poll(() => atPaused().length, WAIT).toBe(2)
    expect((await other.deliveries.get('acme', pending[0]!.id)).delivery.endpoint).not.toBe(well.id)
    await other.endpoints.enable('acme', id, { held: 'release' })
    await expect.poll(() => atPaused().length, WAIT).toBeGreaterThanOrEqual(4)
    await heir.stop()
    await third.stop()
    await receiver.close()
  }, 120_000)

  it('C11: a run of failures continues across a takeover and disables the endpoint; a lost node is reported once', async () => {
    const url = await database()
    const receiver = await startReceiver({
      authority,
      names: ['localhost'],
      script: ({ path }) => ({ status: path === '/bad' ? 500 : 204 }),
    })
    const nodes = [await startNode(url, authority, { engine }), await startNode(url, authority, { engine })]
    const [one, two] = nodes as [ClusterNode, ClusterNode]
    const notices = nodes.map(({ store, publisher }) => {
      return new Notices(store, publisher, systemClock, pino({ level: 'silent' }))
    })
    for (const each of notices) each.start()
    await one.tenants.put('acme', {})
    const input = { clientSecret: SECRET, schedule: [] }
    const { endpoint } = await one.endpoints.create('acme', { ...input, url: `${receiver.url}/bad` })
    const types = ['posthorn.endpoint.disabled', 'posthorn.node.lost']
    await one.endpoints.create('posthorn', { ...input, url: `${receiver.url}/ops`, types })
    await expect.poll(() => [one.shareOf(), two.shareOf()], WAIT).toEqual([128, 128])
    const owner = ownerOf(nodes, endpoint.partition)!
    const heir = owner === one ? two : one
    await owner.publish('acme', cover(1))
    await expect
      .poll(async () => (await heir.endpoints.get('acme', endpoint.id)).health.failingSinceMs, WAIT)
      .not.toBeNull()
    await withClient(url, client =>
      client.query(
        'update posthorn.endpoint set failing_since_ms = failing_since_ms - $1 where failing_since_ms is not null',
        [5 * DAY_MS],
      ),
    )
    await notices[nodes.indexOf(owner)]!.stop()
    await owner.crash()
    const third = await startNode(url, authority, { engine })
    await expect.poll(() => heir.shareOf() + third.shareOf(), WAIT).toBe(256)
    const publisher = ownerOf([heir, third], endpoint.partition) === heir ? third : heir
    await publisher.publish('acme', cover(2))
    await expect.poll(async () => (await third.endpoints.get('acme', endpoint.id)).state, WAIT).toBe('disabled')
    // On every node, events published now are held.
    for (const node of [heir, third]) await node.publish('acme', cover(3))
    const held = {
      state: 'held',
      endpoint: endpoint.id,
      event: null,
      type: null,
      before: null,
      fromMs: null,
      toMs: null,
    } as const
    expect((await listDeliveries(third.store, 'acme', held, 10)).length).toBe(2)
    const told = () =>
      receiver.requests.filter(({ path }) => path === '/ops').map(({ body }) => JSON.parse(body.toString()))
    await expect.poll(() => told().filter(({ reason }) => reason === 'failing').length, WAIT).toBe(1)
    await expect.poll(() => told().filter(({ node }) => node !== undefined).length, WAIT).toBe(1)
    await notices[nodes.indexOf(heir)]!.stop()
    await third.stop()
    await heir.stop()
    expect(told().length).toBe(2)
    await receiver.close()
  }, 120_000)
})
