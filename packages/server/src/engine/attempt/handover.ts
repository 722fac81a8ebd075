import { Buffer } from 'node:buffer'
import type { Clock, Timer } from '../../base/clock.ts'
import type { HandedHeaders, ListenerAnswer } from '../../base/listener-request.ts'
import { Loop } from '../../base/loop.ts'
import type { DeliveryId, EndpointId } from '../../base/model.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Answered, Offered, RequestKey } from '../../store/operations/listeners/requests.ts'
import type { Store } from '../../store/store.ts'
import { type Exchange, headerOf, noAnswer } from './outcome.ts'

/** A request to be handed over. */
export type HandedRequest = HandedHeaders & {
  readonly item: LaneItem
  readonly timeoutMs: number
  /** Store time, milliseconds since 1970. */
  readonly startedAtMs: number
}

/** `unheard`: no one listens. Null: the attempt was not begun, or is left to its next owner. */
export type HandedOver = Exchange | 'unheard' | null

/** How often the store is asked for answers whose messages were lost. */
const LOOK_MS = 1_000
/** Answers that are read together. */
const READ_TOGETHER = 64

type Waiting = RequestKey &
  Offered & {
    readonly endpoint: EndpointId
    readonly resolve: (exchange: HandedOver) => void
    timer: Timer | undefined
  }

/** A request that is being offered. */
type Offering = { readonly endpoint: EndpointId; isWoken: boolean }

/**
 * Hands the requests of listeners over to those who listen, and waits for their answers (decision 54). The store has what
 * was handed over, so that a reader can be at any node, and another node can wait for the answer if this one dies.
 *
 * A request: offered → waiting → answered, expired or left (at a shutdown), each of which resolves it.
 */
export class Handover {
  readonly #store: Store
  readonly #clock: Clock
  readonly #keyring: Keyring
  readonly #waiting = new Map<DeliveryId, Waiting>()
  readonly #offering = new Set<Offering>()
  /** Those whose answers are to be read. */
  #answered = new Set<DeliveryId>()
  readonly #loop: Loop

  constructor(store: Store, clock: Clock, keyring: Keyring) {
    this.#store = store
    this.#clock = clock
    this.#keyring = keyring
    // Failures are tried again: everything else that uses the store reports that it is unavailable.
    this.#loop = new Loop({ clock, everyMs: null, retryMs: LOOK_MS, run: () => this.#read() })
    this.#loop.start(null)
  }

  /** Hands a request over, and waits for its answer. Throws StoreUnavailable before it was handed over. */
  async send({ item, headers, secret, timeoutMs, startedAtMs }: HandedRequest): Promise<HandedOver> {
    if (this.#loop.isStopped) return null
    const { tenant, delivery, endpoint, event } = item
    const sealed = this.#keyring.seal(endpoint, JSON.stringify({ headers, secret } satisfies HandedHeaders))
    const key = { tenant, delivery, number: item.attempts + 1 }
    const expiresAtMs = startedAtMs + timeoutMs
    const offering: Offering = { endpoint, isWoken: false }
    this.#offering.add(offering)
    let offered: Offered | null
    try {
      const times = { startedAtMs, expiresAtMs, nowMs: this.#store.now() }
      offered = await this.#store.write('offerRequest', { ...key, endpoint, event, headers: sealed, ...times })
    } finally {
      this.#offering.delete(offering)
    }
    // Someone might have begun to listen right after the store was asked.
    if (offered === null) return offering.isWoken ? null : 'unheard'
    // An answer can be there already, if the request was another node's before.
    return this.#wait({ ...key, ...offered, endpoint })
  }

  #wait(request: Omit<Waiting, 'resolve' | 'timer'>): Promise<HandedOver> {
    if (this.#loop.isStopped) return Promise.resolve(null)
    const { promise, resolve } = Promise.withResolvers<HandedOver>()
    const waiting = { ...request, resolve, timer: undefined }
    this.#waiting.set(request.delivery, waiting)
    this.#note(request.delivery)
    this.#lookAgain(waiting)
    return promise
  }

  /** Looks for the answer from time to time, until the request's time is over. */
  #lookAgain(waiting: Waiting): void {
    const leftMs = waiting.expiresAtMs - this.#store.now()
    waiting.timer = this.#clock.after(Math.min(LOOK_MS, Math.max(0, leftMs)), () => {
      if (waiting.expiresAtMs <= this.#store.now()) return void this.#expire(waiting)
      this.#note(waiting.delivery)
      this.#lookAgain(waiting)
    })
  }

