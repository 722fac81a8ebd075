import { setTimeout as pause } from 'node:timers/promises'
import { type Authority, type Receiver, startReceiver } from '@posthorn/testkit'
import { EVENT_TYPE, makePayload } from '../bench/events.ts'
import type { Posthorn } from '../bench/posthorn.ts'

const TENANTS = 12
const ENDPOINTS_A_TENANT = 3
const PUBLISHERS = 12
/** Minimum interval of each publisher: 240 events a second in total, that is, 720 deliveries. */
const PACE_MS = 50
const CALL_TIMEOUT_MS = 10_000
const RETRY_MS = 200

type Gap = { lastMs: number; longestMs: number }

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
  readonly #nodes: readonly Posthorn[]
  readonly #receiver: Receiver
  /** Tenants by id of the events that were accepted with 202. */
  readonly #accepted = new Map<string, string>()
  readonly #arrival: Gap
  readonly #acceptance: Gap = { lastMs: 0, longestMs: 0 }
  #isRunning = false
  #publishing: Promise<unknown> = Promise.resolve()

  private constructor(nodes: readonly Posthorn[], receiver: Receiver, arrival: Gap) {
    this.#nodes = nodes
    this.#receiver = receiver
    this.#arrival = arrival
  }

  static async prepare(nodes: readonly Posthorn[], authority: Authority): Promise<Load> {
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
    return new Load(nodes, receiver, arrival)
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
    const gaps = [this.#arrival, this.#acceptance]
    const stallMs = Math.max(...gaps.map(({ lastMs, longestMs }) => Math.max(longestMs, performance.now() - lastMs)))
    for (const gap of gaps) gap.longestMs = 0
    return stallMs
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
      const nextMs = performance.now() + PACE_MS
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
