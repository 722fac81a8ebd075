/** What a caller wants of the stream: checked, and with the names in it resolved. */
import type { FieldError } from '../../base/errors.ts'
import { idText, parseId } from '../../base/ids.ts'
import type { EndpointId, TenantId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'
import type { Noted } from '../../store/stream-notes.ts'
import {
  checkCount,
  checkTenantParameter,
  checkTypes,
  checkWords,
  fault,
  MAX_VALUES,
} from '../checks/list-parameters.ts'
import { invalid, requireTenant } from '../checks/refusals.ts'
import { endpointIdOf, noEndpoint } from '../endpoints/references.ts'
import type { StreamRecord } from './records.ts'

export const STREAM_KINDS = ['event', 'delivery', 'attempt', 'endpoint', 'request'] as const
export type StreamKind = (typeof STREAM_KINDS)[number]

/** As callers write it. */
export type StreamQuery = {
  readonly kinds: readonly string[] | null
  readonly types: readonly string[] | null
  /** By id or uid. */
  readonly endpoints: readonly string[] | null
  readonly withPayloads: boolean
  /** Listeners whose requests are wanted, by id or uid; null: none. */
  readonly listen: readonly string[] | null
  /** Whether requests have the secrets in their headers. */
  readonly seesSecrets: boolean
}

/** Null: whatever it is. */
export type StreamFilter = {
  readonly tenant: TenantId | null
  readonly kinds: ReadonlySet<StreamKind>
  readonly types: ReadonlySet<string> | null
  readonly endpoints: ReadonlySet<EndpointId> | null
  /** Whether records have payloads and what receivers responded. */
  readonly withPayloads: boolean
  /** The listeners whose requests it gets, with their partitions. Null: none. Only with a tenant. */
  readonly listen: ReadonlyMap<EndpointId, number> | null
  readonly seesSecrets: boolean
}

/**
 * @param tenant null: all tenants
 * @param isParameter whether the tenant narrows a stream of all tenants
 * @throws not_found for an unknown tenant in a path, or `invalid` with all faults
 */
export async function selectStream(
  store: Store,
  tenant: TenantId | null,
  isParameter: boolean,
  query: StreamQuery,
): Promise<StreamFilter> {
  if (tenant !== null) await (isParameter ? checkTenantParameter(store, tenant) : requireTenant(store, tenant))
  const faults: FieldError[] = []
  const kinds = checkWords('kind', query.kinds ?? undefined, STREAM_KINDS, faults) as StreamKind[] | null
  checkTypes(query.types, faults)
  const endpoints = await resolveEndpoints(store, tenant, query.endpoints, faults)
  if (query.endpoints !== null && kinds?.includes('event')) {
    fault(faults, 'endpoint', 'Events belong to no endpoint. Omit `endpoint`, or `event` in `kind`.')
  }
  if (query.types !== null && kinds?.every(kind => kind === 'endpoint')) {
    fault(faults, 'type', 'Endpoints have no event type of their own. Omit `type`, or add another `kind`.')
  }
  const listen = await resolveListeners(store, tenant, query.listen, faults)
  if (query.listen === null && kinds?.includes('request')) {
    fault(faults, 'kind', 'Requests go to those who listen. Name listeners in `listen`, or omit `request`.')
  }
  if (faults.length > 0) throw invalid(faults)
  const all = STREAM_KINDS.filter(kind =>
    kind === 'request'
      ? listen !== null
      : listen === null && (endpoints === null || kind !== 'event') && (query.types === null || kind !== 'endpoint'),
  )
  return {
    tenant,
    kinds: new Set(kinds ?? all),
    types: query.types === null ? null : new Set(query.types),
    endpoints: endpoints === null ? null : new Set(endpoints),
    withPayloads: query.withPayloads,
    listen,
    seesSecrets: query.seesSecrets,
  }
}

async function resolveEndpoints(
  store: Store,
  tenant: TenantId | null,
  references: readonly string[] | null,
  faults: FieldError[],
): Promise<EndpointId[] | null> {
  if (references === null) return null
  checkCount('endpoint', references, faults)
  if (references.length > MAX_VALUES) return null
  const found: EndpointId[] = []
  for (const reference of references) {
    if (tenant === null && parseId('ep', reference) === undefined) {
      fault(faults, 'endpoint', 'Give the id of each endpoint, or add `tenant`: a uid is unique in its tenant only.')
      continue
    }
    const id = tenant === null ? reference : await endpointIdOf(store, tenant, { reference, field: 'endpoint' }, faults)
    if (id === null) continue
    if ((await store.read('findEndpointById', { tenant, id })) === null) faults.push(noEndpoint('endpoint', reference))
    else found.push(id)
  }
  return found
}

async function resolveListeners(
  store: Store,
  tenant: TenantId | null,
  references: readonly string[] | null,
  faults: FieldError[],
): Promise<ReadonlyMap<EndpointId, number> | null> {
  if (references === null || tenant === null) return null
  checkCount('listen', references, faults)
  if (references.length > MAX_VALUES) return null
  const found = new Map<EndpointId, number>()
  for (const reference of references) {
    const id = await endpointIdOf(store, tenant, { reference, field: 'listen' }, faults)
    if (id === null) continue
    const endpoint = await store.read('getEndpoint', { tenant, id })
    if (endpoint === null) faults.push(noEndpoint('listen', reference))
    else if (endpoint.url === null) found.set(id, endpoint.partition)
    else fault(faults, 'listen', `The endpoint \`${reference}\` has a URL, where its requests go. Name a listener.`)
  }
  return found
}

/** Whether something that has changed can be wanted, as far as its id says. */
export function mayWant({ tenant, kinds, endpoints, listen }: StreamFilter, noted: Noted): boolean {
  if (!kinds.has(noted.kind) || (tenant !== null && tenant !== noted.tenant)) return false
  if (noted.kind === 'request') return listen?.has(idText('ep', noted.endpoint)) === true
  return noted.kind !== 'endpoint' || endpoints === null || endpoints.has(idText('ep', noted.id))
}

/** Whether a record is wanted that `mayWant` let pass. */
export function isWanted({ types, endpoints, listen }: StreamFilter, record: StreamRecord): boolean {
  if (record.kind === 'request') return listen?.has(record.request.endpoint) === true
  if (record.kind === 'event') return types === null || types.has(record.event.type)
  if (record.kind === 'endpoint') return true
  const { type, endpoint } = record.delivery
  return (types === null || types.has(type)) && (endpoints === null || endpoints.has(endpoint))
}
