import type { Overview, Stats } from '@posthorn/client'
import type { ReactNode } from 'react'
import { Sparkline } from '../../kit/chart.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { Link } from '../../kit/link.tsx'
import { Skeleton, Stat } from '../../kit/surfaces.tsx'
import { formatAge, formatCompact, formatDuration, formatNumber, formatPercent } from '../../lib/format.ts'
import { useNow } from '../../lib/hooks.ts'
import { arrivingShare, outcomesOf, type Steps } from '../../lib/outcomes.ts'
import { overview as words } from '../../strings/en/overview.ts'
import { common } from '../../strings/index.ts'
import { backlogOf } from './backlog.ts'
import styles from './overview.module.css'
import { useTenantSearch } from './scope.ts'

type Props = {
  readonly tenant: string | null
  readonly overview: Overview | undefined
  readonly stats: Stats | undefined
  readonly steps: Steps | undefined
  /** The sums of the period before. */
  readonly before: Stats['total'] | undefined
  /** Whether what is missing has been missing for long enough to show that it is loading. */
  readonly isLate: boolean
}

/** Points of a trend: more aren't seen at its size. */
const POINTS = 48

/** The four figures. Each leads to the list behind it. */
export function Figures(props: Props) {
  return (
    <section className={styles.figures} aria-label={words.figures.label}>
      <Arriving {...props} />
      <Backlog {...props} />
      <Latency {...props} />
      <Failing {...props} />
    </section>
  )
}

function Waiting({ isLate }: { readonly isLate: boolean }): ReactNode {
  return <span className={styles.waiting}>{isLate && <Skeleton width={72} height={20} />}</span>
}

function Arriving({ tenant, stats, steps, before, isLate }: Props) {
  const scope = useTenantSearch()
  const outcomes = stats && outcomesOf(stats.total)
  const share = outcomes && arrivingShare(outcomes)
  const shareBefore = before && arrivingShare(outcomesOf(before))
  const note =
    outcomes === undefined
      ? undefined
      : share === null
        ? words.figures.arrivingNone
        : words.figures.arrivingNote(formatCompact(outcomes.delivered), formatCompact(outcomes.exhausted))
  const tone = share == null ? {} : share < 0.5 ? { tone: 'bad' as const } : {}
  return (
    <Stat
      label={words.figures.arriving}
      value={
        <>
          {share === undefined ? <Waiting isLate={isLate} /> : share === null ? common.none : formatPercent(share)}
          {share != null && shareBefore != null && (
            <Delta by={(share - shareBefore) * 100} format={by => `${by < 10 ? by.toFixed(1) : Math.round(by)} %`} />
          )}
        </>
      }
      note={note}
      trend={<Sparkline values={thin((steps?.steps ?? []).map(arrivingShare))} />}
      {...tone}
      link={(className, children) => (
        <Link className={className} to="/deliveries" search={{ ...scope(tenant), state: 'exhausted' }}>
          {children}
        </Link>
      )}
    />
  )
}

function Backlog({ tenant, overview, isLate }: Props) {
  const scope = useTenantSearch()
  const now = useNow(5_000)
  const backlog = overview?.backlog
  const samples = backlogOf(tenant)
  const first = samples[0]
  const least = backlog?.complete === false ? '≥ ' : ''
  const value = backlog === undefined ? <Waiting isLate={isLate} /> : backlog && `${least}${formatCompact(backlog.due)}`
  const note =
    backlog === undefined
      ? undefined
      : backlog === null
        ? words.figures.unknown
        : backlog.oldestDueAt !== null
          ? words.figures.oldest(formatAge(now - Date.parse(backlog.oldestDueAt)))
          : backlog.pending > 0
            ? words.figures.pending(formatCompact(backlog.pending))
            : words.figures.nothingDue
  return (
    <Stat
      label={words.figures.backlog}
      value={
        <>
          {value ?? common.none}
          {first !== undefined && backlog != null && (
            <Delta
              by={backlog.due - first.due}
              format={formatNumber}
              title={backlog.due < first.due ? words.figures.falling : words.figures.growing}
            />
          )}
        </>
      }
      note={note}
      trend={<Sparkline values={thin(samples.map(({ due }) => due))} />}
      link={(className, children) => (
        <Link
          className={className}
          to="/deliveries"
          search={{ ...scope(tenant), state: 'pending', ...sinceOldest(backlog?.oldestCreatedAt) }}
        >
          {children}
        </Link>
      )}
    />
  )
}

