import type { Notification } from '@posthorn/client'
import { type UseQueryResult, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Id } from '../../kit/copy.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { Drawer } from '../../kit/drawer.tsx'
import { Banner, EmptyState, ErrorState, KeyValue, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'
import { hasStatus, messageOf } from '../../lib/errors.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { notifications as words } from '../../strings/en/notifications.ts'
import { TypesForm } from './form.tsx'
import styles from './notifications.module.css'
import { keyOf, OPERATOR_TENANT } from './queries.ts'
import { LOOKS, reasonText, stateOf, typesText } from './said.ts'

export function StateBadge({ notification }: { readonly notification: Notification }) {
  const state = stateOf(notification)
  return (
    <Badge tone={LOOKS[state].tone} icon={LOOKS[state].icon}>
      {words.states[state]}
    </Badge>
  )
}

type Props = {
  readonly id: string
  readonly notification: Notification | undefined
  readonly query: UseQueryResult
  readonly isTesting: boolean
  readonly onTest: (notification: Notification) => void
  readonly onClose: () => void
}

/** One address: whether it has confirmed, what it is told about, whether messages arrive. */
export function Detail({ id, notification, query, isTesting, onTest, onClose }: Props) {
  const isLate = useDelayed(query.isPending)
  const title = <h2>{notification === undefined ? words.one : <bdi>{notification.address}</bdi>}</h2>
  return (
    <Drawer label={words.one} subject={id} onClose={onClose} title={title}>
      {notification !== undefined && (
        <Body notification={notification} isTesting={isTesting} onTest={onTest} onClose={onClose} />
      )}
      {notification === undefined && query.isPending && isLate && <Skeleton width="60%" height={20} />}
      {notification === undefined && query.isError && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
      {notification === undefined && query.isSuccess && <EmptyState title={words.notThere} />}
    </Drawer>
  )
}

type BodyProps = Pick<Props, 'isTesting' | 'onTest' | 'onClose'> & { readonly notification: Notification }

function Body({ notification, isTesting, onTest, onClose }: BodyProps) {
  const { id, tenant, kind, address, types, state, confirmedAt, confirmUntil, createdAt } = notification
  const { lastFailure, lastSentAt } = notification
  const { facts } = words
  return (
    <div className={styles.stack}>
      <div>
        <StateBadge notification={notification} />
      </div>
      {state === 'unconfirmed' && lastFailure === null && (
        <Banner>{kind === 'email' ? words.waiting(address) : words.waitingChat}</Banner>
      )}
      {lastFailure !== null && (
        <Banner tone="error">
          {reasonText(lastFailure.reason)} <Time at={lastFailure.at} />
        </Banner>
      )}
      <Actions notification={notification} isTesting={isTesting} onTest={onTest} onClose={onClose} />
      <KeyValue
        facts={[
          [facts.kind, words.kinds[kind]],
          [facts.address, <Id key="address" id={address} whole />],
          [facts.types, typesText(types, tenant === OPERATOR_TENANT)],
          [facts.last, lastSentAt === null ? words.never : <Time key="last" at={lastSentAt} />],
          confirmedAt !== null && [facts.confirmed, <Time key="confirmed" at={confirmedAt} />],
          confirmUntil !== null && [facts.until, <Time key="until" at={confirmUntil} as="clock" />],
          [facts.created, <Time key="created" at={createdAt} />],
          [facts.id, <Id key="id" id={id} />],
        ]}
      />
    </div>
  )
}

function Actions({ notification, isTesting, onTest, onClose }: BodyProps) {
  const { id, tenant, address, state } = notification
  const client = useQueryClient()
  const { canManage } = usePermissions()
  const [open, setOpen] = useState<'types' | 'remove' | null>(null)
  const [isAsking, setAsking] = useState(false)
  if (!canManage) return null
  const changed = () => client.invalidateQueries({ queryKey: keyOf(tenant) })
  const ask = async () => {
    setAsking(true)
    try {
      await posthorn.notifications.requestConfirmation(tenant, id)
      toast(words.asked)
      await changed()
    } catch (error) {
      toast(messageOf(error), { tone: 'error' })
    } finally {
      setAsking(false)
    }
  }
  const remove = async () => {
    try {
      await posthorn.notifications.delete(tenant, id)
    } catch (error) {
      // Someone there has unsubscribed in the meantime.
      if (!hasStatus(error, 404)) throw error
    }
    toast(words.removed)
    onClose()
    await changed()
  }
  return (
    <div className={styles.actions}>
      {state === 'confirmed' ? (
        <Button busy={isTesting} onClick={() => onTest(notification)}>
          {isTesting ? words.testing : words.test}
        </Button>
      ) : (
        <Button busy={isAsking} onClick={() => void ask()}>
          {words.ask}
        </Button>
      )}
      <Button onClick={() => setOpen('types')}>{words.change}</Button>
      <Button onClick={() => setOpen('remove')}>{words.remove}</Button>
      {open === 'types' && <TypesForm notification={notification} onClose={() => setOpen(null)} />}
      <ConfirmDialog
        open={open === 'remove'}
        onClose={() => setOpen(null)}
        title={words.removeTitle(address)}
        action={words.removeAction}
        danger
        onConfirm={remove}
      >
        <p>{words.removeText}</p>
      </ConfirmDialog>
    </div>
  )
}
