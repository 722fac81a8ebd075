import { describe, expect, it } from 'vitest'
import { useApi } from './setup.ts'

const bench = useApi()

describe('GET /metrics', () => {
  it.each([
    ['all', null, 200],
    ['read', null, 200],
    ['publish', null, 403],
    ['all', 'acme', 403],
    ['read', 'acme', 403],
  ] as const)('responds to a key with the scope %s and the tenant %s with %i', async (scope, tenant, status) => {
    const { secret } = await bench.apiKeys.create({ name: 'k', scope, tenant })
    expect((await bench.get('/metrics', { key: secret })).status).toBe(status)
  })

  it('refuses calls without a valid key, and query parameters', async () => {
    expect((await bench.get('/metrics', { key: null })).status).toBe(401)
    expect((await bench.get('/metrics', { key: 'wrong' })).status).toBe(401)
    expect((await bench.get('/metrics?name=a')).status).toBe(422)
    const { status, text, headers } = await bench.get('/metrics')
    expect([status, text]).toEqual([200, '# HELP x\n'])
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4; charset=utf-8$/)
  })

  it('needs no key if metricsOpen is on, and works on a node that only sends deliveries', async () => {
    await bench.useServices({}, { metricsOpen: true, takesCalls: false })
    expect((await bench.get('/metrics', { key: null })).status).toBe(200)
    expect(bench.document.paths['/metrics'].get.security).toEqual([])
    await bench.useServices({}, { metricsOpen: false, takesCalls: false })
    expect((await bench.get('/metrics', { key: null })).status).toBe(401)
    expect((await bench.get('/metrics')).status).toBe(200)
  })

  it('reports a failure without its details', async () => {
    const metrics = async () => {
      throw new Error('hush')
    }
    await bench.useServices({}, { metrics })
    const { status, text } = await bench.get('/metrics')
    expect([status, text.includes('hush')]).toEqual([500, false])
  })
})
