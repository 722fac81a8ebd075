import { describe, expect, it } from 'vitest'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, put, patch, remove } = bench
const TENANT = '/v1/tenants/acme'
const EVENTS = `${TENANT}/events`
const ENDPOINTS = `${TENANT}/endpoints`
const NEW = { url: 'https://hooks.example.com/a', clientSecret: SECRET }
const NO_FIELDS: string[] = []
const type = (properties: object) => ({
  group: 'g',
  description: 'd',
  schema: { type: 'object', required: ['id'], properties },
  example: { id: 'x' },
})

describe('C1: event types over time', () => {
  it('take schemas from OpenAPI documents, with warnings where payloads are not checked by them', async () => {
    const given = type({ id: { type: 'string', format: 'order-id' }, kind: { xml: { attribute: true } } })
    const made = await put('/v1/event-types/T', given)
    expect([made.status, made.body.warnings]).toEqual([
      201,
      [
        {
          code: 'schema_format_unknown',
          detail: 'Unknown format `order-id`: payloads are not checked by it.',
          field: '/schema/properties/id/format',
        },
        {
          code: 'schema_keyword_ignored',
          detail: '`xml` is a keyword of OpenAPI. It is kept, but payloads are not checked by it.',
          field: '/schema/properties/kind/xml',
        },
      ],
    ])
    expect((await get('/v1/event-types/T')).body.schema).toEqual(given.schema)
    expect((await post(EVENTS, { type: 'T', payload: { id: 'x' } })).status).toBe(202)
    expect(refused(await post(EVENTS, { type: 'T', payload: { id: 7 } }))).toEqual([422, 'invalid', ['/payload/id']])
    const corrected = await put('/v1/event-types/T', type({ id: { type: 'string' } }))
    expect([corrected.status, corrected.body.warnings]).toEqual([200, []])
    const unknown = type({ id: { discriminater: 1 } })
    expect(refused(await put('/v1/event-types/T', unknown))).toEqual([
      422,
      'invalid',
      ['/schema/properties/id/discriminater'],
    ])
  })

  it('can be archived and unarchived, and are refused in the meantime with an error code of their own', async () => {
    const { body: endpoint } = await post(ENDPOINTS, { ...NEW, types: [TYPE] })
    const archived = await post(`/v1/event-types/${TYPE}/archive`)
    expect([archived.status, archived.body.name]).toEqual([200, TYPE])
    expect(archived.body.archivedAt).toMatch(/^\d{4}-/)
    expect((await get(`/v1/event-types/${TYPE}`)).body).toEqual(archived.body)
    const listed = (await get('/v1/event-types?limit=1000')).body.data
    expect(listed.filter(({ archivedAt }: Json) => archivedAt !== null)).toEqual([archived.body])

    const event = `{"type":"${TYPE}","payload":${PAYLOAD}}`
    expect(refused(await post(EVENTS, event))).toEqual([409, 'event_type_archived', ['/type']])
    const naming = await post(ENDPOINTS, { ...NEW, types: ['GRADE_CHANGED', TYPE] })
    expect(refused(naming)).toEqual([409, 'event_type_archived', ['/types/1']])
    const changed = await patch(`${ENDPOINTS}/${endpoint.id}`, { description: 'x' })
    expect([changed.status, changed.body.types]).toEqual([200, [TYPE]])
    expect(changed.body.warnings.map(({ code }: Json) => code)).toContain('event_type_archived')
    const test = await post(`${ENDPOINTS}/${endpoint.id}/test`, { type: TYPE })
    expect(refused(test)).toEqual([409, 'event_type_archived', ['/type']])

    expect((await post(`/v1/event-types/${TYPE}/unarchive`)).body.archivedAt).toBeNull()
    expect((await post(EVENTS, event)).body.deliveries).toBe(1)
    expect(refused(await post('/v1/event-types/NONE/archive'))).toEqual([404, 'not_found', NO_FIELDS])
    const { data } = (await get('/v1/audit')).body
    expect(data.map(({ action }: Json) => action).filter((action: string) => action.includes('archived'))).toEqual([
      'unarchived',
      'archived',
    ])
  })

  it('refuse a schema that would reject recent events, unless it is forced', async () => {
    await put('/v1/event-types/T', type({}))
    await post(EVENTS, { type: 'T', payload: { id: 7 } })
    const stricter = type({ id: { type: 'string' } })
    const answer = await put('/v1/event-types/T', stricter)
    expect(refused(answer)).toEqual([409, 'schema_conflict', ['/schema']])
    expect(answer.body.errors[0].detail).toMatch(/^\/id: The value must be of type string\. \(1 of 1, such as evt_/)
    expect((await put('/v1/event-types/T?force=false', stricter)).status).toBe(409)
    expect(refused(await put('/v1/event-types/T?force=yes', stricter))).toEqual([422, 'invalid', ['force']])
    expect((await put('/v1/event-types/T?force=true', stricter)).status).toBe(200)
    expect((await get('/v1/event-types/T')).body.schema).toEqual(stricter.schema)
    expect(refused(await post(EVENTS, { type: 'T', payload: { id: 7 } }))[2]).toEqual(['/payload/id'])
  })
})

describe('C2: an endpoint', () => {
  it('selects types by pattern and payloads by filter, and null removes the filter', async () => {
    const filter = { kind: ['a', 1, null], deep: { n: { gte: 1.5, lt: 2 }, anyOf: [{ x: { exists: false } }, ['y']] } }
    const made = await post(ENDPOINTS, { ...NEW, types: ['COVER_*'], filter })
    expect([made.status, made.body.types, made.body.filter]).toEqual([201, ['COVER_*'], filter])
    const url = `${ENDPOINTS}/${made.body.id}`
    expect((await get(url)).body.filter).toEqual(filter)
    expect((await get(ENDPOINTS)).body.data[0].filter).toEqual(filter)
    expect((await patch(url, { filter: { kind: ['b'] } })).body.filter).toEqual({ kind: ['b'] })
    expect((await patch(url, { filter: null })).body.filter).toBeNull()
    const { data } = (await get('/v1/audit')).body
    expect(data[0]).toMatchObject({ action: 'updated', fields: ['filter'] })
  })

  it('is refused with the place of each fault in its filter', async () => {
    const filter = { status: 'Quoted', 'a/b': { gte: 'x' }, list: [{}], '': [] }
    const answer = await post(ENDPOINTS, { ...NEW, types: ['NO WAY*'], filter })
    const fields = ['/types/0', '/filter/status', '/filter/a~1b/gte', '/filter/list/0', '/filter/']
    expect(refused(answer)).toEqual([422, 'invalid', fields])
    expect(refused(await post(ENDPOINTS, { ...NEW, filter: [] }))).toEqual([422, 'invalid', ['/filter']])
    expect(refused(await post(ENDPOINTS, { ...NEW, filter: {} }))).toEqual([422, 'invalid', ['/filter']])
    const large = `{"url":"${NEW.url}","clientSecret":"${SECRET}","filter":{"n":[12345678901234567891]}}`
    expect((await post(ENDPOINTS, large)).status).toBe(422)
    const twice = `{"url":"${NEW.url}","clientSecret":"${SECRET}","filter":{"n":[1],"n":[2]}}`
    expect((await post(ENDPOINTS, twice)).body.errors[0].reason).toBe('duplicate_key')
  })
})

describe('an event', () => {
  it('shows its outcome at each endpoint of its tenant, with the reason', async () => {
    await put('/v1/event-types/T', type({}))
    const endpoint = async (over: object) => (await post(ENDPOINTS, { ...NEW, ...over })).body.id as string
    const wanting = await endpoint({})
    const disabled = await endpoint({ types: ['T'] })
    const other = await endpoint({ types: [TYPE] })
    const filtered = await endpoint({ filter: { kind: ['b'] } })
    const gone = await endpoint({})
    await post(`${ENDPOINTS}/${disabled}/disable`)
    await remove(`${ENDPOINTS}/${gone}`)
    const published = (await post(EVENTS, { type: 'T', payload: { id: 1, kind: 'a' } })).body
    expect([published.deliveries, published.notSent]).toEqual([2, { type: 1, filter: 1 }])
    const later = await endpoint({})

    const { body } = await get(`${EVENTS}/${published.id}`)
    const brief = ({ endpoint: id, state, reason, heldReason }: Json) => [id, state, reason, heldReason]
    expect(body.endpoints.map(brief)).toEqual([
      [later, 'not_made', 'registered_later', null],
      [gone, 'not_made', 'deleted', null],
      [filtered, 'not_made', 'filter', null],
      [other, 'not_made', 'type', null],
      [disabled, 'held', 'disabled', 'disabled'],
      [wanting, 'pending', null, null],
    ])
    expect(body.nextEndpoints).toBeNull()
    const { data: deliveries } = (await get(`${TENANT}/deliveries?endpoint=${wanting}`)).body
    expect(body.endpoints.at(-1)).toEqual({
      endpoint: wanting,
      endpointUid: null,
      endpointUrl: NEW.url,
      state: 'pending',
      reason: null,
      behind: null,
      heldReason: null,
      delivery: deliveries[0].id,
      deliveryCount: 1,
      attemptCount: 0,
      lastAttempt: null,
      nextAttemptAt: deliveries[0].nextAttemptAt,
      endedAt: null,
    })
    await post(`${TENANT}/deliveries/${deliveries[0].id}/cancel`)
    const [cancelled] = (await get(`${EVENTS}/${published.id}`)).body.endpoints.slice(-1)
    expect(cancelled).toMatchObject({ state: 'cancelled', reason: 'cancelled', nextAttemptAt: null })
    expect(cancelled.endedAt).toMatch(/^\d{4}-/)

    const paged: Json[] = []
    for (let cursor = ''; ; ) {
      const page = (await get(`${EVENTS}/${published.id}/endpoints?limit=4${cursor}`)).body
      paged.push(...page.data)
      if (page.nextCursor === null) break
      cursor = `&cursor=${page.nextCursor}`
    }
    expect(paged.map(({ endpoint: id }) => id)).toEqual(body.endpoints.map(({ endpoint: id }: Json) => id))
    expect(refused(await get(`${EVENTS}/evt_x/endpoints`))).toEqual([404, 'not_found', NO_FIELDS])
    const bad = await get(`${EVENTS}/${published.id}/endpoints?cursor=zz`)
    expect(refused(bad)).toEqual([422, 'invalid', ['cursor']])
    await bench.tenants.put('other', {})
    expect((await get(`/v1/tenants/other/events/${published.id}/endpoints`)).status).toBe(404)
  })
})
