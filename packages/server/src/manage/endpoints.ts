/**
 * What people do to endpoints. A change of state is one small commit, which is what counts from then on; its
 * deliveries follow in chunks, and if a crash cuts that short the engine goes on with it.
 */
import { randomInt } from 'node:crypto'
import { type Clock, systemClock } from '../clock.ts'
import { type FieldError, PosthornError } from '../errors.ts'
import { type Resolution, type Resolver, resolveTarget } from '../guard/lookup.ts'
import type { Target, TargetPolicy } from '../guard/target.ts'
import { newId } from '../ids.ts'
import { type Keyring, SecretUnreadable } from '../keys.ts'
import {
  type Actor,
  type Endpoint,
  type EndpointId,
  type EventType,
  PARTITION_COUNT,
  SYSTEM,
  type TenantId,
} from '../model.ts'
import { adviseOnSecret } from '../secret.ts'
import { cancelAll, holdAll, releaseAll } from '../store/chunks.ts'
import type { Store } from '../store/store.ts'
import { type CheckedInput, checkEndpointInput, checkRequired, type EndpointInput } from './endpoint-input.ts'
import { checkId, checkIdParameter, invalid, notFound, requireTenant } from './refusals.ts'

export type { EndpointInput } from './endpoint-input.ts'

/** Something worth changing about an endpoint that is accepted nevertheless (C8). */
export type Warning = { readonly code: string; readonly detail: string }

export type EndpointResult = { readonly endpoint: Endpoint; readonly warnings: Warning[] }

export type EndpointsOptions = {
  readonly policy: TargetPolicy
  /** How many endpoints a tenant can have; any number by default. */
  readonly maxEndpoints?: number
  /** Looks names up; the system's by default. */
  readonly resolver?: Resolver
  /** The catalogue's event types. */
  readonly types: () => Promise<readonly EventType[]>
  /** Bounds the wait for a name server; the system's by default. */
  readonly clock?: Clock
}

/** A name server that takes longer counts as one that knows no answer. */
const LOOKUP_TIMEOUT_MS = 3_000
/** Tries of an update against others of the same moment. */
const MAX_TRIES = 5

export class Endpoints {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #options: EndpointsOptions

  constructor(store: Store, keyring: Keyring, options: EndpointsOptions) {
    this.#store = store
    this.#keyring = keyring
    this.#options = options
  }

