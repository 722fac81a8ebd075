import type { Clock, Timer } from '../../base/clock.ts'
import type { Room } from '../../base/shared-budget.ts'

/** What a try reports. After `ready` or `failed`, it reports nothing more. */
export type TryEvents<T, E> = {
  /** It got further, so that it deserves some more time before the next address is tried. */
  progressed(): void
  ready(value: T): void
  failed(error: E): void
}

/** Begins a try at an address. Returns the function that ends it without a report. */
export type Try<A, T, E> = (address: A, events: TryEvents<T, E>) => () => void

/**
 * Bounds how many tries run next to two others of the same race, in all races of a tenant. Two always can: a second
 * address is what helps if the first is dead, and nobody else must be able to take that away.
 */
export type ExtraTries = Pick<Room, 'isLeft' | 'reserve' | 'release'>

/** Tries of a race that can always run at the same time. */
const FREE_TRIES = 2

/** RFC 8305 §5, "Connection Attempt Delay". */
const NEXT_ADDRESS_MS = 250

type Running = { readonly index: number; progress: number; readonly isExtra: boolean; end: () => void; isOver: boolean }

/**
 * Happy Eyeballs (RFC 8305): tries addresses in order. The next one starts as soon as the one before has failed, or has
 * made no progress for NEXT_ADDRESS_MS. None is given up for another, and the first that is ready wins. Calls `ready`
 * or `failed` once; `failed` with the error of the try that got furthest.
 */
export class Race<A, T, E> {
  readonly #addresses: readonly A[]
  readonly #try: Try<A, T, E>
  readonly #clock: Clock
  readonly #extraTries: ExtraTries
  readonly #events: Pick<TryEvents<T, E>, 'ready' | 'failed'>
  readonly #running = new Set<Running>()
  #next = 0
  #timer: Timer | undefined
  #isOver = false
  #furthest: { readonly error: E; readonly progress: number } | undefined

  constructor(
    addresses: readonly A[],
    begin: Try<A, T, E>,
    clock: Clock,
    extraTries: ExtraTries,
    events: Pick<TryEvents<T, E>, 'ready' | 'failed'>,
  ) {
    this.#addresses = addresses
    this.#try = begin
    this.#clock = clock
    this.#extraTries = extraTries
    this.#events = events
  }

  start(): void {
    const index = this.#next++
    const one: Running = { index, progress: 0, isExtra: this.#running.size >= FREE_TRIES, end: () => {}, isOver: false }
    this.#running.add(one)
    if (one.isExtra) this.#extraTries.reserve(1)
    one.end = this.#try(this.#addresses[index]!, {
      progressed: () => {
        one.progress++
        // Others have had their time.
        if (!one.isOver && this.#isLast(one)) this.#await()
      },
      ready: value => {
        if (!this.#finish(one)) return
        this.cancel()
        this.#events.ready(value)
      },
      failed: error => {
        if (!this.#finish(one)) return
        const { progress } = one
        if (this.#furthest === undefined || progress >= this.#furthest.progress) this.#furthest = { error, progress }
        if (this.#isLast(one) && this.#next < this.#addresses.length) this.start()
        else this.#failIfOver()
      },
    })
    if (one.isOver) one.end()
    else if (this.#isLast(one)) this.#await()
  }

  /** Ends all tries without a report. */
  cancel(): void {
    this.#isOver = true
    this.#timer?.cancel()
    for (const one of [...this.#running]) if (this.#finish(one)) one.end()
  }

  /** The error of the failed try that got furthest, if it made any progress. */
  get furthest(): E | undefined {
    return this.#furthest !== undefined && this.#furthest.progress > 0 ? this.#furthest.error : undefined
  }

  /** Returns false if it was over already. */
  #finish(one: Running): boolean {
    if (one.isOver) return false
    one.isOver = true
    this.#running.delete(one)
    if (one.isExtra) this.#extraTries.release(1)
    return true
  }

  #isLast({ index }: Running): boolean {
    return index === this.#next - 1
  }

  /** Waits before the next address, if there is one. */
  #await(): void {
    this.#timer?.cancel()
    if (this.#isOver || this.#next >= this.#addresses.length) return
    this.#timer = this.#clock.after(NEXT_ADDRESS_MS, () => {
      if (this.#running.size < FREE_TRIES || this.#extraTries.isLeft) this.start()
      else this.#await()
    })
  }

  #failIfOver(): void {
    if (this.#isOver || this.#running.size > 0 || this.#next < this.#addresses.length) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#events.failed(this.#furthest!.error)
  }
}

/** Alternates between the families of addresses, beginning with that of the first (RFC 8305 §4). */
export function interleave<A extends { readonly family: number }>(addresses: readonly A[]): A[] {
  const first = addresses[0]?.family
  const own = addresses.filter(({ family }) => family === first)
  const others = addresses.filter(({ family }) => family !== first)
  const pairs = Array.from({ length: Math.max(own.length, others.length) }, (_, nth) => [own[nth], others[nth]])
  return pairs.flat().filter(address => address !== undefined)
}
