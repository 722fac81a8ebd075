import type { Clock } from '../base/clock.ts'
import { SharedBudget } from '../base/shared-budget.ts'
import { BlockedKeys, isSameKey } from './blocked-keys.ts'
import type { OperationCall, OperationResult } from './driver.ts'
import { type CommitLimits, FairQueue } from './fair-queue.ts'
import {
  type PublishRequest,
  type PublishResult,
  type StoredResult,
  toPublishResult,
} from './operations/events/publish-request.ts'
import { StoreContended, StoreUnavailable } from './transaction.ts'
import { type Commits, enqueue, itemsOfBytes, type Waiting } from './waiting.ts'

/** How many requests can wait for the commit in flight, a tenant's up to its share. Further ones are refused (503). */
const MAX_WAITING_PUBLISHES = 10_000
/** The limit for the total size of their payloads, in bytes, and a tenant's up to its share. */
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
 * A request waits → is committed with others → gets its response. If the data of one request makes the commit fail,
 * each is tried alone. If the reason is a key that a publisher's own transaction holds, the queue finds the request
 * that uses it by halving the batch, and sets that request aside. Those set aside are published one at a time,
 * alongside the commits; so are, from then on, all requests with a key that was found to be held.
 */
export class PublishQueue {
  readonly #commits: Commits
  readonly #clock: Clock
  readonly #waiting = new FairQueue<PublishRequest, PublishResult>()
  /** Requests with keys that another transaction holds: published one by one, alongside the commits. */
  readonly #aside: WaitingPublish[] = []
  readonly #blockedKeys = new BlockedKeys()
  /** Requests that have no result yet, and the bytes of their payloads. */
  readonly #requests = new SharedBudget(MAX_WAITING_PUBLISHES)
  readonly #payloads = new SharedBudget(MAX_WAITING_PAYLOAD_BYTES)
  #isPublishingAside = false

  constructor(commits: Commits, clock: Clock) {
    this.#commits = commits
    this.#clock = clock
  }

  /** The number of requests waiting for the next commit. */
  get length(): number {
    return this.#waiting.length
  }

  /** The sum of their sizes. */
  get items(): number {
    return this.#waiting.items
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
    const { tenant } = request
    // A single request of a tenant is always accepted, however large it is.
    const isFirst = this.#requests.usedBy(tenant) === 0
    const isRoom = this.#requests.isLeft(tenant) && (isFirst || this.#payloads.isLeft(tenant, payloadBytes))
    if (!isRoom) return Promise.reject(new StoreOverloaded('Too many events are waiting to be stored'))
    this.#requests.reserve(tenant, 1)
    this.#payloads.reserve(tenant, payloadBytes)
    return this.#enqueue(request, size + itemsOfBytes(payloadBytes)).finally(() => {
      this.#requests.release(tenant, 1)
      this.#payloads.release(tenant, payloadBytes)
    })
  }

  #enqueue(request: PublishRequest, size: number): Promise<PublishResult> {
    if (this.#blockedKeys.has(request)) {
      const stored = enqueue<PublishRequest, PublishResult>(waiting => this.#aside.push(waiting), request, size)
      void this.#publishAside()
      return stored
    }
    const stored = this.#waiting.add(request, size)
    this.#commits.schedule(request.tenant)
    return stored
  }

  take(limits: CommitLimits): WaitingPublish[] {
    return this.#waiting.take(limits)
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
    publishes.forEach((waiting, index) => {
      waiting.resolve(toPublishResult(waiting.input, results[index]!))
    })
  }

  #reject(publishes: readonly WaitingPublish[], error: Error): void {
    if (error instanceof StoreContended) this.#blockedKeys.add(publishes[0]!.input)
    for (const waiting of publishes) waiting.reject(error)
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
