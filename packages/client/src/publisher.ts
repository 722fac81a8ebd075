/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Publishes events in batches: what is published within a few milliseconds for a tenant goes out in one call.
 *
 * An event is *pending* from `publish` until it is stored or refused. It waits in the queue of its tenant, then it is in
 * the tenant's only call. Invariants: a tenant has at most one call in flight, so its events are stored in the order of
 * `publish`; every pending event ends with its promise settled; the number of pending events and their size are bounded.
 */
import type { PublishEventsBody, PublishEventsResult } from './api/events.ts'
import type { PublishedEvent } from './api/models.ts'
import { brand } from './brand.ts'
import type { EventTypeName, PayloadOf } from './event-payloads.ts'
import { newKey } from './http/connection.ts'
import { wait } from './http/deadline.ts'
import { ApiError, type CallName, PosthornError, ResponseError } from './http/errors.ts'
import type { MakingCallOptions } from './http/options.ts'
import { path, toPath } from './http/path.ts'
import { delayBefore } from './http/retries.ts'
import { JsonText } from './json-text.ts'
import { divide, type Refusal, refusalsOf } from './refused-events.ts'

/** A client: `Posthorn`, also of another copy of this package, or an object with only the resource `events`. */
export type PublishingClient = {
  readonly events: {
    publish(
      tenant: string,
      body: readonly PublishEventsBody[],
      options?: MakingCallOptions,
    ): Promise<PublishEventsResult>
  }
}

export type PublisherOptions = {
  /** The tenant of events that are published without one. Default: each event needs its own. */
  readonly tenant?: string | undefined
  /** How long the first event of a batch waits for others, in milliseconds. Default: 5. */
  readonly delayMs?: number | undefined
  /** The most events in one call. The server's limit is its setting `maxBatch`. Default: 1,000, like the server's. */
  readonly maxBatch?: number | undefined
  /** The most bytes in one call; a larger event goes alone. The server's limit is `maxBodyBytes`. Default: 1,000,000. */
  readonly maxBatchBytes?: number | undefined
  /** The most events that are pending: beyond it, `publish` rejects with `publisher_full`. Default: 10,000. */
  readonly maxPending?: number | undefined
  /** The same for their size as JSON, in bytes. Default: 16 MiB. */
  readonly maxPendingBytes?: number | undefined
  /** The most calls in flight, each for another tenant. Default: 8. */
  readonly maxCalls?: number | undefined
  /**
   * How long an event is sent again while the server can't be reached or is unavailable, in milliseconds. Infinity: until
   * `close` is aborted. Default: 300,000.
   */
  readonly giveUpAfterMs?: number | undefined
}

