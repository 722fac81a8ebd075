import { type Actor, SYSTEM } from '../../base/callers.ts'
import { DAY_MS } from '../../base/durations.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import type { Endpoint, EndpointId, EndpointReference, EventType, TenantId } from '../../base/model.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import { OPERATIONAL_TYPES } from '../../catalogue/operational-types.ts'
import type { TargetPolicy } from '../../guard/target.ts'
import { makeSigningSecret, rotateSigning } from '../../secrets/credentials.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import { templateOf } from '../../secrets/request-template.ts'
import { cancelAll, holdAll, releaseAll } from '../../store/in-steps.ts'
import { CallRepeated, type Keep, type KeptCall } from '../../store/operations/idempotent-calls.ts'
import type { Store } from '../../store/store.ts'
import { invalid, notFound, requireTenant } from '../checks/refusals.ts'
import type { Warning } from '../checks/warnings.ts'
import type { Described } from './authentication.ts'
import { Descriptions, type ShowEndpoint } from './descriptions.ts'
import { draftEndpoint } from './draft.ts'
import type { LookupOptions } from './host.ts'
import { type CheckedInput, checkRequired, type EndpointInput } from './input.ts'
import { requireEndpoint, requireEndpointId } from './references.ts'
import {
  checkOperatorTypes,
  HELD_WITHOUT_ENABLING,
  tooLarge,
  tooMany,
  tooManyListeners,
  tooManySigningSecrets,
  uidTaken,
} from './refusals.ts'
import { checkWithHosts, type RegistrationTrial, tryRegistering } from './registering.ts'
import { namesOf, SealedCredentials, shownOnce } from './sealed-credentials.ts'
import { changesSecrets } from './sealed-headers.ts'
import { refuseClash } from './signature-headers.ts'

export type { EndpointInput } from './input.ts'

export type EndpointResult = Described & {
  readonly endpoint: Endpoint
  /** A generated signing secret, which is returned only once; null: none was generated. */
  readonly signingSecret: string | null
}

/** What happens to held deliveries when their endpoint is enabled. */
type HeldAction = 'release' | 'cancel'

export type EndpointPatch = Partial<EndpointInput> & {
  /** Only together with `state: 'enabled'`. Default: release. */
  readonly held?: HeldAction
}

export type SigningRotation = Pick<EndpointInput, 'signingSecret' | 'signatureVersion'> & {
  /** From 0 to 604,800. Default: a day. */
  readonly gracePeriodSeconds?: number
}

