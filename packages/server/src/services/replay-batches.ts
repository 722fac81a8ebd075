import { type Actor, SYSTEM } from '../base/callers.ts'
import { type FieldError, PosthornError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { EndState, TenantId } from '../base/model.ts'
import type { ReplayBatch } from '../base/replay.ts'
import { COUNT_TIMEOUT_MS, type ReplayCounter } from '../replay/selection.ts'
import { CallRepeated, type Keep } from '../store/operations/idempotent-calls.ts'
import type { ReplayBatchFilter, TenantSlice } from '../store/operations/replays/batches.ts'
import type { MoveTo } from '../store/operations/replays/replays.ts'
import type { Store } from '../store/store.ts'
import { checkPlace, notFound } from './checks/refusals.ts'
import {
  checkKey,
  checkReplayedTypes,
  hashOf,
  isReplayName,
  refuse,
  requireSame,
  toSelection,
} from './replay-selection.ts'

/** A replay across tenants as the caller requests it. */
export type ReplayBatchInput = {
  /** The caller's own name for it; null: none. */
  readonly key: string | null
  /** At least one. */
  readonly types: readonly string[]
  /** null: the default states. */
  readonly states: readonly EndState[] | null
  /** null or absent: any. */
  readonly statuses?: readonly string[] | null | undefined
  readonly missing: boolean
  readonly fromMs: number
  readonly toMs: number
}

/** How much a replay across tenants would be; null: too much to count. */
export type ReplayBatchCount = { readonly tenants: number | null; readonly deliveries: number | null }

export type CreatedBatch = { readonly batch: ReplayBatch; readonly isDuplicate: boolean }

const TOO_MUCH: ReplayBatchCount = { tenants: null, deliveries: null }
/** How far one is that has just been created. */
const BEGUN = {
  state: 'running',
  isSearching: true,
  replays: 0,
  deliveries: 0,
  made: 0,
  skipped: 0,
  live: 0,
  endedAtMs: null,
} as const
/** Maximum number of replays across tenants that have not ended. */
const MAX_OPEN = 10
/** Tenants looked at for events in one read. */
const TENANTS_A_READ = 1_000

/** Creates and controls replays across tenants. What they consist of is created in background/replay-batches.ts. */
export class ReplayBatches {
  readonly #store: Store
  readonly #count: ReplayCounter
  readonly #onChange: () => void
  readonly #countTimeoutMs: number

  /**
   * @param options.onChange called when there is something to do for the background work
   * @param options.countTimeoutMs how long a dry run counts at most
   */
  constructor(
    store: Store,
    count: ReplayCounter,
    options: { readonly onChange?: () => void; readonly countTimeoutMs?: number } = {},
  ) {
    this.#store = store
    this.#count = count
    this.#onChange = options.onChange ?? (() => {})
    this.#countTimeoutMs = options.countTimeoutMs ?? COUNT_TIMEOUT_MS
  }

  /** How much it would be. */
  async count(input: ReplayBatchInput): Promise<ReplayBatchCount> {
    const selection = checkedSelection(input, this.#store.latest())
    await this.#requireTypes(input)
    const asOfMs = this.#store.latest()
    const untilMs = asOfMs + this.#countTimeoutMs
    const period = { fromMs: input.fromMs, toMs: Math.min(input.toMs, asOfMs + 1) }
    const sum = { tenants: 0, deliveries: 0 }
    let after: TenantId | null = null
    do {
      const slice: TenantSlice = await this.#store.read('findReplayTenants', {
        after,
        ...period,
        limit: TENANTS_A_READ,
      })
      for (const tenant of slice.tenants) {
        const leftMs = untilMs - this.#store.latest()
        if (leftMs <= 0) return TOO_MUCH
        // Null for a tenant that was deleted just now.
        const counted = await this.#count(tenant, selection, asOfMs, leftMs)
        if (counted?.deliveries === null) return TOO_MUCH
        sum.deliveries += counted?.deliveries ?? 0
        if ((counted?.deliveries ?? 0) > 0) sum.tenants++
      }
      after = slice.after
      if (after !== null && this.#store.latest() > untilMs) return TOO_MUCH
    } while (after !== null)
    return sum
  }

  /** Creates it once for each key. The same request returns the existing one; a different one is refused. */
  async create(input: ReplayBatchInput, by: Actor = SYSTEM, keep?: Keep<CreatedBatch>): Promise<CreatedBatch> {
    const selection = checkedSelection(input, this.#store.latest())
    const hash = hashOf(selection)
    const before = input.key === null ? null : await this.#store.read('getReplayBatch', { name: input.key })
    if (before !== null) return this.#known(before, hash, keep)
    await this.#requireTypes(input)
    const createdAtMs = this.#store.now()
    const id = newId('rpb', createdAtMs)
    const batch = { id, selection, createdAtMs }
    const result: CreatedBatch = { batch: { ...batch, key: input.key, ...BEGUN }, isDuplicate: false }
    const once = keep?.(result)
    const key = input.key ?? id
    const asOfMs = this.#store.latest()
    const created = await this.#store.write('createReplayBatch', {
      ...batch,
      key,
      hash,
      asOfMs,
      maxOpen: MAX_OPEN,
      by,
      once,
    })
    if (created.kind === 'repeated') throw new CallRepeated()
    if (created.kind === 'too_many') {
      const detail = `There are ${MAX_OPEN} replays across tenants that have not ended. Cancel some first.`
      throw new PosthornError('conflict', detail)
    }
    if (created.kind === 'known') {
      const existing = { batch: await this.get(created.id), hash: created.hash }
      return this.#known(existing, hash, keep)
    }
    this.#onChange()
    return result
  }

  /** Returns the one that exists under the caller's key. Throws if the caller now selects something else. */
  async #known(
    { batch, hash }: { readonly batch: ReplayBatch; readonly hash: Uint8Array },
    wanted: Uint8Array,
    keep?: Keep<CreatedBatch>,
  ): Promise<CreatedBatch> {
    requireSame(hash, wanted)
    const result = { batch, isDuplicate: true }
    if (keep !== undefined && !(await this.#store.write('recordCall', { call: keep(result) }))) throw new CallRepeated()
    return result
  }

  /** @param name its id or its key */
  async get(name: string): Promise<ReplayBatch> {
    const found = isReplayName(name) ? await this.#store.read('getReplayBatch', { name }) : null
    if (found === null) throw notFound('replay')
    return found.batch
  }

  async list(filter: ReplayBatchFilter, limit: number): Promise<ReplayBatch[]> {
    checkPlace('rpb', filter)
    return this.#store.read('listReplayBatches', { ...filter, limit })
  }

  /** No more deliveries are created, in any tenant, until it is resumed. Those already created are sent. */
  pause(name: string, by: Actor = SYSTEM): Promise<ReplayBatch> {
    return this.#move(name, 'paused', by)
  }

  resume(name: string, by: Actor = SYSTEM): Promise<ReplayBatch> {
    return this.#move(name, 'running', by)
  }

  /** Creates no more deliveries, and cancels those that have not ended, in the background. This can't be undone. */
  cancel(name: string, by: Actor = SYSTEM): Promise<ReplayBatch> {
    return this.#move(name, 'cancelled', by)
  }

  async #move(name: string, to: MoveTo, by: Actor): Promise<ReplayBatch> {
    const args = { name, to, by, nowMs: this.#store.now() }
    const moved = isReplayName(name) ? await this.#store.write('setReplayBatchState', args) : null
    if (moved === null) throw notFound('replay')
    if (!moved.isAllowed) throw new PosthornError('conflict', `The replay has ended (${moved.state}).`)
    this.#onChange()
    return this.get(moved.id)
  }

  async #requireTypes({ types }: ReplayBatchInput): Promise<void> {
    const faults: FieldError[] = []
    await checkReplayedTypes(this.#store, types, faults)
    refuse(faults)
  }
}

/** Throws one refusal with all faults. */
function checkedSelection({ key, ...input }: ReplayBatchInput, nowMs: number) {
  const faults: FieldError[] = []
  if (key !== null) checkKey(key, '/key', faults)
  const selection = toSelection({ ...input, endpoint: null, event: null }, nowMs, faults)
  refuse(faults)
  return selection
}
