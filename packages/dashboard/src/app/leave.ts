import { useNavigate } from '@tanstack/react-router'
import { queryClient } from './query.ts'
import { signOut } from './session.ts'

/** Signs out and goes to where one signs in. Nothing that was read stays. */
export function useLeave(): () => Promise<void> {
  const navigate = useNavigate()
  return async () => {
    await signOut().catch(() => undefined)
    queryClient.clear()
    await navigate({ to: '/sign-in' })
  }
}