/** A period in which all that waits was created: the oldest is often older than the period at the top. */
function sinceOldest(oldest: string | null | undefined) {
  return oldest == null ? {} : { range: undefined, from: oldest, to: undefined }
}

function Latency({ tenant, stats, steps, before, isLate }: Props) {
  const scope = useTenantSearch()
  const latency = stats?.total.latencyMs
  const { p50, p95 } = latency ?? {}
  const p95Before = before?.latencyMs.p95
  return (
    <Stat
      label={words.figures.latency}
      value={
        <>
          {latency === undefined ? <Waiting isLate={isLate} /> : p95 == null ? common.none : formatDuration(p95)}
          {p95 != null && p95Before != null && <Delta by={p95 - p95Before} format={formatDuration} />}
        </>
      }
      note={
        latency === undefined
          ? undefined
          : p50 == null
            ? words.figures.latencyNone
            : words.figures.latencyNote(formatDuration(p50))
      }
      trend={<Sparkline values={thin((steps?.steps ?? []).map(step => step.p95))} />}
      link={(className, children) => (
        <Link className={className} to="/endpoints" search={scope(tenant)}>
          {children}
        </Link>
      )}
    />
  )
}

const HOUR_MS = 3_600_000

function Failing({ tenant, overview, isLate }: Props) {
  const scope = useTenantSearch()
  const failing = overview?.failing
  const at = overview === undefined ? 0 : Date.parse(overview.at)
  const starts = (failing?.data ?? []).map(({ failingSince }) => Date.parse(failingSince))
  const recent = starts.filter(start => at - start < HOUR_MS).length
  // Of those that fail now: how many failed already, over the last day.
  const trend = Array.from({ length: 24 }, (_, hour) => {
    const time = at - (23 - hour) * HOUR_MS
    return starts.filter(start => start <= time).length
  })
  const disabled =
    overview?.disabled.count === 0 ? '' : ` · ${words.figures.disabled(overview?.disabled.count ?? null)}`
  const count = failing?.count
  const value = failing === undefined ? <Waiting isLate={isLate} /> : count == null ? '> 10,000' : formatNumber(count)
  return (
    <Stat
      label={words.figures.failing}
      value={value}
      note={
        failing === undefined
          ? undefined
          : `${count === 0 ? words.figures.failingNone : words.figures.failingNote(recent)}${disabled}`
      }
      trend={starts.length > 0 && <Sparkline values={trend} />}
      {...(failing !== undefined && count !== 0 && { tone: 'bad' as const })}
      link={(className, children) => (
        <Link className={className} to="/endpoints" search={{ ...scope(tenant), health: 'failing' }}>
          {children}
        </Link>
      )}
    />
  )
}

type DeltaProps = {
  readonly by: number
  readonly format: (by: number) => string
  readonly title?: (by: string) => string
}

/** How a figure has changed: neither good nor bad, as the figure says that itself. */
function Delta({ by, format, title }: DeltaProps) {
  const size = format(Math.abs(by))
  if (size === format(0)) return null
  const said = title?.(size) ?? (by > 0 ? common.trend.up(size) : common.trend.down(size))
  return (
    <span className={styles.delta} title={title === undefined ? words.figures.before : said}>
      <span aria-hidden="true">
        {by > 0 ? '+' : '−'}
        {size}
      </span>
      <Hidden>{`, ${said}`}</Hidden>
    </span>
  )
}

/** As many values as a trend can show, from the first that is known: of each run, the last that is known. */
function thin(all: readonly (number | null)[]): (number | null)[] {
  const start = all.findIndex(value => value !== null)
  const values = start < 0 ? [] : all.slice(start)
  const run = Math.ceil(values.length / POINTS)
  if (run <= 1) return [...values]
  return Array.from(
    { length: Math.ceil(values.length / run) },
    (_, index) => values.slice(index * run, (index + 1) * run).findLast(value => value !== null) ?? null,
  )
}
