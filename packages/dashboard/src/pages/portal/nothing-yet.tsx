import type { Endpoint } from '@posthorn/client'
import { usePermissions } from '../../app/session.ts'
import { ButtonLink } from '../../kit/link.tsx'
import { overview } from '../../strings/en/overview.ts'
import styles from '../overview/overview.module.css'

const words = overview.nothing

type Props = {
  /** The tenant's newest endpoint. Null if it has none. */
  readonly endpoint: Pick<Endpoint, 'tenant' | 'id'> | null
}

/**
 * The portal's Overview until the tenant has its first event: what will stand here, and the next step. The first steps of
 * someone who has never heard of webhooks belong here; Endpoints has the same place in its empty list.
 */
export default function NothingYet({ endpoint }: Props) {
  const { canManage, canTest } = usePermissions()
  const isRegistered = endpoint !== null
  return (
    <div className={styles.first}>
      <h1>{words.title}</h1>
      <p>{isRegistered ? words.registered : canManage ? words.text : words.readOnly}</p>
      <div>
        {!isRegistered && canManage && (
          <ButtonLink kind="primary" to="/endpoints/new">
            {words.register}
          </ButtonLink>
        )}
        {isRegistered && (
          <ButtonLink
            kind={canTest ? 'primary' : 'secondary'}
            to="/endpoints/$tenant/$id"
            params={{ tenant: endpoint.tenant, id: endpoint.id }}
          >
            {canTest ? words.test : words.open}
          </ButtonLink>
        )}
      </div>
    </div>
  )
}
