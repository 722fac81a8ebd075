/**
 * Background work that one node does for all: retention, erasing, the consistency check.
 *
 * Each kind has a row in the store that says when it is due and which node does it. A node claims the work, most kinds
 * for a minute, and renews the claim as it proceeds. If it dies, another node takes over, from where the work's own state
 * says. Two nodes that do the same for a moment do no harm: each step is correct by itself.
 *
 * Work proceeds in small steps and rests after each for a multiple of the step's time, so it takes the same small share
 * of a busy store as of an idle one.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { Store } from '../store/store.ts'

/** How often each node looks for work that is due. */
const LOOK_MS = 10_000
const CLAIM_MS = 60_000
/** A claim is renewed when this part of it is over. */
const RENEW_AFTER = 1 / 4
/** Pause after a failure. */
const RETRY_MS = 60_000

/** Rest after a step, as a multiple of the step's own time, within these bounds. */
const REST_FACTOR = 4
const SHORTEST_REST_MS = 2
const LONGEST_REST_MS = 1_000

/** The node is shutting down, or another node has taken over the work. */
export class Interrupted extends Error {}

/** Runs a piece of work in steps. */
export type Stepper = {
  /** Runs a step, then rests. Throws Interrupted if the work must not continue. */
  step<T>(work: () => Promise<T>): Promise<T>
  /** Saves the state to resume from if the work is interrupted here. */
  keep(state: string): Promise<void>
}

export type BackgroundWork = {
  readonly name: string
  /** Whether there is anything to do now. Called at each look, before the work is claimed. Default: always. */
  readonly isWanted?: () => Promise<boolean>
  /** How long it stays with a node that dies, in milliseconds. It is looked for as often. Default: a minute. */
  readonly claimMs?: number
  /**
   * Returns the state for the next run, and how long until then, in milliseconds.
   *
   * @param state what the last run returned or kept; empty if there was none
   */
  run(steps: Stepper, state: string): Promise<{ readonly state: string; readonly afterMs: number }>
}

type WorksStore = Pick<Store, 'read' | 'write'>

/** A node's background work, each kind in a loop of its own. */
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
      const everyMs = Math.min(LOOK_MS, work.claimMs ?? CLAIM_MS)
      const loop: Loop = new Loop({ clock, everyMs, run: () => this.#consider(work, loop) })
      return loop
    })
  }

  start(): void {
    for (const loop of this.#loops) loop.start()
  }

  /** Looks for due work now. */
  look(): void {
    for (const loop of this.#loops) loop.wake()
  }

  /** Stops all work after the current steps. Another node, or the next startup, resumes it. */
  async stop(): Promise<void> {
    await Promise.all(this.#loops.map(loop => loop.stop()))
    await this.#store.write('leaveWorks', { node: this.#node }).catch(() => {})
  }

  /** Does the work if it is due and no other node does it. Never throws. */
  async #consider(work: BackgroundWork, loop: Loop): Promise<void> {
    const { name, claimMs = CLAIM_MS } = work
    try {
      if (work.isWanted !== undefined && !(await work.isWanted())) return
      if (!(await this.#store.read('isWorkDue', { name }))) return
      const state = await this.#store.write('claimWork', { name, node: this.#node, claimMs })
      if (state === null) return
      const left = await work.run(this.#stepperOf(name, claimMs, loop), state)
      await this.#store.write('endWork', { name, node: this.#node, ...left })
    } catch (error) {
      if (error instanceof Interrupted) return
      this.#log.error({ err: error, work: name }, 'background work failed; retrying in a minute')
      await this.#store
        .write('endWork', { name, node: this.#node, state: null, afterMs: RETRY_MS })
        // The store is unavailable. Any node resumes the work once the claim has expired.
        .catch(() => {})
    }
  }

  #stepperOf(name: string, claimMs: number, loop: Loop): Stepper {
    let renewedAtMs = this.#clock.monotonicMs()
    const renew = async (state?: string) => {
      renewedAtMs = this.#clock.monotonicMs()
      const args = { name, node: this.#node, claimMs, ...(state === undefined ? {} : { state }) }
      if (!(await this.#store.write('renewWork', args))) throw new Interrupted()
    }
    return {
      step: async work => {
        if (loop.isStopped) throw new Interrupted()
        const beganAtMs = this.#clock.monotonicMs()
        const result = await work()
        const tookMs = this.#clock.monotonicMs() - beganAtMs
        await loop.rest(Math.min(LONGEST_REST_MS, Math.max(SHORTEST_REST_MS, REST_FACTOR * tookMs)))
        if (this.#clock.monotonicMs() - renewedAtMs >= RENEW_AFTER * claimMs) await renew()
        return result
      },
      keep: renew,
    }
  }
}
