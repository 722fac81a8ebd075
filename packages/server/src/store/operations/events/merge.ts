import type { EventId, TenantId } from '../../../base/model.ts'

/** An event without its payload. */
export type EventRow = {
  readonly tenant: TenantId
  readonly id: EventId
  readonly type: string
  /** null: it has none, or was not asked for. */
  readonly key: string | null
  /** Size of the payload; 0: it was removed. */
  readonly bytes: number
}

/** A tenant whose events are being read, a few at a time. */
export type Reading = {
  readonly tenant: TenantId
  /** What is left to read: ids from `lo`, included, to `hi`, excluded. */
  lo: Uint8Array
  hi: Uint8Array
  /** Nothing that is left to read is nearer than this; null: nothing is left. */
  bound: EventId | null
  /** Read and not taken yet, the nearest first. */
  readonly found: EventRow[]
}

/** Merges the events of tenants, which are read a few at a time, into one order of ids. */
export class Merge {
  readonly #readings: readonly Reading[]
  readonly #isNearer: (a: EventId, b: EventId) => boolean

  /** @param isDescending whether greater ids are nearer */
  constructor(readings: readonly Reading[], isDescending: boolean) {
    this.#readings = readings
    this.#isNearer = isDescending ? (a, b) => a > b : (a, b) => a < b
  }

  /** Whether everything was read and taken. */
  get isDone(): boolean {
    return this.#readings.every(({ bound, found }) => bound === null && found.length === 0)
  }

  /** The tenants to read from next, the nearest first: of all others something is known already. */
  hungry(): Reading[] {
    const hungry = this.#readings.filter(({ bound, found }) => bound !== null && found.length === 0)
    return hungry.sort((a, b) => this.#order(a.bound!, b.bound!))
  }

  /** Takes up to `most` events, the nearest first: those that nothing still to be read can precede. */
  take(most: number): EventRow[] {
    const bounds = this.#readings.flatMap(({ bound }) => (bound === null ? [] : [bound]))
    const frontier = bounds.reduce<EventId | null>(
      (nearest, bound) => (nearest === null || this.#isNearer(bound, nearest) ? bound : nearest),
      null,
    )
    const isFinal = ({ id }: EventRow): boolean => frontier === null || !this.#isNearer(frontier, id)
    const final = this.#readings.flatMap(reading => reading.found.filter(isFinal).map(row => ({ row, reading })))
    const taken = final.sort((a, b) => this.#order(a.row.id, b.row.id)).slice(0, most)
    // What is taken of a tenant is the beginning of what was found of it.
    for (const { reading } of taken) reading.found.shift()
    return taken.map(({ row }) => row)
  }

  #order(a: EventId, b: EventId): number {
    return a === b ? 0 : this.#isNearer(a, b) ? -1 : 1
  }
}
