import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { PARTITION_COUNT } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'

export type PartitionListener = {
  /** These may be sent for from now on: what is pending in them is to be read. `afterCrash`: their owner has died. */
  acquired(partitions: readonly number[], afterCrash: readonly number[]): void
  /** These may not any more. */
  lost(partitions: readonly number[]): void
  /** Settles when nothing of the partition is in flight or unsettled. */
  drained(partition: number): Promise<void>
}

/** For which partitions this process may send, and under which epochs (docs/decisions/0009-leases.md). */
export type Partitions = {
  start(listener: PartitionListener): Promise<void>
  /** Under which epoch the partition may be sent for now; undefined: it may not. */
  epochOf(partition: number): number | undefined
  /** Nothing new is sent from now on; a partition is handed on as soon as what was in flight there is settled. */
  drain(): void
  /** Hands back what is left. */
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
    const { held, afterCrash } = await this.#store.write('takePartitions', {
      node: this.#node,
      nowMs: this.#store.now(),
    })
    this.#epochs = held.map(({ epoch }) => epoch)
    listener.acquired(
      held.map(({ partition }) => partition),
      afterCrash,
    )
  }

  epochOf(partition: number): number | undefined {
    return this.#epochs[partition]
  }

  drain(): void {
    this.#epochs = []
  }

  async stop(): Promise<void> {
    await this.#store.write('leaveLeases', { node: this.#node })
  }
}

/** Ticks in a lease: one can fail, and another, before the lease runs out. */
const TICKS_A_LEASE = 3
/** A tick whose connection hangs is given up soon enough for another to be made, on a fresh one. */
const TIMEOUTS_A_LEASE = 4
/** After a tick that failed. */
const RETRY_MS = 500
/** After another node's lease should have run out, so that it has. */
const AFTER_EXPIRY_MS = 20
/** Between two looks at a lease that has run out and is somebody else's to take. */
const MIN_PAUSE_MS = 100
/** Of a lease that is nearly over nothing is begun any more, since a request takes a moment to be on its way. */
const MARGIN_MS = 250
/** By how much the wall clock can get ahead of the monotonic one between two ticks and be believed: part of the margin. */
const MAX_JUMP_MS = 100

/** The database's answer to a tick counts from here on: from before it was asked, so that no lease is thought longer. */
type Moment = { readonly wallMs: number; readonly monotonicMs: number }

/**
 * A fair share of the partitions, leased.
 *
 * A partition is not held → held → stopping (beyond our share: nothing new is sent, what is in flight may end) → not
 * held; or held → not held, when its lease runs out or somebody else has it.
 *
 * Invariant: nothing is begun under a lease that may have run out, by this node's clock or the database's.
 */
export class LeasedPartitions implements Partitions {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #leaseMs: number
  readonly #node = newNode()
  readonly #epochs: (number | undefined)[] = new Array(PARTITION_COUNT)
  /** Nothing new is sent for these; they are given back once they are drained. */
  readonly #stopping = new Set<number>()
  /** Stopped and drained: given back at the next tick. */
  #toRelease: number[] = []
  /** What is held was renewed then; undefined: it may have run out. */
  #renewedAt: Moment | undefined
  #listener!: PartitionListener
  #timer: Timer | undefined
  #expiry: Timer | undefined
  #ticking: Promise<void> | undefined
  #isTickWanted = false
  /** The others have been told that there is one more. */
  #isAnnounced = false
  #isAnnouncing = false
  #isRunning = false
  #isLeaving = false

  /** @param leaseMs how long a node that has gone silent keeps its partitions, milliseconds */
  constructor(store: Store, clock: Clock, log: Logger, leaseMs: number) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#leaseMs = leaseMs
    store.changes.on(({ kind }) => {
      if (kind === 'leases' && !this.#isAnnouncing) this.#tickSoon()
    })
  }

  async start(listener: PartitionListener): Promise<void> {
    this.#listener = listener
    this.#isRunning = true
    await this.#tick()
  }

