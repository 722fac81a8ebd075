import type { Heard } from './happenings.ts'

const MAX_KEPT = 1_000

type Chosen = { readonly delivery: string; readonly attempt: number }

/** The latest requests of this run, which can be chosen by their numbers. */
export class History {
  readonly #requests = new Map<number, Chosen>()
  #last = 0

  add({ number, request: { delivery, attempt } }: Heard): void {
    this.#last = number
    this.#requests.set(number, { delivery, attempt })
    this.#requests.delete(number - MAX_KEPT)
  }

  /** The number of the latest request. Zero if there is none. */
  get last(): number {
    return this.#last
  }

  /** Undefined if there is none, or it is too long ago. */
  find(number: number): Chosen | undefined {
    return this.#requests.get(number)
  }
}
