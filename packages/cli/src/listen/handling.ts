import type { ListenedRequest, Posthorn } from '@posthorn/client'
import { type Answered, answer } from './answering.ts'
import type { Forwarder } from './forwarder.ts'
import type { Happening, Heard } from './happenings.ts'
import { type Outcome, type OutcomeLog, Outcomes } from './outcomes.ts'
import type { ReceiverWatch } from './receiver-watch.ts'
import { RemainingTime } from './remaining-time.ts'
import { isSuccess, ownReply, type Reply } from './reply.ts'
import { Slots } from './slots.ts'

/** Requests that are forwarded at the same time. By default, the server has no more than 32 of a listener open. */
const MAX_IN_FLIGHT = 64
/** How long after its end an answer to an attempt is still tried: clocks, and how long the request was on its way. */
const ANSWER_MORE_MS = 5_000

export type HandlingNeeds = {
  readonly posthorn: Posthorn
  /** Null: requests are only shown, and answered with 200. */
  readonly forwarder: Forwarder | null
  readonly receiver: Pick<ReceiverWatch, 'noteReached' | 'noteUnreachable'> | null
  readonly log: OutcomeLog
  /** Resolves when there is room for more: the request's place is kept until then. */
  readonly onHappening: (happening: Happening) => void | Promise<void>
  /** Called for what is a fault of ours. */
  readonly onFailure: (error: unknown) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * What becomes of each request: arrived → forwarded → answered, or late. One whose delivery was forwarded before is only
 * answered, unless the receiver has failed: then a later attempt is forwarded.
 */
export class RequestHandling {
  readonly #needs: HandlingNeeds
  readonly #outcomes: Outcomes
  readonly #remaining = new RemainingTime()
  readonly #slots = new Slots(MAX_IN_FLIGHT)
  readonly #abandoned = new AbortController()
  #count = 0

  constructor(needs: HandlingNeeds) {
    this.#needs = needs
    this.#outcomes = new Outcomes(needs.log)
  }

  get inFlight(): number {
    return this.#slots.taken
  }

  /** Takes a request, unless the signal was aborted. Resolves as soon as there is room for it. */
  async take(request: ListenedRequest, signal: AbortSignal): Promise<void> {
    const arrivedMs = this.#needs.now()
    await this.#slots.take()
    if (signal.aborted) return this.#slots.free()
    void this.#handle(request, arrivedMs)
      .catch(this.#needs.onFailure)
      .finally(() => this.#slots.free())
  }

  /** Resolves when nothing is in flight. */
  idle(): Promise<void> {
    return this.#slots.idle()
  }

  /** Waits for nothing any longer. What is in flight comes again at the next start. */
  abandon(): void {
    this.#abandoned.abort()
  }

  async #handle(request: ListenedRequest, arrivedMs: number): Promise<void> {
    const { onHappening, now } = this.#needs
    const { attemptMs, receiverMs } = this.#remaining.of(request, arrivedMs)
    const untilMs = performance.now() + attemptMs + ANSWER_MORE_MS
    if (await this.#answerAgain(request, untilMs)) return
    const { promise, resolve } = Promise.withResolvers<Reply>()
    this.#outcomes.begin(request, promise)
    const reply = await this.#forward(request, receiverMs)
    resolve(reply)
    const heard: Heard = { number: ++this.#count, request, reply, atMs: now() }
    const shown = onHappening({ kind: 'request', heard })
    if ((await this.#answer(request, reply, untilMs)) === 'late') await onHappening({ kind: 'late', heard })
    await shown
  }

  /** Answers what was forwarded already. Returns false if the request is to be forwarded. */
  async #answerAgain(request: ListenedRequest, untilMs: number): Promise<boolean> {
    for (let known = this.#outcomes.find(request); known !== undefined; known = this.#outcomes.find(request)) {
      if (known.attempt > request.attempt) return true
      // It can still be in flight: an earlier attempt that ended for the server while this machine was asleep.
      const outcome = await known.outcome
      if (known.attempt === request.attempt || isSuccess(outcome)) {
        const { status } = outcome
        if (known.attempt < request.attempt) this.#needs.onHappening({ kind: 'repeated', request, status })
        await this.#answer(request, outcome, untilMs)
        return true
      }
      if (this.#outcomes.find(request) === known) break
    }
    return false
  }

  async #forward(request: ListenedRequest, timeoutMs: number): Promise<Reply> {
    const { forwarder, receiver } = this.#needs
    if (forwarder === null) return ownReply('shown', 200, '', 0)
    const reply = await forwarder.send(request, timeoutMs)
    if (reply.kind === 'unreachable') receiver?.noteUnreachable(reply.body)
    else receiver?.noteReached()
    return reply
  }

  async #answer(request: ListenedRequest, outcome: Outcome, untilMs: number): Promise<Answered> {
    const answered = await answer(this.#needs.posthorn, request, outcome, untilMs, this.#abandoned.signal)
    if (answered === 'taken') this.#outcomes.settle(request, outcome)
    else if (answered === 'late' && !isSuccess(outcome)) this.#outcomes.forget(request)
    return answered
  }
}
