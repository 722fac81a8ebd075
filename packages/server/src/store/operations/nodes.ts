/**
 * What nodes report about themselves (docs/decisions/0051-nodes-settings-checks.md). A node that sends reports with each
 * tick of its leases; one that only takes calls reports by itself. The report of a node that died stays for an hour.
 */
import { Buffer } from 'node:buffer'
import { HOUR_MS } from '../../base/durations.ts'
import { reads, writes } from '../operation.ts'
import { bytes, type Dialect, int, type Row, type Transaction, text } from '../transaction.ts'

/** What a node knows about itself. Older and newer versions can report less or more. */
export type NodeReport = {
  readonly version: string
  readonly role: string
  readonly host: string
  readonly pid: number
  /** In milliseconds since 1970, by the store's clock. */
  readonly startedAtMs: number
  readonly isDraining: boolean
  readonly load: NodeLoad
  /** Settings that must be the same on all nodes. */
  readonly sharedSettings: Readonly<Record<string, number>>
}

export type NodeLoad = {
  /** Attempts in flight. */
  readonly inFlight: number
  /** Endpoints for which the node has work. */
  readonly lanes: number
  /** Outcomes that are not stored yet. */
  readonly unsettled: number
  /** Open connections to its API. */
  readonly connections: number
  /** How late timers fired during the last minute, in milliseconds. */
  readonly eventLoopDelay: { readonly meanMs: number; readonly p99Ms: number; readonly maxMs: number }
  readonly memory: { readonly residentBytes: number; readonly heapBytes: number; readonly heapLimitBytes: number }
}

export type ReportArgs = {
  readonly node: Uint8Array
  /** How long the node counts as alive without another report, in milliseconds. */
  readonly aliveMs: number
  readonly report: NodeReport
}

export type KnownNode = {
  /** 32 hexadecimal digits. */
  readonly id: string
  /** Null for a node of a version that doesn't report. */
  readonly seenAtMs: number | null
  readonly isAlive: boolean
  readonly report: NodeReport | null
}

export type KnownNodes = {
  readonly nowMs: number
  readonly nodes: readonly KnownNode[]
  /** The owner of each partition, by the partition's number. Null: no node sends for it. */
  readonly owners: readonly (string | null)[]
}

const KEPT_MS = HOUR_MS
/** More nodes than that are not listed. */
const MAX_LISTED = 1_000
/** The rows of nodes that died long ago are removed a few at a time. */
const MAX_REMOVED = 100

/** Replaces the node's report, and removes those of nodes that died long ago. */
export function* reportNode({ node, aliveMs, report }: ReportArgs, dialect: Dialect): Transaction<void> {
  const now = dialect.nowMs
  yield {
    text: `insert into node_report (id, seen_ms, alive_until_ms, report) values ($1, ${now}, ${now} + $2, $3)
           on conflict (id) do update set seen_ms = excluded.seen_ms, alive_until_ms = excluded.alive_until_ms,
             report = excluded.report`,
    params: [node, aliveMs, JSON.stringify(report)],
  }
  // Skips rows that another node is removing: two nodes must not wait for each other.
  yield {
    text: `delete from node_report where id in (
             select id from node_report where alive_until_ms < ${now} - ${KEPT_MS} order by id limit ${MAX_REMOVED}
             ${dialect.skipLocked})`,
  }
}

/** Forgets a node that shuts down. */
export function* forgetNode({ node }: { readonly node: Uint8Array }): Transaction<void> {
  yield { text: 'delete from node_report where id = $1', params: [node] }
}

/** All nodes that run or died within the last hour, and who sends for each partition. */
export function* listNodes(_args: object, dialect: Dialect): Transaction<KnownNodes> {
  const now = dialect.nowMs
  const reports = yield {
    text: `select id, seen_ms, alive_until_ms, report from node_report order by id limit ${MAX_LISTED}`,
  }
  const senders = yield { text: `select id, alive_until_ms from node order by id limit ${MAX_LISTED}` }
  const leases = yield { text: `select id, owner, expires_ms, ${now} as now_ms from partition_lease order by id` }
  const nowMs = int(leases[0]!.now_ms)
  const nodes = new Map<string, KnownNode>()
  // Nodes of a version that doesn't report are known by their leases only.
  for (const row of senders) {
    const id = hex(bytes(row.id))
    nodes.set(id, { id, seenAtMs: null, isAlive: int(row.alive_until_ms) > nowMs, report: null })
  }
  for (const row of reports) {
    const id = hex(bytes(row.id))
    const isAlive = int(row.alive_until_ms) > nowMs
    nodes.set(id, { id, seenAtMs: int(row.seen_ms), isAlive, report: JSON.parse(text(row.report)) as NodeReport })
  }
  // The one process of an embedded store holds its leases without an end.
  const isHeld = (row: Row) => row.owner !== null && (dialect.engine === 'sqlite' || int(row.expires_ms) > nowMs)
  const owners = leases.map(row => (isHeld(row) ? hex(bytes(row.owner)) : null))
  return { nowMs, nodes: [...nodes.values()], owners }
}

const hex = (id: Uint8Array): string => Buffer.from(id).toString('hex')

export const nodeOperations = {
  reportNode: writes({ run: reportNode, configuration: 'ignores' }),
  forgetNode: writes({ run: forgetNode, configuration: 'ignores' }),
  listNodes: reads({ run: listNodes, waitedForBy: 'people' }),
}
