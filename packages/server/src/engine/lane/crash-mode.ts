import type { Logger } from '../../base/logger.ts'
import type { DeliveryId } from '../../base/model.ts'
import type { TrialAnswer } from '../../store/operations/deliveries/trials.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Store } from '../../store/store.ts'

/**
 * What happens after a crash (docs/decisions/0011-crash-mode.md): lanes of partitions whose owner died start in crash
 * mode. They note each delivery in the store before sending it, so that a delivery that crashes the process is found
 * and set aside.
 *
 * A trial is an attempt of a lane in crash mode: begun (stored, before its first byte) → ended (settled), or cancelled
 * because the request was not sent, or was cut off. A trial that stays open was in flight at a crash.
 *
 * Everything else in flight at such a crash has an open trial too. So only one delivery at a time can be on its last
 * trial, the one that sets it aside at the next crash; others wait for it. If a thousand deliveries hang at receivers
 * while one crashes the process again and again, only that one is set aside.
 */
export class CrashMode {
  readonly #store: Store
  readonly #log: Logger
  /** Partitions that a crash left behind and that have not been swept yet: their lanes start in crash mode. */
  readonly #partitions = new Set<number>()
  readonly #trials = new Map<DeliveryId, LaneItem>()
  /** The delivery that is on its last trial, or might turn out to be. */
  #last: DeliveryId | undefined
  /** One callback for each delivery that waits for its last trial; it resumes the delivery. */
  readonly #waiting: (() => void)[] = []

  constructor(store: Store, log: Logger) {
    this.#store = store
    this.#log = log
  }

  /** Marks partitions whose owner crashed. */
  enter(partitions: readonly number[]): void {
    for (const partition of partitions) this.#partitions.add(partition)
    if (partitions.length === 0) return
    this.#log.warn(
      { partitions: partitions.length },
      'partitions taken over after a crash; their lanes start in crash mode',
    )
  }

  /** Call this once all lanes with deliveries from before the crash are known, or the partition is no longer ours. */
  leave(partition: number): void {
    this.#partitions.delete(partition)
  }

  appliesTo(partition: number): boolean {
    return this.#partitions.has(partition)
  }

  /** Notes in the store that the delivery is about to be sent. Returns `gone` if that fails: don't send it then. */
  async beginTrial(item: LaneItem, epoch: number | undefined): Promise<TrialAnswer> {
    if (epoch === undefined) return 'gone'
    const { tenant, delivery } = item
    const mayBeLast = this.#last === undefined
    if (mayBeLast) this.#last = delivery
    // Before the store responds, so that a shutdown in the meantime cancels the trial.
    this.#trials.set(delivery, item)
    let answer: TrialAnswer = 'gone'
    try {
      answer = await this.#store.write('beginTrial', { tenant, delivery, epoch, mayBeLast })
    } catch (error) {
      this.#log.warn({ err: error, delivery }, 'crash mode: delivery could not be noted before sending; retrying')
    }
    if (answer === 'set_aside') this.#logSetAside(item)
    if (answer !== 'begun' && answer !== 'last') this.#trials.delete(delivery)
    if (answer !== 'last') this.#freeLast(delivery)
    return answer
  }

  /** Calls `resume` for a delivery that has to `wait`, once the last trial is free. */
  whenLastIsFree(resume: () => void): void {
    if (this.#last === undefined) resume()
    else this.#waiting.push(resume)
  }

  /** Resumes all waiting deliveries unless one is on its last trial, in case one was resumed and began no trial. */
  resumeWaiting(): void {
    if (this.#last === undefined) for (const resume of this.#waiting.splice(0)) resume()
  }

  /**
   * Ends the trial of an attempt whose outcome was stored. If the outcome also moved the delivery (`isMoved`), the
   * store has closed the trial; otherwise it is cancelled. Returns whether the attempt was a trial.
   */
  endTrial(delivery: DeliveryId, isMoved: boolean): boolean {
    if (!isMoved) return this.cancelTrial(delivery)
    this.#freeLast(delivery)
    return this.#trials.delete(delivery)
  }

  /** Cancels a trial that was not sent, or whose outcome was not stored. Returns whether it was a trial. */
  cancelTrial(delivery: DeliveryId): boolean {
    const item = this.#trials.get(delivery)
    if (item === undefined) return false
    this.#trials.delete(delivery)
    void this.#cancelInStore([item]).then(() => this.#freeLast(delivery))
    return true
  }

  /** Cancels the trials that are in flight when the process shuts down. */
  async cancelAllTrials(): Promise<void> {
    const items = [...this.#trials.values()]
    this.#trials.clear()
    if (items.length > 0) await this.#cancelInStore(items)
  }

  async #cancelInStore(trials: readonly LaneItem[]): Promise<void> {
    const keys = trials.map(({ tenant, delivery }) => ({ tenant, delivery }))
    try {
      await this.#store.write('takeBackTrials', { trials: keys })
    } catch (error) {
      this.#log.warn(
        { err: error, trials: keys.length },
        'crash mode: could not record that requests were not sent or were cut off; they count as in flight at a crash',
      )
    }
  }

  #freeLast(delivery: DeliveryId): void {
    if (this.#last !== delivery) return
    this.#last = undefined
    this.#waiting.shift()?.()
  }

  #logSetAside({ tenant, endpoint, delivery, event, type }: LaneItem): void {
    const what = { tenant, endpoint, delivery, event, type }
    this.#log.warn(what, 'delivery set aside: in flight at three crashes; retry or cancel it')
  }
}
