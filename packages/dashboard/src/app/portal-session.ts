import { type Language, languageFor, setLanguage } from '../lib/language.ts'
import { IS_FRAMED, IS_PORTAL } from '../lib/portal.ts'
import { type Dictionary, setDictionary } from '../strings/translated.ts'
import { call, hasBearer, setBearer } from './client.ts'
import { setGivenTheme, type Theme } from './theme.ts'

/** How a link becomes a session of the portal. Imports no words: the session says in which language they are. */

export type PortalPermission = 'look' | 'payloads' | 'retry' | 'test' | 'endpoints' | 'secrets'

/** Who looks at the portal, and what they can do there. */
export type PortalSession = {
  readonly id: string
  readonly tenant: { readonly id: string; readonly name: string | null }
  readonly user: string | null
  readonly may: readonly PortalPermission[]
  readonly theme: Theme | null
  readonly language: Language | null
  readonly returnUrl: string | null
  readonly expiresAt: string
}

/** The token of a link is in the fragment, which no server sees. It leaves the history before anything else happens. */
function takeLink(): string | null {
  if (!IS_PORTAL) return null
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token !== null) history.replaceState(history.state, '', location.pathname + location.search)
  return token
}
let link = takeLink()

/** Whether the page was opened by a link that wasn't redeemed yet. */
export const hasLink = (): boolean => link !== null

/** Another link, as if the page had been opened with it. */
export function takeToken(token: string): void {
  link = token
  changed.dispatchEvent(new Event('link'))
}

// The same page can be sent to another link, which changes the fragment only.
if (IS_PORTAL) {
  addEventListener('hashchange', () => {
    const next = takeLink()
    if (next !== null) takeToken(next)
  })
}
export const changed = new EventTarget()

let returnUrl: string | null = null

/** Where the last session led back to. It is known for as long as the page is open. */
export const lastReturnUrl = (): string | null => returnUrl

function begin(session: PortalSession): PortalSession {
  left = false
  returnUrl = session.returnUrl
  setGivenTheme(session.theme)
  return session
}

/** Exchanges the link for a session. Null if it doesn't work, for whatever reason. Other failures leave it as it is. */
export async function redeem(): Promise<PortalSession | null> {
  const token = link
  if (token === null) return null
  try {
    const body = { token, keep: IS_FRAMED ? 'memory' : 'cookie' }
    const session = await call<PortalSession & { readonly token: string | null }>('POST', '/v1/portal-session', {
      body,
    })
    setBearer(session.token)
    link = null
    return begin({ ...session, token: undefined } as PortalSession)
  } catch (error) {
    if (statusOf(error) !== 401) throw error
    link = null
    return null
  }
}

let ended = false
export const portalHasEnded = (): boolean => ended

/** The session of the cookie, or of this frame. Null if there is none. */
export async function readPortalSession(signal?: AbortSignal): Promise<PortalSession | null> {
  if (IS_FRAMED && !hasBearer()) return null
  try {
    return begin(await call<PortalSession>('GET', '/v1/portal-session', { signal }))
  } catch (error) {
    if (statusOf(error) !== 401) throw error
    ended ||= (error as { code?: string }).code === 'session_ended'
    setBearer(null)
    return null
  }
}

let left = false
/** Whether the user has left by themselves, and wants no other session. */
export const hasLeft = (): boolean => left

export async function leavePortal(): Promise<void> {
  left = true
  await call('DELETE', '/v1/portal-session')
  setBearer(null)
}

function statusOf(error: unknown): number | undefined {
  return (error as { status?: number }).status
}

const DICTIONARIES: Readonly<Record<Language, () => Promise<{ dictionary: Dictionary }>>> = {
  en: () => import('../strings/en/portal-dictionary.ts'),
  de: () => import('../strings/de/dictionary.ts'),
}

/** The language of a session, or else the first that the browser prefers. */
export const languageOf = (session: PortalSession | null | undefined): Language =>
  session?.language ?? languageFor(navigator.languages)

/**
 * Finds out who looks at the portal, and loads the words in their language. In a frame, the link is redeemed immediately;
 * elsewhere only by a click, as scanners of mail open links, too. Undefined: the server doesn't say.
 */
export async function beginPortal(): Promise<PortalSession | null | undefined> {
  const read = link === null ? readPortalSession() : IS_FRAMED ? redeem() : Promise.resolve(null)
  const session = await read.catch(() => undefined)
  const language = languageOf(session)
  setLanguage(language)
  setDictionary((await DICTIONARIES[language]()).dictionary)
  return session
}
