/**
 * Whether this node can store events, and whether it can read the store: two things, because a full disk takes no writes
 * and can still be read (decision 42).
 *
 * Writing is `available` until a commit fails, or a trial write; then it is `unavailable` until a trial write succeeds
 * that has the size of a whole request. Trials run one at a time: a small one when someone asks and nothing has been
 * committed for a while, large ones at intervals while writing is unavailable. Reading is tried whenever someone asks.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { StoreReadiness as Readiness } from '../api/options.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { Store } from '../store/store.ts'
import { StoreUnavailable } from '../store/transaction.ts'

/** How long what is known about writing and about reading holds. */
const WRITTEN_FRESH_MS = 10_000
const READ_FRESH_MS = 1_000
/** How long a caller waits for a trial. Probes of load balancers give up after a few seconds. */
const PATIENCE_MS = 2_000
/** A trial without a result for this long counts as failed. */
const HANGS_AFTER_MS = 10_000
/** Timeout of each step of a trial, where the store has one. */
const STEP_TIMEOUT_MS = 5_000
/** Pauses between trials while writing is unavailable. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 5_000
/** Room for a request of the usual maximum size (`maxBodyBytes`): a full disk still has room for a few bytes. */
const FILLER_BYTES = 786_432

type ReadinessStore = Pick<Store, 'engine' | 'read' | 'writeApart' | 'observations'>

export class StoreReadiness {
  readonly #store: ReadinessStore
  readonly #logger: Pick<Logger, 'info' | 'error'>
  readonly #trial = randomUUID()
  readonly #writing: Probe
  readonly #reading: Probe
  /** Runs while writing is unavailable. */
  readonly #loop: Loop
  #pauseMs = FIRST_PAUSE_MS
  /** Whether every node that shares the store finds the same fault. */
  #isShared = false
  #isReported = false

  constructor(store: ReadinessStore, clock: Clock, logger: Pick<Logger, 'info' | 'error'>) {
    this.#store = store
    this.#logger = logger
    this.#writing = new Probe(clock, {
      freshMs: WRITTEN_FRESH_MS,
      work: () => this.#tryWriting(),
      onLost: () => this.#loop.wake(),
    })
    this.#reading = new Probe(clock, {
      freshMs: READ_FRESH_MS,
      work: () => store.read('readMeta', { key: 'schema_version' }),
    })
    this.#loop = new Loop({ clock, everyMs: null, run: () => this.#lookForRecovery() })
    store.observations.on(observation => {
      if (observation.kind !== 'commit') return
      const { isAvailable } = this.#writing
      // A node that alone has the fault costs the others' requests nothing until a trial says so, right after this.
      if (observation.isFault && isAvailable) this.#isShared = true
      // A small commit can succeed on a disk that is full: only a trial ends the fault.
      if (observation.isFault || isAvailable) this.#writing.learn(!observation.isFault)
    })
  }

  start(): void {
    this.#loop.start(null)
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
  }

  /** Takes two seconds at most. Never rejects. */
  async check(): Promise<Readiness> {
    const [publishing, reading] = await Promise.all([
      // While it is unavailable, the loop looks for its recovery.
      this.#writing.isAvailable ? this.#writing.ask() : false,
      this.#reading.ask(),
    ])
    const isOurs = this.#store.engine === 'sqlite' || !this.#isShared
    return { publishing, reading, isReady: reading && (publishing || !isOurs) }
  }

  async #lookForRecovery(): Promise<number | undefined> {
    if (this.#writing.isAvailable) return undefined
    if (await this.#writing.run()) {
      if (this.#isReported) this.#logger.info('the store takes writes again')
      this.#isReported = false
      this.#isShared = false
      this.#pauseMs = FIRST_PAUSE_MS
      return undefined
    }
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    return pauseMs
  }

  /** Large if writing is unavailable: then it takes the place of a request, and is cleared away afterwards. */
  async #tryWriting(): Promise<void> {
    const isLarge = !this.#writing.isAvailable
    const write = (filler: string) =>
      this.#store.writeApart('tryWrite', { trial: this.#trial, filler }, STEP_TIMEOUT_MS)
    try {
      // Random, so that no store can compress it.
      if (isLarge) await write(randomBytes(FILLER_BYTES).toString('base64'))
      await write('')
    } catch (error) {
      this.#report(error as Error)
      throw error
    }
  }

  #report(error: Error): void {
    this.#isShared = !(error instanceof StoreUnavailable) || error.isReported
    if (this.#isReported) return
    this.#isReported = true
    this.#logger.error({ err: error }, 'the store takes no writes; trying again every few seconds')
  }
}

type ProbeOptions = {
  /** How long what is known holds, in milliseconds. */
  readonly freshMs: number
  /** Rejects if it is unavailable. */
  readonly work: () => Promise<unknown>
  /** Called when it has become unavailable. */
  readonly onLost?: () => void
}

/** Something that is tried repeatedly, and what is known of it. Available until something says otherwise. */
class Probe {
  readonly #clock: Clock
  readonly #options: ProbeOptions
  #isAvailable = true
  #knownAtMs = Number.NEGATIVE_INFINITY
  /** How often it was found unavailable. */
  #losses = 0
  #running: Promise<boolean> | undefined

  constructor(clock: Clock, options: ProbeOptions) {
    this.#clock = clock
    this.#options = options
  }

  get isAvailable(): boolean {
    return this.#isAvailable
  }

  learn(isAvailable: boolean): void {
    const isLost = this.#isAvailable && !isAvailable
    this.#isAvailable = isAvailable
    this.#knownAtMs = this.#clock.monotonicMs()
    if (!isAvailable) this.#losses++
    if (isLost) this.#options.onLost?.()
  }

  /** Tries it unless it was found out recently. Returns what was known before if the try takes too long. */
  async ask(): Promise<boolean> {
    if (this.#running === undefined && this.#clock.monotonicMs() - this.#knownAtMs < this.#options.freshMs) {
      return this.#isAvailable
    }
    await first(this.#clock, PATIENCE_MS, this.run())
    return this.#isAvailable
  }

  /** Tries it, or joins the try in progress. Resolves with whether it is available. */
  run(): Promise<boolean> {
    this.#running ??= this.#try().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #try(): Promise<boolean> {
    const losses = this.#losses
    const tried = this.#options.work().then(
      () => true,
      () => false,
    )
    const late = this.#clock.after(HANGS_AFTER_MS, () => this.learn(false))
    const isAvailable = await tried
    late.cancel()
    // A fault since this try began counts for more than its success.
    if (!isAvailable || losses === this.#losses) this.learn(isAvailable)
    return this.#isAvailable
  }
}

/** Resolves when the work ends, or after a while. */
async function first(clock: Clock, afterMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: isLate, resolve } = Promise.withResolvers<void>()
  const timer = clock.after(afterMs, resolve)
  await Promise.race([work, isLate])
  timer.cancel()
}
