import type { AuditEntry } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useFilters } from '../../app/scope.ts'
import { Button } from '../../kit/button.tsx'
import { Id } from '../../kit/copy.tsx'
import { Drawer } from '../../kit/drawer.tsx'
import { Link } from '../../kit/link.tsx'
import { EmptyState, ErrorState, KeyValue, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { useDelayed } from '../../lib/hooks.ts'
import { access } from '../../strings/en/access.ts'
import { didOf, fieldName, whoOf } from './audit-words.ts'
import styles from './lists.module.css'
import { auditEntryQuery } from './queries.ts'

const words = access.audit

type Props = { readonly id: string; readonly entry: AuditEntry | undefined; readonly onClose: () => void }

/** One change: who, what and when in a sentence, and what else belongs to it. */
export function AuditDetail({ id, entry, onClose }: Props) {
  // A link can lead to an entry that isn't on the page.
  const query = useQuery(auditEntryQuery(entry === undefined ? id : undefined))
  const isLate = useDelayed(query.isFetching)
  const shown = entry ?? query.data
  return (
    <Drawer
      label={words.one}
      subject={id}
      onClose={onClose}
      title={
        <h2>
          <Id id={id} />
        </h2>
      }
    >
      {shown != null && <Body key={id} entry={shown} />}
      {shown == null && isLate && <Skeleton width="60%" height={20} />}
      {shown == null && query.isError && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {shown === null && <EmptyState title={words.notThere} />}
    </Drawer>
  )
}

function Body({ entry }: { readonly entry: AuditEntry }) {
  const { actor, action, target, tenant, fields, at } = entry
  const [, change] = useFilters()
  const { facts } = words
  const only = (changes: Record<string, string>) =>
    change({
      actor: undefined,
      action: undefined,
      target: undefined,
      targetId: undefined,
      cursor: undefined,
      ...changes,
    })
  const isOwn = actor.kind === 'system'
  return (
    <div className={styles.stack}>
      <div className={styles.part}>
        <p className={styles.says}>
          <bdi>{whoOf(entry)}</bdi> {didOf(entry)}.
        </p>
        {isOwn && action === 'disabled' && <p className={styles.muted}>{words.reasons.disabled}</p>}
      </div>
      <KeyValue
        facts={[
          [facts.at, <Time key="at" at={at} as="clock" />],
          [facts.target, <Target key="target" entry={entry} />],
          tenant !== null && [
            facts.tenant,
            <Link key="tenant" to={'/tenants/$tenant' as '/'} params={{ tenant } as never}>
              <bdi>{tenant}</bdi>
            </Link>,
          ],
          fields.length > 0 && [
            facts.fields,
            <div key="fields">
              <ul>
                {fields.map(field => (
                  <li key={field}>{fieldName(field)}</li>
                ))}
              </ul>
              <span className={styles.muted}>{words.valuesNote}</span>
            </div>,
          ],
          [facts.who, <Who key="who" entry={entry} />],
          [
            facts.address,
            actor.address === null ? isOwn && words.noAddress : <Id key="from" id={actor.address} whole />,
          ],
        ]}
      />
      <section className={styles.part}>
        <h3>{words.more}</h3>
        <div className={styles.actions}>
          <Button onClick={() => only({ targetId: target.id })}>{words.sameTarget(words.targets[target.type])}</Button>
          <Button onClick={() => only({ actor: actor.key ?? actor.kind })}>{words.sameActor(whoOf(entry))}</Button>
        </div>
      </section>
    </div>
  )
}

function Who({ entry }: { readonly entry: AuditEntry }): ReactNode {
  const { key } = entry.actor
  if (key === null) return whoOf(entry)
  return (
    <>
      <Link to={'/operate/api-keys' as '/'} search={{ open: key } as never}>
        <bdi>{whoOf(entry)}</bdi>
      </Link>{' '}
      <Id id={key} />
    </>
  )
}

/** What was changed, with a link to its page if it can still have one. */
function Target({ entry: { action, target, tenant } }: { readonly entry: AuditEntry }): ReactNode {
  const { type, id } = target
  const isGone = action === 'deleted' || action === 'erased'
  const place = isGone ? null : placeOf(type, id, tenant)
  return (
    <>
      {words.targetNames[type]}{' '}
      <Id id={id}>
        {shown =>
          place === null ? (
            <span>{shown}</span>
          ) : (
            <Link to={place.to as '/'} params={place.params as never} search={place.search as never}>
              {shown}
            </Link>
          )
        }
      </Id>
    </>
  )
}

type PlaceOf = { readonly to: string; readonly params?: object; readonly search?: object }

function placeOf(type: AuditEntry['target']['type'], id: string, tenant: string | null): PlaceOf | null {
  if (type === 'tenant') return { to: '/tenants/$tenant', params: { tenant: id } }
  if (type === 'event_type') return { to: '/event-types/$name', params: { name: id } }
  if (type === 'api_key') return { to: '/operate/api-keys', search: { open: id } }
  if (type === 'endpoint' && tenant !== null) return { to: '/endpoints/$tenant/$id', params: { tenant, id } }
  return null
}
