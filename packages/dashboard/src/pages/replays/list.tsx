import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useExamples } from '../../app/examples.ts'
import { useFilters, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { SegmentedControl } from '../../kit/choices.tsx'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Pager, statesOf, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { formatNumber } from '../../lib/format.ts'
import { useNarrow } from '../../lib/hooks.ts'
import { replays as words } from '../../strings/en/replays.ts'
import { common } from '../../strings/index.ts'
import styles from './list.module.css'
import { SmallProgress, StageBadge } from './progress.tsx'
import { ACROSS, listQuery } from './queries.ts'
import { type AnyReplay, isBatch, periodOf, selectionOf } from './replay.ts'

const FILTERS = [
  {
    name: 'state',
    label: words.filters.state,
    single: true,
    options: Object.entries(words.filters.states).map(([value, label]) => ({ value, label })),
  },
]

/** Replays with their progress: of the tenant that is chosen, of all, or across tenants. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const navigate = useNavigate()
  const isNarrow = useNarrow()
  const { canRetry } = usePermissions()
  const isAcross = tenant === null && search.kind === ACROSS
  const list = useQuery(listQuery(tenant, search))
  const page = list.data
  const isEmpty = page?.data.length === 0 && search.state === undefined
  const open = (row: AnyReplay) =>
    void (isBatch(row)
      ? navigate({ to: '/replays/$id', params: { id: row.id } })
      : navigate({ to: '/replays/$tenant/$id', params: { tenant: row.tenant, id: row.id } }))
  return (
    <div className={styles.page}>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <FilterBar filters={FILTERS} search={search} onChange={change}>
        {tenant === null && (
          <SegmentedControl
            label={words.tabs.label}
            value={isAcross ? ACROSS : 'tenants'}
            options={[
              { value: 'tenants', label: words.tabs.tenants },
              { value: ACROSS, label: words.tabs.across },
            ]}
            onChange={next => change({ kind: next === ACROSS ? ACROSS : undefined, cursor: undefined })}
          />
        )}
        {canRetry && !isEmpty && (
          <ButtonLink
            small
            icon="plus"
            to="/replays/new"
            {...(isNarrow && { 'aria-label': words.start, title: words.start })}
          >
            {!isNarrow && words.start}
          </ButtonLink>
        )}
      </FilterBar>
      <Table
        label={isAcross ? words.titleAcross : words.title}
        rows={page?.data}
        columns={columnsFor(tenant === null, isAcross)}
        keyOf={row => row.id}
        onOpen={open}
        narrow={row => <NarrowRow row={row} />}
        {...statesOf(list)}
        {...((search.state !== undefined || search.cursor !== undefined) && {
          onClearFilters: () => change({ state: undefined, cursor: undefined }),
        })}
        empty={<Nothing isAcross={isAcross} canRetry={canRetry} />}
        {...(!isEmpty && {
          foot: (
            <Pager page={page} cursor={search.cursor} onGo={cursor => change({ cursor })}>
              {words.newestFirst}
            </Pager>
          ),
        })}
      />
    </div>
  )
}

function columnsFor(showTenant: boolean, isAcross: boolean): readonly Column<AnyReplay>[] {
  const all: (Column<AnyReplay> | false)[] = [
    {
      id: 'created',
      title: words.columns.created,
      width: '116px',
      cell: row => <Time at={row.createdAt} as="clock" focusable={false} />,
    },
    { id: 'state', title: words.columns.state, width: '104px', cell: row => <StageBadge replay={row} /> },
    showTenant && {
      id: 'tenant',
      title: isAcross ? words.facts.tenants : words.columns.tenant,
      width: isAcross ? '72px' : 'minmax(72px, 0.7fr)',
      ...(isAcross && { align: 'end' as const }),
      cell: row => (isBatch(row) ? formatNumber(row.tenants) : <bdi>{row.tenant}</bdi>),
    },
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
    {
      id: 'key',
      title: words.columns.key,
      width: 'minmax(72px, 0.8fr)',
      cell: row => <bdi className={styles.mono}>{row.key ?? common.none}</bdi>,
    },
    {
      id: 'progress',
      title: words.columns.progress,
      width: 'minmax(180px, 1.4fr)',
      cell: row => <SmallProgress replay={row} />,
    },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ row }: { readonly row: AnyReplay }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <StageBadge replay={row} />
        <bdi className={styles.clip}>{isBatch(row) ? selectionOf(row) : `${row.tenant} · ${selectionOf(row)}`}</bdi>
        <span className={styles.muted}>
          <Time at={row.createdAt} as="clock" focusable={false} />
        </span>
      </div>
      <SmallProgress replay={row} />
    </div>
  )
}

type NothingProps = { readonly isAcross: boolean; readonly canRetry: boolean }

function Nothing({ isAcross, canRetry }: NothingProps) {
  const { title, text } = isAcross ? words.emptyAcross : words.empty
  const [from, to] = lastHour()
  const { tenantPath, type } = useExamples()
  const curl = isAcross
    ? type && apiCurl('POST', '/v1/replays', { types: [type.name], from, to, dryRun: true })
    : tenantPath && apiCurl('POST', `${tenantPath}/replays`, { from, to, dryRun: true })
  return (
    <EmptyState
      title={title}
      actions={
        canRetry && (
          <ButtonLink kind="primary" to="/replays/new">
            {words.start}
          </ButtonLink>
        )
      }
      {...(curl !== undefined && { curl })}
    >
      {text}
    </EmptyState>
  )
}

/** The last whole hour, as an example of a period. */
function lastHour(): [from: string, to: string] {
  const end = new Date().setUTCMinutes(0, 0, 0)
  const write = (at: number) => new Date(at).toISOString().replace('.000', '')
  return [write(end - 3_600_000), write(end)]
}
