import { describe, expect, it } from 'vitest'
import { fail, ok, warn } from '../../src/base/findings.ts'
import { loadConfig } from '../../src/config/config.ts'
import { settingsInEffect } from '../../src/config/in-effect.ts'
import { NODE } from '../services/setup.ts'
import { useApi } from './setup.ts'

const bench = useApi()

describe('GET /v1/nodes', () => {
  it('lists the one node of an embedded store, with its partitions', async () => {
    const before = await bench.get('/v1/nodes')
    expect(before.body.data).toMatchObject([{ id: NODE, answered: true, state: 'running', partitions: [] }])
    expect(before.body.unassigned.partitions).toHaveLength(256)
    await bench.store.write('takePartitions', { node: Buffer.from(NODE, 'hex') })
    const { body } = await bench.get('/v1/nodes')
    expect(body.data[0].partitions).toHaveLength(256)
    expect(body.data[0]).toMatchObject({ version: '0.0.0-test', role: 'all', load: { inFlight: 12 } })
    expect(body.unassigned).toEqual({ partitions: [], backlog: { pending: 0, due: 0, lagMs: 0 } })
  })
})

describe('GET /v1/settings', () => {
  it('shows every setting with its source, and no secret', async () => {
    const secret = 'a-key-that-no-one-may-see'
    const env = { POSTHORN_API_KEY: secret, POSTHORN_MAX_BATCH: '7' }
    const loaded = loadConfig({ flags: {}, env, readFile: () => '' })
    if (!loaded.ok) throw new Error(loaded.problems.join())
    await bench.useServices({}, { settings: () => settingsInEffect(loaded.config, loaded.origins) })
    const { body, text } = await bench.get('/v1/settings')
    expect(text).not.toContain(secret)
    expect(body.node).toBe(NODE)
    const named = (name: string) => body.data.find((each: { name: string }) => each.name === name)
    expect(named('apiKey')).toMatchObject({ value: null, secret: true, set: true, source: 'environment', flag: null })
    expect(named('maxBatch')).toMatchObject({ value: 7, default: 1000, source: 'environment', needsRestart: true })
    expect(named('targetPorts')).toMatchObject({ value: ['443', '1024-65535'], source: 'default' })
    expect(named('config')).toMatchObject({ value: null, set: false, inFile: false })
  })
})

describe('GET /v1/checks', () => {
  it('shows the findings, with the worst level of all', async () => {
    const levels = async (...findings: ReturnType<typeof ok>[]) => {
      await bench.useServices({}, { checks: async () => ({ findings, checkedAtMs: 0, durationMs: 5 }) })
      return (await bench.get('/v1/checks')).body
    }
    expect((await levels(ok('disk', '9 GiB free'))).level).toBe('ok')
    expect((await levels(warn('disk', '1 GiB free', 'free some'), ok('schema', 'current'))).level).toBe('warn')
    const body = await levels(fail('disk', 'full', 'free some'), warn('clock', '3 s slow', 'run a time service'))
    expect(body).toEqual({
      level: 'fail',
      node: NODE,
      checkedAt: '1970-01-01T00:00:00.000Z',
      durationMs: 5,
      data: [
        { level: 'fail', part: 'disk', message: 'full', advice: 'free some' },
        { level: 'warn', part: 'clock', message: '3 s slow', advice: 'run a time service' },
      ],
    })
  })
})
