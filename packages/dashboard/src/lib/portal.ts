/**
 * Whether these pages are the portal of one tenant, or the dashboard. They are the same files: the server says which in
 * `<base>`, as the address alone can't tell a portal from a dashboard below `/portal/`.
 */
export const IS_PORTAL = typeof document !== 'undefined' && document.querySelector('base')?.dataset.pages === 'portal'

/** Whether another page shows the portal in a frame. Browsers then keep no cookie for it. */
export const IS_FRAMED = IS_PORTAL && window.parent !== window
