import { type Language, languageFor, languageNamed, setLanguage } from '../lib/language.ts'
import { IS_FRAMED, IS_PORTAL, IS_TYPES } from '../lib/portal.ts'
import { type Dictionary, setDictionary } from '../strings/translated.ts'
import { BASE, call, hasBearer, setBearer } from './client.ts'
import { setGivenTheme, type Theme, themeNamed } from './theme.ts'

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

/** A link that wasn't redeemed yet, and what it says of the page before it has a session. */
type Link = { readonly token: string; readonly language: Language | null; readonly theme: Theme | null }

/** The token of a link is in the fragment, which no server sees. It leaves the history before anything else happens. */
function takeLink(): Link | null {
  const found = IS_PORTAL && !IS_TYPES ? readLink(location.hash.slice(1)) : null
  if (found !== null) history.replaceState(history.state, '', location.pathname + location.search)
  return found
}

function readLink(text: string): Link | null {
  const fragment = new URLSearchParams(text)
  const token = fragment.get('token')
  if (token === null) return null
  const [language, theme] = [languageNamed(fragment.get('language')), themeNamed(fragment.get('theme'))]
  if (theme !== null) setGivenTheme(theme)
  return { token, language, theme }
}

let link = takeLink()
/** What the last link said, whether it worked or not. */
let asked = link

/** Tells that the page has got another link (`link`), or the browser another session, from another tab (`session`). */
export const changed = new EventTarget()

function take(next: Link): void {
  link = next
  asked = next
  changed.dispatchEvent(new Event('link'))
}

/** Takes the fragment of another link, as if the page had been opened with it. False: there is no link in it. */
export function takeFragment(text: string): boolean {
  const next = readLink(text)
  if (next !== null) take(next)
  return next !== null
}

// The same page can be sent to another link, which changes the fragment only.
if (IS_PORTAL) {
  addEventListener('hashchange', () => {
    const next = takeLink()
    if (next !== null) take(next)
  })
}

/** Whether the page was opened by a link that wasn't redeemed yet. */
export const hasLink = (): boolean => link !== null

let wasRefused = false
/** Whether the last link didn't work. */
export const linkWasRefused = (): boolean => wasRefused

/**
 * Where sessions in this tab led back to, for when one has ended, even if the page is loaded again then. It is no secret.
 * A frame has no use for it: the provider's page is around it.
 */
const RETURN_KEY = `posthorn.return ${BASE.pathname}`

function rememberReturn({ returnUrl }: PortalSession): void {
  if (IS_FRAMED) return
  try {
    if (returnUrl === null) sessionStorage.removeItem(RETURN_KEY)
    else sessionStorage.setItem(RETURN_KEY, returnUrl)
  } catch {
    // Storage is blocked: the page then says to ask the provider.
  }
}

/** Where the last session in this tab led back to. Null for nowhere. */
export function lastReturnUrl(): string | null {
  try {
    const kept = IS_FRAMED ? null : sessionStorage.getItem(RETURN_KEY)
    return kept !== null && /^https?:\/\//.test(kept) ? kept : null
  } catch {
    return null
  }
}

/** The session of this page. It stays, when it has ended, until another begins. */
let current: PortalSession | null = null

function begin(session: PortalSession): PortalSession {
  // It is read again and again, and someone might have chosen another theme since it began.
  if (current?.id !== session.id) setGivenTheme(session.theme)
  current = session
  isReplaced = false
  rememberReturn(session)
  return session
}

/** All tabs have one cookie, so a link that is opened in one of them changes the session of all. */
const tabs = IS_PORTAL && !IS_FRAMED && !IS_TYPES ? new BroadcastChannel(`posthorn.portal ${BASE.pathname}`) : null
tabs?.addEventListener('message', () => {
  if (current !== null) changed.dispatchEvent(new Event('session'))
})

let isReplaced = false
/** Whether the browser's session is that of another tenant than this page's. */
export const wasReplaced = (): boolean => isReplaced

/** How the server refuses a token: it doesn't work, or can't be one. */
const NO_GOOD = [400, 401, 413, 422]

const statusOf = (error: unknown): number => (error as { status?: number | null }).status ?? 0

let redeeming: Promise<PortalSession | null> | null = null

/** Exchanges the link for a session. Null if it doesn't work, for whatever reason. Other failures leave it as it is. */
export function redeem(): Promise<PortalSession | null> {
  redeeming ??= exchange().finally(() => {
    redeeming = null
  })
  return redeeming
}

async function exchange(): Promise<PortalSession | null> {
  const redeemed = link
  if (redeemed === null) return null
  // The page might have got another link in the meantime.
  const drop = () => {
    if (link === redeemed) link = null
  }
  const body = { token: redeemed.token, keep: IS_FRAMED ? 'memory' : 'cookie' }
  wasRefused = false
  try {
    const answer = await call<PortalSession & { token?: string | null }>('POST', '/v1/portal-session', { body })
    const { token = null, ...session } = answer
    setBearer(token)
    drop()
    tabs?.postMessage(null)
    return begin(session)
  } catch (error) {
    if (!NO_GOOD.includes(statusOf(error))) throw error
    drop()
    wasRefused = true
    return null
  }
}

type State = { readonly session: PortalSession | null; readonly hasEnded: boolean }

let ended = false
export const portalHasEnded = (): boolean => ended

/**
 * The session of the cookie, or of this frame. Null if there is none. Having none is no refusal here, which browsers
 * would report on their consoles.
 */
export async function readPortalSession(signal?: AbortSignal): Promise<PortalSession | null> {
  if (IS_FRAMED && !hasBearer()) return null
  const state = await call<State>('GET', '/v1/portal-session-state', { signal })
  const { session, hasEnded } = state
  ended ||= hasEnded
  const isOther = session !== null && current !== null && session.tenant.id !== current.tenant.id
  // What the page shows is not that tenant's.
  if (session !== null && !isOther) return begin(session)
  isReplaced = isOther
  setBearer(null)
  return null
}

/** Ends the session. Fails if it goes on, and what has it is a cookie, which no script can remove. */
export async function leavePortal(): Promise<void> {
  try {
    await call('DELETE', '/v1/portal-session')
  } catch (error) {
    // It has ended already, or no one has its token from now on.
    if (statusOf(error) !== 401 && !hasBearer()) throw error
  }
  setBearer(null)
  current = null
}

const DICTIONARIES: Readonly<Record<Language, () => Promise<{ dictionary: Dictionary }>>> = {
  en: () => import('../strings/en/portal-dictionary.ts'),
  de: () => import('../strings/de/dictionary.ts'),
}

/** The language of a session, or of the link, or else the first that the browser prefers. */
export const languageOf = (session: PortalSession | null | undefined): Language =>
  session?.language ?? asked?.language ?? languageFor(navigator.languages)

async function firstSession(): Promise<PortalSession | null> {
  if (IS_TYPES) return null
  if (link === null) return readPortalSession()
  return IS_FRAMED ? redeem() : null
}

/**
 * Finds out who looks at the portal, and loads the words in their language. In a frame, the link is redeemed immediately;
 * elsewhere only by a click, as scanners of mail open links, too. Undefined: the server doesn't say.
 */
export async function beginPortal(): Promise<PortalSession | null | undefined> {
  const session = await firstSession().catch(() => undefined)
  const language = languageOf(session)
  setLanguage(language)
  setDictionary((await DICTIONARIES[language]()).dictionary)
  return session
}
