import type { ShownPortalLooks } from '@posthorn/client'

/** What the server says of these pages, in `<base>`: a call for it would be answered after the first paint. */
const said: DOMStringMap = (typeof document === 'undefined' ? null : document.querySelector('base'))?.dataset ?? {}

/** Whether these pages are the public ones about event types. They have the portal's looks and words, and no session. */
export const IS_TYPES = said.pages === 'types'

/**
 * Whether these pages are the portal of one tenant, or the dashboard. They are the same files: the server says which, as
 * the address alone can't tell a portal from a dashboard below `/portal/`.
 */
export const IS_PORTAL = said.pages === 'portal' || IS_TYPES

/** Whether another page shows the portal in a frame. Browsers then keep no cookie for it. */
export const IS_FRAMED = IS_PORTAL && !IS_TYPES && window.parent !== window

/** The origins of pages that can show the portal in a frame. */
export const FRAMES: readonly string[] = said.frames?.split(' ') ?? []

const PLAIN: ShownPortalLooks = {
  name: null,
  accent: null,
  accentDark: null,
  theme: 'system',
  radius: 6,
  hiddenPages: [],
  help: [],
  publicTypes: false,
  logo: null,
}

/** How the portal looks: plain in the dashboard, and while the server doesn't know it. */
export const LOOKS: ShownPortalLooks = { ...PLAIN, ...(JSON.parse(said.looks ?? '{}') as Partial<ShownPortalLooks>) }

/** Pages that the portal doesn't have, as the beginnings of their paths. */
const LEFT_OUT: readonly string[] = LOOKS.hiddenPages.flatMap(page =>
  // The first steps lead to endpoints.
  page === 'overview' ? ['/'] : page === 'endpoints' ? ['/endpoints', '/first-steps'] : [`/${page}`],
)

/** Whether the portal doesn't have the page with a path of the router, such as `/events/$tenant/$id`. */
export const isLeftOut = (path: string): boolean =>
  LEFT_OUT.some(left => path === left || (left !== '/' && path.startsWith(`${left}/`)))
