import type { FieldError } from '../../base/errors.ts'
import type { EventId } from '../../base/model.ts'
import type { KnownTypes } from '../../catalogue/configuration-cache.ts'
import { UNPARSED } from '../../catalogue/match.ts'
import type { Arrival } from '../../store/operations/inbox/inbox.ts'
import { checkEvent, type PayloadLimits } from '../event-faults.ts'
import { type CheckMeans, describeTooLong } from './body-check.ts'
import { CheckTooLong } from './checker.ts'

/** Arrivals in a thread, or with a result that no round has picked up yet. Further ones wait in the inbox. */
const MAX_STARTED = 512
/** Arrivals of a tenant that are started together. */
const MAX_AHEAD = 32

type Checked = {
  readonly faults: readonly FieldError[]
  /** The parsed payload, or `UNPARSED`. */
  readonly value: unknown
}

type Started = {
  readonly types: KnownTypes
  /** Undefined while the thread works. */
  result?: { readonly faults: readonly FieldError[] } | { readonly error: unknown }
}

/**
 * Checks events published from SQL: on the main thread if that is quick. Otherwise a round of the inbox only starts the
 * check, and a later one finds its result, so that no other tenant's rows wait for it.
 */
export class ArrivalChecks {
  readonly #means: Pick<CheckMeans, 'checker' | 'costs'>
  readonly #limits: PayloadLimits
  readonly #started = new Map<EventId, Started>()

  constructor(means: Pick<CheckMeans, 'checker' | 'costs'>, limits: PayloadLimits) {
    this.#means = means
    this.#limits = limits
  }

  /** Throws if a schema in the catalogue can't be used. */
  check(arrival: Arrival, types: KnownTypes): Checked | 'waiting' {
    const { tenant, event, type, payload } = arrival
    const started = this.#started.get(event)
    if (started !== undefined && started.types === types) return this.#resultOf(event, started)
    if (payload === null) return checkEvent(arrival, types, this.#limits)
    const begun = isQuick(type, types) ? this.#means.costs.begin(tenant, payload) : null
    if (begun !== null) {
      const checked = this.#means.costs.work(begun, () => checkEvent(arrival, types, this.#limits))
      if (begun !== undefined) this.#means.costs.end(begun)
      return checked
    }
    this.#start(arrival, types)
    return 'waiting'
  }

  /** Starts what will need a thread of these arrivals, which come after one that waits for its own. */
  startAhead(arrivals: readonly Arrival[], types: KnownTypes): void {
    for (const arrival of arrivals.slice(0, MAX_AHEAD)) {
      const { tenant, event, type, payload } = arrival
      if (payload === null || this.#started.get(event)?.types === types) continue
      if (!isQuick(type, types) || this.#means.costs.begin(tenant, payload) === null) this.#start(arrival, types)
    }
  }

  #resultOf(event: EventId, { result }: Started): Checked | 'waiting' {
    if (result === undefined) return 'waiting'
    this.#started.delete(event)
    if ('error' in result) throw result.error
    return { faults: result.faults, value: UNPARSED }
  }

  #start(arrival: Arrival, types: KnownTypes): void {
    const { tenant, event, type, payload, payloadBytes } = arrival
    if (this.#started.size >= MAX_STARTED && !this.#forget()) return
    const { maxDepth, maxBodyBytes } = this.#limits
    const started: Started = { types }
    // Kept in the order of their ends so that the oldest result is forgotten first.
    const conclude = (result: NonNullable<Started['result']>) => {
      started.result = result
      if (this.#started.get(event) !== started) return
      this.#started.delete(event)
      this.#started.set(event, started)
    }
    this.#started.set(event, started)
    const job = { kind: 'event', event: { type, payload, payloadBytes }, limits: { maxDepth, maxBodyBytes } } as const
    this.#means.checker.check(tenant, job, types).then(
      faults => conclude({ faults }),
      error => {
        const isSlow = error instanceof CheckTooLong
        conclude(isSlow ? { faults: [{ field: '/payload', ...describeTooLong(type) }] } : { error })
      },
    )
  }

  /** Forgets the oldest result: most likely another node has taken its row. False if there is none. */
  #forget(): boolean {
    for (const [event, { result }] of this.#started) {
      if (result === undefined) continue
      this.#started.delete(event)
      return true
    }
    return false
  }
}

const isQuick = (type: string, types: KnownTypes): boolean => types.byName.get(type)?.isQuick() ?? true
