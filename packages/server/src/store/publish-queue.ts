import type { Clock } from '../base/clock.ts'
import { BlockedKeys, isSameKey } from './blocked-keys.ts'
import type { OperationCall, OperationResult } from './driver.ts'
import {
  type PublishRequest,
  type PublishResult,
  type StoredResult,
  toPublishResult,
} from './operations/events/publish-request.ts'
import { PublishRotation } from './publish-rotation.ts'
import { StoreContended, StoreUnavailable } from './transaction.ts'
import { type Commits, enqueue, type Waiting } from './waiting.ts'

/** How many requests can wait for the commit in flight. Further ones are refused (503). */
const MAX_WAITING_PUBLISHES = 10_000
/** The limit for the total size of their payloads. */
const MAX_WAITING_PAYLOAD_BYTES = 64 * 1024 * 1024

/** How long a commit waits for an event key that a publisher's transaction holds: other requests share the commit. */
const KEY_WAIT_MS = 250
/** The same while searching which keys of a batch are held. */
const NEXT_KEY_WAIT_MS = 20
/** How long the search for held keys can take; requests not examined by then go into the next commit. */
const KEY_SEARCH_MS = 500

/** Too much is waiting to be stored: try again a little later. */
export class StoreOverloaded extends Error {}

type WaitingPublish = Waiting<PublishRequest, PublishResult>

/**
 * Requests to publish that wait to be committed together.
 *
 * Tenants take turns (publish-rotation.ts): with large batches of one waiting, the small requests of others would come
 * after all of them.
 *
 * A request waits → is committed with others → gets its response. If the data of one request makes the commit fail,
 * each is tried alone. If the reason is a key that a publisher's own transaction holds, the queue finds the request
 * that uses it by halving the batch, and sets that request aside. Those set aside are published one at a time,
 * alongside the commits; so are, from then on, all requests with a key that was found to be held.
 */
export class PublishQueue {
  readonly #commits: Commits
  readonly #clock: Clock
  readonly #waiting = new PublishRotation<WaitingPublish>()
  /** Requests with keys that another transaction holds: published one by one, alongside the commits. */
  readonly #aside: WaitingPublish[] = []
  readonly #blockedKeys = new BlockedKeys()
  #waitingPayloadBytes = 0
  #isPublishingAside = false

  constructor(commits: Commits, clock: Clock) {
    this.#commits = commits
    this.#clock = clock
  }

  /** The number of requests waiting for the next commit. */
  get length(): number {
    return this.#waiting.length
  }

  get isPublishingAside(): boolean {
    return this.#isPublishingAside
  }

  /** Throws StoreOverloaded, StoreContended, StoreUnavailable. */
  add(request: PublishRequest): Promise<PublishResult> {
    let size = 0
    let payloadBytes = 0
    for (const event of request.events) {
      size += 1 + (event.deliveries?.length ?? 0)
      payloadBytes += event.payload.length
    }
    const waitingBytes = this.#waitingPayloadBytes + payloadBytes
    // A single request is always accepted, however large it is.
    const isFull = this.#waiting.length > 0 && waitingBytes > MAX_WAITING_PAYLOAD_BYTES
    if (isFull || this.#waiting.length + this.#aside.length >= MAX_WAITING_PUBLISHES) {
      return Promise.reject(new StoreOverloaded('Too many events are waiting to be stored'))
    }
    this.#waitingPayloadBytes = waitingBytes
    return this.#enqueue(request, size).finally(() => {
      this.#waitingPayloadBytes -= payloadBytes
    })
  }

  #enqueue(request: PublishRequest, size: number): Promise<PublishResult> {
    if (this.#blockedKeys.has(request)) {
      const stored = enqueue(this.#aside, request, size)
      void this.#publishAside()
      return stored
    }
    const { promise, resolve, reject } = Promise.withResolvers<PublishResult>()
    this.#waiting.add({ input: request, size, resolve, reject })
    this.#commits.schedule()
    return promise
  }

  take(maxItems: number): WaitingPublish[] {
    return this.#waiting.take(maxItems)
  }

  /** @param searchUntilMs when a search for held keys has to end, by the monotonic clock */
  async conclude(
    publishes: WaitingPublish[],
    call: OperationCall,
    result: OperationResult,
    searchUntilMs = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    if (result.ok) return this.#resolve(publishes, call, result.value as StoredResult[])
    if (result.error instanceof StoreUnavailable || publishes.length === 1) return this.#reject(publishes, result.error)
    if (result.error instanceof StoreContended) {
      return this.#searchBlocked(publishes, Math.min(searchUntilMs, this.#clock.monotonicMs() + KEY_SEARCH_MS))
    }
    // The data of one request made the batch fail: tries each alone, so that only that one fails.
    for (const waiting of publishes) {
      const alone = toPublishCall([waiting])
      const [single] = await this.#commits.write([alone])
      await this.conclude([waiting], alone, single!)
    }
  }

  #resolve(publishes: readonly WaitingPublish[], call: OperationCall, results: readonly StoredResult[]): void {
    this.#commits.observe(call, results)
    publishes.forEach(({ input, resolve }, index) => {
      resolve(toPublishResult(input, results[index]!))
    })
  }

  #reject(publishes: readonly WaitingPublish[], error: Error): void {
    if (error instanceof StoreContended) this.#blockedKeys.add(publishes[0]!.input)
    for (const { reject } of publishes) reject(error)
  }

  /** Some of these use held keys: finds out which by halving, so that the others are stored soon. */
  async #searchBlocked(publishes: WaitingPublish[], untilMs: number): Promise<void> {
    const middle = Math.ceil(publishes.length / 2)
    for (const half of [publishes.slice(0, middle), publishes.slice(middle)]) {
      const free = half.filter(waiting => !this.#blockedKeys.has(waiting.input))
      this.#aside.push(...half.filter(waiting => !free.includes(waiting)))
      if (free.length === 0) continue
      if (this.#clock.monotonicMs() >= untilMs) this.#waiting.putBack(free)
      else {
        const call = toPublishCall(free, NEXT_KEY_WAIT_MS)
        const [result] = await this.#commits.write([call])
        await this.conclude(free, call, result!, untilMs)
      }
    }
    void this.#publishAside()
  }

  /** Publishes one at a time, since each can wait for its full time. */
  async #publishAside(): Promise<void> {
    if (this.#isPublishingAside) return
    this.#isPublishingAside = true
    for (let waiting = this.#aside.shift(); waiting !== undefined; waiting = this.#aside.shift()) {
      const { input } = waiting
      const call = toPublishCall([waiting])
      const [result] = await this.#commits.write([call])
      const isBlocked = !result!.ok && result!.error instanceof StoreContended
      // Others with the same key would wait for it too, one after the other.
      const alike = isBlocked ? this.#aside.filter(other => isSameKey(input, other.input)) : []
      for (const other of alike) this.#aside.splice(this.#aside.indexOf(other), 1)
      if (!isBlocked) this.#blockedKeys.remove(input)
      for (const one of [waiting, ...alike]) await this.conclude([one], call, result!)
    }
    this.#isPublishingAside = false
    this.#commits.lookIdle()
  }
}

export function toPublishCall(publishes: readonly WaitingPublish[], keyWaitMs = KEY_WAIT_MS): OperationCall {
  return { name: 'publish', args: { requests: publishes.map(({ input }) => input), keyWaitMs } }
}
