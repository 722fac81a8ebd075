import type { Clock, Timer } from '../base/clock.ts'
import { DAY_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import {
  type AttemptError,
  type DeliveryId,
  type Endpoint,
  type EndpointId,
  FAILING_RECENTLY_MS,
  failingStepMs,
  RETURNING,
} from '../base/model.ts'
import type { EndpointMark, PlacedMark } from '../store/operations/endpoints/marks.ts'
import type { Store } from '../store/store.ts'

/** A run of failures. */
type Run = {
  readonly endpoint: Pick<Endpoint, 'id' | 'tenant' | 'partition'>
  readonly sinceMs: number
  /** The partition's epoch when it began. */
  readonly epoch: number
  isStored: boolean
  /** Whether a success has ended it. */
  isOver: boolean
  lastFailureMs: number
  /** The delivery that failed last. Null if it isn't known yet. */
  delivery: DeliveryId | null
  /** When the next warning, or disabling the endpoint, is due. */
  reviewAtMs: number
}

/** What matters here about an attempt. */
export type Attempted = {
  readonly endpoint: Pick<Endpoint, 'id' | 'tenant' | 'partition' | 'url'>
  readonly delivery: DeliveryId
  /** Null if the attempt succeeded. */
  readonly error: AttemptError | null
  readonly endedAtMs: number
  /** How long the receiver asked Posthorn to wait, in milliseconds. 0 if it doesn't. */
  readonly waitMs: number
  /** The epoch of the endpoint's partition. */
  readonly epoch: number
}

/** Settings, named as in the configuration. */
export type HealthSettings = {
  /** Days without a success after which an endpoint is disabled. 0: never (C11). */
  readonly disableAfterDays: number
}

/** Posthorn's own faults, and that no one listened, which say nothing about the receiver. */
const OWN_FAULTS: ReadonlySet<AttemptError> = new Set(['internal', 'proxy_failed', 'secret_unreadable', 'no_listener'])

/** Errors without a connection to the receiver, for which no event can be at fault. */
const NEVER_CONNECTED: ReadonlySet<AttemptError> = new Set([
  'dns_failed',
  'target_refused',
  'proxy_failed',
  'connect_refused',
  'connect_timeout',
  'connect_failed',
  'tls_failed',
  'token_unavailable',
])

export const neverConnected = (error: AttemptError | null): boolean => error !== null && NEVER_CONNECTED.has(error)

/**
 * Minimum time between two writes of the beginning of a run, for endpoints whose runs come and go. A run that begins
 * sooner is stored when this time is over, unless a success has ended it by then.
 */
const MARK_PAUSE_MS = 1_000
/** How long to wait after a store failure. */
const RETRY_AFTER_FAULT_MS = 1_000
/** Pauses are rounded up to this, so that a receiver that asks for a short one each time causes one write a second. */
const PAUSE_UNIT_MS = 1_000

/** Of runs that are stored: nothing more is written under it. */
const NO_EPOCH = -1

const WELL_AGAIN: readonly EndpointMark[] = [{ kind: 'well' }]
const NOTHING: readonly EndpointMark[] = []

/**
 * The health of receivers beyond a single attempt: since when they have been failing (C11), and until when they asked
 * Posthorn to wait. The store is the source of truth. This is what the owner of an endpoint knows of it, so that an
 * attempt in the middle of a run writes nothing. An endpoint is known here from the first time it is read (`learn`)
 * until it changes or moves to another node (`forget`).
 */
export class ReceiverHealth {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #disableAfterMs: number
  readonly #runs = new Map<EndpointId, Run>()
  /** Endpoints that were enabled again or got another URL after failing, and have had no success since. */
  readonly #returning = new Set<EndpointId>()
  readonly #pausedUntilMs = new Map<EndpointId, number>()
  /** When the beginning of a run was last written, by endpoint. */
  readonly #markedAtMs = new Map<EndpointId, number>()
  /** Runs that are to be stored when the pause is over. */
  readonly #waiting = new Map<Run, Timer>()
  /** Runs that are being stored without an attempt's outcome. */
  readonly #storing = new Set<Promise<void>>()
  #isStopped = false

  constructor(store: Store, clock: Clock, log: Logger, { disableAfterDays }: HealthSettings) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#disableAfterMs = disableAfterDays * DAY_MS
  }

  /** Takes in the endpoint's stored health, without overwriting what is already known here. */
  learn({ id, tenant, partition, health }: Endpoint): void {
    const { failingSinceMs, stage, pausedUntilMs } = health
    if (pausedUntilMs !== null && pausedUntilMs > (this.#pausedUntilMs.get(id) ?? this.#store.now())) {
      this.#pausedUntilMs.set(id, pausedUntilMs)
    }
    if (stage === RETURNING) this.#returning.add(id)
    if (failingSinceMs === null || this.#runs.has(id)) return
    this.#runs.set(id, {
      endpoint: { id, tenant, partition },
      sinceMs: failingSinceMs,
      epoch: NO_EPOCH,
      isStored: true,
      isOver: false,
      // Unknown, so the run is not reviewed before the next failure.
      lastFailureMs: Number.NEGATIVE_INFINITY,
      delivery: null,
      reviewAtMs: failingSinceMs + this.#stepMs(Math.max(stage, 0)),
    })
  }

  /** Forgets an endpoint that changed, since what was known might no longer hold. */
  forget(endpoint: EndpointId): void {
    this.#runs.delete(endpoint)
    this.#returning.delete(endpoint)
    this.#pausedUntilMs.delete(endpoint)
    this.#markedAtMs.delete(endpoint)
  }

  /** Until when nothing is sent to the endpoint. In the past, or 0, if it isn't paused. */
  pausedUntilMs(endpoint: EndpointId): number {
    return this.#pausedUntilMs.get(endpoint) ?? 0
  }

  /** Whether to approach the endpoint slowly: it was failing or wants a pause, and has had no success since. */
  isSuspect(endpoint: EndpointId): boolean {
    if (this.#runs.has(endpoint) || this.#returning.has(endpoint)) return true
    return this.pausedUntilMs(endpoint) > this.#store.now()
  }

  /** Records an attempt. Returns the marks to be stored with its outcome. */
  record(attempted: Attempted): readonly EndpointMark[] {
    const { endpoint, error, endedAtMs, waitMs } = attempted
    const pause = waitMs > 0 ? this.#pause(endpoint, endedAtMs + waitMs) : NOTHING
    if (error === null) {
      const run = this.#runs.get(endpoint.id)
      if (run !== undefined) run.isOver = true
      const wasFailing = this.#runs.delete(endpoint.id)
      return this.#returning.delete(endpoint.id) || wasFailing ? WELL_AGAIN : NOTHING
    }
    if (OWN_FAULTS.has(error)) return pause
    const failing = this.#fail(attempted)
    return failing.length === 0 ? pause : [...failing, ...pause]
  }

  #pause({ id, url }: Attempted['endpoint'], wantedMs: number): readonly EndpointMark[] {
    const untilMs = Math.ceil(wantedMs / PAUSE_UNIT_MS) * PAUSE_UNIT_MS
    if (untilMs <= this.pausedUntilMs(id)) return NOTHING
    this.#pausedUntilMs.set(id, untilMs)
    return [{ kind: 'paused', untilMs, url }]
  }

  #fail({ endpoint: { id, tenant, partition }, delivery, endedAtMs, epoch }: Attempted): readonly EndpointMark[] {
    let run = this.#runs.get(id)
    if (run === undefined) {
      const reviewAtMs = endedAtMs + this.#stepMs(0)
      const endpoint = { id, tenant, partition }
      const begun = { endpoint, epoch, sinceMs: endedAtMs, lastFailureMs: endedAtMs, delivery, reviewAtMs }
      run = { ...begun, isStored: false, isOver: false }
      this.#runs.set(id, run)
    }
    if (endedAtMs >= run.lastFailureMs) {
      run.lastFailureMs = endedAtMs
      run.delivery = delivery
    }
    if (run.isStored) {
      if (endedAtMs >= run.reviewAtMs) this.#reviewRun(run)
      return NOTHING
    }
    const pauseMs = (this.#markedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) + MARK_PAUSE_MS - endedAtMs
    if (pauseMs > 0) {
      this.#storeLater(run, Math.min(pauseMs, MARK_PAUSE_MS))
      return NOTHING
    }
    this.#markedAtMs.set(id, endedAtMs)
    run.isStored = true
    return [{ kind: 'failing', sinceMs: run.sinceMs }]
  }

  /** Without it, an endpoint that gets no further attempt would look well although its last one failed. */
  #storeLater(run: Run, delayMs: number): void {
    if (this.#waiting.has(run)) return
    this.#waiting.set(
      run,
      this.#clock.after(delayMs, () => this.#storeNow(run)),
    )
  }

  #storeNow(run: Run): void {
    this.#waiting.delete(run)
    const { id } = run.endpoint
    if (run.isStored || this.#runs.get(id) !== run) return
    run.isStored = true
    this.#markedAtMs.set(id, this.#store.now())
    const storing = this.#store
      .write('markEndpoints', [mark(run, { kind: 'failing', sinceMs: run.sinceMs })])
      // A success can have ended it in the meantime, and the success can have been stored first.
      .then(() => (run.isOver ? this.#store.write('markEndpoints', [mark(run, { kind: 'well' })]) : undefined))
      .catch(error => {
        run.isStored = false
        this.#log.warn({ err: error, endpoint: id }, 'could not store that an endpoint is failing; retrying')
        if (!this.#isStopped) this.#storeLater(run, RETRY_AFTER_FAULT_MS)
      })
      .finally(() => this.#storing.delete(storing))
    this.#storing.add(storing)
  }

  /** Stores what is waiting. Call it after the last attempt. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const [run, timer] of this.#waiting) {
      timer.cancel()
      this.#storeNow(run)
    }
    await Promise.all(this.#storing)
  }

  /** Reviews the runs that are due and whose last failure is recent enough. Called after each sweep. */
  review(): void {
    const nowMs = this.#store.now()
    for (const run of this.#runs.values()) {
      if (nowMs >= run.reviewAtMs && nowMs - run.lastFailureMs <= FAILING_RECENTLY_MS) this.#reviewRun(run)
    }
    for (const [endpoint, atMs] of this.#markedAtMs) if (nowMs - atMs > MARK_PAUSE_MS) this.#markedAtMs.delete(endpoint)
    for (const [endpoint, ms] of this.#pausedUntilMs) if (ms <= nowMs) this.#pausedUntilMs.delete(endpoint)
  }

  #reviewRun(run: Run): void {
    run.reviewAtMs = Number.POSITIVE_INFINITY
    void this.#reviewInStore(run).catch(error => {
      this.#log.warn(
        { err: error, endpoint: run.endpoint.id },
        'could not check whether a failing endpoint must be disabled; retrying',
      )
      this.#clock.after(RETRY_AFTER_FAULT_MS, () => {
        run.reviewAtMs = 0
      })
    })
  }

  async #reviewInStore(run: Run): Promise<void> {
    const { id: endpoint, tenant, partition } = run.endpoint
    const disableAfterMs = this.#disableAfterMs
    const nowMs = Math.max(this.#store.now(), run.lastFailureMs)
    const { lastFailureMs, delivery } = run
    const claim = { tenant, endpoint, lastFailureMs, delivery, nowMs, disableAfterMs }
    const judged = await this.#store.write('escalateFailing', claim)
    if (judged.kind === 'failing') {
      run.reviewAtMs = judged.sinceMs + this.#stepMs(judged.stage)
      const since = new Date(judged.sinceMs).toISOString()
      if (judged.isWarned) this.#log.warn({ tenant, endpoint, since }, 'endpoint keeps failing without a success')
      return
    }
    // Changed by another node or manually: the state known here is out of date.
    if (this.#runs.get(endpoint) === run) this.forget(endpoint)
    if (judged.kind === 'disabled')
      this.#log.warn({ tenant, endpoint }, 'endpoint disabled after days without a success')
    this.#store.changes.emit({ kind: 'endpoint', tenant, endpoint, partition })
  }

  #stepMs(stage: number): number {
    return failingStepMs(stage, this.#disableAfterMs)
  }
}

const mark = ({ endpoint, epoch }: Run, what: EndpointMark): PlacedMark => ({
  endpoint: endpoint.id,
  epoch,
  mark: what,
})
