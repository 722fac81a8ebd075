import type { Delivery } from '@posthorn/client'
import { StateBadge } from '../../kit/badge.tsx'
import type { Column } from '../../kit/table.tsx'
import { Countdown, Time } from '../../kit/time.tsx'
import { cx } from '../../lib/cx.ts'
import { formatDuration } from '../../lib/format.ts'
import { shownState } from '../../lib/states.ts'
import { deliveries } from '../../strings/en/deliveries.ts'
import { wordsFor } from '../../strings/en/errors.ts'
import { common } from '../../strings/index.ts'
import styles from './list.module.css'

const words = deliveries.columns

/** What came back: `503`, or why there was no response. */
export function Outcome({ delivery }: { readonly delivery: Delivery }) {
  const last = delivery.lastAttempt
  if (last === null) return <span className={styles.muted}>{common.none}</span>
  const text = last.error === null ? String(last.status) : `${last.status ?? ''} ${wordsFor(last.error).short}`.trim()
  return (
    <span className={cx(last.error !== null && styles.bad)} title={text}>
      {text}
    </span>
  )
}

/** Where it goes: the receiver's host, which people know better than an id. */
function target({ endpointUrl, endpointUid, endpoint }: Delivery): string {
  if (endpointUrl === null) return endpointUid ?? endpoint
  try {
    const { host, pathname } = new URL(endpointUrl)
    return pathname === '/' ? host : host + pathname
  } catch {
    return endpointUrl
  }
}

export function columnsFor(showTenant: boolean, isCompact: boolean): readonly Column<Delivery>[] {
  const all: (Column<Delivery> | false)[] = [
    {
      id: 'time',
      title: words.time,
      width: isCompact ? '104px' : '116px',
      cell: row => <Time at={row.createdAt} as="clock" focusable={false} />,
    },
    { id: 'state', title: words.state, width: '104px', cell: row => <StateBadge state={shownState(row)} /> },
    {
      id: 'type',
      title: words.type,
      width: 'minmax(80px, 1.2fr)',
      cell: row => (
        <bdi className={styles.mono} title={row.type}>
          {row.type}
        </bdi>
      ),
    },
    showTenant && {
      id: 'tenant',
      title: words.tenant,
      width: 'minmax(56px, 0.7fr)',
      cell: row => <bdi>{row.tenant}</bdi>,
    },
    (!isCompact || !showTenant) && {
      id: 'endpoint',
      title: words.endpoint,
      width: isCompact ? 'minmax(56px, 1fr)' : 'minmax(96px, 1.6fr)',
      cell: row => <bdi title={row.endpointUrl ?? row.endpoint}>{target(row)}</bdi>,
    },
    { id: 'status', title: words.status, width: 'minmax(80px, 1.2fr)', cell: row => <Outcome delivery={row} /> },
    !isCompact && {
      id: 'took',
      title: words.took,
      width: '64px',
      align: 'end',
      cell: row => (row.lastAttempt === null ? common.none : formatDuration(row.lastAttempt.durationMs)),
    },
    !isCompact && { id: 'attempts', title: words.attempts, width: '60px', align: 'end', cell: row => row.attemptCount },
    !isCompact && {
      id: 'next',
      title: words.next,
      width: '104px',
      align: 'end',
      cell: row => (row.nextAttemptAt === null ? '' : <Countdown to={row.nextAttemptAt} due={deliveries.dueNow} />),
    },
  ]
  return all.filter(column => column !== false)
}

/** A delivery in two lines, on narrow screens. */
export function NarrowRow({ row }: { readonly row: Delivery }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <StateBadge state={shownState(row)} />
        <bdi className={cx(styles.mono, styles.clip)}>{row.type}</bdi>
        <span className={styles.muted}>
          <Time at={row.createdAt} as="clock" focusable={false} />
        </span>
      </div>
      <div className={styles.line}>
        <bdi className={cx(styles.muted, styles.clip)}>{target(row)}</bdi>
        <Outcome delivery={row} />
      </div>
    </div>
  )
}
