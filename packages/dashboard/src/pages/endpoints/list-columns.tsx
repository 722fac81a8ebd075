import type { Endpoint } from '@posthorn/client'
import { STATE_ICONS } from '../../kit/badge.tsx'
import { Icon } from '../../kit/icon.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import type { Column } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { cx } from '../../lib/cx.ts'
import { formatAge, formatPercent, formatRelative } from '../../lib/format.ts'
import { shownName } from '../../lib/names.ts'
import { endpoints as words } from '../../strings/en/endpoints.ts'
import { common } from '../../strings/index.ts'
import { HealthBadge, shownHealth, titleOf, whyFailing, withoutScheme } from './health.tsx'
import styles from './list.module.css'

const titles = words.columns

/** `GRADE_CHANGED +2`, or that it gets them all. */
function Types({ types }: Pick<Endpoint, 'types'>) {
  if (types === null) return <span className={styles.muted}>{words.allTypes}</span>
  const [first = '', ...others] = types
  return (
    <span className={styles.pair} title={types.join('\n')}>
      <bdi className={cx(styles.mono, styles.clip)}>{first}</bdi>
      {others.length > 0 && <span className={styles.muted}>{words.moreTypes(others.length)}</span>}
    </span>
  )
}

/** Why and since when it isn't healthy, or what else asks for attention. */
function Note({ row, now }: { readonly row: Endpoint; readonly now: number }) {
  const shown = shownHealth(row)
  const since = row.state === 'disabled' ? row.disabledAt : row.health.failingSince
  const age = since === null ? null : formatAge(now - Date.parse(since))
  const why =
    shown === 'failing'
      ? whyFailing(row)
      : shown === 'disabled' && row.disabledReason !== null
        ? words.disabledBecause[row.disabledReason]
        : null
  if (shown === 'failing' || shown === 'disabled') return <>{[age, why].filter(Boolean).join(' · ')}</>
  const code = row.warnings.map(warning => warning.code).find(one => Object.hasOwn(words.attention, one))
  if (code === undefined) return null
  const at = code === 'token_expires_soon' && row.secretExpiresAt != null ? Date.parse(row.secretExpiresAt) : null
  const text = at === null ? words.attention[code] : words.secretExpires(formatRelative(at, now))
  return (
    <span className={styles.warns} title={text}>
      {text}
    </span>
  )
}

export function State({ row, now }: { readonly row: Endpoint; readonly now: number }) {
  return (
    <span className={styles.pair}>
      <HealthBadge endpoint={row} />
      <span className={cx(styles.muted, styles.clip)}>
        <Note row={row} now={now} />
      </span>
    </span>
  )
}

/** How much failed: a number, and a bar as long as the share. */
function Failures({ stats }: Pick<Endpoint, 'stats'>) {
  if (stats === undefined || stats.failureRate === null) {
    return (
      <span className={styles.muted} title={words.noAttempts}>
        {common.none}
      </span>
    )
  }
  const { failureRate, failedAttempts, attempts } = stats
  return (
    <span className={styles.rate} title={words.failedOf(failedAttempts, attempts)}>
      <span className={cx(failureRate === 0 && styles.muted)}>{formatPercent(failureRate)}</span>
      <span className={styles.track}>
        <span className={styles.share} style={{ width: `${failureRate * 100}%` }} />
      </span>
    </span>
  )
}

/** When its newest delivery ended, and how. */
export function Last({ stats }: Pick<Endpoint, 'stats'>) {
  const last = stats?.lastDelivery ?? null
  if (last === null) return <span className={styles.muted}>{stats?.attempts ? words.noneEnded : words.never}</span>
  return (
    <span className={styles.pair}>
      <span className={styles[last.state]}>
        <Icon name={STATE_ICONS[last.state]} size={13} />
        <Hidden>{common.states[last.state]}</Hidden>
      </span>
      <Time at={last.endedAt} focusable={false} />
    </span>
  )
}

export function columnsFor(showTenant: boolean, now: number): readonly Column<Endpoint>[] {
  const all: (Column<Endpoint> | false)[] = [
    { id: 'state', title: titles.health, width: 'minmax(152px, 1fr)', cell: row => <State row={row} now={now} /> },
    {
      id: 'name',
      title: titles.name,
      width: 'minmax(96px, 1fr)',
      cell: row =>
        row.name === null && row.uid === null ? (
          <span className={styles.muted}>{common.none}</span>
        ) : (
          <bdi title={row.name ?? row.uid ?? ''}>{shownName(row.name ?? row.uid ?? '')}</bdi>
        ),
    },
    {
      id: 'url',
      title: titles.url,
      width: 'minmax(112px, 1.3fr)',
      cell: row => (
        <bdi className={styles.mono} title={row.url ?? undefined}>
          {withoutScheme(row.url)}
        </bdi>
      ),
    },
    showTenant && {
      id: 'tenant',
      title: titles.tenant,
      width: 'minmax(72px, 0.5fr)',
      cell: row => <bdi title={row.tenant}>{row.tenant}</bdi>,
    },
    { id: 'types', title: titles.types, width: 'minmax(96px, 1fr)', cell: row => <Types types={row.types} /> },
    { id: 'last', title: titles.last, width: '112px', cell: row => <Last stats={row.stats} /> },
    {
      id: 'failures',
      title: titles.failures,
      width: '112px',
      align: 'end',
      cell: row => <Failures stats={row.stats} />,
    },
  ]
  return all.filter(column => column !== false)
}

/** An endpoint in two lines, on narrow screens. */
export function NarrowRow({ row, showTenant }: { readonly row: Endpoint; readonly showTenant: boolean }) {
  const { stats, types } = row
  const title = titleOf(row)
  const place = withoutScheme(row.url)
  const what = types === null ? words.allTypes : types.join(', ')
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={cx(styles.strong, styles.clip)}>{title}</bdi>
        <HealthBadge endpoint={row} />
      </div>
      <div className={cx(styles.line, styles.muted)}>
        <span className={styles.clip}>
          {showTenant && (
            <>
              <bdi>{row.tenant}</bdi> ·{' '}
            </>
          )}
          <bdi>{title === place ? what : place}</bdi>
        </span>
        <span>{stats?.failureRate ? formatPercent(stats.failureRate) : <Last stats={stats} />}</span>
      </div>
    </div>
  )
}
