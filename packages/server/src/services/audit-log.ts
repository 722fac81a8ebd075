/** Reads the audit log of the configuration. The operations of the store that change something write it. */

import { ACTOR_KINDS, AUDIT_ACTIONS, AUDIT_TARGETS, type AuditEntry } from '../base/callers.ts'
import type { Clock } from '../base/clock.ts'
import type { FieldError } from '../base/errors.ts'
import { parseId } from '../base/ids.ts'
import type { TenantId } from '../base/model.ts'
import { isTenantId } from '../base/tenant-id.ts'
import type { AuditFilter, AuditSought } from '../store/operations/audit.ts'
import type { Store } from '../store/store.ts'
import type { Place } from '../store/where.ts'
import { checkPeriod } from './checks/contradictions.ts'
import { checkWords, fault } from './checks/list-parameters.ts'
import { checkPlace, invalid } from './checks/refusals.ts'
import { checkStorable } from './checks/values.ts'
import { type Found, searchInSlices } from './slices.ts'

/** The most entries that one short read looks at. */
const ENTRIES_A_READ = 10_000

export type AuditQuery = AuditFilter & {
  /** `root`, `system`, or an API key: its id, or `key` for any. */
  readonly actor?: string | undefined
  readonly actions?: readonly string[] | undefined
  readonly targets?: readonly string[] | undefined
  readonly targetId?: string | undefined
}

export class AuditLog {
  readonly #store: Store
  readonly #clock: Pick<Clock, 'monotonicMs'>

  constructor(store: Store, clock: Pick<Clock, 'monotonicMs'>) {
    this.#store = store
    this.#clock = clock
  }

  /** Entries, the nearest to the place first. */
  async list(query: AuditQuery, count: number): Promise<Found<AuditEntry>> {
    checkPlace('aud', query)
    const { tenant, fromMs, toMs } = query
    const sought = readSought(query, this.#store.now())
    const read = async (place: Place, limit: number) => {
      const filter = { tenant, fromMs, toMs, ...place, limit }
      if (sought !== null) return this.#store.read('findAudit', { ...filter, ...sought, maxRows: ENTRIES_A_READ })
      const items = await this.#store.read('listAudit', filter)
      return { items, goesOnAt: items.length < limit ? null : items.at(-1)!.id }
    }
    const { before, after } = query
    const place: Place = after === undefined ? { before: before ?? null } : { after }
    const found = await searchInSlices(place, count, read, this.#clock)
    if (found.items.length === 0 && tenant !== null) await this.#requireKnown(tenant)
    return found
  }

  /** Refuses a tenant that doesn't exist, and that no entry is about. */
  async #requireKnown(tenant: TenantId): Promise<void> {
    if ((await this.#store.read('getTenant', { id: tenant })) !== null) return
    const any = { tenant, fromMs: null, toMs: null, before: null, limit: 1 }
    if ((await this.#store.read('listAudit', any)).length > 0) return
    const detail = 'There is no tenant with this id, and no entry about a deleted one.'
    throw invalid([{ field: 'tenant', detail }])
  }
}

/** What the query seeks besides a tenant and a period; null: nothing. Throws `invalid`. */
function readSought(query: AuditQuery, nowMs: number): AuditSought | null {
  const faults: FieldError[] = []
  if (query.tenant !== null && !isTenantId(query.tenant)) {
    fault(faults, 'tenant', 'The value must be the id of a tenant, which can be a deleted one.')
  }
  checkPeriod(query, nowMs, '', faults)
  const actor = readActor(query.actor, faults)
  const actions = checkWords('action', query.actions, AUDIT_ACTIONS, faults) as AuditSought['actions']
  const targets = checkWords('target', query.targets, AUDIT_TARGETS, faults) as AuditSought['targets']
  const { targetId = null } = query
  if (targetId !== null) checkStorable(targetId, 'targetId', faults)
  if (faults.length > 0) throw invalid(faults)
  const isAny = actor === null && actions === null && targets === null && targetId === null
  return isAny ? null : { actor, actions, targets, targetId }
}

function readActor(actor: string | undefined, faults: FieldError[]): AuditSought['actor'] {
  if (actor === undefined) return null
  const kind = ACTOR_KINDS.find(word => word === actor)
  if (kind !== undefined) return { kind, key: null }
  if (parseId('key', actor) !== undefined) return { kind: 'key', key: actor }
  fault(faults, 'actor', `The value must be ${ACTOR_KINDS.join(', ')}, or the id of an API key.`)
  return null
}
