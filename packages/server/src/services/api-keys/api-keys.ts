import { type Actor, type ApiKey, SYSTEM } from '../../base/callers.ts'
import type { FieldError } from '../../base/errors.ts'
import { newId } from '../../base/ids.ts'
import type { ApiKeyId } from '../../base/model.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import { isTenantId } from '../../base/tenant-id.ts'
import { hashOfKey, makeKey } from '../../secrets/api-key.ts'
import { CallRepeated, type Keep } from '../../store/operations/idempotent-calls.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { checkRateLimit } from '../checks/rate-limit.ts'
import { checkId, checkPlace, invalid, notFound } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'

export type ApiKeyInput = Pick<ApiKey, 'name' | 'scope'> &
  Partial<Pick<ApiKey, 'tenant' | 'payloads' | 'rateLimit' | 'expiresAtMs'>>

export type CreatedApiKey = { readonly key: ApiKey; readonly secret: string }

const MAX_NAME_CHARACTERS = 256

/** Manages API keys, other than the root key. */
export class ApiKeys {
  readonly #store: Store
  readonly #untilInForce: () => Promise<void>

  /** @param untilInForce resolves when this process uses the keys committed before the call */
  constructor(store: Store, untilInForce: () => Promise<void>) {
    this.#store = store
    this.#untilInForce = untilInForce
  }

  /** The result is the only place that ever contains the key itself. */
  async create(input: ApiKeyInput, by: Actor = SYSTEM, keep?: Keep<CreatedApiKey>): Promise<CreatedApiKey> {
    const nowMs = this.#store.now()
    this.#check(input, nowMs)
    const { name, scope, tenant = null, payloads = true, rateLimit = null, expiresAtMs = null } = input
    const id = newId('key', nowMs)
    const times = { createdAtMs: nowMs, expiresAtMs, revokedAtMs: null }
    const key: ApiKey = { id, name, scope, tenant, payloads, rateLimit, ...times }
    const secret = makeKey()
    const created = { key, secret }
    const args = { key, hash: hashOfKey(secret), by, once: keep?.(created) }
    const result = await this.#store.write('createApiKey', args)
    if (result === 'repeated') throw new CallRepeated()
    if (!result) throw invalid([NO_TENANT])
    await this.#announce()
    return created
  }

  #check({ name, tenant, expiresAtMs, rateLimit = null }: ApiKeyInput, nowMs: number): void {
    const faults: FieldError[] = []
    if (name.length === 0 || name.length > MAX_NAME_CHARACTERS) {
      faults.push({ field: '/name', detail: `The name must be a string of 1 to ${MAX_NAME_CHARACTERS} characters.` })
    } else checkStorable(name, '/name', faults)
    if (typeof tenant === 'string' && !isTenantId(tenant)) faults.push(NO_TENANT)
    if (tenant === OPERATOR_TENANT) faults.push(OPERATORS_OWN)
    if (typeof expiresAtMs === 'number' && expiresAtMs <= nowMs) {
      faults.push({
        field: '/expiresAt',
        detail: 'The time is in the past. Use a later one, or null for a key that never expires.',
      })
    }
    checkRateLimit(rateLimit, faults)
    if (faults.length > 0) throw invalid(faults)
  }

  async get(id: ApiKeyId): Promise<ApiKey> {
    checkId('key', id, 'API key')
    const key = await this.#store.read('getApiKey', { id })
    if (key === null) throw notFound('API key')
    return key
  }

  /** Includes revoked and expired keys. */
  async list(page: Place<ApiKeyId> & { limit: number }): Promise<ApiKey[]> {
    checkPlace('key', page)
    return this.#store.read('listApiKeys', page)
  }

  /** Revokes a key. This can't be undone. */
  async revoke(id: ApiKeyId, by: Actor = SYSTEM): Promise<void> {
    checkId('key', id, 'API key')
    if ((await this.#store.write('revokeApiKey', { id, by, nowMs: this.#store.now() })) === null) {
      throw notFound('API key')
    }
    await this.#announce()
  }

  async #announce(): Promise<void> {
    this.#store.changes.emit({ kind: 'api_keys' })
    await this.#untilInForce()
  }
}

const OPERATORS_OWN: FieldError = {
  field: '/tenant',
  detail: `The tenant ${OPERATOR_TENANT} belongs to the operator. Use null for a key for all tenants.`,
}
const NO_TENANT: FieldError = {
  field: '/tenant',
  detail: 'The tenant was not found. Create it first, or use null for a key for all tenants.',
}
