import type { Clock } from '../../base/clock.ts'
import { PosthornError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { Rotation } from '../../base/rotation.ts'
import type { KnownTypes } from '../../catalogue/configuration-cache.ts'
import type { Job, JobResults } from './jobs.ts'
import { CheckingThread, type JobPlace, type Outcome } from './thread.ts'

/** Time that only tests change, in milliseconds. */
export type CheckerOptions = {
  /** Validating in the quick lane. Default: 100, and a quarter of a second for each megabyte. */
  readonly quickMs?: number
  /** Validating in the slow lane. Default: 2,000, and a second for each megabyte. */
  readonly slowMs?: number
}

const QUICK_MS = 100
const SLOW_MS = 2_000
/** Cutting and compiling: nothing that a tenant sends makes that explode, but a machine can be slow. */
const PREPARING_MS = 2_000
/** In addition for large bodies. Parsing takes a fifth of the latter. */
const QUICK_MS_A_BYTE = 0.000_25
const SLOW_MS_A_BYTE = 0.001
/** How long a party whose job was ended in the quick lane has its jobs in the slow one. */
const SLOW_FOR_MS = 60_000
const MAX_SLOW_PARTIES = 10_000
/** How many times as long as a job that took too long the slow lane rests after it: such jobs have a third of a core. */
const REST = 2
/** Bytes of a party that can wait for a thread. A single job always can. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** A job took too long, so it was ended. */
export class CheckTooLong extends Error {
  readonly place: JobPlace

  constructor(place: JobPlace) {
    super('The check took too long')
    this.place = place
  }
}

type Task = {
  readonly job: Job
  readonly types: KnownTypes | null
  readonly resolve: (outcome: Outcome) => void
}

/**
 * Checks in threads what would take long on the main thread, or can't be bounded there. Parties (tenants) take turns.
 *
 * There are two lanes, each with a thread of its own, started when it is first needed. A job begins in the quick lane,
 * where validation has a tenth of a second. If that isn't enough, the thread is ended, and the job and all others of
 * its party in the next minute go to the slow lane, so that a party whose payloads take long keeps only its like
 * waiting.
 */
export class Checker {
  readonly #quick: Lane
  readonly #slow: Lane
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'warn'> | undefined
  /** Until when parties have their jobs in the slow lane, in the order in which they were sent there. */
  readonly #slowUntilMs = new Map<string, number>()
  readonly #waitingBytes = new Map<string, number>()
  #isStopped = false

  constructor(clock: Clock, log?: Pick<Logger, 'warn'>, { quickMs, slowMs }: CheckerOptions = {}) {
    this.#clock = clock
    this.#log = log
    const base = { preparingMs: PREPARING_MS }
    this.#quick = new Lane(clock, { ...base, validatingMs: quickMs ?? QUICK_MS, aByte: QUICK_MS_A_BYTE, isSlow: false })
    this.#slow = new Lane(clock, { ...base, validatingMs: slowMs ?? SLOW_MS, aByte: SLOW_MS_A_BYTE, isSlow: true })
  }

  /**
   * Does a job in a thread. Throws CheckTooLong, or PosthornError if too much of the party's is waiting or the thread
   * died.
   *
   * @param party whose turn it is
   * @param types the catalogue, if the job needs it
   */
  async check<Kind extends Job['kind']>(
    party: string,
    job: Extract<Job, { kind: Kind }>,
    types: KnownTypes | null = null,
  ): Promise<JobResults[Kind]> {
    const bytes = bytesOf(job)
    const waiting = this.#waitingBytes.get(party) ?? 0
    if (waiting > 0 && waiting + bytes > MAX_WAITING_BYTES) throw tooMuch()
    this.#waitingBytes.set(party, waiting + bytes)
    try {
      const outcome = await this.#run(party, job, types)
      if (outcome.kind === 'done') return outcome.result as JobResults[Kind]
      if (outcome.kind === 'failed') throw outcome.error
      if (outcome.kind === 'ended') throw new CheckTooLong(outcome.place)
      throw failed(this.#isStopped)
    } finally {
      const left = this.#waitingBytes.get(party)! - bytes
      if (left > 0) this.#waitingBytes.set(party, left)
      else this.#waitingBytes.delete(party)
    }
  }

  /** Ends the threads and what they are doing. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all([this.#quick.stop(), this.#slow.stop()])
  }

  async #run(party: string, job: Job, types: KnownTypes | null): Promise<Outcome> {
    if (!this.#isSlow(party)) {
      const outcome = await this.#quick.run(party, job, types)
      if (this.#isStopped || outcome.kind === 'done' || outcome.kind === 'failed') return outcome
      this.#sendToSlow(party)
    }
    const outcome = await this.#slow.run(party, job, types)
    if (outcome.kind === 'ended') {
      this.#log?.warn({ party, type: outcome.place.type, job: job.kind }, 'a check took too long; refused')
    } else if (outcome.kind === 'died' && !this.#isStopped) {
      this.#log?.warn({ party, job: job.kind, err: new Error(outcome.message) }, 'a checking thread died; restarting')
    }
    return outcome
  }

  #isSlow(party: string): boolean {
    const untilMs = this.#slowUntilMs.get(party)
    if (untilMs === undefined) return false
    if (untilMs > this.#clock.monotonicMs()) return true
    this.#slowUntilMs.delete(party)
    return false
  }

  #sendToSlow(party: string): void {
    this.#slowUntilMs.delete(party)
    this.#slowUntilMs.set(party, this.#clock.monotonicMs() + SLOW_FOR_MS)
    if (this.#slowUntilMs.size > MAX_SLOW_PARTIES) this.#slowUntilMs.delete(this.#slowUntilMs.keys().next().value!)
  }
}

type Times = {
  readonly preparingMs: number
  readonly validatingMs: number
  readonly aByte: number
  /** Whether the lane works in the background, and rests after jobs that took too long. */
  readonly isSlow: boolean
}

/** A thread and the jobs that wait for it. */
class Lane {
  readonly #clock: Clock
  readonly #times: Times
  readonly #waiting = new Rotation<Task>()
  #thread: CheckingThread | undefined
  #isWorking = false
  #isStopped = false
  #endRest: (() => void) | undefined

  constructor(clock: Clock, times: Times) {
    this.#clock = clock
    this.#times = times
  }

  run(party: string, job: Job, types: KnownTypes | null): Promise<Outcome> {
    if (this.#isStopped) return Promise.resolve(STOPPED)
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.#waiting.add(party, { job, types, resolve })
    void this.#work()
    return promise
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#endRest?.()
    await this.#thread?.end()
  }

  async #rest(ms: number): Promise<void> {
    if (this.#isStopped) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(ms, resolve)
    this.#endRest = () => {
      timer.cancel()
      resolve()
    }
    await promise
    this.#endRest = undefined
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    for (let task = this.#waiting.take(); task !== undefined; task = this.#waiting.take()) {
      const { job, types, resolve } = task
      if (this.#isStopped) resolve(STOPPED)
      else {
        if (this.#thread === undefined || this.#thread.isGone)
          this.#thread = new CheckingThread(this.#clock, this.#times.isSlow)
        const { preparingMs, validatingMs, aByte, isSlow } = this.#times
        const more = bytesOf(job) * aByte
        const allowance = { preparingMs: preparingMs + more, validatingMs: validatingMs + more }
        const begunAtMs = this.#clock.monotonicMs()
        const outcome = await this.#thread.run(job, types, allowance)
        resolve(outcome)
        if (outcome.kind === 'ended' && isSlow) await this.#rest(REST * (this.#clock.monotonicMs() - begunAtMs))
      }
    }
    this.#isWorking = false
  }
}

const STOPPED: Outcome = { kind: 'died', message: 'Stopped' }

function bytesOf(job: Job): number {
  switch (job.kind) {
    case 'body':
      return job.body.length
    case 'event':
      return job.event.payloadBytes
    case 'type':
      return 0
    case 'schemas':
      return job.payloads.reduce((sum, { length }) => sum + length, 0)
  }
}

const tooMuch = (): PosthornError =>
  new PosthornError(
    'overloaded',
    'Too many large requests of this tenant are waiting to be checked. Try again, with fewer requests at a time.',
    { retryAfterSeconds: 1 },
  )

function failed(isStopped: boolean): PosthornError {
  if (isStopped) return new PosthornError('shutting_down', 'The server is shutting down.', { retryAfterSeconds: 1 })
  const detail = 'The request could not be checked, probably because it takes too much memory. Send less at a time.'
  return new PosthornError('overloaded', detail, { retryAfterSeconds: 1 })
}
