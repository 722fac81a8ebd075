import type { Event, ListEventsPage } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { catalogueQuery } from '../../app/catalogue.ts'
import { useExamples } from '../../app/examples.ts'
import { LiveSwitch } from '../../app/live-switch.tsx'
import { useFilters, useRange, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Split } from '../../kit/drawer.tsx'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { Banner, EmptyState } from '../../kit/surfaces.tsx'
import { Pager, SearchedTo, statesOf, Table } from '../../kit/table.tsx'
import { publishCurl } from '../../lib/curl.ts'
import { shortenId } from '../../lib/format.ts'
import { useNarrow } from '../../lib/hooks.ts'
import { events as words } from '../../strings/en/events.ts'
import { common } from '../../strings/index.ts'
import { columnsFor, NarrowRow } from './columns.tsx'
import { filtersFor } from './filters.tsx'
import styles from './list.module.css'
import { filtersOf, listQuery } from './queries.ts'

const keyOf = (row: Pick<Event, 'tenant' | 'id'>) => `${row.tenant}/${row.id}`

/** Events, newest first, with what was opened next to them. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const range = useRange()
  const navigate = useNavigate()
  const isNarrow = useNarrow()
  const { canWrite, seesPayloads } = usePermissions()
  const open = useParams({ strict: false }) as { tenant?: string; id?: string }
  const list = useQuery(listQuery(tenant, search, range))
  const types = useQuery(catalogueQuery)
  const isOpen = open.id !== undefined
  const page = list.data
  const isFiltered = Object.keys(filtersOf(search)).length > 0
  const openRow = (row: Event) =>
    void navigate({
      to: '/events/$tenant/$id',
      params: { tenant: row.tenant, id: row.id },
      search: ((before: object) => before) as never,
      replace: isOpen,
    })
  const clear = () =>
    change(Object.fromEntries([...Object.keys(filtersOf(search)), 'cursor'].map(name => [name, undefined])))
  return (
    <>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <Split isOpen={isOpen} detail={<Outlet />}>
        <FilterBar filters={filtersFor(types.data, seesPayloads)} search={search} onChange={change}>
          {search.cursor === undefined && <LiveSwitch />}
          {canWrite && (
            <ButtonLink
              small
              icon="plus"
              to="/events/new"
              search={((before: object) => before) as never}
              {...((isNarrow || isOpen) && { 'aria-label': words.publish, title: words.publish })}
            >
              {!isNarrow && !isOpen && words.publish}
            </ButtonLink>
          )}
        </FilterBar>
        {page?.warnings.map(({ field, detail }) => (
          <div key={`${field}${detail}`} className={styles.warning}>
            <Banner tone="warning">{detail}</Banner>
          </div>
        ))}
        <Table
          label={words.title}
          rows={page?.data}
          columns={columnsFor(tenant === null, isOpen)}
          keyOf={keyOf}
          nameOf={row => `${row.type} ${shortenId(row.id)}`}
          onOpen={openRow}
          openKey={isOpen ? `${open.tenant}/${open.id}` : null}
          narrow={row => <NarrowRow row={row} showTenant={tenant === null} />}
          {...statesOf(list)}
          {...((isFiltered || page?.prevCursor || page?.nextCursor) && { onClearFilters: clear })}
          empty={<Nothing canWrite={canWrite} />}
          foot={
            <Pager page={page} cursor={search.cursor} onGo={cursor => change({ cursor })}>
              <Summary page={page} onGo={cursor => change({ cursor })} />
            </Pager>
          }
        />
      </Split>
    </>
  )
}

type SummaryProps = { readonly page: ListEventsPage | undefined; readonly onGo: (cursor: string) => void }

/** How many match, or how far the search has come. */
function Summary({ page, onGo }: SummaryProps) {
  if (page === undefined) return null
  const { counts, searchedTo, nextCursor } = page
  const total = counts?.total ?? null
  return (
    <>
      {total === null ? words.newestFirst : `${words.match(total)} · ${common.newestFirst}`}
      <SearchedTo at={searchedTo} />
      {searchedTo !== null && nextCursor !== null && (
        <Button small kind="quiet" onClick={() => onGo(nextCursor)}>
          {words.searchOn}
        </Button>
      )}
    </>
  )
}

function Nothing({ canWrite }: { readonly canWrite: boolean }) {
  const { title, text } = words.empty
  const { tenantPath, type } = useExamples()
  const curl = publishCurl(tenantPath, type)
  return (
    <EmptyState
      title={title}
      actions={
        canWrite && (
          <ButtonLink kind="primary" to="/events/new" search={((before: object) => before) as never}>
            {words.publish}
          </ButtonLink>
        )
      }
      {...(curl !== undefined && { curl })}
    >
      {text}
    </EmptyState>
  )
}
