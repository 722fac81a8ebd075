import type { Clock } from '../base/clock.ts'
import { SlicedParse } from '../base/json-slices.ts'
import type { EventId, TenantId } from '../base/model.ts'
import { SharedBudget } from '../base/shared-budget.ts'
import type { InboxItem } from '../store/operations/inbox/inbox.ts'
import type { Store } from '../store/store.ts'
import { MAX_WHOLE_BYTES, parseWhole, STEPS_A_SLICE } from './payload-parsing.ts'
import { TURN_MS, type Turns } from './turns.ts'

/**
 * Parsed payloads kept, by their estimated size in memory: each is parsed once, however many rounds its event takes.
 * A tenant has a share (base/shared-budget.ts).
 */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_COUNT = 64
/** Payloads that take more than this while they are parsed have room in the order in which their tenants asked for it. */
const MUCH_BYTES = MAX_BYTES / 8
/** Payloads that found no room, whose sizes are remembered. */
const MAX_REFUSED = 1_000
/** How much memory a payload can take when it is parsed, for each of its bytes: nested arrays took 40. */
const BYTES_A_BYTE = 40
/** What no round has asked for in this time has gone to another node. */
const FORGOTTEN_AFTER_MS = 10_000

/** Not parsed yet: ask again in the next round. */
export const UNFINISHED = Symbol('unfinished')

type Kept = {
  readonly tenant: TenantId
  /** Undefined once it is done. */
  parse: SlicedParse | undefined
  value: unknown
  bytes: number
  usedAtMs: number
}

type Refused = {
  readonly tenant: TenantId
  readonly payloadBytes: number
  askedAtMs: number
}

/**
 * The parsed payloads of events that are being matched from the inbox. Large ones are parsed over several rounds. Small
 * ones need no room: without any, they are parsed each time.
 */
export class Payloads {
  readonly #store: Store
  readonly #clock: Clock
  /** In order of use, the most recently used last. */
  readonly #kept = new Map<EventId, Kept>()
  readonly #budget = new SharedBudget(MAX_BYTES)
  /** Large payloads that found no room, in the order in which they were first asked for. */
  readonly #refused = new Map<EventId, Refused>()

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
    this.#tidy()
    const before = this.#refused.get(event)
    if (before !== undefined) {
      before.askedAtMs = this.#clock.monotonicMs()
      // Not read again in vain.
      if (!this.#hasRoom(tenant, before.payloadBytes)) return UNFINISHED
    }
    const payload = await turns.waitFor(this.#store.read('readPayload', { tenant, event }))
    if (payload === null) return undefined
    return payload.length > MAX_WHOLE_BYTES
      ? this.#begin(item, payload, turns, untilMs)
      : this.#parseSmall(item, payload)
  }

  async #begin({ tenant, event }: InboxItem, payload: Uint8Array, turns: Turns, untilMs: number): Promise<unknown> {
    if (!this.#hasRoom(tenant, payload.length)) {
      const askedAtMs = this.#clock.monotonicMs()
      if (this.#refused.size < MAX_REFUSED)
        this.#refused.set(event, { tenant, payloadBytes: payload.length, askedAtMs })
      return UNFINISHED
    }
    this.#refused.delete(event)
    // Others have their turns before the tenant's next.
    for (const [next, refused] of [...this.#refused]) {
      if (refused.tenant !== tenant) continue
      this.#refused.delete(next)
      this.#refused.set(next, refused)
    }
    // Replaced by what it takes in fact.
    const kept = this.#keep({ tenant, event }, payload.length * BYTES_A_BYTE)
    kept.parse = new SlicedParse(payload)
    return this.#finish(kept, turns, untilMs)
  }

  #parseSmall(item: InboxItem, payload: Uint8Array): unknown {
    const value = parseWhole(payload)
    const bytes = payload.length * BYTES_A_BYTE
    if (this.#kept.size < MAX_COUNT && this.#budget.isLeft(item.tenant, bytes)) this.#keep(item, bytes).value = value
    return value
  }

  #keep({ tenant, event }: Pick<InboxItem, 'tenant' | 'event'>, bytes: number): Kept {
    const kept: Kept = { tenant, parse: undefined, value: undefined, bytes, usedAtMs: this.#clock.monotonicMs() }
    this.#kept.set(event, kept)
    this.#budget.reserve(tenant, bytes)
    return kept
  }

  drop(event: EventId): void {
    this.#refused.delete(event)
    const kept = this.#kept.get(event)
    if (kept === undefined) return
    this.#budget.release(kept.tenant, kept.bytes)
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
    this.#budget.release(kept.tenant, kept.bytes)
    kept.bytes = parse.bytes
    this.#budget.reserve(kept.tenant, kept.bytes)
    return kept.value
  }

  /**
   * Whether a large payload can be parsed now. One that takes much waits for those of other tenants that asked earlier:
   * otherwise a tenant that always has a next one could keep the room for ever.
   */
  #hasRoom(tenant: TenantId, payloadBytes: number): boolean {
    const bytes = payloadBytes * BYTES_A_BYTE
    if (bytes > MUCH_BYTES) {
      const [first] = this.#refused.values()
      if (first !== undefined && first.tenant !== tenant) return false
      // One at a time can always begin, whatever the others take.
      if (!this.#kept.values().some(kept => kept.bytes > MUCH_BYTES)) return true
    }
    return this.#budget.isLeft(tenant, bytes)
  }

  /**
   * Forgets what is no longer used, and small ones that are, if there is little room, since they are soon parsed again.
   * Large ones that are still in use are not forgotten: that could go on for ever.
   */
  #tidy(): void {
    const usedAfterMs = this.#clock.monotonicMs() - FORGOTTEN_AFTER_MS
    for (const [event, { askedAtMs }] of this.#refused) if (askedAtMs < usedAfterMs) this.#refused.delete(event)
    for (const [event, { bytes, usedAtMs }] of this.#kept) {
      const isTight = this.#kept.size >= MAX_COUNT || this.#budget.used > MAX_BYTES / 2
      if (usedAtMs < usedAfterMs || (isTight && bytes <= MAX_WHOLE_BYTES * BYTES_A_BYTE)) this.drop(event)
    }
  }
}
