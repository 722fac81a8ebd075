/**
 * What people do to endpoints. A change of state is one small commit, which is what counts from then on; its
 * deliveries follow in chunks, and if a crash cuts that short the engine goes on with it.
 */
import { randomInt } from 'node:crypto'
import { type Clock, systemClock } from '../base/clock.ts'
import { DAY_MS } from '../base/durations.ts'
import { type FieldError, PosthornError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import {
  type Actor,
  type Endpoint,
  type EndpointId,
  type EventType,
  FAILING_STAGES,
  isOperational,
  OPERATOR_TENANT,
  PARTITION_COUNT,
  SYSTEM,
  type TenantId,
  WELL,
} from '../base/model.ts'
import { OPERATIONAL_TYPES } from '../catalogue/operational-types.ts'
import { type Resolution, type Resolver, resolveTarget } from '../guard/lookup.ts'
import type { Target, TargetPolicy } from '../guard/target.ts'
import {
  type Credentials,
  clientSecretAt,
  MAX_LIVE_SIGNING_SECRETS,
  makeSigningSecret,
  readCredentials,
  rotateSigning,
  type SigningSecret,
  verificationKeyOf,
  writeCredentials,
} from '../secrets/credentials.ts'
import { type Keyring, SecretUnreadable } from '../secrets/keyring.ts'
import { cancelAll, holdAll, releaseAll } from '../store/in-steps.ts'
import type { Store } from '../store/store.ts'
import { type Described, describeAuthentication, expiryOf, type Warning } from './authentication.ts'
import { changeCredentials, changesCredentials, createCredentials } from './credentials-input.ts'
import { type CheckedInput, checkEndpointInput, checkRequired, type EndpointInput } from './endpoint-input.ts'
import { checkId, checkIdParameter, invalid, notFound, requireTenant } from './refusals.ts'
import { adviseOnTypes } from './types-input.ts'

export type { EndpointInput } from './endpoint-input.ts'

export type EndpointResult = Described & {
  readonly endpoint: Endpoint
  /** A signing secret that was made: shown this once. */
  readonly signingSecret: string | null
}

export type EndpointsOptions = {
  readonly policy: TargetPolicy
  /** How many endpoints a tenant can have; any number by default. */
  readonly maxEndpoints?: number
  /** Looks names up; the system's by default. */
  readonly resolver?: Resolver
  /** The catalogue's event types. */
  readonly types: () => Promise<readonly EventType[]>
  /** After so long without a success endpoints are disabled, milliseconds; 0: never. Five days by default. */
  readonly disableAfterMs?: number
  /** Bounds the wait for a name server; the system's by default. */
  readonly clock?: Clock
}

/** A name server that takes longer counts as one that knows no answer. */
const LOOKUP_TIMEOUT_MS = 3_000
/** Tries of an update against others of the same moment. */
const MAX_TRIES = 5
const FIVE_DAYS_MS = 5 * DAY_MS

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
      ...this.#sealed(id, credentials),
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
    const { maxEndpoints } = this.#options
    const limit = maxEndpoints === undefined ? {} : { maxEndpoints }
    const result = await this.#store.write('createEndpoint', { endpoint, by, ...limit })
    if (result === 'no_tenant') throw notFound('tenant')
    if (result === 'too_many') throw tooMany(maxEndpoints)
    this.#tell('endpoint', endpoint)
    const wasGiven = input.signingSecret !== undefined
    return this.#result(endpoint, resolution, wasGiven ? null : shownOnce(credentials.signing[0]!))
  }

  /** Changes what the patch names and leaves the rest. The next attempt of each delivery uses it. */
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
    const wasReadable = this.#open(before) !== undefined
    const endpoint = await this.#change(before, by, credentials, endpoint => this.#patched(endpoint, checked))
    const made = wasReadable ? undefined : this.#open(endpoint)?.signing[0]
    return this.#result(endpoint, resolution, made === undefined ? null : shownOnce(made))
  }

  /** Makes a change of an endpoint as it is, against others of the same moment. */
  async #change(
    before: Endpoint,
    by: Actor,
    credentials: readonly string[],
    change: (before: Endpoint) => Endpoint,
  ): Promise<Endpoint> {
    const { tenant, id } = before
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      // Rises with each change, also within a millisecond: an update is refused by it if it read an older state.
      const updatedAtMs = Math.max(this.#store.now(), before.updatedAtMs + 1)
      const endpoint = { ...change(before), updatedAtMs }
      if (await this.#store.write('updateEndpoint', { endpoint, by, credentials, readAtMs: before.updatedAtMs })) {
        this.#tell('endpoint', endpoint)
        return endpoint
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

  /** How it authenticates, and what is worth changing about that (C8), as things are now. */
  async describe(endpoint: Endpoint): Promise<Described> {
    const { tenant, id, secretDigest } = endpoint
    const shared =
      secretDigest !== null && (await this.#store.read('isSecretShared', { tenant, digest: secretDigest, except: id }))
    const nowMs = this.#store.now()
    const described = describeAuthentication(endpoint, this.#open(endpoint), this.#keyring, shared, nowMs)
    const { pausedUntilMs } = endpoint.health
    const warnings = [
      ...adviseOnHealth(endpoint, this.#options.disableAfterMs ?? FIVE_DAYS_MS),
      ...described.warnings,
      ...adviseOnTypes(endpoint.types, await this.#nameable()),
    ]
    return { ...described, warnings, pausedUntilMs: (pausedUntilMs ?? 0) > nowMs ? pausedUntilMs : null }
  }

  /** Puts another signing secret in force at once; the one before still counts for a day. */
  async rotateSigning(
    tenant: TenantId,
    id: EndpointId,
    input: { readonly signingSecret?: string; readonly signatureVersion?: SigningSecret['version'] },
    by: Actor = SYSTEM,
  ): Promise<EndpointResult> {
    const before = await this.get(tenant, id)
    const { checked } = await this.#check(input, [])
    const nowMs = this.#store.now()
    const version = this.#open(before)?.signing[0]?.version ?? 'v1'
    const secret = checked.credentials.signing ?? makeSigningSecret(version, nowMs)
    const endpoint = await this.#change(before, by, ['signingSecret'], endpoint => {
      const credentials = rotateSigning(this.#openOrRefuse(endpoint), secret, nowMs)
      if (credentials === undefined) throw tooManySigningSecrets()
      return { ...endpoint, ...this.#sealed(id, credentials) }
    })
    return this.#result(endpoint, undefined, input.signingSecret === undefined ? shownOnce(secret) : null)
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

  /** What an endpoint can name: of the catalogue, and of Posthorn's own. */
  async #nameable(): Promise<readonly EventType[]> {
    return [...(await this.#options.types()), ...OPERATIONAL_TYPES]
  }

  /** Throws one refusal with all that is wrong. */
  async #check(
    input: Partial<EndpointInput>,
    faults: FieldError[],
    typesBefore: Endpoint['types'] = null,
  ): Promise<{ checked: CheckedInput; resolution: Resolution | undefined }> {
    const { policy } = this.#options
    const known = { catalogue: await this.#nameable(), before: typesBefore }
    const checked = checkEndpointInput(input, known, policy, this.#store.now(), faults)
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

  #patched(before: Endpoint, { target, credentials, settings }: CheckedInput): Endpoint {
    return {
      ...before,
      ...(target === undefined ? {} : { url: target.url.href }),
      ...(changesCredentials(credentials) ? this.#sealed(before.id, this.#changed(before, credentials)) : {}),
      ...settings,
    }
  }

  #changed(before: Endpoint, checked: CheckedInput['credentials']): Credentials {
    const nowMs = this.#store.now()
    // A new clientSecret is a new beginning where what was there can't be opened any more.
    const opened = this.#open(before)
    if (opened === undefined && checked.clientSecret !== undefined) {
      if (checked.switchAtMs === undefined || checked.switchAtMs === null) return createCredentials(checked, nowMs)
      const detail = "The secret that it is to replace can't be read, so the new one is in force at once: leave it out."
      throw invalid([{ field: '/switchAt', detail }])
    }
    const after = changeCredentials(opened ?? this.#openOrRefuse(before), checked, nowMs)
    if (clientSecretAt(after, nowMs) !== null || after.oauth !== null) return after
    throw invalid([{ field: '/clientSecret', detail: 'Without oauth it needs a clientSecret: give one.' }])
  }

  #open({ id, sealedCredentials }: Endpoint): Credentials | undefined {
    try {
      return readCredentials(this.#keyring.open(id, sealedCredentials))
    } catch (error) {
      if (error instanceof SecretUnreadable) return undefined
      throw error
    }
  }

  #openOrRefuse(endpoint: Endpoint): Credentials {
    const credentials = this.#open(endpoint)
    if (credentials !== undefined) return credentials
    throw new PosthornError('conflict', 'The stored secrets cannot be decrypted; give a new clientSecret first.')
  }

  #sealed(id: EndpointId, credentials: Credentials): Pick<Endpoint, 'sealedCredentials' | 'secretDigest' | 'expiry'> {
    return {
      expiry: expiryOf(credentials, this.#store.now()),
      sealedCredentials: this.#keyring.seal(id, writeCredentials(credentials)),
      secretDigest: digestOf(credentials, this.#keyring),
    }
  }

  async #result(
    endpoint: Endpoint,
    resolution: Resolution | undefined,
    signingSecret: string | null,
  ): Promise<EndpointResult> {
    const described = await this.describe(endpoint)
    if (resolution === undefined || !('unresolved' in resolution)) return { endpoint, ...described, signingSecret }
    const detail = 'The name of the host leads nowhere now; attempts will fail until it does.'
    const warnings = [{ code: 'host_unresolved', detail }, ...described.warnings]
    return { endpoint, ...described, warnings, signingSecret }
  }

  #tell(kind: 'endpoint' | 'lane', { tenant, id, partition }: Pick<Endpoint, 'tenant' | 'id' | 'partition'>): void {
    this.#store.changes.emit({ kind, tenant, endpoint: id, partition })
  }
}

/** All it can get are operational events, and those go only to endpoints that name them. */
function checkOperatorTypes(types: readonly string[] | null, faults: FieldError[]): void {
  if (Array.isArray(types) && types.every(type => typeof type === 'string' && isOperational(type))) return
  const detail = `Endpoints of ${OPERATOR_TENANT} get operational events: name which, such as "posthorn.endpoint.disabled".`
  faults.push({ field: '/types', detail, reason: 'not_operational' })
}

function adviseOnHealth({ state, health }: Endpoint, disableAfterMs: number): Warning[] {
  const { failingSinceMs, stage } = health
  if (state === 'disabled' || failingSinceMs === null || stage < 1) return []
  const since = `No attempt has succeeded since ${new Date(failingSinceMs).toISOString()}`
  if (disableAfterMs === 0) return [{ code: 'failing', detail: `${since}; see its deliveries for why.` }]
  const when = new Date(failingSinceMs + disableAfterMs).toISOString()
  const isLast = stage === FAILING_STAGES.length ? ', which is soon' : ''
  return [{ code: 'failing', detail: `${since}; it is disabled at ${when}${isLast}, unless one does.` }]
}

function tooMany(maxEndpoints: number | undefined): PosthornError {
  const detail = `The tenant has ${maxEndpoints} endpoints, as many as the setting maxEndpoints allows: delete some first.`
  return new PosthornError('conflict', detail)
}

function tooManySigningSecrets(): PosthornError {
  const detail = `${MAX_LIVE_SIGNING_SECRETS} signing secrets count now, as many as there can be: wait until one ends.`
  return new PosthornError('conflict', detail)
}

/** Of credentials that were given, beside the clientSecret. */
const namesOf = ({ clientCertificate, oauth }: CheckedInput['credentials']): string[] => [
  ...(clientCertificate === undefined ? [] : ['clientCertificate']),
  ...(oauth === undefined ? [] : ['oauth']),
]

/** Of the newest clientSecret; null: there is none. */
export function digestOf({ next, clientSecret }: Credentials, keyring: Keyring): Uint8Array | null {
  const newest = next?.clientSecret ?? clientSecret
  return newest === null ? null : keyring.digest(newest)
}

/** Of a key for `v1a` the public half is always shown. */
const shownOnce = (secret: SigningSecret): string | null => (secret.version === 'v1' ? verificationKeyOf(secret) : null)
