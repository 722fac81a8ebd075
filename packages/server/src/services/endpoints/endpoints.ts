import { randomInt } from 'node:crypto'
import { DAY_MS } from '../../base/durations.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { newId } from '../../base/ids.ts'
import {
  type Actor,
  type Endpoint,
  type EndpointId,
  type EventType,
  isOperational,
  OPERATOR_TENANT,
  PARTITION_COUNT,
  SYSTEM,
  type TenantId,
  WELL,
} from '../../base/model.ts'
import { OPERATIONAL_TYPES } from '../../catalogue/operational-types.ts'
import type { Resolution } from '../../guard/lookup.ts'
import type { TargetPolicy } from '../../guard/target.ts'
import {
  MAX_LIVE_SIGNING_SECRETS,
  makeSigningSecret,
  rotateSigning,
  type SigningSecret,
} from '../../secrets/credentials.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import { templateOf } from '../../secrets/request-template.ts'
import { cancelAll, holdAll, releaseAll } from '../../store/in-steps.ts'
import { CallRepeated, type Keep, type KeptCall } from '../../store/operations/idempotent-calls.ts'
import type { Store } from '../../store/store.ts'
import { checkId, checkIdParameter, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { type Described, describeAuthentication } from './authentication.ts'
import { changesCredentials, createCredentials } from './credentials-input.ts'
import { adviseOnFilterOf } from './filter-advice.ts'
import { adviseOnHealth } from './health.ts'
import { adviseOnHost, checkResolution, type LookupOptions, resolveHost } from './host.ts'
import { type CheckedInput, checkEndpointInput, checkRequired, type EndpointInput } from './input.ts'
import { namesOf, SealedCredentials, shownOnce } from './sealed-credentials.ts'
import { adviseOnTypes } from './wanted-types.ts'

export type { EndpointInput } from './input.ts'

export type EndpointResult = Described & {
  readonly endpoint: Endpoint
  /** A generated signing secret, which is returned only once; null: none was generated. */
  readonly signingSecret: string | null
}

/** Settings, with their own names. */
export type EndpointsSettings = TargetPolicy & {
  /** Default: no limit. */
  readonly maxEndpoints?: number
  /** Default: no limit. */
  readonly maxSelectionCharacters?: number
  /** Default: 5. */
  readonly disableAfterDays?: number
}

/** Attempts to store an update that conflicts with concurrent ones. */
const MAX_TRIES = 5
const DISABLE_AFTER_DAYS = 5

/**
 * Creates, changes and deletes endpoints. A change of state is one small commit and takes effect with it; the
 * endpoint's deliveries follow in chunks, and the engine completes them if a crash interrupts that.
 */
export class Endpoints {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #credentials: SealedCredentials
  readonly #settings: EndpointsSettings
  readonly #types: () => Promise<readonly EventType[]>
  readonly #lookup: LookupOptions

  /** @param types the catalogue's event types */
  constructor(
    store: Store,
    keyring: Keyring,
    settings: EndpointsSettings,
    types: () => Promise<readonly EventType[]>,
    lookup: LookupOptions = {},
  ) {
    this.#store = store
    this.#keyring = keyring
    this.#credentials = new SealedCredentials(store, keyring)
    this.#settings = settings
    this.#types = types
    this.#lookup = lookup
  }

  async create(
    tenant: TenantId,
    input: EndpointInput,
    by: Actor = SYSTEM,
    keep?: Keep<EndpointResult>,
  ): Promise<EndpointResult> {
    await requireTenant(this.#store, tenant)
    const faults: FieldError[] = []
    checkRequired(input, faults)
    if (tenant === OPERATOR_TENANT) checkOperatorTypes(input.types ?? null, faults)
    const { checked, resolution } = await this.#check(input, faults)
    const nowMs = this.#store.now()
    const id = newId('ep', nowMs)
    const credentials = createCredentials(checked.credentials, nowMs)
    const endpoint: Endpoint = {
      id,
      tenant,
      partition: randomInt(PARTITION_COUNT),
      url: checked.target!.url.href,
      ...this.#credentials.seal(id, credentials),
      types: null,
      filter: null,
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
      health: WELL,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    }
    const { maxEndpoints, maxSelectionCharacters } = this.#settings
    const limit = { ...(maxEndpoints === undefined ? {} : { maxEndpoints }), maxSelectionCharacters }
    const template = templateOf(endpoint, credentials)
    const wasGiven = input.signingSecret !== undefined
    const result = await this.#result(endpoint, resolution, wasGiven ? null : shownOnce(credentials.signing[0]!))
    const created = await this.#store.write('createEndpoint', {
      endpoint,
      template,
      by,
      ...limit,
      once: keep?.(result),
    })
    if (created === 'repeated') throw new CallRepeated()
    if (created === 'no_tenant') throw notFound('tenant')
    if (created === 'too_many') throw tooMany(maxEndpoints)
    if (created === 'too_large') throw tooLarge(maxSelectionCharacters)
    this.#emit('endpoint', endpoint)
    return result
  }

  /** Changes the fields in the patch and keeps the others. The next attempt of each delivery uses the new values. */
  async update(
    tenant: TenantId,
    id: EndpointId,
    patch: Partial<EndpointInput>,
    by: Actor = SYSTEM,
  ): Promise<EndpointResult> {
    const before = await this.get(tenant, id)
    const faults: FieldError[] = []
    if (tenant === OPERATOR_TENANT && patch.types !== undefined) checkOperatorTypes(patch.types, faults)
    const { checked, resolution } = await this.#check(patch, faults, before.types)
    const credentials = namesOf(checked.credentials)
    const wasReadable = this.#credentials.open(before) !== undefined
    const endpoint = await this.#change(before, by, credentials, endpoint => this.#patched(endpoint, checked))
    const made = wasReadable ? undefined : this.#credentials.open(endpoint)?.signing[0]
    return this.#result(endpoint, resolution, made === undefined ? null : shownOnce(made))
  }

  /**
   * Applies a change to the endpoint's current state, and again if a concurrent change came first.
   *
   * @param keep returns the call to be stored with the change
   */
  async #change(
    before: Endpoint,
    by: Actor,
    credentials: readonly string[],
    change: (before: Endpoint) => Endpoint,
    keep?: (after: Endpoint) => Promise<KeptCall>,
  ): Promise<Endpoint> {
    const { tenant, id } = before
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      // Increases with every change, even within a millisecond, so that an update based on an older state is refused.
      const updatedAtMs = Math.max(this.#store.now(), before.updatedAtMs + 1)
      const endpoint = { ...change(before), updatedAtMs }
      const once = await keep?.(endpoint)
      const opened = this.#credentials.open(endpoint)
      const template = opened && templateOf(endpoint, opened)
      const { maxSelectionCharacters } = this.#settings
      const args = {
        ...{ endpoint, template, by, credentials, readAtMs: before.updatedAtMs, once },
        maxSelectionCharacters,
      }
      const updated = await this.#store.write('updateEndpoint', args)
      if (updated === 'repeated') throw new CallRepeated()
      if (updated === 'too_large') throw tooLarge(maxSelectionCharacters)
      if (updated) {
        this.#emit('endpoint', endpoint)
        return endpoint
      }
      before = await this.get(tenant, id)
    }
    throw new PosthornError('conflict', 'The endpoint is being changed by other requests. Try again.')
  }

  async get(tenant: TenantId, id: EndpointId): Promise<Endpoint> {
    checkId('ep', id, 'endpoint')
    const endpoint = await this.#store.read('getEndpoint', { tenant, id })
    if (endpoint === null) throw notFound('endpoint')
    return endpoint
  }

  /** Endpoints older than `before`, newest first. */
  async list(tenant: TenantId, page: { before: EndpointId | null; limit: number }): Promise<Endpoint[]> {
    checkIdParameter('ep', page.before, 'cursor')
    await requireTenant(this.#store, tenant)
    return this.#store.read('listEndpoints', { tenant, ...page })
  }

  /** How the endpoint authenticates, and warnings about it (C8), as of now. */
  async describe(endpoint: Endpoint): Promise<Described> {
    const { tenant, id, secretDigest } = endpoint
    const shared =
      secretDigest !== null && (await this.#store.read('isSecretShared', { tenant, digest: secretDigest, except: id }))
    const nowMs = this.#store.now()
    const described = describeAuthentication(endpoint, this.#credentials.open(endpoint), this.#keyring, shared, nowMs)
    const { pausedUntilMs } = endpoint.health
    const nameable = await this.#nameable()
    const warnings = [
      ...adviseOnHealth(endpoint, (this.#settings.disableAfterDays ?? DISABLE_AFTER_DAYS) * DAY_MS),
      ...described.warnings,
      ...adviseOnTypes(endpoint.types, nameable),
      ...adviseOnFilterOf(endpoint, nameable),
    ]
    return { ...described, warnings, pausedUntilMs: (pausedUntilMs ?? 0) > nowMs ? pausedUntilMs : null }
  }

  /** Replaces the signing secret immediately. The previous one stays valid for a day. */
  async rotateSigning(
    tenant: TenantId,
    id: EndpointId,
    input: { readonly signingSecret?: string; readonly signatureVersion?: SigningSecret['version'] },
    by: Actor = SYSTEM,
    keep?: Keep<EndpointResult>,
  ): Promise<EndpointResult> {
    const before = await this.get(tenant, id)
    const { checked } = await this.#check(input, [])
    const nowMs = this.#store.now()
    const version = this.#credentials.open(before)?.signing[0]?.version ?? 'v1'
    const secret = checked.credentials.signing ?? makeSigningSecret(version, nowMs)
    const change = (endpoint: Endpoint): Endpoint => {
      const credentials = rotateSigning(this.#credentials.openOrRefuse(endpoint), secret, nowMs)
      if (credentials === undefined) throw tooManySigningSecrets()
      return { ...endpoint, ...this.#credentials.seal(id, credentials) }
    }
    const shown = input.signingSecret === undefined ? shownOnce(secret) : null
    let kept: EndpointResult | undefined
    const keepResult = async (endpoint: Endpoint) => {
      kept = await this.#result(endpoint, undefined, shown)
      return keep!(kept)
    }
    const endpoint = await this.#change(before, by, ['signingSecret'], change, keep && keepResult)
    return kept ?? this.#result(endpoint, undefined, shown)
  }

  /** Deletes the endpoint and cancels its pending and held deliveries (C13). */
  async remove(tenant: TenantId, id: EndpointId, by: Actor = SYSTEM): Promise<void> {
    checkId('ep', id, 'endpoint')
    await requireTenant(this.#store, tenant)
    const partition = await this.#store.write('deleteEndpoint', { tenant, id, by, nowMs: this.#store.now() })
    if (partition === null) throw notFound('endpoint')
    // Emitted before its deliveries are cancelled, so that its lane stops immediately, and again afterwards.
    this.#emit('endpoint', { tenant, id, partition })
    await cancelAll(this.#store, { partition, endpoint: id })
    this.#emit('lane', { tenant, id, partition })
  }

  /** Holds the pending deliveries, and those of events published from now on (C13). */
  async disable(tenant: TenantId, id: EndpointId, by: Actor = SYSTEM): Promise<Endpoint> {
    const endpoint = await this.#setState(tenant, id, 'disabled', by)
    await holdAll(this.#store, { partition: endpoint.partition, endpoint: id })
    this.#emit('lane', endpoint)
    return endpoint
  }

  /** Releases the held deliveries, which are then due now, or cancels them. */
  async enable(
    tenant: TenantId,
    id: EndpointId,
    { held }: { held: 'release' | 'cancel' },
    by: Actor = SYSTEM,
  ): Promise<Endpoint> {
    const { partition } = await this.get(tenant, id)
    const of = { partition, endpoint: id }
    // Cancelled before enabling: if a crash comes in between, no delivery must be sent that was to be cancelled.
    if (held === 'cancel') await cancelAll(this.#store, of, 'held')
    const endpoint = await this.#setState(tenant, id, 'enabled', by)
    // And again afterwards, for deliveries that were held between the two.
    if (held === 'cancel') await cancelAll(this.#store, of, 'held')
    else await releaseAll(this.#store, of)
    this.#emit('lane', endpoint)
    return endpoint
  }

  async #setState(tenant: TenantId, id: EndpointId, state: Endpoint['state'], by: Actor): Promise<Endpoint> {
    checkId('ep', id, 'endpoint')
    await requireTenant(this.#store, tenant)
    const reason = state === 'disabled' ? 'manual' : null
    const nowMs = this.#store.now()
    const endpoint = await this.#store.write('setEndpointState', { tenant, id, state, reason, by, nowMs })
    if (endpoint === null) throw notFound('endpoint')
    this.#emit('endpoint', endpoint)
    return endpoint
  }

  /** The types that an endpoint can name: those of the catalogue and Posthorn's own. */
  async #nameable(): Promise<readonly EventType[]> {
    return [...(await this.#types()), ...OPERATIONAL_TYPES]
  }

  /** Throws one refusal with all faults. */
  async #check(
    input: Partial<EndpointInput>,
    faults: FieldError[],
    typesBefore: Endpoint['types'] = null,
  ): Promise<{ checked: CheckedInput; resolution: Resolution | undefined }> {
    const known = { catalogue: await this.#nameable(), before: typesBefore }
    const checked = checkEndpointInput(input, known, this.#settings, this.#store.now(), faults)
    const { target } = checked
    const resolution = target === undefined ? undefined : await resolveHost(target, this.#settings, this.#lookup)
    checkResolution(resolution, faults)
    if (faults.length > 0) throw invalid(faults)
    return { checked, resolution }
  }

  #patched(before: Endpoint, { target, credentials, settings }: CheckedInput): Endpoint {
    return {
      ...before,
      ...(target === undefined ? {} : { url: target.url.href }),
      ...(changesCredentials(credentials)
        ? this.#credentials.seal(before.id, this.#credentials.change(before, credentials))
        : {}),
      ...settings,
    }
  }

  async #result(
    endpoint: Endpoint,
    resolution: Resolution | undefined,
    signingSecret: string | null,
  ): Promise<EndpointResult> {
    const described = await this.describe(endpoint)
    const warnings = [...adviseOnHost(resolution), ...described.warnings]
    return { endpoint, ...described, warnings, signingSecret }
  }

  #emit(kind: 'endpoint' | 'lane', { tenant, id, partition }: Pick<Endpoint, 'tenant' | 'id' | 'partition'>): void {
    this.#store.changes.emit({ kind, tenant, endpoint: id, partition })
  }
}

/** The operator's tenant only gets operational events, and those go only to endpoints that name them. */
function checkOperatorTypes(types: readonly string[] | null, faults: FieldError[]): void {
  if (Array.isArray(types) && types.every(type => typeof type === 'string' && isOperational(type))) return
  const detail = `Endpoints of ${OPERATOR_TENANT} must name operational types, such as "posthorn.endpoint.disabled".`
  faults.push({ field: '/types', detail, reason: 'not_operational' })
}

function tooMany(maxEndpoints: number | undefined): PosthornError {
  const detail = `The tenant has ${maxEndpoints} endpoints, as many as maxEndpoints allows. Delete some first.`
  return new PosthornError('conflict', detail)
}

function tooLarge(maxCharacters: number | undefined): PosthornError {
  const detail = `The types and filters of all endpoints of a tenant can have ${maxCharacters?.toLocaleString('en')} characters as JSON (maxSelectionCharacters), and this tenant's would have more. Use fewer or shorter types and conditions, or delete endpoints first.`
  return new PosthornError('conflict', detail)
}

function tooManySigningSecrets(): PosthornError {
  const detail = `An endpoint has at most ${MAX_LIVE_SIGNING_SECRETS} valid signing secrets. Wait until one expires.`
  return new PosthornError('conflict', detail)
}
