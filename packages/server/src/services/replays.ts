import { type Actor, SYSTEM } from '../base/callers.ts'
import { type FieldError, PosthornError } from '../base/errors.ts'
import { newId, parseId } from '../base/ids.ts'
import type { EndpointReference, EventId, ReplayId, TenantId } from '../base/model.ts'
import type { Replay, ReplaySelection, ReplayState } from '../base/replay.ts'
import type { ReplayCounter } from '../replay/selection.ts'
import { addManyParts, cancelReplay, moveParts, settleParts } from '../store/in-steps.ts'
import type { By } from '../store/operations/audit.ts'
import { CallRepeated, type Keep, type Once } from '../store/operations/idempotent-calls.ts'
import type {
  AllReplaysFilter,
  CreatedReplay as CreatedInStore,
  MoveTo,
  NewReplay,
  ReplayFilter,
} from '../store/operations/replays/replays.ts'
import type { Store } from '../store/store.ts'
import { checkEndOfPeriod, checkStartOfPeriod, checkTypeOfEvent } from './checks/contradictions.ts'
import { checkTenantParameter } from './checks/list-parameters.ts'
import { checkIdParameter, checkPlace, notFound, requireTenant } from './checks/refusals.ts'
import { endpointIdOf, noEndpoint } from './endpoints/references.ts'
import {
  checkKey,
  checkReplayedTypes,
  hashOf,
  isReplayName,
  refuse,
  requireSame,
  type SelectionInput,
  toSelection,
} from './replay-selection.ts'

/** A replay as the caller requests it. */
export type ReplayInput = Omit<SelectionInput, 'endpoint'> & {
  readonly endpoint: EndpointReference | null
  /** The caller's own name for the replay; null: none. */
  readonly key: string | null
  /** What the caller called the key, for refusals. Default: `/key`. */
  readonly keyField?: string
}

export type CreatedReplay = { readonly replay: Replay; readonly isDuplicate: boolean }

/** Maximum number of a tenant's replays that have not ended. */
const MAX_OPEN = 100

/** Creates and controls replays. Their deliveries are created in replay/replayer.ts. */
export class Replays {
  readonly #store: Store
  readonly #count: ReplayCounter

  constructor(store: Store, count: ReplayCounter) {
    this.#store = store
    this.#count = count
  }

