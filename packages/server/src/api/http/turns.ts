/**
 * Shares the event loop between callers. Without it, everything that arrived on all connections since the loop last
 * looked would be parsed and handled in one go, before anyone's next request is even read.
 */
import type { Clock } from '../../base/clock.ts'

/** How long jobs run in one turn of the event loop. Then everything else gets its turn. */
const TURN_MS = 3
/** How long a party rests for each millisecond of a job that says so: it gets a fifth of the time. */
const REST_FACTOR = 4
/** The rest that a party can owe before it has to take it. */
const OWED_MS = 10
/** How often it is checked whether a rest is over. */
const CHECK_MS = 5
/** Parties whose rest is remembered, before those that have rested are looked for. */
const MAX_RESTS = 1_000

/** @returns whether the party has to rest for it: it is a stranger, whose work comes after that of others */
export type Job = () => boolean
/** The jobs before `at` have run: an array that is taken from its front costs more the longer it is. */
type Queue = { jobs: Job[]; at: number }

/** Jobs that have run and that a queue forgets together. */
const FORGOTTEN = 1_024

/**
 * Jobs of different parties in rotation, for a few milliseconds in each turn of the event loop. A queue has no bound of
 * its own: the reader of a connection (intake.ts) has one job at a time.
 */
export class Turns {
  readonly #clock: Clock
  /** Processor time used for jobs in this turn of the event loop, in milliseconds. */
  #usedMs = 0
  #isRunning = false
  #isScheduled = false
  /** By party, each in the order of arrival. The party at the front is next. */
  readonly #queues = new Map<string, Queue>()
  /** The queues of parties that have to rest first. */
  readonly #resting = new Map<string, Queue>()
  /** Until when a party's rest lasts (monotonic). */
  readonly #rests = new Map<string, number>()
  #isChecking = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs a job now or, if this turn is used up or the party has to rest, in a later one. */
  take(party: string, job: Job): void {
    const isFree = !this.#isRunning && this.#queues.size === 0 && this.#usedMs < TURN_MS
    if (isFree && !this.#mustRest(party)) this.#run(party, job)
    else this.#add(party, job)
    this.#schedule()
  }

  /** Lets a party rest for something that has taken that long. */
  charge(party: string, ms: number): void {
    if (ms <= 0) return
    const nowMs = this.#clock.monotonicMs()
    if (this.#rests.size >= MAX_RESTS)
      for (const [name, untilMs] of this.#rests) if (untilMs <= nowMs) this.#rests.delete(name)
    // Together, they get no more time than one of them alone.
    const sharing = Math.max(this.#resting.size, 1)
    this.#rests.set(party, Math.max(this.#rests.get(party) ?? 0, nowMs) + ms * REST_FACTOR * sharing)
  }

  /** How long the party still has to rest, in milliseconds. */
  owedMs(party: string): number {
    const untilMs = this.#rests.get(party)
    return untilMs === undefined ? 0 : Math.max(untilMs - this.#clock.monotonicMs(), 0)
  }

  #mustRest(party: string): boolean {
    return this.#resting.has(party) || this.owedMs(party) > OWED_MS
  }

  #run(party: string, job: Job): void {
    const begunAtMs = this.#clock.monotonicMs()
    this.#isRunning = true
    let isStranger = false
    try {
      isStranger = job()
    } finally {
      this.#isRunning = false
    }
    const tookMs = this.#clock.monotonicMs() - begunAtMs
    this.#usedMs += tookMs
    if (isStranger) this.charge(party, tookMs)
  }

  #add(party: string, job: Job): void {
    const queue = this.#resting.get(party) ?? this.#queues.get(party)
    if (queue === undefined) this.#queues.set(party, { jobs: [job], at: 0 })
    else queue.jobs.push(job)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#next())
  }

  #next(): void {
    this.#isScheduled = false
    this.#usedMs = 0
    for (const [party, queue] of this.#queues) {
      // To the end of the rotation, if it has more.
      this.#queues.delete(party)
      if (this.#mustRest(party)) {
        this.#rest(party, queue)
        continue
      }
      const job = first(queue)
      if (queue.at < queue.jobs.length) this.#queues.set(party, queue)
      this.#run(party, job)
      if (this.#usedMs >= TURN_MS) break
    }
    if (this.#queues.size > 0) this.#schedule()
  }

  #rest(party: string, queue: Queue): void {
    this.#resting.set(party, queue)
    if (this.#isChecking) return
    this.#isChecking = true
    this.#clock.after(CHECK_MS, () => this.#wake())
  }

  #wake(): void {
    for (const [party, queue] of this.#resting) {
      if (this.owedMs(party) > OWED_MS) continue
      this.#resting.delete(party)
      this.#queues.set(party, queue)
    }
    this.#isChecking = this.#resting.size > 0
    if (this.#isChecking) this.#clock.after(CHECK_MS, () => this.#wake())
    if (this.#queues.size > 0) this.#schedule()
  }
}

function first(queue: Queue): Job {
  const job = queue.jobs[queue.at++]!
  if (queue.at === FORGOTTEN) {
    queue.jobs.splice(0, FORGOTTEN)
    queue.at = 0
  }
  return job
}
