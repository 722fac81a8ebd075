import type { Logger } from '../../base/logger.ts'
import type { DeliveryId } from '../../base/model.ts'
import type { TrialAnswer } from '../../store/operations/deliveries/trials.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Store } from '../../store/store.ts'

/**
 * What a crash leaves (docs/decisions/0011-crash-mode.md): lanes of partitions whose owner died are in crash mode. They
 * write down what they are about to send, so that a delivery that can kill a process is found and set aside.
 *
 * A trial is an attempt of a lane in crash mode: begun (stored, before its first byte) → ended (settled), or cancelled
 * because it was not sent, or not to its end. What stays open was in flight at a crash.
 *
 * Whatever else is in flight when such a delivery strikes has an open trial too. So a delivery's last trial, the one
 * that sets it aside at the next crash, waits until no other is on its last: of a thousand that hang at receivers
 * while one kills again and again, the killer alone is set aside.
 */
export class CrashMode {
  readonly #store: Store
  readonly #log: Logger
  /** Partitions left by a crash in which what is pending has not been looked for yet: their lanes begin in crash mode. */
  readonly #partitions = new Set<number>()
  readonly #trials = new Map<DeliveryId, LaneItem>()
  /** The delivery that is on its last trial, or may turn out to be. */
  #last: DeliveryId | undefined
  /** Deliveries that wait for their last trial, each with what resumes it when it may have it. */
  readonly #waiting: (() => void)[] = []

  constructor(store: Store, log: Logger) {
    this.#store = store
    this.#log = log
  }

  /** These partitions were left by a crash. */
  enter(partitions: readonly number[]): void {
    for (const partition of partitions) this.#partitions.add(partition)
    if (partitions.length === 0) return
    this.#log.warn(
      { partitions: partitions.length },
      'partitions taken over after a crash; their lanes start in crash mode',
    )
  }

  /** All lanes with something from before are known by now, or the partition is not ours any more. */
  leave(partition: number): void {
    this.#partitions.delete(partition)
  }

  appliesTo(partition: number): boolean {
    return this.#partitions.has(partition)
  }

  /** Writes down that the delivery is about to be sent. What can't be written down must not be: it is `gone`. */
  async beginTrial(item: LaneItem, epoch: number | undefined): Promise<TrialAnswer> {
    if (epoch === undefined) return 'gone'
    const { tenant, delivery } = item
    const mayBeLast = this.#last === undefined
    if (mayBeLast) this.#last = delivery
    // Before the answer: a stop meanwhile cancels it.
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

  /** For a delivery that was told to `wait`. */
  whenLastIsFree(resume: () => void): void {
    if (this.#last === undefined) resume()
    else this.#waiting.push(resume)
  }

  /** Resumes all that wait, unless one is on its last trial: for a turn that came to nothing. */
  resumeWaiting(): void {
    if (this.#last === undefined) for (const resume of this.#waiting.splice(0)) resume()
  }

  /**
   * The attempt's end is stored: with its delivery, which closes the trial, or, if that was not its to move, without.
   * Answers whether it was a trial.
   */
  endTrial(delivery: DeliveryId, isMoved: boolean): boolean {
    if (!isMoved) return this.cancelTrial(delivery)
    this.#freeLast(delivery)
    return this.#trials.delete(delivery)
  }

  /** It was not sent, or its end is not stored; and nobody was killed. Answers whether it was a trial. */
  cancelTrial(delivery: DeliveryId): boolean {
    const item = this.#trials.get(delivery)
    if (item === undefined) return false
    this.#trials.delete(delivery)
    void this.#cancelInStore([item]).then(() => this.#freeLast(delivery))
    return true
  }

  /** The process stops, with these in flight. */
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
        'crash mode: trials could not be cancelled; they count as crashes',
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
