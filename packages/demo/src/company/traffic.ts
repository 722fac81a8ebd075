/** What the company publishes: some hundred events at first, then about two a second in waves, for as long as it runs. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Posthorn } from '@posthorn/client'
import type { Customer } from './customers.ts'
import { makeEvent, type NewEvent } from './payloads.ts'
import { pickByWeight, type Random } from './random.ts'

const OPENING_EVENTS = 400
const OPENING_BATCHES = 20
const PER_SECOND = 2
/** How much more and less is published in the course of a wave. */
const SWING = 0.6
const WAVE_MS = 600_000

export class Traffic {
  readonly #api: Posthorn
  readonly #random: Random
  readonly #customers: readonly Customer[]
  readonly #signal: AbortSignal

  constructor(api: Posthorn, random: Random, customers: readonly Customer[], signal: AbortSignal) {
    this.#api = api
    this.#random = random
    this.#customers = customers.filter(({ weight }) => weight > 0)
    this.#signal = signal
  }

  async open(): Promise<void> {
    for (let batch = 0; batch < OPENING_BATCHES; batch++) await this.#publish(OPENING_EVENTS / OPENING_BATCHES)
  }

  /** Returns when the signal ends it. */
  async keepPublishing(): Promise<void> {
    const startedAtMs = performance.now()
    while (!this.#signal.aborted) {
      const wave = Math.sin(((performance.now() - startedAtMs) / WAVE_MS) * 2 * Math.PI)
      const pauseMs = (1_000 / (PER_SECOND * (1 + SWING * wave))) * (0.5 + this.#random())
      await wait(pauseMs, undefined, { signal: this.#signal })
      await this.#publish(1)
    }
  }

  /** Publishes a number of events, each about some customer. */
  async #publish(count: number): Promise<void> {
    const byCustomer = new Map<string, NewEvent[]>()
    for (let left = count; left > 0; left--) {
      const { id } = pickByWeight(this.#random, this.#customers)
      const events = byCustomer.get(id)
      const event = makeEvent(this.#random)
      if (events === undefined) byCustomer.set(id, [event])
      else events.push(event)
    }
    const options = { signal: this.#signal }
    await Promise.all([...byCustomer].map(([id, events]) => this.#api.events.publish(id, events, options)))
  }
}
