import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Access } from '../../src/api/http/access.ts'
import type { Route, Routes } from '../../src/api/http/routes.ts'
import type { ApiOptions } from '../../src/api/options.ts'
import { RESOURCES } from '../../src/api/resource-list.ts'
import type { ApiKeyScope } from '../../src/base/callers.ts'
import { systemClock } from '../../src/base/clock.ts'
import { ApiBench, KEY } from './setup.ts'

const bench = new ApiBench()
type Kind = { scope: ApiKeyScope; tenant: string | null }
type Operation = { method: string; path: string; id: string }
let operations: Operation[]
/** Those of keys: the others exist for sessions only, and sessions.test.ts and portal.test.ts call them. */
let ofKeys: Operation[]

const SCOPES = ['all', 'publish', 'read'] as const
const KINDS: Kind[] = [null, 'acme', 'beta'].flatMap(tenant => SCOPES.map(scope => ({ scope, tenant })))

/** The access that each call needs, repeated here so that a changed permission fails a test. */
const EXPECTED: Readonly<Record<string, Access>> = {
  getHealth: 'open',
  getReadiness: 'open',
  getPublishingReadiness: 'open',
  getReadingReadiness: 'open',
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
  readStream: 'read',
  readTenantStream: 'read',
  listEndpoints: 'read',
  listAllEndpoints: 'read',
  getEndpoint: 'read',
  getEndpointSchedule: 'read',
  createEndpoint: 'write',
  checkEndpoint: 'write',
  updateEndpoint: 'write',
  deleteEndpoint: 'write',
  testEndpoint: 'write',
  disableEndpoint: 'write',
  enableEndpoint: 'write',
  tryFilter: 'read',
  publishEvents: 'publish',
  listEvents: 'read',
  listAllEvents: 'read',
  listAllReplays: 'read',
  getEvent: 'read',
  listEventEndpoints: 'read',
  listRejectedEvents: 'read',
  listDeliveries: 'read',
  listAllDeliveries: 'read',
  getDelivery: 'read',
  listSetAsideDeliveries: 'read',
  retryDelivery: 'write',
  retryMatchingDeliveries: 'write',
  retryAllMatchingDeliveries: 'write',
  cancelDelivery: 'write',
  answerRequest: 'write',
  createReplay: 'write',
  listReplays: 'read',
  getReplay: 'read',
  pauseReplay: 'write',
  resumeReplay: 'write',
  cancelReplay: 'write',
  createReplayBatch: 'operator',
  listReplayBatches: 'read',
  getReplayBatch: 'read',
  pauseReplayBatch: 'operator',
  resumeReplayBatch: 'operator',
  cancelReplayBatch: 'operator',
  search: 'read',
  searchTenant: 'read',
  getStats: 'read',
  getAllStats: 'read',
  getOverview: 'read',
  getAllOverview: 'read',
  listTenantStats: 'read',
  listApiKeys: 'operator',
  getApiKey: 'operator',
  createApiKey: 'operator',
  revokeApiKey: 'operator',
  signIn: 'sign-in',
  getSession: 'session',
  getSessionState: 'visitor',
  signOut: 'session',
  listSessions: 'operator',
  revokeSession: 'operator',
  createSignInLink: 'operator',
  listSignInOptions: 'sign-in',
  beginSingleSignOn: 'sign-in',
  signOutEverywhere: 'session',
  createPortalLink: 'write',
  listPortalLinks: 'read',
  revokePortalLink: 'write',
  redeemPortalLink: 'portal-sign-in',
  getPortalSession: 'portal',
  leavePortal: 'portal',
  getPortalLooks: 'operator',
  putPortalLooks: 'operator',
  putPortalLogo: 'operator',
  deletePortalLogo: 'operator',
  getShownPortalLooks: 'portal-open',
  getPortalLogo: 'open',
  listPublicEventTypes: 'portal-open',
  getPublicEventType: 'portal-open',
  getPortalSessionState: 'portal-visitor',
  createNotification: 'write',
  requestConfirmation: 'write',
  testNotification: 'write',
  listNotifications: 'read',
  getNotification: 'read',
  updateNotification: 'write',
  deleteNotification: 'write',
  showNotificationLink: 'open',
  followNotificationLink: 'open',
  listAudit: 'operator',
  rotateSigningSecret: 'write',
  getEncryptionKeys: 'operator',
  rotateEncryptionKey: 'operator',
  listNodes: 'read',
  getSettings: 'operator',
  getChecks: 'read',
}

/** The access that each call needs, read from its route. */
function accessOfRoutes(options: Pick<ApiOptions, 'metricsOpen'>): Record<string, Access> {
  const found: Record<string, Access> = {}
  const add = (_path: string, { operationId, access }: Route) => {
    found[operationId] = access
  }
  const routes: Routes = { get: add, post: add, put: add, patch: add, delete: add }
  for (const resource of RESOURCES) resource.add(routes, {} as never, { egressAddresses: [], ...options } as never)
  return found
}

beforeAll(async () => {
  // The tests send more wrong keys than are answered without a delay.
  const clock = { ...systemClock, after: (_delayMs: number, fire: () => void) => systemClock.after(0, fire) }
  await bench.openApi({}, { clock })
  await bench.tenants.put('beta', {})
  operations = Object.entries(bench.document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, { operationId: string }>).map(([method, { operationId: id }]) => ({
      method: method.toUpperCase(),
      path,
      id,
    })),
  )
  ofKeys = operations.filter(
    ({ path }) =>
      path.startsWith('/v1') &&
      !/^\/v1\/(((portal-)?session(-state)?|portal-looks|sign-in-options|single-sign-on(\/sign-out)?)$|public-event-types)/.test(
        path,
      ),
  )
})
afterAll(() => bench.closeApi())

