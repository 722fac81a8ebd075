/**
 * For which partitions this process may send, and under which epochs (docs/decisions/0009-leases.md).
 *
 * A partition is not held → held → stopping (beyond our share: nothing new is sent, what is in flight may land) → not
 * held; or held → not held, when its lease runs out or somebody else has it.
 */
import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { PARTITION_COUNT } from '../model.ts'
import type { Store } from '../store/store.ts'

export type PartitionListener = {
  /** These may be sent for from now on: what is pending in them is to be read. `afterCrash`: their owner has died. */
  gained(partitions: readonly number[], afterCrash: readonly number[]): void
  /** These may not any more. */
  lost(partitions: readonly number[]): void
  /** Settles when nothing of the partition is in flight or unsettled. */
  landed(partition: number): Promise<void>
}

export type Partitions = {
  start(listener: PartitionListener): Promise<void>
  /** Under which epoch the partition may be sent for now; undefined: it may not. */
  epochOf(partition: number): number | undefined
  /** Hands everything back; nothing may be sent any more. */
  stop(): Promise<void>
}

const newNode = () => Uint8Array.from(randomBytes(16))

/** All partitions, for as long as the process lives: it has the store to itself. */
export class AllPartitions implements Partitions {
  readonly #store: Store
  readonly #node = newNode()
  #epochs: readonly number[] = []

  constructor(store: Store) {
    this.#store = store
  }

  async start(listener: PartitionListener): Promise<void> {
    const { held, afterCrash } = await this.#store.write('takePartitions', { node: this.#node })
    this.#epochs = held.map(({ epoch }) => epoch)
    listener.gained(
      held.map(({ partition }) => partition),
      afterCrash,
    )
  }

  epochOf(partition: number): number | undefined {
    return this.#epochs[partition]
  }

  async stop(): Promise<void> {
    this.#epochs = []
    await this.#store.write('leaveLeases', { node: this.#node })
  }
}

/** Ticks in a lease: one can fail, and another, before the lease runs out. */
const TICKS_A_LEASE = 3
/** A tick whose connection hangs is given up soon enough for another to be made, on a fresh one. */
const TIMEOUTS_A_LEASE = 4
/** After a tick that failed, before the next. */
const RETRY_MS = 500
/** Of a lease that is nearly over nothing is begun any more, since a request takes a moment to be on its way. */
const MARGIN_MS = 250

/** A fair share of the partitions, leased. */
export class LeasedPartitions implements Partitions {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #leaseMs: number
  readonly #node = newNode()
  readonly #epochs: (number | undefined)[] = new Array(PARTITION_COUNT)
  readonly #stopping = new Set<number>()
  /** Stopped and landed: given back at the next tick. */
  #toGive: number[] = []
  #validUntilMonotonicMs = 0
  #listener!: PartitionListener
  #timer: Timer | undefined
  #expiry: Timer | undefined
  #ticking: Promise<void> | undefined
  #isRunning = false

  /** @param leaseMs how long a node that has gone silent keeps its partitions, milliseconds */
  constructor(store: Store, clock: Clock, log: Logger, leaseMs: number) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#leaseMs = leaseMs
  }

  async start(listener: PartitionListener): Promise<void> {
    this.#listener = listener
    this.#isRunning = true
    await this.#tick()
  }

  epochOf(partition: number): number | undefined {
    if (this.#clock.monotonicMs() >= this.#validUntilMonotonicMs || this.#stopping.has(partition)) return undefined
    return this.#epochs[partition]
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    this.#timer?.cancel()
    this.#expiry?.cancel()
    await this.#ticking
    this.#validUntilMonotonicMs = 0
    await this.#store.write('leaveLeases', { node: this.#node })
  }

  /** One at a time; the next follows by itself. */
  #tick(): Promise<void> {
    this.#timer?.cancel()
    this.#ticking ??= this.#tickOnce()
      .then(
        () => (this.#toGive.length > 0 ? 0 : this.#leaseMs / TICKS_A_LEASE),
        error => {
          this.#log.warn({ err: error }, 'the leases could not be renewed; it is tried again')
          return RETRY_MS
        },
      )
      .then(pauseMs => {
        this.#ticking = undefined
        if (this.#isRunning) this.#timer = this.#clock.after(pauseMs, () => void this.#tick())
      })
    return this.#ticking
  }

  async #tickOnce(): Promise<void> {
    // Before it is sent: the lease can only be longer than we think.
    const sentAtMs = this.#clock.monotonicMs()
    const give = this.#toGive
    const tick = { node: this.#node, leaseMs: this.#leaseMs, give }
    const timeoutMs = this.#leaseMs / TIMEOUTS_A_LEASE
    const { held, surplus, afterCrash } = await this.#store.writeApart('tickLeases', tick, timeoutMs)
    this.#toGive = this.#toGive.filter(partition => !give.includes(partition))
    for (const partition of give) this.#stopping.delete(partition)
    this.#validUntilMonotonicMs = sentAtMs + this.#leaseMs - MARGIN_MS
    this.#expiry?.cancel()
    this.#expiry = this.#clock.after(this.#leaseMs - MARGIN_MS, () => this.#expire())
    this.#adopt(new Map(held.map(({ partition, epoch }) => [partition, epoch])), afterCrash)
    for (const partition of surplus) this.#giveUp(partition)
  }

  #adopt(held: ReadonlyMap<number, number>, afterCrash: readonly number[]): void {
    const gained: number[] = []
    const lost: number[] = []
    for (let partition = 0; partition < PARTITION_COUNT; partition++) {
      const [before, now] = [this.#epochs[partition], held.get(partition)]
      this.#epochs[partition] = now
      // Another epoch: it was somebody else's in between.
      if (before !== undefined && before !== now) lost.push(partition)
      if (now !== undefined && before !== now) gained.push(partition)
    }
    for (const partition of lost) this.#stopping.delete(partition)
    if (lost.length > 0) this.#listener.lost(lost)
    if (gained.length > 0) this.#listener.gained(gained, afterCrash)
  }

  /** Not renewed in time: whoever comes next may have them already. */
  #expire(): void {
    if (this.#clock.monotonicMs() < this.#validUntilMonotonicMs) return
    this.#log.error({ leaseMs: this.#leaseMs }, 'the leases ran out: nothing is sent until the database answers again')
    this.#adopt(new Map(), [])
  }

  #giveUp(partition: number): void {
    if (this.#stopping.has(partition)) return
    this.#stopping.add(partition)
    void this.#listener.landed(partition).then(() => {
      if (!this.#stopping.has(partition)) return
      this.#toGive.push(partition)
      void this.#tick()
    })
  }
}
