import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useFilters, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Pager, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { cx } from '../../lib/cx.ts'
import { replays as words } from '../../strings/en/replays.ts'
import { common } from '../../strings/index.ts'
import styles from './list.module.css'
import { SmallProgress, StageBadge } from './progress.tsx'
import { listQuery } from './queries.ts'
import { type AnyReplay, isBatch, periodOf, selectionOf } from './replay.ts'

const FILTERS = [
  {
    name: 'state',
    label: words.filters.state,
    single: true,
    options: Object.entries(words.filters.states).map(([value, label]) => ({ value, label })),
  },
]

/** Replays with their progress: of the tenant that is chosen, or across tenants. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const navigate = useNavigate()
  const { canWrite } = usePermissions()
  const list = useQuery(listQuery(tenant, search))
  const page = list.data
  const open = ({ id }: AnyReplay) =>
    void (tenant === null
      ? navigate({ to: '/replays/$id' as '/', params: { id } as never, search: {} as never })
      : navigate({ to: '/replays/$tenant/$id', params: { tenant, id }, search: ((before: object) => before) as never }))
  return (
    <div className={styles.page}>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <FilterBar filters={FILTERS} search={search} onChange={change}>
        {canWrite && (
          <ButtonLink small icon="plus" to={'/replays/new' as '/'} search={((before: object) => before) as never}>
            {words.start}
          </ButtonLink>
        )}
      </FilterBar>
      <Table
        label={words.title}
        rows={page?.data}
        columns={columnsFor(tenant === null)}
        keyOf={row => row.id}
        onOpen={open}
        narrow={row => <NarrowRow row={row} />}
        error={list.error}
        onRetry={() => void list.refetch()}
        isStale={list.isPlaceholderData}
        {...((search.state !== undefined || search.cursor !== undefined) && {
          onClearFilters: () => change({ state: undefined, cursor: undefined }),
        })}
        empty={<Nothing tenant={tenant} canWrite={canWrite} />}
        foot={
          <Pager
            prevCursor={page?.prevCursor}
            nextCursor={page?.nextCursor}
            onGo={cursor => change({ cursor })}
            {...(search.cursor !== undefined && { onFirst: () => change({ cursor: undefined }) })}
          >
            {tenant === null ? words.across : null}
          </Pager>
        }
      />
    </div>
  )
}

function columnsFor(isAcross: boolean): readonly Column<AnyReplay>[] {
  const all: (Column<AnyReplay> | false)[] = [
    {
      id: 'created',
      title: words.columns.created,
      width: '116px',
      cell: row => <Time at={row.createdAt} as="clock" focusable={false} />,
    },
    { id: 'state', title: words.columns.state, width: '104px', cell: row => <StageBadge replay={row} /> },
    {
      id: 'selection',
      title: words.columns.selection,
      width: 'minmax(140px, 1.6fr)',
      cell: row => <bdi title={row.types?.join(', ')}>{selectionOf(row)}</bdi>,
    },
    {
      id: 'period',
      title: words.columns.period,
      width: 'minmax(120px, 1.2fr)',
      cell: row => periodOf(row, Date.now()),
    },
    isAcross && {
      id: 'tenants',
      title: words.facts.tenants,
      width: '72px',
      align: 'end',
      cell: row => (isBatch(row) ? row.tenants : ''),
    },
    {
      id: 'progress',
      title: words.columns.progress,
      width: 'minmax(180px, 1.4fr)',
      cell: row => <SmallProgress replay={row} />,
    },
    {
      id: 'key',
      title: words.columns.key,
      width: 'minmax(72px, 0.8fr)',
      cell: row => <bdi className={styles.mono}>{row.key ?? common.none}</bdi>,
    },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ row }: { readonly row: AnyReplay }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <StageBadge replay={row} />
        <bdi className={styles.clip}>{selectionOf(row)}</bdi>
        <span className={cx(styles.muted)}>
          <Time at={row.createdAt} as="clock" focusable={false} />
        </span>
      </div>
      <SmallProgress replay={row} />
    </div>
  )
}

function Nothing({ tenant, canWrite }: { readonly tenant: string | null; readonly canWrite: boolean }) {
  const { title, text } = tenant === null ? words.emptyAcross : words.empty
  const from = new Date(new Date().setMinutes(0, 0, 0)).toISOString().replace('.000', '')
  const curl =
    tenant === null
      ? apiCurl('POST', '/v1/replays', { types: ['ORDER_SHIPPED'], from, to: from.slice(0, 10), dryRun: true })
      : apiCurl('POST', `/v1/tenants/${encodeURIComponent(tenant)}/replays`, { from, dryRun: true })
  return (
    <EmptyState
      title={title}
      actions={
        canWrite && (
          <ButtonLink kind="primary" to={'/replays/new' as '/'} search={((before: object) => before) as never}>
            {words.start}
          </ButtonLink>
        )
      }
      curl={curl}
    >
      {text}
    </EmptyState>
  )
}
