/** What the first page of a dashboard shows, of one tenant or of all: how much waits, and what needs attention. */
import { DAY_MS } from '../base/durations.ts'
import type { TenantId } from '../base/model.ts'
import type { Trouble, Troubled, TroubledTenants } from '../store/operations/endpoints/troubled.ts'
import { MAX_COUNTED } from '../store/operations/overview.ts'
import type { Store } from '../store/store.ts'
import { requireTenant } from './checks/refusals.ts'
import { type HealthReport, readHealth } from './endpoints/health-report.ts'

/** Endpoints that are shown of each kind of trouble, and how many of them of each tenant if it is one of several. */
const SHOWN = 20
const SHOWN_OF_EACH = 3
/** Deliveries of one endpoint that are counted. */
const MAX_QUEUE_COUNTED = 1_000
/** Secrets that expire within this time are shown. It is also when their tenants are first warned (C9). */
const EXPIRY_MS = 30 * DAY_MS
/** Rejected events of this time are counted. */
const REJECTED_MS = DAY_MS

type Backlog = {
  readonly pending: number
  readonly due: number
  readonly oldestDueMs: number | null
  readonly oldestMs: number | null
  /** When they were counted. */
  readonly countedAtMs: number
  /** Whether all of them were counted. */
  readonly isWhole: boolean
}

/** The pending deliveries of all tenants, and how many are set aside. Null if they can't be counted in time. */
export type CountBacklog = () => Promise<{ readonly pending: Backlog; readonly setAside: number } | null>

/** Null: more than could be counted. */
type Count = number | null

export type FailingEndpoint = { readonly endpoint: Troubled; readonly report: HealthReport; readonly pending: Count }

export type DisabledEndpoint = { readonly endpoint: Troubled; readonly held: Count }

export type ExpiringSecret = {
  readonly endpoint: Troubled
  readonly secret: 'clientSecret' | 'clientCertificate'
  readonly expiresAtMs: number
}

/** How many there are, and the first ones. */
type Some<Item> = {
  readonly endpoints: Count
  readonly tenants: Count
  readonly items: readonly Item[]
}

export type OverviewReport = {
  readonly atMs: number
  readonly tenant: TenantId | null
  /** Null if they can't be counted in time. */
  readonly backlog: Backlog | null
  readonly held: Count
  readonly setAside: Count
  readonly failing: Some<FailingEndpoint>
  readonly disabled: Some<DisabledEndpoint>
  readonly expiring: Some<ExpiringSecret>
  readonly replays: Count
  readonly batches: Count
  readonly rejected: { readonly sinceMs: number; readonly count: Count }
}

export class Overview {
  readonly #store: Store
  readonly #countBacklog: CountBacklog

  constructor(store: Store, countBacklog: CountBacklog) {
    this.#store = store
    this.#countBacklog = countBacklog
  }

  /** Of all tenants together. */
  ofAll(): Promise<OverviewReport> {
    return this.#read(null)
  }

  /** Throws not_found. */
  async of(tenant: TenantId): Promise<OverviewReport> {
    await requireTenant(this.#store, tenant)
    return this.#read(tenant)
  }

  async #read(tenant: TenantId | null): Promise<OverviewReport> {
    const atMs = this.#store.now()
    const sinceMs = atMs - REJECTED_MS
    // One after the other: calls wait in turns for the store, and many reads of one call must not block the others.
    const deliveries = tenant === null ? await this.#deliveriesOfAll() : await this.#deliveriesOf(tenant, atMs)
    const counts = await this.#store.read('countForOverview', { tenant, rejectedFromMs: sinceMs })
    return {
      atMs,
      tenant,
      ...deliveries,
      held: counts.held === null ? deliveries.held : bounded(counts.held),
      failing: await this.#failing(tenant, atMs),
      disabled: await this.#disabled(tenant),
      expiring: await this.#expiring(tenant, atMs),
      replays: bounded(counts.openReplays),
      batches: bounded(counts.openBatches),
      rejected: { sinceMs, count: bounded(counts.rejected) },
    }
  }

