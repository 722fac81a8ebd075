import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Loop } from '../../base/loop.ts'
import { PARTITION_COUNT } from '../../base/model.ts'
import { cancelAll, holdAll, releaseAll } from '../../store/in-steps.ts'
import type { LaneHead } from '../../store/operations/lanes/lanes.ts'
import type { Store } from '../../store/store.ts'

/** A slow look for whatever a lost wake-up missed. */
const PAUSE_MS = 30_000
/** The same while other nodes are not heard: what they publish to our endpoints is found by it alone. */
const UNHEARD_PAUSE_MS = 5_000
/** After a fault, while there is something that nobody has looked at. */
const RETRY_MS = 1_000

export type SweepListener = {
  /** Whether the partition is ours to send for. */
  isOurs(partition: number): boolean
  /** An endpoint with something pending. */
  found(head: LaneHead): void
  /** The partition was looked through. */
  seen(partition: number): void
  /** All of them were. */
  finished(): void
}

/**
 * Goes over the partitions that this node sends for, in the store: finds lanes that nobody told of, and ends changes of
 * endpoints that were cut short. Now and then over all of them, and at once over those that were just acquired: what is
 * pending there has nobody else.
 *
 * A partition that was acquired is unseen → seen, once it was looked through, or not ours any more.
 */
export class Sweep {
  readonly #store: Store
  readonly #log: Logger
  readonly #listener: SweepListener
  /** Held, but what is pending in them has not been looked for yet; each with a number of its own. */
  readonly #unseen = new Map<number, number>()
  #additions = 0
  #pauseMs = PAUSE_MS
  readonly #loop: Loop

  constructor(store: Store, clock: Clock, log: Logger, listener: SweepListener) {
    this.#store = store
    this.#log = log
    this.#listener = listener
    this.#loop = new Loop({ clock, everyMs: () => this.#nextMs(), run: () => this.#sweep() })
  }

  /** Begins with the first partitions that are acquired. */
  start(): void {
    this.#loop.start(PAUSE_MS)
  }

  /** Settles when nothing is under way any more. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  isUnseen(partition: number): boolean {
    return this.#unseen.has(partition)
  }

  /** These come first, in the sweep that is under way or in one that begins now. */
  addUnseen(partitions: readonly number[]): void {
    for (const partition of partitions) this.#unseen.set(partition, ++this.#additions)
    void this.run()
  }

  /** It was looked through, or is not ours any more. */
  markSeen(partition: number): void {
    this.#unseen.delete(partition)
    this.#listener.seen(partition)
  }

  /** Whether messages of other nodes are heard; what was said up to now may have been missed. */
  setMessagesHeard(areHeard: boolean): void {
    this.#pauseMs = areHeard ? PAUSE_MS : UNHEARD_PAUSE_MS
    if (!this.#loop.isRunning) return
    if (areHeard) this.#log.info('receiving messages from other nodes')
    else {
      const text = 'not receiving messages from other nodes; polling for their deliveries every few seconds'
      this.#log.warn({ sweepMs: this.#pauseMs }, text)
    }
    // One under way may have passed by what there is to find: then another follows it.
    this.#loop.wake()
  }

  /** Looks at all partitions now; one sweep at a time. */
  run(): Promise<void> {
    return this.#loop.now()
  }

  #nextMs(): number {
    return this.#unseen.size > 0 ? RETRY_MS : this.#pauseMs
  }

  async #sweep(): Promise<void> {
    try {
      await this.#sweepAll()
    } catch (error) {
      this.#log.warn({ err: error }, 'sweep failed; retrying')
    }
  }

  async #sweepAll(): Promise<void> {
    const left = new Set(Array.from({ length: PARTITION_COUNT }, (_, partition) => partition))
    const next = () => this.#unseen.keys().next().value ?? left.keys().next().value
    for (let partition = next(); partition !== undefined && !this.#loop.isStopped; partition = next()) {
      left.delete(partition)
      const addition = this.#unseen.get(partition)
      if (this.#listener.isOurs(partition)) await this.#sweepPartition(partition)
      // Unless it was lost and acquired again meanwhile.
      if (this.#unseen.get(partition) === addition) this.markSeen(partition)
    }
    this.#listener.finished()
  }

  async #sweepPartition(partition: number): Promise<void> {
    for (const { todo, ...at } of await this.#store.read('findUnfinished', { partition })) {
      if (todo === 'hold') await holdAll(this.#store, at)
      else if (todo === 'release') await releaseAll(this.#store, at)
      else await cancelAll(this.#store, at, 'all')
    }
    for (const head of await this.#store.read('discoverLanes', { partition })) this.#listener.found(head)
  }
}
