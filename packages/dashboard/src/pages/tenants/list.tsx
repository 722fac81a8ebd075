import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useFilters, useRange } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { SegmentedControl } from '../../kit/choices.tsx'
import { useHotkeys } from '../../kit/hotkeys.ts'
import { Hidden } from '../../kit/kbd.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { Pager, statesOf, Table } from '../../kit/table.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { formatNumber } from '../../lib/format.ts'
import { tenants as words } from '../../strings/en/tenants.ts'
import { columns, NarrowRow } from './columns.tsx'
import { CreateTenant } from './create.tsx'
import { listQuery, type Row, type Rows, SORTS, type Sort } from './queries.ts'
import styles from './tenants.module.css'

function sortOf(text: string | undefined): Sort {
  return SORTS.find(sort => sort === text) ?? 'trouble'
}

/** All tenants, those in trouble first. */
export function Page() {
  const [search, change] = useFilters()
  const range = useRange()
  const navigate = useNavigate()
  const { canWrite } = usePermissions()
  const [isCreating, setCreating] = useState(false)
  const bar = useRef<HTMLElement>(null)
  useHotkeys({ '/': () => bar.current?.querySelector('input')?.focus() })
  const sort = sortOf(search.sort)
  const list = useQuery(listQuery({ sort, text: search.q, cursor: search.cursor }, range))
  const rows = list.data?.rows
  const open = (row: Row) =>
    void navigate({ to: '/tenants/$tenant', params: { tenant: row.id }, search: { tenant: undefined } })
  const create = canWrite && (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      {words.create}
    </Button>
  )
  return (
    <div className={styles.list}>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <search ref={bar} className={styles.bar}>
        <SearchField label={words.search} value={search.q} onChange={q => change({ q, cursor: undefined })} />
        <SegmentedControl
          label={words.sort}
          value={search.q === undefined ? sort : 'name'}
          options={SORTS.map(value => ({ value, label: words.sorts[value] }))}
          onChange={next => change({ sort: next, q: undefined, cursor: undefined })}
        />
        <span className={styles.spacer} />
        {rows?.length !== 0 && create}
      </search>
      <Table
        label={words.title}
        rows={rows}
        columns={columns}
        keyOf={row => row.id}
        onOpen={open}
        narrow={row => <NarrowRow row={row} />}
        {...statesOf(list)}
        {...((search.q !== undefined || search.cursor !== undefined) && {
          onClearFilters: () => change({ q: undefined, cursor: undefined }),
        })}
        empty={
          <EmptyState
            title={words.empty.title}
            actions={create}
            curl={apiCurl('PUT', '/v1/tenants/acme', { name: 'Acme Ltd' })}
          >
            {words.empty.text}
          </EmptyState>
        }
        foot={
          list.data?.nextCursor || list.data?.prevCursor ? (
            <Pager page={list.data} onGo={cursor => change({ cursor })} names={words.pages}>
              <Said found={list.data} />
            </Pager>
          ) : list.data && list.data.rows.length > 0 ? (
            <Said found={list.data} />
          ) : undefined
        }
      />
      {isCreating && <CreateTenant onClose={() => setCreating(false)} />}
    </div>
  )
}

function Said({ found }: { readonly found: Rows }) {
  const { rows, isFirst, isComplete, nextCursor, prevCursor } = found
  if (!isComplete) return words.incomplete
  if (isFirst) return words.first(rows.length)
  return nextCursor === null && prevCursor === null ? words.shown(rows.length) : formatNumber(rows.length)
}
