/**
 * Carries changes from the node that made them to the others: what was configured, and whose lanes have something new.
 * Gathered for a moment and sent at most twenty times a second, whatever the load; a message that gets lost costs time,
 * since everybody looks again by himself.
 */
import { randomUUID } from 'node:crypto'
import type { Clock, Timer } from '../clock.ts'
import type { EndpointId, TenantId } from '../model.ts'
import { type Bus, MAX_MESSAGE_BYTES } from './bus.ts'
import type { Change, Changes } from './changes.ts'

const GATHER_MS = 50

type At = { readonly tenant: TenantId; readonly endpoint: EndpointId; readonly partition: number }

/** What is told to others; `wake`: there is something due at an endpoint. */
type Word =
  | { readonly kind: 'catalogue' }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | ({ readonly kind: 'endpoint' | 'lane' | 'wake' } & At)

type Message = { readonly from: string; readonly words: readonly Word[] }

export class Relay {
  readonly #bus: Bus
  readonly #changes: Changes
  readonly #clock: Clock
  readonly #isOurs: (partition: number) => boolean
  readonly #self = randomUUID()
  /** By what they say, so that the same is said once. */
  #waiting = new Map<string, Word>()
  #timer: Timer | undefined
  /** What came from another node is not sent on. */
  #isHearing = false

  /** @param isOurs whether this node sends for a partition: then nobody else has to know of what is new there */
  constructor(bus: Bus, changes: Changes, clock: Clock, isOurs: (partition: number) => boolean) {
    this.#bus = bus
    this.#changes = changes
    this.#clock = clock
    this.#isOurs = isOurs
    changes.listen(change => {
      if (!this.#isHearing) this.#tell(change)
    })
  }

  start(): Promise<void> {
    return this.#bus.open(text => this.#hear(text))
  }

  /** After what waits was sent. */
  async stop(): Promise<void> {
    await this.#send()
    await this.#bus.close()
  }

  #tell(change: Change): void {
    const { kind } = change
    if (kind === 'catalogue') this.#say({ kind })
    else if (kind === 'tenant') this.#say({ kind, tenant: change.tenant })
    else if (kind === 'endpoint' || kind === 'lane') this.#say({ kind, ...atOf(change) })
    else if (kind === 'fresh') {
      for (const item of change.items) if (!this.#isOurs(item.partition)) this.#say({ kind: 'wake', ...atOf(item) })
    }
  }

  #say(word: Word): void {
    this.#waiting.set(JSON.stringify(word), word)
    this.#timer ??= this.#clock.after(GATHER_MS, () => void this.#send())
  }

  async #send(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const words = [...this.#waiting.keys()]
    this.#waiting = new Map()
    const head = `{"from":"${this.#self}","words":[`
    for (let at = 0; at < words.length; ) {
      let text = head
      for (; at < words.length; at++) {
        const next = `${text === head ? '' : ','}${words[at]}`
        if (text !== head && text.length + next.length + 2 > MAX_MESSAGE_BYTES) break
        text += next
      }
      await this.#bus.send(`${text}]}`)
    }
  }

  #hear(text: string): void {
    const message = parse(text)
    if (message === undefined || message.from === this.#self) return
    this.#isHearing = true
    try {
      for (const word of message.words) this.#changes.tell(word)
    } finally {
      this.#isHearing = false
    }
  }
}

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