  epochOf(partition: number): number | undefined {
    const epoch = this.#epochs[partition]
    if (epoch === undefined || this.#stopping.has(partition) || this.#isExpired()) return undefined
    return epoch
  }

  drain(): void {
    if (!this.#isRunning) return
    this.#isLeaving = true
    for (const [partition, epoch] of this.#epochs.entries()) if (epoch !== undefined) this.#beginRelease(partition)
    this.#tickSoon()
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#timer?.cancel()
    this.#expiry?.cancel()
    await this.#ticking
    this.#renewedAt = undefined
    await this.#store.write('leaveLeases', { node: this.#node })
    this.#announce()
  }

  /** Others have something to take, or to give. */
  #announce(): void {
    this.#isAnnouncing = true
    this.#store.changes.emit({ kind: 'leases' })
    this.#isAnnouncing = false
  }

  /**
   * Whether the lease has run out: by the monotonic clock, or, since that one stands still while a machine sleeps, by
   * a wall clock that got ahead of it. A wall clock that was set costs a tick.
   */
  #isExpired(): boolean {
    if (this.#renewedAt === undefined) return true
    const { wallMs, monotonicMs } = this.#renewedAt
    const elapsedMs = this.#clock.monotonicMs() - monotonicMs
    if (elapsedMs >= this.#leaseMs - MARGIN_MS) return true
    if (this.#clock.now() - wallMs - elapsedMs <= MAX_JUMP_MS) return false
    this.#log.warn('clock jumped; not sending until the leases are renewed')
    this.#expire()
    this.#tickSoon()
    return true
  }

  /** One at a time; the next follows by itself. */
  #tick(): Promise<void> {
    this.#timer?.cancel()
    this.#isTickWanted = false
    this.#ticking ??= this.#tickOnce()
      .catch(error => {
        this.#log.warn({ err: error }, 'leases could not be renewed; retrying')
        return RETRY_MS
      })
      .then(pauseMs => {
        this.#ticking = undefined
        if (!this.#isRunning) return
        const nextMs = this.#isTickWanted ? 0 : Math.min(pauseMs, this.#leaseMs / TICKS_A_LEASE)
        this.#timer = this.#clock.after(nextMs, () => void this.#tick())
      })
    return this.#ticking
  }

  /** The next tick is made at once, or right after the one under way. */
  #tickSoon(): void {
    if (this.#isTickWanted || !this.#isRunning) return
    this.#isTickWanted = true
    if (this.#ticking !== undefined) return
    this.#timer?.cancel()
    this.#timer = this.#clock.after(0, () => void this.#tick())
  }

  /** Answers how long to wait for the next, at most, milliseconds. */
  async #tickOnce(): Promise<number> {
    // In this order, and before it is sent: a process that stood still in between can only think its lease shorter.
    const wallMs = this.#clock.now()
    const monotonicMs = this.#clock.monotonicMs()
    const give = this.#toRelease
    const tick = { node: this.#node, leaseMs: this.#leaseMs, give, isLeaving: this.#isLeaving }
    const timeoutMs = this.#leaseMs / TIMEOUTS_A_LEASE
    const { held, share, afterCrash, nextExpiryMs } = await this.#store.writeApart('tickLeases', tick, timeoutMs)
    // What ran out while it was asked was refused to whoever wanted to send it: it begins anew.
    if (this.#isExpired()) this.#expire()
    this.#toRelease = this.#toRelease.filter(partition => !give.includes(partition))
    for (const partition of give) this.#stopping.delete(partition)
    this.#renewedAt = { wallMs, monotonicMs }
    this.#expiry?.cancel()
    const leftMs = monotonicMs + this.#leaseMs - MARGIN_MS - this.#clock.monotonicMs()
    this.#expiry = this.#clock.after(Math.max(leftMs, 0), () => this.#expireIfDue())
    this.#setHeld(new Map(held.map(({ partition, epoch }) => [partition, epoch])), afterCrash)
    this.#releaseSurplus(held.length - share)
    if (give.length > 0 || !this.#isAnnounced) this.#announce()
    this.#isAnnounced = true
    return nextExpiryMs === null ? this.#leaseMs : Math.max(nextExpiryMs + AFTER_EXPIRY_MS, MIN_PAUSE_MS)
  }

  #setHeld(held: ReadonlyMap<number, number>, afterCrash: readonly number[]): void {
    const acquired: number[] = []
    const lost: number[] = []
    for (let partition = 0; partition < PARTITION_COUNT; partition++) {
      const [before, now] = [this.#epochs[partition], held.get(partition)]
      this.#epochs[partition] = now
      // Another epoch: it was somebody else's in between.
      if (before !== undefined && before !== now) lost.push(partition)
      if (now !== undefined && before !== now) acquired.push(partition)
    }
    for (const partition of lost) this.#stopping.delete(partition)
    if (lost.length > 0) this.#listener.lost(lost)
    if (acquired.length > 0) this.#listener.acquired(acquired, afterCrash)
  }

  #expireIfDue(): void {
    if (!this.#isExpired() || this.#renewedAt === undefined) return
    this.#log.error({ leaseMs: this.#leaseMs }, 'leases expired; not sending until the database responds')
    this.#expire()
  }

  /** Not renewed in time: whoever comes next may have them already. */
  #expire(): void {
    this.#renewedAt = undefined
    this.#setHeld(new Map(), [])
  }

  /**
   * The last ones, whether something is in flight there or not. Idle ones would be handed over sooner, but then a node
   * that comes would get partitions that have nothing to do.
   */
  #releaseSurplus(surplus: number): void {
    const kept = [...this.#epochs.keys()].filter(at => this.#epochs[at] !== undefined && !this.#stopping.has(at))
    const count = this.#isLeaving ? kept.length : Math.max(surplus - this.#stopping.size, 0)
    for (const partition of kept.slice(kept.length - count)) this.#beginRelease(partition)
  }

  #beginRelease(partition: number): void {
    if (this.#stopping.has(partition)) return
    this.#stopping.add(partition)
    void this.#listener.drained(partition).then(() => {
      if (!this.#stopping.has(partition)) return
      this.#toRelease.push(partition)
      this.#tickSoon()
    })
  }
}
