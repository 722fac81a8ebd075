import type { ApiKey, Person, Session } from '../../base/callers.ts'
import type { Clock } from '../../base/clock.ts'
import { HOUR_MS } from '../../base/durations.ts'
import { idBytes, idText } from '../../base/ids.ts'
import { Loop } from '../../base/loop.ts'
import type { ApiKeyId, SessionId } from '../../base/model.ts'
import type { Portal } from '../../base/portal.ts'
import type { SessionChange } from '../../store/operations/sessions.ts'
import type { Store } from '../../store/store.ts'
import { nameOfPerson } from './person.ts'

/** How long to wait before reading again after a failed read. */
const RETRY_MS = 500
/** How often the uses that other nodes have seen are read. */
const USES_EVERY_MS = 60_000
/** A use is stored again only after this time. */
const USE_EVERY_MS = 60_000
/** How far back uses are read: what was stored before the last read, but committed after it, included. */
const USES_SINCE_MS = 2 * USES_EVERY_MS
/** Ended sessions that are remembered, so that their tokens don't look like guesses. */
const MAX_ENDED = 10_000

export type SessionCacheOptions = {
  /** How long a session lasts after its last call, in hours. */
  readonly sessionIdleHours: number
  /** Whether a hash is that of the root key. */
  readonly isRoot: (hash: Buffer) => boolean
  /** A valid key by its id. */
  readonly keyOf: (id: ApiKeyId) => ApiKey | undefined
  /** The marks of the issuers as the settings are now (services/single-sign-on/). */
  readonly issuerMarks: ReadonlySet<string>
}

/**
 * A session that can be used now, with its key. The key is null for the root key, and for the session of a portal or of
 * a person one that nobody holds and that can do what they can.
 */
export type LiveSession = { readonly session: Session; readonly key: ApiKey | null }

/** `ownKey`: of a portal's or a person's session, by which its calls are counted. */
type Entry = Omit<SessionChange, 'session'> & { session: Session; ownKey?: ApiKey }

/**
 * The store's sessions in memory, by the hash of their token. Like the cache of API keys, which announces changes of
 * both, it is on every node and reads changes as soon as it is notified of them or polls them. What a session can do is
 * looked up in its key at each call, so that it ends with the key.
 */
export class SessionCache {
  readonly #store: Store
  readonly #options: SessionCacheOptions
  readonly #loop: Loop
  readonly #byHash = new Map<string, Entry>()
  readonly #hashes = new Map<SessionId, string>()
  /** Hashes of sessions that have ended, the oldest first: nothing else of them is kept. */
  readonly #ended = new Set<string>()
  readonly #clock: Clock
  #seen = 0
  /** When uses were read last (monotonic). */
  #usesReadAtMs = Number.NEGATIVE_INFINITY

  constructor(store: Store, clock: Clock, options: SessionCacheOptions) {
    this.#store = store
    this.#clock = clock
    this.#options = options
    this.#loop = new Loop({ clock, everyMs: USES_EVERY_MS, retryMs: RETRY_MS, run: () => this.#read() })
    store.changes.on(({ kind }) => {
      // As for API keys: what has ended must not stay valid for more than a second.
      if (kind === 'api_keys' || kind === 'doubt') void this.#loop.fresh()
    })
  }

  /** Reads all sessions that have not ended. Throws StoreUnavailable. */
  async open(): Promise<void> {
    await this.#read()
    this.#loop.start(USES_EVERY_MS)
  }

