import { useNavigate } from '@tanstack/react-router'
import { IS_PORTAL } from '../lib/portal.ts'
import { queryClient } from './query.ts'
import { signOut } from './session.ts'

/** What the portal's page is told of a session that its user has left. */
export const LEFT = 'left'

/** Signs out and goes to where one signs in. Nothing that was read stays. */
export function useLeave(): () => Promise<void> {
  const navigate = useNavigate()
  return async () => {
    await signOut().catch(() => undefined)
    queryClient.clear()
    await navigate({ to: '/sign-in', ...(IS_PORTAL && { search: { ended: LEFT } as never }) })
  }
}
