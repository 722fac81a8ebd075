import type { Clock, Timer } from '../base/clock.ts'
import type { EventId, TenantId } from '../base/model.ts'
import type { EventReference } from '../store/operations/event-types/samples.ts'
import type { Store } from '../store/store.ts'

/** Time between two writes. Until then, other nodes find an event only by searching through the newest ones. */
const WRITE_MS = 5_000
/** How many of the newest events of each type are remembered between two writes. */
const MAX_A_TYPE = 50
/** Maximum number of rows in one write, over all types. */
const MAX_ROWS = 2_000
const WRITE_TIMEOUT_MS = 10_000

/** Limits of a sample: events, total size of their payloads, and time for reading and validating them. */
const MAX_EVENTS = 1_000
const MAX_BYTES = 8 * 1024 * 1024
const MAX_DURATION_MS = 3_000
const EVENTS_A_READ = 20
/** Larger payloads are left out of the sample. */
const MAX_PAYLOAD_BYTES = 1024 * 1024

export type SampledEvent = { readonly event: EventId; readonly payload: Uint8Array }

/** A ring buffer of the newest events. */
class Newest {
  readonly #events: EventReference[] = []
  #next = 0

  add(event: EventReference): void {
    this.#events[this.#next] = event
    this.#next = (this.#next + 1) % MAX_A_TYPE
  }

  get events(): readonly EventReference[] {
    return this.#events
  }
}

/**
 * Keeps track of the newest events of each type, so that a changed schema can be checked against recent payloads
 * (services/event-types/schema-change.ts). Each node remembers a few of the events that it stores and writes references
 * to them to the store every few seconds, where every node finds them, even one that has just started.
 */
export class TypeSamples {
  readonly #store: Store
  readonly #clock: Clock
  /** Events not written yet, by type. */
  #recent = new Map<string, Newest>()
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
    store.changes.on(change => {
      if (change.kind === 'stored') this.#remember(change.tenant, change.events)
    })
  }

  /** Writes what is remembered, then stops. */
  async stop(): Promise<void> {
    await this.#write()
    this.#timer?.cancel()
  }

  #remember(
    tenant: TenantId,
    events: readonly { readonly id: EventId; readonly type: string; readonly test: boolean }[],
  ) {
    for (const { id: event, type, test } of events) {
      if (test) continue
      let newest = this.#recent.get(type)
      if (newest === undefined) {
        newest = new Newest()
        this.#recent.set(type, newest)
      }
      newest.add({ tenant, event })
    }
    this.#timer ??= this.#clock.after(WRITE_MS, () => void this.#write())
  }

  #write(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#writeRecent())
    return this.#writing
  }

  async #writeRecent(): Promise<void> {
    const recent = this.#recent
    this.#recent = new Map()
    const all = [...recent].flatMap(([type, { events }]) => events.map(event => ({ ...event, type })))
    try {
      for (let at = 0; at < all.length; at += MAX_ROWS) {
        // In a transaction of its own: commits of events must not wait for it.
        const rows = all.slice(at, at + MAX_ROWS)
        await this.#store.writeApart('recordTypeSamples', { rows }, WRITE_TIMEOUT_MS)
      }
    } catch {
      // The store is unavailable, and logs that itself. These samples are lost; newer ones will follow.
    }
  }

  /**
   * Yields the payloads of the newest events of a type, over all tenants, newest first, some at a time: at most 1,000
   * events, some 8 MiB, and what can be read within three seconds. Throws StoreUnavailable.
   */
  async *newest(type: string): AsyncGenerator<readonly SampledEvent[]> {
    await this.#write()
    const untilMs = this.#clock.monotonicMs() + MAX_DURATION_MS
    const events = await this.#store.read('findEventsOfType', { type, limit: MAX_EVENTS, nowMs: this.#store.now() })
    let bytesLeft = MAX_BYTES
    for (let at = 0; at < events.length && this.#clock.monotonicMs() < untilMs && bytesLeft > 0; at += EVENTS_A_READ) {
      const some = { events: events.slice(at, at + EVENTS_A_READ), maxBytes: MAX_PAYLOAD_BYTES }
      const read = await this.#store.read('readSamplePayloads', some)
      bytesLeft -= read.reduce((sum, { payload }) => sum + payload.length, 0)
      yield read
    }
  }
}
