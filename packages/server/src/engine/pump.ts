import type { Rounds } from './rounds.ts'

/** Requests begun before the event loop gets to see to others: each costs a new connection's work at worst. */
const MAX_DISPATCHES_A_TURN = 32

/** Runs the rounds, a limited number of requests in each turn of the event loop, so that others get their turn too. */
export class Pump {
  readonly #rounds: Rounds
  readonly #mayRun: () => boolean
  #isRunning = false
  #isScheduled = false

  constructor(rounds: Rounds, mayRun: () => boolean) {
    this.#rounds = rounds
    this.#mayRun = mayRun
  }

  run(): void {
    // A dispatch can end up here again before it returns.
    if (this.#isRunning || !this.#mayRun()) return
    this.#isRunning = true
    const isMore = this.#rounds.run(MAX_DISPATCHES_A_TURN)
    this.#isRunning = false
    if (!isMore || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.run()
    })
  }
}
