/**
 * Shares the event loop between callers. Without it, everything that arrived on all connections since the loop last
 * looked would be handled in one go: thousands of pipelined reads, or as many refusals, before anyone's next request is
 * even read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'

/** How long calls are begun in one turn of the event loop. Then everything else gets its turn. */
const TURN_MS = 3
/**
 * Requests of one connection that can wait. One read of a socket (64 KiB) brings up to 1,500 of them; further ones stay
 * unread. A client that gets more in anyway is cut off.
 */
const MAX_WAITING = 4_096

type Begin = (request: IncomingMessage, response: ServerResponse) => void
type Waiting = { readonly request: IncomingMessage; readonly response: ServerResponse }
/** Waiting calls of a party. Those before `at` have begun: an array that is taken from its front costs more the longer it is. */
type Queue = { waiting: Waiting[]; at: number }

/** Begun calls that a queue forgets together. */
const FORGOTTEN = 1_024

export class Turns {
  readonly #clock: Clock
  readonly #begin: Begin
  /** Processor time used for calls in this turn of the event loop, in milliseconds. */
  #usedMs = 0
  #isScheduled = false
  /** By party, each in the order of arrival. The party at the front is next. */
  readonly #queues = new Map<string, Queue>()
  readonly #waitingOf = new Map<Socket, number>()

  /** @param begin handles a call: as much of it as is done before the first wait */
  constructor(clock: Clock, begin: Begin) {
    this.#clock = clock
    this.#begin = begin
  }

  /** Begins a call now or, if this turn is used up, in a later one: calls of different parties in rotation. */
  take(party: string, request: IncomingMessage, response: ServerResponse): void {
    if (this.#queues.size === 0 && this.#usedMs < TURN_MS) this.#run(request, response)
    else this.#add(party, { request, response })
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#next())
  }

  #run(request: IncomingMessage, response: ServerResponse): void {
    const begunAtMs = this.#clock.monotonicMs()
    this.#begin(request, response)
    this.#usedMs += this.#clock.monotonicMs() - begunAtMs
  }

  #add(party: string, waiting: Waiting): void {
    const queue = this.#queues.get(party)
    if (queue === undefined) this.#queues.set(party, { waiting: [waiting], at: 0 })
    else queue.waiting.push(waiting)
    const { socket } = waiting.request
    const count = this.#waitingOf.get(socket) ?? 0
    this.#waitingOf.set(socket, count + 1)
    if (count === 0) hold(socket, () => this.#waitingOf.has(socket))
    else if (count >= MAX_WAITING) socket.destroy()
  }

  #next(): void {
    this.#isScheduled = false
    this.#usedMs = 0
    for (const [party, queue] of this.#queues) {
      // To the end of the rotation, if it has more.
      this.#queues.delete(party)
      const { request, response } = first(queue)
      if (queue.at < queue.waiting.length) this.#queues.set(party, queue)
      this.#release(request.socket)
      if (!request.socket.destroyed) this.#run(request, response)
      if (this.#usedMs >= TURN_MS) break
    }
    if (this.#queues.size === 0) return
    this.#isScheduled = true
    setImmediate(() => this.#next())
  }

  #release(socket: Socket): void {
    const count = this.#waitingOf.get(socket)! - 1
    if (count > 0) this.#waitingOf.set(socket, count)
    else {
      this.#waitingOf.delete(socket)
      if (!socket.destroyed) socket.resume()
    }
  }
}

function first(queue: Queue): Waiting {
  const waiting = queue.waiting[queue.at++]!
  if (queue.at === FORGOTTEN) {
    queue.waiting.splice(0, FORGOTTEN)
    queue.at = 0
  }
  return waiting
}

const HELD = new WeakSet<Socket>()

/** Stops reading from a socket, also when a response that has been sent makes Node resume it. */
function hold(socket: Socket, isHeld: () => boolean): void {
  socket.pause()
  if (HELD.has(socket)) return
  HELD.add(socket)
  socket.on('resume', () => {
    if (isHeld()) socket.pause()
  })
}
