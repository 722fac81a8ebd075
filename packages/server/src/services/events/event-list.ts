/** Lists events of one tenant or of all, by what is known about them and by what is in their payloads. */
import { Buffer } from 'node:buffer'
import type { Clock } from '../../base/clock.ts'
import type { EventId, PublishedEvent } from '../../base/model.ts'
import { TURN_MS, Turns } from '../../publish/turns.ts'
import type { RejectedHead } from '../../store/operations/events/rejected.ts'
import type { EventHead, EventSelection } from '../../store/operations/events/scan.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { type Found, mergeSlices, REJECTED_A_READ, type Slice, searchInSlices } from '../slices.ts'
import type { PayloadTest } from './payload-test.ts'

/** What a short read looks at, if few events match. */
export type SliceSizes = {
  /** The most events. */
  readonly rows: number
  /** The most events if their payloads are looked at too, and for how long, in milliseconds. */
  readonly payloads: number
  readonly payloadMs: number
  /** The most bytes of payloads that are read together. One payload can be larger than that. */
  readonly bytes: number
}

const SIZES: SliceSizes = { rows: 10_000, payloads: 2_000, payloadMs: 250, bytes: 1024 * 1024 }
/** A page ends when its payloads reach about this size, so that a thousand large ones don't fill the memory. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024

export type EventQuery = EventSelection & {
  /** null: any payload. */
  readonly matches: PayloadTest | null
}

export type EventPage = {
  /** In the order in which they were read. */
  readonly events: readonly PublishedEvent[]
  /** The id behind which there is more; null: there is nothing more. */
  readonly goesOnAt: EventId | null
  /** Whether time was up before the page was full. */
  readonly isCutShort: boolean
}

export class EventList {
  readonly #store: Pick<Store, 'read'>
  readonly #clock: Clock
  readonly #sizes: SliceSizes

  constructor(store: Pick<Store, 'read'>, clock: Clock, sizes: SliceSizes = SIZES) {
    this.#store = store
    this.#clock = clock
    this.#sizes = sizes
  }

  /** Reads one page: up to `limit` events behind a place, or fewer if their payloads are large. */
  async page(query: EventQuery, place: Place<EventId>, limit: number): Promise<EventPage> {
    const { items, goesOnAt, isCutShort } = await this.#find(query, place, limit + 1)
    const shown = fitting(items, MAX_PAGE_BYTES).slice(0, limit)
    const events = await this.#read(shown)
    if (shown.length < items.length) return { events, goesOnAt: shown.at(-1)!.id, isCutShort: false }
    return { events, goesOnAt: isCutShort ? goesOnAt : null, isCutShort }
  }

  async #find(query: EventQuery, place: Place<EventId>, count: number): Promise<Found<EventHead>> {
    const read = (from: Place<EventId>, left: number) => this.#slice(query, from, left)
    const { tenant, key } = query
    if (key === null) return searchInSlices(place, count, read, this.#clock)
    const readByKey = (from: Place<EventId>, left: number) => this.#sliceByKey({ ...query, key }, from, left)
    // Of all tenants, only what keys stand for and what was rejected: what had the same key before that is somewhere
    // among all events.
    if (tenant === null) return searchInSlices(place, count, readByKey, this.#clock)
    const known = place.after === undefined ? await readByKey(place, 1) : NOTHING
    if (known.items.length === 0) return searchInSlices(place, count, read, this.#clock)
    // No newer event of the tenant has the key. Older ones can, if they were forgotten before: seldom looked for, so the
    // response doesn't wait for a long search.
    const older = await read({ before: known.items[0]!.id }, count - 1)
    const items = [...known.items, ...older.items]
    return { items, goesOnAt: older.goesOnAt, isCutShort: older.goesOnAt !== null && items.length < count }
  }

  async #slice({ matches, ...selection }: EventQuery, place: Place<EventId>, count: number): Promise<Slice<EventHead>> {
    const { rows, payloads } = this.#sizes
    const scan = { ...selection, ...place }
    if (matches === null) {
      const isRare = scan.types !== null || scan.key !== null
      return this.#store.read('scanEvents', { ...scan, rows: isRare ? rows : count, limit: count })
    }
    return this.#test(matches, count, await this.#store.read('scanEvents', { ...scan, rows, limit: payloads }))
  }

  async #sliceByKey(
    { matches, ...selection }: EventQuery & { readonly key: string },
    place: Place<EventId>,
    count: number,
  ): Promise<Slice<EventHead>> {
    const limit = matches === null ? count : this.#sizes.payloads
    const known = await this.#store.read('findEventsByKey', { ...selection, ...place, limit })
    // Of one tenant they are found among its events.
    const isAlone = selection.tenant !== null
    const slice = isAlone ? known : mergeSlices(place, [known, await this.#rejected(selection, place, limit)], limit)
    return matches === null ? slice : this.#test(matches, count, slice)
  }

  /** Rejected events with a key, which they don't keep. Those of tenants that don't exist are in no list of events. */
  async #rejected(
    { tenant, key, types, fromMs, toMs }: EventSelection,
    place: Place<EventId>,
    limit: number,
  ): Promise<Slice<EventHead>> {
    const args = { tenant, key, fromMs, toMs, ...place, limit, maxRows: REJECTED_A_READ }
    const { items, goesOnAt } = await this.#store.read('listRejectedHeads', args)
    const isWanted = ({ isOrphan, type }: RejectedHead) => !isOrphan && (types === null || types.includes(type))
    return { items: items.filter(isWanted), goesOnAt }
  }

  /** Of the events of a slice, those whose payloads match, as far as there is time to look at them. */
  async #test(matches: PayloadTest, count: number, { items, goesOnAt }: Slice<EventHead>): Promise<Slice<EventHead>> {
    const { bytes, payloadMs } = this.#sizes
    const endsAtMs = this.#clock.monotonicMs() + payloadMs
    const turns = new Turns(this.#clock)
    const found: EventHead[] = []
    for (let at = 0; at < items.length; ) {
      const looked = fitting(items.slice(at), bytes)
      for (const { tenant, id, payload } of await turns.waitFor(this.#read(looked))) {
        await turns.pauseAfter(TURN_MS)
        if (payload.length === 0 || !(await matches(Buffer.from(payload), turns))) continue
        found.push({ tenant, id, bytes: payload.length })
        if (found.length === count) return { items: found, goesOnAt: id }
      }
      at += looked.length
      if (at < items.length && this.#clock.monotonicMs() >= endsAtMs) {
        return { items: found, goesOnAt: looked.at(-1)!.id }
      }
    }
    return { items: found, goesOnAt }
  }

  /**
   * The events in the same order, without those that were removed in the meantime. Reads about a megabyte at a time, so
   * that each read keeps the thread that reads lists only a little busy.
   */
  async #read(heads: readonly EventHead[]): Promise<PublishedEvent[]> {
    const byId = new Map<EventId, PublishedEvent>()
    for (let at = 0; at < heads.length; ) {
      const events = fitting(heads.slice(at), this.#sizes.bytes)
      for (const event of await this.#store.read('readEvents', { events })) byId.set(event.id, event)
      at += events.length
    }
    return heads.flatMap(({ id }) => byId.get(id) ?? [])
  }
}

const NOTHING: Slice<EventHead> = { items: [], goesOnAt: null }

/** The first events, as many as have payloads of up to `bytes` together, and at least one. */
function fitting(items: readonly EventHead[], bytes: number): EventHead[] {
  let sum = 0
  const end = items.findIndex((item, index) => {
    sum += item.bytes
    return index > 0 && sum > bytes
  })
  return items.slice(0, end < 0 ? items.length : end)
}
