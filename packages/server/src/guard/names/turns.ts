/** Maximum number of look-ups under way of one asker, and of those among them that were given up the last time. */
const MAX_RUNNING = 16
const MAX_SLOW = 4
/** And of all askers. */
const MAX_RUNNING_OF_ALL = 1_024

/** Something to be run at most once, when an asker has a free turn. */
export type Turn = {
  readonly isSlow: boolean
  /** Whether it still has to be run. */
  isWaiting: () => boolean
  /** `done` is called once, when it holds nothing any longer. */
  run: (asker: string, done: () => void) => void
}

type Asker = { running: number; slow: number; readonly queue: Turn[]; readonly slowQueue: Turn[] }

/**
 * Whose look-up is next. Each asker has its own bound and its own queue, so an asker whose names hang delays only
 * itself; and names that hung before leave it room for the others. A turn can wait in the queues of several askers: the
 * first with room runs it.
 */
export class Turns {
  readonly #askers = new Map<string, Asker>()
  #running = 0

  add(asker: string, turn: Turn): void {
    let own = this.#askers.get(asker)
    if (own === undefined) {
      own = { running: 0, slow: 0, queue: [], slowQueue: [] }
      this.#askers.set(asker, own)
    }
    const queue = turn.isSlow ? own.slowQueue : own.queue
    queue.push(turn)
    this.#pump(asker, own)
  }

  /** Number of look-ups under way, and of askers known. */
  get state(): { readonly running: number; readonly askers: number } {
    return { running: this.#running, askers: this.#askers.size }
  }

  #pump(name: string, asker: Asker): void {
    for (let turn = this.#next(asker); turn !== undefined; turn = this.#next(asker)) this.#run(name, asker, turn)
    if (asker.running === 0 && asker.queue.length + asker.slowQueue.length === 0) this.#askers.delete(name)
  }

  #next(asker: Asker): Turn | undefined {
    if (asker.running >= MAX_RUNNING || this.#running >= MAX_RUNNING_OF_ALL) return undefined
    return firstWaiting(asker.queue) ?? (asker.slow < MAX_SLOW ? firstWaiting(asker.slowQueue) : undefined)
  }

  #run(name: string, asker: Asker, turn: Turn): void {
    this.#running++
    asker.running++
    if (turn.isSlow) asker.slow++
    turn.run(name, () => {
      const wasFull = this.#running >= MAX_RUNNING_OF_ALL
      this.#running--
      asker.running--
      if (turn.isSlow) asker.slow--
      this.#pump(name, asker)
      if (wasFull) for (const [other, waiting] of [...this.#askers]) this.#pump(other, waiting)
    })
  }
}

function firstWaiting(queue: Turn[]): Turn | undefined {
  for (let turn = queue.shift(); turn !== undefined; turn = queue.shift()) if (turn.isWaiting()) return turn
  return undefined
}
