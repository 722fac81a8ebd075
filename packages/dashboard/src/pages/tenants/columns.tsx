import { Badge } from '../../kit/badge.tsx'
import { Id } from '../../kit/copy.tsx'
import type { Column } from '../../kit/table.tsx'
import { formatCompact, formatPercent } from '../../lib/format.ts'
import { shownName } from '../../lib/names.ts'
import { tenants as words } from '../../strings/en/tenants.ts'
import { common } from '../../strings/index.ts'
import type { Row } from './queries.ts'
import styles from './tenants.module.css'

const titles = words.columns

function Failing({ row: { stats } }: { readonly row: Row }) {
  const count = stats?.failingEndpoints
  if (stats === null || count === 0) return common.none
  return (
    <Badge tone="red" icon="cross">
      {count == null ? words.moreFailing : words.failingNow(count)}
    </Badge>
  )
}

/** Nothing is a dash, so that what is there is seen. */
function count(n: number | undefined): string {
  return n === undefined || n === 0 ? common.none : formatCompact(n)
}

function failed({ stats }: Row): string {
  return stats?.failureRate ? formatPercent(stats.failureRate) : common.none
}

export const columns: readonly Column<Row>[] = [
  {
    id: 'name',
    title: titles.name,
    width: 'minmax(140px, 1.4fr)',
    cell: row => <bdi title={row.name ?? row.id}>{shownName(row.name ?? row.id)}</bdi>,
  },
  { id: 'id', title: titles.id, width: 'minmax(120px, 1fr)', cell: row => <Id id={row.id} /> },
  { id: 'failing', title: titles.failing, width: 'minmax(132px, 0.8fr)', cell: row => <Failing row={row} /> },
  {
    id: 'exhausted',
    title: titles.exhausted,
    width: '84px',
    align: 'end',
    cell: ({ stats }) => count(stats?.deliveries.exhausted),
  },
  { id: 'failed', title: titles.failed, width: '104px', align: 'end', cell: failed },
  {
    id: 'delivered',
    title: titles.delivered,
    width: '84px',
    align: 'end',
    cell: ({ stats }) => count(stats?.deliveries.delivered),
  },
  { id: 'attempts', title: titles.attempts, width: '84px', align: 'end', cell: ({ stats }) => count(stats?.attempts) },
]

/** A tenant in two lines, on narrow screens. */
export function NarrowRow({ row }: { readonly row: Row }) {
  const { stats } = row
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={styles.clip}>{shownName(row.name ?? row.id)}</bdi>
        {stats !== null && stats.failingEndpoints !== 0 && <Failing row={row} />}
      </div>
      <div className={styles.muted}>
        {stats === null || stats.attempts === 0
          ? words.nothingSent
          : words.narrow(formatCompact(stats.deliveries.delivered), formatPercent(stats.failureRate ?? 0))}
      </div>
    </div>
  )
}
