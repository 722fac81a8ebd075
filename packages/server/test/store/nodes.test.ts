import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { aReport } from '../services/setup.ts'
import { anEndpoint, anEvent, aRequest, aTenant } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const node = (number: number) => Uint8Array.from({ length: 16 }, () => number)
const idOf = (number: number) => Buffer.from(node(number)).toString('hex')
const HOUR_MS = 3_600_000

describe.each(engines())('nodes on $name', engine => {
  let opened: Opened
  beforeEach(async () => {
    opened = await engine.open()
    return () => opened.close()
  })
  afterAll(() => engine.stop())

  const list = () => opened.store.read('listNodes', {})
  const report = (number: number, over = {}, aliveMs = 60_000) =>
    opened.store.write('reportNode', { node: node(number), aliveMs, report: aReport(over) })
  const tick = (number: number, leaseMs = 60_000) =>
    opened.store.write('tickLeases', { node: node(number), leaseMs, give: [], isLeaving: false, report: aReport() })

  it('are known by their latest report', async () => {
    await report(1, { pid: 1 })
    await report(2, { pid: 2, role: 'api' })
    await report(1, { pid: 3 })
    const { nodes, nowMs } = await list()
    expect(nodes.map(({ id, isAlive, report: told }) => [id, isAlive, told])).toEqual([
      [idOf(1), true, aReport({ pid: 3 })],
      [idOf(2), true, aReport({ pid: 2, role: 'api' })],
    ])
    for (const { seenAtMs } of nodes) expect(nowMs - seenAtMs!).toBeLessThan(30_000)
  })

  it('report with the tick of their leases, and are forgotten when they leave', async () => {
    await tick(1)
    const { nodes, owners } = await list()
    expect(nodes).toMatchObject([{ id: idOf(1), isAlive: true, report: aReport() }])
    expect(owners).toEqual(Array.from({ length: 256 }, () => idOf(1)))
    await opened.store.write('leaveLeases', { node: node(1) })
    expect(await list()).toMatchObject({ nodes: [], owners: Array.from({ length: 256 }, () => null) })
  })

  it('that tick without a report are listed too', async () => {
    const bare = { node: node(1), leaseMs: 60_000, give: [], isLeaving: false }
    await opened.store.write('tickLeases', bare)
    expect((await list()).nodes).toEqual([{ id: idOf(1), seenAtMs: null, isAlive: true, report: null }])
  })

  it('that died stay listed as lost for an hour', async () => {
    await tick(1)
    await tick(2)
    /** Makes the first node silent since this long ago. */
    const shift = async (ms: number) => {
      for (const table of ['node', 'node_report']) {
        const text = `update ${table} set alive_until_ms = alive_until_ms - ${ms + 60_000} where id = $1`
        await opened.run(text, [node(1)])
      }
    }
    await shift(HOUR_MS - 60_000)
    await tick(2)
    expect((await list()).nodes.map(({ id, isAlive }) => [id, isAlive]).sort()).toEqual([
      [idOf(1), false],
      [idOf(2), true],
    ])
    await shift(HOUR_MS)
    await tick(2)
    expect((await list()).nodes.map(({ id }) => id)).toEqual([idOf(2)])
  })

  it('are forgotten when they say so', async () => {
    await report(1)
    await report(2)
    await opened.store.write('forgetNode', { node: node(1) })
    expect((await list()).nodes.map(({ id }) => id)).toEqual([idOf(2)])
  })

  it('have what is pending in their partitions counted by partition', async () => {
    const { store } = opened
    const [a, b] = [anEndpoint('acme', { partition: 3 }), anEndpoint('acme', { partition: 7 })]
    await aTenant(store, 'acme', [a, b])
    await store.publish(await aRequest(store, 'acme', [anEvent([a]), anEvent([a, b])]))
    await opened.run('update live_delivery set due_ms = 9000000000000 where partition = 7')
    const { count, partitions } = await store.read('countPending', { after: null, limit: 10 })
    expect(count).toBe(3)
    expect(partitions).toEqual([
      { partition: 3, pending: 2, due: 2, dueSinceMs: expect.any(Number) },
      { partition: 7, pending: 1, due: 0, dueSinceMs: null },
    ])
  })
})
