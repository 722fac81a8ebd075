/** What people do in the demo: disable, test, retry, replay. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Posthorn } from '@posthorn/client'
import { OUTAGE_EVERY_MS, OUTAGE_MS } from './behaviours.ts'
import type { Registered } from './company.ts'
import { randomSecret } from './secrets.ts'

/** After an outage, until its last deliveries have ended and someone sends them again. */
const AFTERMATH_MS = 20_000
const HOUR_MS = 3_600_000

export class Incidents {
  readonly #api: Posthorn
  readonly #registered: readonly Registered[]
  readonly #signal: AbortSignal

  constructor(api: Posthorn, registered: readonly Registered[], signal: AbortSignal) {
    this.#api = api
    this.#registered = registered
    this.#signal = signal
  }

  /** Returns when the signal ends it. */
  async run(): Promise<void> {
    await this.#disable('pelican', 'claims')
    await this.#api.endpoints.test('northwind', this.#idOf('northwind', 'covers'), { type: 'COVER_REFERENCE' })
    await this.#registerLate()
    await this.#pause(OUTAGE_MS + AFTERMATH_MS)
    await this.#sendGradesAgain()
    for (let outage = 1; ; outage++) {
      await this.#sendAgain(outage)
      await this.#pause(OUTAGE_EVERY_MS)
    }
  }

  /** Maintenance: what is published from now on is held. */
  async #disable(customer: string, path: string): Promise<void> {
    await this.#api.endpoints.disable(customer, this.#idOf(customer, path))
  }

  /** An endpoint that came late gets what was published before it, as fast as its limit lets it. */
  async #registerLate(): Promise<void> {
    const { url } = await this.#api.endpoints.get('hanseatic', this.#idOf('hanseatic', 'erp'))
    const { id } = await this.#api.endpoints.create('hanseatic', {
      url: url!.replace(/erp$/, 'archive'),
      uid: 'archive',
      name: 'Archive',
      clientSecret: randomSecret(),
      rateLimit: { requests: 75, perSeconds: 60 },
    })
    await this.#api.replays.create('hanseatic', { key: 'fill-the-archive', endpoint: id, states: [], missing: true })
  }

  /** Bergmann's receiver was down: what has used up its attempts is sent again. */
  async #sendAgain(outage: number): Promise<void> {
    const selection = { endpoint: this.#idOf('bergmann', 'dispatch'), states: ['exhausted'] as const }
    await this.#api.replays.create('bergmann', { ...selection, key: `outage-${outage}` })
    const { data } = await this.#api.deliveries.list('delacroix', { state: 'exhausted', limit: 1 })
    for (const { id } of data) await this.#api.deliveries.retry('delacroix', id)
  }

  /** Grades are too important to be missed: receivers that didn't get one get it again, at every customer. */
  async #sendGradesAgain(): Promise<void> {
    const to = new Date()
    const from = new Date(to.getTime() - HOUR_MS)
    await this.#api.replays.createBatch({ key: 'grades-of-the-first-hour', types: ['GRADE_CHANGED'], from, to })
  }

  #idOf(customer: string, path: string): string {
    return this.#registered.find(each => each.customer === customer && each.path === path)!.id
  }

  #pause(delayMs: number): Promise<unknown> {
    return wait(delayMs, undefined, { signal: this.#signal })
  }
}
