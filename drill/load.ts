import { setTimeout as pause } from 'node:timers/promises'
import { type Authority, type Receiver, startReceiver } from '@posthorn/testkit'
import { EVENT_TYPE, makePayload } from '../bench/events.ts'
import type { Posthorn } from '../bench/posthorn.ts'

const TENANTS = 12
const PUBLISHERS = TENANTS
const ENDPOINTS_A_TENANT = 3
const CALL_TIMEOUT_MS = 10_000
const RETRY_MS = 200

type Gap = { lastMs: number; longestMs: number }

/** What the publishers need of a server. */
type Node = Pick<Posthorn, 'call'>

export type LoadOptions = {
  /** Events published in a second by all publishers together. Each has three deliveries. Default: 240. */
  readonly eventsPerSecond?: number
}

/** The longest times without one of two things, in milliseconds. */
export type Gaps = { readonly acceptanceMs: number; readonly arrivalMs: number }

export type Sum = {
  readonly accepted: number
  readonly lost: number
  /** Deliveries that arrived more than once. */
  readonly repeated: number
  /** Events that arrived although no call that published or repeated them ever returned 202. */
  readonly unknown: number
  readonly longestStallMs: number
}

/** Publishers that continue through failovers, and a receiver that records what arrives: it must have every 202. */
export class Load {
  readonly #nodes: readonly Node[]
  readonly #receiver: Receiver
  /** Tenants by id of the events that were accepted with 202. */
  readonly #accepted = new Map<string, string>()
  readonly #arrival: Gap
  readonly #acceptance: Gap = { lastMs: 0, longestMs: 0 }
  /** Minimum interval between two events of a publisher. */
  readonly #paceMs: number
  #isRunning = false
  #publishing: Promise<unknown> = Promise.resolve()

  private constructor(nodes: readonly Node[], receiver: Receiver, arrival: Gap, paceMs: number) {
    this.#nodes = nodes
    this.#paceMs = paceMs
    this.#receiver = receiver
    this.#arrival = arrival
  }

  static async prepare(
    nodes: readonly Node[],
    authority: Authority,
    { eventsPerSecond = 240 }: LoadOptions = {},
  ): Promise<Load> {
    const arrival: Gap = { lastMs: 0, longestMs: 0 }
    const script = () => note(arrival)
    const receiver = await startReceiver({ authority, names: ['localhost'], record: false, script })
    for (let tenant = 0; tenant < TENANTS; tenant++) {
      const node = nodes[tenant % nodes.length]!
      await node.call('PUT', `tenants/${nameOf(tenant)}`, {})
      for (let at = 0; at < ENDPOINTS_A_TENANT; at++) {
        const body = { url: `${receiver.url}${pathOf(nameOf(tenant), at)}`, clientSecret: 'ZHJpbGw=' }
        await node.call('POST', `tenants/${nameOf(tenant)}/endpoints`, body)
      }
    }
    return new Load(nodes, receiver, arrival, (PUBLISHERS / eventsPerSecond) * 1_000)
  }

  get accepted(): number {
    return this.#accepted.size
  }

  start(): void {
    this.#isRunning = true
    for (const gap of [this.#arrival, this.#acceptance]) Object.assign(gap, { lastMs: performance.now(), longestMs: 0 })
    this.#publishing = Promise.all(Array.from({ length: PUBLISHERS }, (_, at) => this.#publish(at)))
  }

  /**
   * Returns the longest time since the previous call in which nothing was accepted or nothing arrived, in milliseconds.
   */
  takeStallMs(): number {
    const { acceptanceMs, arrivalMs } = this.takeGaps()
    return Math.max(acceptanceMs, arrivalMs)
  }

  /** Returns the longest times since the previous call in which nothing was accepted, and in which nothing arrived. */
  takeGaps(): Gaps {
    return { acceptanceMs: takeLongestMs(this.#acceptance), arrivalMs: takeLongestMs(this.#arrival) }
  }

  /** Resolves once each publisher has a response to its last event. */
  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#publishing
  }

  /** Waits up to `timeoutMs` until everything accepted has arrived, and counts. */
  async conclude(timeoutMs: number, longestStallMs: number): Promise<Sum> {
    const wanted = [...this.#accepted].flatMap(([event, tenant]) =>
      Array.from({ length: ENDPOINTS_A_TENANT }, (_, at) => `${event} ${pathOf(tenant, at)}`),
    )
    const endMs = performance.now() + timeoutMs
    let missing = wanted
    for (;;) {
      missing = missing.filter(delivery => !this.#receiver.distinct.has(delivery))
      if (missing.length === 0 || performance.now() > endMs) break
      await pause(RETRY_MS)
    }
    const events = new Set([...this.#receiver.seen.keys()].map(key => key.slice(0, key.indexOf(' '))))
    return {
      accepted: this.#accepted.size,
      lost: missing.length,
      repeated: [...this.#receiver.seen.values()].filter(count => count > 1).length,
      unknown: [...events].filter(event => !this.#accepted.has(event)).length,
      longestStallMs: Math.round(longestStallMs),
    }
  }

  close(): Promise<void> {
    return this.#receiver.close()
  }

  async #publish(publisher: number): Promise<void> {
    const tenant = nameOf(publisher % TENANTS)
    for (let number = 0; this.#isRunning; number++) {
      const nextMs = performance.now() + this.#paceMs
      const serial = number * PUBLISHERS + publisher
      this.#accepted.set(await this.#publishOnce(tenant, serial), tenant)
      note(this.#acceptance)
      await pause(Math.max(nextMs - performance.now(), 0))
    }
  }

  /** Repeats the call until a node returns 202. The key stays the same, so that it is one event. */
  async #publishOnce(tenant: string, serial: number): Promise<string> {
    const payload = JSON.parse(makePayload(serial)) as object
    const event = { type: EVENT_TYPE, payload, key: `drill-${serial}` }
    for (let tries = 0; ; tries++) {
      try {
        const node = this.#nodes[(serial + tries) % this.#nodes.length]!
        const answer = await node.call<{ id: string }>('POST', `tenants/${tenant}/events`, event, CALL_TIMEOUT_MS)
        return answer.id
      } catch {
        await pause(RETRY_MS)
      }
    }
  }
}

const nameOf = (tenant: number) => `tenant-${tenant}`
const pathOf = (tenant: string, at: number) => `/${tenant}/${at}`

function note(gap: Gap): void {
  const nowMs = performance.now()
  gap.longestMs = Math.max(gap.longestMs, nowMs - gap.lastMs)
  gap.lastMs = nowMs
}

function takeLongestMs(gap: Gap): number {
  const longestMs = Math.max(gap.longestMs, performance.now() - gap.lastMs)
  gap.longestMs = 0
  return longestMs
}
