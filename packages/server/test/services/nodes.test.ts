import { describe, expect, it } from 'vitest'
import { Nodes } from '../../src/services/nodes.ts'
import type { PartitionBacklog } from '../../src/store/operations/deliveries/backlog.ts'
import type { KnownNode, KnownNodes } from '../../src/store/operations/nodes.ts'
import { aReport } from './setup.ts'

const NOW_MS = 1_000_000

function listOf(known: Partial<KnownNodes>, pending: readonly PartitionBacklog[] | null = []) {
  const read = async () => ({ nowMs: NOW_MS, nodes: [], owners: [], ...known })
  const store = { read: read as never, now: () => NOW_MS }
  const report = () => aReport({ startedAtMs: 500 })
  const byPartition = pending === null ? null : new Map(pending.map(each => [each.partition, each]))
  return new Nodes(store, { id: 'bb', report, pendingByPartition: async () => byPartition }).list()
}

const aNode = (id: string, over: Partial<KnownNode> = {}): KnownNode => ({
  id,
  seenAtMs: NOW_MS - 1_000,
  isAlive: true,
  report: aReport({ startedAtMs: 400 }),
  ...over,
})

describe('the list of nodes', () => {
  it('has this node with what it knows now, even if the store has an old report of it, or none', async () => {
    for (const nodes of [[], [aNode('bb', { isAlive: false })]]) {
      const { nodes: found } = await listOf({ nodes })
      expect(found).toMatchObject([{ id: 'bb', isThis: true, state: 'running', seenAtMs: NOW_MS }])
      expect(found[0]!.report!.startedAtMs).toBe(500)
    }
  })

  it('has the other nodes, those of versions that do not report included, the oldest first', async () => {
    const nodes = [
      aNode('aa', { report: aReport({ startedAtMs: 600, isDraining: true }) }),
      aNode('cc', { isAlive: false }),
      aNode('dd', { seenAtMs: null, report: null }),
    ]
    const { nodes: found } = await listOf({ nodes })
    expect(found.map(({ id, state, isThis }) => [id, state, isThis])).toEqual([
      ['dd', 'running', false],
      ['cc', 'lost', false],
      ['bb', 'running', true],
      ['aa', 'draining', false],
    ])
  })

  it('has the backlog and the lag of the partitions of each, and of those that no node sends for', async () => {
    const owners = ['aa', 'bb', 'aa', null]
    const pending = [
      { partition: 0, pending: 5, due: 3, dueSinceMs: NOW_MS - 700 },
      { partition: 2, pending: 4, due: 1, dueSinceMs: NOW_MS - 9_000 },
      { partition: 3, pending: 2, due: 0, dueSinceMs: null },
    ]
    const { nodes, unassigned } = await listOf({ nodes: [aNode('aa')], owners }, pending)
    expect(nodes.map(({ id, partitions, backlog }) => [id, partitions, backlog])).toEqual([
      ['aa', [0, 2], { pending: 9, due: 4, lagMs: 9_000 }],
      ['bb', [1], { pending: 0, due: 0, lagMs: 0 }],
    ])
    expect(unassigned).toEqual({ partitions: [3], backlog: { pending: 2, due: 0, lagMs: 0 } })
  })

  it('says so if the backlog cannot be counted', async () => {
    const { nodes, unassigned } = await listOf({ owners: ['bb'] }, null)
    expect([nodes[0]!.backlog, unassigned.backlog]).toEqual([null, null])
  })

  it('has no negative lag if a delivery became due after the list was read', async () => {
    const pending = [{ partition: 0, pending: 1, due: 1, dueSinceMs: NOW_MS + 5 }]
    expect((await listOf({ owners: ['bb'] }, pending)).nodes[0]!.backlog).toEqual({ pending: 1, due: 1, lagMs: 0 })
  })
})
