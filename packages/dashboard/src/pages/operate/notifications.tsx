import { useTenant } from '../../app/scope.ts'
import { notifications as words } from '../../strings/en/notifications.ts'
import { NotificationList } from '../notifications/list.tsx'
import { OPERATOR_TENANT } from '../notifications/queries.ts'
import { Frame } from './frame.tsx'

/** Who is told by mail or chat: the operator's own, or those of the tenant chosen at the top. */
export function Page() {
  const tenant = useTenant()
  return (
    <Frame title={words.title} fill>
      <NotificationList
        key={tenant}
        tenant={tenant ?? OPERATOR_TENANT}
        note={tenant === null ? words.operators : undefined}
      />
    </Frame>
  )
}
