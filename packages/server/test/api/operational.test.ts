import { describe, expect, it } from 'vitest'
import { OPERATIONAL_TYPES } from '../../src/catalogue/operational-types.ts'
import { compileSchema } from '../../src/catalogue/schema.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, put, patch, remove } = bench
const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const input = { url: 'https://hooks.example.com/ops', clientSecret: SECRET, types: ['posthorn.endpoint.disabled'] }
const type = {
  group: 'g',
  description: 'd',
  schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
  example: { id: '1' },
}

describe('operational event types', () => {
  it('have examples that satisfy their schemas', () => {
    for (const { name, schema, example } of OPERATIONAL_TYPES) {
      const compiled = compileSchema(schema)
      expect(compiled.ok && compiled.validate(example), name).toEqual([])
    }
  })

  it('are listed and marked, and cannot be changed, deleted or published', async () => {
    const { data } = (await get('/v1/event-types?limit=1000')).body
    const marked = data.filter(({ operational }: Json) => operational).map(({ name }: Json) => name)
    expect(marked).toEqual(OPERATIONAL_TYPES.map(({ name }) => name))
    expect((await get('/v1/event-types/posthorn.node.lost')).body).toMatchObject({ operational: true, schedule: null })
    expect(refused(await put('/v1/event-types/posthorn.node.lost', type))).toEqual([422, 'invalid', ['name']])
    expect(refused(await put('/v1/event-types/posthorn.mine', type))).toEqual([422, 'invalid', ['name']])
    expect((await remove('/v1/event-types/posthorn.node.lost')).status).toBe(409)
    const event = { type: 'posthorn.node.lost', payload: {} }
    expect(refused(await post('/v1/tenants/acme/events', event))).toEqual([422, 'invalid', ['/type']])
  })

  it('are sent only to endpoints that name them, and can be tested there', async () => {
    const named = await post('/v1/tenants/acme/endpoints', input)
    expect([named.status, named.body.types]).toEqual([201, input.types])
    const tested = await post(`/v1/tenants/acme/endpoints/${named.body.id}/test`)
    expect([tested.status, tested.body.type]).toEqual([202, 'posthorn.endpoint.disabled'])
    const wrong = await post('/v1/tenants/acme/endpoints', { ...input, types: ['posthorn.nothing'] })
    expect(refused(wrong)).toEqual([422, 'invalid', ['/types/0']])
    await post('/v1/tenants/acme/endpoints', { ...input, types: null })
    const event = { type: 'posthorn.endpoint.disabled', key: 'k', payload: Buffer.from('{}') }
    await bench.publisher.publishOperational('acme', event)
    await bench.publisher.publishOperational('acme', event)
    await bench.publisher.publishOperational('unknown', event)
    const got = (await bench.list()).filter(delivery => !delivery.test)
    expect(got.map(({ endpoint }) => endpoint)).toEqual([named.body.id])
    await bench.publisher.publishOperational('acme', { ...event, key: 'l', type: 'posthorn.node.lost' })
    expect((await bench.list()).length).toBe(2)
  })
})

describe('a replay', () => {
  it('is reported once when it has ended', async () => {
    await post('/v1/tenants/posthorn/endpoints', { ...input, types: ['posthorn.replay.finished'] })
    const made = await post('/v1/tenants/acme/replays', { key: 'empty' })
    expect(made.status).toBe(202)
    await post('/v1/tenants/acme/replays', { key: 'empty' })
    const notices = await bench.store.write('claimNotices', { nowMs: bench.store.now() })
    expect(notices.map(({ type: name }) => name)).toEqual(['posthorn.replay.finished'])
    const payload = JSON.parse(notices[0]!.payload)
    expect(payload).toMatchObject({ tenant: 'acme', replay: made.body.id, key: 'empty', state: 'done', deliveries: 0 })
    const compiled = compileSchema(OPERATIONAL_TYPES.find(({ name }) => name === notices[0]!.type)!.schema)
    expect(compiled.ok && compiled.validate(payload)).toEqual([])
  })
})

