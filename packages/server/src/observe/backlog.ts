import type { Clock } from '../base/clock.ts'
import type { PendingCount } from '../store/operations/deliveries/backlog.ts'
import type { Store } from '../store/store.ts'
import type { StoreState } from './metrics.ts'

/** Some ten milliseconds' worth. */
const AT_ONCE = 20_000
/** After each chunk of a walk, so many times as long as it took: a walk takes a fifth of a reader's time. */
const REST = 4
const WALK_PAUSE_MS = 15_000
/** How long whoever asks first waits for a walk; then they are told how far it has come. */
const PATIENCE_MS = 3_000
/** The same for the store altogether; shorter than Prometheus waits by default. */
const STORE_PATIENCE_MS = 5_000

type Found = { readonly pending: number; readonly oldestMs: number | null }

/**
 * How much is pending, and since when, at a bounded cost: the store may owe millions of deliveries, and Prometheus asks
 * every few seconds.
 *
 * Up to AT_ONCE deliveries are counted when somebody asks. Beyond that the count is the last walk's: it goes through all
 * of them, a chunk at a time, with pauses, at most once in WALK_PAUSE_MS and only while somebody asks.
 */
export class Backlog {
  readonly #store: Pick<Store, 'read' | 'now'>
  readonly #clock: Clock
  readonly #atOnce: number
  #reading: Promise<StoreState | null> | undefined
  #walk: Promise<void> | undefined
  #walked: Found | undefined
  /** What the walk under way has counted. */
  #soFar: Found = { pending: 0, oldestMs: null }
  #walkedAtMs = Number.NEGATIVE_INFINITY
  #isStopped = false

  /** @param atOnce deliveries that are counted when somebody asks; default: 20,000 */
  constructor(store: Pick<Store, 'read' | 'now'>, clock: Clock, atOnce = AT_ONCE) {
    this.#store = store
    this.#clock = clock
    this.#atOnce = atOnce
  }

  /** Whoever asks meanwhile gets the same answer. null: the store can't say, or not soon. */
  async read(): Promise<StoreState | null> {
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

  /** After the chunk that is being counted. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#walk
  }

  async #read(): Promise<StoreState> {
    const first = await this.#store.read('countPending', { after: null, limit: this.#atOnce })
    const setAside = await this.#store.read('countSetAside', {})
    const { pending, oldestMs } = first.last === null ? toFound(first) : await this.#walkedCount()
    const ageMs = oldestMs === null ? 0 : this.#store.now() - oldestMs
    return { pending, oldestPendingSeconds: Math.max(0, ageMs) / 1_000, setAside }
  }

  async #walkedCount(): Promise<Found> {
    if (this.#walk === undefined && this.#clock.monotonicMs() - this.#walkedAtMs >= WALK_PAUSE_MS) {
      this.#walk = this.#count().finally(() => {
        this.#walk = undefined
      })
    }
    if (this.#walked === undefined && this.#walk !== undefined) await this.#atMost(PATIENCE_MS, this.#walk)
    return this.#walked ?? this.#soFar
  }

  /** A fault ends it: the next one who asks begins another. */
  async #count(): Promise<void> {
    this.#soFar = { pending: 0, oldestMs: null }
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
    this.#walked = this.#soFar
    this.#walkedAtMs = this.#clock.monotonicMs()
  }
}

const toFound = ({ count, oldestMs }: PendingCount): Found => ({ pending: count, oldestMs })

function together(a: Found, b: Found): Found {
  const oldest = [a.oldestMs, b.oldestMs].filter(ms => ms !== null)
  return { pending: a.pending + b.pending, oldestMs: oldest.length === 0 ? null : Math.min(...oldest) }
}
