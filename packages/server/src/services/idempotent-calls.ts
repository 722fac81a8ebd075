import { DAY_MS, MINUTE_MS } from '../base/durations.ts'
import { PosthornError } from '../base/errors.ts'
import { type Keyring, SecretUnreadable } from '../secrets/keyring.ts'
import {
  type CallName,
  type KeptCall,
  packResponse,
  type StoredCall,
  unpackResponse,
} from '../store/operations/idempotent-calls.ts'
import type { Store } from '../store/store.ts'

/** How long a call and its response are kept. */
const KEPT_MS = DAY_MS
/** How long a response that contains a secret is kept. */
const SECRET_KEPT_MS = 10 * MINUTE_MS

/** A call with an `Idempotency-Key`. */
export type IdempotentCall = CallName & {
  /** Identifies the request: its method, path and body. Equal for equal requests of the same API key. */
  readonly hash: Uint8Array
}

export type CallResponse = {
  readonly status: number
  /** The headers that belong to the response itself, such as Location, in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body: string
}

export type MadeResponse = CallResponse & {
  /** Id of what the call made. Null if it has none. */
  readonly madeId: string | null
  /** Whether the body contains a secret that is shown only once. */
  readonly hasSecret: boolean
}

/** Calls with an `Idempotency-Key`: what was made by them, and the responses, for a day. */
export class IdempotentCalls {
  readonly #store: Pick<Store, 'read' | 'write' | 'now'>
  readonly #keyring: Keyring

  constructor(store: Pick<Store, 'read' | 'write' | 'now'>, keyring: Keyring) {
    this.#store = store
    this.#keyring = keyring
  }

  /**
   * The response to the same call if it was made before, or null. Throws `idempotency_conflict` if the key was used for
   * another request, and `already_made` if the response contained a secret and is no longer kept.
   */
  async find(call: IdempotentCall): Promise<CallResponse | null> {
    const { scope, key, hash } = call
    const nowMs = this.#store.now()
    const found = await this.#store.read('findCall', { scope, key, nowMs })
    if (found === null) return null
    if (Buffer.compare(found.hash, hash) !== 0) throw conflict()
    const stored = (await this.#store.write('confirmCall', { scope, key, nowMs })) ?? found
    const packed = this.#open(call, stored, nowMs)
    if (packed === null) throw alreadyMade(stored.madeId)
    return { status: stored.status, ...unpackResponse(packed) }
  }

  /** The call as it is stored in the transaction that makes what it asks for. */
  toKept({ scope, key, hash }: IdempotentCall, { madeId, hasSecret, ...response }: MadeResponse): KeptCall {
    const madeMs = this.#store.now()
    const packed = packResponse(response)
    return {
      scope,
      key,
      hash,
      madeId,
      madeMs,
      expiresMs: madeMs + KEPT_MS,
      status: response.status,
      response: hasSecret ? this.#keyring.seal(sealName(scope, key), packed) : new TextEncoder().encode(packed),
      sealedUntilMs: hasSecret ? madeMs + SECRET_KEPT_MS : null,
    }
  }

  /** Stores a call that succeeded without making anything. Returns false if it was made before. */
  keep(call: IdempotentCall, response: CallResponse): Promise<boolean> {
    const kept = this.toKept(call, { ...response, madeId: null, hasSecret: false })
    return this.#store.write('recordCall', { call: kept })
  }

  /** Null if the response contained a secret and is no longer shown. */
  #open({ scope, key }: IdempotentCall, { response, sealedUntilMs }: StoredCall, nowMs: number): string | null {
    if (response === null) return null
    if (sealedUntilMs === null) return Buffer.from(response).toString()
    if (sealedUntilMs <= nowMs) return null
    try {
      return this.#keyring.open(sealName(scope, key), response)
    } catch (error) {
      // The encryption key was replaced in the meantime.
      if (error instanceof SecretUnreadable) return null
      throw error
    }
  }
}

/** Binds a sealed response to its call: copied to another row, it doesn't open. No scope contains a line break. */
const sealName = (scope: string, key: string): string => `idempotent call\n${scope}\n${key}`

function conflict(): PosthornError {
  const detail =
    'This key was already used for another request: another method, path, query or body. Use a different key for ' +
    'each request, and repeat a request byte for byte.'
  return new PosthornError('idempotency_conflict', detail, { fields: [{ field: 'Idempotency-Key', detail }] })
}

function alreadyMade(made: string | null): PosthornError {
  const what = made === null ? '' : ` It made ${made}.`
  const detail =
    `This call was already made.${what} Its response contained a secret, which is shown for ten minutes only. Replace ` +
    'what the call made, with a different key, if you do not have the secret.'
  return new PosthornError('already_made', detail, made === null ? {} : { made })
}
