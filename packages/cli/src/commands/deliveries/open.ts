/** The deliveries that have not ended, so that it is known which of them end while there is no connection. */
import type { Delivery, ListDeliveriesQuery, Posthorn } from '@posthorn/client'

type Known = { readonly tenant: string; readonly createdMs: number }

const PAGE = 1_000
/** More are not remembered: then all that was created since the oldest has to be looked through. */
const MOST = 20_000
/** Calls at the same time. */
const AT_ONCE = 8

export class OpenDeliveries {
  readonly #posthorn: Posthorn
  readonly #tenant: string | null
  readonly #query: Pick<ListDeliveriesQuery, 'type' | 'endpoint'>
  readonly #known = new Map<string, Known>()
  #isComplete = false

  /** @param tenant null: all */
  constructor(posthorn: Posthorn, tenant: string | null, query: Pick<ListDeliveriesQuery, 'type' | 'endpoint'>) {
    this.#posthorn = posthorn
    this.#tenant = tenant
    this.#query = query
  }

  /** Whether all are known: not before `read`, and not if there are too many. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Reads those that there are. Changes that are noted meanwhile are newer. */
  async read(): Promise<void> {
    this.#isComplete = true
    const noted = new Set(this.#known.keys())
    for await (const delivery of this.#list({})) {
      if (!noted.has(delivery.id)) this.note(delivery)
      if (!this.#isComplete) return
    }
  }

  /** Notes how a delivery is now. */
  note({ id, tenant, state, createdAt }: Delivery): void {
    if (state !== 'pending' && state !== 'held') this.#known.delete(id)
    else if (this.#known.size < MOST) this.#known.set(id, { tenant, createdMs: Date.parse(createdAt) })
    else this.#isComplete = false
  }

  /** How those are now that were created earlier and had not ended. */
  async before(time: Date): Promise<Delivery[]> {
    const older = new Map([...this.#known].filter(([, { createdMs }]) => createdMs < time.getTime()))
    const found: Delivery[] = []
    if (older.size === 0) return found
    const from = new Date(Math.min(...[...older.values()].map(({ createdMs }) => createdMs)))
    for await (const delivery of this.#list({ from, to: time })) {
      if (older.delete(delivery.id)) found.push(delivery)
    }
    // What is left has ended.
    const left = older.entries()
    const readOn = async () => {
      for (const [id, { tenant }] of left) {
        const delivery = await this.#get(tenant, id)
        if (delivery === null) this.#known.delete(id)
        else found.push(delivery)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, readOn))
    return found
  }

  #list(period: Pick<ListDeliveriesQuery, 'from' | 'to'>) {
    const { deliveries } = this.#posthorn
    const query = { ...this.#query, ...period, state: ['pending', 'held'], limit: PAGE } as const
    return this.#tenant === null ? deliveries.listAll(query) : deliveries.list(this.#tenant, query)
  }

  /** Null if it is no longer kept. */
  async #get(tenant: string, id: string): Promise<Delivery | null> {
    try {
      return await this.#posthorn.deliveries.get(tenant, id)
    } catch (error) {
      if ((error as { status?: unknown }).status === 404) return null
      throw error
    }
  }
}
