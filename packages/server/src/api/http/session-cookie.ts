/** The cookie that carries a session's token. */
import type { Origin } from './origins.ts'

export const SESSION_COOKIE = 'posthorn_session'

/** A browser sends cookies of several paths and domains. More than a few of the same name are no accident. */
const MAX_TOKENS = 4
const TOKEN = /^phs_[A-Za-z0-9_-]{43}$/

/** The tokens in a Cookie header (RFC 6265 §4.2.1). What can't be one is left out. */
export function tokensIn(header: string | undefined): string[] {
  if (header === undefined || !header.includes(SESSION_COOKIE)) return []
  const tokens = new Set<string>()
  for (const pair of header.split(';')) {
    const [name = '', value = ''] = pair.trim().split('=')
    if (name === SESSION_COOKIE && TOKEN.test(value)) tokens.add(value)
  }
  return [...tokens].slice(0, MAX_TOKENS)
}

/** Whether a request brings a session's cookie, whatever is in it. */
export const hasCookie = (header: string | undefined): boolean =>
  header?.split(';').some(pair => pair.trim().startsWith(`${SESSION_COOKIE}=`)) === true

/**
 * The value of Set-Cookie.
 *
 * @param token null removes the cookie
 */
export function setCookie(token: string | null, basePath: string, { isSecure }: Origin): string {
  const scope = [`Path=${basePath}session/v1`, 'HttpOnly', ...(isSecure ? ['Secure'] : []), 'SameSite=Strict']
  return [`${SESSION_COOKIE}=${token ?? ''}`, ...(token === null ? ['Max-Age=0'] : []), ...scope].join('; ')
}
