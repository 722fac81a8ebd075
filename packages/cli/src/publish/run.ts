/**
 * A run: publishes the events of an input, each once, however often it is ended and continued.
 *
 * Each event has a key, its own or one of the run's name and the line's number, so that publishing a line again adds no
 * event. `Outcomes` knows the place before which all lines are done; it is kept in the run's file once a second, and
 * when the run ends. What was published after that place is published again, and found to be there already.
 */
import { ApiError, JsonText, type Posthorn, Publisher } from '@posthorn/client'
import type { Progress } from '../terminal/progress.ts'
import type { Clock } from '../terminal/terminal.ts'
import { Availability } from './availability.ts'
import { type EventOnLine, parseEvent } from './events.ts'
import type { Line } from './lines.ts'
import { type BadLine, type Outcome, Outcomes } from './outcomes.ts'
import { Pace } from './pace.ts'
import type { RunState } from './run-file.ts'

export type RunOptions = {
  readonly posthorn: Posthorn
  readonly clock: Clock
  /** Where to begin, with the counts of what was done before. */
  readonly state: RunState
  readonly lines: AsyncIterable<Line>
  /** Size of the input in bytes. Null if it isn't known. */
  readonly totalBytes: number | null
  readonly progress: Progress
  /** Keeps the state. */
  readonly keep: (state: RunState) => void
  readonly onBadLine: (line: BadLine) => void
  /** Whether lines after a bad one are published. */
  readonly skipsBadLines: boolean
  /** Ends the reading of the input, which can be waiting for more. */
  readonly closeInput: () => void
}

/** `interrupted`: by `stop`; `stopped`: by a bad line. */
export type RunEnd = 'finished' | 'interrupted' | 'stopped'

const KEEP_EVERY_MS = 1_000
/** How long a run that was interrupted waits for what is on its way. */
const STOP_GRACE_MS = 5_000
const GIVE_UP_AFTER_MS = 600_000
/** A batch on its way, and more than enough for the next: four times as many take half as much memory again. */
const MAX_PENDING = 3_000
/** Bounds what waits behind a line whose tenant is slow. */
const MAX_WAITING = 20_000
const MAX_FAULTS = 3
/** Refusals of an event. Others concern the key, the tenant or the server, and with them all events. */
const ABOUT_THE_EVENT: readonly number[] = [400, 409, 413, 422]

export class Run {
  readonly #options: RunOptions
  readonly #outcomes: Outcomes
  readonly #publisher: Publisher
  readonly #pace: Pace | undefined
  readonly #ending = new AbortController()
  #isInterrupted = false
  /** Why no event can be published. */
  #failure: unknown

