/** What callers ask a list of deliveries for: checked, and with the names in it resolved. */
import type { FieldError } from '../../base/errors.ts'
import { parseId } from '../../base/ids.ts'
import {
  ATTEMPT_ERRORS,
  type AttemptError,
  DELIVERY_STATES,
  type DeliveryState,
  type EventId,
  HELD_REASONS,
  type HeldReason,
  type TenantId,
} from '../../base/model.ts'
import { parseStatusRange, STATUS_RULE, type StatusRange } from '../../base/status-range.ts'
import type { DeliveryFilter, SearchedEndpoint } from '../../store/operations/deliveries/filter.ts'
import type { Store } from '../../store/store.ts'
import type { Range } from '../../store/where.ts'
import { adviseOnKey, checkEndOfPeriod, checkPeriod, checkTypeOfEvent } from '../checks/contradictions.ts'
import {
  adviseOnTypes,
  checkCount,
  checkKey,
  checkTypes,
  checkWords,
  fault,
  MAX_VALUES,
} from '../checks/list-parameters.ts'
import { invalid } from '../checks/refusals.ts'
import type { Warning } from '../checks/warnings.ts'
import { endpointIdOf, noEndpoint } from '../endpoints/references.ts'
import { adviseOnPayloadFilter } from '../events/payload-advice.ts'
import { createPayloadTest, type PayloadInput, type PayloadTest } from '../events/payload-test.ts'
import { checkLastAttempt } from './last-attempts.ts'

/** If a key stands for more events than this, of as many tenants, all deliveries are looked at instead. */
const MAX_KEYED_EVENTS = 1_000

/** As callers write it. What is missing doesn't matter. */
export type DeliveryQuery = PayloadInput & { readonly [Bound in keyof Range]?: Range[Bound] | undefined } & {
  readonly states?: readonly string[] | undefined
  readonly heldReason?: string | undefined
  readonly statuses?: readonly string[] | undefined
  readonly errors?: readonly string[] | undefined
  readonly types?: readonly string[] | undefined
  /** By id or uid. */
  readonly endpoints?: readonly string[] | undefined
  readonly event?: EventId | undefined
  readonly key?: string | undefined
}

/** A query that can be carried out. */
export type DeliverySelection = {
  /** Null: deliveries of all tenants. */
  readonly tenant: TenantId | null
  readonly filter: DeliveryFilter
  /** Of those that pass the filter, only deliveries of events with such a payload; null: of any. */
  readonly matches: PayloadTest | null
  readonly warnings: readonly Warning[]
}

/** Resolves a query for one tenant, which exists, or (null) for all. Throws one refusal with all faults. */
export async function resolveQuery(
  store: Pick<Store, 'read' | 'now'>,
  tenant: TenantId | null,
  query: DeliveryQuery,
): Promise<DeliverySelection> {
  const faults: FieldError[] = []
  const { types = null, key = null, event = null, fromMs = null, toMs = null } = query
  const states = checkStates(query, faults)
  const statuses = checkStatuses(query.statuses, faults)
  const errors = checkWords('error', query.errors, ATTEMPT_ERRORS, faults) as AttemptError[] | null
  if (faults.length === 0) checkLastAttempt({ states, statuses, errors, heldReason: query.heldReason }, faults)
  checkTypes(types, faults)
  if (key !== null) checkKey(key, faults)
  const endpoints = await resolveEndpoints(store, tenant, query.endpoints ?? null, faults)
  checkPeriod({ fromMs, toMs }, store.now(), '', faults)
  const matches = createPayloadTest(query, faults)
  if (event !== null) await checkEvent(store, tenant, { event, key, types, toMs }, faults)
  if (faults.length > 0) throw invalid(faults)
  const onTypes = types === null ? [] : await adviseOnTypes(store, types)
  const onKey = await adviseOnKey(store, tenant, event === null ? key : null, types)
  const warnings = [...onTypes, ...onKey, ...(await adviseOnPayloadFilter(store, tenant, query.filter, types))]
  const events = event === null ? await eventsOf(store, tenant, key) : [event]
  const heldReason = (query.heldReason ?? null) as HeldReason | null
  const filter = { fromMs, toMs, states, heldReason, statuses, errors, types, endpoints, events, key }
  return { tenant, filter, matches, warnings }
}

