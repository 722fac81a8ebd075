import type { Clock } from '../base/clock.ts'
import type { PartitionBacklog, PendingCount } from '../store/operations/deliveries/backlog.ts'
import type { Store } from '../store/store.ts'
import type { StoreState } from './metrics.ts'

/** Deliveries counted in one read, which takes about ten milliseconds. */
const AT_ONCE = 20_000
/** Pause after each chunk of a walk, as a multiple of the chunk's time: a walk takes a fifth of a reader's time. */
const REST = 4
const WALK_PAUSE_MS = 15_000
/** How long the first call waits for a walk, before it gets the count so far. */
const PATIENCE_MS = 3_000
/** How long a call waits for the store in total: less than Prometheus waits by default. */
const STORE_PATIENCE_MS = 5_000

type Found = {
  readonly pending: number
  readonly oldestMs: number | null
  /** By the partition's number. */
  readonly partitions: ReadonlyMap<number, PartitionBacklog>
}

const NONE: Found = { pending: 0, oldestMs: null, partitions: new Map() }

/** The pending deliveries of all tenants. */
type PendingDeliveries = Found & {
  /** How many of them are due. */
  readonly due: number
  /** When the first of those became due, in milliseconds since 1970; null if none is. */
  readonly oldestDueMs: number | null
  /** When they were counted, in milliseconds since 1970: now, or when the last walk ended. */
  readonly countedAtMs: number
  /** False while the first walk through very many is under way: `pending` is then what it has counted so far. */
  readonly isWhole: boolean
}

/** What is counted together. */
type Counted = { readonly pending: PendingDeliveries; readonly setAside: number }

/**
 * Counts pending deliveries and finds the oldest, at a bounded cost: the store can hold millions of them, and
 * Prometheus scrapes every few seconds.
 *
 * Up to AT_ONCE deliveries are counted on each call. Beyond that the count is that of the last walk through all of
 * them, a chunk at a time, with pauses, at most once in WALK_PAUSE_MS and only when called.
 */
export class Backlog {
  readonly #store: Pick<Store, 'read' | 'now'>
  readonly #clock: Clock
  readonly #atOnce: number
  #reading: Promise<Counted | null> | undefined
  #walk: Promise<void> | undefined
  #walked: PendingDeliveries | undefined
  /** The current walk's count so far. */
  #soFar: Found = NONE
  #walkedAtMs = Number.NEGATIVE_INFINITY
  #isStopped = false

  /** @param atOnce maximum number of deliveries that are counted on each call; default: 20,000 */
  constructor(store: Pick<Store, 'read' | 'now'>, clock: Clock, atOnce = AT_ONCE) {
    this.#store = store
    this.#clock = clock
    this.#atOnce = atOnce
  }

  /** As metrics need it. Null if the store fails or takes too long. */
  async read(): Promise<StoreState | null> {
    const counted = await this.count()
    if (counted === null) return null
    const { pending, setAside } = counted
    return {
      pending: pending.pending,
      oldestPendingSeconds: this.#secondsSince(pending.oldestMs),
      backlog: pending.due,
      lagSeconds: this.#secondsSince(pending.oldestDueMs),
      setAside,
    }
  }

  #secondsSince(timeMs: number | null): number {
    return timeMs === null ? 0 : Math.max(0, this.#store.now() - timeMs) / 1_000
  }

  /** The same by partition, for those that have pending deliveries. */
  async readPartitions(): Promise<ReadonlyMap<number, PartitionBacklog> | null> {
    return (await this.count())?.pending.partitions ?? null
  }

  /** Concurrent calls share a result. Null if the store fails or takes too long. */
  async count(): Promise<Counted | null> {
    this.#reading ??= this.#read()
      .catch(() => null)
      .finally(() => {
        this.#reading = undefined
      })
    return this.#atMost(STORE_PATIENCE_MS, this.#reading)
  }

  async #atMost<Result>(patienceMs: number, result: Promise<Result>): Promise<Result | null> {
    const { promise: late, resolve } = Promise.withResolvers<null>()
    const timer = this.#clock.after(patienceMs, () => resolve(null))
    const first = await Promise.race([result, late])
    timer.cancel()
    return first
  }

  /** Resolves after the current chunk. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#walk
  }

  async #read(): Promise<Counted> {
    const first = await this.#store.read('countPending', { after: null, limit: this.#atOnce })
    const setAside = await this.#store.read('countSetAside', {})
    const isAll = first.last === null
    return { pending: isAll ? this.#summed(toFound(first), true) : await this.#walkedCount(), setAside }
  }

  #summed(found: Found, isWhole: boolean): PendingDeliveries {
    let due = 0
    let oldestDueMs: number | null = null
    for (const partition of found.partitions.values()) {
      due += partition.due
      oldestDueMs = earliest(oldestDueMs, partition.dueSinceMs)
    }
    return { ...found, due, oldestDueMs, countedAtMs: this.#store.now(), isWhole }
  }

  async #walkedCount(): Promise<PendingDeliveries> {
    if (this.#walk === undefined && this.#clock.monotonicMs() - this.#walkedAtMs >= WALK_PAUSE_MS) {
      this.#walk = this.#count().finally(() => {
        this.#walk = undefined
      })
    }
    if (this.#walked === undefined && this.#walk !== undefined) await this.#atMost(PATIENCE_MS, this.#walk)
    return this.#walked ?? this.#summed(this.#soFar, false)
  }

  /** A failure ends the walk; the next call starts another. */
  async #count(): Promise<void> {
    this.#soFar = NONE
    let after: PendingCount['last'] = null
    try {
      do {
        const begunAtMs = this.#clock.monotonicMs()
        const chunk: PendingCount = await this.#store.read('countPending', { after, limit: this.#atOnce })
        this.#soFar = together(this.#soFar, toFound(chunk))
        after = chunk.last
        const tookMs = this.#clock.monotonicMs() - begunAtMs
        if (after !== null) await new Promise<void>(resolve => void this.#clock.after(REST * tookMs, resolve))
      } while (after !== null && !this.#isStopped)
    } catch {
      return
    }
    if (after !== null) return
    this.#walked = this.#summed(this.#soFar, true)
    this.#walkedAtMs = this.#clock.monotonicMs()
  }
}

const toFound = ({ count, oldestMs, partitions }: PendingCount): Found => ({
  pending: count,
  oldestMs,
  partitions: new Map(partitions.map(each => [each.partition, each])),
})

function together(a: Found, b: Found): Found {
  const partitions = new Map(a.partitions)
  // A chunk can end within a partition.
  for (const [partition, more] of b.partitions) {
    const { pending, due, dueSinceMs } = partitions.get(partition) ?? { pending: 0, due: 0, dueSinceMs: null }
    partitions.set(partition, {
      partition,
      pending: pending + more.pending,
      due: due + more.due,
      dueSinceMs: earliest(dueSinceMs, more.dueSinceMs),
    })
  }
  return { pending: a.pending + b.pending, oldestMs: earliest(a.oldestMs, b.oldestMs), partitions }
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b)
}
