import type { Notification } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useFilters } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Split } from '../../kit/drawer.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { useNarrow } from '../../lib/hooks.ts'
import { IS_PORTAL } from '../../lib/portal.ts'
import { notifications as words } from '../../strings/en/notifications.ts'
import { common } from '../../strings/index.ts'
import { Detail, StateBadge } from './detail.tsx'
import { AddForm } from './form.tsx'
import styles from './notifications.module.css'
import { notificationsQuery, OPERATOR_TENANT } from './queries.ts'
import { typesText } from './said.ts'
import { useTested, useTesting } from './tests.ts'

/** Who is told by mail or chat about a tenant's endpoints, or, for the tenant `posthorn`, about all. */
export function NotificationList({ tenant, note }: { readonly tenant: string; readonly note?: ReactNode }) {
  const [search, change] = useFilters()
  const { canManage } = usePermissions()
  const { testing, test, end } = useTesting()
  const list = useQuery(notificationsQuery(tenant, testing !== null))
  const [isAdding, setAdding] = useState(false)
  const isNarrow = useNarrow()
  const rows = list.data
  useTested(rows, testing, end)
  const { open } = search
  const isEmpty = rows?.length === 0
  const confirmed = rows?.filter(({ state }) => state === 'confirmed').length ?? 0
  return (
    <Split
      isOpen={open !== undefined}
      detail={
        open !== undefined && (
          <Detail
            id={open}
            notification={rows?.find(({ id }) => id === open)}
            query={list}
            isTesting={testing?.id === open}
            onTest={notification => void test(notification)}
            onClose={() => change({ open: undefined })}
          />
        )
      }
    >
      <div className={styles.head}>
        <p className={styles.lead}>
          {words.lead} {note}
        </p>
        {canManage && (
          // Its room is kept while there is no list, which has the button then: the lead must not jump.
          <Button
            small
            kind="primary"
            icon="plus"
            aria-label={words.add}
            className={rows === undefined || isEmpty ? styles.kept : undefined}
            onClick={() => setAdding(true)}
          >
            {isNarrow ? words.addShort : words.add}
          </Button>
        )}
      </div>
      <Table
        label={words.title}
        rows={rows}
        columns={columnsFor(open !== undefined)}
        keyOf={({ id }) => id}
        nameOf={({ address }) => address}
        onOpen={({ id }) => change({ open: id }, open !== undefined)}
        openKey={open ?? null}
        narrow={row => <NarrowRow row={row} />}
        error={list.error}
        onRetry={() => void list.refetch()}
        empty={<Nothing tenant={tenant} canManage={canManage} onAdd={() => setAdding(true)} />}
        foot={isEmpty ? undefined : rows && `${words.count(rows.length, confirmed)} · ${common.newestFirst}`}
      />
      {isAdding && <AddForm tenant={tenant} onClose={() => setAdding(false)} onAdded={id => change({ open: id })} />}
    </Split>
  )
}

type NothingProps = { readonly tenant: string; readonly canManage: boolean; readonly onAdd: () => void }

function Nothing({ tenant, canManage, onAdd }: NothingProps) {
  const example = { kind: 'email', address: 'ada@acme.example' }
  return (
    <EmptyState
      title={words.empty.title}
      actions={
        canManage && (
          <Button kind="primary" icon="plus" onClick={onAdd}>
            {words.add}
          </Button>
        )
      }
      {...(!IS_PORTAL && { curl: apiCurl('POST', `/v1/tenants/${tenant}/notifications`, example) })}
    >
      {words.empty.text}
    </EmptyState>
  )
}

const told = ({ types, tenant }: Notification): string => typesText(types, tenant === OPERATOR_TENANT)

function Last({ row }: { readonly row: Notification }) {
  return row.lastSentAt === null ? (
    <span className={styles.muted}>{words.never}</span>
  ) : (
    <Time at={row.lastSentAt} focusable={false} />
  )
}

function columnsFor(isCompact: boolean): readonly Column<Notification>[] {
  const { columns } = words
  const all: (Column<Notification> | false)[] = [
    {
      id: 'address',
      title: columns.address,
      width: 'minmax(160px, 2fr)',
      cell: ({ address }) => <bdi title={address}>{address}</bdi>,
    },
    { id: 'kind', title: columns.kind, width: '72px', cell: ({ kind }) => words.kinds[kind] },
    { id: 'state', title: columns.state, width: '144px', cell: row => <StateBadge notification={row} /> },
    !isCompact && {
      id: 'types',
      title: columns.types,
      width: 'minmax(140px, 2fr)',
      cell: row => (
        <span className={styles.muted} title={told(row)}>
          {told(row)}
        </span>
      ),
    },
    { id: 'last', title: columns.last, width: '112px', align: 'end', cell: row => <Last row={row} /> },
  ]
  return all.filter(column => column !== false)
}

function NarrowRow({ row }: { readonly row: Notification }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={styles.clip}>{row.address}</bdi>
        <StateBadge notification={row} />
      </div>
      <div className={styles.line}>
        <span className={`${styles.muted} ${styles.clip}`}>
          {words.kinds[row.kind]} · {told(row)}
        </span>
        <span className={styles.muted}>
          <Last row={row} />
        </span>
      </div>
    </div>
  )
}
