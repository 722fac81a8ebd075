import type { Clock } from '../base/clock.ts'
import { addBins, binOf, type LatencyBins } from '../base/latency-bins.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { Attempt, EndpointId } from '../base/model.ts'
import type { Observation } from '../store/observations.ts'
import { addCounts, type Counts, GRAINS, noCounts, type StatCount, type StatEntry } from '../store/operations/stats.ts'
import type { Store } from '../store/store.ts'

const PAUSE_MS = 5_000
/** A commit of this many takes some milliseconds. */
const ENTRIES_A_COMMIT = 100
const TIMEOUT_MS = 10_000
/**
 * Pause between two commits, as a multiple of the first one's time. The embedded store makes one commit at a time, and
 * the hundred that an event to ten thousand endpoints needs would block those of the deliveries. So would the commits
 * of a tenant that reads its statistics again and again.
 */
const REST = 3
/** How long a caller waits for the write at most. */
const CALLER_WAITS_MS = 2_000

type Gathered = { readonly counts: Counts; readonly latencies: LatencyBins }

/**
 * Gathers the outcomes of deliveries and attempts by endpoint and minute, and adds them to the store's statistics every
 * few seconds, apart from the commits of the hot path. A crash loses what was gathered since the last write.
 */
export class StatsWriter {
  readonly #store: Pick<Store, 'writeApart'>
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'warn'>
  /** By the start of the minute, then by endpoint. */
  #gathered = new Map<number, Map<EndpointId, Gathered>>()
  readonly #loop: Loop
  /** Until when the last commit is followed by a pause (monotonic). */
  #restUntilMs = Number.NEGATIVE_INFINITY

  constructor(store: Pick<Store, 'writeApart'>, clock: Clock, log: Pick<Logger, 'warn'>) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#loop = new Loop({ clock, everyMs: PAUSE_MS, run: () => this.#write() })
  }

  start(): void {
    this.#loop.start(PAUSE_MS)
  }

  /** Resolves when everything gathered was written, or writing it failed. */
  async stop(): Promise<void> {
    // First the current write, then what was gathered since it began.
    await this.#loop.stop()
    await this.#write()
  }

  observe(observation: Observation): void {
    if (observation.kind === 'cancelled') {
      const { endpoint, deliveries, atMs } = observation
      if (deliveries > 0) this.#of(endpoint, atMs).counts.cancelled += deliveries
    } else if (observation.kind === 'settled') {
      for (const [at, { endpoint, endedAtMs, attempt, step }] of observation.settlements.entries()) {
        const { counts, latencies } = this.#of(endpoint, endedAtMs)
        counts[classOf(attempt)]++
        if (attempt.address !== null) addBins(latencies, [[binOf(attempt.durationMs), 1]])
        if (observation.moved[at] !== 'ended') continue
        if (step.kind === 'exhausted') counts.exhausted++
        else counts.delivered++
      }
    }
  }

  /**
   * Writes now, with the same pauses between commits. Resolves when everything was written, or after two seconds. Never
   * throws: what can't be written now is kept for the next time.
   */
  async flush(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(CALLER_WAITS_MS, resolve)
    await Promise.race([this.#loop.now(), late])
    timer.cancel()
  }

  async #write(): Promise<void> {
    const entries: StatEntry[] = []
    for (const [startMs, ofMinute] of this.#gathered) {
      for (const [endpoint, gathered] of ofMinute) entries.push({ endpoint, startMs, ...gathered })
    }
    this.#gathered = new Map()
    for (let at = 0; at < entries.length; at += ENTRIES_A_COMMIT) {
      const some = entries.slice(at, at + ENTRIES_A_COMMIT)
      await this.#rest()
      const begunAtMs = this.#clock.monotonicMs()
      try {
        await this.#store.writeApart('addStats', { entries: some }, TIMEOUT_MS)
      } catch (error) {
        this.#log.warn({ err: error }, 'storing statistics failed; keeping them for the next write')
        this.#keep(entries.slice(at))
        break
      }
      const endedAtMs = this.#clock.monotonicMs()
      this.#restUntilMs = endedAtMs + (endedAtMs - begunAtMs) * REST
    }
  }

  async #rest(): Promise<void> {
    const leftMs = this.#restUntilMs - this.#clock.monotonicMs()
    if (leftMs > 0) await this.#loop.rest(leftMs)
  }

  #keep(entries: readonly StatEntry[]): void {
    for (const { endpoint, startMs, counts, latencies } of entries) {
      const kept = this.#of(endpoint, startMs)
      addCounts(kept.counts, counts)
      addBins(kept.latencies, latencies)
    }
  }

  #of(endpoint: EndpointId, atMs: number): Gathered {
    const startMs = atMs - (atMs % GRAINS.minute.ms)
    let ofMinute = this.#gathered.get(startMs)
    if (ofMinute === undefined) {
      ofMinute = new Map()
      this.#gathered.set(startMs, ofMinute)
    }
    let gathered = ofMinute.get(endpoint)
    if (gathered === undefined) {
      gathered = { counts: noCounts(), latencies: new Map() }
      ofMinute.set(endpoint, gathered)
    }
    return gathered
  }
}

function classOf({ status }: Pick<Attempt, 'status'>): StatCount {
  if (status === null) return 'no_answer'
  if (status >= 200 && status <= 299) return 'status_2xx'
  if (status >= 300 && status <= 399) return 'status_3xx'
  if (status >= 400 && status <= 499) return 'status_4xx'
  if (status >= 500 && status <= 599) return 'status_5xx'
  return 'status_other'
}