export type PublishOptions = {
  /** Default: the publisher's. */
  readonly tenant?: string | undefined
  /** Your own key of the event: publishing it again, also by another call, creates no second event. Default: none. */
  readonly key?: string | undefined
  /** Gives up the event if it isn't in a call yet. If it is, it might be stored. The promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** The publisher didn't take an event. */
export class PublisherError extends PosthornError {
  static {
    brand(PublisherError, 'PublisherError')
  }

  override readonly name: string = 'PublisherError'
  declare readonly code: 'publisher_full' | 'publisher_closed'
}

type Pending = {
  /** The event as JSON. */
  readonly text: string
  readonly bytes: number
  /** When it was published. */
  readonly atMs: number
  /** Only the first call of one of the two has an effect. */
  readonly resolve: (event: PublishedEvent) => void
  readonly reject: (reason: unknown) => void
}

/** The events of a tenant that are not in a call yet. */
type Lane = {
  readonly tenant: string
  readonly queue: Pending[]
  /** Size of the queue. */
  bytes: number
  /** `waiting` for more events, until the timer; `due`: for its turn; `sending`: for the end of its call. */
  state: 'waiting' | 'due' | 'sending'
  timer?: ReturnType<typeof setTimeout>
}

const MAX_DOUBLINGS = 10
const MAX_DELAY_MS = 60_000

export class Publisher {
  readonly #client: PublishingClient
  readonly #tenant: string | undefined
  readonly #limits: Readonly<Record<Exclude<keyof PublisherOptions, 'tenant'>, number>>
  /** Smaller than the options if the server has smaller limits. */
  #maxBatch: number
  #maxBatchBytes: number
  /** Tenants with events that are not in a call yet, or with a call. */
  readonly #lanes = new Map<string, Lane>()
  /** Lanes that could begin a call. */
  readonly #due: Lane[] = []
  #calls = 0
  #pending = 0
  #pendingBytes = 0
  /** Writers that wait for room, and how many were just told that there is some. */
  readonly #writers: (() => void)[] = []
  #invited = 0
  readonly #abort = new AbortController()
  #closed: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  /** Throws TypeError for options that can't be used. */
  constructor(client: PublishingClient, options: PublisherOptions = {}) {
    const { tenant, delayMs = 5, maxBatch = 1_000, maxBatchBytes = 1_000_000 } = options
    const { maxPending = 10_000, maxPendingBytes = 16 * 1024 * 1024, maxCalls = 8, giveUpAfterMs = 300_000 } = options
    this.#client = client
    this.#tenant = tenant
    this.#limits = { delayMs, maxBatch, maxBatchBytes, maxPending, maxPendingBytes, maxCalls, giveUpAfterMs }
    for (const [name, value] of Object.entries(this.#limits)) {
      const least = name.endsWith('Ms') ? 0 : 1
      if (!(value >= least)) throw new TypeError(`\`${name}\` must be a number, ${least} or more.`)
      if (name === 'delayMs' && value > MAX_DELAY_MS) throw new TypeError('`delayMs` can be a minute at most.')
    }
    this.#maxBatch = maxBatch
    this.#maxBatchBytes = maxBatchBytes
  }

  /** How many events are pending. */
  get pending(): number {
    return this.#pending
  }

  /**
   * Publishes an event with the next batch of its tenant. Resolves when it is stored. The payload is serialised now, so
   * later changes to it have no effect; as JsonText it is sent as it is.
   *
   * Rejects with ApiError if this event is refused, whatever else is in the batch; with another PosthornError if the
   * server couldn't be reached for `giveUpAfterMs`, after which the event might be stored; with PublisherError if the
   * publisher is full or closed, and TypeError if there is no tenant or the payload is not a JSON value.
   */
  publish<Type extends EventTypeName>(
    type: Type,
    payload: PayloadOf<Type> | JsonText,
    { tenant = this.#tenant, key, signal }: PublishOptions = {},
  ): Promise<PublishedEvent> {
    return new Promise((resolve, reject) => {
      if (tenant === undefined)
        throw new TypeError('An event needs a tenant. Pass `tenant` with it, or to the publisher.')
      signal?.throwIfAborted()
      this.#refuseUnlessOpen(callOf(tenant))
      const text = textOf(type, payload, key)
      const event = { text, bytes: new TextEncoder().encode(text).length, atMs: Date.now(), resolve, reject }
      this.#add(tenant, signal === undefined ? event : this.#abortable(tenant, event, signal))
    })
  }

  /**
   * Resolves when there is room for an event. Writers that publish as fast as they can await it before each `publish`, so
   * that none is refused because the publisher is full.
   */
  ready(): Promise<void> {
    if (this.#closed !== undefined || this.#hasRoom()) {
      this.#invite()
      return Promise.resolve()
    }
    return new Promise(resolve => this.#writers.push(resolve))
  }

  /**
   * Sends what is pending without further delay, and resolves when all of it is stored or refused; what became of an event
   * is what its own promise says. Events that are published after this are refused. A second call waits for the same.
   *
   * @param options a `signal` that gives up whatever is still pending: those events are rejected with its reason
   */
  close({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    this.#closed ??= deferred()
    for (const lane of this.#lanes.values()) this.#hurry(lane)
    for (const invite of this.#writers.splice(0)) invite()
    if (signal?.aborted) this.#giveUp(signal.reason)
    else signal?.addEventListener('abort', () => this.#giveUp(signal.reason), { once: true })
    this.#finish()
    return this.#closed.promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #refuseUnlessOpen(call: CallName): void {
    if (this.#closed !== undefined) {
      const message = 'The publisher is closed. Publish before `close`, or with another publisher.'
      throw new PublisherError(call, message, { code: 'publisher_closed' })
    }
    if (this.#invited > 0) this.#invited--
    else if (!this.#hasRoom()) {
      const message =
        `The publisher has ${this.#pending} events that are not stored yet. Await \`ready()\` before you publish, or ` +
        'raise `maxPending` and `maxPendingBytes`.'
      throw new PublisherError(call, message, { code: 'publisher_full' })
    }
  }

  // Room

  #hasRoom(): boolean {
    const { maxPending, maxPendingBytes } = this.#limits
    return this.#pending + this.#invited < maxPending && this.#pendingBytes < maxPendingBytes
  }

  /** Keeps a place for a writer, which takes it at once or not at all. */
  #invite(): void {
    if (this.#invited++ > 0) return
    setTimeout(() => {
      this.#invited = 0
      this.#inviteWriters()
    }, 0)
  }

  #inviteWriters(): void {
    while (this.#writers.length > 0 && this.#hasRoom()) {
      this.#invite()
      this.#writers.shift()!()
    }
  }

  #end(events: readonly Pending[]): void {
    this.#pending -= events.length
    for (const { bytes } of events) this.#pendingBytes -= bytes
    this.#inviteWriters()
    this.#finish()
  }

  #finish(): void {
    if (this.#pending === 0) this.#closed?.resolve()
  }

  // Batches

  #add(tenant: string, event: Pending): void {
    let lane = this.#lanes.get(tenant)
    if (lane === undefined) {
      lane = { tenant, queue: [], bytes: 0, state: 'waiting' }
      this.#lanes.set(tenant, lane)
    }
    lane.queue.push(event)
    lane.bytes += event.bytes
    this.#pending++
    this.#pendingBytes += event.bytes
    if (lane.state !== 'waiting') return
    if (lane.queue.length >= this.#maxBatch || lane.bytes >= this.#maxBatchBytes) this.#hurry(lane)
    else lane.timer ??= setTimeout(() => this.#hurry(lane), this.#limits.delayMs)
  }

  #hurry(lane: Lane): void {
    if (lane.state !== 'waiting') return
    clearTimeout(lane.timer)
    lane.state = 'due'
    this.#due.push(lane)
    this.#begin()
  }

  #begin(): void {
    while (this.#calls < this.#limits.maxCalls && this.#due.length > 0) void this.#send(this.#due.shift()!)
  }

  async #send(lane: Lane): Promise<void> {
    this.#calls++
    lane.state = 'sending'
    const events = this.#takeBatch(lane)
    if (events.length > 0) {
      await this.#store(lane.tenant, events).catch(error => {
        for (const { reject } of events) reject(error)
      })
    }
    this.#calls--
    lane.state = 'due'
    // What was published during the call has waited long enough.
    if (lane.queue.length > 0) this.#due.push(lane)
    else this.#lanes.delete(lane.tenant)
    this.#end(events)
    this.#begin()
  }

  #takeBatch(lane: Lane): Pending[] {
    let count = 0
    let bytes = 1
    for (const event of lane.queue.slice(0, this.#maxBatch)) {
      // One byte for the comma.
      bytes += event.bytes + 1
      if (count > 0 && bytes > this.#maxBatchBytes) break
      count++
    }
    return take(lane, 0, count)
  }

  /** Stores events in their order, without those that are refused, and settles all of them. Throws only what is unforeseen. */
  async #store(tenant: string, events: readonly Pending[]): Promise<void> {
    const error = await this.#call(tenant, events)
    if (error === undefined) return
    const refusals = error instanceof ApiError ? refusalsOf(error, tenant, events.length) : []
    if (refusals.length > 0) return this.#storeOthers(tenant, events, refusals)
    const parts = error instanceof PosthornError ? divide(error, events) : undefined
    if (parts === undefined) {
      for (const { reject } of events) reject(error)
      return
    }
    if (parts.isTooMany) this.#maxBatch = Math.min(this.#maxBatch, parts.first.length)
    else if (parts.isTooLarge) {
      // Never less than half: the size of a small event next to one that is too large alone says nothing about the limit.
      const bytes = Math.max(sizeOf(parts.first), sizeOf(events) >> 1)
      this.#maxBatchBytes = Math.min(this.#maxBatchBytes, bytes)
    }
    await this.#store(tenant, parts.first)
    await this.#store(tenant, parts.second)
  }

  async #storeOthers(tenant: string, events: readonly Pending[], refusals: readonly Refusal[]): Promise<void> {
    const refused = new Map(refusals.map(({ index, error }) => [index, error]))
    for (const [index, error] of refused) events[index]!.reject(error)
    const others = events.filter((_event, index) => !refused.has(index))
    if (others.length > 0) await this.#store(tenant, others)
  }

  /** Makes a call, again with the same bytes and key while the server is unavailable. Returns why it failed in the end. */
  async #call(tenant: string, events: readonly Pending[]): Promise<unknown> {
    const body = new JsonText(`[${events.map(({ text }) => text).join(',')}]`) as unknown as PublishEventsBody[]
    const { signal } = this.#abort
    const options = { idempotencyKey: newKey(), maxRetries: 0, signal }
    const giveUpAtMs = events.at(-1)!.atMs + this.#limits.giveUpAfterMs
    for (let retry = 0; ; retry++) {
      try {
        const { data } = await this.#client.events.publish(tenant, body, options)
        if (data?.length !== events.length) throw new ResponseError(callOf(tenant), OTHER_RESULT, { status: 202 })
        for (const [index, { resolve }] of events.entries()) resolve(data[index]!)
        return undefined
      } catch (error) {
        if (!(error instanceof PosthornError)) return error
        const delayMs = delayBefore(Math.min(retry, MAX_DOUBLINGS), error, true, Math.random(), true)
        if (delayMs === undefined || Date.now() + delayMs > giveUpAtMs) return error
        await wait(delayMs, signal).catch(() => undefined)
        if (signal.aborted) return signal.reason
      }
    }
  }

  // Giving up

  #abortable(tenant: string, event: Pending, signal: AbortSignal): Pending {
    const end = () => signal.removeEventListener('abort', abort)
    const abortable: Pending = {
      ...event,
      resolve: result => {
        end()
        event.resolve(result)
      },
      reject: reason => {
        end()
        event.reject(reason)
      },
    }
    const abort = () => {
      abortable.reject(signal.reason)
      const lane = this.#lanes.get(tenant)
      const at = lane?.queue.indexOf(abortable) ?? -1
      if (at >= 0) this.#end(take(lane!, at, 1))
    }
    signal.addEventListener('abort', abort)
    return abortable
  }

  #giveUp(reason: unknown): void {
    this.#abort.abort(reason)
    for (const lane of this.#lanes.values()) {
      const events = take(lane, 0, lane.queue.length)
      for (const { reject } of events) reject(reason)
      this.#end(events)
    }
  }
}

const OTHER_RESULT = 'The response does not have one item for each event. Check that `url` leads to Posthorn.'

/** Throws TypeError for what can't be a tenant. */
const callOf = (tenant: string): CallName => ({ method: 'POST', path: toPath(path`/v1/tenants/${tenant}/events`) })

function take(lane: Lane, from: number, count: number): Pending[] {
  const events = lane.queue.splice(from, count)
  for (const { bytes } of events) lane.bytes -= bytes
  return events
}

const sizeOf = (events: readonly Pending[]) => events.reduce((sum, { bytes }) => sum + bytes + 1, 1)

function textOf(type: string, payload: unknown, key: string | undefined): string {
  if (typeof type !== 'string') throw new TypeError('The type must be the name of an event type.')
  const json: string | undefined = payload instanceof JsonText ? payload.text : JSON.stringify(payload)
  if (json === undefined) throw new TypeError('The payload is not a JSON value. Pass an object.')
  const members = key === undefined ? '' : `"key":${JSON.stringify(key) ?? 'null'},`
  return `{"type":${JSON.stringify(type)},${members}"payload":${json}}`
}

function deferred() {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
