import type { Notification } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'

/** Whose notifications the operator's own are. */
export const OPERATOR_TENANT = 'posthorn'

/** How often the list is read again: someone can confirm or unsubscribe at any time. In milliseconds. */
const LATER_MS = 15_000
/** The same while a test is on its way. */
const SOON_MS = 1_000

export const keyOf = (tenant: string) => ['notifications', tenant] as const

/** All of a tenant's: there are at most fifty. */
export function notificationsQuery(tenant: string, isTesting = false) {
  return queryOptions({
    queryKey: keyOf(tenant),
    queryFn: ({ signal }): Promise<readonly Notification[]> =>
      posthorn.notifications.list(tenant, { limit: 100 }, { signal }).then(page => page.data),
    refetchInterval: isTesting ? SOON_MS : LATER_MS,
  })
}
