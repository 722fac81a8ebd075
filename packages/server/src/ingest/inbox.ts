/**
 * Makes the deliveries of events that wait in the inbox: some for each tenant in turn, so that an event to ten thousand
 * endpoints, or a thousand of those, keeps nobody else waiting. The inbox says how far each has come, so that a crash
 * costs nothing: the next start goes on.
 */
import type { Clock, Timer } from '../clock.ts'
import { firstIdAt, newId } from '../ids.ts'
import type { Logger } from '../logger.ts'
import type { NotSent, TenantId } from '../model.ts'
import type { InboxItem } from '../store/operations/inbox.ts'
import type { NewDelivery } from '../store/operations/publish.ts'
import type { Store } from '../store/store.ts'
import type { TenantCache, TenantMatcher } from './configuration-cache.ts'

/** Deliveries made in one commit: a few milliseconds' worth. */
const DELIVERIES_A_COMMIT = 500
/** After a fault of the store, before it is tried again. */
const PAUSE_MS = 1_000

type Plan = {
  readonly item: InboxItem
  readonly deliveries: readonly NewDelivery[]
  /** Undefined: more are to come. */
  readonly notSent: NotSent | undefined
}

export class Inbox {
  readonly #store: Store
  readonly #tenants: TenantCache
  readonly #clock: Clock
  readonly #log: Logger
  #isRunning = false
  /** Something may have come since the last look. */
  #isWanted = false
  #working: Promise<void> | undefined
  #pause: Timer | undefined
  /** Tenants whose deliveries could not be stored, because their configuration had moved. */
  readonly #stale = new Set<TenantId>()
  readonly #lookMs: number | null
  #looker: Timer | undefined

  /** @param lookMs how often to look for what other nodes have put there; null: there are none */
  constructor(store: Store, tenants: TenantCache, clock: Clock, log: Logger, lookMs: number | null) {
    this.#store = store
    this.#lookMs = lookMs
    this.#tenants = tenants
    this.#clock = clock
    this.#log = log
    store.changes.listen(({ kind }) => {
      if (kind === 'inbox') this.#wake()
    })
  }

  /** Goes on with what is there, and with what comes. */
  start(): void {
    this.#isRunning = true
    this.#wake()
    this.#lookAgain()
  }

  /** Settles when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#pause?.cancel()
    this.#looker?.cancel()
    await this.#working
  }

  #lookAgain(): void {
    if (this.#lookMs === null) return
    this.#looker = this.#clock.after(this.#lookMs, () => {
      this.#wake()
      this.#lookAgain()
    })
  }

  #wake(): void {
    this.#isWanted = true
    if (!this.#isRunning || this.#working !== undefined) return
    this.#working = this.#work()
      .catch(error => {
        this.#log.warn({ err: error }, 'the inbox could not be worked off; it is tried again')
        this.#pause = this.#clock.after(PAUSE_MS, () => this.#wake())
        this.#isWanted = false
      })
      .finally(() => {
        this.#working = undefined
        if (this.#isWanted) this.#wake()
      })
  }

  async #work(): Promise<void> {
    // A round through all tenants, in the order of their ids; those beyond one reading come with the next.
    let after = ''
    while (this.#isRunning) {
      if (after === '') this.#isWanted = false
      const items = await this.#store.read('readInbox', { after })
      if (items.length === 0 && after === '') return
      after = items.at(-1)?.tenant ?? ''
      for (const [tenant, own] of Map.groupBy(items, item => item.tenant)) {
        if (this.#isRunning) await this.#goOn(tenant, own)
      }
    }
  }

  /** Makes the next deliveries of a tenant's oldest events, as many as go into one commit. */
  async #goOn(tenant: TenantId, items: readonly InboxItem[]): Promise<void> {
    // Whoever changes the tenant's endpoints without a pause must not keep its events here for ever.
    const release = this.#stale.has(tenant) ? this.#store.holdChanges() : () => {}
    try {
      const configuration = await this.#tenants.get(tenant)
      const nowMs = this.#store.now()
      const plans = planMany(items, configuration, nowMs)
      // Handed in together, they are committed together.
      const results = await Promise.all(plans.map(plan => this.#make(plan, configuration, nowMs)))
      if (!results.includes('stale')) this.#stale.delete(tenant)
      else {
        this.#stale.add(tenant)
        if (configuration !== null) this.#tenants.drop(tenant, configuration)
      }
    } finally {
      release()
    }
  }

  async #make({ item, deliveries, notSent }: Plan, configuration: TenantMatcher | null, nowMs: number) {
    const tenantVersion = configuration?.version ?? null
    const result = await this.#store.write('fanOut', { item, tenantVersion, nowMs, deliveries, notSent })
    if (result !== 'stored' || deliveries.length === 0) return result
    const { tenant, event, type } = item
    const payload = await this.#store.read('readPayload', { tenant, event })
    const fresh = deliveries
      .filter(({ held }) => !held)
      .map(({ id: delivery, endpoint, partition }) => {
        const at = { tenant, delivery, endpoint, partition, event, type }
        return { ...at, test: false, dueAtMs: nowMs, attempts: 0, payload }
      })
    if (fresh.length > 0) this.#store.changes.tell({ kind: 'fresh', items: fresh })
    return result
  }
}

function planMany(items: readonly InboxItem[], configuration: TenantMatcher | null, nowMs: number): Plan[] {
  const plans: Plan[] = []
  let room = DELIVERIES_A_COMMIT
  for (const item of items) {
    const next = plan(item, configuration, nowMs, room)
    plans.push(next)
    room -= next.deliveries.length
    if (room <= 0) break
  }
  return plans
}

/** The next deliveries of an event, by the tenant's endpoints as they are. Pure but for the new ids. */
function plan(item: InboxItem, configuration: TenantMatcher | null, nowMs: number, most: number): Plan {
  if (configuration === null) return { item, deliveries: [], notSent: {} }
  const { endpoints, notSent } = configuration.match(item.type)
  // An endpoint that was registered after the event was accepted doesn't get it.
  const firstLater = firstIdAt('ep', item.createdAtMs + 1)
  const left = endpoints
    .filter(({ id }) => id < firstLater && (item.after === null || id > item.after))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const deliveries = left.slice(0, most).map(
    (endpoint): NewDelivery => ({
      id: newId('dlv', nowMs),
      endpoint: endpoint.id,
      partition: endpoint.partition,
      held: endpoint.state === 'disabled',
    }),
  )
  return { item, deliveries, notSent: left.length > most ? undefined : notSent }
}
