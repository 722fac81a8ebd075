import type { Clock } from '../base/clock.ts'
import type { Changes } from './changes.ts'
import type { OperationCall, OperationResult } from './driver.ts'
import {
  type Moved,
  type Settlement,
  type SettleResult,
  toSettleArguments,
} from './operations/deliveries/settlement.ts'
import { StoreContended, StoreUnavailable } from './transaction.ts'
import { type Commits, enqueue, take, type Waiting } from './waiting.ts'

/** Pause before the outcomes of a failed commit are retried. */
const SETTLE_RETRY_MS = 500
/** The attempt's row, and the delivery's next step. */
const ITEMS_A_SETTLEMENT = 2

type WaitingSettlement = Waiting<Settlement, Moved>

/** Outcomes waiting to be committed together. None is dropped because the store is unavailable: it keeps waiting. */
export class SettleQueue {
  readonly #commits: Commits
  readonly #changes: Changes
  readonly #clock: Clock
  readonly #waiting: WaitingSettlement[] = []
  #unsettled = 0

  constructor(commits: Commits, changes: Changes, clock: Clock) {
    this.#commits = commits
    this.#changes = changes
    this.#clock = clock
  }

  /** The number of outcomes waiting for the next commit. */
  get length(): number {
    return this.#waiting.length
  }

  /** The number of outcomes not stored yet: waiting, in flight, or pausing before a retry. */
  get unsettled(): number {
    return this.#unsettled
  }

  add(settlement: Settlement): Promise<Moved> {
    this.#unsettled++
    const settled = enqueue(this.#waiting, settlement, ITEMS_A_SETTLEMENT)
    this.#commits.schedule()
    return settled.finally(() => this.#unsettled--)
  }

  take(maxItems: number): WaitingSettlement[] {
    return take(this.#waiting, maxItems)
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
    for (const [index, { resolve }] of settlements.entries()) resolve(result.moved[index]!)
    for (const { tenant, endpoint } of result.disabled) {
      const { partition } = settlements.find(({ input }) => input.endpoint === endpoint)!.input
      this.#changes.emit({ kind: 'endpoint', tenant, endpoint, partition })
    }
  }

  /** Puts them first in line again after a pause: the receiver has responded, and that must not get lost. */
  #retry(settlements: readonly WaitingSettlement[]): void {
    this.#clock.after(SETTLE_RETRY_MS, () => {
      this.#waiting.unshift(...settlements)
      this.#commits.schedule()
    })
  }
}

export function toSettleCall(settlements: readonly WaitingSettlement[]): OperationCall {
  return { name: 'settle', args: toSettleArguments(settlements.map(({ input }) => input)) }
}

/** Whether the fault is temporary: an outcome is retried after it. */
const isPassing = (error: Error): boolean => error instanceof StoreUnavailable || error instanceof StoreContended
