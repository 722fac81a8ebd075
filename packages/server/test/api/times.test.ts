import { describe, expect, it } from 'vitest'
import { firstIdAt, idBytes } from '../../src/base/ids.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()

/** Every schema of a parameter or a body, with the operation's id and the schema's place in it. */
function inputsOf(document: Json): { place: string; schema: Json }[] {
  const found: { place: string; schema: Json }[] = []
  const visit = (place: string, schema: Json): void => {
    if (typeof schema !== 'object' || schema === null) return
    found.push({ place, schema })
    for (const [name, inner] of Object.entries(schema)) visit(`${place}/${name}`, inner)
  }
  for (const item of Object.values(document.paths) as Json[]) {
    for (const { operationId, parameters = [], requestBody } of Object.values(item) as Json[]) {
      for (const { name, schema } of parameters) visit(`${operationId} ${name}`, schema)
      visit(`${operationId} body`, requestBody?.content['application/json']?.schema.properties)
    }
  }
  return found
}

describe('a date alone', () => {
  it('can be given wherever the document lets a time be given', () => {
    const places = inputsOf(bench.document)
    const times = places.filter(({ schema }) => schema.anyOf?.[0]?.format === 'date-time')
    for (const { place, schema } of times)
      expect(schema.anyOf, place).toEqual([{ format: 'date-time' }, { format: 'date' }])
    expect(times.map(({ place }) => place)).toEqual(expect.arrayContaining(['createReplay body/from', 'listAudit to']))
    // No other input has the format of a time.
    const inner = places.filter(({ schema }) => schema.format === 'date-time' && schema.type !== undefined)
    expect(inner.map(({ place }) => place)).toEqual([])
  })

  it('is midnight UTC in queries: what was made then is in, what was made before is not', async () => {
    const midnightMs = Date.parse('2026-11-28T00:00:00Z')
    for (const ms of [midnightMs - 1, midnightMs, midnightMs + 1]) {
      const values = [idBytes(firstIdAt('evt', ms)), Buffer.from('{}'), ms]
      await bench.run(
        `insert into event (tenant, id, type, payload, test, deliveries, not_sent, created_ms)
         values ('acme', $1, 'T', $2, 0, 0, '{}', $3)`,
        values,
      )
    }
    const times = async (query: string) =>
      (await bench.get(`/v1/tenants/acme/events?${query}`)).body.data.map(({ createdAt }: Json) => createdAt)
    const [before, at, after] = ['2026-11-27T23:59:59.999Z', '2026-11-28T00:00:00.000Z', '2026-11-28T00:00:00.001Z']
    expect(await times('from=2026-11-28')).toEqual([after, at])
    expect(await times('to=2026-11-28')).toEqual([before])
    expect(await times('from=2026-11-28&to=2026-11-29')).toEqual([after, at])
    const { from, to } = (await bench.get('/v1/tenants/acme/stats?from=2026-11-28&to=2026-11-29&step=hour')).body
    expect([from, to]).toEqual([at, '2026-11-29T00:00:00.000Z'])
    for (const path of ['deliveries', 'stats']) {
      expect((await bench.get(`/v1/tenants/acme/${path}?from=2026-11-28`)).status, path).toBe(200)
    }
    expect((await bench.get('/v1/audit?from=2026-11-28&to=2026-11-29')).status).toBe(200)
  })

  it('is midnight UTC in bodies', async () => {
    const key = (await bench.post('/v1/api-keys', { name: 'k', scope: 'all', expiresAt: '2126-11-28' })).body
    expect(key.expiresAt).toBe('2126-11-28T00:00:00.000Z')
    const replay = { key: 'x', from: '2026-11-28', to: '2026-11-29' }
    expect((await bench.post('/v1/tenants/acme/replays', replay)).status).toBe(202)
    expect((await bench.get('/v1/tenants/acme/replays/x')).body).toMatchObject({
      from: '2026-11-28T00:00:00.000Z',
      to: '2026-11-29T00:00:00.000Z',
    })
    const endpoint = await bench.endpoint()
    const patch = { clientSecret: 'bmV3LXNlY3JldC1vZi1hY21l', switchAt: '2126-11-28' }
    const { body } = await bench.patch(`/v1/tenants/acme/endpoints/${endpoint}`, patch)
    expect(body.nextSecret.switchAt).toBe('2126-11-28T00:00:00.000Z')
  })

  it('must be a day that exists', async () => {
    const answer = await bench.get('/v1/tenants/acme/events?from=2026-02-30')
    expect(refused(answer)).toEqual([422, 'invalid', ['from']])
    expect(answer.body.detail).toContain('2026-01-31 for midnight UTC')
    expect(refused(await bench.post('/v1/tenants/acme/replays', { to: '2026-11-31' }))).toEqual([
      422,
      'invalid',
      ['/to'],
    ])
  })
})