  async create(tenant: TenantId, input: EndpointInput, by: Actor = SYSTEM): Promise<EndpointResult> {
    await requireTenant(this.#store, tenant)
    const faults: FieldError[] = []
    checkRequired(input, faults)
    const { checked, resolution } = await this.#check(input, faults)
    const nowMs = this.#store.now()
    const id = newId('ep', nowMs)
    const endpoint: Endpoint = {
      id,
      tenant,
      partition: randomInt(PARTITION_COUNT),
      url: checked.target!.url.href,
      ...this.#sealed(id, checked.clientSecret!),
      types: null,
      description: null,
      metadata: {},
      headers: {},
      schedule: null,
      timeoutMs: null,
      rateLimit: null,
      ordered: false,
      ...checked.settings,
      state: 'enabled',
      disabledReason: null,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    }
    const { maxEndpoints } = this.#options
    const limit = maxEndpoints === undefined ? {} : { maxEndpoints }
    const result = await this.#store.write('createEndpoint', { endpoint, by, ...limit })
    if (result === 'no_tenant') throw notFound('tenant')
    if (result === 'too_many') throw tooMany(maxEndpoints)
    this.#tell('endpoint', endpoint)
    return { endpoint, warnings: await this.#allWarnings(endpoint, resolution) }
  }

  /** Changes what the patch names and leaves the rest. The next attempt of each delivery uses it. */
  async update(
    tenant: TenantId,
    id: EndpointId,
    patch: Partial<EndpointInput>,
    by: Actor = SYSTEM,
  ): Promise<EndpointResult> {
    let before = await this.get(tenant, id)
    const { checked, resolution } = await this.#check(patch, [])
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const endpoint = this.#patched(before, checked)
      if (await this.#store.write('updateEndpoint', { endpoint, by, readAtMs: before.updatedAtMs })) {
        this.#tell('endpoint', endpoint)
        return { endpoint, warnings: await this.#allWarnings(endpoint, resolution) }
      }
      before = await this.get(tenant, id)
    }
    throw new PosthornError('conflict', 'The endpoint is being changed by others: try again.')
  }

  async get(tenant: TenantId, id: EndpointId): Promise<Endpoint> {
    checkId('ep', id, 'endpoint')
    const endpoint = await this.#store.read('getEndpoint', { tenant, id })
    if (endpoint === null) throw notFound('endpoint')
    return endpoint
  }

  /** Newest first, those before `before`. */
  async list(tenant: TenantId, page: { before: EndpointId | null; limit: number }): Promise<Endpoint[]> {
    checkIdParameter('ep', page.before, 'cursor')
    await requireTenant(this.#store, tenant)
    return this.#store.read('listEndpoints', { tenant, ...page })
  }

  /** C8, as things are now: what a secret is warned for changes with time and with the other endpoints. */
  async warnings(endpoint: Endpoint): Promise<Warning[]> {
    const { tenant, id, types, sealedSecret, secretDigest } = endpoint
    let secret: string
    try {
      secret = this.#keyring.open(id, sealedSecret)
    } catch (error) {
      if (!(error instanceof SecretUnreadable)) throw error
      return [
        { code: 'secret_unreadable', detail: 'The stored secret cannot be decrypted; give the endpoint a new one.' },
      ]
    }
    const otherEndpointHasIt = await this.#store.read('isSecretShared', { tenant, digest: secretDigest, except: id })
    return adviseOnSecret({
      secret,
      typeCount: types?.length ?? 0,
      allTypes: types === null,
      otherEndpointHasIt,
      nowMs: this.#store.now(),
    })
  }

  /** Deletes the endpoint and cancels what was still owed to it (C13). */
  async remove(tenant: TenantId, id: EndpointId, by: Actor = SYSTEM): Promise<void> {
    checkId('ep', id, 'endpoint')
    await requireTenant(this.#store, tenant)
    const partition = await this.#store.write('deleteEndpoint', { tenant, id, by, nowMs: this.#store.now() })
    if (partition === null) throw notFound('endpoint')
    // Before its deliveries are cancelled, so that its lane stops at once, and after.
    this.#tell('endpoint', { tenant, id, partition })
    await cancelAll(this.#store, { partition, endpoint: id })
    this.#tell('lane', { tenant, id, partition })
  }

  /** Holds what is pending, and what is published from now on (C13). */
  async disable(tenant: TenantId, id: EndpointId, by: Actor = SYSTEM): Promise<Endpoint> {
    const endpoint = await this.#setState(tenant, id, 'disabled', by)
    await holdAll(this.#store, { partition: endpoint.partition, endpoint: id })
    this.#tell('lane', endpoint)
    return endpoint
  }

  /** What was held meanwhile is released, due now, or cancelled. */
  async enable(
    tenant: TenantId,
    id: EndpointId,
    { held }: { held: 'release' | 'cancel' },
    by: Actor = SYSTEM,
  ): Promise<Endpoint> {
    const { partition } = await this.get(tenant, id)
    const of = { partition, endpoint: id }
    // Cancelled before it is enabled: should a crash come between, nothing may go out that was to be cancelled.
    if (held === 'cancel') await cancelAll(this.#store, of, 'held')
    const endpoint = await this.#setState(tenant, id, 'enabled', by)
    // And once more after it, for what was published and held between the two.
    if (held === 'cancel') await cancelAll(this.#store, of, 'held')
    else await releaseAll(this.#store, of)
    this.#tell('lane', endpoint)
    return endpoint
  }

  async #setState(tenant: TenantId, id: EndpointId, state: Endpoint['state'], by: Actor): Promise<Endpoint> {
    checkId('ep', id, 'endpoint')
    await requireTenant(this.#store, tenant)
    const reason = state === 'disabled' ? 'manual' : null
    const nowMs = this.#store.now()
    const endpoint = await this.#store.write('setEndpointState', { tenant, id, state, reason, by, nowMs })
    if (endpoint === null) throw notFound('endpoint')
    this.#tell('endpoint', endpoint)
    return endpoint
  }

  /** Throws one refusal with all that is wrong. */
  async #check(
    input: Partial<EndpointInput>,
    faults: FieldError[],
  ): Promise<{ checked: CheckedInput; resolution: Resolution | undefined }> {
    const { policy, types } = this.#options
    const known = new Set((await types()).map(({ name }) => name))
    const checked = checkEndpointInput(input, known, policy, faults)
    const resolution = checked.target === undefined ? undefined : await this.#resolve(checked.target)
    if (resolution !== undefined && 'refused' in resolution) {
      // Which address it was is the business of whoever runs the name server: it may tell of the network inside.
      const detail = `Use a host with a public address; this one leads to an address that is not (${resolution.refused}).`
      faults.push({ field: '/url', detail, reason: 'address_not_public' })
    }
    if (faults.length > 0) throw invalid(faults)
    return { checked, resolution }
  }

  /** C3: where the name leads now. It is asked again at each connection. */
  async #resolve({ host }: Target): Promise<Resolution> {
    const { policy, resolver, clock = systemClock } = this.#options
    const { promise: tooLate, resolve } = Promise.withResolvers<Resolution>()
    const timer = clock.after(LOOKUP_TIMEOUT_MS, () => resolve({ unresolved: true, code: 'ETIMEOUT' }))
    try {
      return await Promise.race([resolveTarget(host, policy, resolver), tooLate])
    } finally {
      timer.cancel()
    }
  }

  #patched(before: Endpoint, { target, clientSecret, settings }: CheckedInput): Endpoint {
    return {
      ...before,
      ...(target === undefined ? {} : { url: target.url.href }),
      ...(clientSecret === undefined ? {} : this.#sealed(before.id, clientSecret)),
      ...settings,
      // Rises with each change, also within a millisecond: an update is refused by it if it read an older state.
      updatedAtMs: Math.max(this.#store.now(), before.updatedAtMs + 1),
    }
  }

  #sealed(id: EndpointId, secret: string): Pick<Endpoint, 'sealedSecret' | 'secretDigest'> {
    return { sealedSecret: this.#keyring.seal(id, secret), secretDigest: this.#keyring.digest(secret) }
  }

  async #allWarnings(endpoint: Endpoint, resolution: Resolution | undefined): Promise<Warning[]> {
    const warnings = await this.warnings(endpoint)
    if (resolution === undefined || !('unresolved' in resolution)) return warnings
    const detail = 'The name of the host leads nowhere now; attempts will fail until it does.'
    return [{ code: 'host_unresolved', detail }, ...warnings]
  }

  #tell(kind: 'endpoint' | 'lane', { tenant, id, partition }: Pick<Endpoint, 'tenant' | 'id' | 'partition'>): void {
    this.#store.changes.tell({ kind, tenant, endpoint: id, partition })
  }
}

function tooMany(maxEndpoints: number | undefined): PosthornError {
  const detail = `The tenant has ${maxEndpoints} endpoints, as many as the setting maxEndpoints allows: delete some first.`
  return new PosthornError('conflict', detail)
}
