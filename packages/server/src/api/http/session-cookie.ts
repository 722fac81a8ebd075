/** The cookies that carry the token of a session: one for the dashboard's, and one for those of portals. */
import { PREFIXES, type SessionKind } from './doors.ts'
import type { Origin } from './origins.ts'

export const COOKIES: Readonly<Record<SessionKind, string>> = { session: 'posthorn_session', portal: 'posthorn_portal' }

/** A browser sends cookies of several paths and domains. More than a few of the same name are no accident. */
const MAX_TOKENS = 4
const TOKENS: Readonly<Record<SessionKind, RegExp>> = {
  session: /^phs_[A-Za-z0-9_-]{43}$/,
  portal: /^php_[A-Za-z0-9_-]{43}$/,
}

/** Whether a text can be the token of a session of this kind. */
export const isToken = (kind: SessionKind, text: string): boolean => TOKENS[kind].test(text)

/** The tokens in a Cookie header (RFC 6265 §4.2.1). What can't be one is left out. */
export function tokensIn(kind: SessionKind, header: string | undefined): string[] {
  if (header === undefined || !header.includes(COOKIES[kind])) return []
  const tokens = new Set<string>()
  for (const pair of header.split(';')) {
    const [name = '', value = ''] = pair.trim().split('=')
    if (name === COOKIES[kind] && isToken(kind, value)) tokens.add(value)
  }
  return [...tokens].slice(0, MAX_TOKENS)
}

/** Whether a request brings a cookie of sessions of this kind, whatever is in it. */
export const hasCookie = (kind: SessionKind, header: string | undefined): boolean =>
  header?.split(';').some(pair => pair.trim().startsWith(`${COOKIES[kind]}=`)) === true

/**
 * The value of Set-Cookie.
 *
 * @param token null removes the cookie
 */
export function setCookie(kind: SessionKind, token: string | null, basePath: string, { isSecure }: Origin): string {
  const path = `Path=${basePath.slice(0, -1)}${PREFIXES[kind]}/v1`
  const scope = [path, 'HttpOnly', ...(isSecure ? ['Secure'] : []), 'SameSite=Strict']
  return [`${COOKIES[kind]}=${token ?? ''}`, ...(token === null ? ['Max-Age=0'] : []), ...scope].join('; ')
}
