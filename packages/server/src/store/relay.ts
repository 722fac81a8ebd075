import { randomUUID } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.ts'
import { Loop } from '../base/loop.ts'
import type { DeliveryId, EndpointId, TenantId } from '../base/model.ts'
import { type Bus, MAX_MESSAGE_BYTES } from './bus.ts'
import type { Change } from './changes.ts'
import type { Store } from './store.ts'

const GATHER_MS = 50
/** How many words are kept while the bus is unavailable; any beyond that are left to the sweep. */
const MAX_WAITING = 10_000
const RESEND_MS = 500
/** So that a change takes effect for sending within a second, whatever happens to messages. */
const LOOK_MS = 500

type At = { readonly tenant: TenantId; readonly endpoint: EndpointId; readonly partition: number }

/** What other nodes are told. `wake`: an endpoint has something due. */
type Word =
  | { readonly kind: 'catalogue' | 'api_keys' | 'leases' }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | { readonly kind: 'answer'; readonly tenant: TenantId; readonly delivery: DeliveryId }
  | ({ readonly kind: 'endpoint' | 'wake' } & At)
  | ({ readonly kind: 'lane'; readonly delivery?: DeliveryId } & At)

type Message = { readonly from: string; readonly words: readonly Word[] }

/**
 * Carries changes from the node that made them to the others: changed configuration, and lanes with something new.
 * After a silence they are sent immediately, otherwise gathered for a moment, so at most twenty times a second,
 * whatever the load. Messages can get lost. So the store is also asked for changed configuration twice a second, and
 * what is due at an endpoint is found by the engine's sweep.
 */
export class Relay {
  readonly #bus: Bus
  readonly #store: Store
  readonly #clock: Clock
  readonly #isOurs: (partition: number) => boolean
  readonly #self = randomUUID()
  /** Words in the form in which they are sent, without duplicates. */
  #waiting = new Set<string>()
  #timer: Timer | undefined
  #sentAtMs = Number.NEGATIVE_INFINITY
  readonly #loop: Loop
  /** The latest change of the store that this node knows of. */
  #seen = { seq: 0, catalogueVersion: 0 }
  /** Set while changes from another node are emitted, which are not sent on. */
  #isReceiving = false

  /** @param isOurs whether this node sends for a partition: then no other node has to know what is new there */
  constructor(store: Store, bus: Bus, clock: Clock, isOurs: (partition: number) => boolean) {
    this.#bus = bus
    this.#store = store
    this.#clock = clock
    this.#isOurs = isOurs
    // Failures are ignored: everything else that uses the store reports that it is unavailable.
    this.#loop = new Loop({ clock, everyMs: LOOK_MS, run: () => this.#ask() })
    store.changes.on(change => {
      if (!this.#isReceiving) this.#forward(change)
    })
  }

  async start(): Promise<void> {
    const { seq, catalogueVersion } = await this.#store.read('readChanges', { after: 0 })
    this.#seen = { seq, catalogueVersion }
    this.#loop.start(LOOK_MS)
    await this.#bus.open(
      text => this.#receive(text),
      areHeard => this.#store.changes.emit({ kind: 'messages', areHeard }),
    )
  }

  /** Stops once the waiting words have been sent. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    await this.#send()
    this.#timer?.cancel()
    await this.#bus.close()
  }

  #forward(change: Change): void {
    const { kind } = change
    if (kind === 'catalogue' || kind === 'api_keys' || kind === 'leases') this.#queue({ kind })
    else if (kind === 'tenant') this.#queue({ kind, tenant: change.tenant })
    else if (kind === 'answer') this.#queue({ kind, tenant: change.tenant, delivery: change.delivery })
    else if (kind === 'endpoint') this.#queue({ kind, ...atOf(change) })
    else if (kind === 'lane') this.#queue(toLane(change, change.delivery))
    else if (kind === 'fresh') {
      for (const item of change.items) {
        if (this.#isOurs(item.partition)) continue
        // Someone is waiting for a test: it goes ahead of other deliveries.
        this.#queue(item.test ? toLane(item, item.delivery) : { kind: 'wake', ...atOf(item) })
      }
    }
  }

  #queue(word: Word): void {
    if (this.#waiting.size < MAX_WAITING) this.#waiting.add(JSON.stringify(word))
    if (this.#timer !== undefined) return
    const sinceMs = this.#clock.monotonicMs() - this.#sentAtMs
    this.#timer = this.#clock.after(Math.max(0, GATHER_MS - sinceMs), () => void this.#send())
  }

  async #send(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#sentAtMs = this.#clock.monotonicMs()
    const words = [...this.#waiting]
    this.#waiting = new Set()
    const head = `{"from":"${this.#self}","words":[`
    for (let at = 0; at < words.length; ) {
      const first = at
      let text = head
      for (; at < words.length; at++) {
        const next = `${text === head ? '' : ','}${words[at]}`
        if (text !== head && text.length + next.length + 2 > MAX_MESSAGE_BYTES) break
        text += next
      }
      if (!(await this.#bus.send(`${text}]}`))) return this.#keep(words.slice(first))
    }
  }

  /** The bus is unavailable: keeps the words until it is back. */
  #keep(words: readonly string[]): void {
    for (const word of words) if (this.#waiting.size < MAX_WAITING) this.#waiting.add(word)
    this.#timer ??= this.#clock.after(RESEND_MS, () => void this.#send())
  }

  #receive(text: string): void {
    const message = parse(text)
    if (message === undefined || message.from === this.#self) return
    this.#emit(message.words)
  }

  #emit(words: readonly Word[]): void {
    this.#isReceiving = true
    try {
      for (const word of words) this.#store.changes.emit(word)
    } finally {
      this.#isReceiving = false
    }
  }

  async #ask(): Promise<void> {
    const { seq, catalogueVersion, apiKeys, tenants, endpoints } = await this.#store.read('readChanges', {
      after: this.#seen.seq,
    })
    if (catalogueVersion !== this.#seen.catalogueVersion) this.#emit([{ kind: 'catalogue' }])
    this.#seen = { seq, catalogueVersion }
    if (apiKeys) this.#emit([{ kind: 'api_keys' }])
    this.#emit(tenants.map(tenant => ({ kind: 'tenant', tenant })))
    this.#emit(endpoints.map(at => ({ kind: 'endpoint', ...at })))
  }
}

const toLane = (at: At, delivery: DeliveryId | undefined): Word => ({
  kind: 'lane',
  ...atOf(at),
  ...(delivery === undefined ? {} : { delivery }),
})

const atOf = ({ tenant, endpoint, partition }: At): At => ({ tenant, endpoint, partition })

/** Undefined for anything that a Posthorn node didn't send. */
function parse(text: string): Message | undefined {
  try {
    const message = JSON.parse(text) as Message
    return Array.isArray(message.words) ? message : undefined
  } catch {
    return undefined
  }
}
