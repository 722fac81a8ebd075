/** Signs people in through issuers of OpenID Connect (decision 56): authorisation code flow with PKCE. */
import { Buffer } from 'node:buffer'
import * as oidc from 'openid-client'
import type { Session } from '../../base/callers.ts'
import { MINUTE_MS } from '../../base/durations.ts'
import { PosthornError } from '../../base/errors.ts'
import { hashOfKey } from '../../secrets/api-key.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import type { Store } from '../../store/store.ts'
import type { Browser, Sessions, StartedSession } from '../sessions/sessions.ts'
import { hasRightAccessTokenHash } from './access-token-hash.ts'
import { type Claims, grantFor, isIncomplete, isSubject, nameOf, withInfo } from './grants.ts'
import { type Issuer, IssuerUnreachable } from './issuer.ts'

/** How long someone can take at the issuer. */
export const SIGN_IN_MS = 10 * MINUTE_MS
/** Sign-ins that can wait for an issuer at the same time, and how many of them for one address. */
const MAX_WAITING = 64
const MAX_WAITING_OF_ADDRESS = 8
/** Browsers keep no longer cookies. */
const MAX_SEALED_CHARACTERS = 3_800
/** What the sealed texts are for: each can be opened for its own purpose only. */
const SIGN_IN = 'single sign-on: sign-in'
const SIGN_OUT = 'single sign-on: sign-out'

/** What binds the answer of an issuer to the browser that asked for it. */
type Attempt = {
  readonly issuer: string
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly expiresAtMs: number
}

type Hint = { readonly session: string; readonly idToken: string }

export type SingleSignOnParts = {
  readonly issuers: readonly Issuer[]
  readonly sessions: Pick<Sessions, 'startFor'>
  readonly keyring: Keyring
}

export type SignInOption = { readonly id: string; readonly name: string; readonly isAvailable: boolean }

export type BegunSignIn = {
  /** Where the browser goes. */
  readonly url: string
  /** Goes into a cookie, and nowhere else. */
  readonly sealed: string
}

/** What comes back from an issuer, by way of the browser. */
export type IssuerResponse = {
  readonly issuer: string
  /** The query that the issuer added to the redirect URI. */
  readonly response: string
  /** What the browser's cookies contain: more than one if another site has planted some. */
  readonly sealed: readonly string[]
  readonly redirectUri: string
}

export type PersonSession = StartedSession & {
  /** For the cookie that signing out needs. Null if it would be too long. */
  readonly signOut: string | null
}

/** Someone was not signed in, for a reason that they can be told. `isGuess`: it is like a wrong key. */
export class SignInRefused extends PosthornError {
  readonly isGuess: boolean

  constructor(code: 'unauthorized' | 'forbidden', detail: string) {
    super(code, detail)
    this.isGuess = code === 'unauthorized'
  }
}

type Tokens = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>

export class SingleSignOn {
  readonly #store: Store
  readonly #parts: SingleSignOnParts
  readonly #issuers: ReadonlyMap<string, Issuer>
  readonly #waiting = new Waiting()

  constructor(store: Store, parts: SingleSignOnParts) {
    this.#store = store
    this.#parts = parts
    this.#issuers = new Map(parts.issuers.map(issuer => [issuer.settings.id, issuer]))
  }

