/**
 * Which call needs which key. The one place that says so: a route whose operation is not in the table can't be added.
 *
 * open: no key. publish: scope all or publish. read: scope all or read. write: scope all. A key of one tenant may make
 * these where the path is its tenant's. shared: as read, for what is of no tenant and every tenant may see. operator:
 * scope all, and no tenant.
 */
import { PosthornError } from '../base/errors.ts'
import type { ApiKey, ApiKeyScope } from '../base/model.ts'

export type Access = 'open' | 'publish' | 'read' | 'write' | 'shared' | 'operator'

export const ACCESS: Readonly<Record<string, Access>> = {
  getHealth: 'open',
  getReadiness: 'open',
  getOpenApi: 'open',
  getPublicEgress: 'open',
  getMetrics: 'read',
  getEgress: 'shared',
  listEventTypes: 'shared',
  getEventType: 'shared',
  putEventType: 'operator',
  deleteEventType: 'operator',
  previewSchedule: 'shared',
  archiveEventType: 'operator',
  unarchiveEventType: 'operator',
  listTenants: 'read',
  getTenant: 'read',
  putTenant: 'operator',
  deleteTenant: 'operator',
  eraseTenant: 'operator',
  getErasure: 'read',
  exportTenant: 'read',
  listEndpoints: 'read',
  getEndpoint: 'read',
  getEndpointSchedule: 'read',
  createEndpoint: 'write',
  updateEndpoint: 'write',
  deleteEndpoint: 'write',
  testEndpoint: 'write',
  disableEndpoint: 'write',
  enableEndpoint: 'write',
  publishEvents: 'publish',
  listEvents: 'read',
  getEvent: 'read',
  listEventEndpoints: 'read',
  listRejectedEvents: 'read',
  listDeliveries: 'read',
  getDelivery: 'read',
  listSetAsideDeliveries: 'read',
  retryDelivery: 'write',
  cancelDelivery: 'write',
  createReplay: 'write',
  listReplays: 'read',
  getReplay: 'read',
  pauseReplay: 'write',
  resumeReplay: 'write',
  cancelReplay: 'write',
  getStats: 'read',
  listApiKeys: 'operator',
  getApiKey: 'operator',
  createApiKey: 'operator',
  revokeApiKey: 'operator',
  listAudit: 'operator',
  rotateSigningSecret: 'write',
  getEncryptionKeys: 'operator',
  rotateEncryptionKey: 'operator',
}

/** @param metricsOpen whether the operator opened the metrics. Throws for an operation that the table does not have. */
export function accessOf(operation: string | undefined, metricsOpen: boolean): Access {
  if (operation === 'getMetrics' && metricsOpen) return 'open'
  const access = operation === undefined ? undefined : ACCESS[operation]
  if (access === undefined) throw new Error(`${operation ?? 'A route without an operationId'} is not in api/access.ts`)
  return access
}

const SCOPES: Readonly<Record<Access, readonly ApiKeyScope[]>> = {
  open: ['all', 'publish', 'read'],
  publish: ['all', 'publish'],
  read: ['all', 'read'],
  shared: ['all', 'read'],
  write: ['all'],
  operator: ['all'],
}

/**
 * Undefined if the key may, else the refusal. It is decided before anything is looked up, so that a key of one tenant
 * can't tell whether another exists.
 * @param key null: the root key
 * @param tenant the one in the path, decoded; undefined: there is none
 */
export function accessRefusal(
  key: ApiKey | null,
  access: Access,
  tenant: string | undefined,
): PosthornError | undefined {
  if (key === null) return undefined
  if (!SCOPES[access].includes(key.scope)) {
    return new PosthornError('forbidden', `A key with the scope ${key.scope} may not make this call.`)
  }
  if (key.tenant === null || access === 'shared' || access === 'open') return undefined
  if (access !== 'operator' && tenant === key.tenant) return undefined
  return new PosthornError('forbidden', 'A key of one tenant may call what is under the path of its tenant only.')
}
