/** What people do to tenants: the provider's customers, under the provider's own ids for them. */
import { type FieldError, PosthornError } from '../errors.ts'
import { type Actor, OPERATOR_TENANT, SYSTEM, type Tenant, type TenantId } from '../model.ts'
import { cancelAll } from '../store/chunks.ts'
import { removeAllStats } from '../store/stats-upkeep.ts'
import type { Store } from '../store/store.ts'
import { isTenantId } from '../tenant-id.ts'
import { checkMetadata, checkStorable } from './metadata.ts'
import { invalid, notFound, requireTenant } from './refusals.ts'

export type TenantInput = { readonly name?: string | null; readonly metadata?: Record<string, string> }

const MAX_NAME_CHARACTERS = 256
/** Endpoints of a tenant being deleted whose deliveries are cancelled side by side: they share commits. */
const ENDPOINTS_AT_ONCE = 64

export class Tenants {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** In order of id, those after `after`. */
  async list(page: { after: TenantId | null; limit: number }): Promise<Tenant[]> {
    if (page.after !== null && !isTenantId(page.after)) {
      throw invalid([{ field: 'cursor', detail: 'It must be the cursor of a list of tenants.' }])
    }
    return this.#store.read('listTenants', page)
  }

  get(id: TenantId): Promise<Tenant> {
    return requireTenant(this.#store, id)
  }

  /** Creates the tenant, or replaces its name and metadata. */
  async put(
    id: TenantId,
    { name, metadata }: TenantInput,
    by: Actor = SYSTEM,
  ): Promise<{ tenant: Tenant; created: boolean }> {
    if (id === OPERATOR_TENANT) throw reserved()
    const faults: FieldError[] = []
    if (!isTenantId(id)) {
      const detail = 'An id begins with a letter or digit and has up to 128 letters, digits and . _ ~ @ : - only.'
      faults.push({ field: 'tenant', detail })
    }
    if (name !== undefined && name !== null) checkName(name, faults)
    if (metadata !== undefined) checkMetadata(metadata, '/metadata', faults)
    if (faults.length > 0) throw invalid(faults)
    const nowMs = this.#store.now()
    const values = { name: name ?? null, metadata: metadata ?? {} }
    const result = await this.#store.write('putTenant', { id, ...values, by, nowMs })
    this.#store.changes.tell({ kind: 'tenant', tenant: id })
    return result
  }

  /** Deletes the tenant and its endpoints, and cancels what was still owed to them (C13). */
  async remove(id: TenantId, by: Actor = SYSTEM): Promise<void> {
    if (!isTenantId(id)) throw notFound('tenant')
    if (id === OPERATOR_TENANT) throw reserved()
    const endpoints = await this.#store.write('deleteTenant', { id, by, nowMs: this.#store.now() })
    if (endpoints === null) throw notFound('tenant')
    const { changes } = this.#store
    changes.tell({ kind: 'tenant', tenant: id })
    // Its keys went with it.
    changes.tell({ kind: 'api_keys' })
    for (const { id: endpoint, partition } of endpoints) {
      changes.tell({ kind: 'endpoint', tenant: id, endpoint, partition })
    }
    for (let from = 0; from < endpoints.length; from += ENDPOINTS_AT_ONCE) {
      const some = endpoints.slice(from, from + ENDPOINTS_AT_ONCE)
      await Promise.all(some.map(({ id: endpoint, partition }) => cancelAll(this.#store, { partition, endpoint })))
      for (const { id: endpoint, partition } of some) {
        changes.tell({ kind: 'lane', tenant: id, endpoint, partition })
      }
    }
    await removeAllStats(this.#store, id)
  }
}

function reserved(): PosthornError {
  const detail = `The tenant ${OPERATOR_TENANT} is Posthorn's own, for operational events: it stays as it is.`
  return new PosthornError('conflict', detail)
}

function checkName(name: unknown, faults: FieldError[]): void {
  if (typeof name !== 'string' || name.length > MAX_NAME_CHARACTERS) {
    faults.push({ field: '/name', detail: `The name is a text of at most ${MAX_NAME_CHARACTERS} characters.` })
  } else checkStorable(name, '/name', faults)
}