  /** The session with this hash; `ended` if it has ended, or its key has; undefined if there is none of this kind. */
  find(kind: 'session' | 'portal', hash: Buffer): LiveSession | 'ended' | undefined {
    const name = hash.toString('base64')
    if (this.#ended.has(name)) return 'ended'
    const entry = this.#byHash.get(name)
    if (entry === undefined || (entry.session.portal !== null) !== (kind === 'portal')) return undefined
    return this.#live(entry) ?? 'ended'
  }

  /** The session with this id, if it has not ended. */
  get(id: SessionId): LiveSession | undefined {
    const hash = this.#hashes.get(id)
    return hash === undefined ? undefined : this.#live(this.#byHash.get(hash)!)
  }

  /** Notes a use of a session. It counts here from now on, and elsewhere within two minutes. */
  use({ session: { id } }: LiveSession): void {
    const entry = this.#byHash.get(this.#hashes.get(id) ?? '')
    const nowMs = this.#store.now()
    if (entry === undefined || nowMs - entry.session.usedAtMs < USE_EVERY_MS) return
    entry.session = { ...entry.session, usedAtMs: nowMs }
    // If it can't be stored, the next use a minute later is.
    this.#store.write('useSession', { id, nowMs }).catch(() => {})
  }

  /** When a session ends if it is not used again, in milliseconds since 1970. */
  idleUntilMs({ usedAtMs, expiresAtMs }: Session): number {
    return Math.min(usedAtMs + this.#options.sessionIdleHours * HOUR_MS, expiresAtMs)
  }

  /** Resolves when all changes committed before the call are known, or when the store can't be read. */
  untilFresh(): Promise<void> {
    return this.#loop.fresh()
  }

  /** Stops reading from the store. */
  close(): Promise<void> {
    return this.#loop.stop()
  }

  #live(entry: Entry): LiveSession | undefined {
    const { session, rootHash, issuerMark } = entry
    if (session.endedAtMs !== null || this.idleUntilMs(session) <= this.#store.now()) return undefined
    if (session.person !== null) {
      if (issuerMark === null || !this.#options.issuerMarks.has(issuerMark)) return undefined
      entry.ownKey ??= keyOfPerson(session, session.person)
      return { session, key: entry.ownKey }
    }
    const key = this.#keyOf(session.key, rootHash)
    if (key === undefined || session.portal === null) return key === undefined ? undefined : { session, key }
    entry.ownKey ??= keyOfPortal(session, session.portal)
    return { session, key: entry.ownKey }
  }

  /** The key that a session stands for. Undefined: it is no longer valid. */
  #keyOf(id: ApiKeyId | null, rootHash: Uint8Array | null): ApiKey | null | undefined {
    if (id !== null) return this.#options.keyOf(id)
    return rootHash !== null && this.#options.isRoot(Buffer.from(rootHash)) ? null : undefined
  }

  /**
   * Reads what has changed. Uses and what is over by now are looked at once a minute only: anyone can have changes read,
   * by a token that is not known.
   */
  async #read(): Promise<void> {
    const nowMs = this.#store.now()
    const isOpening = this.#seen === 0
    const isUsesTime = this.#clock.monotonicMs() - this.#usesReadAtMs >= USES_EVERY_MS
    const { seq, sessions } = await this.#store.read('readSessionChanges', {
      after: this.#seen,
      ...(isOpening ? { livingAtMs: nowMs } : {}),
      usedAfterMs: isUsesTime && !isOpening ? nowMs - USES_SINCE_MS : null,
    })
    for (const change of sessions) this.#take(change)
    this.#seen = seq
    if (!isUsesTime) return
    this.#usesReadAtMs = this.#clock.monotonicMs()
    this.#forget()
  }

  #take(change: SessionChange): void {
    const hash = Buffer.from(change.hash).toString('base64')
    if (change.session.endedAtMs !== null) {
      this.#end(change.session.id, hash)
      return
    }
    const usedAtMs = Math.max(change.session.usedAtMs, this.#byHash.get(hash)?.session.usedAtMs ?? 0)
    const { ownKey } = this.#byHash.get(hash) ?? {}
    this.#byHash.set(hash, { ...change, session: { ...change.session, usedAtMs }, ...(ownKey && { ownKey }) })
    this.#hashes.set(change.session.id, hash)
  }

  #end(id: SessionId, hash: string): void {
    this.#byHash.delete(hash)
    this.#hashes.delete(id)
    this.#ended.add(hash)
    if (this.#ended.size > MAX_ENDED) this.#ended.delete(this.#ended.keys().next().value!)
  }

  /** Forgets sessions that are over although no one has ended them. */
  #forget(): void {
    const nowMs = this.#store.now()
    for (const [hash, { session }] of this.#byHash) {
      if (session.expiresAtMs <= nowMs) this.#end(session.id, hash)
    }
  }
}

/** What the calls of a portal's session are limited to, at each node: far more than a page needs. */
const PORTAL_RATE = { requests: 600, perSeconds: 60 }

function keyOfPortal(session: Session, { user, may }: Portal): ApiKey {
  const payloads = may.includes('payloads')
  return { ...keyLike(session), name: user ?? 'Portal', scope: 'all', payloads, rateLimit: PORTAL_RATE }
}

/** All that holds for a key of the same scope and tenant holds for the person. */
function keyOfPerson(session: Session, person: Person): ApiKey {
  const { scope, payloads } = person
  return { ...keyLike(session), name: nameOfPerson(person), scope, payloads, rateLimit: null }
}

function keyLike({ id, tenant, createdAtMs, expiresAtMs }: Session) {
  return { id: idText('key', idBytes(id)), tenant, createdAtMs, expiresAtMs, revokedAtMs: null }
}
