import type { Clock } from '../base/clock.ts'
import { SlicedParse } from '../base/json-slices.ts'
import type { EventId } from '../base/model.ts'
import type { InboxItem } from '../store/operations/inbox/inbox.ts'
import type { Store } from '../store/store.ts'
import { MAX_WHOLE_BYTES, parseWhole, STEPS_A_SLICE } from './payload-parsing.ts'
import { TURN_MS, type Turns } from './turns.ts'

/** Parsed payloads kept, by their estimated size in memory. Each is parsed once, however many rounds its event takes. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_COUNT = 64
/** How much memory a payload can take when it is parsed, for each of its bytes: nested arrays took 40. */
const BYTES_A_BYTE = 40
/** What no round has asked for in this time has gone to another node. */
const FORGOTTEN_AFTER_MS = 10_000

/** Not parsed yet: ask again in the next round. */
export const UNFINISHED = Symbol('unfinished')

type Kept = {
  /** Undefined once it is done. */
  parse: SlicedParse | undefined
  value: unknown
  bytes: number
  usedAtMs: number
}

/** The parsed payloads of events that are being matched from the inbox. Large ones are parsed over several rounds. */
export class Payloads {
  readonly #store: Store
  readonly #clock: Clock
  /** In order of use, the most recently used last. */
  readonly #kept = new Map<EventId, Kept>()
  #bytes = 0

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * The parsed payload, or `UNFINISHED`. Undefined if it is no longer kept. Throws StoreUnavailable.
   *
   * @param untilMs parses until then, by `turns.workedMs`
   */
  async get(item: InboxItem, turns: Turns, untilMs: number): Promise<unknown> {
    const { tenant, event } = item
    const known = this.#kept.get(event)
    if (known !== undefined) {
      this.#kept.delete(event)
      this.#kept.set(event, known)
      known.usedAtMs = this.#clock.monotonicMs()
      return this.#finish(known, turns, untilMs)
    }
    if (!this.#makeRoom()) return UNFINISHED
    const payload = await turns.waitFor(this.#store.read('readPayload', { tenant, event }))
    if (payload === null) return undefined
    const isLarge = payload.length > MAX_WHOLE_BYTES
    const kept: Kept = {
      parse: isLarge ? new SlicedParse(payload) : undefined,
      value: isLarge ? undefined : parseWhole(payload),
      // Replaced by what it takes in fact.
      bytes: payload.length * BYTES_A_BYTE,
      usedAtMs: this.#clock.monotonicMs(),
    }
    this.#kept.set(event, kept)
    this.#bytes += kept.bytes
    return this.#finish(kept, turns, untilMs)
  }

  drop(event: EventId): void {
    this.#bytes -= this.#kept.get(event)?.bytes ?? 0
    this.#kept.delete(event)
  }

  async #finish(kept: Kept, turns: Turns, untilMs: number): Promise<unknown> {
    const { parse } = kept
    if (parse === undefined) return kept.value
    while (!parse.continue(STEPS_A_SLICE)) {
      if (turns.workedMs >= untilMs) return UNFINISHED
      await turns.pauseAfter(TURN_MS)
    }
    kept.parse = undefined
    kept.value = parse.value
    this.#bytes += parse.bytes - kept.bytes
    kept.bytes = parse.bytes
    return kept.value
  }

  /**
   * Forgets what is no longer used, and small ones that are, since they are soon parsed again. False if there is no
   * room yet: forgetting large ones that are still in use could go on for ever.
   */
  #makeRoom(): boolean {
    const usedAfterMs = this.#clock.monotonicMs() - FORGOTTEN_AFTER_MS
    for (const [event, { bytes, usedAtMs }] of this.#kept) {
      if (this.#bytes < MAX_BYTES && this.#kept.size < MAX_COUNT) return true
      if (usedAtMs < usedAfterMs || bytes <= MAX_WHOLE_BYTES * BYTES_A_BYTE) this.drop(event)
    }
    return this.#bytes < MAX_BYTES && this.#kept.size < MAX_COUNT
  }
}
