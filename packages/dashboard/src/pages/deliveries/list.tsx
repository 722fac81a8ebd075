import type { Delivery } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { LiveSwitch } from '../../app/live-switch.tsx'
import { useFilters, useRange, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Split } from '../../kit/drawer.tsx'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { Pager, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { shortenId } from '../../lib/format.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import { common } from '../../strings/index.ts'
import { columnsFor, NarrowRow } from './columns.tsx'
import { filtersFor } from './filters.ts'
import { filtersOf, listQuery } from './queries.ts'
import { RetryMatching, RetryTicked } from './retry-many.tsx'

const keyOf = (row: Pick<Delivery, 'tenant' | 'id'>) => `${row.tenant}/${row.id}`

/** Deliveries, newest first, with what was opened next to them. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const range = useRange()
  const navigate = useNavigate()
  const { canWrite } = usePermissions()
  const open = useParams({ strict: false }) as { tenant?: string; id?: string }
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const [dialog, setDialog] = useState<'ticked' | 'matching' | null>(null)
  const list = useQuery(listQuery(tenant, search, range))
  const types = useQuery({
    queryKey: ['event-types', 'filter'],
    queryFn: ({ signal }) => posthorn.eventTypes.list({ limit: 1_000 }, { signal }).then(page => page.data),
    staleTime: 60_000,
  })
  const isOpen = open.id !== undefined
  const page = list.data
  const rows = page?.data
  const isFiltered = Object.keys(filtersOf(search)).length > 0
  const openRow = (row: Delivery) =>
    void navigate({
      to: '/deliveries/$tenant/$id',
      params: { tenant: row.tenant, id: row.id },
      search: ((before: object) => before) as never,
      replace: isOpen,
    })
  const chosen = (rows ?? []).filter(row => ticked.has(keyOf(row)))
  const clear = () =>
    change(Object.fromEntries([...Object.keys(filtersOf(search)), 'cursor'].map(name => [name, undefined])))
  return (
    <>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <Split isOpen={isOpen} detail={<Outlet />}>
        <FilterBar filters={filtersFor(types.data)} search={search} onChange={change}>
          {search.cursor === undefined && <LiveSwitch />}
        </FilterBar>
        <Table
          label={words.title}
          rows={rows}
          columns={columnsFor(tenant === null, isOpen)}
          keyOf={keyOf}
          nameOf={row => `${row.type} ${shortenId(row.id)}`}
          onOpen={openRow}
          openKey={isOpen ? `${open.tenant}/${open.id}` : null}
          narrow={row => <NarrowRow row={row} />}
          {...(canWrite && { ticked, onTick: setTicked })}
          error={list.error}
          onRetry={() => void list.refetch()}
          isStale={list.isPlaceholderData}
          {...((isFiltered || page?.prevCursor || page?.nextCursor) && { onClearFilters: clear })}
          empty={<Nothing canWrite={canWrite} />}
          foot={
            <Pager
              prevCursor={page?.prevCursor}
              nextCursor={page?.nextCursor}
              onGo={cursor => change({ cursor })}
              {...(search.cursor !== undefined && { onFirst: () => change({ cursor: undefined }) })}
            >
              {chosen.length > 0 ? (
                <>
                  <Button small kind="primary" icon="retry" onClick={() => setDialog('ticked')}>
                    {words.retryMany(chosen.length)}
                  </Button>{' '}
                  <Button small kind="quiet" onClick={() => setTicked(new Set())}>
                    {common.clearSelection}
                  </Button>
                </>
              ) : (
                <>
                  {page?.counts !== undefined && `${words.match(page.counts.total)} · ${common.newestFirst} `}
                  {page?.searchedTo && (
                    <>
                      · {words.searchedTo} <Time at={page.searchedTo} as="clock" />{' '}
                    </>
                  )}
                  {canWrite && rows !== undefined && rows.length > 0 && (
                    <Button small kind="quiet" onClick={() => setDialog('matching')}>
                      {words.retryAll}
                    </Button>
                  )}
                </>
              )}
            </Pager>
          }
        />
        {dialog === 'ticked' && (
          <RetryTicked rows={chosen} onClose={() => setDialog(null)} onDone={() => setTicked(new Set())} />
        )}
        {dialog === 'matching' && (
          <RetryMatching tenant={tenant} search={search} range={range} onClose={() => setDialog(null)} />
        )}
      </Split>
    </>
  )
}

function Nothing({ canWrite }: { readonly canWrite: boolean }) {
  const { title, text, action } = words.empty
  return (
    <EmptyState
      title={title}
      actions={
        canWrite && (
          <ButtonLink kind="primary" to="/endpoints/new">
            {action}
          </ButtonLink>
        )
      }
      curl={apiCurl('GET', '/v1/deliveries')}
    >
      {text}
    </EmptyState>
  )
}
