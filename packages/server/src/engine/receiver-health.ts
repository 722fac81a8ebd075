import type { Clock } from '../base/clock.ts'
import { DAY_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import {
  type AttemptError,
  type Endpoint,
  type EndpointId,
  FAILING_RECENTLY_MS,
  failingStepMs,
  RETURNING,
} from '../base/model.ts'
import type { EndpointMark } from '../store/operations/endpoints/marks.ts'
import type { Store } from '../store/store.ts'

/** A run of failures. */
type Run = {
  readonly endpoint: Pick<Endpoint, 'id' | 'tenant' | 'partition'>
  readonly sinceMs: number
  isStored: boolean
  lastFailureMs: number
  /** When the next warning, or the end, falls due. */
  reviewAtMs: number
}

/** What of an attempt counts here. */
export type Attempted = {
  readonly endpoint: Endpoint
  /** null: it was a success. */
  readonly error: AttemptError | null
  readonly endedAtMs: number
  /** The receiver asks to be left alone so long, milliseconds; 0: it doesn't. */
  readonly waitMs: number
}

/** Settings, by their own names. */
export type HealthSettings = {
  /** After so many days without a success an endpoint is disabled; 0: never (C11). */
  readonly disableAfterDays: number
}

/** Faults of ours, that say nothing of the receiver. */
const OWN_FAULTS: ReadonlySet<AttemptError> = new Set(['internal', 'proxy_failed', 'secret_unreadable'])

/** Errors that say that the receiver was never connected to, so that no event can be at fault. */
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

/** An endpoint whose runs come and go writes the beginning of one no more often. */
const MARK_PAUSE_MS = 10_000
/** After a fault of the store. */
const RETRY_AFTER_FAULT_MS = 1_000
/** Pauses are told in whole ones: a receiver that asks for a little at each request writes once a second. */
const PAUSE_UNIT_MS = 1_000

const WELL_AGAIN: readonly EndpointMark[] = [{ kind: 'well' }]
const NOTHING: readonly EndpointMark[] = []

/**
 * How receivers do, as far as it outlasts an attempt: since when they fail (C11), and until when they want to be left
 * alone. The store has the truth; this is what the owner of an endpoint knows of it, so that an attempt in the middle of
 * a run writes nothing. An endpoint is known here from its first look-up on (`learn`) until it changes, or is another
 * node's (`forget`).
 */
export class ReceiverHealth {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #disableAfterMs: number
  readonly #runs = new Map<EndpointId, Run>()
  /** Enabled again, or sent elsewhere, after a time of failures, and without a success since. */
  readonly #returning = new Set<EndpointId>()
  readonly #pausedUntilMs = new Map<EndpointId, number>()
  /** When the beginning of a run was last written. */
  readonly #markedAtMs = new Map<EndpointId, number>()

  constructor(store: Store, clock: Clock, log: Logger, { disableAfterDays }: HealthSettings) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#disableAfterMs = disableAfterDays * DAY_MS
  }

  /** As the store has it. What is known better already stays. */
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
      isStored: true,
      // Not known: it is not reviewed before the next.
      lastFailureMs: Number.NEGATIVE_INFINITY,
      reviewAtMs: failingSinceMs + this.#stepMs(Math.max(stage, 0)),
    })
  }

  /** It changed: what was known of it may not hold any more. */
  forget(endpoint: EndpointId): void {
    this.#runs.delete(endpoint)
    this.#returning.delete(endpoint)
    this.#pausedUntilMs.delete(endpoint)
  }

  /** When the endpoint may be sent something; in the past, or 0, where it always may. */
  pausedUntilMs(endpoint: EndpointId): number {
    return this.#pausedUntilMs.get(endpoint) ?? 0
  }

  /** Whether it is to be approached slowly: it was failing, or wants a pause, and has had no success since. */
  isSuspect(endpoint: EndpointId): boolean {
    if (this.#runs.has(endpoint) || this.#returning.has(endpoint)) return true
    return this.pausedUntilMs(endpoint) > this.#store.now()
  }

  /** Records an attempt; answers what is to be stored with it. */
  record(attempted: Attempted): readonly EndpointMark[] {
    const { endpoint, error, endedAtMs, waitMs } = attempted
    const pause = waitMs > 0 ? this.#pause(endpoint, endedAtMs + waitMs) : NOTHING
    if (error === null) {
      const wasFailing = this.#runs.delete(endpoint.id)
      return this.#returning.delete(endpoint.id) || wasFailing ? WELL_AGAIN : NOTHING
    }
    if (OWN_FAULTS.has(error)) return pause
    const failing = this.#fail(endpoint, endedAtMs)
    return failing.length === 0 ? pause : [...failing, ...pause]
  }

  #pause({ id, url }: Endpoint, wantedMs: number): readonly EndpointMark[] {
    const untilMs = Math.ceil(wantedMs / PAUSE_UNIT_MS) * PAUSE_UNIT_MS
    if (untilMs <= this.pausedUntilMs(id)) return NOTHING
    this.#pausedUntilMs.set(id, untilMs)
    return [{ kind: 'paused', untilMs, url }]
  }

  #fail({ id, tenant, partition }: Endpoint, endedAtMs: number): readonly EndpointMark[] {
    let run = this.#runs.get(id)
    if (run === undefined) {
      const reviewAtMs = endedAtMs + this.#stepMs(0)
      const endpoint = { id, tenant, partition }
      run = { endpoint, sinceMs: endedAtMs, isStored: false, lastFailureMs: endedAtMs, reviewAtMs }
      this.#runs.set(id, run)
    }
    run.lastFailureMs = Math.max(run.lastFailureMs, endedAtMs)
    if (run.isStored) {
      if (endedAtMs >= run.reviewAtMs) this.#reviewRun(run)
      return NOTHING
    }
    if (endedAtMs - (this.#markedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) < MARK_PAUSE_MS) return NOTHING
    this.#markedAtMs.set(id, endedAtMs)
    run.isStored = true
    return [{ kind: 'failing', sinceMs: run.sinceMs }]
  }

  /** Now and then: runs whose time has come, and whose last failure is fresh enough. */
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
      this.#log.warn({ err: error, endpoint: run.endpoint.id }, 'failing endpoint could not be reviewed; retrying')
      this.#clock.after(RETRY_AFTER_FAULT_MS, () => {
        run.reviewAtMs = 0
      })
    })
  }

  async #reviewInStore(run: Run): Promise<void> {
    const { id: endpoint, tenant, partition } = run.endpoint
    const disableAfterMs = this.#disableAfterMs
    const nowMs = Math.max(this.#store.now(), run.lastFailureMs)
    const claim = { tenant, endpoint, lastFailureMs: run.lastFailureMs, nowMs, disableAfterMs }
    const judged = await this.#store.write('escalateFailing', claim)
    if (judged.kind === 'failing') {
      run.reviewAtMs = judged.sinceMs + this.#stepMs(judged.stage)
      const since = new Date(judged.sinceMs).toISOString()
      if (judged.isWarned) this.#log.warn({ tenant, endpoint, since }, 'endpoint has had no success for a long time')
      return
    }
    // Another node knows better, or a person: what is here is out of date.
    if (this.#runs.get(endpoint) === run) this.forget(endpoint)
    if (judged.kind === 'disabled')
      this.#log.warn({ tenant, endpoint }, 'endpoint disabled after days without a success')
    this.#store.changes.emit({ kind: 'endpoint', tenant, endpoint, partition })
  }

  #stepMs(stage: number): number {
    return failingStepMs(stage, this.#disableAfterMs)
  }
}
