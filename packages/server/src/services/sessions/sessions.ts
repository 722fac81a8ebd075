import { type Actor, type ApiKey, type Session, SYSTEM } from '../../base/callers.ts'
import type { Clock } from '../../base/clock.ts'
import { DAY_MS, HOUR_MS } from '../../base/durations.ts'
import { PosthornError } from '../../base/errors.ts'
import { newId } from '../../base/ids.ts'
import type { ApiKeyId, SessionId, TenantId } from '../../base/model.ts'
import { hashOfKey, makePortalToken, makeSessionToken, makeSignInToken } from '../../secrets/api-key.ts'
import type { Holder, ListedSession, NewPerson } from '../../store/operations/sessions.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { checkId, checkPlace, notFound } from '../checks/refusals.ts'
import { actorOfPerson } from './person.ts'
import type { LiveSession, SessionCache } from './session-cache.ts'
import { SignInRates } from './sign-in-rates.ts'

/** How long a sign-in link works. */
const LINK_MS = 10 * 60_000
/** Sessions that a key or a person can have; far more than one person's browsers, and few enough to be kept in memory. */
const MAX_OF_KEY = 100
/** Sessions that the portal of a tenant can have. */
const MAX_OF_PORTAL = 1_000
const MAX_USER_AGENT_CHARACTERS = 256

export type SessionSettings = {
  readonly sessionIdleHours: number
  /** How long a session lasts at most, in days. */
  readonly sessionDays: number
}

export type SessionParts = {
  readonly cache: SessionCache
  /** Finds the holder of an API key. Undefined if the key is not valid. */
  readonly identify: (key: string) => { readonly key: ApiKey | null } | undefined
  /** A valid key by its id. */
  readonly keyOf: (id: ApiKeyId) => ApiKey | undefined
  /** The hash of the root key. */
  readonly rootHash: Uint8Array
  /** The marks of the issuers as the settings are now. */
  readonly issuerMarks: ReadonlySet<string>
  readonly clock: Clock
}

/** Where a sign-in comes from. */
export type Browser = { readonly address: string | null; readonly userAgent: string | null }

export type StartedSession = LiveSession & {
  /** Goes into the cookie, and nowhere else. */
  readonly token: string
}

export type SignInLink = {
  /** Works once. */
  readonly token: string
  readonly expiresAtMs: number
}

/** Signs browsers in with an API key, a link or a person's identity, and lists and ends their sessions. */
export class Sessions {
  readonly #store: Store
  readonly #settings: SessionSettings
  readonly #parts: SessionParts
  readonly #rates: SignInRates

  constructor(store: Store, settings: SessionSettings, parts: SessionParts) {
    this.#store = store
    this.#settings = settings
    this.#parts = parts
    this.#rates = new SignInRates(parts.clock)
  }

  /** Undefined if the key is not valid. Throws `rate_limited` if it has signed in too often. */
  async signIn(apiKey: string, browser: Browser): Promise<StartedSession | undefined> {
    const caller = this.#parts.identify(apiKey)
    return caller === undefined ? undefined : this.#start(caller.key, browser)
  }

