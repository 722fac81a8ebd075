import type { DeliveryDetail } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { StateBadge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Id } from '../../kit/copy.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { Drawer } from '../../kit/drawer.tsx'
import { useHotkeys } from '../../kit/hotkeys.ts'
import { Link } from '../../kit/link.tsx'
import { EmptyState, ErrorState, KeyValue, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'
import { hasStatus, messageOf } from '../../lib/errors.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { shownState } from '../../lib/states.ts'
import { deliveries as words } from '../../strings/en/deliveries.ts'
import styles from './detail.module.css'
import { Exchange } from './exchange.tsx'
import { deliveryQuery, payloadQuery } from './queries.ts'
import { Sentence } from './sentence.tsx'
import { DeliveryTimeline } from './timeline.tsx'

/** One delivery: the sentence first, the picture second, the bytes last. */
export function Detail() {
  const { tenant, id } = useParams({ strict: false }) as { tenant: string; id: string }
  const navigate = useNavigate()
  const query = useQuery(deliveryQuery(tenant, id))
  const delivery = query.data
  const isLate = useDelayed(query.isPending)
  const close = () => void navigate({ to: '/deliveries', search: ((before: object) => before) as never })
  return (
    <Drawer
      label={words.one}
      subject={id}
      onClose={close}
      title={
        <h2>
          <Id id={id} />
        </h2>
      }
    >
      {delivery !== undefined && <Body key={id} delivery={delivery} />}
      {delivery === undefined && isLate && <Skeleton width="60%" height={20} />}
      {delivery === undefined &&
        query.error !== null &&
        (hasStatus(query.error, 404) ? (
          <EmptyState title={words.notFound} />
        ) : (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ))}
    </Drawer>
  )
}

function Body({ delivery }: { readonly delivery: DeliveryDetail }) {
  const { tenant, attempts } = delivery
  const [chosen, setChosen] = useState<number | null>(null)
  const payload = useQuery(payloadQuery(tenant, delivery.event))
  // Without a choice, the newest attempt is shown, also when another one comes.
  const attempt = attempts.find(({ number }) => number === chosen) ?? attempts.at(-1)
  return (
    <div className={styles.stack}>
      <Subject delivery={delivery} />
      <Sentence delivery={delivery} />
      <Actions delivery={delivery} />
      <DeliveryTimeline delivery={delivery} selected={attempt?.number} onSelect={setChosen} />
      {attempt !== undefined && (
        <Exchange
          key={attempt.number}
          attempt={attempt}
          payload={payload.data}
          showWhy={attempt.error !== null && (attempt !== attempts.at(-1) || delivery.state === 'delivered')}
        />
      )}
      <Facts delivery={delivery} />
    </div>
  )
}

/** What was to go where, and whether it has. */
function Subject({ delivery }: { readonly delivery: DeliveryDetail }) {
  const { tenant, type, key, endpoint, endpointUrl } = delivery
  const { isOperator } = usePermissions()
  return (
    <div className={styles.subject}>
      <StateBadge state={shownState(delivery)} />
      <Link to={'/event-types/$name' as '/'} params={{ name: type } as never}>
        <bdi>{type}</bdi>
      </Link>
      {isOperator && (
        <Link to={'/tenants/$tenant' as '/'} params={{ tenant } as never}>
          <bdi>{tenant}</bdi>
        </Link>
      )}
      <Link to={'/endpoints/$tenant/$id' as '/'} params={{ tenant, id: endpoint } as never}>
        <bdi>{endpointUrl ?? endpoint}</bdi>
      </Link>
      {key !== null && <Id id={key} />}
    </div>
  )
}

function Facts({ delivery }: { readonly delivery: DeliveryDetail }) {
  const { tenant, event, endpoint, replayOf } = delivery
  const { facts } = words
  return (
    <KeyValue
      facts={[
        [
          facts.event,
          <Id key="event" id={event}>
            {shown => (
              <Link to={'/events/$tenant/$id' as '/'} params={{ tenant, id: event } as never}>
                {shown}
              </Link>
            )}
          </Id>,
        ],
        [facts.endpoint, <Id key="endpoint" id={endpoint} />],
        [facts.created, <Time key="created" at={delivery.createdAt} />],
        delivery.endedAt !== null && [facts.ended, <Time key="ended" at={delivery.endedAt} />],
        replayOf !== null && [
          facts.replayOf,
          <Id key="of" id={replayOf}>
            {shown => (
              <Link to="/deliveries/$tenant/$id" params={{ tenant, id: replayOf }}>
                {shown}
              </Link>
            )}
          </Id>,
        ],
      ]}
    />
  )
}

function Actions({ delivery }: { readonly delivery: DeliveryDetail }) {
  const { tenant, id, state, heldReason } = delivery
  const { canRetry: isAllowed } = usePermissions()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [isBusy, setBusy] = useState(false)
  const [isCancelling, setCancelling] = useState(false)
  const hasEnded = ['delivered', 'exhausted', 'cancelled'].includes(state)
  const canRetry = isAllowed && heldReason !== 'disabled' && !isBusy
  const refresh = () =>
    Promise.all(['delivery', 'deliveries', 'event'].map(name => client.invalidateQueries({ queryKey: [name] })))
  const retry = async () => {
    if (!canRetry) return
    setBusy(true)
    try {
      const next = await posthorn.deliveries.retry(tenant, id)
      toast(hasEnded ? words.retriedNew : words.retriedNow)
      if (next.id !== id) {
        await navigate({
          to: '/deliveries/$tenant/$id',
          params: { tenant, id: next.id },
          search: ((before: object) => before) as never,
        })
      }
      await refresh()
    } catch (error) {
      toast(messageOf(error), { tone: 'error' })
    } finally {
      setBusy(false)
    }
  }
  const cancel = async () => {
    await posthorn.deliveries.cancel(tenant, id)
    toast(words.cancelled)
    await refresh()
  }
  useHotkeys({ r: () => void retry() })
  if (!isAllowed) return null
  return (
    <div className={styles.actions}>
      <Button
        kind={state === 'delivered' ? 'secondary' : 'primary'}
        icon="retry"
        busy={isBusy}
        disabled={heldReason === 'disabled'}
        aria-keyshortcuts="r"
        onClick={() => void retry()}
      >
        {hasEnded ? words.retryAgain : words.retry}
      </Button>
      {!hasEnded && <Button onClick={() => setCancelling(true)}>{words.cancel}</Button>}
      <ConfirmDialog
        open={isCancelling}
        onClose={() => setCancelling(false)}
        title={words.cancelTitle}
        action={words.cancel}
        danger
        onConfirm={cancel}
      >
        {words.cancelText}
      </ConfirmDialog>
    </div>
  )
}