  /** The issuers in the order of the settings, and whether each responds. */
  options(): Promise<SignInOption[]> {
    return Promise.all(
      this.#parts.issuers.map(async issuer => {
        const { id, name } = issuer.settings
        return { id, name, isAvailable: await issuer.isAvailable() }
      }),
    )
  }

  /** Throws `invalid` for an unknown issuer, `issuer_unavailable` for one that does not respond. */
  async begin(id: string, redirectUri: string): Promise<BegunSignIn> {
    const issuer = this.#issuer(id)
    const configuration = await issuer.reach()
    const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()]
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: issuer.settings.scopes.join(' '),
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const attempt: Attempt = { issuer: id, state, nonce, verifier, expiresAtMs: this.#store.now() + SIGN_IN_MS }
    return { url: url.href, sealed: this.#seal(SIGN_IN, attempt) }
  }

  /** Throws SignInRefused, `issuer_unavailable` or `rate_limited`. */
  async complete(given: IssuerResponse, browser: Browser): Promise<PersonSession> {
    const issuer = this.#issuer(given.issuer)
    const attempt = this.#attemptOf(given)
    const leave = this.#waiting.enter(issuer.settings.id, browser.address, attempt.state)
    try {
      // Issuers can take back what they gave for a code that comes twice.
      if (await this.#store.read('isSignInUsed', { hash: hashOfKey(attempt.state) })) throw notBegunHere()
      const identified = await this.#identify(issuer, given, attempt)
      return await this.#start(issuer, attempt, identified, browser)
    } finally {
      leave()
    }
  }

  async #start(issuer: Issuer, attempt: Attempt, { claims, idToken }: Identified, browser: Browser) {
    const { grants, id, endsWithToken } = issuer.settings
    const grant = grantFor(grants, claims)
    const { sub: subject, exp } = claims
    if (!isSubject(subject)) throw invalidResponse(issuer)
    if (grant === undefined) throw notLetIn(issuer, subject)
    const { scope, tenant, payloads } = grant
    const person = { issuer: id, subject, name: nameOf(claims), scope, payloads }
    const endsAtMs = endsWithToken ? Number(exp) * 1000 : null
    // It could have expired within the tolerance.
    if (endsAtMs !== null && endsAtMs <= this.#store.now()) throw invalidResponse(issuer)
    const used = { hash: hashOfKey(attempt.state), expiresAtMs: attempt.expiresAtMs }
    if (!(await this.#store.write('takeSignIn', used))) throw notBegunHere()
    const started = await this.#parts.sessions.startFor({ person, tenant, mark: issuer.mark }, endsAtMs, browser)
    if (started === undefined) throw notLetIn(issuer, subject)
    return { ...started, signOut: this.#hint({ session: started.session.id, idToken }) }
  }

  /**
   * Where the issuer of a person signs them out. Null if it can't, or is unavailable.
   *
   * @param sealed what the browser's cookies contain
   * @param after where the issuer leads back to
   */
  async signOutUrl({ id, person }: Session, sealed: readonly string[], after: string): Promise<string | null> {
    const issuer = person === null ? undefined : this.#issuers.get(person.issuer)
    if (issuer === undefined) return null
    const hint = sealed.map(each => this.#open<Hint>(SIGN_OUT, each)).find(each => each?.session === id)
    return issuer.signOutUrl({
      post_logout_redirect_uri: after,
      ...(hint === undefined ? {} : { id_token_hint: hint.idToken }),
    })
  }

  #issuer(id: string): Issuer {
    const issuer = this.#issuers.get(id)
    if (issuer !== undefined) return issuer
    const detail = 'There is no issuer with this id. GET /session/v1/sign-in-options lists all issuers.'
    throw new PosthornError('invalid', detail, { fields: [{ field: '/issuer', detail }] })
  }

  /** The sign-in that a response belongs to. Throws SignInRefused. */
  #attemptOf({ issuer, response, sealed }: IssuerResponse): Attempt {
    const states = new URLSearchParams(response).getAll('state')
    const attempt = sealed
      .map(each => this.#open<Attempt>(SIGN_IN, each))
      .find(each => each?.issuer === issuer && states.length === 1 && each.state === states[0])
    if (attempt === undefined || attempt.expiresAtMs <= this.#store.now()) throw notBegunHere()
    return attempt
  }

  /** Who the issuer says that it is. Throws SignInRefused or `issuer_unavailable`. */
  async #identify(issuer: Issuer, given: IssuerResponse, attempt: Attempt): Promise<Identified> {
    try {
      const configuration = await issuer.forSignIn()
      const url = new URL(given.redirectUri)
      url.search = given.response
      const tokens = await oidc.authorizationCodeGrant(configuration, url, {
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        pkceCodeVerifier: attempt.verifier,
        idTokenExpected: true,
      })
      return { claims: await claimsOf(issuer, configuration, tokens), idToken: tokens.id_token! }
    } catch (error) {
      if (error instanceof PosthornError) throw error
      issuer.warn(error, 'single sign-on failed')
      throw refusalOf(error, issuer)
    }
  }

  #hint(hint: Hint): string | null {
    const sealed = this.#seal(SIGN_OUT, hint)
    return sealed.length > MAX_SEALED_CHARACTERS ? null : sealed
  }

  #seal(purpose: string, value: object): string {
    return Buffer.from(this.#parts.keyring.seal(purpose, JSON.stringify(value))).toString('base64url')
  }

  /** Undefined for anything that this installation hasn't sealed for this purpose. */
  #open<Value>(purpose: string, sealed: string): Value | undefined {
    try {
      return JSON.parse(this.#parts.keyring.open(purpose, Buffer.from(sealed, 'base64url'))) as Value
    } catch {
      return undefined
    }
  }
}

type Identified = { readonly claims: Claims; readonly idToken: string }

/** The claims of the ID token and, if one that decides is not among them, of the user info. The ID token's prevail. */
async function claimsOf(issuer: Issuer, configuration: oidc.Configuration, tokens: Tokens): Promise<Claims> {
  const claims = tokens.claims()! as Claims
  const { grants, clientId } = issuer.settings
  // OpenID Connect Core §3.1.3.7 (5). The library looks at it only if there are several audiences.
  if (claims.azp !== undefined && claims.azp !== clientId) throw new Error('azp is not this client')
  if (!hasRightAccessTokenHash(tokens.id_token!, tokens.access_token)) throw new Error('at_hash is not of this token')
  const isDecided = !isIncomplete(grants, claims)
  const hasInfo = configuration.serverMetadata().userinfo_endpoint !== undefined
  if (!hasInfo || (isDecided && nameOf(claims) !== null)) return claims
  try {
    const info = await oidc.fetchUserInfo(configuration, tokens.access_token, String(claims.sub))
    return withInfo(claims, info)
  } catch (error) {
    // Only the name is missing.
    if (isDecided) return claims
    throw error
  }
}

/** What the library's errors mean for the person. */
function refusalOf(error: unknown, issuer: Issuer): PosthornError {
  const { name } = issuer.settings
  if (error instanceof oidc.AuthorizationResponseError) {
    const code = /^[a-z_]{1,64}$/.test(error.error) ? error.error : 'an unknown error'
    return new SignInRefused('forbidden', `${name} did not sign you in: ${code}. Begin again, or use an API key.`)
  }
  if (error instanceof oidc.ResponseBodyError) {
    if (error.status >= 500) return issuer.unavailable()
    if (error.error === 'invalid_grant') return invalidResponse(issuer)
    const remedy = 'Ask an operator to compare clientId, clientSecret and clientAuthentication with the issuer.'
    return new SignInRefused('forbidden', `${name} does not accept Posthorn as a client. ${remedy}`)
  }
  return isAway(error) ? issuer.unavailable() : invalidResponse(issuer)
}

/** What says that the issuer could not be reached, or did not respond as one does. */
const AWAY = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'])

function isAway(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  return (typeof code === 'string' && AWAY.has(code)) || cause instanceof IssuerUnreachable
}

function invalidResponse({ settings: { name } }: Issuer): SignInRefused {
  const detail = `The response of ${name} is not valid, was used already or has expired. Begin again.`
  return new SignInRefused('unauthorized', detail)
}

function notBegunHere(): SignInRefused {
  const detail = 'This sign-in was not begun in this browser, was used already or took longer than ten minutes.'
  return new SignInRefused('unauthorized', `${detail} Begin again.`)
}

function notLetIn({ settings: { name } }: Issuer, subject: string): SignInRefused {
  const remedy = 'Ask an operator to give it access.'
  return new SignInRefused('forbidden', `Your account at ${name} (${subject}) has no access to Posthorn. ${remedy}`)
}

/** The sign-ins that wait for their issuers. One issuer that hangs, or one address, keeps no others out. */
class Waiting {
  readonly #states = new Set<string>()
  readonly #counts = new Map<string, number>()

  /** Returns what ends the wait. Throws SignInRefused for a sign-in that waits already, `overloaded` if too many do. */
  enter(issuer: string, address: string | null, state: string): () => void {
    if (this.#states.has(state)) throw notBegunHere()
    const places = [
      { of: issuer, max: MAX_WAITING },
      { of: `${issuer} ${address}`, max: MAX_WAITING_OF_ADDRESS },
    ]
    if (places.some(({ of, max }) => (this.#counts.get(of) ?? 0) >= max)) {
      throw new PosthornError('overloaded', 'Too many people are signing in. Try again.')
    }
    this.#states.add(state)
    for (const { of } of places) this.#counts.set(of, (this.#counts.get(of) ?? 0) + 1)
    return () => {
      this.#states.delete(state)
      for (const { of } of places) {
        const others = this.#counts.get(of)! - 1
        if (others > 0) this.#counts.set(of, others)
        else this.#counts.delete(of)
      }
    }
  }
}
