/**
 * Work beside the deliveries that one node does for all: retention, erasing, the audit of the books.
 *
 * Each has a row in the store that says when it is due and who is at it. A node that takes it up counts as being at it
 * for a minute, and says so again as it goes on; one that dies is followed by another that begins where the work itself
 * says how far it has come. Two that do the same for a moment do no harm: each step is right by itself.
 *
 * It goes in small steps, and rests after each for a multiple of what it took: so it takes the same small part of a store
 * that is busy as of one that is not.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { Store } from '../store/store.ts'

/** How often each node looks whether something is due. */
const LOOK_MS = 10_000
const CLAIM_MS = 60_000
const RENEW_MS = 15_000
/** After a fault. */
const RETRY_MS = 60_000

/** Rest after a step, in multiples of the step's own time; within these bounds. */
const REST_FACTOR = 4
const SHORTEST_REST_MS = 2
const LONGEST_REST_MS = 1_000

/** The node stops, or somebody else is at the work by now. */
export class Interrupted extends Error {}

/** How a piece of work is done in steps. */
export type Stepper = {
  /** Runs a step, then rests. Throws Interrupted where the work is not to go on. */
  step<T>(work: () => Promise<T>): Promise<T>
  /** Keeps what the work is left with if it is cut short here. */
  keep(state: string): Promise<void>
}

export type BackgroundWork = {
  readonly name: string
  /** False: there is nothing to do now. Asked before the work is claimed, at each look. Default: always. */
  readonly isWanted?: () => Promise<boolean>
  /**
   * Answers what it leaves for the next time, and when that is, milliseconds from now.
   *
   * @param state what it was left with; empty: it was never done
   */
  run(steps: Stepper, state: string): Promise<{ readonly state: string; readonly afterMs: number }>
}

type WorksStore = Pick<Store, 'read' | 'write'>

/** The works of a node, each in a loop of its own. */
export class BackgroundWorks {
  readonly #store: WorksStore
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'info' | 'error'>
  readonly #node = new Uint8Array(randomBytes(16))
  readonly #loops: readonly Loop[]

  constructor(store: WorksStore, clock: Clock, log: Pick<Logger, 'info' | 'error'>, works: readonly BackgroundWork[]) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#loops = works.map(work => {
      const loop: Loop = new Loop({ clock, everyMs: LOOK_MS, run: () => this.#consider(work, loop) })
      return loop
    })
  }

  start(): void {
    for (const loop of this.#loops) loop.start()
  }

  /** Something may be due: looks now. */
  look(): void {
    for (const loop of this.#loops) loop.wake()
  }

  /** Ends each work after the step that is under way; another node, or the next start, goes on. */
  async stop(): Promise<void> {
    await Promise.all(this.#loops.map(loop => loop.stop()))
    await this.#store.write('leaveWorks', { node: this.#node }).catch(() => {})
  }

  /** Does the work if it is due and nobody else is at it. Never throws. */
  async #consider(work: BackgroundWork, loop: Loop): Promise<void> {
    const { name } = work
    try {
      if (work.isWanted !== undefined && !(await work.isWanted())) return
      if (!(await this.#store.read('isWorkDue', { name }))) return
      const state = await this.#store.write('claimWork', { name, node: this.#node, claimMs: CLAIM_MS })
      if (state === null) return
      const left = await work.run(this.#stepperOf(name, loop), state)
      await this.#store.write('endWork', { name, node: this.#node, ...left })
    } catch (error) {
      if (error instanceof Interrupted) return
      this.#log.error({ err: error, work: name }, 'work beside the deliveries failed; it is tried again in a minute')
      await this.#store
        .write('endWork', { name, node: this.#node, state: null, afterMs: RETRY_MS })
        // It is away: whoever finds it there again goes on when the claim has run out.
        .catch(() => {})
    }
  }

  #stepperOf(name: string, loop: Loop): Stepper {
    let renewedAtMs = this.#clock.monotonicMs()
    const renew = async (state?: string) => {
      renewedAtMs = this.#clock.monotonicMs()
      const args = { name, node: this.#node, claimMs: CLAIM_MS, ...(state === undefined ? {} : { state }) }
      if (!(await this.#store.write('renewWork', args))) throw new Interrupted()
    }
    return {
      step: async work => {
        if (loop.isStopped) throw new Interrupted()
        const beganAtMs = this.#clock.monotonicMs()
        const result = await work()
        const tookMs = this.#clock.monotonicMs() - beganAtMs
        await loop.rest(Math.min(LONGEST_REST_MS, Math.max(SHORTEST_REST_MS, REST_FACTOR * tookMs)))
        if (this.#clock.monotonicMs() - renewedAtMs >= RENEW_MS) await renew()
        return result
      },
      keep: renew,
    }
  }
}
