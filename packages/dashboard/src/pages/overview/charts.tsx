import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useFilters } from '../../app/scope.ts'
import { Button } from '../../kit/button.tsx'
import { BarChart, LineChart } from '../../kit/chart.tsx'
import { formatDuration } from '../../lib/format.ts'
import { barsOf, type Steps } from '../../lib/outcomes.ts'
import { isLeftOut } from '../../lib/portal.ts'
import { overview as words } from '../../strings/en/overview.ts'
import styles from './overview.module.css'
import { useTenantSearch } from './scope.ts'
import { Section } from './section.tsx'

type Props = { readonly tenant: string | null; readonly steps: Steps | undefined }

/** Room for the axis of both charts, in pixels: `99,999` and `500 ms` fit. */
const ROOM = 52

const NONE: Steps = { stepMs: 60_000, steps: [] }

const iso = (ms: number) => new Date(ms).toISOString()

/** A click shows the deliveries of a step, dragging zooms into several. */
function useInterval(tenant: string | null) {
  const navigate = useNavigate()
  const scope = useTenantSearch()
  const [, change] = useFilters()
  const show = (from: number, to: number) =>
    void navigate({ to: '/deliveries', search: { ...scope(tenant), range: undefined, from: iso(from), to: iso(to) } })
  return {
    ...(!isLeftOut('/deliveries') && { onSelect: show }),
    onZoom: (from: number, to: number) =>
      change({ range: undefined, from: iso(from), to: iso(Math.min(to, Date.now())) }),
  }
}

/** Deliveries over time by outcome, and failed attempts that are retried: trouble shows before anything is given up. */
export function OutcomesChart({ tenant, steps = NONE }: Props) {
  const [search, change] = useFilters()
  const interval = useInterval(tenant)
  const bars = useMemo(() => barsOf(steps), [steps])
  const of = (name: 'delivered' | 'retrying' | 'exhausted' | 'cancelled') => bars.steps.map(step => step[name])
  const { title, delivered, retrying, exhausted, cancelled, nothing, resetZoom } = words.outcomes
  const series = [
    { name: delivered, tone: 'green' as const, values: of('delivered') },
    { name: cancelled, tone: 'grey' as const, values: of('cancelled') },
    { name: retrying, tone: 'amber' as const, values: of('retrying') },
    { name: exhausted, tone: 'red' as const, values: of('exhausted') },
  ]
  const isEmpty = bars.steps.length > 0 && series.every(one => one.values.every(value => value === 0))
  return (
    <Section
      title={title}
      end={
        search.from !== undefined && (
          <Button kind="quiet" small onClick={() => change({ range: undefined, from: undefined, to: undefined })}>
            {resetZoom}
          </Button>
        )
      }
    >
      <div className={styles.chart}>
        <BarChart
          label={title}
          times={bars.steps.map(step => step.at)}
          stepMs={bars.stepMs}
          series={series}
          height={220}
          room={ROOM}
          {...interval}
        />
        {isEmpty && <p className={styles.nothing}>{nothing}</p>}
      </div>
    </Section>
  )
}

export function LatencyChart({ tenant, steps = NONE }: Props) {
  const interval = useInterval(tenant)
  const { title, p50, p95 } = words.latency
  return (
    <Section title={title}>
      <LineChart
        label={title}
        times={steps.steps.map(step => step.at)}
        stepMs={steps.stepMs}
        series={[
          { name: p50, tone: 'grey', values: steps.steps.map(step => step.p50) },
          { name: p95, tone: 'blue', values: steps.steps.map(step => step.p95) },
        ]}
        height={148}
        room={ROOM}
        format={value => (value === 0 ? '0' : formatDuration(value))}
        {...interval}
      />
    </Section>
  )
}
