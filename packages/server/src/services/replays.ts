import { createHash } from 'node:crypto'
import { type FieldError, PosthornError } from '../base/errors.ts'
import { newId, parseId } from '../base/ids.ts'
import type { EndState, Replay, ReplaySelection, TenantId } from '../base/model.ts'
import type { ReplayCounter } from '../replay/selection.ts'
import { addParts, cancelReplay, dropParts, moveParts } from '../store/in-steps.ts'
import { CallRepeated, type Keep, type Once } from '../store/operations/idempotent-calls.ts'
import {
  type CreatedReplay as CreatedInStore,
  type NewReplay,
  PARTS_A_COMMIT,
  type ReplayFilter,
} from '../store/operations/replays/replays.ts'
import type { Store } from '../store/store.ts'
import { checkIdParameter, invalid, isTypeName, notFound, requireTenant } from './checks/refusals.ts'
import { checkStorable } from './checks/values.ts'

/** A replay as the caller requests it. */
export type ReplayInput = Omit<ReplaySelection, 'states'> & {
  /** The caller's own id; null: generate one. */
  readonly id: string | null
  /** null: the default states. */
  readonly states: readonly EndState[] | null
}

export type CreatedReplay = { readonly replay: Replay; readonly isDuplicate: boolean }

const MAX_ID_CHARACTERS = 255
const LAST_MS = Date.UTC(9999, 11, 31)
/** Maximum number of a tenant's replays that have not ended. */
const MAX_OPEN = 100

