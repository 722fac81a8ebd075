import type { ApiKey } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useFilters, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Split } from '../../kit/drawer.tsx'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { findKeys, isUsable, stateOf } from '../../lib/api-keys.ts'
import { apiCurl } from '../../lib/curl.ts'
import { useNarrow, useNow } from '../../lib/hooks.ts'
import { valuesOf } from '../../lib/search.ts'
import { access } from '../../strings/en/access.ts'
import { common } from '../../strings/index.ts'
import { KeyDetail } from './api-key-detail.tsx'
import { CreateKey } from './api-key-form.tsx'
import { Frame } from './frame.tsx'
import { KeyBadge } from './key-badge.tsx'
import styles from './lists.module.css'
import { apiKeysQuery, MOST_KEYS } from './queries.ts'

const words = access.keys

/** The keys of the API: who has which, and creating, replacing and revoking them. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const { canWrite } = usePermissions()
  const now = useNow(60_000)
  const list = useQuery(apiKeysQuery)
  const [creating, setCreating] = useState<'new' | ApiKey | null>(null)
  const keys = list.data
  const { q = '', state, scope, open } = search
  const sought = { q, states: valuesOf(state), scopes: valuesOf(scope), tenant }
  const rows = keys && findKeys(keys, sought, now)
  const active = rows?.filter(key => isUsable(stateOf(key, now))).length ?? 0
  const isFiltered = q !== '' || state !== undefined || scope !== undefined
  const options = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).map(([value, label]) => ({ value, label }))
  const isNarrow = useNarrow()
  return (
    <Frame title={words.title} fill>
      <Split
        isOpen={open !== undefined}
        detail={
          open !== undefined && (
            <KeyDetail
              id={open}
              apiKey={keys?.find(({ id }) => id === open)}
              onReplace={setCreating}
              onClose={() => change({ open: undefined })}
            />
          )
        }
      >
        <FilterBar
          filters={[
            { name: 'state', label: words.filters.state, options: options(words.states) },
            { name: 'scope', label: words.filters.scope, options: options(words.scopes) },
          ]}
          search={search}
          onChange={changes => change({ ...changes, open: undefined })}
          lead={<SearchField label={words.search} value={q} onChange={text => change({ q: text }, true)} />}
        >
          {canWrite && (
            <Button small kind="primary" icon="plus" aria-label={words.create} onClick={() => setCreating('new')}>
              {isNarrow ? words.createShort : words.create}
            </Button>
          )}
        </FilterBar>
        <Table
          label={words.title}
          rows={rows}
          columns={columnsFor(tenant === null, open !== undefined, now)}
          keyOf={({ id }) => id}
          onOpen={({ id }) => change({ open: id }, open !== undefined)}
          openKey={open ?? null}
          narrow={key => <NarrowRow apiKey={key} now={now} />}
          error={list.error}
          onRetry={() => void list.refetch()}
          {...(isFiltered && {
            onClearFilters: () => change({ q: undefined, state: undefined, scope: undefined }),
          })}
          empty={<Nothing tenant={tenant} onCreate={() => setCreating('new')} />}
          foot={
            rows === undefined ? undefined : (
              <span>
                {words.count(rows.length, active)} · {common.newestFirst}
                {keys !== undefined && keys.length >= MOST_KEYS && ` · ${words.tooMany(MOST_KEYS)}`}
              </span>
            )
          }
        />
        {creating !== null && (
          <CreateKey
            tenant={tenant}
            replaces={creating === 'new' ? null : creating}
            onClose={() => setCreating(null)}
            onCreated={id => change({ open: id, q: undefined, state: undefined, scope: undefined })}
          />
        )}
      </Split>
    </Frame>
  )
}

function Nothing({ tenant, onCreate }: { readonly tenant: string | null; readonly onCreate: () => void }) {
  const { title, text } = tenant === null ? words.empty : words.emptyTenant
  return (
    <EmptyState
      title={title}
      actions={
        <Button kind="primary" icon="plus" onClick={onCreate}>
          {words.create}
        </Button>
      }
      curl={apiCurl('POST', '/v1/api-keys', { name: 'shop backend', scope: 'publish', ...(tenant && { tenant }) })}
    >
      {text}
    </EmptyState>
  )
}

function columnsFor(showTenant: boolean, isCompact: boolean, now: number): readonly Column<ApiKey>[] {
  const { columns } = words
  const all: (Column<ApiKey> | false)[] = [
    {
      id: 'name',
      title: columns.name,
      width: 'minmax(140px, 2fr)',
      cell: ({ name, id }) => <bdi title={`${name}\n${id}`}>{name}</bdi>,
    },
    { id: 'state', title: columns.state, width: '128px', cell: key => <KeyBadge state={stateOf(key, now)} /> },
    { id: 'scope', title: columns.scope, width: '92px', cell: ({ scope }) => words.scopes[scope] },
    showTenant && {
      id: 'tenant',
      title: columns.tenant,
      width: 'minmax(80px, 1fr)',
      cell: ({ tenant }) =>
        tenant === null ? <span className={styles.muted}>{words.allTenants}</span> : <bdi title={tenant}>{tenant}</bdi>,
    },
    !isCompact && {
      id: 'payloads',
      title: columns.payloads,
      width: '72px',
      cell: ({ payloads }) => <span className={styles.muted}>{payloads ? words.shown : words.hidden}</span>,
    },
    !isCompact && {
      id: 'rate',
      title: columns.rate,
      width: '96px',
      align: 'end',
      cell: ({ rateLimit }) => (
        <span className={styles.muted}>
          {rateLimit === null ? words.noLimit : words.rateOf(rateLimit.requests, rateLimit.perSeconds)}
        </span>
      ),
    },
    {
      id: 'expires',
      title: columns.expires,
      width: '96px',
      align: 'end',
      cell: ({ expiresAt }) =>
        expiresAt === null ? (
          <span className={styles.muted}>{words.never}</span>
        ) : (
          <Time at={expiresAt} focusable={false} />
        ),
    },
    !isCompact && {
      id: 'created',
      title: columns.created,
      width: '104px',
      align: 'end',
      cell: ({ createdAt }) => <Time at={createdAt} focusable={false} />,
    },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ apiKey, now }: { readonly apiKey: ApiKey; readonly now: number }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={styles.clip}>{apiKey.name}</bdi>
        <KeyBadge state={stateOf(apiKey, now)} />
      </div>
      <div className={styles.line}>
        <span className={styles.muted}>{words.scopes[apiKey.scope]}</span>
        <bdi className={`${styles.muted} ${styles.clip}`}>{apiKey.tenant ?? words.allTenants}</bdi>
      </div>
    </div>
  )
}
