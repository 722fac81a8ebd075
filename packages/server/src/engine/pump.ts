import type { Rounds } from './rounds.ts'

/** Requests started before yielding to the event loop. Each costs a new connection at worst. */
const MAX_DISPATCHES_A_TURN = 32

/** Runs the rounds, with a limited number of requests per turn of the event loop, so that other work isn't starved. */
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
    // A dispatch can call this again before it returns.
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
