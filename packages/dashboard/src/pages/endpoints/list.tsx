import type { Endpoint, EventType } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { catalogueQuery } from '../../app/catalogue.ts'
import { useExamples } from '../../app/examples.ts'
import { LiveSwitch } from '../../app/live-switch.tsx'
import { useFilters, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { type Filter, FilterBar } from '../../kit/filter-bar.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { Pager, SearchedTo, statesOf, Table } from '../../kit/table.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { useNarrow, useNow } from '../../lib/hooks.ts'
import { endpoints as words } from '../../strings/en/endpoints.ts'
import { listen } from '../../strings/en/listen.ts'
import { common } from '../../strings/index.ts'
import { ListenHere, useCanListen } from '../listen/listen-here.tsx'
import { titleOf } from './health.tsx'
import styles from './list.module.css'
import { columnsFor, NarrowRow } from './list-columns.tsx'
import { FILTERS, filtersOf, listQuery, rememberSearch } from './queries.ts'

/** Endpoints, newest first: how each does, and what it gets. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const navigate = useNavigate()
  const { canManage } = usePermissions()
  const list = useQuery(listQuery(tenant, search))
  const types = useQuery(catalogueQuery)
  const now = useNow(30_000)
  const isNarrow = useNarrow()
  const page = list.data
  useEffect(() => rememberSearch(search), [search])
  const isFiltered = Object.keys(filtersOf(search)).length > 0
  const clear = () => change(Object.fromEntries([...FILTERS, 'cursor'].map(name => [name, undefined])))
  const open = (row: Endpoint) =>
    void navigate({ to: '/endpoints/$tenant/$id', params: { tenant: row.tenant, id: row.id } as never })
  return (
    <div className={styles.page}>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <FilterBar
        lead={
          <SearchField
            label={words.search}
            value={search.text}
            onChange={text => change({ text, cursor: undefined })}
          />
        }
        filters={filtersFor(types.data)}
        search={search}
        onChange={change}
      >
        <LiveSwitch />
        {canManage && (
          <ButtonLink kind="primary" small icon="plus" to="/endpoints/new" aria-label={words.register}>
            {!isNarrow && words.register}
          </ButtonLink>
        )}
      </FilterBar>
      <Table
        label={words.title}
        rows={page?.data}
        columns={columnsFor(tenant === null, now)}
        keyOf={row => `${row.tenant}/${row.id}`}
        nameOf={titleOf}
        onOpen={open}
        narrow={row => <NarrowRow row={row} showTenant={tenant === null} />}
        {...statesOf(list)}
        {...((isFiltered || page?.prevCursor || page?.nextCursor) && { onClearFilters: clear })}
        empty={<Nothing tenant={tenant} canManage={canManage} onMade={open} />}
        foot={
          <Pager page={page} cursor={search.cursor} onGo={cursor => change({ cursor })}>
            {page !== undefined && page.data.length > 0 && (
              <>
                {common.endpoints(page.data.length)} · {common.newestFirst}
              </>
            )}
            <SearchedTo at={page?.searchedTo} />
          </Pager>
        }
      />
    </div>
  )
}

function filtersFor(types: readonly EventType[] | undefined): readonly Filter[] {
  const { filters, healthFilter, states } = words
  const options = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).map(([value, label]) => ({ value, label }))
  return [
    { name: 'health', label: filters.health, options: options(healthFilter) },
    { name: 'state', label: filters.state, options: options(states), single: true },
    {
      name: 'type',
      label: filters.type,
      options: (types ?? []).map(({ name }) => ({ value: name, label: name })),
      own: filters.typeOwn,
      mono: true,
    },
  ]
}

type NothingProps = {
  readonly tenant: string | null
  readonly canManage: boolean
  readonly onMade: (listener: Endpoint) => void
}

function Nothing({ tenant, canManage, onMade }: NothingProps) {
  const { title, text, action } = words.empty
  const { tenantPath } = useExamples()
  const canListen = useCanListen() && tenant !== null
  const example = { url: 'https://receiver.example.com/webhooks', clientSecret: 'aGlzdG9yeS1vZi1zZWNyZXRz' }
  return (
    <EmptyState
      title={title}
      actions={
        canManage && (
          <>
            <ButtonLink kind="primary" to="/endpoints/new">
              {action}
            </ButtonLink>
            <ListenHere tenant={tenant} onMade={onMade} />
          </>
        )
      }
      {...(tenantPath !== undefined && { curl: apiCurl('POST', `${tenantPath}/endpoints`, example) })}
    >
      {text} {canListen && listen.lead}
    </EmptyState>
  )
}
