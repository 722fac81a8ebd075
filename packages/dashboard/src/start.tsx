import './kit/styles.ts'
import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import type { PortalSession } from './app/portal-session.ts'
import { queryClient } from './app/query.ts'
import { router } from './app/router.tsx'
import { sessionOf, sessionQuery } from './app/session.ts'
import { removeFailedLinks } from './lib/code.ts'

/** @param portal the portal's session; null if there is none, undefined if it isn't known or there is no portal */
export function start(portal: PortalSession | null | undefined): void {
  if (portal !== undefined) queryClient.setQueryData(sessionQuery.queryKey, portal && sessionOf(portal))
  removeFailedLinks()
  const root = document.querySelector('#root')
  if (root === null) throw new Error('The page has no element with the id `root`.')
  // In small slices: the browser can paint and react in between.
  startTransition(() =>
    createRoot(root).render(
      <StrictMode>
        {/* The Content-Security-Policy allows no inline styles. */}
        <CSPProvider disableStyleElements>
          <QueryClientProvider client={queryClient}>
            <RouterProvider router={router} />
          </QueryClientProvider>
        </CSPProvider>
      </StrictMode>,
    ),
  )
}
