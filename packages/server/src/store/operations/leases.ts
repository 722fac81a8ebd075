/**
 * Which node sends for which partitions (docs/decisions/0009-leases.md). A partition goes from free to held and back to
 * free, or from one holder to another once the first one's lease has expired. Its epoch rises each time it changes
 * hands and never falls.
 */

import { PARTITION_COUNT } from '../../base/model.ts'
import { writes } from '../operation.ts'
import { type BulkQuery, bytes, type Dialect, int, intOrNull, type Transaction } from '../transaction.ts'
import { forgetNode, type NodeReport, reportNode } from './nodes.ts'
import { noteLostNodes } from './notices.ts'

/** A partition that a node holds, and its epoch. */
export type Held = { readonly partition: number; readonly epoch: number }

export type LeaseTick = {
  /** 16 bytes, generated each time a process starts. */
  readonly node: Uint8Array
  /** How long a lease that is renewed or taken lasts, in milliseconds of the database's clock. */
  readonly leaseMs: number
  /** Partitions that the node has stopped sending for and hands back. */
  readonly give: readonly number[]
  /** The node is about to stop: it doesn't count as a sending node, takes nothing, and renews what it still holds. */
  readonly isLeaving: boolean
  /** What the node reports about itself. Default: nothing. */
  readonly report?: NodeReport
}

export type LeaseTickResult = {
  readonly held: readonly Held[]
  /** How many partitions the node should hold. Beyond that, it stops sending for those it likes and hands them back. */
  readonly share: number
  /** Partitions taken just now whose owner had died. A node that drains hands over all of its partitions first. */
  readonly afterCrash: readonly number[]
  /** How many nodes send, including this one. */
  readonly nodes: number
  /** When another node's first lease expires unless renewed, in milliseconds from now; null if there is none. */
  readonly nextExpiryMs: number | null
}

/** One round of a sending node: it reports that it is alive, renews leases, hands partitions back and takes others. */
export function* tickLeases(args: LeaseTick, dialect: Dialect): Transaction<LeaseTickResult> {
  const { node, leaseMs, give, isLeaving, report } = args
  const now = dialect.nowMs
  const lost = yield {
    text: `delete from node where alive_until_ms <= ${now} returning id, alive_until_ms, ${now} as now_ms`,
  }
  if (lost.length > 0) {
    const nodes = lost.map(row => ({ id: bytes(row.id), silentSinceMs: int(row.alive_until_ms) }))
    yield* noteLostNodes(nodes, int(lost[0]!.now_ms))
  }
  if (isLeaving) yield { text: 'delete from node where id = $1', params: [node] }
  else {
    yield {
      text: `insert into node (id, alive_until_ms) values ($1, ${now} + $2)
             on conflict (id) do update set alive_until_ms = excluded.alive_until_ms`,
      params: [node, leaseMs],
    }
  }
  if (report !== undefined) yield* reportNode({ node, aliveMs: leaseMs, report }, dialect)
  yield* giveBack(node, give)
  const renewed = yield {
    text: `update partition_lease set expires_ms = ${now} + $2 where owner = $1 returning id, epoch`,
    params: [node, leaseMs],
  }
  const held = renewed.map(row => ({ partition: int(row.id), epoch: int(row.epoch) }))
  const nodes = (yield { text: 'select id from node order by id' }).map(row => bytes(row.id))
  const rank = nodes.findIndex(id => Buffer.compare(id, node) === 0)
  const share = rank === -1 ? 0 : shareOf(rank, nodes.length)
  const taken = held.length < share ? yield* take(args, share - held.length, dialect) : { held: [], afterCrash: [] }
  held.push(...taken.held)
  held.sort((a, b) => a.partition - b.partition)
  const [others] = yield {
    text: `select min(expires_ms) - ${now} as next_ms from partition_lease where owner <> $1`,
    params: [node],
  }
  const nextExpiryMs = intOrNull(others!.next_ms)
  return { held, share, afterCrash: taken.afterCrash, nodes: nodes.length, nextExpiryMs }
}

