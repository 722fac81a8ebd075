import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'
import { SharedBudget } from '../base/shared-budget.ts'
import type { Changes } from './changes.ts'
import type { OperationCall, OperationResult } from './driver.ts'
import { type CommitLimits, FairQueue } from './fair-queue.ts'
import {
  type Moved,
  type Settlement,
  type SettleResult,
  type Settling,
  toSettleArguments,
} from './operations/deliveries/settlement.ts'
import { StoreContended, StoreUnavailable } from './transaction.ts'
import { type Commits, itemsOfBytes, type Waiting } from './waiting.ts'

/** Pause before the outcomes of a failed commit are retried. */
const SETTLE_RETRY_MS = 500
/** The attempt's row, and the delivery's next step. */
const ITEMS_A_SETTLEMENT = 2
/** With this many outcomes waiting to be stored, nothing more is sent; for a tenant, with its share of them. */
const MAX_UNSETTLED = 1_000

type WaitingSettlement = Waiting<Settlement, Moved>

/** Its place among those not stored yet is free again before its sender hears of it, which might have another one. */
class WaitingOutcome implements WaitingSettlement {
  readonly input: Settlement
  readonly size: number
  readonly #settling: Settling
  readonly #unsettled: SharedBudget

  constructor(settling: Settling, unsettled: SharedBudget) {
    const { attempt } = settling.settlement
    this.input = settling.settlement
    this.size = ITEMS_A_SETTLEMENT + itemsOfBytes(attempt.headers.length + attempt.responseBody.length)
    this.#settling = settling
    this.#unsettled = unsettled
  }

  resolve(moved: Moved): void {
    this.#unsettled.release(this.input.tenant, 1)
    this.#settling.settled(moved)
  }

  reject(error: Error): void {
    this.#unsettled.release(this.input.tenant, 1)
    this.#settling.failed(error)
  }
}

/** Outcomes waiting to be committed together. None is dropped because the store is unavailable: it keeps waiting. */
export class SettleQueue {
  readonly #commits: Commits
  readonly #changes: Changes
  readonly #clock: Clock
  readonly #waiting = new FairQueue<Settlement, Moved>()
  readonly #unsettled = new SharedBudget(MAX_UNSETTLED)

  constructor(commits: Commits, changes: Changes, clock: Clock) {
    this.#commits = commits
    this.#changes = changes
    this.#clock = clock
  }

  /** The number of outcomes waiting for the next commit. */
  get length(): number {
    return this.#waiting.length
  }

  /** The sum of their sizes. */
  get items(): number {
    return this.#waiting.items
  }

  /** The number of outcomes not stored yet: waiting, in flight, or pausing before a retry. */
  get unsettled(): number {
    return this.#unsettled.used
  }

  /** Whether one more outcome of the tenant can wait. */
  hasRoom(tenant: TenantId): boolean {
    return this.#unsettled.isLeft(tenant)
  }

  add(settling: readonly Settling[]): void {
    for (const one of settling) {
      const { tenant } = one.settlement
      this.#unsettled.reserve(tenant, 1)
      this.#waiting.put(new WaitingOutcome(one, this.#unsettled))
      this.#commits.schedule(tenant)
    }
  }

  take(limits: CommitLimits): WaitingSettlement[] {
    return this.#waiting.take(limits)
  }

  async conclude(settlements: WaitingSettlement[], call: OperationCall, result: OperationResult): Promise<void> {
    if (result.ok) this.#resolve(settlements, call, result.value as SettleResult)
    else if (isPassing(result.error)) this.#retry(settlements)
    else if (settlements.length === 1) settlements[0]!.reject(result.error)
    else {
      for (const waiting of settlements) {
        const alone = toSettleCall([waiting])
        const [single] = await this.#commits.write([alone])
        await this.conclude([waiting], alone, single!)
      }
    }
  }

  #resolve(settlements: readonly WaitingSettlement[], call: OperationCall, result: SettleResult): void {
    this.#commits.observe(call, result)
    settlements.forEach((waiting, index) => {
      waiting.resolve(result.moved[index]!)
    })
    for (const { tenant, endpoint } of result.disabled) {
      const { partition } = settlements.find(({ input }) => input.endpoint === endpoint)!.input
      this.#changes.emit({ kind: 'endpoint', tenant, endpoint, partition })
    }
  }

  /** Puts them first in line again after a pause: the receiver has responded, and that must not get lost. */
  #retry(settlements: readonly WaitingSettlement[]): void {
    this.#clock.after(SETTLE_RETRY_MS, () => {
      this.#waiting.putBack(settlements)
      this.#commits.schedule(settlements[0]!.input.tenant)
    })
  }
}

export function toSettleCall(settlements: readonly WaitingSettlement[]): OperationCall {
  return { name: 'settle', args: toSettleArguments(settlements.map(({ input }) => input)) }
}

/** Whether the fault is temporary: an outcome is retried after it. */
const isPassing = (error: Error): boolean => error instanceof StoreUnavailable || error instanceof StoreContended
