import { type Actor, SYSTEM } from '../../base/callers.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import type { TenantId } from '../../base/model.ts'
import type { PortalPermission } from '../../base/portal.ts'
import { type Erasure, OPERATOR_TENANT, type Retention, type Tenant } from '../../base/tenant.ts'
import { isTenantId } from '../../base/tenant-id.ts'
import { cancelAll, forgetAllCalls, removeAllStats } from '../../store/in-steps.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { checkMetadata } from '../checks/metadata.ts'
import { invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import { withLook } from '../portal/permissions.ts'
import { type Slice, searchInSlices } from '../slices.ts'
import { checkRetention } from './retention.ts'

export type TenantInput = {
  readonly name?: string | null
  readonly metadata?: Record<string, string>
  readonly retention?: Partial<Retention> | null
  readonly portalMay?: readonly PortalPermission[] | null
}

const MAX_NAME_CHARACTERS = 256
/** Tenants looked at by one short read of a search. */
const ROWS_A_SLICE = 10_000
/** Endpoints of a deleted tenant whose deliveries are cancelled concurrently, so that they share commits. */
const ENDPOINTS_AT_ONCE = 64

export type TenantOptions = {
  /** How long an attempt to an endpoint without its own timeout can take, in milliseconds. */
  readonly attemptMs: number
  /** Called when the erasure of a tenant was requested, so that it can start without waiting. */
  readonly onErase: () => void
  /**
   * Resolves when this node refuses the keys and sessions of tenants that have been deleted, so that nobody gets in once
   * the deletion was answered. Default: nothing is waited for.
   */
  readonly untilRefused?: () => Promise<unknown>
  /** Bounds how long a search takes. Default: the system's. */
  readonly clock?: Pick<Clock, 'monotonicMs'>
}

/** Manages tenants: the provider's customers, with ids that the provider chooses. */
export class Tenants {
  readonly #store: Store
  readonly #options: TenantOptions

  constructor(store: Store, options: TenantOptions = { attemptMs: 0, onErase() {} }) {
    this.#store = store
    this.#options = options
  }

  async list(page: Place<TenantId> & { limit: number }): Promise<Tenant[]> {
    checkPlace(page)
    return this.#store.read('listTenants', page)
  }

  /** Up to `count` tenants behind a place with a text in their id or name. The search ends early if it takes long. */
  async find(part: string, place: Place<TenantId>, count: number): Promise<Slice<Tenant>> {
    checkPlace(place)
    const faults: FieldError[] = []
    if (part === '') faults.push({ field: 'text', detail: 'Give the parameter a value, or leave it out.' })
    else checkStorable(part, 'text', faults)
    if (faults.length > 0) throw invalid(faults)
    const read = (from: Place<TenantId>, limit: number) =>
      this.#store.read('findTenants', { ...from, text: part, rows: ROWS_A_SLICE, limit })
    return searchInSlices(place, count, read, this.#options.clock ?? systemClock)
  }

  get(id: TenantId): Promise<Tenant> {
    return requireTenant(this.#store, id)
  }

  /** Creates the tenant, or replaces its name, metadata and retention periods. */
  async put(
    id: TenantId,
    { name, metadata, retention, portalMay = null }: TenantInput,
    by: Actor = SYSTEM,
  ): Promise<{ tenant: Tenant; created: boolean }> {
    if (id === OPERATOR_TENANT) throw reserved()
    const faults: FieldError[] = []
    if (!isTenantId(id)) {
      const detail =
        'A tenant id must have 1 to 128 characters, which can be letters, digits and any of ._~@:-, and start with a ' +
        'letter or digit.'
      faults.push({ field: 'tenant', detail })
    }
    if (name !== undefined && name !== null) checkName(name, faults)
    if (metadata !== undefined) checkMetadata(metadata, '/metadata', faults)
    const ages = checkRetention(retention, faults)
    if (faults.length > 0) throw invalid(faults)
    const nowMs = this.#store.now()
    const values = {
      name: name ?? null,
      metadata: metadata ?? {},
      retention: ages,
      portalMay: portalMay && withLook(portalMay),
    }
    const result = await this.#store.write('putTenant', { id, ...values, by, nowMs })
    if (result === null) {
      throw new PosthornError(
        'conflict',
        'The previous tenant with this id is being erased. Wait until that has finished.',
      )
    }
    this.#store.changes.emit({ kind: 'tenant', tenant: id })
    return result
  }

  /** Deletes the tenant and its endpoints, and cancels their pending and held deliveries (C13). */
  async remove(id: TenantId, by: Actor = SYSTEM): Promise<void> {
    if (!isTenantId(id)) throw notFound('tenant')
    if (id === OPERATOR_TENANT) throw reserved()
    const endpoints = await this.#store.write('deleteTenant', { id, by, nowMs: this.#store.now() })
    if (endpoints === null) throw notFound('tenant')
    await this.#announceGone(id, endpoints)
    const { changes } = this.#store
    for (let from = 0; from < endpoints.length; from += ENDPOINTS_AT_ONCE) {
      const some = endpoints.slice(from, from + ENDPOINTS_AT_ONCE)
      await Promise.all(some.map(({ id: endpoint, partition }) => cancelAll(this.#store, { partition, endpoint })))
      for (const { id: endpoint, partition } of some) {
        changes.emit({ kind: 'lane', tenant: id, endpoint, partition })
      }
    }
    await forgetAllCalls(this.#store, id)
    await removeAllStats(this.#store, id)
  }

  /**
   * Deletes the tenant, unless it is deleted already, and starts erasing everything about it in the background.
   * `erasure` returns the progress. None of its deliveries are sent from now on.
   */
  async erase(id: TenantId, by: Actor = SYSTEM): Promise<Erasure> {
    if (id === OPERATOR_TENANT) throw reserved()
    const args = { id, by, nowMs: this.#store.now(), attemptMs: this.#options.attemptMs }
    const begun = isStorableId(id) ? await this.#store.write('eraseTenant', args) : null
    if (begun === null) throw notFound('tenant')
    await this.#announceGone(id, begun.endpoints)
    this.#options.onErase()
    return begun.erasure
  }

  /** The erasure of a tenant that is being erased or was. */
  async erasure(id: TenantId): Promise<Erasure> {
    const erasure = isStorableId(id) ? await this.#store.read('getErasure', { id }) : null
    if (erasure === null) throw notFound('erasure')
    return erasure
  }

  async #announceGone(
    id: TenantId,
    endpoints: readonly { readonly id: string; readonly partition: number }[],
  ): Promise<void> {
    const { changes } = this.#store
    changes.emit({ kind: 'tenant', tenant: id })
    // Its API keys were revoked.
    changes.emit({ kind: 'api_keys' })
    // Its replays are cancelled.
    changes.emit({ kind: 'replays' })
    for (const { id: endpoint, partition } of endpoints) {
      changes.emit({ kind: 'endpoint', tenant: id, endpoint, partition })
    }
    await this.#options.untilRefused?.()
  }
}

/** Accepts invalid tenant ids too, because events can be published from SQL for any text. */
function checkPlace({ after, before }: Place<TenantId>): void {
  const id = after ?? before ?? null
  if (id !== null && !isTenantId(id)) {
    throw invalid([{ field: 'cursor', detail: 'The value must be the cursor of a list of tenants.' }])
  }
}

function isStorableId(id: string): boolean {
  const faults: FieldError[] = []
  checkStorable(id, 'tenant', faults)
  return faults.length === 0
}

function reserved(): PosthornError {
  const detail = `The tenant ${OPERATOR_TENANT} is reserved for operational events. It cannot be changed or deleted.`
  return new PosthornError('conflict', detail)
}

function checkName(name: unknown, faults: FieldError[]): void {
  if (typeof name !== 'string' || name.length > MAX_NAME_CHARACTERS) {
    faults.push({ field: '/name', detail: `The name must be a string of at most ${MAX_NAME_CHARACTERS} characters.` })
  } else checkStorable(name, '/name', faults)
}