function checkStates({ states, heldReason }: DeliveryQuery, faults: FieldError[]): DeliveryState[] | null {
  const found = checkWords('state', states, DELIVERY_STATES, faults) as DeliveryState[] | null
  if (heldReason === undefined) return found
  checkWords('heldReason', [heldReason], HELD_REASONS, faults)
  if (found !== null && !found.includes('held')) {
    fault(faults, 'heldReason', 'Only held deliveries have a reason. Add `held` to `state`, or omit one of the two.')
  }
  return found
}

function checkStatuses(statuses: readonly string[] | undefined, faults: FieldError[]): StatusRange[] | null {
  if (statuses === undefined) return null
  checkCount('status', statuses, faults)
  const ranges = statuses.map(parseStatusRange)
  if (ranges.every(range => range !== undefined)) return ranges
  fault(faults, 'status', STATUS_RULE)
  return null
}

type WantedEvent = {
  readonly event: EventId
  readonly key: string | null
  readonly types: readonly string[] | null
  readonly toMs: number | null
}

/** Refuses an event that doesn't exist, or that the other parameters rule out. It can have deliveries long after it. */
async function checkEvent(
  store: Pick<Store, 'read'>,
  tenant: TenantId | null,
  { event: id, key, types, toMs }: WantedEvent,
  faults: FieldError[],
): Promise<void> {
  if (parseId('evt', id) === undefined)
    return fault(faults, 'event', 'The value must be an id that starts with "evt_".')
  const event = await store.read('describeEvent', { tenant, id })
  if (event === null) return fault(faults, 'event', 'There is no event with this id.')
  if (key !== null && event.key !== key) {
    fault(faults, 'key', `The event has ${event.key === null ? 'no key' : 'another key'}. Omit \`key\` or \`event\`.`)
  }
  checkTypeOfEvent(event.type, types, 'type', faults)
  checkEndOfPeriod(id, toMs, 'to', faults)
}

async function resolveEndpoints(
  store: Pick<Store, 'read'>,
  tenant: TenantId | null,
  references: readonly string[] | null,
  faults: FieldError[],
): Promise<SearchedEndpoint[] | null> {
  if (references === null) return null
  checkCount('endpoint', references, faults)
  if (references.length > MAX_VALUES) return null
  const found = new Map<string, SearchedEndpoint>()
  for (const reference of references) {
    const endpoint = await resolveEndpoint(store, tenant, reference, faults)
    if (endpoint !== null) found.set(endpoint.id, endpoint)
  }
  return [...found.values()]
}

async function resolveEndpoint(
  store: Pick<Store, 'read'>,
  tenant: TenantId | null,
  reference: string,
  faults: FieldError[],
): Promise<SearchedEndpoint | null> {
  if (tenant === null && parseId('ep', reference) === undefined) {
    fault(faults, 'endpoint', 'Give the id of each endpoint, or add `tenant`: a uid is unique in its tenant only.')
    return null
  }
  const id = tenant === null ? reference : await endpointIdOf(store, tenant, { reference, field: 'endpoint' }, faults)
  if (id === null) return null
  const endpoint = await store.read('findEndpointById', { tenant, id })
  if (endpoint === null && tenant === null) fault(faults, 'endpoint', `No tenant has an endpoint \`${id}\`.`)
  else if (endpoint === null) faults.push(noEndpoint('endpoint', reference))
  return endpoint
}

/** The events that a key stands for; null if it is not remembered, or stands for too many. */
async function eventsOf(
  store: Pick<Store, 'read'>,
  tenant: TenantId | null,
  key: string | null,
): Promise<EventId[] | null> {
  if (key === null) return null
  const events = await store.read('findEventsOfKey', { tenant, key, limit: MAX_KEYED_EVENTS + 1 })
  return events.length === 0 || events.length > MAX_KEYED_EVENTS ? null : events
}
