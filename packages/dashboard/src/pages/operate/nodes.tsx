import type { Node, Nodes } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useFilters } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Drawer, Split } from '../../kit/drawer.tsx'
import { Banner, EmptyState, ErrorState, Skeleton, Stat } from '../../kit/surfaces.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { cx } from '../../lib/cx.ts'
import { formatBytes, formatDuration, formatNumber } from '../../lib/format.ts'
import { useDelayed, useMedia } from '../../lib/hooks.ts'
import { operate } from '../../strings/en/operate.ts'
import { common } from '../../strings/index.ts'
import { Frame } from './frame.tsx'
import { NodeDetail, NodeState, nameOf, Strip } from './node.tsx'
import styles from './nodes.module.css'
import { nodesQuery, settingsQuery } from './queries.ts'

const words = operate.nodes

/** The processes that serve: whether each partition has one, what they have to do, and which was lost. */
export function Page() {
  const query = useQuery(nodesQuery)
  const [search, change] = useFilters()
  const isLate = useDelayed(query.isPending)
  const nodes = query.data
  const open = nodes?.data.find(({ id }) => id === search.node)
  const isMany = (nodes?.data.length ?? 0) > 1
  const close = () => change({ node: undefined })
  return (
    <Frame title={words.title} fill>
      <Split
        isOpen={isMany && search.node !== undefined}
        detail={
          isMany &&
          search.node !== undefined && (
            <Drawer
              label={words.facts.id}
              subject={search.node}
              onClose={close}
              title={<h2>{open === undefined ? words.facts.id : <bdi>{nameOf(open)}</bdi>}</h2>}
            >
              {open !== undefined && <NodeDetail node={open} />}
              {open === undefined && <EmptyState title={words.notThere} />}
            </Drawer>
          )
        }
      >
        <div className={styles.scroll}>
          {nodes !== undefined && <Overview nodes={nodes} onOpen={id => change({ node: id })} open={search.node} />}
          {nodes === undefined && isLate && <Loading />}
          {nodes === undefined && query.error !== null && (
            <ErrorState error={query.error} onRetry={() => void query.refetch()} />
          )}
        </div>
      </Split>
    </Frame>
  )
}

function Loading() {
  return (
    <div className={styles.body} role="status" aria-label={`${common.loading}: ${words.title}`}>
      <Skeleton width="48%" height={20} />
      <div className={styles.figures}>
        {[0, 1, 2, 3].map(index => (
          <div key={index} className={styles.loading}>
            <Skeleton width={88} />
            <Skeleton width={64} height={28} />
          </div>
        ))}
      </div>
      <Skeleton width="100%" height={144} />
    </div>
  )
}

type OverviewProps = {
  readonly nodes: Nodes
  readonly open: string | undefined
  readonly onOpen: (id: string) => void
}

function Overview({ nodes: { data, unassigned }, open, onOpen }: OverviewProps) {
  const isTight = useMedia('(max-width: 1279px)')
  const lost = data.filter(({ state }) => state === 'lost')
  const [only] = data
  if (only === undefined) return <EmptyState title={words.noNodes.title}>{words.noNodes.text}</EmptyState>
  const hasSender = data.some(({ state, role }) => state !== 'lost' && role !== 'api')
  return (
    <div className={styles.body}>
      <Sentence nodes={data} unassigned={unassigned.partitions.length} />
      {lost.map(node => (
        <LostNode key={node.id} node={node} hasUnassigned={unassigned.partitions.length > 0} />
      ))}
      {unassigned.partitions.length > 0 && (
        <Banner tone={hasSender ? 'warning' : 'error'}>
          {hasSender ? words.unassigned(unassigned.partitions.length) : words.noSender}
        </Banner>
      )}
      <Figures nodes={data} unassigned={unassigned} />
      {data.length === 1 ? (
        <NodeDetail node={only} wide />
      ) : (
        <div className={styles.table}>
          <Table
            label={words.title}
            inline
            rows={data}
            columns={columnsFor(open !== undefined, isTight)}
            keyOf={({ id }) => id}
            onOpen={({ id }) => onOpen(id)}
            openKey={open ?? null}
            narrow={node => <NarrowRow node={node} />}
            empty={null}
          />
        </div>
      )}
    </div>
  )
}

/** What holds, in one sentence. */
function Sentence({ nodes, unassigned }: { readonly nodes: readonly Node[]; readonly unassigned: number }) {
  const { canWrite } = usePermissions()
  const settings = useQuery({ ...settingsQuery, enabled: canWrite })
  const running = nodes.filter(({ state }) => state !== 'lost').length
  if (running === 0 || unassigned > 0) return null
  const isEmbedded = settings.data?.data.some(({ name, set }) => name === 'databaseUrl' && !set) ?? false
  return <p className={styles.sentence}>{nodes.length === 1 && isEmbedded ? words.single : words.all(running)}</p>
}

