/**
 * The `Idempotency-Key` header, on every call that makes something. The same call with the same key gets the same
 * response, and makes nothing twice: the response is stored in the transaction that makes the thing
 * (store/operations/idempotent-calls.ts). Calls without the header touch none of this.
 */
import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import type { FastifyReply, FastifyRequest, preValidationHookHandler } from 'fastify'
import { Type } from 'typebox'
import { PosthornError } from '../../base/errors.ts'
import { isTenantId } from '../../base/tenant-id.ts'
import type { CallResponse, IdempotentCall, IdempotentCalls, MadeResponse } from '../../services/idempotent-calls.ts'
import { CallRepeated, type Keep, type KeptCall, scopeOf } from '../../store/operations/idempotent-calls.ts'
import { tokenOf } from './gate.ts'
import { UNCHECKED } from './validation.ts'

const NAME = 'idempotency-key'
const MAX_CHARACTERS = 255
const RETRY_SECONDS = 1

/** What a handler answers with, and keeps for when the call is repeated. */
export type Made<Body> = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Body
  /** Id of what was made. Default: none. */
  readonly madeId?: string
  /** Whether the body contains a secret that is shown only once. Default: false. */
  readonly hasSecret?: boolean
}

/** A call that carries the header, from its arrival to its response. */
export class OnceCall {
  readonly call: IdempotentCall
  readonly #calls: Pick<IdempotentCalls, 'toKept' | 'keep'>

  constructor(call: IdempotentCall, calls: Pick<IdempotentCalls, 'toKept' | 'keep'>) {
    this.call = call
    this.#calls = calls
  }

  /** For a service: stores the response together with what is made. */
  keeping<Result>(toMade: (result: Result) => Made<unknown>): Keep<Result> {
    return result => this.#calls.toKept(this.call, responseOf(toMade(result)))
  }

  /** For publishing, whose response is completed in the transaction. */
  keepingStatus(status: number): KeptCall {
    return this.#calls.toKept(this.call, responseOf({ status, body: null }))
  }

  /** Stores the response to a call that made nothing. */
  async keepNothing(made: Made<unknown>): Promise<void> {
    if (!(await this.#calls.keep(this.call, responseOf(made)))) throw new CallRepeated()
  }
}

function responseOf({ status, headers = {}, body, madeId, hasSecret = false }: Made<unknown>): MadeResponse {
  return { status, headers, body: JSON.stringify(body), madeId: madeId ?? null, hasSecret }
}

export class Idempotency {
  readonly #calls: Pick<IdempotentCalls, 'find' | 'toKept' | 'keep'>
  /** The hash of each call in flight on this node, by scope and key. */
  readonly #inFlight = new Map<string, Uint8Array>()

  constructor(calls: Pick<IdempotentCalls, 'find' | 'toKept' | 'keep'>) {
    this.#calls = calls
  }

  /** Before validation, so that another body is a conflict whether or not it is valid. */
  readonly preValidation: preValidationHookHandler = (request, reply, done) => {
    if (request.headers[NAME] === undefined) done()
    else {
      this.#begin(request).then(response => {
        if (response === null) done()
        else replay(reply, response)
      }, done)
    }
  }

  /** Runs the handler of a call that carries the header. */
  async run(request: FastifyRequest, reply: FastifyReply, handler: () => unknown): Promise<unknown> {
    try {
      return await handler()
    } catch (error) {
      if (!(error instanceof CallRepeated)) throw error
      // Another node was faster.
      const response = await this.#calls.find(request.once!.call)
      if (response === null) throw inFlight()
      return replay(reply, response)
    } finally {
      this.end(request)
    }
  }

