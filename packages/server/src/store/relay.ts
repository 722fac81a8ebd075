import { randomUUID } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.ts'
import { Loop } from '../base/loop.ts'
import type { DeliveryId, EndpointId, TenantId } from '../base/model.ts'
import { type Bus, MAX_MESSAGE_BYTES } from './bus.ts'
import type { Change } from './changes.ts'
import type { Store } from './store.ts'

const GATHER_MS = 50
/** What could not be sent is kept, for the bus to come back: more than so many words, and the rest is left to the sweep. */
const MAX_WAITING = 10_000
const RESEND_MS = 500
/** So a change is in force for sending within a second, whatever becomes of messages. */
const LOOK_MS = 500

type At = { readonly tenant: TenantId; readonly endpoint: EndpointId; readonly partition: number }

/** What is told to others; `wake`: there is something due at an endpoint. */
type Word =
  | { readonly kind: 'catalogue' | 'api_keys' | 'leases' }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | ({ readonly kind: 'endpoint' | 'wake' } & At)
  | ({ readonly kind: 'lane'; readonly delivery?: DeliveryId } & At)

type Message = { readonly from: string; readonly words: readonly Word[] }

/**
 * Carries changes from the node that made them to the others: what was configured, and whose lanes have something new.
 * Sent at once after a silence, else gathered for a moment, so at most twenty times a second, whatever the load.
 * Messages may get lost: so what was configured is also asked of the store twice a second, and what is due at an
 * endpoint is found by the engine's sweep.
 */
export class Relay {
  readonly #bus: Bus
  readonly #store: Store
  readonly #clock: Clock
  readonly #isOurs: (partition: number) => boolean
  readonly #self = randomUUID()
  /** Words as they are sent; the same is said once. */
  #waiting = new Set<string>()
  #timer: Timer | undefined
  #sentAtMs = Number.NEGATIVE_INFINITY
  readonly #loop: Loop
  /** How far the store's changes are known here. */
  #seen = { seq: 0, catalogueVersion: 0 }
  /** What came from another node is not sent on. */
  #isReceiving = false

  /** @param isOurs whether this node sends for a partition: then nobody else has to know of what is new there */
  constructor(store: Store, bus: Bus, clock: Clock, isOurs: (partition: number) => boolean) {
    this.#bus = bus
    this.#store = store
    this.#clock = clock
    this.#isOurs = isOurs
    // A store that is away is reported by everybody else.
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

  /** After what waits was sent. */
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
    else if (kind === 'endpoint') this.#queue({ kind, ...atOf(change) })
    else if (kind === 'lane') this.#queue(toLane(change, change.delivery))
    else if (kind === 'fresh') {
      for (const item of change.items) {
        if (this.#isOurs(item.partition)) continue
        // A person waits for a test: it goes before others.
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

  /** The bus is away: they are sent when it is back. */
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

/** Undefined for what no node of ours has sent. */
function parse(text: string): Message | undefined {
  try {
    const message = JSON.parse(text) as Message
    return Array.isArray(message.words) ? message : undefined
  } catch {
    return undefined
  }
}
