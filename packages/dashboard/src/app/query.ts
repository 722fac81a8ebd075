import { keepPreviousData, MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { askWith, onBack, setAway } from '../lib/connection.ts'
import { hasStatus, isAway } from '../lib/errors.ts'
import { IS_PORTAL } from '../lib/portal.ts'
import { changed } from './portal-session.ts'
import { readSession, sessionQuery } from './session.ts'

/** There is no session, or no longer: the pages go to where one signs in. */
export const ended = new EventTarget()

function note(error: unknown): void {
  if (isAway(error)) setAway(true)
  if (hasStatus(error, 401)) end()
  // The browser's session might be another one by now.
  else if (IS_PORTAL && hasStatus(error, 403)) void ping()
}

function end(): void {
  // In this order: the pages stop reading first, as what they read depends on whose session it was.
  ended.dispatchEvent(new Event('ended'))
  queryClient.setQueryData(sessionQuery.queryKey, null)
}

/**
 * What was read stays until the new is there, also under other filters. What fails isn't repeated here: the client has
 * done that, and a server that is away is asked for until it is back, when everything on the page is read again.
 */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: note, onSuccess: () => setAway(false) }),
  mutationCache: new MutationCache({ onError: note }),
  defaultOptions: {
    queries: { retry: false, staleTime: 2_000, placeholderData: keepPreviousData, networkMode: 'always' },
    mutations: { retry: false, networkMode: 'always' },
  },
})

onBack(() => void queryClient.invalidateQueries())

/** Asks the server whether it is there, and whether the session is, and notes it. */
export async function ping(): Promise<void> {
  try {
    const session = await readSession()
    setAway(false)
    // The server closes the stream of a session that has ended: to ask is quieter than to have calls refused.
    if (session === null) end()
    else if (queryClient.getQueryData(sessionQuery.queryKey)?.id !== session.id) {
      // Another link of the same tenant was opened in another tab: this page goes on with its session.
      queryClient.setQueryData(sessionQuery.queryKey, session)
    }
  } catch (error) {
    setAway(isAway(error))
  }
}

askWith(ping)
changed.addEventListener('session', () => void ping())
