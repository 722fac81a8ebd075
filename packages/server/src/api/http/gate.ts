import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Actor, ApiKey, Person } from '../../base/callers.ts'
import type { Clock } from '../../base/clock.ts'
import type { CountedLines } from '../../base/counted-lines.ts'
import { PosthornError } from '../../base/errors.ts'
import type { ApiKeyId, SessionId } from '../../base/model.ts'
import type { Portal } from '../../base/portal.ts'
import type { Network } from '../../guard/address.ts'
import { actorOfPerson } from '../../services/sessions/person.ts'
import { type Access, accessRefusal, maySeePayloads, type PortalNeeds, portalRefusal } from './access.ts'
import { clientAddress, plainAddress } from './client-address.ts'
import { FailedAuthentications } from './failed-authentications.ts'
import { RateLimits } from './rate-limits.ts'

/** The caller, identified by its key. `key` is null for the root key. */
export type Caller = {
  readonly key: ApiKey | null
  /** The session that stands for the key. Undefined: the call brought the key itself. */
  readonly session?: { readonly id: SessionId; readonly token: string }
  /** Whose portal the session is of, if it is one. The key is then one of the tenant that nobody holds. */
  readonly portal?: PortalVisitor
  /** Who signed in through single sign-on. The key is then one that nobody holds and that can do what they can. */
  readonly person?: Person
}

/** Someone who came by a link to a portal. */
export type PortalVisitor = Pick<Portal, 'user' | 'may'> & {
  /** The API key that made the link. Null: the root key. */
  readonly madeBy: ApiKeyId | null
}

/** What a call authenticated with was not valid: it is answered late after many of them. */
export class WrongCredentials extends PosthornError {}

export type GateOptions = {
  /** Finds the caller by its key; undefined if the key is not valid. Takes the same time for every wrong key. */
  readonly identify: (key: string) => Caller | undefined
  /** Networks of proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: readonly Network[]
  readonly clock: Clock
}

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i

/** The API key in the header; undefined if there is none. */
export const tokenOf = (authorization: string | undefined): string | undefined =>
  authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]

/** Identifies the caller and decides whether it can make the call: the first check on every call. */
export class Gate {
  readonly #options: GateOptions
  readonly #failures: FailedAuthentications
  readonly #rates: RateLimits

  constructor(options: GateOptions, lines: CountedLines) {
    this.#options = options
    this.#failures = new FailedAuthentications(options.clock, lines)
    this.#rates = new RateLimits(options.clock)
  }

  get failedAuthentications(): number {
    return this.#failures.total
  }

  authenticate({ headers: { authorization } }: FastifyRequest): Caller | undefined {
    const key = tokenOf(authorization)
    return key === undefined ? undefined : this.#options.identify(key)
  }

  /**
   * Refuses a call without a valid key: late after many wrong keys, or by closing the connection after very many. A
   * call without any key doesn't count as a guess.
   */
  turnAway(request: FastifyRequest, refuse: (error: PosthornError) => void): void {
    const error = new PosthornError(
      'unauthorized',
      'The API key is missing or not valid. Send it as `Authorization: Bearer <key>`.',
    )
    if (request.headers.authorization === undefined) refuse(error)
    else this.delay(request, () => refuse(error))
  }

  /** Counts a wrong key, session or sign-in link, and refuses it: late after many of them. */
  delay(request: FastifyRequest, refuse: () => void): void {
    this.#failures.add(this.addressOf(request), refuse, () => request.raw.destroy())
  }

  /** Undefined if the caller can make the call now, otherwise the refusal. */
  refusal(caller: Caller, access: Access, request: FastifyRequest, reply: FastifyReply): PosthornError | undefined {
    const { key } = caller
    const rate = key === null ? undefined : this.#rates.take(key)
    if (rate !== undefined) {
      reply.headers(rate.headers)
      if (!rate.isAllowed) {
        const { retryAfterSeconds } = rate
        return new PosthornError(
          'rate_limited',
          'This API key has reached its rate limit. Try again after the number of seconds in Retry-After.',
          {
            retryAfterSeconds,
          },
        )
      }
    }
    const { tenant } = (request.params ?? {}) as { tenant?: string }
    return portalRefusal(caller, access, request.routeOptions.config.portal) ?? accessRefusal(caller, access, tenant)
  }

  /**
   * Whether a call that lasts could go on.
   *
   * @param now the caller by the same header or cookie. Undefined: its key or session is no longer valid
   */
  isStillAllowed({ caller, routeOptions, params }: FastifyRequest, now: Caller | undefined): boolean {
    if (caller === null || now === undefined) return false
    if (caller.key?.id !== now.key?.id || caller.session?.id !== now.session?.id) return false
    const { access = 'open' } = routeOptions.config
    const isAllowed = accessRefusal(now, access, (params as { tenant?: string } | undefined)?.tenant) === undefined
    return isAllowed && maySeePayloads(now) === maySeePayloads(caller)
  }

  actorOf(request: FastifyRequest): Actor {
    const { caller } = request
    const address = this.addressOf(request)
    if (caller === null) throw new Error('A call without a key has no actor')
    if (caller.portal !== undefined) {
      return { kind: 'portal', key: caller.portal.madeBy, name: caller.portal.user, address }
    }
    if (caller.person !== undefined) return actorOfPerson(caller.person, address)
    if (caller.key === null) return { kind: 'root', key: null, name: null, address }
    return { kind: 'key', key: caller.key.id, name: caller.key.name, address }
  }

  addressOf({ socket, headers }: FastifyRequest): string | null {
    return clientAddress(socket.remoteAddress, headers['x-forwarded-for'], this.#options.trustedProxies)
  }

  /** Whether the call comes from a program on this machine, and no proxy says that it has forwarded it. */
  isLocal({ socket, headers }: FastifyRequest): boolean {
    const peer = plainAddress(socket.remoteAddress ?? '')
    const isForwarded = [headers['x-forwarded-for'], headers.forwarded, headers.via].some(each => each !== undefined)
    return (peer === '::1' || peer.startsWith('127.')) && !isForwarded
  }

  /** Sends all delayed responses now. */
  close(): void {
    this.#failures.release()
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** null: the route needs no key. */
    caller: Caller | null
    /** The caller as the audit log records it. */
    readonly actor: Actor
    /** Whether the caller's key or session is still valid: for calls that last. Doesn't count as a use of the session. */
    isStillAllowed(): boolean
    /** The address that the call came from. Null if it is unknown. */
    readonly clientAddress: string | null
    /** Whether the call comes from this machine. */
    readonly isLocal: boolean
    /** Whether the caller can see payloads and what receivers responded. Only for routes that say `payloads`. */
    readonly seesPayloads: boolean
  }
  interface FastifyContextConfig {
    /** The access that the route needs; every route sets it (routes.ts). */
    access?: Access
    /** See routes.ts. */
    payloads?: 'shown'
    /** See routes.ts. */
    portal?: PortalNeeds
    /** Maximum size of a response, in bytes. The default is in load.ts. */
    answerBytes?: number
    payloadsIn?: string
    /** Whether the call waits while its caller has several such calls in progress. Default: true for a GET. */
    isCostly?: boolean
    /** See routes.ts. */
    tooLarge?: string
  }
}