type Change = {
  readonly by: Actor
  /** Names of the credentials that change. */
  readonly credentials: readonly string[]
  /** Default: the state stays. */
  readonly state?: Endpoint['state']
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
  readonly #credentials: SealedCredentials
  readonly #settings: EndpointsSettings
  readonly #types: () => Promise<readonly EventType[]>
  readonly #lookup: LookupOptions
  readonly #descriptions: Descriptions

  /** @param types the catalogue's event types */
  constructor(
    store: Store,
    keyring: Keyring,
    settings: EndpointsSettings,
    types: () => Promise<readonly EventType[]>,
    lookup: LookupOptions = {},
  ) {
    this.#store = store
    this.#credentials = new SealedCredentials(store, keyring)
    this.#settings = settings
    this.#types = types
    this.#lookup = lookup
    const disableAfterMs = (settings.disableAfterDays ?? DISABLE_AFTER_DAYS) * DAY_MS
    const nameable = () => this.#nameable()
    this.#descriptions = new Descriptions({ store, keyring, credentials: this.#credentials, nameable, disableAfterMs })
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
    const { checked, advice } = await this.#check(tenant, input, faults)
    const { endpoint, credentials } = draftEndpoint(tenant, input, checked, this.#credentials, this.#store.now())
    refuseClash(endpoint, true)
    const { maxEndpoints, maxSelectionCharacters } = this.#settings
    const limit = { ...(maxEndpoints === undefined ? {} : { maxEndpoints }), maxSelectionCharacters }
    const template = templateOf(endpoint, credentials)
    const wasGiven = input.signingSecret !== undefined
    const result = await this.#result(endpoint, advice, wasGiven ? null : shownOnce(credentials.signing[0]!))
    const once = keep?.(result)
    const created = await this.#store.write('createEndpoint', { endpoint, template, by, ...limit, once })
    if (created === 'repeated') throw new CallRepeated()
    if (created === 'no_tenant') throw notFound('tenant')
    if (created === 'too_many') throw tooMany(maxEndpoints)
    if (created === 'too_many_listeners') throw tooManyListeners()
    if (created === 'too_large') throw tooLarge(maxSelectionCharacters)
    if (created === 'uid_taken') throw uidTaken(endpoint)
    this.#emit('endpoint', endpoint)
    return result
  }

  /** What registering would say to this, as far as it is given. Stores nothing. See tryRegistering. */
  async checkNew(tenant: TenantId, input: Partial<EndpointInput>): Promise<RegistrationTrial> {
    await requireTenant(this.#store, tenant)
    return tryRegistering(tenant, input, {
      store: this.#store,
      credentials: this.#credentials,
      catalogue: await this.#nameable(),
      settings: this.#settings,
      lookup: this.#lookup,
      describe: endpoint => this.describe(endpoint),
    })
  }

  /**
   * Changes the fields in the patch and keeps the others. The next attempt of each delivery uses the new values. If the
   * call is refused, nothing has changed.
   */
  async update(
    tenant: TenantId,
    reference: EndpointReference,
    patch: EndpointPatch,
    by: Actor = SYSTEM,
  ): Promise<EndpointResult> {
    const before = await this.get(tenant, reference)
    const faults: FieldError[] = []
    const { state, held } = patch
    if (held !== undefined && state !== 'enabled') faults.push(HELD_WITHOUT_ENABLING)
    if (tenant === OPERATOR_TENANT && patch.types !== undefined) checkOperatorTypes(patch.types, faults)
    const { checked, advice } = await this.#check(tenant, patch, faults, before)
    const opened = this.#credentials.open(before)
    const areHeadersReplaced = changesSecrets(checked.headers ?? [], before.headers, opened?.headers ?? {})
    const credentials = [...namesOf(checked.credentials), ...(areHeadersReplaced ? ['headers'] : [])]
    // Enabled in a step of its own, after the held deliveries were cancelled: see #enable.
    const isCancelling = held === 'cancel'
    const change = { by, credentials, ...(state === undefined || isCancelling ? {} : { state }) }
    const changed = await this.#change(before, change, endpoint => this.#patched(endpoint, checked))
    if (isCancelling) await this.#enable(changed, held, by)
    else if (state !== undefined) await this.#moveDeliveries(changed, state)
    const endpoint = await this.get(tenant, changed.id)
    const made = opened !== undefined ? undefined : this.#credentials.open(endpoint)?.signing[0]
    return this.#result(endpoint, advice, made === undefined ? null : shownOnce(made))
  }

  /**
   * Applies a change to the endpoint's current state, and again if a concurrent change came first.
   *
   * @param keep returns the call to be stored with the change
   */
  async #change(
    before: Endpoint,
    { by, credentials, ...state }: Change,
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
      const read = { ...state, readAtMs: before.updatedAtMs }
      const args = { endpoint, template, by, credentials, ...read, maxSelectionCharacters, once }
      const result = await this.#store.write('updateEndpoint', args)
      if (result === 'repeated') throw new CallRepeated()
      if (result === 'too_large') throw tooLarge(maxSelectionCharacters)
      if (result === 'uid_taken') throw uidTaken(endpoint)
      if (result === 'updated') {
        this.#emit('endpoint', endpoint)
        return endpoint
      }
      before = await this.get(tenant, id)
    }
    throw new PosthornError('conflict', 'The endpoint is being changed by other requests. Try again.')
  }

  get(tenant: TenantId, reference: EndpointReference): Promise<Endpoint> {
    return requireEndpoint(this.#store, tenant, reference)
  }

  /** See Descriptions. */
  describe(endpoint: Endpoint): Promise<Described> {
    return this.#descriptions.describe(endpoint)
  }

  /** See Descriptions. */
  showAll(endpoints: readonly Endpoint[], show: ShowEndpoint, maxBytes: number): Promise<string[]> {
    return this.#descriptions.showAll(endpoints, show, maxBytes)
  }

  /** Replaces the signing secret immediately. The older ones stay valid for the grace period at most. */
  async rotateSigning(
    tenant: TenantId,
    reference: EndpointReference,
    { gracePeriodSeconds, ...input }: SigningRotation,
    by: Actor = SYSTEM,
    keep?: Keep<EndpointResult>,
  ): Promise<EndpointResult> {
    const before = await this.get(tenant, reference)
    const { checked } = await this.#check(tenant, input, [])
    const graceMs = gracePeriodSeconds === undefined ? undefined : gracePeriodSeconds * 1_000
    const nowMs = this.#store.now()
    const version = this.#credentials.open(before)?.signing[0]?.version ?? 'v1'
    const secret = checked.credentials.signing ?? makeSigningSecret(version, nowMs)
    const change = (endpoint: Endpoint): Endpoint => {
      const credentials = rotateSigning(this.#credentials.openOrRefuse(endpoint), secret, nowMs, graceMs)
      if (credentials === undefined) throw tooManySigningSecrets()
      return { ...endpoint, ...this.#credentials.seal(endpoint, credentials) }
    }
    const shown = input.signingSecret === undefined ? shownOnce(secret) : null
    let kept: EndpointResult | undefined
    const keepResult = async (endpoint: Endpoint) => {
      kept = await this.#result(endpoint, [], shown)
      return keep!(kept)
    }
    const endpoint = await this.#change(before, { by, credentials: ['signingSecret'] }, change, keep && keepResult)
    return kept ?? this.#result(endpoint, [], shown)
  }

  /** Deletes the endpoint and cancels its pending and held deliveries (C13). */
  async remove(tenant: TenantId, reference: EndpointReference, by: Actor = SYSTEM): Promise<void> {
    await requireTenant(this.#store, tenant)
    const id = await requireEndpointId(this.#store, tenant, reference)
    const partition = await this.#store.write('deleteEndpoint', { tenant, id, by, nowMs: this.#store.now() })
    if (partition === null) throw notFound('endpoint')
    // Emitted before its deliveries are cancelled, so that its lane stops immediately, and again afterwards.
    this.#emit('endpoint', { tenant, id, partition })
    await cancelAll(this.#store, { partition, endpoint: id })
    this.#emit('lane', { tenant, id, partition })
  }

  /** Holds the pending deliveries, and those of events published from now on (C13). */
  async disable(tenant: TenantId, reference: EndpointReference, by: Actor = SYSTEM): Promise<Endpoint> {
    const id = await requireEndpointId(this.#store, tenant, reference)
    const endpoint = await this.#setState(tenant, id, 'disabled', by)
    await this.#moveDeliveries(endpoint, 'disabled')
    return endpoint
  }

  /** Releases the held deliveries, which are then due now, or cancels them. */
  async enable(
    tenant: TenantId,
    reference: EndpointReference,
    { held }: { held: HeldAction },
    by: Actor = SYSTEM,
  ): Promise<Endpoint> {
    return this.#enable(await this.get(tenant, reference), held, by)
  }

  async #enable({ tenant, id, partition }: Endpoint, held: HeldAction, by: Actor): Promise<Endpoint> {
    const of = { partition, endpoint: id }
    // Cancelled before enabling: if a crash comes in between, no delivery must be sent that was to be cancelled.
    if (held === 'cancel') await cancelAll(this.#store, of, 'held')
    const endpoint = await this.#setState(tenant, id, 'enabled', by)
    // And again afterwards, for deliveries that were held between the two.
    if (held === 'cancel') await cancelAll(this.#store, of, 'held')
    await this.#moveDeliveries(endpoint, 'enabled')
    return endpoint
  }

  /** Brings the endpoint's deliveries in line with its new state. */
  async #moveDeliveries(endpoint: Endpoint, state: Endpoint['state']): Promise<void> {
    const of = { partition: endpoint.partition, endpoint: endpoint.id }
    if (state === 'enabled') await releaseAll(this.#store, of)
    else await holdAll(this.#store, of)
    this.#emit('lane', endpoint)
  }

  async #setState(tenant: TenantId, id: EndpointId, state: Endpoint['state'], by: Actor): Promise<Endpoint> {
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

  /** Throws one refusal with all faults. Otherwise returns warnings about what was given. */
  async #check(
    tenant: TenantId,
    input: Partial<EndpointInput>,
    faults: FieldError[],
    before: Endpoint | null = null,
  ): Promise<{ checked: CheckedInput; advice: readonly Warning[] }> {
    const known = { catalogue: await this.#nameable(), before }
    const means = { policy: this.#settings, lookup: this.#lookup, nowMs: this.#store.now() }
    const result = await checkWithHosts(tenant, input, known, means, faults)
    if (faults.length > 0) throw invalid(faults)
    return result
  }

  #patched(before: Endpoint, { target, credentials, headers, settings }: CheckedInput): Endpoint {
    const patched = {
      ...before,
      ...(target === undefined ? {} : { url: target.url }),
      ...this.#credentials.change(before, credentials, headers),
      ...settings,
    }
    refuseClash(patched, settings.signatureHeaders !== undefined)
    return patched
  }

  async #result(endpoint: Endpoint, advice: readonly Warning[], signingSecret: string | null): Promise<EndpointResult> {
    const described = await this.describe(endpoint)
    const warnings = [...advice, ...described.warnings]
    return { endpoint, ...described, warnings, signingSecret }
  }

  #emit(kind: 'endpoint' | 'lane', { tenant, id, partition }: Pick<Endpoint, 'tenant' | 'id' | 'partition'>): void {
    this.#store.changes.emit({ kind, tenant, endpoint: id, partition })
  }
}