/** By default, deliveries that were exhausted; for a single event, all that have ended. */
const usualStates = ({ event, missing }: ReplayInput): readonly EndState[] =>
  event !== null && !missing ? ['delivered', 'exhausted', 'cancelled'] : ['exhausted']

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
    const selection = toSelection(input)
    await this.#requireThings(tenant, selection)
    return (await this.#countOrRefuse(tenant, selection, this.#store.latest())).deliveries
  }

  /** Creates a replay once per id. The same request returns the existing replay; a different one is refused. */
  async create(tenant: TenantId, input: ReplayInput, keep?: Keep<CreatedReplay>): Promise<CreatedReplay> {
    await requireTenant(this.#store, tenant)
    const selection = toSelection(input)
    const hash = hashOf(selection)
    const before = input.id === null ? null : await this.#store.read('getReplay', { tenant, key: input.id })
    if (before !== null) return this.#known(before, hash, keep)
    await this.#requireThings(tenant, selection)
    const asOfMs = this.#store.latest()
    const { deliveries, parts } = await this.#countOrRefuse(tenant, selection, asOfMs)
    const createdAtMs = this.#store.now()
    const id = newId('rpl', createdAtMs)
    const key = input.id ?? id
    const replay = { id, key, tenant, selection, deliveries, createdAtMs }
    const isEnded = parts.length === 0
    const result: CreatedReplay = {
      replay: {
        ...replay,
        state: isEnded ? 'done' : 'running',
        made: 0,
        skipped: 0,
        live: 0,
        endedAtMs: isEnded ? createdAtMs : null,
      },
      isDuplicate: false,
    }
    const once = keep?.(result)
    const created = await this.#keep({ ...replay, hash, asOfMs, parts, maxOpen: MAX_OPEN, once })
    if (created.kind === 'repeated') throw new CallRepeated()
    if (created.kind === 'no_tenant') throw notFound('tenant')
    if (created.kind === 'too_many') {
      throw new PosthornError('conflict', `The tenant has ${MAX_OPEN} replays that have not ended. Cancel some first.`)
    }
    if (created.kind === 'known') return this.#known(created, hash, keep)
    this.#store.changes.emit({ kind: 'replays' })
    return result
  }

  /** Stores a replay. If it has very many parts, they are added before, so that no commit takes long. */
  async #keep(replay: NewReplay & Once): Promise<CreatedInStore> {
    const { tenant, id, parts } = replay
    if (parts.length <= PARTS_A_COMMIT) return this.#store.write('createReplay', replay)
    const of = { tenant, replay: id }
    await addParts(this.#store, of, parts)
    const created = await this.#store.write('createReplay', { ...replay, parts: [], hasParts: true })
    await (created.kind === 'created' ? moveParts(this.#store, of) : dropParts(this.#store, of))
    return created
  }

  /** Returns the replay that exists under the caller's id. Throws if the caller now selects something else. */
  async #known(
    { replay, hash }: { readonly replay: Replay; readonly hash: Uint8Array },
    wanted: Uint8Array,
    keep?: Keep<CreatedReplay>,
  ): Promise<CreatedReplay> {
    if (Buffer.compare(hash, wanted) !== 0) {
      throw new PosthornError(
        'idempotency_conflict',
        'The id was already used for a replay with a different selection. Choose another.',
      )
    }
    const result = { replay, isDuplicate: true }
    if (keep !== undefined && !(await this.#store.write('recordCall', { call: keep(result) }))) throw new CallRepeated()
    return result
  }

  async get(tenant: TenantId, key: string): Promise<Replay> {
    await requireTenant(this.#store, tenant)
    const found = isStorable(key) ? await this.#store.read('getReplay', { tenant, key }) : null
    if (found === null) throw notFound('replay')
    return found.replay
  }

  /** Newest first. */
  async list(tenant: TenantId, filter: ReplayFilter, limit: number): Promise<Replay[]> {
    checkIdParameter('rpl', filter.before, 'cursor')
    await requireTenant(this.#store, tenant)
    return this.#store.read('listReplays', { ...filter, tenant, limit })
  }

  /** No more deliveries are created until the replay is resumed. Those already created are sent. */
  pause(tenant: TenantId, key: string): Promise<Replay> {
    return this.#move(tenant, key, 'paused')
  }

  async resume(tenant: TenantId, key: string): Promise<Replay> {
    const replay = await this.#move(tenant, key, 'running')
    this.#store.changes.emit({ kind: 'replays' })
    return replay
  }

  /** Creates no more deliveries, and cancels those that have not ended. This can't be undone. */
  async cancel(tenant: TenantId, key: string): Promise<Replay> {
    const { id } = await this.#move(tenant, key, 'cancelled')
    await cancelReplay(this.#store, { tenant, replay: id })
    return this.get(tenant, key)
  }

  async #move(tenant: TenantId, key: string, to: 'running' | 'paused' | 'cancelled'): Promise<Replay> {
    await requireTenant(this.#store, tenant)
    const moved = isStorable(key) ? await this.#store.write('setReplayState', { tenant, key, to }) : null
    if (moved === null) throw notFound('replay')
    if (!moved.isAllowed) throw new PosthornError('conflict', `The replay has ended (${moved.replay.state}).`)
    if (to !== 'cancelled') await moveParts(this.#store, { tenant, replay: moved.replay.id })
    return moved.replay
  }

  async #requireThings(tenant: TenantId, { endpoint, event }: ReplaySelection): Promise<void> {
    const faults: FieldError[] = []
    if (endpoint !== null && (await this.#store.read('getEndpoint', { tenant, id: endpoint })) === null) {
      faults.push({ field: '/endpoint', detail: 'The tenant has no endpoint with this id.' })
    }
    if (event !== null && (await this.#store.read('getEvent', { tenant, id: event })) === null) {
      faults.push({ field: '/event', detail: 'The tenant has no event with this id, or the event is no longer kept.' })
    }
    if (faults.length > 0) throw invalid(faults)
  }

  async #countOrRefuse(tenant: TenantId, selection: ReplaySelection, asOfMs: number) {
    const count = await this.#count(tenant, selection, asOfMs)
    if (count === null) throw notFound('tenant')
    return count
  }
}

/** Fills in defaults and sorts lists, so that equal selections compare as equal. Throws one refusal with all faults. */
function toSelection(input: ReplayInput): ReplaySelection {
  const { id, endpoint, event, types, missing, fromMs, toMs } = input
  const faults: FieldError[] = []
  const states = [...new Set(input.states ?? usualStates(input))].sort()
  if (id !== null) checkKey(id, faults)
  if (endpoint !== null && parseId('ep', endpoint) === undefined) {
    faults.push({ field: '/endpoint', detail: 'The value must be the id of an endpoint, which starts with "ep_".' })
  }
  if (event !== null && parseId('evt', event) === undefined) {
    faults.push({ field: '/event', detail: 'The value must be the id of an event, which starts with "evt_".' })
  }
  if (types !== null && types.length === 0) {
    faults.push({ field: '/types', detail: 'Give at least one event type, or omit `types` to replay all.' })
  }
  for (const [index, type] of (types ?? []).entries()) {
    if (!isTypeName(type))
      faults.push({ field: `/types/${index}`, detail: 'The value must be the name of an event type.' })
  }
  if (states.length === 0 && !missing) {
    faults.push({ field: '/states', detail: 'Give at least one state, or set `missing` to true.' })
  }
  if (fromMs !== null && toMs !== null && fromMs > toMs) {
    faults.push({ field: '/to', detail: 'The time must not be before `from`.' })
  }
  if (faults.length > 0) throw invalid(faults)
  const sorted = types === null ? null : [...new Set(types)].sort()
  return { endpoint, event, types: sorted, states, missing, fromMs: within(fromMs), toMs: within(toMs) }
}

/** Limits a time to the years 1970 to 9999: there are no events before or after. */
const within = (ms: number | null): number | null => (ms === null ? null : Math.min(Math.max(0, ms), LAST_MS))

function checkKey(id: string, faults: FieldError[]): void {
  // A URL parser would resolve them as path segments.
  if (id === '.' || id === '..')
    faults.push({ field: '/id', detail: 'This id cannot be used in a path. Choose another.' })
  if (id.length >= 1 && id.length <= MAX_ID_CHARACTERS) checkStorable(id, '/id', faults)
  else faults.push({ field: '/id', detail: `The id must have 1 to ${MAX_ID_CHARACTERS} characters.` })
}

const isStorable = (key: string): boolean => {
  const faults: FieldError[] = []
  checkKey(key, faults)
  return faults.length === 0
}

function hashOf({ endpoint, event, types, states, missing, fromMs, toMs }: ReplaySelection): Uint8Array {
  const text = JSON.stringify([endpoint, event, types, states, missing, fromMs, toMs])
  return Uint8Array.from(createHash('sha256').update(text).digest())
}
