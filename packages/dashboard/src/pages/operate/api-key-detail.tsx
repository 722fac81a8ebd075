import type { ApiKey } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { ended } from '../../app/query.ts'
import { sessionQuery } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Id } from '../../kit/copy.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { Drawer } from '../../kit/drawer.tsx'
import { Link } from '../../kit/link.tsx'
import { Banner, EmptyState, ErrorState, KeyValue, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'
import { isUsable, stateOf } from '../../lib/api-keys.ts'
import { hasStatus } from '../../lib/errors.ts'
import { useDelayed, useNow } from '../../lib/hooks.ts'
import { access } from '../../strings/en/access.ts'
import { KeyBadge } from './key-badge.tsx'
import styles from './lists.module.css'
import { apiKeyQuery, sessionsQuery } from './queries.ts'

const words = access.keys

type Props = {
  readonly id: string
  readonly apiKey: ApiKey | undefined
  readonly onReplace: (key: ApiKey) => void
  readonly onClose: () => void
}

/** One API key: what it allows, until when, who is signed in with it, and what it changed. */
export function KeyDetail({ id, apiKey, onReplace, onClose }: Props) {
  const query = useQuery(apiKeyQuery(apiKey === undefined ? id : undefined))
  const shown = apiKey ?? query.data
  const isLate = useDelayed(query.isFetching)
  return (
    <Drawer
      label={words.one}
      subject={id}
      onClose={onClose}
      title={<h2>{shown === undefined ? words.one : <bdi>{shown.name}</bdi>}</h2>}
    >
      {shown !== undefined && <Body key={id} apiKey={shown} onReplace={onReplace} />}
      {shown === undefined && isLate && <Skeleton width="60%" height={20} />}
      {shown === undefined &&
        query.isError &&
        (hasStatus(query.error, 404) ? (
          <EmptyState title={words.notThere} />
        ) : (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ))}
    </Drawer>
  )
}

function Body({ apiKey, onReplace }: { readonly apiKey: ApiKey; readonly onReplace: (key: ApiKey) => void }) {
  const { id, scope, tenant, payloads, rateLimit, createdAt, expiresAt, revokedAt } = apiKey
  const now = useNow(60_000)
  const state = stateOf(apiKey, now)
  const [isRevoking, setRevoking] = useState(false)
  const { data: session } = useQuery(sessionQuery)
  const isMine = session?.apiKey.id === id
  const sessions = useSessionsOf(id)
  const { facts } = words
  return (
    <div className={styles.stack}>
      {isMine && <Banner>{words.isMine}</Banner>}
      {isUsable(state) && (
        <div className={styles.actions}>
          <Button icon="retry" onClick={() => onReplace(apiKey)}>
            {words.replace}
          </Button>
          <Button icon="trash" onClick={() => setRevoking(true)}>
            {words.revoke}
          </Button>
        </div>
      )}
      <KeyValue
        facts={[
          [facts.state, <KeyBadge key="state" state={state} />],
          [facts.id, <Id key="id" id={id} />],
          [
            facts.scope,
            <span key="scope">
              {words.scopes[scope]} <span className={styles.muted}>· {words.scopeHelp[scope]}</span>
            </span>,
          ],
          [
            facts.tenant,
            tenant === null ? (
              words.allTenants
            ) : (
              <Link key="tenant" to={'/tenants/$tenant' as '/'} params={{ tenant } as never}>
                <bdi>{tenant}</bdi>
              </Link>
            ),
          ],
          [facts.payloads, payloads ? words.shown : words.hidden],
          [facts.rate, rateLimit === null ? words.noLimit : words.rateOf(rateLimit.requests, rateLimit.perSeconds)],
          [facts.created, <Time key="created" at={createdAt} />],
          [facts.expires, expiresAt === null ? words.never : <Time key="expires" at={expiresAt} />],
          revokedAt !== null && [facts.revoked, <Time key="revoked" at={revokedAt} />],
          isUsable(state) &&
            scope !== 'publish' && [
              words.sessions,
              sessions === 0 ? (
                words.noSessions
              ) : (
                <Link key="sessions" to={'/operate/sessions' as '/'} search={{ key: id } as never}>
                  {words.sessionsOf(sessions)}
                </Link>
              ),
            ],
          [
            words.changes,
            <Link key="changes" to={'/operate/audit' as '/'} search={{ actor: id, range: '90d' } as never}>
              {words.seeChanges}
            </Link>,
          ],
        ]}
      />
      {isRevoking && <RevokeKey apiKey={apiKey} onClose={() => setRevoking(false)} />}
    </div>
  )
}

/** How many sessions were signed in with a key. */
function useSessionsOf(id: string): number {
  const { data } = useQuery(sessionsQuery)
  return data?.filter(({ apiKey }) => apiKey.id === id).length ?? 0
}

/** Says what stops working before it does. */
export function RevokeKey({ apiKey, onClose }: { readonly apiKey: ApiKey; readonly onClose: () => void }) {
  const { id, name, scope } = apiKey
  const client = useQueryClient()
  const sessions = useSessionsOf(id)
  const isMine = useQuery(sessionQuery).data?.apiKey.id === id
  const revoke = async () => {
    await posthorn.apiKeys.revoke(id)
    toast(words.revoked(name))
    if (isMine) {
      client.setQueryData(sessionQuery.queryKey, null)
      ended.dispatchEvent(new Event('ended'))
      return
    }
    await Promise.all(['api-keys', 'sessions', 'audit'].map(key => client.invalidateQueries({ queryKey: [key] })))
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.revokeTitle(name)}
      action={words.revokeAction}
      danger
      onConfirm={revoke}
    >
      <Id id={id} />
      <p>{words.revokeText}</p>
      {scope !== 'read' && <p>{words.revokePublishes}</p>}
      {sessions > 0 && <p>{words.revokeSessions(sessions)}</p>}
      {isMine && <p>{words.revokeMine}</p>}
    </ConfirmDialog>
  )
}
