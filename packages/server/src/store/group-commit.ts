import type { Clock, Timer } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'
import type { Changes } from './changes.ts'
import { Company } from './company.ts'
import type { Driver, OperationCall, OperationResult } from './driver.ts'
import type { CommitLimits } from './fair-queue.ts'
import type { Observations } from './observations.ts'
import type { Settling } from './operations/deliveries/settlement.ts'
import type { PublishRequest, PublishResult } from './operations/events/publish-request.ts'
import { operationOf } from './operations/index.ts'
import { NO_TENANT, OtherCalls, tenantOf, type WaitingCall } from './other-calls.ts'
import { PublishQueue, toPublishCall } from './publish-queue.ts'
import { SettleQueue, toSettleCall } from './settle-queue.ts'
import { currentTenantCall } from './tenant-call.ts'
import { StoreUnavailable } from './transaction.ts'
import { type Commits, conclude, itemsOf } from './waiting.ts'

/** Deliveries and outcomes in one transaction: more would gain little and make everyone wait longer. */
const MAX_ITEMS_A_COMMIT = 2_000
/** The limits of published events, and of outcomes, while only one tenant has any. */
const ALONE: CommitLimits = { total: MAX_ITEMS_A_COMMIT, each: MAX_ITEMS_A_COMMIT }
/**
 * The same while several have. A commit can't be interrupted, and work that arrives during it waits for its end: so each
 * tenant adds no more than some milliseconds to it. Many tenants together still make it as large as one alone.
 */
const IN_COMPANY: CommitLimits = { total: MAX_ITEMS_A_COMMIT, each: 128 }
/**
 * After a commit with this many items, the next one waits a little for more: under load a commit costs more than its
 * contents (1,700 commits became 1,200 for the same 105,000 events).
 */
const BUSY_ITEMS = 32
const BUSY_PAUSE_MS = 6
/** The same while several tenants have work: it delays those that have little. */
const PAUSE_IN_COMPANY_MS = 1

/**
 * Group commit: one commit is in flight at a time. Whatever arrives in the meantime (publishing, settling,
 * configuration alike) makes up the next one, so the more there is to do, the less each item costs. While several
 * tenants have something to do, each has a part of every commit, so that one that has much delays the others only by its
 * part.
 *
 * A commit takes outcomes first, then published events, then all other calls (other-calls.ts). Callers get their result
 * when their commit is durable, or was refused.
 */
export class GroupCommit implements Commits {
  readonly #driver: Driver
  readonly #clock: Clock
  readonly #changes: Changes
  readonly #observations: Observations
  readonly #publishes: PublishQueue
  readonly #settlements: SettleQueue
  readonly #company: Company
  readonly #calls: OtherCalls
  #restTimer: Timer | undefined
  #isCommitting = false
  #isScheduled = false
  readonly #idle: (() => void)[] = []

  constructor(driver: Driver, clock: Clock, changes: Changes, observations: Observations) {
    this.#driver = driver
    this.#clock = clock
    this.#changes = changes
    this.#observations = observations
    this.#company = new Company(clock)
    this.#calls = new OtherCalls(clock, () => this.#company.isSeveral)
    this.#publishes = new PublishQueue(this, clock)
    this.#settlements = new SettleQueue(this, changes, clock)
  }

  /** The number of outcomes not stored yet. */
  get unsettled(): number {
    return this.#settlements.unsettled
  }

  /** See Store. */
  hasRoomToSettle(tenant: TenantId): boolean {
    return this.#settlements.hasRoom(tenant)
  }

  /** See Store. */
  get isShared(): boolean {
    return this.#company.isSeveral
  }

  /** See Store. */
  publish(request: PublishRequest): Promise<PublishResult> {
    return this.#publishes.add(request)
  }

  /** See Store. */
  settleMany(settling: readonly Settling[]): void {
    this.#settlements.add(settling)
  }

  /** Resolves with the call's result after its commit is durable. */
  run(call: OperationCall): Promise<unknown> {
    const of = currentTenantCall()
    const tenant = of?.tenant ?? tenantOf(call)
    const done = this.#calls.add(tenant, call, of)
    if (tenant === NO_TENANT) this.#schedule()
    else this.schedule(tenant)
    return done
  }

