import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Loop } from '../../base/loop.ts'
import { PARTITION_COUNT } from '../../base/model.ts'
import { cancelAll, holdAll, releaseAll } from '../../store/in-steps.ts'
import type { LaneHead } from '../../store/operations/lanes/lanes.ts'
import type { Store } from '../../store/store.ts'

/** How often to sweep for deliveries whose wake-up was lost. */
const PAUSE_MS = 30_000
/** How often while messages from other nodes don't arrive: only the sweep finds what they publish to our endpoints. */
const UNHEARD_PAUSE_MS = 5_000
/** How long to wait after a failure while there are partitions that have not been swept. */
const RETRY_MS = 1_000

export type SweepListener = {
  /** Whether this node sends for the partition. */
  isOurs(partition: number): boolean
  /** An endpoint has pending deliveries. */
  found(head: LaneHead): void
  /** The partition was swept, or is no longer ours. */
  seen(partition: number): void
  /** A sweep of all partitions has ended. */
  finished(): void
}

/**
 * Sweeps this node's partitions in the store: finds lanes that no notification announced, and finishes endpoint changes
 * that were interrupted. Sweeps all of them periodically, and newly acquired ones immediately, since only a sweep finds
 * the deliveries pending there.
 *
 * An acquired partition is unseen → seen, once it has been swept or is no longer ours.
 */
export class Sweep {
  readonly #store: Store
  readonly #log: Logger
  readonly #listener: SweepListener
  /** Partitions that are held but have not been swept yet, each with a unique number. */
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

  /** Starts the loop. The first sweep runs when the first partitions are acquired. */
  start(): void {
    this.#loop.start(PAUSE_MS)
  }

  /** Resolves when the sweep in progress has ended. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  isUnseen(partition: number): boolean {
    return this.#unseen.has(partition)
  }

  /** Puts these partitions first, in the sweep in progress or in one that starts now. */
  addUnseen(partitions: readonly number[]): void {
    for (const partition of partitions) this.#unseen.set(partition, ++this.#additions)
    void this.run()
  }

  /** Marks a partition that was swept or is no longer ours. */
  markSeen(partition: number): void {
    this.#unseen.delete(partition)
    this.#listener.seen(partition)
  }

  /** Notes whether messages from other nodes arrive. Earlier ones might have been missed. */
  setMessagesHeard(areHeard: boolean): void {
    this.#pauseMs = areHeard ? PAUSE_MS : UNHEARD_PAUSE_MS
    if (!this.#loop.isRunning) return
    if (areHeard) this.#log.info('receiving messages from other nodes')
    else {
      const text = 'not receiving messages from other nodes; polling for their deliveries every few seconds'
      this.#log.warn({ sweepMs: this.#pauseMs }, text)
    }
    // A sweep in progress might have passed a missed delivery already, so that another one has to follow.
    this.#loop.wake()
  }

  /** Sweeps all partitions now, one sweep at a time. */
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
      // Unless it was lost and acquired again in the meantime.
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
