/** Decides which endpoints get which of the events that a scan has found (store/operations/replays/scan.ts). */
import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import type { EndpointId, EventId, ReplaySelection, TenantId } from '../base/model.ts'
import type { TenantMatcher } from '../catalogue/configuration-cache.ts'
import type { Filters } from '../catalogue/filter.ts'
import { effortOf, MAX_EFFORT } from '../catalogue/match.ts'
import type { Replayable } from '../store/operations/replays/scan.ts'
import type { Store } from '../store/store.ts'

/** Payloads read at a time. */
const EVENTS_A_READ = 32
/** Payload bytes read for one call. With more, the call decides on a part of what was found. */
const MAX_BYTES = 4 * 1024 * 1024

/** True or false, or the filter (as JSON text) that the payload has to pass. */
type Verdict = boolean | string

export type Wants = (found: Pick<Replayable, 'endpoint' | 'type' | 'replayOf'>) => Verdict

/**
 * An endpoint gets again what it got before. It gets an event that it never got if it wants the event now: its types
 * and its filter let it through. A call that names the endpoint and types decides on the types itself, and one that
 * names the endpoint and an event on both.
 */
export function wantsOf(
  { endpoint, event, types }: ReplaySelection,
  { wanting, endpoints }: Pick<TenantMatcher, 'wanting' | 'endpoints'>,
): Wants {
  if (endpoint !== null && event !== null) return () => true
  const verdictOf = ({ filterText }: { readonly filterText: string | null }) => filterText ?? true
  if (endpoint !== null && types !== null) {
    const named = endpoints.find(({ id }) => id === endpoint)
    const verdict = named === undefined ? true : verdictOf(named)
    return ({ replayOf }) => replayOf !== null || verdict
  }
  const byType = new Map<string, ReadonlyMap<EndpointId, Verdict>>()
  return ({ endpoint: id, type, replayOf }) => {
    if (replayOf !== null) return true
    let verdicts = byType.get(type)
    if (verdicts === undefined) {
      verdicts = new Map(wanting(type).map(matched => [matched.id, verdictOf(matched)]))
      byType.set(type, verdicts)
    }
    return verdicts.get(id) ?? false
  }
}

export type Sifted = {
  readonly kept: readonly Replayable[]
  /** How many were decided on, from the first one. At least one, and fewer than all if their payloads are large. */
  readonly decided: number
}

type PayloadStore = Pick<Store, 'read'>

export class Sieve {
  readonly #store: PayloadStore
  readonly #tenant: TenantId
  readonly #wants: Wants
  readonly #filters: Filters
  /** Payloads that were read and not needed yet. Null if one is no longer kept. */
  readonly #payloads = new Map<EventId, Uint8Array | null>()
  #effort = 0

  constructor(store: PayloadStore, tenant: TenantId, wants: Wants, filters: Filters) {
    this.#store = store
    this.#tenant = tenant
    this.#wants = wants
    this.#filters = filters
  }

  /**
   * @param found in the order of their events
   * @param most ends when this many are kept
   */
  async sift(found: readonly Replayable[], most = Number.POSITIVE_INFINITY): Promise<Sifted> {
    const kept: Replayable[] = []
    let bytesLeft = MAX_BYTES
    let decided = 0
    let event: OpenedEvent | undefined
    for (; decided < found.length && kept.length < most; decided++) {
      const one = found[decided]!
      const verdict = this.#wants(one)
      if (typeof verdict === 'string') {
        if (event?.id !== one.event) {
          if (!this.#payloads.has(one.event)) {
            if (bytesLeft <= 0) break
            bytesLeft -= await this.#readPayloads(found.slice(decided), bytesLeft)
          }
          event = this.#open(one.event)
        }
        if (!(await this.#passes(event, verdict))) continue
      } else if (!verdict) continue
      kept.push(one)
    }
    return { kept, decided }
  }

  /** Reads the payloads of the next events that a filter has to look at. Returns their bytes. */
  async #readPayloads(found: readonly Replayable[], maxBytes: number): Promise<number> {
    const events = new Set<EventId>()
    for (const one of found) {
      if (typeof this.#wants(one) === 'string') events.add(one.event)
      if (events.size === EVENTS_A_READ) break
    }
    const read = await this.#store.read('readPayloads', { tenant: this.#tenant, events: [...events], maxBytes })
    this.#payloads.clear()
    for (const { event, payload } of read) this.#payloads.set(event, payload)
    return read.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)
  }

  #open(id: EventId): OpenedEvent {
    const payload = this.#payloads.get(id) ?? null
    const value: unknown = payload === null ? undefined : JSON.parse(Buffer.from(payload).toString())
    return { id, isKept: payload !== null, value, bytes: payload?.length ?? 0, passed: new Map() }
  }

  /** An event without a payload can't be sent. */
  async #passes(event: OpenedEvent, filterText: string): Promise<boolean> {
    if (!event.isKept) return false
    const before = event.passed.get(filterText)
    if (before !== undefined) return before
    this.#effort += effortOf(1, event.bytes)
    if (this.#effort > MAX_EFFORT) {
      this.#effort = 0
      await setImmediate()
    }
    const passes = this.#filters.get(filterText)(event.value)
    event.passed.set(filterText, passes)
    return passes
  }
}

type OpenedEvent = {
  readonly id: EventId
  readonly isKept: boolean
  readonly value: unknown
  readonly bytes: number
  readonly passed: Map<string, boolean>
}
