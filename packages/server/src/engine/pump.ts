import type { Clock } from '../base/clock.ts'
import type { Rounds } from './rounds.ts'

/** Requests started before yielding to the event loop. */
const MAX_DISPATCHES_A_TURN = 32
/** Fewer if they take this long, in milliseconds: each costs a new connection at worst, which takes a third of that. */
const LONGEST_TURN_MS = 2
/** Requests started before the time is looked at. */
const DISPATCHES_A_STEP = 4

/** Runs the rounds, with a limited number of requests per turn of the event loop, so that other work isn't starved. */
export class Pump {
  readonly #rounds: Rounds
  readonly #clock: Clock
  readonly #mayRun: () => boolean
  #isRunning = false
  #isScheduled = false

  constructor(rounds: Rounds, clock: Clock, mayRun: () => boolean) {
    this.#rounds = rounds
    this.#clock = clock
    this.#mayRun = mayRun
  }

  run(): void {
    // A dispatch can call this again before it returns.
    if (this.#isRunning || !this.#mayRun()) return
    this.#isRunning = true
    const isMore = this.#runTurn()
    this.#isRunning = false
    if (!isMore || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.run()
    })
  }

  /** Returns whether there might be more to dispatch. */
  #runTurn(): boolean {
    const untilMs = this.#clock.monotonicMs() + LONGEST_TURN_MS
    for (let dispatched = 0; dispatched < MAX_DISPATCHES_A_TURN; dispatched += DISPATCHES_A_STEP) {
      if (!this.#rounds.run(DISPATCHES_A_STEP)) return false
      if (this.#clock.monotonicMs() >= untilMs) break
    }
    return true
  }
}