function LostNode({ node, hasUnassigned }: { readonly node: Node; readonly hasUnassigned: boolean }) {
  return (
    <Banner tone="warning">
      <b>
        <bdi>{nameOf(node)}</bdi>
      </b>{' '}
      {words.lost} {node.seenAt !== null && <Time at={node.seenAt} />}.{' '}
      {node.partitions.length > 0 ? words.lostKept(node.partitions.length) : !hasUnassigned && words.lostTaken}{' '}
      {words.lostDo}
    </Banner>
  )
}

function Figures({ nodes, unassigned }: { readonly nodes: readonly Node[]; readonly unassigned: Nodes['unassigned'] }) {
  const running = nodes.filter(({ state }) => state === 'running').length
  const shares = [...nodes.map(({ backlog }) => backlog), unassigned.backlog]
  // Without one of the parts, the sum would be too small.
  const isKnown = shares.every(share => share !== null)
  const sum = (of: 'pending' | 'due') => shares.reduce((total, share) => total + (share?.[of] ?? 0), 0)
  const lag = Math.max(0, ...shares.map(share => share?.lagMs ?? 0))
  const lost = nodes.filter(({ state }) => state === 'lost').length
  const { figures } = words
  return (
    <div className={styles.figures}>
      <Stat
        label={figures.running}
        value={formatNumber(running)}
        note={lost === 0 ? figures.allWell : figures.ofKnown(nodes.length)}
        {...(lost > 0 && { tone: 'warn' as const })}
      />
      <Stat
        label={figures.backlog}
        value={isKnown ? formatNumber(sum('due')) : common.none}
        note={isKnown ? figures.pending(sum('pending')) : figures.unknown}
      />
      <Stat
        label={figures.lag}
        value={isKnown ? (lag === 0 ? '0 s' : formatDuration(lag)) : common.none}
        note={isKnown ? (lag === 0 ? figures.noLag : figures.lagNote) : figures.unknown}
      />
      <Stat
        label={figures.inFlight}
        value={formatNumber(nodes.reduce((total, { load }) => total + (load?.inFlight ?? 0), 0))}
        note={figures.inFlightNote}
      />
    </div>
  )
}

/** @param isTight there is no room for all of them, even without a detail */
function columnsFor(isCompact: boolean, isTight: boolean): readonly Column<Node>[] {
  const { columns } = words
  const all: (Column<Node> | false)[] = [
    {
      id: 'node',
      title: columns.node,
      width: 'minmax(120px, 1.4fr)',
      cell: node => (
        <>
          <bdi>{nameOf(node)}</bdi>
          {node.answered && <span className={styles.muted}> · {words.here}</span>}
        </>
      ),
    },
    { id: 'state', title: columns.state, width: '116px', cell: node => <NodeState node={node} /> },
    !isCompact &&
      !isTight && { id: 'role', title: columns.role, width: '72px', cell: ({ role }) => role ?? common.none },
    {
      id: 'partitions',
      title: columns.partitions,
      width: isCompact ? '72px' : 'minmax(132px, 1fr)',
      cell: ({ partitions }) => (
        <span className={styles.partitions}>
          <span>{partitions.length}</span>
          {!isCompact && <Strip partitions={partitions} />}
        </span>
      ),
    },
    {
      id: 'backlog',
      title: columns.backlog,
      width: '72px',
      align: 'end',
      cell: ({ backlog }) => (backlog === null ? common.none : formatNumber(backlog.due)),
    },
    {
      id: 'lag',
      title: columns.lag,
      width: '84px',
      align: 'end',
      cell: ({ backlog }) => (backlog === null || backlog.lagMs === 0 ? common.none : formatDuration(backlog.lagMs)),
    },
    {
      id: 'inFlight',
      title: columns.inFlight,
      width: '64px',
      align: 'end',
      cell: ({ load }) => (load === null ? common.none : formatNumber(load.inFlight)),
    },
    !isCompact &&
      !isTight && {
        id: 'busy',
        title: columns.busy,
        width: '104px',
        align: 'end',
        cell: ({ load }) => (load === null ? common.none : formatDuration(load.eventLoopDelay.p99Ms)),
      },
    !isCompact &&
      !isTight && {
        id: 'memory',
        title: columns.memory,
        width: '80px',
        align: 'end',
        cell: ({ load }) => (load === null ? common.none : formatBytes(load.memory.residentBytes)),
      },
    !isCompact && {
      id: 'seen',
      title: columns.seen,
      width: '88px',
      align: 'end',
      cell: ({ seenAt }) => (seenAt === null ? common.none : <Time at={seenAt} focusable={false} />),
    },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ node }: { readonly node: Node }) {
  const { partitions, backlog } = node
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={styles.clip}>{nameOf(node)}</bdi>
        <NodeState node={node} />
      </div>
      <div className={cx(styles.line, styles.muted)}>
        <span>{words.map(partitions.length)}</span>
        <span>
          {backlog !== null && backlog.due > 0 ? words.facts.due(backlog.due, backlog.pending) : words.figures.noLag}
        </span>
      </div>
    </div>
  )
}
