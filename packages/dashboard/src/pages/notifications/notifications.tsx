import { useTenant } from '../../app/scope.ts'
import { Hidden } from '../../kit/kbd.tsx'
import { notifications as words } from '../../strings/en/notifications.ts'
import { NotificationList } from './list.tsx'
import styles from './notifications.module.css'
import { OPERATOR_TENANT } from './queries.ts'

/** Who is told about a tenant's endpoints: in the portal, and in the dashboard for those who see one tenant only. */
export function Page() {
  const tenant = useTenant() ?? OPERATOR_TENANT
  return (
    <div className={styles.page}>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <NotificationList key={tenant} tenant={tenant} />
    </div>
  )
}
