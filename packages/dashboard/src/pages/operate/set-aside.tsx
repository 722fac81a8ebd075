import type { Delivery } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useFilters, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Pager, statesOf, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { shortenId } from '../../lib/format.ts'
import { wordsFor } from '../../strings/en/errors.ts'
import { operate } from '../../strings/en/operate.ts'
import { common } from '../../strings/index.ts'
import { Frame, Lead } from './frame.tsx'
import styles from './lists.module.css'
import { setAsideQuery } from './queries.ts'
import { Decide, type Decision } from './set-aside-decide.tsx'

const words = operate.setAside

const keyOf = ({ tenant, id }: Delivery) => `${tenant}/${id}`

/** Deliveries that might have crashed a node: what they are, and what can be done with each. */
export function Page() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const navigate = useNavigate()
  const { canWrite } = usePermissions()
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const [decision, setDecision] = useState<Decision | null>(null)
  const list = useQuery(setAsideQuery(tenant, search.cursor))
  const page = list.data
  const chosen = (page?.data ?? []).filter(row => ticked.has(keyOf(row)))
  const open = ({ tenant, id }: Delivery) =>
    void navigate({
      to: '/deliveries/$tenant/$id',
      params: { tenant, id },
      search: { heldReason: 'set_aside' } as never,
    })
  return (
    <Frame title={words.title} fill>
      <div className={styles.column}>
        <Lead>{words.lead}</Lead>
        <Table
          label={words.title}
          rows={page?.data}
          columns={columnsFor(tenant === null, canWrite ? setDecision : null)}
          keyOf={keyOf}
          nameOf={row => `${row.type} ${shortenId(row.id)}`}
          onOpen={open}
          narrow={row => <NarrowRow row={row} />}
          {...(canWrite && { ticked, onTick: setTicked })}
          {...statesOf(list)}
          {...((tenant !== null || page?.prevCursor || page?.nextCursor) && {
            onClearFilters: () => change({ tenant: undefined, cursor: undefined }),
          })}
          empty={
            <EmptyState title={words.empty.title} curl={apiCurl('GET', '/v1/set-aside-deliveries')}>
              {words.empty.text}
            </EmptyState>
          }
          foot={
            <Pager page={page} cursor={search.cursor} onGo={cursor => change({ cursor })}>
              {chosen.length > 0 ? (
                <span className={styles.ticked}>
                  <Button small kind="primary" icon="retry" onClick={() => setDecision({ do: 'retry', rows: chosen })}>
                    {words.retryMany(chosen.length)}
                  </Button>
                  <Button small onClick={() => setDecision({ do: 'cancel', rows: chosen })}>
                    {words.cancelMany(chosen.length)}
                  </Button>
                  <Button small kind="quiet" onClick={() => setTicked(new Set())}>
                    {common.clearSelection}
                  </Button>
                </span>
              ) : (
                page !== undefined && `${words.count(page.count)} · ${common.newestFirst}`
              )}
            </Pager>
          }
        />
        {decision !== null && (
          <Decide decision={decision} onClose={() => setDecision(null)} onDone={() => setTicked(new Set())} />
        )}
      </div>
    </Frame>
  )
}

function target({ endpointUrl, endpointUid, endpoint }: Delivery): string {
  return endpointUrl?.replace(/^https?:\/\//, '') ?? endpointUid ?? endpoint
}

function lastResponse({ lastAttempt }: Delivery): string {
  if (lastAttempt === null) return common.none
  return `${lastAttempt.status ?? ''} ${lastAttempt.error === null ? '' : wordsFor(lastAttempt.error).short}`.trim()
}

function columnsFor(showTenant: boolean, decide: ((decision: Decision) => void) | null): readonly Column<Delivery>[] {
  const { columns } = words
  const all: (Column<Delivery> | false)[] = [
    {
      id: 'time',
      title: columns.time,
      width: '116px',
      cell: row => <Time at={row.createdAt} as="clock" focusable={false} />,
    },
    showTenant && {
      id: 'tenant',
      title: columns.tenant,
      width: 'minmax(72px, 0.8fr)',
      cell: row => <bdi title={row.tenant}>{row.tenant}</bdi>,
    },
    {
      id: 'endpoint',
      title: columns.endpoint,
      width: 'minmax(96px, 1.6fr)',
      cell: row => <bdi title={row.endpointUrl ?? row.endpoint}>{target(row)}</bdi>,
    },
    {
      id: 'type',
      title: columns.type,
      width: 'minmax(96px, 1.2fr)',
      cell: row => (
        <bdi className={styles.mono} title={row.type}>
          {row.type}
        </bdi>
      ),
    },
    { id: 'last', title: columns.last, width: 'minmax(96px, 1.2fr)', cell: lastResponse },
    { id: 'attempts', title: columns.attempts, width: '64px', align: 'end', cell: row => row.attemptCount },
    decide !== null && {
      id: 'actions',
      title: columns.actions,
      width: '132px',
      align: 'end',
      cell: row => (
        <span className={styles.rowActions}>
          <Button
            small
            aria-label={`${words.retry} ${row.type} ${words.to(row.tenant)}`}
            onClick={() => decide({ do: 'retry', rows: [row] })}
          >
            {words.retry}
          </Button>
          <Button
            small
            kind="quiet"
            aria-label={`${words.cancel} ${row.type} ${words.to(row.tenant)}`}
            onClick={() => decide({ do: 'cancel', rows: [row] })}
          >
            {words.cancel}
          </Button>
        </span>
      ),
    },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ row }: { readonly row: Delivery }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={`${styles.mono} ${styles.clip}`}>{row.type}</bdi>
        <span className={styles.muted}>
          <Time at={row.createdAt} as="clock" focusable={false} />
        </span>
      </div>
      <div className={styles.line}>
        <bdi className={`${styles.muted} ${styles.clip}`}>
          {row.tenant} · {target(row)}
        </bdi>
        <span className={styles.muted}>{lastResponse(row)}</span>
      </div>
    </div>
  )
}
