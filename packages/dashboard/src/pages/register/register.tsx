import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Hidden } from '../../kit/kbd.tsx'
import { Page as Surface } from '../../kit/surfaces.tsx'
import type { Search } from '../../lib/search.ts'
import { listen } from '../../strings/en/listen.ts'
import { register as words } from '../../strings/en/register.ts'
import { ListenHere, useCanListen } from '../listen/listen-here.tsx'
import { Done, type Registered } from './done.tsx'
import { Form } from './form.tsx'
import styles from './register.module.css'

/** Registers an endpoint, and shows a test event arrive. */
export function Page() {
  const { canManage } = usePermissions()
  const tenant = useTenant()
  const { type } = useSearch({ strict: false }) as Search
  const [registered, setRegistered] = useState<Registered | null>(null)
  // Another one begins with empty fields.
  const [round, setRound] = useState(0)
  const again = () => {
    setRegistered(null)
    setRound(round + 1)
  }
  return (
    <Surface>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      {!canManage && <p className={styles.muted}>{words.readOnly}</p>}
      {registered === null && <NoServer tenant={tenant} />}
      {canManage && registered === null && (
        <Form key={round} tenant={tenant} type={type} onRegistered={setRegistered} />
      )}
      {registered !== null && <Done registered={registered} onAnother={again} />}
    </Surface>
  )
}

/** The choice for those who have no server to send to yet. */
function NoServer({ tenant }: { readonly tenant: string | null }) {
  const navigate = useNavigate()
  const canListen = useCanListen()
  if (!canListen || tenant === null) return null
  return (
    <div className={styles.noServer}>
      <p className={styles.muted}>{listen.lead}</p>
      <ListenHere
        tenant={tenant}
        onMade={({ id }) => void navigate({ to: '/endpoints/$tenant/$id', params: { tenant, id } as never })}
      />
    </div>
  )
}
