import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { PARTITION_COUNT } from '../../base/model.ts'
import type { NodeReport } from '../../store/operations/nodes.ts'
import type { Store } from '../../store/store.ts'

export type PartitionListener = {
  /** This node now sends for these partitions: read what is pending. The owners of those in `afterCrash` have died. */
  acquired(partitions: readonly number[], afterCrash: readonly number[]): void
  /** This node no longer sends for these partitions. */
  lost(partitions: readonly number[]): void
  /** Resolves when the partition has nothing in flight or unsettled. */
  drained(partition: number): Promise<void>
}

/** The partitions that this process can send for, and their epochs (docs/decisions/0009-leases.md). */
export type Partitions = {
  start(listener: PartitionListener): Promise<void>
  /** The epoch under which this process can send for the partition now. Undefined if it can't. */
  epochOf(partition: number): number | undefined
  /** Ends new sending. Each partition is handed over as soon as its attempts in flight are settled. */
  drain(): void
  /** Releases the partitions that are left. */
  stop(): Promise<void>
}

/** Who this process is among the nodes: 16 bytes, generated each time it starts. */
export const newNode = (): Uint8Array => Uint8Array.from(randomBytes(16))

export type ReportingNode = { readonly id: Uint8Array; readonly report: () => NodeReport }

/** All partitions, for the lifetime of a process that has the store to itself. */
export class AllPartitions implements Partitions {
  readonly #store: Store
  readonly #node: Uint8Array
  #epochs: readonly number[] = []

  constructor(store: Store, node: Uint8Array = newNode()) {
    this.#store = store
    this.#node = node
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

/** Ticks per lease: one can fail, and a second, before the lease expires. */
const TICKS_A_LEASE = 3
/** Timeouts per lease: a tick that hangs is abandoned early enough for another one, on a new connection. */
const TIMEOUTS_A_LEASE = 4
/** How long to wait after a failed tick. */
const RETRY_MS = 500
/** How long to wait past another node's expiry, to be sure that its lease has expired. */
const AFTER_EXPIRY_MS = 20
/** Minimum pause between ticks, for an expired lease that another node is entitled to take. */
const MIN_PAUSE_MS = 100
/** Nothing begins in this last part of a lease, since a request takes a moment to be sent. */
const MARGIN_MS = 250
/** How far the wall clock can outrun the monotonic one between ticks without ending leases; part of the margin. */
const MAX_JUMP_MS = 100

/** When a tick was sent. Leases count from then, not from the response, so that none is assumed to last too long. */
type Moment = { readonly wallMs: number; readonly monotonicMs: number }

/**
 * A fair share of the partitions, leased.
 *
 * A partition is not held → held → stopping (beyond our share: nothing new is sent, requests in flight can end) → not
 * held; or held → not held, when its lease expires or another node has it.
 *
 * Invariant: nothing begins under a lease that might have expired, by this node's clock or the database's.
 */
export class LeasedPartitions implements Partitions {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #leaseMs: number
  readonly #node: Uint8Array
  readonly #report: (() => NodeReport) | undefined
  readonly #epochs: (number | undefined)[] = new Array(PARTITION_COUNT)
  /** Partitions for which nothing new is sent, and which are released once they are drained. */
  readonly #stopping = new Set<number>()
  /** Partitions that are stopped and drained, to be released at the next tick. */
  #toRelease: number[] = []
  /** When the leases were last renewed. Undefined if they might have expired. */
  #renewedAt: Moment | undefined
  #listener!: PartitionListener
  #timer: Timer | undefined
  #expiry: Timer | undefined
  #ticking: Promise<void> | undefined
  #isTickWanted = false
  /** Whether the other nodes were notified that this one has joined. */
  #isAnnounced = false
  #isAnnouncing = false
  #isRunning = false
  #isLeaving = false

  /**
   * @param leaseMs how long a node that stops responding keeps its partitions, in milliseconds
   * @param self which node this is, and what it reports about itself with each tick. Default: a new node without reports
   */
  constructor(store: Store, clock: Clock, log: Logger, leaseMs: number, self?: ReportingNode) {
    this.#store = store
    this.#node = self?.id ?? newNode()
    this.#report = self?.report
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

  /** Notifies the other nodes that there are partitions for them to take or to give up. */
  #announce(): void {
    this.#isAnnouncing = true
    this.#store.changes.emit({ kind: 'leases' })
    this.#isAnnouncing = false
  }

  /**
   * Whether the leases have expired, by the monotonic clock or, because that one stops while a machine sleeps, by a
   * wall clock that got ahead of it. If someone merely set the wall clock, that costs one tick.
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

  /** Runs one tick at a time, and schedules the next. */
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

  /** Makes the next tick immediately, or right after the one in progress. */
  #tickSoon(): void {
    if (this.#isTickWanted || !this.#isRunning) return
    this.#isTickWanted = true
    if (this.#ticking !== undefined) return
    this.#timer?.cancel()
    this.#timer = this.#clock.after(0, () => void this.#tick())
  }

  /** Returns the longest time to wait before the next tick, in milliseconds. */
  async #tickOnce(): Promise<number> {
    // In this order, and before the tick is sent: a process paused in between can only assume a shorter lease.
    const wallMs = this.#clock.now()
    const monotonicMs = this.#clock.monotonicMs()
    const give = this.#toRelease
    const report = this.#report === undefined ? {} : { report: this.#report() }
    const tick = { node: this.#node, leaseMs: this.#leaseMs, give, isLeaving: this.#isLeaving, ...report }
    const timeoutMs = this.#leaseMs / TIMEOUTS_A_LEASE
    const { held, share, afterCrash, nextExpiryMs } = await this.#store.writeApart('tickLeases', tick, timeoutMs)
    // Leases that expired during the tick were refused to senders in the meantime: acquire them from scratch.
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
      // Another epoch means that another node had the partition in between.
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

  /** Drops leases that were not renewed in time: other nodes might have them already. */
  #expire(): void {
    this.#renewedAt = undefined
    this.#setHeld(new Map(), [])
  }

  /**
   * Releases the last partitions, whether they have requests in flight or not. Idle ones could be handed over sooner,
   * but then a new node would get partitions that have nothing to do.
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