  /** How many deliveries the replay would create; null: too many to count. */
  async count(tenant: TenantId, input: ReplayInput): Promise<number | null> {
    await requireTenant(this.#store, tenant)
    const selection = await this.#selectionOf(tenant, input)
    await this.#requireThings(tenant, selection, input.types)
    return (await this.#countOrRefuse(tenant, selection, this.#store.latest())).deliveries
  }

  /** Creates a replay once for each key. The same request returns the existing replay; a different one is refused. */
  async create(
    tenant: TenantId,
    input: ReplayInput,
    by: Actor = SYSTEM,
    keep?: Keep<CreatedReplay>,
  ): Promise<CreatedReplay> {
    await requireTenant(this.#store, tenant)
    const selection = await this.#selectionOf(tenant, input)
    const hash = hashOf(selection)
    const before = input.key === null ? null : await this.#store.read('getReplay', { tenant, name: input.key })
    if (before !== null) return this.#known(before, hash, keep)
    await this.#requireThings(tenant, selection, input.types)
    const asOfMs = this.#store.latest()
    const { deliveries, parts } = await this.#countOrRefuse(tenant, selection, asOfMs)
    const createdAtMs = this.#store.now()
    const id = newId('rpl', createdAtMs)
    const replay = { id, tenant, batch: null, selection, deliveries, createdAtMs }
    const result: CreatedReplay = {
      replay: { ...replay, key: input.key, ...begun(parts, createdAtMs) },
      isDuplicate: false,
    }
    const once = keep?.(result)
    const created = await this.#keep({
      ...replay,
      key: input.key ?? id,
      hash,
      asOfMs,
      parts,
      maxOpen: MAX_OPEN,
      by,
      once,
    })
    if (created.kind === 'repeated') throw new CallRepeated()
    if (created.kind === 'no_tenant') throw notFound('tenant')
    if (created.kind === 'too_many') {
      throw new PosthornError('conflict', `The tenant has ${MAX_OPEN} replays that have not ended. Cancel some first.`)
    }
    if (created.kind === 'known') {
      const existing = { replay: await this.get(tenant, created.id), hash: created.hash }
      return this.#known(existing, hash, keep)
    }
    this.#store.changes.emit({ kind: 'replays' })
    return result
  }

  /** Stores a replay. */
  async #keep(replay: NewReplay & By & Once): Promise<CreatedInStore> {
    const prepared = await addManyParts(this.#store, replay)
    const created = await this.#store.write('createReplay', prepared)
    await settleParts(this.#store, prepared, created.kind === 'created')
    return created
  }

  /** Returns the replay that exists under the caller's key. Throws if the caller now selects something else. */
  async #known(
    { replay, hash }: { readonly replay: Replay; readonly hash: Uint8Array },
    wanted: Uint8Array,
    keep?: Keep<CreatedReplay>,
  ): Promise<CreatedReplay> {
    requireSame(hash, wanted)
    const result = { replay, isDuplicate: true }
    if (keep !== undefined && !(await this.#store.write('recordCall', { call: keep(result) }))) throw new CallRepeated()
    return result
  }

  /** @param name the replay's id or its key */
  async get(tenant: TenantId, name: string): Promise<Replay> {
    await requireTenant(this.#store, tenant)
    const found = isReplayName(name) ? await this.#store.read('getReplay', { tenant, name }) : null
    if (found === null) throw notFound('replay')
    return found.replay
  }

  async list(tenant: TenantId, filter: ReplayFilter, limit: number): Promise<Replay[]> {
    checkPlace('rpl', filter)
    await requireTenant(this.#store, tenant)
    return this.#store.read('listReplays', { ...filter, tenant, limit })
  }

  /** The replays of all tenants, or of some. */
  async listAll(filter: AllReplaysFilter, limit: number): Promise<Replay[]> {
    checkPlace('rpl', filter)
    checkIdParameter('rpb', filter.batch, 'batch')
    if (filter.tenant !== null) await checkTenantParameter(this.#store, filter.tenant)
    return this.#store.read('listAllReplays', { ...filter, limit })
  }

  /** No more deliveries are created until the replay is resumed. Those already created are sent. */
  async pause(tenant: TenantId, name: string, by: Actor = SYSTEM): Promise<Replay> {
    return this.get(tenant, await this.#move(tenant, name, 'paused', by))
  }

  async resume(tenant: TenantId, name: string, by: Actor = SYSTEM): Promise<Replay> {
    const id = await this.#move(tenant, name, 'running', by)
    this.#store.changes.emit({ kind: 'replays' })
    return this.get(tenant, id)
  }

  /** Creates no more deliveries, and cancels those that have not ended. This can't be undone. */
  async cancel(tenant: TenantId, name: string, by: Actor = SYSTEM): Promise<Replay> {
    const id = await this.#move(tenant, name, 'cancelled', by)
    await cancelReplay(this.#store, { tenant, replay: id })
    return this.get(tenant, id)
  }

  async #move(tenant: TenantId, name: string, to: MoveTo, by: Actor): Promise<ReplayId> {
    await requireTenant(this.#store, tenant)
    const args = { tenant, name, to, by, nowMs: this.#store.now() }
    const moved = isReplayName(name) ? await this.#store.write('setReplayState', args) : null
    if (moved === null) throw notFound('replay')
    if (moved.isBatchPaused) {
      const detail = 'The replay is part of a replay across tenants that is paused. It continues when that is resumed.'
      throw new PosthornError('conflict', detail)
    }
    if (!moved.isAllowed) throw new PosthornError('conflict', `The replay has ended (${moved.state}).`)
    if (to !== 'cancelled') await moveParts(this.#store, { tenant, replay: moved.id })
    return moved.id
  }

  /** Throws one refusal with all faults. */
  async #selectionOf(tenant: TenantId, input: ReplayInput): Promise<ReplaySelection> {
    const { key, keyField = '/key', endpoint: reference, event } = input
    const faults: FieldError[] = []
    if (key !== null) checkKey(key, keyField, faults)
    const endpoint =
      reference === null ? null : await endpointIdOf(this.#store, tenant, { reference, field: '/endpoint' }, faults)
    if (event !== null && parseId('evt', event) === undefined) {
      faults.push({ field: '/event', detail: 'The value must be the id of an event, which starts with "evt_".' })
    }
    const selection = toSelection({ ...input, endpoint }, this.#store.latest(), faults)
    refuse(faults)
    return selection
  }

  /**
   * Refuses what can't match: an endpoint, an event or a type that doesn't exist, and an event that the rest rules out.
   *
   * @param types as the caller gave them, for the pointers of refusals
   */
  async #requireThings(tenant: TenantId, selection: ReplaySelection, types: readonly string[] | null): Promise<void> {
    const { endpoint, event } = selection
    const faults: FieldError[] = []
    if (endpoint !== null && (await this.#store.read('getEndpoint', { tenant, id: endpoint })) === null) {
      faults.push(noEndpoint('/endpoint', endpoint))
    }
    if (event !== null) await this.#checkEvent(tenant, event, selection, faults)
    await checkReplayedTypes(this.#store, types, faults)
    refuse(faults)
  }

  /** Refuses an event that doesn't exist, or that the rest of the selection rules out. */
  async #checkEvent(tenant: TenantId, id: EventId, selection: ReplaySelection, faults: FieldError[]): Promise<void> {
    const event = await this.#store.read('getEvent', { tenant, id })
    if (event === null) {
      faults.push({ field: '/event', detail: 'The tenant has no event with this id, or the event is no longer kept.' })
      return
    }
    checkTypeOfEvent(event.type, selection.types, '/types', faults)
    checkStartOfPeriod(id, selection.fromMs, '/from', faults)
    checkEndOfPeriod(id, selection.toMs, '/to', faults)
  }

  async #countOrRefuse(tenant: TenantId, selection: ReplaySelection, asOfMs: number) {
    const count = await this.#count(tenant, selection, asOfMs)
    if (count === null) throw notFound('tenant')
    return count
  }
}

/** How far a replay is that has just been created. One without parts has nothing to create, and has ended. */
function begun(parts: readonly unknown[], nowMs: number) {
  const isEnded = parts.length === 0
  const state: ReplayState = isEnded ? 'done' : 'running'
  return { state, made: 0, skipped: 0, live: 0, endedAtMs: isEnded ? nowMs : null }
}
