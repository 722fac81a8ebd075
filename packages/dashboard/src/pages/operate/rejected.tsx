import type { RejectedEvent } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useFilters, useTenant } from '../../app/scope.ts'
import { Split } from '../../kit/drawer.tsx'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Pager, SearchedTo, statesOf, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { readablePath } from '../../lib/pointer.ts'
import { operate } from '../../strings/en/operate.ts'
import { common } from '../../strings/index.ts'
import { Frame, Lead } from './frame.tsx'
import styles from './lists.module.css'
import { rejectedQuery } from './queries.ts'
import { RejectedDetail } from './rejected-detail.tsx'

const words = operate.rejected

/** Events published from SQL that the API would have refused, with the reasons. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const list = useQuery(rejectedQuery(tenant, search.key, search.cursor))
  const page = list.data
  const isOpen = search.open !== undefined
  const isNarrowed = search.key !== undefined || tenant !== null
  return (
    <Frame title={words.title} fill>
      <Split
        isOpen={isOpen}
        detail={
          search.open !== undefined && (
            <RejectedDetail
              id={search.open}
              event={page?.data.find(({ id }) => id === search.open)}
              query={list}
              onClose={() => change({ open: undefined })}
            />
          )
        }
      >
        <Lead>{words.lead}</Lead>
        <FilterBar
          filters={[{ name: 'key', label: words.filters.key, help: words.filters.keyHelp, mono: true }]}
          search={search}
          onChange={changes => change({ ...changes, open: undefined })}
        />
        <Table
          label={words.title}
          rows={page?.data}
          columns={columnsFor(tenant === null, isOpen)}
          keyOf={({ id }) => id}
          onOpen={({ id }) => change({ open: id }, isOpen)}
          openKey={search.open ?? null}
          narrow={event => <NarrowRow event={event} />}
          {...statesOf(list)}
          {...((isNarrowed || page?.prevCursor || page?.nextCursor) && {
            onClearFilters: () => change({ key: undefined, tenant: undefined, cursor: undefined, open: undefined }),
          })}
          empty={
            <EmptyState title={words.empty.title} curl={apiCurl('GET', '/v1/rejected-events')}>
              {words.empty.text}
            </EmptyState>
          }
          foot={
            <Pager page={page} cursor={search.cursor} onGo={cursor => change({ cursor, open: undefined })}>
              {page !== undefined && page.data.length > 0 && common.newestFirst}
              <SearchedTo at={page?.searchedTo} />
            </Pager>
          }
        />
      </Split>
    </Frame>
  )
}

/** The first reason in a few words, and how many others there are. */
export function whyOf({ rejected }: RejectedEvent): string {
  const [first, ...others] = rejected ?? []
  if (first === undefined) return words.hiddenWhy
  const path = readablePath(first.field, '/payload')
  const said = path === null || path === '' ? first.detail : `${path}: ${first.detail}`
  return others.length === 0 ? said : `${said.replace(/\.$/, '')}, ${words.more(others.length)}`
}

function columnsFor(showTenant: boolean, isCompact: boolean): readonly Column<RejectedEvent>[] {
  const { columns } = words
  const all: (Column<RejectedEvent> | false)[] = [
    {
      id: 'time',
      title: columns.time,
      width: '116px',
      cell: event => <Time at={event.createdAt} as="clock" focusable={false} />,
    },
    showTenant && {
      id: 'tenant',
      title: columns.tenant,
      width: 'minmax(72px, 0.8fr)',
      cell: ({ tenant }) => <bdi title={tenant}>{tenant}</bdi>,
    },
    {
      id: 'type',
      title: columns.type,
      width: 'minmax(96px, 1fr)',
      cell: ({ type }) => (
        <bdi className={styles.mono} title={type}>
          {type}
        </bdi>
      ),
    },
    !isCompact && {
      id: 'key',
      title: columns.key,
      width: 'minmax(96px, 1fr)',
      cell: ({ key }) =>
        key === null ? (
          <span className={styles.muted}>{common.none}</span>
        ) : (
          <bdi className={styles.mono} title={key}>
            {key}
          </bdi>
        ),
    },
    {
      id: 'why',
      title: columns.why,
      width: isCompact ? 'minmax(120px, 1.6fr)' : 'minmax(160px, 3fr)',
      cell: event => <bdi title={whyOf(event)}>{whyOf(event)}</bdi>,
    },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ event }: { readonly event: RejectedEvent }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={styles.clip}>{event.tenant}</bdi>
        <bdi className={`${styles.mono} ${styles.clip}`}>{event.type}</bdi>
        <span className={styles.muted}>
          <Time at={event.createdAt} as="clock" focusable={false} />
        </span>
      </div>
      <div className={styles.line}>
        <bdi className={`${styles.muted} ${styles.clip}`}>{whyOf(event)}</bdi>
      </div>
    </div>
  )
}
