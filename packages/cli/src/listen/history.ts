import type { Heard } from './happenings.ts'

const MAX_KEPT = 1_000

/** The requests of this run that can be chosen: the deliveries of the latest ones, by their numbers. */
export class History {
  readonly #deliveries = new Map<number, string>()
  #last = 0

  add({ number, request }: Heard): void {
    this.#last = number
    this.#deliveries.set(number, request.delivery)
    this.#deliveries.delete(number - MAX_KEPT)
  }

  /** The number of the latest request. Zero if there is none. */
  get last(): number {
    return this.#last
  }

  /** The delivery of a request. Undefined if there is none, or it is too long ago. */
  deliveryOf(number: number): string | undefined {
    return this.#deliveries.get(number)
  }
}