  /** See Store. */
  holdChanges(): () => void {
    const release = this.#calls.hold()
    return () => {
      release()
      if (this.#hasWork()) this.#schedule()
    }
  }

  /** Resolves once everything handed in has been committed or refused. */
  async drained(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  #isIdle(): boolean {
    if (this.#isCommitting || this.#publishes.isPublishingAside) return false
    return this.#publishes.length + this.#settlements.length + this.#calls.length === 0
  }

  #hasWork(): boolean {
    return this.#publishes.length + this.#settlements.length > 0 || this.#calls.isReady
  }

  schedule(tenant: TenantId): void {
    this.#company.note(tenant)
    this.#schedule()
  }

  /** Commits again once a tenant has rested, if there is nothing to do before. */
  #scheduleAfterRest(): void {
    this.#restTimer?.cancel()
    const waitMs = this.#calls.readyInMs
    if (waitMs !== undefined) this.#restTimer = this.#clock.after(waitMs, () => this.#schedule())
  }

  /** Commits at the end of this turn of the event loop, so that everything that arrives in it is included. */
  #schedule(): void {
    if (this.#isCommitting || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      void this.#commit()
    })
  }

  async #commit(): Promise<void> {
    this.#isCommitting = true
    const limits = this.#company.isSeveral ? IN_COMPANY : ALONE
    const settlements = this.#settlements.take(limits)
    const publishes = this.#publishes.take(limits)
    const calls = this.#calls.take(limits)
    const batch: OperationCall[] = []
    if (settlements.length > 0) batch.push(toSettleCall(settlements))
    if (publishes.length > 0) batch.push(toPublishCall(publishes))
    // Last, so that a configuration change doesn't make events in the same commit stale.
    for (const { input } of calls) batch.push(input.call)
    if (batch.length === 0) {
      // All that waits is of tenants that rest, or is held back.
      this.#isCommitting = false
      this.#scheduleAfterRest()
      this.lookIdle()
      return
    }
    const begunAtMs = this.#clock.monotonicMs()
    const results = await this.write(batch)
    const durationMs = this.#clock.monotonicMs() - begunAtMs
    this.#calls.charge(calls, durationMs)
    let at = 0
    if (settlements.length > 0) await this.#settlements.conclude(settlements, batch[at]!, results[at++]!)
    if (publishes.length > 0) await this.#publishes.conclude(publishes, batch[at]!, results[at++]!)
    for (const waiting of calls) this.#concludeCall(waiting, results[at++]!)
    const items = calls.length + settlements.length + itemsOf(publishes)
    this.#observations.emit({ kind: 'commit', items, durationMs, isFault: results.some(isFault) })
    if (items >= BUSY_ITEMS && !this.#isFull()) await this.#pause()
    this.#isCommitting = false
    if (this.#hasWork()) return this.#schedule()
    this.#scheduleAfterRest()
    this.lookIdle()
  }

  /** Whether what is waiting fills a commit, so that waiting for more would gain nothing. */
  #isFull(): boolean {
    const { each } = this.#company.isSeveral ? IN_COMPANY : ALONE
    return this.#settlements.items >= each || this.#publishes.items >= each
  }

  #pause(): Promise<void> {
    const pauseMs = this.#company.isSeveral ? PAUSE_IN_COMPANY_MS : BUSY_PAUSE_MS
    return new Promise<void>(resolve => void this.#clock.after(pauseMs, resolve))
  }

  #concludeCall(waiting: WaitingCall, result: OperationResult): void {
    if (result.ok) this.observe(waiting.input.call, result.value)
    conclude(waiting, result)
  }

  async write(batch: readonly OperationCall[]): Promise<OperationResult[]> {
    const results = await this.#driver.write(batch)
    if (results.some(isFault)) this.#changes.emit({ kind: 'doubt' })
    return results
  }

  observe({ name, args }: OperationCall, value: unknown): void {
    const operation = operationOf(name)
    if (operation.kind === 'read' || operation.observed === undefined) return
    for (const observation of operation.observed(args as never, value)) this.#observations.emit(observation)
  }

  lookIdle(): void {
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** Whether the store itself failed, not the call. */
const isFault = (result: OperationResult): boolean => !result.ok && result.error instanceof StoreUnavailable
