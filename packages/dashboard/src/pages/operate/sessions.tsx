import type { Session } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useFilters } from '../../app/scope.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Split } from '../../kit/drawer.tsx'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { access } from '../../strings/en/access.ts'
import { common } from '../../strings/index.ts'
import { Frame, Lead } from './frame.tsx'
import styles from './lists.module.css'
import { sessionsQuery } from './queries.ts'
import { EndSessions, SessionDetail } from './session-detail.tsx'
import { holderOf, nameOf, whereOf } from './session-words.ts'

const words = access.sessions

/** Who is signed in, with which key and from where; which session is one's own; and ending them. */
export function Page() {
  const [search, change] = useFilters()
  const list = useQuery(sessionsQuery)
  const [ending, setEnding] = useState<readonly Session[] | null>(null)
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const sessions = list.data
  const rows = sessions?.filter(session => search.key === undefined || holderOf(session) === search.key)
  const chosen = (rows ?? []).filter(({ id }) => ticked.has(id))
  const others = (sessions ?? []).filter(({ isCurrent }) => !isCurrent)
  const isOpen = search.open !== undefined
  return (
    <Frame title={words.title} fill>
      <Split
        isOpen={isOpen}
        detail={
          search.open !== undefined && (
            <SessionDetail
              id={search.open}
              session={sessions?.find(({ id }) => id === search.open)}
              query={list}
              onEnd={session => setEnding([session])}
              onClose={() => change({ open: undefined })}
            />
          )
        }
      >
        <Lead>{words.lead}</Lead>
        <FilterBar
          filters={[{ name: 'key', label: words.filters.key, options: keysOf(sessions ?? []), single: true }]}
          search={search}
          onChange={changes => change({ ...changes, open: undefined })}
        >
          {others.length > 0 && others.length < (sessions?.length ?? 0) && (
            <Button small onClick={() => setEnding(others)}>
              {words.revokeOthers}
            </Button>
          )}
        </FilterBar>
        <Table
          label={words.title}
          rows={rows}
          columns={columnsFor(isOpen)}
          keyOf={({ id }) => id}
          nameOf={session => `${nameOf(session)}, ${whereOf(session)}`}
          onOpen={({ id }) => change({ open: id }, isOpen)}
          openKey={search.open ?? null}
          ticked={ticked}
          onTick={setTicked}
          narrow={session => <NarrowRow session={session} />}
          error={list.error}
          onRetry={() => void list.refetch()}
          {...(search.key !== undefined && { onClearFilters: () => change({ key: undefined }) })}
          empty={
            <EmptyState title={words.empty.title} curl={apiCurl('GET', '/v1/sessions')}>
              {words.empty.text}
            </EmptyState>
          }
          foot={
            chosen.length > 0 ? (
              <span className={styles.ticked}>
                <Button small kind="primary" onClick={() => setEnding(chosen)}>
                  {words.revokeMany(chosen.length)}
                </Button>
                <Button small kind="quiet" onClick={() => setTicked(new Set())}>
                  {common.clearSelection}
                </Button>
              </span>
            ) : (
              rows && `${words.count(rows.length)} · ${common.newestFirst}`
            )
          }
        />
        {ending !== null && (
          <EndSessions
            sessions={ending}
            onClose={() => setEnding(null)}
            onDone={() => {
              setTicked(new Set())
              change({ open: undefined }, true)
            }}
          />
        )}
      </Split>
    </Frame>
  )
}

/** The keys that sessions were signed in with, and the people. */
function keysOf(sessions: readonly Session[]) {
  const names = new Map(sessions.map(session => [holderOf(session), nameOf(session)]))
  return [...names].map(([value, label]) => ({ value, label }))
}

function columnsFor(isCompact: boolean): readonly Column<Session>[] {
  const { columns } = words
  const all: (Column<Session> | false)[] = [
    {
      id: 'key',
      title: columns.key,
      width: 'minmax(140px, 1.4fr)',
      cell: session => (
        <>
          <bdi title={session.apiKey.id ?? undefined}>{nameOf(session)}</bdi>{' '}
          {session.isCurrent && <Badge>{words.mine}</Badge>}
        </>
      ),
    },
    {
      id: 'browser',
      title: columns.browser,
      width: 'minmax(120px, 1.2fr)',
      cell: session => <bdi title={session.userAgent ?? undefined}>{whereOf(session)}</bdi>,
    },
    !isCompact && {
      id: 'address',
      title: columns.address,
      width: 'minmax(104px, 0.8fr)',
      cell: ({ address }) => address ?? common.none,
    },
    {
      id: 'used',
      title: columns.used,
      width: '104px',
      align: 'end',
      cell: ({ lastUsedAt }) => <Time at={lastUsedAt} focusable={false} />,
    },
    !isCompact && {
      id: 'began',
      title: columns.began,
      width: '104px',
      align: 'end',
      cell: ({ createdAt }) => <Time at={createdAt} focusable={false} />,
    },
    !isCompact && {
      id: 'ends',
      title: columns.ends,
      width: '104px',
      align: 'end',
      cell: ({ idleUntil, expiresAt }) => (
        <Time at={Math.min(Date.parse(idleUntil), Date.parse(expiresAt))} focusable={false} />
      ),
    },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ session }: { readonly session: Session }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={styles.clip}>{nameOf(session)}</bdi>
        {session.isCurrent && <Badge>{words.mine}</Badge>}
      </div>
      <div className={styles.line}>
        <bdi className={`${styles.muted} ${styles.clip}`}>{whereOf(session)}</bdi>
        <span className={styles.muted}>
          <Time at={session.lastUsedAt} focusable={false} />
        </span>
      </div>
    </div>
  )
}
