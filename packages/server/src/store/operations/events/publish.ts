import { idBytes } from '../../../base/ids.ts'
import { isOperational, type TenantId } from '../../../base/model.ts'
import type { Observation } from '../../observations.ts'
import { type BulkQuery, type Dialect, type Transaction, text } from '../../transaction.ts'
import { recordAct } from '../audit.ts'
import { catalogueVersion, tenantVersions } from '../configuration.ts'
import { deliveryRows, storeDeliveryRows } from '../deliveries/new-deliveries.ts'
import { type KeptCall, keepCalls, readKnownCalls } from '../idempotent-calls.ts'
import { storeInbox } from '../inbox/inbox.ts'
import { storeEventRows } from './event-rows.ts'
import { claimKeys, duplicatesOf, fillInDuplicates, knownKeys, storeKeys } from './idempotency.ts'
import {
  callOf,
  type NewEvent,
  type PublishArguments,
  type PublishRequest,
  type StoredResult,
} from './publish-request.ts'

/** Stores events and their deliveries. Returns one result for each request, in order. */
export function* publish({ requests, keyWaitMs }: PublishArguments, dialect: Dialect): Transaction<StoredResult[]> {
  const catalogue = yield* catalogueVersion()
  const versions = yield* tenantVersions(requests.map(({ tenant }) => tenant))
  const waiting = yield* tenantsWithInbox(requests, dialect)
  const known = yield* knownKeys(requests, dialect)
  const calls = yield* readKnownCalls(callsOf(requests), dialect)
  const accepted: PublishRequest[] = []
  const duplicates = new Set<NewEvent>()
  const results = requests.map((request): StoredResult => {
    const { once } = request
    if (once !== undefined && calls.has(once.call)) return { kind: 'repeated' }
    if (request.catalogueVersion !== catalogue || request.tenantVersion !== versions.get(request.tenant)) {
      return { kind: 'stale' }
    }
    if (waiting.has(request.tenant) && isOrderedOf(request)) return { kind: 'behind' }
    const conflicts = claimKeys(request, known, duplicates)
    if (conflicts.length > 0) return { kind: 'conflict', indexes: conflicts }
    accepted.push(request)
    if (once !== undefined) calls.add(once.call)
    return { kind: 'stored', duplicates: duplicatesOf(request, known, duplicates) }
  })
  yield* storeKeys(accepted, duplicates, keyWaitMs, dialect)
  yield* storeEvents(accepted, duplicates)
  yield* storeDeliveries(accepted, duplicates, dialect)
  yield* storeLater(accepted, duplicates)
  yield* fillInDuplicates(known, results, requests, duplicates)
  yield* recordTests(accepted)
  yield* keepCalls(callsOf(requests, results))
  // An event that gets a 202 because it already exists must be as durable as one just written.
  if (duplicates.size > 0 && dialect.confirmReads !== null) yield dialect.confirmReads
  return results
}

const NO_CALLS: readonly KeptCall[] = []

/** The calls of requests that have an `Idempotency-Key`; with `results`, of those stored, with their responses. */
function callsOf(requests: readonly PublishRequest[], results?: readonly StoredResult[]): readonly KeptCall[] {
  if (!requests.some(({ once }) => once !== undefined)) return NO_CALLS
  return requests.flatMap((request, index) => {
    const { once } = request
    if (once === undefined) return []
    if (results === undefined) return [once.call]
    const result = results[index]!
    return result.kind === 'stored' ? [callOf(request, once, result)] : []
  })
}

const TENANT_COLUMNS: BulkQuery['columns'] = [['tenant', 'text']]

/** A test event doesn't count: it goes to one endpoint only, immediately. */
const isOrderedOf = ({ events }: PublishRequest): boolean =>
  events.some(({ test, deliveries }) => !test && deliveries?.some(({ ordered }) => ordered))

/** Of the tenants for whose ordered endpoints something is published, those that have other events in the inbox. */
function* tenantsWithInbox(requests: readonly PublishRequest[], { isNamed }: Dialect): Transaction<Set<TenantId>> {
  const tenants = [...new Set(requests.filter(isOrderedOf).map(({ tenant }) => tenant))]
  if (tenants.length === 0) return new Set()
  const rows = yield {
    text: `select v.tenant from v where exists (select 1 from inbox i where ${isNamed('i', ['tenant'])})`,
    columns: TENANT_COLUMNS,
    rows: tenants.map(tenant => [tenant]),
  }
  return new Set(rows.map(row => text(row.tenant)))
}

function* recordTests(accepted: readonly PublishRequest[]): Transaction<void> {
  for (const { tenant, by, nowMs, events } of accepted) {
    const targetId = events[0]?.deliveries?.[0]?.endpoint
    if (by === undefined || targetId === undefined) continue
    yield* recordAct({ by }, { action: 'tested', target: 'endpoint', targetId, tenant }, nowMs)
  }
}

function* storeEvents(requests: readonly PublishRequest[], duplicates: Set<NewEvent>): Transaction<void> {
  const rows = requests.flatMap(({ tenant, tenantVersion, nowMs, traceparent = null, events }) =>
    events
      .filter(event => !duplicates.has(event))
      .map(event => [
        tenant,
        idBytes(event.id),
        event.type,
        event.key,
        event.payload,
        event.test ? 1 : 0,
        event.deliveries?.length ?? null,
        event.deliveries === null ? null : JSON.stringify(event.notSent),
        null,
        nowMs,
        traceparent,
        tenantVersion,
      ]),
  )
  yield* storeEventRows(rows)
}

function* storeDeliveries(
  requests: readonly PublishRequest[],
  duplicates: Set<NewEvent>,
  dialect: Dialect,
): Transaction<void> {
  const rows = requests.flatMap(({ tenant, nowMs, events }) =>
    events
      .filter(event => !duplicates.has(event))
      .flatMap(event => deliveryRows(tenant, nowMs, event.id, event.type, event.test, event.deliveries ?? [])),
  )
  yield* storeDeliveryRows(rows, dialect)
}

function* storeLater(requests: readonly PublishRequest[], duplicates: Set<NewEvent>): Transaction<void> {
  const rows = requests.flatMap(({ tenant, tenantVersion, nowMs, events }) =>
    events
      .filter(event => event.deliveries === null && !duplicates.has(event))
      .map(event => [tenant, idBytes(event.id), event.type, nowMs, tenantVersion] as const),
  )
  yield* storeInbox(rows)
}

/** Counts what publishers published, without duplicates, tests and Posthorn's own operational events. */
export function publishedIn({ requests }: PublishArguments, results: readonly StoredResult[]): readonly Observation[] {
  let events = 0
  for (const [at, request] of requests.entries()) {
    const result = results[at]!
    if (result.kind !== 'stored') continue
    for (const event of request.events) if (isCounted(event)) events++
    for (const { index } of result.duplicates) if (isCounted(request.events[index]!)) events--
  }
  return [{ kind: 'accepted', events }]
}

const isCounted = ({ test, type }: NewEvent): boolean => !test && !isOperational(type)
