/**
 * The cookies of single sign-on (decision 56): one between beginning and ending a sign-in, and one that lets the issuer
 * know whom to sign out. Both are sealed, and each is sent to one path only.
 */
import { PREFIXES } from './doors.ts'
import type { Origin } from './origins.ts'

/** The names, and the paths that they are sent to. */
const COOKIES = {
  signIn: { name: 'posthorn_sign_in', path: '/v1/session' },
  signOut: { name: 'posthorn_sign_out', path: '/v1/single-sign-on/sign-out' },
} as const

type Kind = keyof typeof COOKIES

/** A sibling domain can plant cookies of the same name, among which the one that fits is looked for. */
const MAX_VALUES = 4
const SEALED = /^[A-Za-z0-9_-]{1,4000}$/

/** The values of a cookie in a Cookie header. What can't be one is left out. */
export function sealedIn(kind: Kind, header: string | undefined): string[] {
  const values = new Set<string>()
  for (const pair of header?.split(';') ?? []) {
    const [name = '', value = ''] = pair.trim().split('=')
    if (name === COOKIES[kind].name && SEALED.test(value)) values.add(value)
  }
  return [...values].slice(0, MAX_VALUES)
}

/**
 * The value of Set-Cookie.
 *
 * @param sealed null removes the cookie
 * @param seconds how long it is kept. Null: until the browser is closed
 */
export function setSealed(
  kind: Kind,
  sealed: string | null,
  basePath: string,
  { isSecure }: Origin,
  seconds: number | null = null,
): string {
  const { name, path } = COOKIES[kind]
  const age = sealed === null ? ['Max-Age=0'] : seconds === null ? [] : [`Max-Age=${seconds}`]
  const scope = [`Path=${basePath.slice(0, -1)}${PREFIXES.session}${path}`, 'HttpOnly', ...(isSecure ? ['Secure'] : [])]
  return [`${name}=${sealed ?? ''}`, ...age, ...scope, 'SameSite=Strict'].join('; ')
}

/** The page that an issuer leads back to. It is registered there, exactly like this. */
export const redirectUriOf = (publicUrl: string, issuer: string): string =>
  `${publicUrl}sign-in/${encodeURIComponent(issuer)}`
