import type { Delivery, Endpoint, Stats, StatsPoint } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useFilters, useRange } from '../../../app/scope.ts'
import { BarChart, LineChart, type Series } from '../../../kit/chart.tsx'
import { Link } from '../../../kit/link.tsx'
import { EmptyState, ErrorState, Skeleton, Stat } from '../../../kit/surfaces.tsx'
import { Table } from '../../../kit/table.tsx'
import { formatDuration, formatNumber, formatPercent } from '../../../lib/format.ts'
import { isLeftOut } from '../../../lib/portal.ts'
import { searchOf } from '../../../lib/range.ts'
import type { Tone } from '../../../lib/states.ts'
import { endpoint as words } from '../../../strings/en/endpoint.ts'
import { common } from '../../../strings/index.ts'
import { columnsFor, NarrowRow } from '../../deliveries/columns.tsx'
import styles from '../one.module.css'
import { latestQuery, openQuery, statsQuery } from './queries.ts'

type Props = { readonly endpoint: Endpoint }

/** How the receiver did in the period at the top, and what it got. */
export function Activity({ endpoint }: Props) {
  const { tenant, id } = endpoint
  const range = useRange()
  const stats = useQuery(statsQuery(tenant, id, range))
  return (
    <div className={styles.activity}>
      {stats.data !== undefined ? (
        <>
          <Figures endpoint={endpoint} total={stats.data.total} />
          <Charts endpoint={endpoint} stats={stats.data} />
        </>
      ) : stats.error !== null ? (
        <ErrorState error={stats.error} onRetry={() => void stats.refetch()} />
      ) : (
        <Skeleton width="100%" height={360} />
      )}
      <Latest endpoint={endpoint} />
    </div>
  )
}

function Figures({ endpoint, total }: Props & { readonly total: StatsPoint }) {
  const { tenant, id } = endpoint
  const { figures } = words
  const range = useRange()
  const open = useQuery(openQuery(tenant, id))
  const { delivered, exhausted } = total.deliveries
  const ended = delivered + exhausted
  const attempts = Object.values(total.attempts).reduce((sum, one) => sum + one, 0)
  const failed = attempts - total.attempts['2xx']
  const { p50, p95 } = total.latencyMs
  const link =
    (state: string, isNow = false) =>
    (className: string, children: ReactNode) => (
      <Link
        to="/deliveries"
        className={className}
        search={{ tenant, endpoint: id, state, ...searchOf(isNow ? { name: '90d' } : range) } as never}
      >
        {children}
      </Link>
    )
  return (
    <div className={styles.figures}>
      <Stat
        label={figures.delivered}
        value={ended === 0 ? common.none : formatPercent(delivered / ended)}
        note={figures.deliveredNote(ended)}
        {...(exhausted > 0 && { tone: 'bad' as const })}
        link={link('delivered,exhausted')}
      />
      <Stat
        label={figures.failed}
        value={attempts === 0 ? common.none : formatPercent(failed / attempts)}
        note={attempts === 0 ? words.charts.nothing : figures.failedNote(failed, attempts)}
      />
      <Stat
        label={figures.latency}
        value={p50 === null ? common.none : formatDuration(p50)}
        note={p95 === null ? figures.noLatency : figures.latencyNote(formatDuration(p95))}
      />
      <Stat
        label={figures.waiting}
        value={
          open.data === undefined ? common.none : open.data.pending === null ? '10k+' : formatNumber(open.data.pending)
        }
        note={
          open.data === undefined
            ? ''
            : open.data.held === null
              ? figures.tooMany
              : open.data.held === 0
                ? figures.noneHeld
                : figures.held(open.data.held)
        }
        link={link('pending,held', true)}
      />
    </div>
  )
}

type Status = keyof StatsPoint['attempts']

const TONES: Readonly<Record<Status, Tone>> = {
  '2xx': 'green',
  '3xx': 'violet',
  '4xx': 'amber',
  '5xx': 'red',
  other: 'blue',
  none: 'grey',
}

/** How long a step is, in milliseconds. */
const STEP_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

function Charts({ endpoint, stats }: Props & { readonly stats: Stats }) {
  const { tenant, id } = endpoint
  const [, change] = useFilters()
  const navigate = useNavigate()
  const { charts } = words
  const times = stats.data.map(point => Date.parse(point.from))
  const stepMs = STEP_MS[stats.step]
  const statuses = (Object.keys(TONES) as Status[]).filter(status => stats.total.attempts[status] > 0)
  const series = (statuses.length === 0 ? (['2xx'] as const) : statuses).map(
    (status): Series => ({
      name: charts.series[status],
      tone: TONES[status],
      values: stats.data.map(point => point.attempts[status]),
    }),
  )
  const bounds = (from: number, to: number) =>
    searchOf({ name: null, from: new Date(from).toISOString(), to: new Date(to).toISOString() })
  const show = (from: number, to: number) =>
    void navigate({ to: '/deliveries', search: { tenant, endpoint: id, ...bounds(from, to) } as never })
  const select = isLeftOut('/deliveries') ? undefined : show
  const zoom = (from: number, to: number) => change(bounds(from, to))
  return (
    <div className={styles.charts}>
      <section>
        <h2>{charts.attempts}</h2>
        <BarChart
          label={charts.attempts}
          times={times}
          stepMs={stepMs}
          series={series}
          height={180}
          onSelect={select}
          onZoom={zoom}
        />
      </section>
      <section>
        <h2>{charts.latency}</h2>
        <LineChart
          label={charts.latency}
          times={times}
          stepMs={stepMs}
          series={[
            { name: charts.p50, tone: 'blue', values: stats.data.map(point => point.latencyMs.p50) },
            { name: charts.p95, tone: 'violet', values: stats.data.map(point => point.latencyMs.p95) },
          ]}
          height={180}
          format={formatDuration}
          onSelect={select}
          onZoom={zoom}
        />
      </section>
    </div>
  )
}

/** Columns that say the same in every row here. */
const SAME = new Set(['tenant', 'endpoint'])

function Latest({ endpoint: { tenant, id } }: Props) {
  const range = useRange()
  const navigate = useNavigate()
  const latest = useQuery(latestQuery(tenant, id, range))
  const search = { tenant, endpoint: id, ...searchOf(range) }
  const open = (row: Delivery) =>
    void navigate({
      to: '/deliveries/$tenant/$id',
      params: { tenant: row.tenant, id: row.id },
      search: search as never,
    })
  return (
    <section className={styles.latest}>
      <div className={styles.latestHead}>
        <h2>{words.latest}</h2>
        <Link to="/deliveries" search={search as never}>
          {words.allDeliveries}
        </Link>
      </div>
      <Table
        inline
        label={words.latest}
        rows={latest.data}
        columns={columnsFor(false, false).filter(({ id: column }) => !SAME.has(column))}
        keyOf={row => row.id}
        {...(!isLeftOut('/deliveries') && { onOpen: open })}
        narrow={row => <NarrowRow row={row} />}
        error={latest.error}
        onRetry={() => void latest.refetch()}
        isStale={latest.isPlaceholderData}
        empty={<EmptyState title={words.noDeliveries}>{words.noDeliveriesText}</EmptyState>}
      />
    </section>
  )
}