/** The rules of docs/api-keys.md, derived from methods and paths instead of from the table under test. */
function mayCall({ scope, tenant }: Kind, { method, path }: Operation): boolean {
  const isUnderTenant = path.startsWith('/v1/tenants/{tenant}')
  const isOperators =
    /^\/v1\/(api-keys|audit|encryption-keys|settings|sessions|sign-in-links|portal)/.test(path) ||
    (method !== 'GET' &&
      (path.startsWith('/v1/replays') ||
        path.startsWith('/v1/event-types') ||
        ['/v1/tenants/{tenant}', '/v1/tenants/{tenant}/erase'].includes(path)))
  if (isOperators) return scope === 'all' && tenant === null
  const isPublishing = method === 'POST' && path === '/v1/tenants/{tenant}/events'
  const isReading = method === 'GET' || path.endsWith('/filter-trials')
  const isInScope = scope === 'all' || (isPublishing ? scope === 'publish' : scope === 'read' && isReading)
  const isShared = path.startsWith('/v1/event-types') || ['/v1/egress', '/v1/schedule-preview'].includes(path)
  return isInScope && (tenant === null || isShared || (isUnderTenant && tenant === 'acme'))
}

/** Calls with unknown ids, so that allowed calls change nothing. */
async function call({ method, path }: Operation, key: string | null, tenant = 'acme') {
  // A search must name what to search for. A stream would not end.
  const query = path.endsWith('/search') ? '?q=unknown' : path.endsWith('/stream') ? '?kind=unknown' : ''
  const url = path.replace('{tenant}', tenant).replace(/\{\w+\}/g, 'unknown') + query
  return bench.send(method, url, { key, ...(method === 'GET' || method === 'DELETE' ? {} : { body: '[' }) })
}

describe('each call', () => {
  it('is in the table, which lists nothing else', () => {
    expect(operations.map(({ id }) => id).sort()).toEqual(Object.keys(EXPECTED).sort())
  })

  it('needs the access that the table says', () => {
    expect(accessOfRoutes({ metricsOpen: false })).toEqual(EXPECTED)
    expect(accessOfRoutes({ metricsOpen: true })).toEqual({ ...EXPECTED, getMetrics: 'open' })
  })

  it.each(KINDS)(
    'is allowed or forbidden for a key with the scope $scope and the tenant $tenant, as documented',
    async kind => {
      const { secret } = await bench.apiKeys.create({ name: 'k', ...kind })
      for (const operation of ofKeys) {
        const may = mayCall(kind, operation)
        const tenant = may && operation.id.endsWith('eteTenant') ? 'unknown' : 'acme'
        const { status, body } = await call(operation, secret, tenant)
        const what = `${operation.id} → ${status} ${JSON.stringify(body)}`
        if (may) expect([200, 202, 204, 400, 404, 422], what).toContain(status)
        else expect([status, body.code], what).toEqual([403, 'forbidden'])
      }
    },
  )

  it('is allowed with the root key, and refused without a valid key', async () => {
    const revoked = await bench.apiKeys.create({ name: 'k', scope: 'all' })
    await bench.apiKeys.revoke(revoked.key.id)
    for (const operation of ofKeys) {
      const tenant = operation.id.endsWith('eteTenant') ? 'unknown' : 'acme'
      expect([200, 400, 404, 422], operation.id).toContain((await call(operation, KEY, tenant)).status)
      for (const key of [null, `${revoked.secret}x`, revoked.secret]) {
        expect((await call(operation, key)).status, operation.id).toBe(401)
      }
      if (operation.method === 'GET') {
        const { secret } = await bench.apiKeys.create({ name: 'k', scope: 'publish' })
        const url = operation.path.replace(/\{\w+\}/g, 'acme')
        expect((await bench.send('HEAD', url, { key: secret })).status, operation.id).toBe(403)
      }
    }
  }, 60_000)
})

describe('a key of one tenant', () => {
  it('gets the same response for a tenant that exists and for one that does not', async () => {
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'acme' })
    for (const path of ['', '/endpoints', '/events', '/deliveries', '/endpoints/x', '/events?cursor=!']) {
      const there = await bench.get(`/v1/tenants/beta${path}`, { key })
      const notThere = await bench.get(`/v1/tenants/unknown${path}`, { key })
      expect([there.status, there.body]).toEqual([403, notThere.body])
    }
  })

  it('is limited to its tenant, however the path is written', async () => {
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'acme' })
    expect((await bench.get('/v1/tenants/%61cme', { key })).status).toBe(200)
    for (const tenant of ['b%65ta', 'acme%2f..%2fbeta', 'acme;beta', 'ACME', 'acme%00', 'acme%2Fendpoints']) {
      const { status } = await bench.get(`/v1/tenants/${tenant}/endpoints`, { key })
      expect([403, 404], tenant).toContain(status)
    }
  })

  it('with the scope publish can publish to its tenant and read nothing', async () => {
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'publish', tenant: 'acme' })
    const event = '{"type":"COVER_REFERENCE","payload":{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc"}}'
    expect((await bench.post('/v1/tenants/acme/events', event, { key })).status).toBe(202)
    expect((await bench.post('/v1/tenants/beta/events', event, { key })).status).toBe(403)
    expect((await bench.get('/v1/tenants/acme/events', { key })).status).toBe(403)
    expect((await bench.get('/v1/nothing', { key })).status).toBe(404)
  })
})