  /** Undefined if the token is unknown, was used, or has expired, or if its key is no longer valid. */
  async redeem(token: string, browser: Browser): Promise<StartedSession | undefined> {
    const args = { hash: hashOfKey(token), nowMs: this.#store.now() }
    const holder = await this.#store.write('takeSignInLink', args)
    if (holder === null || !this.#isCurrent(holder)) return undefined
    const key = holder.key === null ? null : this.#parts.keyOf(holder.key)
    return key === undefined ? undefined : this.#start(key, browser)
  }

  /** Makes the token of a link that signs in with a key. */
  async makeLink(key: ApiKey | null): Promise<SignInLink> {
    const token = makeSignInToken()
    const expiresAtMs = this.#store.now() + LINK_MS
    await this.#store.write('createSignInLink', { hash: hashOfKey(token), holder: this.holderOf(key), expiresAtMs })
    return { token, expiresAtMs }
  }

  /** The session with this id, if it has not ended. */
  get(id: SessionId): LiveSession | undefined {
    return this.#parts.cache.get(id)
  }

  /** When a session ends unless it is used before. */
  idleUntilMs(session: Session): number {
    return this.#parts.cache.idleUntilMs(session)
  }

  /**
   * Sessions that have not ended, of all keys, people and portals.
   *
   * @param portalOf only those of this tenant's portal
   */
  async list(page: Place<SessionId> & { limit: number }, portalOf: TenantId | null = null): Promise<ListedSession[]> {
    checkPlace('ses', page)
    const nowMs = this.#store.now()
    const usedAfterMs = nowMs - this.#settings.sessionIdleHours * HOUR_MS
    const { rootHash, issuerMarks } = this.#parts
    const live = { nowMs, usedAfterMs, portalOf, rootHash, issuerMarks: [...issuerMarks] }
    return this.#store.read('listSessions', { ...page, ...live })
  }

  /** Ends a session for good, on this node at once and on all others within a second. */
  async end(id: SessionId, by: Actor = SYSTEM): Promise<void> {
    checkId('ses', id, 'session')
    if (!(await this.#store.write('endSession', { id, by, nowMs: this.#store.now() }))) throw notFound('session')
    await this.announce()
  }

  async #start(key: ApiKey | null, { address, userAgent }: Browser): Promise<StartedSession | undefined> {
    const waitSeconds = this.#rates.take(key?.id ?? null)
    if (waitSeconds > 0) throw tooOften(waitSeconds)
    const nowMs = this.#store.now()
    const token = makeSessionToken()
    const session = await this.#store.write('createSession', {
      ...this.#new(token, { address, userAgent }, nowMs),
      holder: this.holderOf(key),
      link: null,
      person: null,
      expiresAtMs: nowMs + this.#settings.sessionDays * DAY_MS,
      max: MAX_OF_KEY,
      by: actorOf(key, address),
    })
    if (session === null) return undefined
    await this.announce()
    return { session, key, token }
  }

  /**
   * Starts the session of a portal with a use of the link whose token has this hash. Undefined if the link is unknown,
   * used up or has expired, or if its key is no longer valid. Throws `rate_limited` if its portal is visited too often.
   */
  async startByLink(linkHash: Uint8Array, browser: Browser): Promise<StartedSession | undefined> {
    const token = makePortalToken()
    const created = this.#new(token, browser, this.#store.now())
    const { rootHash } = this.#parts
    const link = { linkHash, rootHash, nowMs: created.createdAtMs }
    const tenant = await this.#store.read('canUsePortalLink', link)
    if (tenant === null) return undefined
    const waitSeconds = this.#rates.takeVisit(tenant)
    if (waitSeconds > 0) throw tooManyVisits(waitSeconds)
    const session = await this.#store.write('redeemPortalLink', { ...created, linkHash, rootHash, max: MAX_OF_PORTAL })
    if (session === null) return undefined
    await this.announce()
    const live = this.get(session.id)
    return live === undefined ? undefined : { ...live, token }
  }

  /**
   * Starts the session of a person whom an issuer has identified. Undefined if the only tenant that they can see doesn't
   * exist. Throws `rate_limited` if they have signed in too often.
   *
   * @param endsAtMs when it ends at the latest. Null: only the settings decide
   */
  async startFor(person: NewPerson, endsAtMs: number | null, browser: Browser): Promise<StartedSession | undefined> {
    const waitSeconds = this.#rates.take(`${person.person.issuer} ${person.person.subject}`)
    if (waitSeconds > 0) throw tooOften(waitSeconds, 'You have')
    const token = makeSessionToken()
    const created = this.#new(token, browser, this.#store.now())
    const session = await this.#store.write('createSession', {
      ...created,
      holder: null,
      link: null,
      person,
      expiresAtMs: Math.min(
        created.createdAtMs + this.#settings.sessionDays * DAY_MS,
        endsAtMs ?? Number.POSITIVE_INFINITY,
      ),
      max: MAX_OF_KEY,
      by: actorOfPerson(person.person, browser.address),
    })
    if (session === null) return undefined
    await this.announce()
    const live = this.get(session.id)
    return live === undefined ? undefined : { ...live, token }
  }

  #new(token: string, { address, userAgent }: Browser, nowMs: number) {
    return {
      id: newId('ses', nowMs),
      hash: hashOfKey(token),
      address,
      userAgent: userAgent?.slice(0, MAX_USER_AGENT_CHARACTERS) ?? null,
      createdAtMs: nowMs,
    }
  }

  /** Whose a key's sessions and links are. */
  holderOf(key: ApiKey | null): Holder {
    return key === null ? { key: null, rootHash: this.#parts.rootHash } : { key: key.id, rootHash: null }
  }

  #isCurrent({ rootHash }: Holder): boolean {
    return rootHash === null || Buffer.compare(rootHash, this.#parts.rootHash) === 0
  }

  /** Makes changes of sessions count here now, and on all other nodes within a second. */
  async announce(): Promise<void> {
    this.#store.changes.emit({ kind: 'api_keys' })
    await this.#parts.cache.untilFresh()
  }
}

function actorOf(key: ApiKey | null, address: string | null): Actor {
  if (key === null) return { kind: 'root', key: null, name: null, address }
  return { kind: 'key', key: key.id, name: key.name, address }
}

function tooOften(retryAfterSeconds: number, who = 'This API key has'): PosthornError {
  const detail = `${who} signed in too often. Try again after the number of seconds in Retry-After.`
  return new PosthornError('rate_limited', detail, { retryAfterSeconds })
}

function tooManyVisits(retryAfterSeconds: number): PosthornError {
  const detail = 'This portal is being opened too often. Try again after the number of seconds in Retry-After.'
  return new PosthornError('rate_limited', detail, { retryAfterSeconds })
}
