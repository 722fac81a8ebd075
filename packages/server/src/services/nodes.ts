/** All nodes of the installation: what each reports, which partitions it sends for, and their backlog. */
import type { PartitionBacklog } from '../store/operations/deliveries/backlog.ts'
import type { KnownNode, NodeReport } from '../store/operations/nodes.ts'
import type { Store } from '../store/store.ts'

export type NodesOptions = {
  /** This node's id, 32 hexadecimal digits. */
  readonly id: string
  readonly report: () => NodeReport
  /** Pending deliveries by partition, for those that have any. Null if they can't be counted now. */
  readonly pendingByPartition: () => Promise<ReadonlyMap<number, PartitionBacklog> | null>
}

/** Some partitions, and what is pending in them. */
export type Share = {
  readonly partitions: readonly number[]
  /** Null if it can't be counted now. */
  readonly backlog: ShareBacklog | null
}

export type ShareBacklog = {
  readonly pending: number
  readonly due: number
  /** For how long the first of those that are due has been due, in milliseconds. 0 if none is. */
  readonly lagMs: number
}

export type NodeState = 'running' | 'draining' | 'lost'

export type Node = Share & {
  readonly id: string
  readonly state: NodeState
  /** Whether it is the node that responds to the call. */
  readonly isThis: boolean
  /** Null for a node of a version that doesn't report. */
  readonly seenAtMs: number | null
  readonly report: NodeReport | null
}

export type NodeList = {
  readonly nodes: readonly Node[]
  /** The partitions that no node sends for. */
  readonly unassigned: Share
}

type NodesStore = Pick<Store, 'read' | 'now'>

export class Nodes {
  readonly #store: NodesStore
  readonly #options: NodesOptions

  constructor(store: NodesStore, options: NodesOptions) {
    this.#store = store
    this.#options = options
  }

  /** The oldest first. Throws StoreUnavailable. */
  async list(): Promise<NodeList> {
    const { id, report, pendingByPartition } = this.#options
    const [known, pending] = await Promise.all([this.#store.read('listNodes', {}), pendingByPartition()])
    const { nowMs, owners } = known
    // What the node knows now, instead of what it last reported; an embedded store has no reports at all.
    const own: KnownNode = { id, seenAtMs: nowMs, isAlive: true, report: report() }
    const nodes = [own, ...known.nodes.filter(node => node.id !== id)]
    const partitionsOf = Map.groupBy(owners.keys(), partition => owners[partition] ?? null)
    const shareOf = (owner: string | null): Share => {
      const partitions = partitionsOf.get(owner) ?? []
      return { partitions, backlog: pending === null ? null : addUp(partitions, pending, nowMs) }
    }
    return {
      nodes: nodes.map(node => ({ ...describe(node), ...shareOf(node.id), isThis: node.id === id })).sort(byAge),
      unassigned: shareOf(null),
    }
  }
}

function describe({ id, isAlive, seenAtMs, report }: KnownNode): Pick<Node, 'id' | 'state' | 'seenAtMs' | 'report'> {
  const state = !isAlive ? 'lost' : report?.isDraining === true ? 'draining' : 'running'
  return { id, state, seenAtMs, report }
}

function addUp(partitions: readonly number[], all: ReadonlyMap<number, PartitionBacklog>, nowMs: number): ShareBacklog {
  const found = partitions.flatMap(partition => all.get(partition) ?? [])
  const sinceMs = Math.min(nowMs, ...found.flatMap(({ dueSinceMs }) => dueSinceMs ?? []))
  return {
    pending: found.reduce((sum, { pending }) => sum + pending, 0),
    due: found.reduce((sum, { due }) => sum + due, 0),
    lagMs: nowMs - sinceMs,
  }
}

function byAge(a: Node, b: Node): number {
  const age = (a.report?.startedAtMs ?? 0) - (b.report?.startedAtMs ?? 0)
  return age !== 0 ? age : a.id < b.id ? -1 : 1
}
