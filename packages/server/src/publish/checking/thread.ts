import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../base/clock.ts'
import { startThread } from '../../base/threads.ts'
import type { KnownTypes } from '../../catalogue/configuration-cache.ts'
import type { Job, JobResults } from './jobs.ts'
import { PLACE, type Reply, type Request, type SentType, type ThreadData } from './messages.ts'

const YOUNG_MEGABYTES = 16
/** How much longer than its processor time a job can take in any case, by the clock. */
const MAX_STRETCH = 10
/** Between two looks at the processor time. */
const MIN_WAIT_MS = 10

/** How much processor time a job can take, in milliseconds: on a busy machine, that takes longer. */
export type Allowance = {
  /** Until its body is cut, and the schemas that it needs are compiled. */
  readonly preparingMs: number
  /** From then on. */
  readonly validatingMs: number
}

/** Where a job was when it was ended. */
export type JobPlace = {
  /** The type whose schema was being used. Null: none yet. */
  readonly type: string | null
  /** The event's index in the body; null if the body is a single event. */
  readonly index: number | null
}

export type Outcome =
  | { readonly kind: 'done'; readonly result: JobResults[Job['kind']] }
  /** An error of our own. */
  | { readonly kind: 'failed'; readonly error: Error }
  /** It took too long, and the thread was ended. */
  | { readonly kind: 'ended'; readonly place: JobPlace }
  /** The thread died: most likely it had too little memory. */
  | { readonly kind: 'died'; readonly message: string }

type Running = {
  readonly allowance: Allowance
  readonly resolve: (outcome: Outcome) => void
  timer: Timer | undefined
}

/** A thread that does one job at a time, and that is ended if a job takes too long. */
export class CheckingThread {
  readonly #clock: Clock
  readonly #worker: Worker
  readonly #place = new Int32Array(new SharedArrayBuffer(4 * PLACE.length))
  readonly #started = Promise.withResolvers<void>()
  /** The catalogue that the thread has, and its schemas by type. */
  #types: KnownTypes | null = null
  #schemas: ReadonlyMap<string, string> = new Map()
  #running: Running | undefined
  #isGone = false

  /** @param isBackground whether it gets only the processor time that nothing else needs */
  constructor(clock: Clock, isBackground: boolean) {
    this.#clock = clock
    const data: ThreadData = { place: this.#place.buffer, isBackground }
    this.#worker = startThread(new URL('./worker.ts', import.meta.url), YOUNG_MEGABYTES, data)
    this.#worker.on('message', (reply: Reply) => this.#take(reply))
    this.#worker.on('error', error => this.#die(error instanceof Error ? error.message : String(error)))
    this.#worker.on('exit', () => this.#die('The thread has exited'))
    // It must not keep the process running while it has nothing to do.
    this.#worker.unref()
  }

  /** Whether it can do no more jobs. */
  get isGone(): boolean {
    return this.#isGone
  }

  /**
   * Does a job: one at a time.
   *
   * @param types the catalogue, if the job needs it
   */
  async run(job: Job, types: KnownTypes | null, allowance: Allowance): Promise<Outcome> {
    this.#worker.ref()
    await this.#started.promise
    if (this.#isGone) return { kind: 'died', message: 'The thread did not start' }
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.#place.fill(0)
    if (types !== null && types !== this.#types) this.#send(types)
    this.#running = { allowance, resolve, timer: undefined }
    this.#allow(allowance.preparingMs)
    this.#worker.postMessage({ kind: 'job', job } satisfies Request)
    const outcome = await promise
    if (!this.#isGone) this.#worker.unref()
    return outcome
  }

  /** Ends the thread, and the job that it is doing. */
  async end(): Promise<void> {
    this.#die('The thread was ended')
    await this.#worker.terminate()
  }

  #send(types: KnownTypes): void {
    const schemas = new Map<string, string>()
    const sent = [...types.byName].map(([name, { type, schema }]): SentType => {
      schemas.set(name, schema)
      const isKnown = this.#schemas.get(name) === schema
      return { name, archivedAtMs: type.archivedAtMs, schema: isKnown ? null : schema }
    })
    this.#types = types
    this.#schemas = schemas
    this.#worker.postMessage({ kind: 'catalogue', types: sent } satisfies Request)
  }

  #take(reply: Reply): void {
    if (reply.kind === 'ready') this.#started.resolve()
    else if (reply.kind === 'validating') {
      if (this.#running !== undefined) this.#allow(this.#running.allowance.validatingMs)
    } else if (reply.kind === 'done') this.#conclude(reply)
    else this.#conclude({ kind: 'failed', error: new Error(reply.message) })
  }

  #allow(ms: number): void {
    const running = this.#running!
    running.timer?.cancel()
    const untilMs = this.#clock.monotonicMs() + MAX_STRETCH * ms
    const lookAfter = (waitMs: number) => {
      const timer = this.#clock.after(waitMs, () => {
        const isStill = () => this.#running === running && running.timer === timer
        // The result might be here already, behind whatever has kept the main thread.
        setImmediate(async () => {
          const leftMs = isStill() ? ms - (await this.#usedMs()) : 0
          if (!isStill()) return
          if (leftMs <= 0 || this.#clock.monotonicMs() >= untilMs) this.#giveUp()
          else lookAfter(Math.max(leftMs, MIN_WAIT_MS))
        })
      })
      running.timer = timer
    }
    lookAfter(ms)
  }

  /** The processor time that the thread has used since `PLACE.cpuMs`. */
  async #usedMs(): Promise<number> {
    try {
      const { user, system } = await this.#worker.cpuUsage()
      return (user + system) / 1_000 - this.#place[PLACE.cpuMs]!
    } catch {
      // It has ended.
      return Number.POSITIVE_INFINITY
    }
  }

  #giveUp(): void {
    const number = this.#place[PLACE.type]!
    const type = number === 0 ? null : ([...this.#types!.byName.keys()][number - 1] ?? null)
    const index = type !== null && this.#place[PLACE.isInBatch] === 1 ? this.#place[PLACE.index]! : null
    this.#isGone = true
    this.#conclude({ kind: 'ended', place: { type, index } })
    void this.#worker.terminate()
  }

  #die(message: string): void {
    this.#isGone = true
    this.#started.resolve()
    this.#conclude({ kind: 'died', message })
  }

  #conclude(outcome: Outcome): void {
    const running = this.#running
    this.#running = undefined
    running?.timer?.cancel()
    running?.resolve(outcome)
  }
}
