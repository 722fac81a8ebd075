import type { Node } from '@posthorn/client'
import { Badge } from '../../kit/badge.tsx'
import { Id } from '../../kit/copy.tsx'
import type { IconName } from '../../kit/icon.tsx'
import { KeyValue } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { cx } from '../../lib/cx.ts'
import { formatBytes, formatDuration, formatNumber } from '../../lib/format.ts'
import { PARTITIONS, rangesOf, rangesText } from '../../lib/partitions.ts'
import type { Tone } from '../../lib/states.ts'
import { operate } from '../../strings/en/operate.ts'
import styles from './nodes.module.css'

const words = operate.nodes

const LOOKS: Readonly<Record<Node['state'], { readonly tone: Tone; readonly icon: IconName }>> = {
  running: { tone: 'green', icon: 'check' },
  draining: { tone: 'amber', icon: 'pause' },
  lost: { tone: 'red', icon: 'cross' },
}

export function NodeState({ node: { state } }: { readonly node: Node }) {
  return (
    <Badge tone={LOOKS[state].tone} icon={LOOKS[state].icon}>
      {words.states[state]}
    </Badge>
  )
}

/** `hooks-1 · 4711`: a machine can run several. Without either, the beginning of its id. */
export function nameOf({ host, pid, id }: Node): string {
  if (host === null && pid === null) return id.slice(0, 8)
  return [host ?? words.noHost, pid].filter(part => part !== null).join(' · ')
}

/** Which of the 256 partitions, as a strip. The numbers are said next to it. */
export function Strip({
  partitions,
  tall = false,
}: {
  readonly partitions: readonly number[]
  readonly tall?: boolean
}) {
  return (
    <svg
      className={cx(styles.strip, tall && styles.tall)}
      viewBox={`0 0 ${PARTITIONS} 8`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {rangesOf(partitions).map(([first, last]) => (
        <rect key={first} x={first} y={0} width={last - first + 1} height={8} />
      ))}
    </svg>
  )
}

/** Everything that is known of a node. `wide`: it is the only one, and what it sends for is everything. */
export function NodeDetail({ node, wide = false }: { readonly node: Node; readonly wide?: boolean }) {
  return (
    <div className={cx(styles.detail, wide && styles.wide)}>
      <section>
        <h2>{words.running}</h2>
        <Process node={node} isOnly={wide} />
      </section>
      <section>
        <h2>{words.load}</h2>
        <Load node={node} />
      </section>
      {!wide && (
        <section>
          <h2>{words.sends}</h2>
          <Sends node={node} />
        </section>
      )}
    </div>
  )
}

function Process({ node, isOnly }: { readonly node: Node; readonly isOnly: boolean }) {
  const { id, host, pid, role, version, startedAt, seenAt } = node
  const { facts } = words
  const machine = host ?? words.noHost
  return (
    <KeyValue
      facts={[
        [facts.state, <NodeState key="state" node={node} />],
        [facts.id, <Id key="id" id={id} />],
        [facts.machine, <bdi key="machine">{pid === null ? machine : `${machine}, ${words.process(pid)}`}</bdi>],
        [facts.role, role === null ? null : (facts.roles[role] ?? role)],
        isOnly && [facts.partitions, words.map(node.partitions.length)],
        [facts.version, version],
        [facts.started, startedAt === null ? null : <Time key="started" at={startedAt} />],
        seenAt !== null && [facts.seen, <Time key="seen" at={seenAt} />],
      ]}
    />
  )
}

function Load({ node: { load, state } }: { readonly node: Node }) {
  if (load === null) return <p className={styles.muted}>{state === 'lost' ? words.noLoad : words.oldVersion}</p>
  const { inFlight, lanes, unsettled, connections, eventLoopDelay, memory } = load
  const { facts } = words
  const loop = [eventLoopDelay.meanMs, eventLoopDelay.p99Ms, eventLoopDelay.maxMs].map(formatDuration)
  return (
    <KeyValue
      facts={[
        [facts.inFlight, formatNumber(inFlight)],
        [facts.lanes, formatNumber(lanes)],
        [facts.unsettled, facts.unsettledOf(unsettled)],
        [facts.connections, formatNumber(connections)],
        [facts.loop, facts.loopOf(loop[0]!, loop[1]!, loop[2]!)],
        [facts.memory, formatBytes(memory.residentBytes)],
        [facts.heap, facts.heapOf(formatBytes(memory.heapBytes), formatBytes(memory.heapLimitBytes))],
      ]}
    />
  )
}

function Sends({ node: { partitions, backlog } }: { readonly node: Node }) {
  const { facts } = words
  return (
    <KeyValue
      facts={[
        [
          facts.partitions,
          <div key="partitions" className={styles.map}>
            {words.map(partitions.length)}
            <Strip partitions={partitions} tall />
            {partitions.length > 0 && partitions.length < PARTITIONS && (
              <span className={styles.muted}>{rangesText(partitions)}</span>
            )}
          </div>,
        ],
        [facts.backlog, backlog === null ? words.figures.unknown : facts.due(backlog.due, backlog.pending)],
        backlog !== null && [facts.lag, backlog.lagMs === 0 ? words.figures.noLag : formatDuration(backlog.lagMs)],
      ]}
    />
  )
}
