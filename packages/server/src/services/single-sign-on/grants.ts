/** What the claims of someone who signed in give them (decision 56). */
import type { Person } from '../../base/callers.ts'
import type { Grant } from '../../config/issuers.ts'

/** What an issuer says of someone: the members of an ID token and of the user info. */
export type Claims = Readonly<Record<string, unknown>>

const MAX_NAME_CHARACTERS = 100

/** The first grant that matches. Undefined: this person is not let in. */
export function grantFor(grants: readonly Grant[], claims: Claims): Grant | undefined {
  return grants.find(({ claim, value }) => {
    // Someone who can enter any address at the issuer would otherwise have what the address of another person gives.
    if (isAddress(claim) && claims.email_verified !== true) return false
    const given = claimOf(claims, claim)
    return given === value || (Array.isArray(given) && given.includes(value))
  })
}

/** Whether a claim is the mail address, by its name or by a JSON Pointer. */
const isAddress = (claim: string): boolean => claim === 'email' || claim === '/email'

/** Whether a claim that decides is not among these, so that the user info has to be read as well. */
export function isIncomplete(grants: readonly Grant[], claims: Claims): boolean {
  const names = grants.flatMap(({ claim }) => (isAddress(claim) ? ['email', 'email_verified'] : [claim]))
  return names.some(name => claimOf(claims, name) === undefined)
}

/** Adds what the user info says. What the ID token says prevails, and an address is verified by who says which it is. */
export function withInfo(claims: Claims, info: Claims): Claims {
  const { email, email_verified } = claims.email === undefined ? info : claims
  const isSame = email !== undefined && email === info.email
  return { ...info, ...claims, email, email_verified: email_verified ?? (isSame ? info.email_verified : undefined) }
}

/** The claim with this name, or at this JSON Pointer. Only what the issuer sent, nothing inherited. */
function claimOf(claims: Claims, claim: string): unknown {
  if (!claim.startsWith('/')) return ownMember(claims, claim)
  let value: unknown = claims
  for (const part of claim.slice(1).split('/')) {
    value = ownMember(value, part.replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  return value
}

function ownMember(value: unknown, name: string): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject && Object.hasOwn(value, name) ? (value as Claims)[name] : undefined
}

/** What they are called, without characters that can't be seen or stored. Null if the issuer doesn't say it. */
export function nameOf({ name, preferred_username, email }: Claims): Person['name'] {
  for (const each of [name, preferred_username, email]) {
    if (typeof each !== 'string') continue
    const clean = each.toWellFormed().replace(/\p{C}/gu, '').trim()
    if (clean !== '') return Array.from(clean).slice(0, MAX_NAME_CHARACTERS).join('')
  }
  return null
}

/** The form of `sub` (OpenID Connect Core §2). */
export const isSubject = (text: unknown): text is string =>
  typeof text === 'string' && /^[\x20-\x7e]{1,255}$/.test(text)
