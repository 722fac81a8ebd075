import type { Endpoint } from '@posthorn/client'
import { useNavigate } from '@tanstack/react-router'
import { usePermissions } from '../../app/session.ts'
import { ButtonLink } from '../../kit/link.tsx'
import { isLeftOut } from '../../lib/portal.ts'
import { firstSteps } from '../../strings/en/first-steps.ts'
import { listen } from '../../strings/en/listen.ts'
import { overview } from '../../strings/en/overview.ts'
import { ListenHere, useCanListen } from '../listen/listen-here.tsx'
import styles from '../overview/overview.module.css'

const words = overview.nothing

type Props = {
  /** The tenant's newest endpoint. Null if it has none. */
  readonly endpoint: Pick<Endpoint, 'tenant' | 'id'> | null
}

/**
 * The portal's Overview until the tenant has its first event: what will stand here, and the first steps that lead there.
 */
export default function NothingYet({ endpoint }: Props) {
  const { canManage, canTest, tenant } = usePermissions()
  const navigate = useNavigate()
  const isRegistered = endpoint !== null
  const canListen = useCanListen() && !isRegistered && !isLeftOut('/first-steps')
  return (
    <div className={styles.first}>
      <h1>{words.title}</h1>
      <p>{isRegistered ? words.registered : canManage ? words.text : words.readOnly}</p>
      {canListen && <p>{listen.lead}</p>}
      <div className={styles.choices}>
        <ButtonLink kind="primary" to={'/first-steps' as '/'}>
          {firstSteps.begin}
        </ButtonLink>
        {!isRegistered && canManage && <ButtonLink to="/endpoints/new">{words.register}</ButtonLink>}
        {canListen && <ListenHere tenant={tenant} onMade={() => void navigate({ to: '/first-steps' as '/' })} />}
        {isRegistered && (
          <ButtonLink to="/endpoints/$tenant/$id" params={{ tenant: endpoint.tenant, id: endpoint.id }}>
            {canTest ? words.test : words.open}
          </ButtonLink>
        )}
      </div>
    </div>
  )
}
