import type { RejectedEvent } from '@posthorn/client'
import type { UseQueryResult } from '@tanstack/react-query'
import { usePermissions } from '../../app/session.ts'
import { Id } from '../../kit/copy.tsx'
import { Drawer } from '../../kit/drawer.tsx'
import { JsonView } from '../../kit/json-view.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { EmptyState, ErrorState, KeyValue, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { useDelayed } from '../../lib/hooks.ts'
import { readablePath, valueAt } from '../../lib/pointer.ts'
import { operate } from '../../strings/en/operate.ts'
import styles from './lists.module.css'

const words = operate.rejected

type Props = {
  readonly id: string
  readonly event: RejectedEvent | undefined
  readonly query: UseQueryResult
  readonly onClose: () => void
}

/** One rejected event: what is wrong and where, what to do, the payload. */
export function RejectedDetail({ id, event, query, onClose }: Props) {
  const isLate = useDelayed(query.isPending)
  return (
    <Drawer
      label={words.facts.id}
      subject={id}
      onClose={onClose}
      title={
        <h2>
          <Id id={id} />
        </h2>
      }
    >
      {event !== undefined && <Body key={id} event={event} />}
      {event === undefined && query.isPending && isLate && <Skeleton width="60%" height={20} />}
      {event === undefined && query.isError && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {event === undefined && query.isSuccess && <EmptyState title={words.notHere} />}
    </Drawer>
  )
}

function Body({ event }: { readonly event: RejectedEvent }) {
  const { facts } = words
  return (
    <div className={styles.stack}>
      <Faults event={event} />
      <ToDo event={event} />
      <Payload event={event} />
      <KeyValue
        facts={[
          [facts.tenant, <bdi key="tenant">{event.tenant}</bdi>],
          [facts.type, <bdi key="type">{event.type}</bdi>],
          [facts.key, event.key === null ? words.noKey : <Id key="key" id={event.key} />],
          [facts.created, <Time key="created" at={event.createdAt} as="clock" />],
        ]}
      />
    </div>
  )
}

/** Each fault with its path in the payload, and what is there. */
function Faults({ event: { rejected, payload } }: { readonly event: RejectedEvent }) {
  const faults = rejected ?? []
  return (
    <section className={styles.part}>
      <h3>{words.faults(faults.length)}</h3>
      <ul className={styles.faults}>
        {faults.map(({ field, detail }) => {
          const path = readablePath(field, '/payload')
          const found = payload === null ? undefined : valueAt(payload, field, '/payload')
          const isShown = found !== undefined && (typeof found !== 'object' || found === null)
          return (
            <li key={`${field} ${detail}`}>
              {path !== null && path !== '' && (
                <code>
                  <bdi>{path}</bdi>
                </code>
              )}
              <span>
                <bdi>{detail}</bdi>
                {isShown && path !== '' && (
                  <>
                    {' '}
                    <span className={styles.muted}>{words.found}</span>{' '}
                    <code>
                      <bdi>{clip(JSON.stringify(found))}</bdi>
                    </code>
                  </>
                )}
              </span>
            </li>
          )
        })}
        {faults.length === 0 && <li>{words.hiddenWhy}</li>}
      </ul>
    </section>
  )
}

const clip = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text)

function ToDo({ event }: { readonly event: RejectedEvent }) {
  const { canWrite } = usePermissions()
  const reasons = new Set((event.rejected ?? []).map(({ reason }) => reason ?? 'schema'))
  const { steps } = words
  const isType = reasons.has('unknown_type')
  const isTenant = reasons.has('unknown_tenant')
  const isArchived = reasons.has('event_type_archived')
  const isPayload = !isType && !isTenant && !isArchived
  return (
    <section className={styles.part}>
      <h3>{words.todo}</h3>
      <ol className={styles.steps}>
        {isTenant && <li>{steps.tenant}</li>}
        {isType && <li>{steps.type}</li>}
        {isArchived && <li>{steps.archived}</li>}
        {isPayload && <li>{reasons.has('payload_too_large') ? steps.tooLarge : steps.payload}</li>}
        <li>{event.key === null ? steps.againWithoutKey : steps.again}</li>
      </ol>
      <div className={styles.actions}>
        {!isType && (
          <ButtonLink to={'/event-types/$name' as '/'} params={{ name: event.type } as never}>
            {words.openType}
          </ButtonLink>
        )}
        {isType && (
          <ButtonLink to={'/event-types' as '/'} search={{} as never}>
            {words.seeTypes}
          </ButtonLink>
        )}
        {isTenant && canWrite && <ButtonLink to={'/tenants' as '/'}>{words.seeTenants}</ButtonLink>}
      </div>
    </section>
  )
}

function Payload({ event }: { readonly event: RejectedEvent }) {
  return (
    <section className={styles.part}>
      <h3>{words.payload}</h3>
      {event.payloadHidden && <p className={styles.muted}>{words.hidden}</p>}
      {(event.payloadRemoved || event.payload === null) && !event.payloadHidden && (
        <p className={styles.muted}>{words.removed}</p>
      )}
      {event.payload !== null && <JsonView value={event.payload} label={words.payload} />}
    </section>
  )
}
