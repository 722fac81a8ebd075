import type { AuditEntry } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useFilters, useRange, useTenant } from '../../app/scope.ts'
import { Button } from '../../kit/button.tsx'
import { Split } from '../../kit/drawer.tsx'
import { type Filter, FilterBar } from '../../kit/filter-bar.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Pager, SearchedTo, statesOf, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { access } from '../../strings/en/access.ts'
import { common } from '../../strings/index.ts'
import { AuditDetail } from './audit-detail.tsx'
import { changeOf, whatOf, whoOf } from './audit-words.ts'
import { Frame } from './frame.tsx'
import styles from './lists.module.css'
import { AUDIT_FILTERS, apiKeysQuery, auditQuery } from './queries.ts'

const words = access.audit

/** Who changed what in the configuration. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const range = useRange('30d')
  const list = useQuery(auditQuery(tenant, search, range))
  const keys = useQuery({ ...apiKeysQuery, refetchInterval: false, staleTime: 60_000 })
  const page = list.data
  const isOpen = search.open !== undefined
  const names = ['cursor', 'open', ...AUDIT_FILTERS]
  const clear = () => change(Object.fromEntries([...names, 'tenant'].map(name => [name, undefined])))
  const isFiltered = AUDIT_FILTERS.some(name => search[name] !== undefined) || tenant !== null
  return (
    <Frame title={words.title} fill>
      <Split
        isOpen={isOpen}
        detail={
          search.open !== undefined && (
            <AuditDetail
              id={search.open}
              entry={page?.data.find(({ id }) => id === search.open)}
              onClose={() => change({ open: undefined })}
            />
          )
        }
      >
        <FilterBar
          filters={filtersFor((keys.data ?? []).map(({ id, name }) => ({ value: id, label: name })))}
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
          narrow={entry => <NarrowRow entry={entry} />}
          {...statesOf(list)}
          {...((isFiltered || page?.prevCursor || page?.nextCursor) && { onClearFilters: clear })}
          empty={
            <EmptyState
              title={words.emptyRange}
              actions={
                <Button onClick={() => change({ range: '90d', from: undefined, to: undefined })}>{words.widen}</Button>
              }
              curl={apiCurl('GET', '/v1/audit')}
            >
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

/** How many keys can be chosen by name; the ids of others are typed. */
const LISTED_KEYS = 100

function filtersFor(keys: readonly { readonly value: string; readonly label: string }[]): readonly Filter[] {
  const { filters, actors, actions, targetNames } = words
  const options = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).map(([value, label]) => ({ value, label }))
  return [
    {
      name: 'actor',
      label: filters.actor,
      single: true,
      options: [...options(actors), ...keys.slice(0, LISTED_KEYS)],
      own: filters.actorOwn,
    },
    { name: 'action', label: filters.action, options: options(actions) },
    { name: 'target', label: filters.target, options: options(targetNames) },
    { name: 'targetId', label: filters.targetId, help: filters.targetIdHelp, mono: true },
  ]
}

function columnsFor(showTenant: boolean, isCompact: boolean): readonly Column<AuditEntry>[] {
  const { columns } = words
  const all: (Column<AuditEntry> | false)[] = [
    {
      id: 'at',
      title: columns.at,
      width: '116px',
      cell: entry => <Time at={entry.at} as="clock" focusable={false} />,
    },
    {
      id: 'who',
      title: columns.who,
      width: 'minmax(96px, 1fr)',
      cell: entry => (
        <bdi title={entry.actor.key ?? undefined} className={entry.actor.kind === 'system' ? styles.muted : undefined}>
          {whoOf(entry)}
        </bdi>
      ),
    },
    {
      id: 'what',
      title: columns.what,
      width: 'minmax(160px, 2.6fr)',
      cell: entry => (
        <span title={`${changeOf(entry)} ${whatOf(entry)}`}>
          {changeOf(entry)}{' '}
          <bdi className={styles.muted}>
            <span className={styles.mono}>{whatOf(entry)}</span>
          </bdi>
        </span>
      ),
    },
    showTenant &&
      !isCompact && {
        id: 'tenant',
        title: columns.tenant,
        width: 'minmax(72px, 0.7fr)',
        cell: ({ tenant }) =>
          tenant === null ? <span className={styles.muted}>{common.none}</span> : <bdi title={tenant}>{tenant}</bdi>,
      },
    !isCompact && {
      id: 'address',
      title: columns.address,
      width: 'minmax(88px, 0.7fr)',
      cell: ({ actor: { address } }) => <span className={styles.muted}>{address ?? common.none}</span>,
    },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ entry }: { readonly entry: AuditEntry }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <span className={styles.clip}>{changeOf(entry)}</span>
        <span className={styles.muted}>
          <Time at={entry.at} as="clock" focusable={false} />
        </span>
      </div>
      <div className={styles.line}>
        <bdi className={`${styles.muted} ${styles.clip}`}>{whatOf(entry)}</bdi>
        <bdi className={`${styles.muted} ${styles.clip}`}>{whoOf(entry)}</bdi>
      </div>
    </div>
  )
}
