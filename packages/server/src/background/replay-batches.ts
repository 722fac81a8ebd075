import { newId } from '../base/ids.ts'
import type { Logger } from '../base/logger.ts'
import type { TenantId } from '../base/model.ts'
import type { ReplayCounter } from '../replay/selection.ts'
import { addManyParts, cancelReplay, settleParts } from '../store/in-steps.ts'
import type { BatchStep, OpenReplayBatch } from '../store/operations/replays/batches.ts'
import { PARTS_A_COMMIT } from '../store/operations/replays/part-changes.ts'
import type { NewReplay } from '../store/operations/replays/replays.ts'
import type { Store } from '../store/store.ts'
import type { BackgroundWork, Stepper } from './works.ts'

/** Tenants looked at for events in one step. */
const TENANTS_A_STEP = 1_000
/** Tenants whose replays are created in one commit, with the progress. */
const REPLAYS_A_COMMIT = 20
/** A tenant with more events than can be counted in this time gets its replay uncounted. */
const COUNT_TIMEOUT_MS = 5_000
const CANCELLED_A_STEP = 20
/** People wait for it, so a node that died doesn't hold it up for long. */
const CLAIM_MS = 5_000
/** There is no schedule: it runs while a batch is open. */
const AT_ONCE_MS = 0

/**
 * Works on replays across tenants (decision 23): looks through the tenants, in slices and in the order of their ids, and
 * creates a replay in each that has something to send; wakes these replays after a pause; cancels them. All progress is
 * in the store, written with what it stands for. So after a crash another node, or the next startup, continues where
 * this one was, and no tenant gets two replays or none.
 */
export class ReplayBatches implements BackgroundWork {
  readonly name = 'replays across tenants'
  readonly claimMs = CLAIM_MS
  readonly #store: Store
  readonly #count: ReplayCounter
  readonly #log: Pick<Logger, 'info'>

  constructor(store: Store, count: ReplayCounter, log: Pick<Logger, 'info'>) {
    this.#store = store
    this.#count = count
    this.#log = log
  }

  isWanted = async (): Promise<boolean> => (await this.#store.read('findOpenReplayBatches', {})).length > 0

  async run(steps: Stepper): Promise<{ state: string; afterMs: number }> {
    // Round after round, so that a long search holds up neither other batches nor a cancellation.
    for (;;) {
      const batches = await this.#store.read('findOpenReplayBatches', {})
      let isBusy = false
      for (const batch of batches) isBusy = (await this.#workOn(batch, steps)) || isBusy
      // Batches that only wait for their replays to end are looked at again at the next look.
      if (!isBusy) return { state: '', afterMs: AT_ONCE_MS }
    }
  }

  /** Does the next piece of work. Returns whether there is more. */
  async #workOn(batch: OpenReplayBatch, steps: Stepper): Promise<boolean> {
    const { id, state, isSearching, isPartAsleep } = batch
    if (state === 'cancelled') {
      if (await this.#cancelSome(batch, steps)) return true
    } else if (state === 'running') {
      if (isPartAsleep) return this.#wakeSome(steps)
      if (isSearching) return this.#searchSome(batch, steps)
    }
    const isEnded = await this.#store.write('endReplayBatch', { batch: id, nowMs: this.#store.now() })
    if (isEnded) this.#log.info({ replay: id }, 'replay across tenants ended')
    return false
  }

  async #searchSome(batch: OpenReplayBatch, steps: Stepper): Promise<boolean> {
    const { id, selection, afterTenant } = batch
    const period = { fromMs: selection.fromMs ?? 0, toMs: Math.min(selection.toMs ?? batch.asOfMs, batch.asOfMs + 1) }
    const slice = await steps.step(() =>
      this.#store.read('findReplayTenants', { after: afterTenant, ...period, limit: TENANTS_A_STEP }),
    )
    const { tenants } = slice
    let before = afterTenant
    let at = 0
    do {
      const found = await this.#nextReplays(batch, tenants.slice(at, at + REPLAYS_A_COMMIT), steps)
      at += found.looked
      const after = at >= tenants.length ? slice.after : tenants[at - 1]!
      // Paused or cancelled, or another node has taken over: the next round reads how it stands.
      if (!(await this.#advance({ batch: id, before, after, replays: found.replays }))) return true
      before = after
    } while (at < tenants.length)
    return true
  }

  /** The replays that the next tenants get, as far as one commit can create them, and how many tenants that are. */
  async #nextReplays(batch: OpenReplayBatch, tenants: readonly TenantId[], steps: Stepper) {
    const replays: NewReplay[] = []
    let looked = 0
    for (let parts = 0; looked < tenants.length && parts < PARTS_A_COMMIT; looked++) {
      const replay = await steps.step(() => this.#replayOf(batch, tenants[looked]!))
      if (replay === null) continue
      replays.push(replay)
      parts += replay.parts.length
    }
    return { replays, looked }
  }

  /** Creates replays and stores the progress. False if it is no longer this node's to do. */
  async #advance(step: BatchStep): Promise<boolean> {
    const replays: NewReplay[] = []
    for (const replay of step.replays) replays.push(await addManyParts(this.#store, replay))
    const created = await this.#store.write('advanceReplayBatch', { ...step, replays })
    for (const replay of replays) await settleParts(this.#store, replay, created?.includes(replay.id) ?? false)
    if (created !== null && created.length > 0) this.#store.changes.emit({ kind: 'replays' })
    return created !== null
  }

  /** The replay that a tenant gets; null if it has nothing to send. */
  async #replayOf(batch: OpenReplayBatch, tenant: TenantId): Promise<NewReplay | null> {
    const { id, selection, hash, asOfMs } = batch
    const count = await this.#count(tenant, selection, asOfMs, COUNT_TIMEOUT_MS)
    if (count === null || count.parts.length === 0) return null
    const createdAtMs = this.#store.now()
    const own = { id: newId('rpl', createdAtMs), key: id, batch: id, tenant, selection, hash, asOfMs, createdAtMs }
    return { ...own, ...count, maxOpen: Number.POSITIVE_INFINITY }
  }

  async #wakeSome(steps: Stepper): Promise<boolean> {
    await steps.step(() => this.#store.write('wakeReplayParts', { limit: PARTS_A_COMMIT }))
    this.#store.changes.emit({ kind: 'replays' })
    return true
  }

  async #cancelSome({ id }: OpenReplayBatch, steps: Stepper): Promise<boolean> {
    const found = await this.#store.read('findReplaysToCancel', { batch: id, limit: CANCELLED_A_STEP })
    for (const { tenant, replay } of found) {
      await steps.step(async () => {
        await this.#store.write('setReplayState', { tenant, name: replay, to: 'cancelled', nowMs: this.#store.now() })
        await cancelReplay(this.#store, { tenant, replay })
      })
    }
    return found.length > 0
  }
}
