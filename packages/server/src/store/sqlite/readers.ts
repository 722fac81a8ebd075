import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../base/clock.ts'
import { StoreUnavailable } from '../transaction.ts'
import { Thread, type Workers } from './thread.ts'

/** How long the thread that reads for people is kept after its last read. */
const PEOPLE_IDLE_MS = 60_000

type ReadersOptions = { readonly file: string; readonly workers: Workers; readonly clock: Clock }

/**
 * The threads that read, each with a connection of its own. The engine's begins to start at once, since the first thing
 * that a server does is to read: it takes as long as migrating an empty store. The one for people is started when
 * someone reads, and ends when no one has for a minute: it takes 15 MB.
 */
export class Readers {
  readonly #options: ReadersOptions
  /** The engine's worker until its thread is needed. */
  #spare: Worker | undefined
  #engine: Thread | undefined
  #people: Thread | undefined
  #pendingForPeople = 0
  #readForPeopleAtMs = 0
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: ReadersOptions) {
    this.#options = options
    this.#spare = options.workers.take()
  }

  forEngine(): Thread {
    this.#refuseIfClosed()
    const spare = this.#spare
    this.#spare = undefined
    this.#engine ??= this.#open(spare)
    return this.#engine
  }

  /** Passes the thread for people to `read`, which must not keep it. */
  async forPeople<T>(read: (thread: Thread) => Promise<T>): Promise<T> {
    this.#refuseIfClosed()
    this.#people ??= this.#open()
    this.#pendingForPeople++
    try {
      return await read(this.#people)
    } finally {
      this.#pendingForPeople--
      this.#readForPeopleAtMs = this.#options.clock.monotonicMs()
      if (!this.#isClosed) this.#timer ??= this.#endLater(PEOPLE_IDLE_MS)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    if (this.#spare !== undefined) this.#options.workers.giveBack(this.#spare)
    await Promise.all([this.#engine?.close(), this.#people?.close()])
  }

  /** A thread started after the store is closed would never be ended. */
  #refuseIfClosed(): void {
    if (this.#isClosed) throw new StoreUnavailable('The store is closed')
  }

  #open(worker?: Worker): Thread {
    const { file, workers } = this.#options
    return new Thread({ file, readOnly: true }, worker === undefined ? workers : { ...workers, take: () => worker })
  }

  #endLater(afterMs: number): Timer {
    const { clock } = this.#options
    return clock.after(afterMs, () => {
      const idleMs = clock.monotonicMs() - this.#readForPeopleAtMs
      this.#timer = undefined
      // A read that is pending starts the timer again when it ends.
      if (this.#pendingForPeople > 0) return
      if (idleMs < PEOPLE_IDLE_MS) this.#timer = this.#endLater(PEOPLE_IDLE_MS - idleMs)
      else {
        void this.#people?.close()
        this.#people = undefined
      }
    })
  }
}