  async #deliveriesOfAll() {
    const counted = await this.#countBacklog()
    const setAside = counted === null ? null : bounded(counted.setAside)
    return { backlog: counted?.pending ?? null, held: null, setAside }
  }

  async #deliveriesOf(tenant: TenantId, nowMs: number) {
    const { held, setAside, isCutShort, ...pending } = await this.#store.read('countUnended', { tenant, nowMs })
    return {
      backlog: { ...pending, countedAtMs: nowMs, isWhole: !isCutShort },
      held: isCutShort ? null : held,
      setAside: isCutShort ? null : setAside,
    }
  }

  async #failing(tenant: TenantId | null, nowMs: number): Promise<Some<FailingEndpoint>> {
    const { items, ...counts } = await this.#first('failing', tenant, null)
    const reports = await readHealth(this.#store, items, nowMs)
    const queues = await this.#queues(items)
    return {
      ...counts,
      items: items.map(endpoint => ({
        endpoint,
        report: reports.get(endpoint.id)!,
        pending: queueOf(queues, endpoint),
      })),
    }
  }

  async #disabled(tenant: TenantId | null): Promise<Some<DisabledEndpoint>> {
    const { items, ...counts } = await this.#first('disabled', tenant, null)
    const queues = await this.#queues(items)
    return { ...counts, items: items.map(endpoint => ({ endpoint, held: queueOf(queues, endpoint) })) }
  }

  async #expiring(tenant: TenantId | null, nowMs: number): Promise<Some<ExpiringSecret>> {
    const untilMs = nowMs + EXPIRY_MS
    const secrets = await this.#first('secret', tenant, untilMs)
    const certificates = await this.#first('certificate', tenant, untilMs)
    const items = [
      ...secrets.items.map(endpoint => ({ endpoint, secret: 'clientSecret' as const, expiresAtMs: endpoint.sinceMs })),
      ...certificates.items.map(endpoint => ({
        endpoint,
        secret: 'clientCertificate' as const,
        expiresAtMs: endpoint.sinceMs,
      })),
    ]
    return {
      endpoints: sum(secrets.endpoints, certificates.endpoints),
      tenants: sum(secrets.tenants, certificates.tenants),
      items: items.sort((a, b) => a.expiresAtMs - b.expiresAtMs).slice(0, SHOWN),
    }
  }

  async #first(trouble: Trouble, tenant: TenantId | null, untilMs: number | null): Promise<Some<Troubled>> {
    const found = await this.#store.read('findTroubledTenants', { trouble, tenant, untilMs })
    const isLatestFirst = trouble === 'disabled'
    const tenants = firstTenants(found, isLatestFirst)
    const limit = tenant === null ? SHOWN_OF_EACH : SHOWN
    const items = await this.#store.read('findTroubled', { trouble, tenants, untilMs, limit })
    const order = isLatestFirst ? -1 : 1
    const { areAll, areCounted } = found
    const endpoints = found.tenants.reduce((total, one) => total + (one.endpoints ?? 0), 0)
    return {
      endpoints: areAll && areCounted ? bounded(endpoints) : null,
      tenants: areAll ? found.tenants.length : null,
      items: items.toSorted((a, b) => order * (a.sinceMs - b.sinceMs)).slice(0, SHOWN),
    }
  }

  #queues(endpoints: readonly Troubled[]): Promise<Map<string, number>> {
    return this.#store.read('countQueues', { endpoints, limit: MAX_QUEUE_COUNTED + 1 })
  }
}

const bounded = (count: number): Count => (count > MAX_COUNTED ? null : count)

const sum = (a: Count, b: Count): Count => (a === null || b === null ? null : bounded(a + b))

function queueOf(queues: ReadonlyMap<string, number>, { id }: Troubled): Count {
  const count = queues.get(id) ?? 0
  return count > MAX_QUEUE_COUNTED ? null : count
}

/** The tenants that the first endpoints can be of: those whose own first one comes first. */
function firstTenants({ tenants }: TroubledTenants, isLatestFirst: boolean): TenantId[] {
  const order = isLatestFirst ? -1 : 1
  return tenants
    .filter(({ firstMs }) => firstMs !== null)
    .toSorted((a, b) => order * (a.firstMs! - b.firstMs!))
    .slice(0, SHOWN)
    .map(({ tenant }) => tenant)
}
