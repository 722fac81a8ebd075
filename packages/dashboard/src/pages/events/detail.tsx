import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { usePermissions } from '../../app/session.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Id } from '../../kit/copy.tsx'
import { Drawer } from '../../kit/drawer.tsx'
import { JsonView } from '../../kit/json-view.tsx'
import { ButtonLink, Link } from '../../kit/link.tsx'
import { EmptyState, ErrorState, KeyValue, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { hasStatus } from '../../lib/errors.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { pathOf } from '../../lib/json-source.ts'
import { events as words } from '../../strings/en/events.ts'
import styles from './detail.module.css'
import { sentenceOf } from './outcome.ts'
import { Outcomes } from './outcomes.tsx'
import { eventQuery, type OutcomesRead, outcomesQuery, type Published } from './queries.ts'
import { SendAgain } from './send-again.tsx'

/** One event: where it arrived first, why an endpoint got none, then the payload. */
export function Detail() {
  const { tenant, id } = useParams({ strict: false }) as { tenant: string; id: string }
  const navigate = useNavigate()
  const query = useQuery(eventQuery(tenant, id))
  // Read at the same time as the event, which can have a megabyte.
  const outcomes = useInfiniteQuery({ ...outcomesQuery(tenant, id), enabled: !hasStatus(query.error, 404) })
  const event = query.data
  // Shown with both, so that nothing moves when the second arrives.
  const isComplete = event !== undefined && !outcomes.isPending
  const isLate = useDelayed(query.error === null && !isComplete)
  const close = () => void navigate({ to: '/events', search: ((before: object) => before) as never })
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
      {isComplete && <Body key={id} event={event} outcomes={outcomes} />}
      {isLate && <Skeleton width="60%" height={20} />}
      {event === undefined &&
        query.error !== null &&
        (hasStatus(query.error, 404) ? (
          <EmptyState title={words.notFound} />
        ) : (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ))}
    </Drawer>
  )
}

type BodyProps = { readonly event: Published; readonly outcomes: OutcomesRead }

function Body({ event, outcomes: query }: BodyProps) {
  const { tenant, id, rejected } = event
  const endpoints = query.data?.pages.flatMap(page => page.data)
  return (
    <div className={styles.stack}>
      <div className={styles.sentence}>
        {(event.test || rejected !== null) && (
          <div className={styles.badges}>
            {event.test && <Badge>{words.test}</Badge>}
            {rejected !== null && (
              <Badge tone="red" icon="cross">
                {words.rejected}
              </Badge>
            )}
          </div>
        )}
        <p className={styles.says} role="status">
          {endpoints !== undefined && sentenceOf(endpoints, rejected !== null, query.hasNextPage)}
        </p>
        <Meta event={event} />
      </div>
      <Actions event={event} />
      {rejected !== null && rejected.length > 0 && (
        <section className={styles.part}>
          <h3>{words.faults}</h3>
          <ul className={styles.faults}>
            {rejected.map(({ field, detail }) => (
              <li key={`${field}${detail}`}>
                {field !== '' && <code>{pathOf(field) || field}</code>} <bdi>{detail}</bdi>
              </li>
            ))}
          </ul>
        </section>
      )}
      {endpoints === undefined && query.error !== null && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
      {endpoints !== undefined && <Outcomes tenant={tenant} event={id} endpoints={endpoints} />}
      {query.hasNextPage && (
        <div>
          <Button small busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {words.moreEndpoints}
          </Button>
        </div>
      )}
      <Payload event={event} />
    </div>
  )
}

function Meta({ event }: { readonly event: Published }) {
  const { type, key, tenant, createdAt } = event
  const { isOperator } = usePermissions()
  const { facts } = words
  return (
    <KeyValue
      facts={[
        [
          facts.type,
          <Link key="type" to={'/event-types/$name' as '/'} params={{ name: type } as never}>
            <bdi className={styles.mono}>{type}</bdi>
          </Link>,
        ],
        key !== null && [facts.key, <Id key="key" id={key} whole={key.length <= 48} />],
        isOperator && [
          facts.tenant,
          <Link key="tenant" to={'/tenants/$tenant' as '/'} params={{ tenant } as never}>
            <bdi>{tenant}</bdi>
          </Link>,
        ],
        [facts.created, <Time key="created" at={createdAt} />],
      ]}
    />
  )
}

function Payload({ event }: { readonly event: Published }) {
  const { payloadText, payloadHidden, rejected } = event
  return (
    <section className={styles.part}>
      <h3>{words.payload}</h3>
      {payloadText !== null && <JsonView text={payloadText} label={words.payload} />}
      {payloadText === null && (
        <p className={styles.muted}>
          {payloadHidden ? words.payloadHidden : rejected === null ? words.payloadRemoved : words.payloadTooLarge}
        </p>
      )}
    </section>
  )
}

function Actions({ event }: { readonly event: Published }) {
  const { tenant, id, rejected, payloadRemoved } = event
  const { canWrite, canRetry, seesPayloads } = usePermissions()
  const [isOpen, setOpen] = useState(false)
  if (!(canWrite || canRetry) || payloadRemoved) return null
  return (
    <div className={styles.actions}>
      {canRetry && rejected === null && (
        <Button icon="retry" onClick={() => setOpen(true)}>
          {words.sendAgain}
        </Button>
      )}
      {canWrite && seesPayloads && (
        <ButtonLink
          kind="quiet"
          icon="plus"
          to={'/events/new' as '/'}
          search={((before: object) => ({ ...before, tenant, type: event.type, event: id })) as never}
        >
          {words.copyToNew}
        </ButtonLink>
      )}
      {isOpen && <SendAgain tenant={tenant} event={id} onClose={() => setOpen(false)} />}
    </div>
  )
}
