import { beforeAll, describe, expect, it } from 'vitest'
import { add, currentSurface, missingIn, readSurface, type Surface } from './surface.ts'

describe('what semantic versioning covers', () => {
  let current: Surface
  beforeAll(async () => {
    current = await currentSurface()
  })

  it('loses no name without a major version', () => {
    const gone = missingIn(current, readSurface())
    expect(
      gone,
      'These names are in docs/surface.json and no longer exist. Someone may depend on them: restore them (a deprecated ' +
        'name can stay next to the new one). If this is to be a major version, remove them from docs/surface.json by ' +
        'hand and say so under "Removed" in CHANGELOG.md.',
    ).toEqual([])
  })

  it('is listed completely', () => {
    const unlisted = missingIn(readSurface(), current)
    expect(unlisted, 'These names are new. From now on they can be depended on: npm run surface lists them.').toEqual(
      [],
    )
  })

  it('has names in every part', () => {
    for (const [part, names] of Object.entries(current)) expect(names.length, part).toBeGreaterThan(0)
    expect(current['API operations']).toContain('POST /v1/tenants/{tenant}/events')
    expect(current['API operations']).toContain('GET /v1/tenants/{tenant}/deliveries ?state')
    expect(current['API members']).toContain('Delivery.state = exhausted')
    expect(current['operational events']).toContain('posthorn.delivery.exhausted.deliveries[].key')
    expect(current['SQL functions']![0]).toContain('posthorn.publish(tenant text, type text, payload json')
    expect(current.metrics).toContain('posthorn_deliveries_total{state="exhausted"}')
    expect(current['log fields']).toEqual(expect.arrayContaining(['errorCode', 'dueAt', 'drainTimeoutMs', 'url']))
    expect(current['command line']).toEqual(
      expect.arrayContaining([
        'posthorn serve --port <value>',
        'posthorn encryption-keys rotate',
        'posthorn backup <file>',
      ]),
    )
    expect(current.client).toContain('@posthorn/client/express: webhook')
  })

  it('keeps a name that disappeared when new ones are added', () => {
    const listed = { metrics: ['gone'], client: ['a'] }
    expect(add(listed, { metrics: ['new'], 'exit codes': ['0 ok'] })).toEqual({
      metrics: ['gone', 'new'],
      client: ['a'],
      'exit codes': ['0 ok'],
    })
    expect(missingIn({ metrics: ['new'] }, listed)).toEqual(['metrics: gone', 'client: a'])
  })
})
