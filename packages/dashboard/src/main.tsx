import './tokens.css'
import './base.css'
import { listenToHost, reportHeight } from './app/embedding.ts'
import { beginPortal } from './app/portal-session.ts'
import { IS_PORTAL } from './lib/portal.ts'

/** The pages are loaded after their language is known: they take their words when they are loaded. */
async function begin(): Promise<void> {
  listenToHost()
  const portal = IS_PORTAL ? await beginPortal() : undefined
  const { start } = await import('./start.tsx')
  start(portal)
  reportHeight()
}

void begin()