/** The node stops, or no longer sends: frees every partition that it held. */
export function* leaveLeases(args: { node: Uint8Array }): Transaction<void> {
  yield { text: 'update partition_lease set owner = null, expires_ms = 0 where owner = $1', params: [args.node] }
  yield { text: 'delete from node where id = $1', params: [args.node] }
  yield* forgetNode(args)
}

/** Shares that add up to all partitions and differ by at most one. */
function shareOf(rank: number, nodes: number): number {
  return Math.floor(PARTITION_COUNT / nodes) + (rank < PARTITION_COUNT % nodes ? 1 : 0)
}

const PARTITION_COLUMNS: BulkQuery['columns'] = [
  ['id', 'int'],
  ['owner', 'bytes'],
]

function* giveBack(node: Uint8Array, partitions: readonly number[]): Transaction<void> {
  if (partitions.length === 0) return
  yield {
    text: `update partition_lease set owner = null, expires_ms = 0 from v
           where partition_lease.id = v.id and partition_lease.owner = v.owner returning partition_lease.id`,
    columns: PARTITION_COLUMNS,
    rows: partitions.map(id => [id, node]),
  }
}

const TAKEN_COLUMNS: BulkQuery['columns'] = [
  ['id', 'int'],
  ['owner', 'bytes'],
  ['lease_ms', 'int'],
]

export type Taken = { readonly held: readonly Held[]; readonly afterCrash: readonly number[] }

/** Takes free partitions and those with an expired lease, which is another node's: a running node renews its own. */
function* take({ node, leaseMs }: LeaseTick, count: number, dialect: Dialect): Transaction<Taken> {
  const now = dialect.nowMs
  const found = yield {
    text: `select id, owner from partition_lease where owner is null or expires_ms <= ${now}
           order by id limit $1 ${dialect.skipLocked}`,
    params: [count],
  }
  if (found.length === 0) return { held: [], afterCrash: [] }
  const rows = yield {
    text: `update partition_lease set owner = v.owner, epoch = epoch + 1, expires_ms = ${now} + v.lease_ms from v
           where partition_lease.id = v.id returning partition_lease.id, epoch`,
    columns: TAKEN_COLUMNS,
    rows: found.map(row => [row.id!, node, leaseMs]),
  }
  return {
    held: rows.map(row => ({ partition: int(row.id), epoch: int(row.epoch) })),
    afterCrash: found.filter(row => row.owner !== null).map(row => int(row.id)),
  }
}

/**
 * Takes over all partitions for this process, in order. If they still have an owner, it has died: a process that shuts
 * down frees them first (`leaveLeases`). Without `nowMs`, no operational event reports the dead owner.
 */
export function* takePartitions(args: { node: Uint8Array; nowMs?: number }): Transaction<Taken> {
  const before = yield { text: 'select id, owner from partition_lease order by id' }
  const dead = before.find(row => row.owner !== null)
  if (dead !== undefined && args.nowMs !== undefined)
    yield* noteLostNodes([{ id: bytes(dead.owner), silentSinceMs: null }], args.nowMs)
  yield { text: 'update partition_lease set epoch = epoch + 1, owner = $1', params: [args.node] }
  const rows = yield { text: 'select id, epoch from partition_lease order by id' }
  return {
    held: rows.map(row => ({ partition: int(row.id), epoch: int(row.epoch) })),
    afterCrash: before.filter(row => row.owner !== null).map(row => int(row.id)),
  }
}

export const leaseOperations = {
  tickLeases: writes({ run: tickLeases, configuration: 'ignores' }),
  leaveLeases: writes({ run: leaveLeases, configuration: 'ignores' }),
  takePartitions: writes({ run: takePartitions, configuration: 'ignores' }),
}
