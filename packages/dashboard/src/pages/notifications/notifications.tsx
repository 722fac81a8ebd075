import { useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Hidden } from '../../kit/kbd.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { IS_PORTAL } from '../../lib/portal.ts'
import { notifications as words } from '../../strings/en/notifications.ts'
import { shell } from '../../strings/index.ts'
import { NotificationList } from './list.tsx'
import styles from './notifications.module.css'
import { OPERATOR_TENANT } from './queries.ts'

/** Who is told about a tenant's endpoints: in the portal, and in the dashboard for those who see one tenant only. */
export function Page() {
  const tenant = useTenant() ?? OPERATOR_TENANT
  const { canManage } = usePermissions()
  return (
    <div className={styles.page}>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      {IS_PORTAL && !canManage ? (
        <EmptyState title={shell.notAllowed} />
      ) : (
        <NotificationList key={tenant} tenant={tenant} />
      )}
    </div>
  )
}