  /** The endpoint's readers, or something else about it, have changed. */
  noteChanged(endpoint: EndpointId): void {
    for (const offering of this.#offering) if (offering.endpoint === endpoint) offering.isWoken = true
  }

  /** A request was answered, at this node or another. */
  noteAnswered(delivery: DeliveryId): void {
    if (this.#waiting.has(delivery)) this.#note(delivery)
  }

  #note(delivery: DeliveryId): void {
    this.#answered.add(delivery)
    this.#loop.wake()
  }

  async #read(): Promise<void> {
    const noted = [...this.#answered]
    this.#answered = new Set()
    const keys = noted.flatMap(delivery => this.#waiting.get(delivery) ?? [])
    for (let at = 0; at < keys.length; at += READ_TOGETHER) {
      const some = keys.slice(at, at + READ_TOGETHER)
      const asked = some.map(({ tenant, delivery, number }) => ({ tenant, delivery, number }))
      for (const answered of await this.#store.read('readAnswers', { keys: asked })) this.#answer(answered)
    }
  }

  #answer({ delivery, number, answer }: Answered): void {
    const waiting = this.#waiting.get(delivery)
    if (waiting?.number === number) this.#end(waiting, this.#toExchange(waiting, answer))
  }

  #end(waiting: Waiting, exchange: HandedOver): void {
    if (this.#waiting.get(waiting.delivery) !== waiting) return
    this.#waiting.delete(waiting.delivery)
    waiting.timer?.cancel()
    waiting.resolve(exchange)
  }

  async #expire(waiting: Waiting): Promise<void> {
    const { tenant, delivery, number, endpoint, startedAtMs } = waiting
    try {
      const answer = await this.#store.write('expireRequest', { tenant, delivery, number, endpoint, startedAtMs })
      this.#end(waiting, answer === null ? this.#unanswered(waiting) : this.#toExchange(waiting, answer))
    } catch {
      // The store is unavailable. The delivery is read again when it is back.
      this.#end(waiting, null)
    }
  }

  /** Forgets the request of an attempt whose outcome has been stored. A failure leaves it to the cleaning of old ones. */
  forget(key: RequestKey): void {
    void this.#store.write('forgetRequest', key).catch(() => {})
  }

  /** Leaves what is open to the next owner of its partition, which finds it in the store. */
  async leave(): Promise<void> {
    const reading = this.#loop.stop()
    for (const waiting of [...this.#waiting.values()]) this.#end(waiting, null)
    await reading
  }

  #unanswered({ startedAtMs }: Waiting): Exchange {
    const durationMs = Math.max(0, this.#store.now() - startedAtMs)
    return { ...noAnswer('no_listener', null, startedAtMs), durationMs }
  }

  #toExchange({ endpoint, startedAtMs, expiresAtMs }: Waiting, sealed: Uint8Array): Exchange {
    const answer = this.#open(endpoint, sealed)
    if (answer === null) return noAnswer('secret_unreadable', null, startedAtMs)
    const { status, headers, body, truncated } = answer
    const tookMs = answer.durationMs ?? answer.atMs - startedAtMs
    return {
      startedAtMs,
      durationMs: Math.round(Math.min(Math.max(0, tookMs), expiresAtMs - startedAtMs)),
      status,
      failure: null,
      detail: null,
      reconnected: false,
      address: null,
      headers,
      body: Uint8Array.from(Buffer.from(body)),
      truncated,
      retryAfter: headerOf(headers, 'retry-after'),
    }
  }
  /** Null: it was sealed with a key that is no longer there. */
  #open(endpoint: EndpointId, sealed: Uint8Array): ListenerAnswer | null {
    try {
      return JSON.parse(this.#keyring.open(endpoint, sealed)) as ListenerAnswer
    } catch {
      return null
    }
  }
}
