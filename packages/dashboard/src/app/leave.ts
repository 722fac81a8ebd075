import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { toast } from '../kit/toast.tsx'
import { isAway, messageOf } from '../lib/errors.ts'
import { forget } from '../lib/forget.ts'
import { IS_PORTAL } from '../lib/portal.ts'
import { shell } from '../strings/index.ts'
import { queryClient } from './query.ts'
import { sessionQuery, signOutEverywhere } from './session.ts'

/** What the portal's page is told of a session that its user has left. */
export const LEFT = 'left'

/**
 * Signs out and goes to where one signs in, by way of the issuer that one came through. Nothing that was read stays. If the
 * server can't be told, the cookie would still sign in: the page says so, and stays.
 */
export function useLeave(): () => Promise<void> {
  const navigate = useNavigate()
  const { data: session } = useQuery(sessionQuery)
  return async () => {
    let url: string | null
    try {
      url = await signOutEverywhere(session)
    } catch (error) {
      toast(isAway(error) ? shell.notLeft : messageOf(error), { tone: 'error' })
      return
    }
    queryClient.clear()
    forget()
    await navigate({ to: '/sign-in', ...(IS_PORTAL && { search: { ended: LEFT } as never }) })
    if (url !== null) location.assign(url)
  }
}
