import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCESS } from '../../src/api/access.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { ApiKeyScope } from '../../src/base/model.ts'
import { ApiBench, KEY } from './setup.ts'

const bench = new ApiBench()
type Kind = { scope: ApiKeyScope; tenant: string | null }
type Operation = { method: string; path: string; id: string }
let operations: Operation[]

const SCOPES = ['all', 'publish', 'read'] as const
const KINDS: Kind[] = [null, 'acme', 'beta'].flatMap(tenant => SCOPES.map(scope => ({ scope, tenant })))

beforeAll(async () => {
  // There are more wrong keys than are answered at once.
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
})
afterAll(() => bench.closeApi())

/** The rules as docs/api-keys.md tells them, told again from methods and paths: not by the table that is tested. */
function mayCall({ scope, tenant }: Kind, { method, path }: Operation): boolean {
  const isUnderTenant = path.startsWith('/v1/tenants/{tenant}')
  const isOperators =
    /^\/v1\/(api-keys|audit|encryption-keys)/.test(path) ||
    (method !== 'GET' &&
      (path.startsWith('/v1/event-types') || ['/v1/tenants/{tenant}', '/v1/tenants/{tenant}/erase'].includes(path)))
  if (isOperators) return scope === 'all' && tenant === null
  const isPublishing = method === 'POST' && path === '/v1/tenants/{tenant}/events'
  const isInScope = scope === 'all' || (isPublishing ? scope === 'publish' : scope === 'read' && method === 'GET')
  const isShared = path.startsWith('/v1/event-types') || ['/v1/egress', '/v1/schedule-preview'].includes(path)
  return isInScope && (tenant === null || isShared || (isUnderTenant && tenant === 'acme'))
}

/** With ids that nobody has, so that what may be called does nothing. */
async function call({ method, path }: Operation, key: string | null, tenant = 'acme') {
  const url = path.replace('{tenant}', tenant).replace(/\{\w+\}/g, 'nobody')
  return bench.send(method, url, { key, ...(method === 'GET' || method === 'DELETE' ? {} : { body: '[' }) })
}

describe('each call', () => {
  it('is in the table, which has no others', () => {
    expect(operations.map(({ id }) => id).sort()).toEqual(Object.keys(ACCESS).sort())
  })

  it.each(KINDS)('may be made by a key of scope $scope and tenant $tenant, or is forbidden', async kind => {
    const { secret } = await bench.apiKeys.create({ name: 'k', ...kind })
    for (const operation of operations.filter(({ path }) => path.startsWith('/v1'))) {
      const may = mayCall(kind, operation)
      const tenant = may && operation.id.endsWith('eteTenant') ? 'nobody' : 'acme'
      const { status, body } = await call(operation, secret, tenant)
      const what = `${operation.id} → ${status} ${JSON.stringify(body)}`
      if (may) expect([200, 202, 204, 400, 404, 422], what).toContain(status)
      else expect([status, body.code], what).toEqual([403, 'forbidden'])
    }
  })

  it('may be made by the root key, and needs a key that counts', async () => {
    const revoked = await bench.apiKeys.create({ name: 'k', scope: 'all' })
    await bench.apiKeys.revoke(revoked.key.id)
    for (const operation of operations.filter(({ path }) => path.startsWith('/v1'))) {
      const tenant = operation.id.endsWith('eteTenant') ? 'nobody' : 'acme'
      expect([200, 400, 404], operation.id).toContain((await call(operation, KEY, tenant)).status)
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
  it('is told the same of a tenant that exists and of one that does not', async () => {
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'acme' })
    for (const path of ['', '/endpoints', '/events', '/deliveries', '/endpoints/x', '/events?cursor=!']) {
      const there = await bench.get(`/v1/tenants/beta${path}`, { key })
      const notThere = await bench.get(`/v1/tenants/nobody${path}`, { key })
      expect([there.status, there.body]).toEqual([403, notThere.body])
    }
  })

  it('is held to its tenant however the path is written', async () => {
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'acme' })
    expect((await bench.get('/v1/tenants/%61cme', { key })).status).toBe(200)
    for (const tenant of ['b%65ta', 'acme%2f..%2fbeta', 'acme;beta', 'ACME', 'acme%00', 'acme%2Fendpoints']) {
      const { status } = await bench.get(`/v1/tenants/${tenant}/endpoints`, { key })
      expect([403, 404], tenant).toContain(status)
    }
  })

  it('publishes to its tenant, and nothing of it can be read by a key that publishes', async () => {
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'publish', tenant: 'acme' })
    const event = '{"type":"COVER_REFERENCE","payload":{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc"}}'
    expect((await bench.post('/v1/tenants/acme/events', event, { key })).status).toBe(202)
    expect((await bench.post('/v1/tenants/beta/events', event, { key })).status).toBe(403)
    expect((await bench.get('/v1/tenants/acme/events', { key })).status).toBe(403)
    expect((await bench.get('/v1/nothing', { key })).status).toBe(404)
  })
})
