import type { Session } from '@posthorn/client'
import { type UseQueryResult, useQueryClient } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { ended } from '../../app/query.ts'
import { sessionQuery, signOut } from '../../app/session.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Id } from '../../kit/copy.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { Drawer } from '../../kit/drawer.tsx'
import { Link } from '../../kit/link.tsx'
import { EmptyState, ErrorState, KeyValue, Skeleton } from '../../kit/surfaces.tsx'
import { Time } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'
import { hasStatus } from '../../lib/errors.ts'
import { forEach } from '../../lib/for-each.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { access } from '../../strings/en/access.ts'
import styles from './lists.module.css'
import { nameOf, whereOf } from './session-words.ts'

const words = access.sessions

type DetailProps = {
  readonly id: string
  readonly session: Session | undefined
  readonly query: UseQueryResult
  readonly onEnd: (session: Session) => void
  readonly onClose: () => void
}

/** One session: who, from where, until when. */
export function SessionDetail({ id, session, query, onEnd, onClose }: DetailProps) {
  const isLate = useDelayed(query.isPending)
  return (
    <Drawer label={words.one} subject={id} onClose={onClose} title={<h2>{words.one}</h2>}>
      {session !== undefined && <Body session={session} onEnd={() => onEnd(session)} />}
      {session === undefined && query.isPending && isLate && <Skeleton width="60%" height={20} />}
      {session === undefined && query.isError && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
      {session === undefined && query.isSuccess && <EmptyState title={words.ended} />}
    </Drawer>
  )
}

function Body({ session, onEnd }: { readonly session: Session; readonly onEnd: () => void }) {
  const { id, apiKey, person, userAgent, address, createdAt, lastUsedAt, idleUntil, expiresAt, isCurrent } = session
  const { facts } = words
  return (
    <div className={styles.stack}>
      {isCurrent && (
        <div>
          <Badge>{words.mine}</Badge>
        </div>
      )}
      <div className={styles.actions}>
        <Button onClick={onEnd}>{words.revokeOne}</Button>
      </div>
      <KeyValue
        facts={[
          [facts.id, <Id key="id" id={id} />],
          [
            person === null ? facts.key : facts.person,
            apiKey.id === null ? (
              <bdi key="name">{nameOf(session)}</bdi>
            ) : (
              <Link key="key" to={'/operate/api-keys' as '/'} search={{ open: apiKey.id } as never}>
                <bdi>{nameOf(session)}</bdi>
              </Link>
            ),
          ],
          [facts.scope, access.keys.scopes[apiKey.scope]],
          [facts.tenant, apiKey.tenant === null ? access.keys.allTenants : <bdi key="tenant">{apiKey.tenant}</bdi>],
          [facts.browser, <bdi key="browser">{whereOf(session)}</bdi>],
          userAgent !== null && [
            facts.agent,
            <bdi key="agent" className={styles.muted}>
              {userAgent}
            </bdi>,
          ],
          [facts.address, address === null ? null : <Id key="address" id={address} whole />],
          [facts.began, <Time key="began" at={createdAt} />],
          [
            facts.used,
            <span key="used">
              <Time at={lastUsedAt} /> <span className={styles.muted}>{words.usedNote}</span>
            </span>,
          ],
          [facts.idle, <Time key="idle" at={idleUntil} />],
          [facts.ends, <Time key="ends" at={expiresAt} />],
        ]}
      />
    </div>
  )
}

type EndProps = {
  readonly sessions: readonly Session[]
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Ends sessions, one's own last: what comes after it would be refused. */
export function EndSessions({ sessions, onClose, onDone }: EndProps) {
  const client = useQueryClient()
  const n = sessions.length
  const mine = sessions.find(({ isCurrent }) => isCurrent)
  const people = sessions.filter(({ person }) => person !== null).length
  const keys = n - people
  const end = async () => {
    const others = sessions.filter(({ isCurrent }) => !isCurrent)
    const { failures } = await forEach(others, async ({ id }) => {
      try {
        await posthorn.sessions.revoke(id)
      } catch (error) {
        // It has ended in the meantime.
        if (!hasStatus(error, 404)) throw error
      }
    })
    await client.invalidateQueries({ queryKey: ['sessions'] })
    if (failures.length > 0) throw failures[0]
    if (mine !== undefined) {
      await signOut()
      client.setQueryData(sessionQuery.queryKey, null)
      ended.dispatchEvent(new Event('ended'))
      return
    }
    toast(words.revoked(n))
    onDone()
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.revokeTitle(n)}
      action={words.revokeMany(n)}
      danger
      onConfirm={end}
    >
      <p>{words.revokeText(n)}</p>
      {keys > 0 && <p>{words.revokeKeys(keys)}</p>}
      {people > 0 && <p>{words.revokePeople(people)}</p>}
      {mine !== undefined && <p>{n === 1 ? words.revokeMineOne : words.revokeMine}</p>}
    </ConfirmDialog>
  )
}
