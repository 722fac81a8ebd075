import { useQuery } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense, useMemo } from 'react'
import { useRange } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Icon, type IconName } from '../../kit/icon.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { ErrorState } from '../../kit/surfaces.tsx'
import { loadCode } from '../../lib/code.ts'
import { cx } from '../../lib/cx.ts'
import { formatAge } from '../../lib/format.ts'
import { useDelayed, useNow } from '../../lib/hooks.ts'
import { exhaustedUntil, stepsOf } from '../../lib/outcomes.ts'
import { IS_PORTAL } from '../../lib/portal.ts'
import { overview as words } from '../../strings/en/overview.ts'
import { Attention } from './attention.tsx'
import { LatencyChart, OutcomesChart } from './charts.tsx'
import { Figures } from './figures.tsx'
import { mattersOf } from './matters.ts'
import styles from './overview.module.css'
import { beforeQuery, beginningsQuery, checksQuery, nodesQuery, overviewQuery, statsQuery } from './queries.ts'
import { Ranks } from './ranks.tsx'
import { NodesList, ServerSays } from './server.tsx'
import { VERDICT_TONES, type Verdict, verdictOf } from './verdict.ts'

// Few see it, and rarely: it isn't loaded with the first page.
const FirstSteps = lazy(() => loadCode(() => import('./first-steps.tsx')))
const NothingYet = lazy(() => loadCode(() => import('../portal/nothing-yet.tsx')))

type Props = {
  /** The tenant that it is of. Null for all. */
  readonly tenant: string | null
  /** What is above the answer, such as the tenant's name. The answer is then no heading of the page. */
  readonly header?: ReactNode
}

/**
 * Whether webhooks arrive: the answer, four figures, what came of everything over time, and what needs attention. Of
 * all tenants also those in trouble and the server itself: of one tenant it is the same page with less.
 */
export function OverviewBody({ tenant, header }: Props) {
  const range = useRange()
  const { isOperator } = usePermissions()
  const isAll = isOperator && tenant === null
  const overview = useQuery(overviewQuery(tenant))
  const stats = useQuery(statsQuery(tenant, range))
  const before = useQuery(beforeQuery(tenant, range))
  const nodes = useQuery({ ...nodesQuery, enabled: isAll })
  const checks = useQuery({ ...checksQuery, enabled: isAll })
  const steps = useMemo(() => stats.data && stepsOf(stats.data), [stats.data])
  const now = useNow(15_000)
  const isLate = useDelayed(overview.data === undefined || stats.data === undefined)
  const verdict = overview.data && steps && verdictOf(overview.data, steps)
  const isQuiet = verdict?.kind === 'quiet' && overview.data?.backlog?.pending === 0
  const beginnings = useQuery({ ...beginningsQuery(tenant), enabled: isQuiet })
  const failed = overview.data === undefined ? overview : stats.data === undefined ? stats : null
  if (failed?.error) {
    return (
      <div className={styles.page}>
        {header ?? (
          <h1>
            <Hidden>{words.title}</Hidden>
          </h1>
        )}
        <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />
      </div>
    )
  }
  if (isQuiet && beginnings.data?.hasEvent === false) {
    return (
      <div className={styles.page}>
        {header}
        <Suspense fallback={null}>
          {IS_PORTAL ? (
            <NothingYet endpoint={beginnings.data.endpoint} />
          ) : (
            <FirstSteps tenant={tenant} isTitle={header === undefined} endpoint={beginnings.data.endpoint} />
          )}
        </Suspense>
      </div>
    )
  }
  const matters = overview.data && mattersOf(overview.data, nodes.data, checks.data, now)
  return (
    <div className={styles.page}>
      {header}
      <Answer verdict={verdict} isTitle={header === undefined} />
      <Figures
        tenant={tenant}
        overview={overview.data}
        stats={stats.data}
        steps={steps}
        before={before.data}
        isLate={isLate}
      />
      <div className={cx(stats.isPlaceholderData && styles.stale)}>
        <OutcomesChart tenant={tenant} steps={steps} />
      </div>
      {matters !== undefined && steps !== undefined && (
        <>
          <Attention tenant={tenant} matters={matters} exhaustedUntil={exhaustedUntil(steps)} />
          <LatencyChart tenant={tenant} steps={steps} />
          {isAll && (
            <div className={styles.pair}>
              <Ranks sort="trouble" range={range} />
              <Ranks sort="volume" range={range} />
              <NodesList nodes={nodes.data} />
              <ServerSays checks={checks.data} />
            </div>
          )}
        </>
      )}
    </div>
  )
}

const ICONS: Readonly<Record<'bad' | 'warn' | 'good' | 'quiet', IconName>> = {
  bad: 'cross',
  warn: 'warning',
  good: 'check',
  quiet: 'minus',
}

/** The answer in one line, told by shape and colour before it is read. */
function Answer({ verdict, isTitle }: { readonly verdict: Verdict | undefined; readonly isTitle: boolean }) {
  const tone = verdict && VERDICT_TONES[verdict.kind]
  const Title = verdict === undefined ? 'div' : isTitle ? 'h1' : 'p'
  return (
    <Title className={cx(styles.answer, !isTitle && styles.below, tone !== undefined && styles[`${tone}Answer`])}>
      {verdict !== undefined && tone !== undefined && (
        <>
          <span className={styles.sign}>
            <Icon name={ICONS[tone]} />
          </span>
          {sayVerdict(verdict)}
        </>
      )}
    </Title>
  )
}

function sayVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'except':
      return words.verdict.except(verdict.endpoints, verdict.tenants)
    case 'late':
      return words.verdict.late(formatAge(verdict.waitingMs))
    default:
      return words.verdict[verdict.kind]
  }
}
