import type { Replay, ReplayBatch } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useFilters } from '../../app/scope.ts'
import { Card } from '../../kit/surfaces.tsx'
import { type Column, Pager, statesOf, Table } from '../../kit/table.tsx'
import { replays as words } from '../../strings/en/replays.ts'
import styles from './one.module.css'
import { SmallProgress, StageBadge } from './progress.tsx'
import { partsQuery } from './queries.ts'

const COLUMNS: readonly Column<Replay>[] = [
  { id: 'tenant', title: words.columns.tenant, width: 'minmax(96px, 1fr)', cell: row => <bdi>{row.tenant}</bdi> },
  { id: 'state', title: words.columns.state, width: '112px', cell: row => <StageBadge replay={row} /> },
  {
    id: 'progress',
    title: words.columns.progress,
    width: 'minmax(180px, 2fr)',
    cell: row => <SmallProgress replay={row} />,
  },
]

/** The parts of a replay across tenants: how far each tenant is. */
export function Tenants({ batch }: { readonly batch: ReplayBatch }) {
  const [{ cursor }, change] = useFilters()
  const navigate = useNavigate()
  const list = useQuery(partsQuery(batch, cursor))
  const page = list.data
  const hasPages = Boolean(page?.nextCursor || page?.prevCursor)
  return (
    <Card title={words.byTenant} flush>
      <Table
        inline
        label={words.byTenant}
        rows={page?.data}
        columns={COLUMNS}
        keyOf={row => row.id}
        onOpen={({ tenant, id }) => void navigate({ to: '/replays/$tenant/$id', params: { tenant, id } })}
        narrow={row => (
          <div className={styles.two}>
            <div className={styles.line}>
              <StageBadge replay={row} />
              <bdi>{row.tenant}</bdi>
            </div>
            <SmallProgress replay={row} />
          </div>
        )}
        {...statesOf(list)}
        empty={<p className={styles.nothing}>{batch.searching ? words.states.searching : words.noParts}</p>}
        {...(hasPages && {
          foot: <Pager page={page} cursor={cursor} onGo={next => change({ cursor: next })} />,
        })}
      />
    </Card>
  )
}