describe("the operator's tenant", () => {
  it('exists without being listed, and cannot be changed', async () => {
    expect((await get('/v1/tenants/posthorn')).body.id).toBe('posthorn')
    expect((await get('/v1/tenants')).body.data.map(({ id }: Json) => id)).toEqual(['acme'])
    expect((await put('/v1/tenants/posthorn', { name: 'mine' })).status).toBe(409)
    expect((await remove('/v1/tenants/posthorn')).status).toBe(409)
    const event = { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }
    expect((await post('/v1/tenants/posthorn/events', event)).status).toBe(409)
    expect((await post('/v1/api-keys', { name: 'k', scope: 'all', tenant: 'posthorn' })).status).toBe(422)
  })

  it('has only endpoints for operational types, created with a key of scope all for all tenants', async () => {
    const path = '/v1/tenants/posthorn/endpoints'
    const made = await post(path, input)
    expect(made.status).toBe(201)
    for (const types of [undefined, null, ['COVER_REFERENCE'], ['posthorn.node.lost', 'COVER_REFERENCE']]) {
      expect(refused(await post(path, { ...input, types }))).toEqual([422, 'invalid', ['/types']])
    }
    expect((await patch(`${path}/${made.body.id}`, { types: null })).status).toBe(422)
    expect((await patch(`${path}/${made.body.id}`, { types: ['posthorn.node.lost'] })).status).toBe(200)
    for (const [scope, tenant] of [
      ['all', 'acme'],
      ['publish', null],
      ['read', null],
    ] as const) {
      const { secret: key } = await bench.apiKeys.create({ name: 'k', scope, tenant })
      expect((await post(path, input, { key })).status, scope).toBe(403)
    }
    const { secret: key } = await bench.apiKeys.create({ name: 'k', scope: 'all' })
    expect((await post(path, { ...input, url: 'https://hooks.example.com/b' }, { key })).status).toBe(201)
  })
})

describe('C12: retry schedules', () => {
  it('of event types are set, checked and returned with the type', async () => {
    const made = await put('/v1/event-types/SLOW', { ...type, schedule: [5, 10] })
    expect([made.status, made.body.schedule]).toEqual([201, [5, 10]])
    expect((await get('/v1/event-types/SLOW')).body.schedule).toEqual([5, 10])
    expect((await put('/v1/event-types/SLOW', { ...type, schedule: null })).body.schedule).toBeNull()
    const bad = await put('/v1/event-types/SLOW', { ...type, schedule: [5, 0] })
    expect(refused(bad)).toEqual([422, 'invalid', ['/schedule/1']])
    expect((await put('/v1/event-types/SLOW', { ...type, schedule: Array(31).fill(1) })).status).toBe(422)
  })

  it("are previewed: an endpoint's own comes before its type's, which comes before the operator's", async () => {
    await put('/v1/event-types/SLOW', { ...type, schedule: [5, 10] })
    const { id } = (await post('/v1/tenants/acme/endpoints', { ...input, types: ['SLOW'] })).body
    const path = `/v1/tenants/acme/endpoints/${id}`
    const of = async (url: string) => {
      const { source, schedule } = (await get(url)).body
      return [source, schedule]
    }
    expect(await of(`${path}/schedule`)).toEqual(['setting', [30, 60, 120]])
    expect(await of(`${path}/schedule?type=SLOW`)).toEqual(['type', [5, 10]])
    expect(await of(`${path}/schedule?type=COVER_REFERENCE`)).toEqual(['setting', [30, 60, 120]])
    await patch(path, { schedule: [7] })
    expect(await of(`${path}/schedule?type=SLOW`)).toEqual(['endpoint', [7]])
    expect(await of('/v1/schedule-preview?type=SLOW')).toEqual(['type', [5, 10]])
    expect(await of('/v1/schedule-preview')).toEqual(['setting', [30, 60, 120]])
    expect(await of('/v1/schedule-preview?schedule=')).toEqual(['given', []])
    expect((await get('/v1/schedule-preview?schedule=30,60,0.5e9')).status).toBe(422)
    expect((await get('/v1/schedule-preview?schedule=30,60.5')).body).toEqual({
      schedule: [30, 60.5],
      source: 'given',
      retries: [
        { attempt: 2, waitSeconds: 30, earliestSeconds: 30, latestSeconds: 33 },
        { attempt: 3, waitSeconds: 60.5, earliestSeconds: 90.5, latestSeconds: 99.55 },
      ],
    })
    for (const bad of ['30,,60', '-1', 'x', '604801', Array(31).fill('1').join(',')]) {
      expect((await get(`/v1/schedule-preview?schedule=${encodeURIComponent(bad)}`)).status, bad).toBe(422)
    }
    expect(refused(await get('/v1/schedule-preview?type=NO_SUCH'))).toEqual([422, 'invalid', ['type']])
    expect((await get('/v1/tenants/acme/endpoints/ep_01jy4k8v3xf0c8wq2rn5s7t9ab/schedule')).status).toBe(404)
  })
})
