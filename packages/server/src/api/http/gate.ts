import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import { PosthornError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Actor, ApiKey } from '../../base/model.ts'
import type { Network } from '../../guard/address.ts'
import { type Access, accessRefusal } from './access.ts'
import { clientAddress } from './client-address.ts'
import { FailedAuthentications } from './failed-authentications.ts'
import { RateLimits } from './rate-limits.ts'

/** Whoever has shown a key. `key` is null for the root key. */
export type Caller = { readonly key: ApiKey | null }

export type GateOptions = {
  /** Who has the key; undefined: nobody. A wrong key takes the same time whichever it is. */
  readonly identify: (key: string) => Caller | undefined
  /** Networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly Network[]
  readonly clock: Clock
  readonly logger: Logger
}

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i

/** Who calls, and whether they may: the first thing that is asked of every call. */
export class Gate {
  readonly #options: GateOptions
  readonly #failures: FailedAuthentications
  readonly #rates: RateLimits

  constructor(options: GateOptions) {
    this.#options = options
    this.#failures = new FailedAuthentications(options.clock, options.logger)
    this.#rates = new RateLimits(options.clock)
  }

  get failedAuthentications(): number {
    return this.#failures.total
  }

  authenticate({ headers: { authorization } }: FastifyRequest): Caller | undefined {
    const key = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
    return key === undefined ? undefined : this.#options.identify(key)
  }

  /**
   * Refuses a call without a right key: late, if there were many with wrong ones, or by closing the connection if there
   * are very many. No key at all is no guess.
   */
  turnAway(request: FastifyRequest, refuse: (error: PosthornError) => void): void {
    const error = new PosthornError('unauthorized', 'Send the API key as `Authorization: Bearer <key>`.')
    if (request.headers.authorization === undefined) refuse(error)
    else {
      const close = () => request.raw.destroy()
      this.#failures.add(this.addressOf(request), () => refuse(error), close)
    }
  }

  /** Undefined if the caller may make the call now, else the refusal. */
  refusal({ key }: Caller, access: Access, request: FastifyRequest, reply: FastifyReply): PosthornError | undefined {
    const rate = key === null ? undefined : this.#rates.take(key)
    if (rate !== undefined) {
      reply.headers(rate.headers)
      if (!rate.isAllowed) {
        const { retryAfterSeconds } = rate
        return new PosthornError('rate_limited', 'The key has made as many calls as it may: wait.', {
          retryAfterSeconds,
        })
      }
    }
    return accessRefusal(key, access, (request.params as { tenant?: string } | undefined)?.tenant)
  }

  actorOf(request: FastifyRequest): Actor {
    const { caller } = request
    const address = this.addressOf(request)
    if (caller === null) throw new Error('A call without a key changes nothing')
    if (caller.key === null) return { kind: 'root', key: null, name: null, address }
    return { kind: 'key', key: caller.key.id, name: caller.key.name, address }
  }

  addressOf({ socket, headers }: FastifyRequest): string | null {
    return clientAddress(socket.remoteAddress, headers['x-forwarded-for'], this.#options.trustedProxies)
  }

  /** Answers at once what was to be answered late. */
  close(): void {
    this.#failures.release()
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** null: the call needs no key. */
    caller: Caller | null
    /** Who makes the call, as the audit log names it. */
    readonly actor: Actor
  }
  interface FastifyContextConfig {
    /** Which key the route needs; every route says it (routes.ts). */
    access?: Access
    /** The most that an answer comes to, bytes. Default: load.ts. */
    answerBytes?: number
  }
}
