import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { IS_PORTAL } from '../lib/portal.ts'
import { queryClient } from './query.ts'
import { sessionQuery, signOutEverywhere } from './session.ts'

/** What the portal's page is told of a session that its user has left. */
export const LEFT = 'left'

/** Signs out and goes to where one signs in, by way of the issuer that one came through. Nothing that was read stays. */
export function useLeave(): () => Promise<void> {
  const navigate = useNavigate()
  const { data: session } = useQuery(sessionQuery)
  return async () => {
    const url = await signOutEverywhere(session).catch(() => null)
    queryClient.clear()
    await navigate({ to: '/sign-in', ...(IS_PORTAL && { search: { ended: LEFT } as never }) })
    if (url !== null) location.assign(url)
  }
}