  constructor(options: RunOptions) {
    const { posthorn, clock, state, progress, onBadLine, skipsBadLines } = options
    this.#options = options
    this.#outcomes = new Outcomes({
      counts: state.counts,
      last: state.last,
      onBadLine(line) {
        onBadLine(line)
        return skipsBadLines
      },
    })
    const availability = new Availability(state.url, clock, sentence => progress.say(sentence))
    this.#publisher = new Publisher(availability.observe(posthorn), {
      giveUpAfterMs: GIVE_UP_AFTER_MS,
      maxPending: MAX_PENDING,
    })
    this.#pace = state.rate === null ? undefined : new Pace(state.rate, clock)
  }

  /** How far it has come. */
  get state(): RunState {
    const { counts, last } = this.#outcomes
    return { ...this.#options.state, counts, last, updatedAt: new Date(this.#options.clock.now()).toISOString() }
  }

  /** Publishes all. Rejects with what makes it impossible to publish any event. The state is kept in any case. */
  async run(): Promise<RunEnd> {
    const keeping = this.#keepRegularly()
    try {
      await this.#publishAll()
    } catch (error) {
      this.#fail(error)
    }
    await this.#publisher.close()
    keeping.cancel()
    const isFinished = this.#failure === undefined && !this.#isInterrupted && !this.#outcomes.isStopped
    this.#options.keep({ ...this.state, isFinished })
    if (this.#failure !== undefined) throw this.#failure
    return isFinished ? 'finished' : this.#outcomes.isStopped ? 'stopped' : 'interrupted'
  }

  /** Publishes no more lines. Events that are on their way can arrive. */
  stop(): void {
    this.#isInterrupted = true
    const grace = new AbortController()
    const timer = this.#options.clock.after(STOP_GRACE_MS, () => grace.abort())
    void this.#publisher.close({ signal: grace.signal }).then(() => timer.cancel())
    this.#end()
  }

  #end(): void {
    this.#ending.abort()
    this.#options.closeInput()
  }

  #fail(error: unknown): void {
    // What ends the reading of an input that was closed on purpose is no failure.
    if (this.#ending.signal.aborted) return
    this.#failure ??= error
    void this.#publisher.close({ signal: AbortSignal.abort() })
    this.#end()
  }

  async #publishAll(): Promise<void> {
    const { signal } = this.#ending
    for await (const line of this.#options.lines) {
      if (signal.aborted) return
      const settle = this.#expect(line)
      const event = eventOf(line, this.#options.state)
      if ('kind' in event) settle(event)
      else {
        await this.#pace?.take(signal)
        while (this.#outcomes.waiting > MAX_WAITING && !signal.aborted) await this.#outcomes.progress()
        await this.#publisher.ready()
        if (signal.aborted) return
        void this.#publish(event, settle)
      }
    }
  }

  #expect(line: Line): (outcome: Outcome) => void {
    const { progress, totalBytes } = this.#options
    const settle = this.#outcomes.expect(line)
    return outcome => {
      settle(outcome)
      const { accepted, duplicates, refused, broken } = this.#outcomes.counts
      const fraction = totalBytes === null ? null : totalBytes === 0 ? 1 : this.#outcomes.bytes / totalBytes
      progress.reach(accepted + duplicates + refused + broken, fraction)
      if (this.#outcomes.isStopped) this.#end()
    }
  }

  async #publish(event: ToPublish, settle: (outcome: Outcome) => void): Promise<void> {
    const { tenant, key, payload, hasOwnKey } = event
    try {
      // The type checker knows types of events that are generated; these come from a file.
      const published = await this.#publisher.publish(event.type, new JsonText(payload), { tenant, key })
      settle({ kind: published.duplicate === true && hasOwnKey ? 'duplicates' : 'accepted' })
    } catch (error) {
      const outcome = outcomeOf(error, event, this.#options.state)
      if (outcome !== undefined) settle(outcome)
      else this.#fail(error)
    }
  }

  #keepRegularly(): { cancel(): void } {
    const { clock, keep } = this.#options
    let timer: { cancel(): void }
    let kept = this.#outcomes.last
    const wait = () => {
      timer = clock.after(KEEP_EVERY_MS, () => {
        try {
          if (this.#outcomes.last !== kept) keep(this.state)
          kept = this.#outcomes.last
          wait()
        } catch (error) {
          this.#fail(error)
        }
      })
    }
    wait()
    return { cancel: () => timer.cancel() }
  }
}

type ToPublish = EventOnLine & { readonly tenant: string; readonly key: string; readonly hasOwnKey: boolean }

/** The event of a line, or what becomes of a line without one. */
function eventOf({ text, fault, number }: Line, { tenant, run }: RunState): ToPublish | Outcome {
  if (text === null) return { kind: 'broken', why: fault!, field: null }
  if (text.trim() === '') return { kind: 'blank' }
  const parsed = parseEvent(text)
  if ('fault' in parsed) return { kind: 'broken', why: parsed.fault, field: null }
  const { event } = parsed
  const of = event.tenant ?? tenant
  if (of === null) return { kind: 'broken', why: 'it has no tenant, and there is no --tenant', field: null }
  return { ...event, tenant: of, key: event.key ?? `${run}:${number}`, hasOwnKey: event.key !== null }
}

/** Undefined if it is not about this event alone. */
function outcomeOf(error: unknown, event: ToPublish, { tenant }: RunState): Outcome | undefined {
  // A tenant that can't be part of a path.
  if (error instanceof TypeError) {
    return { kind: 'broken', why: `${JSON.stringify(event.tenant)} can't be the id of a tenant`, field: null }
  }
  if (!(error instanceof ApiError)) return undefined
  const { status, fields, detail } = error
  const isUnknownTenant = status === 404 && event.tenant !== tenant
  if (!isUnknownTenant && !ABOUT_THE_EVENT.includes(status)) return undefined
  const [first, ...others] = fields
  if (first === undefined) return { kind: 'refused', why: detail, field: null }
  if (others.length === 0) return { kind: 'refused', why: first.detail, field: first.field }
  const faults = fields.slice(0, MAX_FAULTS).map(each => `${each.field}: ${each.detail}`)
  const more = fields.length > MAX_FAULTS ? ` (and ${fields.length - MAX_FAULTS} more)` : ''
  return { kind: 'refused', why: `${faults.join(' ')}${more}`, field: null }
}
