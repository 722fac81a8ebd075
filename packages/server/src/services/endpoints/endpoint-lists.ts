import type { Clock } from '../../base/clock.ts'
import type { FieldError } from '../../base/errors.ts'
import type { Endpoint, EndpointId, EndpointState, TenantId } from '../../base/model.ts'
import { isTypeWanted } from '../../catalogue/type-pattern.ts'
import type { EndpointFilter, StoredHealth } from '../../store/operations/endpoints/finding.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { adviseOnTypes, checkTenantParameter, checkTypes, checkWords, fault } from '../checks/list-parameters.ts'
import { checkPlace, invalid, requireTenant } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import type { Warning } from '../checks/warnings.ts'
import { type Found, type Slice, searchInSlices } from '../slices.ts'
import { callTurns } from '../turns.ts'
import { type EndpointNumbers, readEndpointNumbers, type StatsPeriod } from './endpoint-stats.ts'
import { HEALTH_STATES, type HealthState, readHealth } from './health-report.ts'
import { checkUidParameter } from './references.ts'

const ENDPOINT_STATES: readonly EndpointState[] = ['enabled', 'disabled']

/** Endpoints looked at by one short read, and the most that are returned to be looked at more closely. */
const ROWS_A_SLICE = 2_000
const CLOSELY_A_SLICE = 200
/** About the most bytes of rows that one short read returns. */
const BYTES_A_SLICE = 256 * 1024
/** A page ends when its endpoints reach this size, as they are stored, and as they are shown. */
export const MAX_PAGE_BYTES = 2 * 1024 * 1024

/** Which endpoints, as callers write it. What is missing doesn't matter. */
export type EndpointListInput = {
  readonly states?: readonly string[] | null
  readonly health?: readonly string[] | null
  readonly uid?: string | undefined
  /** A part of the URL. */
  readonly url?: string | undefined
  /** A part of the URL, the name or the uid. */
  readonly text?: string | undefined
  /** They receive one of these event types. */
  readonly types?: readonly string[] | null
}

export type EndpointSelection = {
  readonly filter: EndpointFilter
  /** Of those that pass the filter, only these; null: all. */
  readonly health: readonly HealthState[] | null
  readonly types: readonly string[] | null
  readonly warnings: readonly Warning[]
}

/** Lists endpoints of one tenant, or of all. */
export class EndpointLists {
  readonly #store: Store
  readonly #clock: Pick<Clock, 'monotonicMs'>

  constructor(store: Store, clock: Pick<Clock, 'monotonicMs'>) {
    this.#store = store
    this.#clock = clock
  }

  /** What to list of a tenant. Throws not_found, or `invalid` with all faults. */
  async select(tenant: TenantId, input: EndpointListInput): Promise<EndpointSelection> {
    await requireTenant(this.#store, tenant)
    return this.#select(tenant, input)
  }

  /** What to list of all tenants, or (`tenant` not null) of one of them. Throws `invalid` with all faults. */
  async selectOfAll(tenant: TenantId | null, input: EndpointListInput): Promise<EndpointSelection> {
    if (tenant !== null) await checkTenantParameter(this.#store, tenant)
    return this.#select(tenant, input)
  }

  async #select(tenant: TenantId | null, input: EndpointListInput): Promise<EndpointSelection> {
    const { uid = null, url = null, text = null, types = null } = input
    const faults: FieldError[] = []
    const states = checkWords('state', input.states ?? undefined, ENDPOINT_STATES, faults) as EndpointState[] | null
    const health = checkWords('health', input.health ?? undefined, HEALTH_STATES, faults) as HealthState[] | null
    if (uid !== null) checkUidParameter(uid, faults)
    checkPart('url', url, faults)
    checkPart('text', text, faults)
    checkTypes(types, faults)
    if (faults.length > 0) throw invalid(faults)
    const warnings = types === null ? [] : await adviseOnTypes(this.#store, types)
    const stored = health === null ? null : [...new Set(health.map(toStored))]
    return { filter: { tenant, states, health: stored, uid, url, text }, health, types, warnings }
  }

  /**
   * Up to `count` endpoints behind a place, or fewer if they are large (`goesOnAt` says where there are more). The search
   * ends early if it takes long.
   */
  async find(selection: EndpointSelection, place: Place<EndpointId>, count: number): Promise<Found<Endpoint>> {
    checkPlace('ep', place)
    let bytesLeft = MAX_PAGE_BYTES
    const read = async (from: Place<EndpointId>, left: number): Promise<Slice<Endpoint>> => {
      const { items, goesOnAt, sizes } = await this.#slice(selection, from, left)
      for (const { id } of items) bytesLeft -= sizes.get(id)!
      return { items, goesOnAt }
    }
    return searchInSlices(place, count, read, this.#clock, () => bytesLeft <= 0)
  }

  /** What happened at endpoints of a page. */
  numbers(endpoints: readonly Endpoint[], period: StatsPeriod): Promise<(id: EndpointId) => EndpointNumbers> {
    return readEndpointNumbers(this.#store, endpoints, period)
  }

  async #slice(selection: EndpointSelection, place: Place<EndpointId>, count: number): Promise<SizedSlice> {
    const { filter, types } = selection
    const nowMs = this.#store.now()
    const isClose = types !== null || looksClosely(selection.health)
    const bounds = { rows: ROWS_A_SLICE, limit: isClose ? CLOSELY_A_SLICE : count, maxBytes: BYTES_A_SLICE }
    const { items, bytes, goesOnAt } = await this.#store.read('findEndpoints', {
      ...filter,
      ...place,
      ...bounds,
      nowMs,
    })
    const sizes = new Map(items.map(({ id }, index) => [id, bytes[index]!]))
    if (!isClose) return { items, goesOnAt, sizes }
    const wanted = types === null ? items : await wantedOf(items, types)
    const found = await this.#withHealth(selection.health, wanted, nowMs)
    return found.length < count ? { items: found, goesOnAt, sizes } : { ...cut(found, count), sizes }
  }

  async #withHealth(health: readonly HealthState[] | null, endpoints: readonly Endpoint[], nowMs: number) {
    if (!looksClosely(health)) return endpoints
    const reports = await readHealth(this.#store, endpoints, nowMs)
    return endpoints.filter(({ id }) => health!.includes(reports.get(id)!.state))
  }
}

type SizedSlice = Slice<Endpoint> & {
  /** The size of each item's row, in bytes. */
  readonly sizes: ReadonlyMap<EndpointId, number>
}

/** Those that receive one of some types. In turns, because an endpoint can have very many patterns. */
async function wantedOf(endpoints: readonly Endpoint[], types: readonly string[]): Promise<Endpoint[]> {
  const wanted: Endpoint[] = []
  for (const endpoint of endpoints) {
    const isWanted = () => types.some(type => isTypeWanted(endpoint.types, type))
    if (await callTurns.take(endpoint.tenant, isWanted)) wanted.push(endpoint)
  }
  return wanted
}

const toStored = (state: HealthState): StoredHealth => (state === 'failing' || state === 'paused' ? state : 'other')

/** Whether the endpoints' own rows don't tell which of them are asked for. */
const looksClosely = (health: readonly HealthState[] | null): boolean =>
  health !== null && health.includes('healthy') !== health.includes('unknown')

function cut(found: readonly Endpoint[], count: number): Slice<Endpoint> {
  const items = found.slice(0, count)
  return { items, goesOnAt: items.at(-1)!.id }
}

function checkPart(field: string, part: string | null, faults: FieldError[]): void {
  if (part === '') fault(faults, field, 'Give the parameter a value, or leave it out.')
  else if (part !== null) checkStorable(part, field, faults)
}
