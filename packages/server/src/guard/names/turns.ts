/** Maximum number of look-ups under way of one asker, and of those among them that were given up the last time. */
const MAX_RUNNING = 16
const MAX_SLOW = 4
/** An asker can have one more under way as long as that is less than this share of the room that is left. */
const SHARE = 1 / 8
/** How many other askers are considered when one ends while room is short. */
const CONSIDERED = 8

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
 * itself; and names that hung before leave it room for the others. The bound shrinks with the room that is left for all
 * (decision 4), because a number of such askers could use it up. A turn can wait in the queues of several askers: the first with room
 * runs it.
 */
export class Turns {
  readonly #askers = new Map<string, Asker>()
  readonly #room: () => number
  #running = 0

  /** @param room how many look-ups can be under way in all */
  constructor(room: () => number) {
    this.#room = room
  }

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
    const left = this.#room() - this.#running
    if (left <= 0 || asker.running >= Math.min(MAX_RUNNING, Math.max(1, left * SHARE))) return undefined
    return firstWaiting(asker.queue) ?? (asker.slow < MAX_SLOW ? firstWaiting(asker.slowQueue) : undefined)
  }

  #run(name: string, asker: Asker, turn: Turn): void {
    this.#running++
    asker.running++
    if (turn.isSlow) asker.slow++
    turn.run(name, () => {
      this.#running--
      asker.running--
      if (turn.isSlow) asker.slow--
      this.#pump(name, asker)
      if (this.#running > this.#room() / 2) this.#pumpOthers()
    })
  }

  /** In rotation. */
  #pumpOthers(): void {
    for (const [name, asker] of [...this.#askers.entries().take(CONSIDERED)]) {
      this.#askers.delete(name)
      this.#askers.set(name, asker)
      this.#pump(name, asker)
    }
  }
}

function firstWaiting(queue: Turn[]): Turn | undefined {
  for (let turn = queue.shift(); turn !== undefined; turn = queue.shift()) if (turn.isWaiting()) return turn
  return undefined
}