  /** The call has its response, or is about to get it: from here on it can be repeated. */
  end(request: FastifyRequest): void {
    if (request.once === null) return
    const name = nameOf(request.once.call)
    if (this.#inFlight.get(name) === request.once.call.hash) this.#inFlight.delete(name)
  }

  /** Returns the response to the same call if it was made before. */
  async #begin(request: FastifyRequest): Promise<CallResponse | null> {
    const key = keyOf(request)
    const { tenant } = request.params as { tenant?: string }
    // The handler answers with `not_found`.
    if (tenant !== undefined && !isTenantId(tenant)) return null
    const scope = scopeOf(request.caller!.key?.id ?? null, tenant)
    const call = { scope, key, hash: hashOf(request) }
    const name = nameOf(call)
    const running = this.#inFlight.get(name)
    if (running !== undefined) throw Buffer.compare(running, call.hash) === 0 ? inFlight() : otherInFlight()
    this.#inFlight.set(name, call.hash)
    request.once = new OnceCall(call, this.#calls)
    return this.#calls.find(call)
  }
}

const nameOf = ({ scope, key }: IdempotentCall): string => `${scope}\n${key}`

/** Throws `bad_request` if the header is there twice, and `invalid` if its value is. */
function keyOf({ headers, raw }: FastifyRequest): string {
  const names = raw.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === NAME)
  if (names.length > 1) {
    throw new PosthornError('bad_request', 'The request has more than one Idempotency-Key header. Send one.')
  }
  const key = headers[NAME] as string
  const fault = faultOf(key)
  if (fault === undefined) return key
  throw new PosthornError('invalid', `Idempotency-Key: ${fault.detail}`, {
    fields: [{ field: 'Idempotency-Key', ...fault }],
  })
}

function faultOf(key: string): { detail: string; position?: number } | undefined {
  if (key.length === 0) return { detail: 'The value is empty. Send a value of your own, such as a UUID.' }
  if (key.length > MAX_CHARACTERS) {
    return { detail: `The value has ${key.length} characters, but can have at most ${MAX_CHARACTERS}.` }
  }
  const position = key.search(/[^!-~]/)
  if (position < 0) return undefined
  return { detail: 'The value can contain only visible ASCII characters, without spaces.', position }
}

/**
 * Of method, path and body, under the caller's API key or the token of its session: bodies contain secrets, and anyone
 * who has the store must not be able to try out what hashes to this.
 */
function hashOf({ method, url, headers, body, bodyBytes, caller }: FastifyRequest): Uint8Array {
  const bytes = bodyBytes ?? (body instanceof Uint8Array ? body : '')
  const secret = caller?.session?.token ?? tokenOf(headers.authorization)!
  const hmac = createHmac('sha256', secret).update(`${method} ${url}\n`).update(bytes)
  return Uint8Array.from(hmac.digest())
}

function replay(reply: FastifyReply, { status, headers, body }: CallResponse): FastifyReply {
  return reply
    .code(status)
    .headers({ ...headers, 'content-type': 'application/json; charset=utf-8', 'idempotency-replayed': 'true' })
    .send(body)
}

function inFlight(): PosthornError {
  const detail = 'The same call is still being processed. Repeat it after the number of seconds in Retry-After.'
  return new PosthornError('call_in_flight', detail, { retryAfterSeconds: RETRY_SECONDS })
}

function otherInFlight(): PosthornError {
  const detail = 'Another request with this key is being processed. Use a different key for each request.'
  return new PosthornError('idempotency_conflict', detail, { fields: [{ field: 'Idempotency-Key', detail }] })
}

/** The header in the OpenAPI document. */
export const IdempotencyHeaders = {
  ...Type.Object({
    'Idempotency-Key': Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_CHARACTERS,
        pattern: '^[!-~]+$',
        description:
          'A value of your own for this call, such as a UUID. For 24 hours, the same call with the same value gets the ' +
          'same response and makes nothing again, and a different call with it is refused. Belongs to the API key and ' +
          'the tenant.',
        examples: ['3f1f1b4e-8a55-4a0c-9c5e-6f0d1f1c2a77'],
      }),
    ),
  }),
  [UNCHECKED]: true,
}

/** A header of responses to repeated calls, in the OpenAPI document. */
export const Replayed = {
  'Idempotency-Replayed': {
    type: 'string',
    description: '`true` if the call was made before with the same `Idempotency-Key`, and this is its response.',
  },
}

declare module 'fastify' {
  interface FastifyRequest {
    /** null: the call has no `Idempotency-Key`, or makes nothing. */
    once: OnceCall | null
    /** The body as received, if the call has an `Idempotency-Key` and its body was parsed. */
    bodyBytes: Buffer | null
  }
}
