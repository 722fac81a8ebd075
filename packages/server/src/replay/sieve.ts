/** Decides which endpoints get which of the events that a scan has found (store/operations/replays/scan.ts). */
import type { Clock } from '../base/clock.ts'
import { SlicedParse } from '../base/json-slices.ts'
import type { EndpointId, EventId, TenantId } from '../base/model.ts'
import type { ReplaySelection } from '../base/replay.ts'
import type { KeptFilter, Work } from '../catalogue/contents.ts'
import { Progress } from '../catalogue/filter/progress.ts'
import { MAX_WHOLE_BYTES, parseWhole, STEPS_A_SLICE } from '../publish/payload-parsing.ts'
import type { SharedTurns } from '../publish/turns.ts'
import type { Replayable } from '../store/operations/replays/scan.ts'
import type { Store } from '../store/store.ts'

/** Payloads read at a time. */
const EVENTS_A_READ = 32
/** Payload bytes read for one call. With more, the call decides on a part of what was found. */
const MAX_BYTES = 4 * 1024 * 1024
/** Time is measured here rather than steps. */
const UNLIMITED: Work = { left: Number.POSITIVE_INFINITY }

/** What endpoints want of what they never got. */
export type Wanting = {
  /** Whether the endpoint's types include this one. */
  isWanted(endpoint: EndpointId, type: string): boolean
  hasFilter(endpoint: EndpointId): boolean
  /** To be called if it has one. Null if the endpoint was deleted, or its filter removed, in the meantime. */
  filterOf(endpoint: EndpointId): Promise<KeptFilter | null>
}

export type Wants = (found: Pick<Replayable, 'endpoint' | 'type' | 'replayOf'>) => boolean | 'filter'

/**
 * An endpoint gets again what it got before. It gets an event that it never got if it wants the event now: its types
 * and its filter let it through. A call that names the endpoint and types decides on the types itself, and one that
 * names the endpoint and an event on both. `filter`: its filter decides.
 */
export function wantsOf({ endpoint, event, types }: ReplaySelection, wanting: Omit<Wanting, 'filterOf'>): Wants {
  if (endpoint !== null && event !== null) return () => true
  const isNamed = endpoint !== null && types !== null
  return ({ endpoint: id, type, replayOf }) => {
    if (replayOf !== null) return true
    if (!isNamed && !wanting.isWanted(id, type)) return false
    return wanting.hasFilter(id) ? 'filter' : true
  }
}

export type Sifted = {
  readonly kept: readonly Replayable[]
  /** How many were decided on, from the first one. At least one, and fewer than all if that takes long. */
  readonly decided: number
}

type PayloadStore = Pick<Store, 'read'>

/** How to decide on what was found, and when. */
type Rules = {
  readonly wants: Wants
  readonly filterOf: Wanting['filterOf']
  readonly turns: SharedTurns
}

export class Sieve {
  readonly #store: PayloadStore
  readonly #tenant: TenantId
  readonly #wants: Wants
  readonly #filterOf: Wanting['filterOf']
  readonly #clock: Clock
  readonly #turns: SharedTurns
  /** Payloads that were read and not needed yet. Null if one is no longer kept. */
  readonly #payloads = new Map<EventId, Uint8Array | null>()
  #workedMs = 0

  constructor(store: PayloadStore, clock: Clock, tenant: TenantId, { wants, filterOf, turns }: Rules) {
    this.#store = store
    this.#tenant = tenant
    this.#wants = wants
    this.#filterOf = filterOf
    this.#clock = clock
    this.#turns = turns
  }

  /** How long filters and parsing took so far, without pauses, in milliseconds. */
  get workedMs(): number {
    return this.#workedMs
  }

  /**
   * @param found in the order of their events
   * @param most ends when this many are kept
   * @param untilMs ends then, by `workedMs`
   */
  async sift(
    found: readonly Replayable[],
    most = Number.POSITIVE_INFINITY,
    untilMs = Number.POSITIVE_INFINITY,
  ): Promise<Sifted> {
    const kept: Replayable[] = []
    let bytesLeft = MAX_BYTES
    let decided = 0
    let event: OpenedEvent | undefined
    for (; decided < found.length && kept.length < most; decided++) {
      const one = found[decided]!
      const verdict = this.#wants(one)
      if (verdict === 'filter') {
        if (decided > 0 && this.#workedMs >= untilMs) break
        if (event?.id !== one.event) {
          if (!this.#payloads.has(one.event)) {
            if (bytesLeft <= 0) break
            bytesLeft -= await this.#readPayloads(found.slice(decided), bytesLeft)
          }
          event = await this.#open(one.event)
        }
        if (!(await this.#passes(event, one.endpoint))) continue
      } else if (!verdict) continue
      kept.push(one)
    }
    return { kept, decided }
  }

  /** Reads the payloads of the next events that a filter has to look at. Returns their bytes. */
  async #readPayloads(found: readonly Replayable[], maxBytes: number): Promise<number> {
    const events = new Set<EventId>()
    for (const one of found) {
      if (this.#wants(one) === 'filter') events.add(one.event)
      if (events.size === EVENTS_A_READ) break
    }
    const read = await this.#store.read('readPayloads', { tenant: this.#tenant, events: [...events], maxBytes })
    this.#payloads.clear()
    for (const { event, payload } of read) this.#payloads.set(event, payload)
    return read.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)
  }

  async #open(id: EventId): Promise<OpenedEvent> {
    const payload = this.#payloads.get(id) ?? null
    const value: unknown = payload === null ? undefined : await this.#parse(payload)
    return { id, isKept: payload !== null, value, passed: new WeakMap() }
  }

  async #parse(payload: Uint8Array): Promise<unknown> {
    if (payload.length <= MAX_WHOLE_BYTES) return this.#work(() => parseWhole(payload))
    const parse = new SlicedParse(payload)
    while (!(await this.#work(() => parse.continue(STEPS_A_SLICE)))) {}
    return parse.value
  }

  /** An event without a payload can't be sent. */
  async #passes({ isKept, value, passed }: OpenedEvent, endpoint: EndpointId): Promise<boolean> {
    if (!isKept) return false
    const filter = await this.#filterOf(endpoint)
    if (filter === null) return true
    const before = passed.get(filter)
    if (before !== undefined) return before
    const passes = await this.#ask(filter, value)
    passed.set(filter, passes)
    return passes
  }

  /** A filter is interrupted after a millisecond. */
  async #ask(filter: KeptFilter, value: unknown): Promise<boolean> {
    const progress = new Progress()
    for (;;) {
      const passes = await this.#work(() => filter.passes(value, UNLIMITED, progress))
      if (passes !== undefined) return passes
    }
  }

  #work<Result>(work: () => Result): Promise<Result> {
    return this.#turns.take(this.#tenant, () => {
      const begunAtMs = this.#clock.monotonicMs()
      try {
        return work()
      } finally {
        this.#workedMs += this.#clock.monotonicMs() - begunAtMs
      }
    })
  }
}

type OpenedEvent = {
  readonly id: EventId
  readonly isKept: boolean
  readonly value: unknown
  /** By the filters that were asked: equal ones are asked once. */
  readonly passed: WeakMap<KeptFilter, boolean>
}
