import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { TypeSamples } from '../../src/catalogue/type-samples.ts'
import { EventTypes } from '../../src/services/event-types/event-types.ts'
import { refusal, useBench } from './setup.ts'

const bench = useBench()

const define = (properties: Record<string, unknown>, required: string[] = ['id']) => ({
  group: 'g',
  description: 'd',
  schema: { type: 'object', required, properties },
  example: { id: 'x', status: 'Quoted', n: 1 },
})
const ANY = define({})
const publish = (payload: unknown, tenant = 'acme') => bench.publish({ type: 'T', payload }, tenant)
const put = (input: ReturnType<typeof define>, options = {}) => bench.types.put('T', input, undefined, options)

/** Another node, which has published nothing and knows only what is stored. */
const onAnotherNode = (input: ReturnType<typeof define>) =>
  new EventTypes(bench.store, new TypeSamples(bench.store, systemClock)).put('T', input)

describe('C1: a new schema', () => {
  it('is refused if it would reject recent events, and the refusal says what and where, without values', async () => {
    await put(ANY)
    const { events } = await publish({ id: 'S3CRET-1', status: 'Quoted', items: [{ n: 'S3CRET' }, { n: 'S3CRET' }] })
    await publish({ id: 'S3CRET-2', status: 'Lost' })
    const stricter = define({
      status: { enum: ['Quoted'] },
      items: { type: 'array', items: { properties: { n: { type: 'number' } } } },
    })
    const refused = await refusal(put(stricter))
    expect(refused.code).toBe('schema_conflict')
    expect(refused.message).toContain('2 of the 2 recent events')
    expect(refused.message).toContain('?force=true')
    expect(refused.fields.map(({ field, reason }) => [field, reason])).toEqual([
      ['/schema', 'refuses_published'],
      ['/schema', 'refuses_published'],
    ])
    const details = refused.fields.map(({ detail }) => detail).sort()
    expect(details[0]).toMatch(/^\/items\/\*\/n: The value must be of type number\. \(2 of 2, such as evt_\w+\)$/)
    expect(details[0]).toContain(events[0]!.id)
    expect(details[1]).toContain('/status: The value must be one of "Quoted".')
    expect(JSON.stringify(refused.fields)).not.toContain('S3CRET')
    expect((await bench.types.get('T')).schema).toEqual(ANY.schema)
  })

  it('is accepted if it is forced, or if it accepts all recent events', async () => {
    await put(ANY)
    await publish({ id: 1 })
    expect((await refusal(put(define({ id: { type: 'string' } })))).code).toBe('schema_conflict')
    await put(define({ id: { type: ['string', 'number'] } }))
    await put(define({ id: { type: 'string' } }), { force: true })
    expect((await bench.types.get('T')).schema).toEqual(define({ id: { type: 'string' } }).schema)
    // Events that the current schema rejects can no longer be published, so they don't count.
    await put(define({ id: { type: 'string', maxLength: 5 } }))
  })

  it('is not checked if the schema does not change, or if the type is new', async () => {
    await put(ANY)
    await publish({ id: 1 })
    const { schema } = ANY
    const reordered = { properties: schema.properties, type: schema.type, required: schema.required }
    expect((await put({ ...ANY, group: 'h', schema: reordered })).type.group).toBe('h')
  })

  it('is not checked against tests or other types', async () => {
    await put(ANY)
    await bench.types.put('OTHER', ANY)
    await bench.publish({ type: 'OTHER', payload: { id: 1 } })
    const id = await bench.endpoint({ types: ['T'] })
    await bench.publisher.publishTest(await bench.endpoints.get('acme', id), 'T')
    await put({ ...define({ id: { type: 'string', minLength: 5 } }), example: { id: 'long enough', status: '', n: 1 } })
  })

  it('is checked against events of all tenants, delivered or not, even on a node that never saw them', async () => {
    await put(ANY)
    await bench.tenants.put('other', {})
    await publish({ id: 1 }, 'other')
    expect((await refusal(onAnotherNode(define({ id: { type: 'string' } })))).code).toBe('schema_conflict')
    // It doesn't need the stored samples either.
    await bench.run('delete from event_type_sample')
    expect((await refusal(onAnotherNode(define({ id: { type: 'string' } })))).code).toBe('schema_conflict')
  })

  it('is checked against rare events among many of another type, once they were recorded', async () => {
    await put(ANY)
    await bench.types.put('OTHER', ANY)
    await publish({ id: 1 })
    await bench.samples.stop()
    for (let batch = 0; batch < 3; batch++) {
      await bench.publish(Array.from({ length: 1_000 }, () => ({ type: 'OTHER', payload: { id: 'x' } })))
    }
    expect((await refusal(onAnotherNode(define({ id: { type: 'string' } })))).code).toBe('schema_conflict')
  })

  it('is checked against the newest events, and a bounded number of them is recorded', async () => {
    await put(ANY)
    for (let batch = 0; batch < 12; batch++) {
      await bench.publish(Array.from({ length: 50 }, (_, n) => ({ type: 'T', payload: { id: batch * 50 + n } })))
      await bench.samples.stop()
    }
    const found = await bench.store.read('findEventsOfType', { type: 'T', limit: 1_000, nowMs: bench.store.now() })
    expect(found).toHaveLength(500)
    const ids: unknown[] = []
    for await (const some of bench.samples.newest('T')) {
      for (const { payload } of some) ids.push((JSON.parse(Buffer.from(payload).toString()) as { id: number }).id)
    }
    expect(ids).toEqual(Array.from({ length: 500 }, (_, n) => 599 - n))
  })
})

describe('C1: an archived type', () => {
  it('is marked, can no longer be published, and can be unarchived', async () => {
    await put(ANY)
    const archived = await bench.types.archive('T')
    expect(archived.archivedAtMs).not.toBeNull()
    expect(await bench.types.archive('T')).toEqual(archived)
    expect((await bench.types.list()).find(({ name }) => name === 'T')).toEqual(archived)
    const refused = await refusal(publish({ id: 1 }))
    expect([refused.code, refused.fields[0]!.field]).toEqual(['event_type_archived', '/type'])
    // Replacing an archived type leaves it archived.
    expect((await put({ ...ANY, group: 'h' })).type.archivedAtMs).toBe(archived.archivedAtMs)
    expect((await bench.types.unarchive('T')).archivedAtMs).toBeNull()
    expect((await publish({ id: 1 })).events).toHaveLength(1)
    expect((await refusal(bench.types.archive('NONE'))).code).toBe('not_found')
  })

  it('is one fault among several in an array', async () => {
    await put(ANY)
    await bench.types.archive('T')
    const one = { type: 'T', payload: { id: 1 } }
    expect((await refusal(bench.publish([one, one]))).code).toBe('event_type_archived')
    const mixed = await refusal(bench.publish([one, { type: 'NONE', payload: {} }]))
    expect(mixed.code).toBe('invalid')
    expect(mixed.fields.map(({ field, reason }) => [field, reason])).toEqual([
      ['/0/type', 'event_type_archived'],
      ['/1/type', 'unknown_type'],
    ])
  })

  it('still reports repeated events as duplicates', async () => {
    await put(ANY)
    const event = { type: 'T', key: 'k', payload: { id: 1 } }
    const first = await bench.publish(event)
    await bench.types.archive('T')
    expect((await bench.publish(event)).events[0]).toMatchObject({ id: first.events[0]!.id, duplicate: true })
  })

  it('cannot be sent as a test', async () => {
    await put(ANY)
    const id = await bench.endpoint({ types: ['T', 'COVER_*'] })
    await bench.types.archive('T')
    const endpoint = await bench.endpoints.get('acme', id)
    expect((await refusal(bench.publisher.publishTest(endpoint, 'T'))).code).toBe('event_type_archived')
    expect((await bench.publisher.publishTest(endpoint, undefined)).type).toMatch(/^COVER_/)
  })
})

describe('C2: the types of an endpoint', () => {
  it('can be patterns, with a warning for patterns that match nothing', async () => {
    const input = { url: 'https://hooks.example.com/a', clientSecret: 'a-secret-of-enough-characters' }
    const { endpoint, warnings } = await bench.endpoints.create('acme', { ...input, types: ['COVER_*', 'ORDER_*'] })
    expect(warnings.map(({ code }) => code)).toEqual(['secret_for_several_types', 'types_fit_nothing'])
    expect(warnings[1]!.detail).toContain('ORDER_*')
    await bench.types.put('ORDER_SHIPPED', ANY)
    const described = await bench.endpoints.describe(endpoint)
    expect(described.warnings.map(({ code }) => code)).toEqual(['secret_for_several_types'])
    const { events } = await bench.publish({ type: 'ORDER_SHIPPED', payload: { id: 1 } })
    expect(events[0]!.deliveries).toBe(1)
    const one = await bench.endpoints.create('acme', {
      ...input,
      types: ['COVER_*'],
      clientSecret: 'another-secret-of-enough',
    })
    expect(
      one.warnings.map(({ code }) => code),
      'C8: a pattern counts as several types',
    ).toEqual(['secret_for_several_types'])
  })

  it('are refused if no type could match them, or if there are too many', async () => {
    const types = ['COVER_*', 'no such*', '*'.repeat(129), 'NONE', 7 as unknown as string]
    const refused = await refusal(bench.endpoint({ types }))
    expect(refused.fields.map(({ field }) => field)).toEqual(['/types/1', '/types/2', '/types/3', '/types/4'])
    const many = await refusal(bench.endpoint({ types: Array.from({ length: 51 }, (_, n) => `A${n}*`) }))
    expect(many.fields.map(({ field }) => field)).toEqual(['/types'])
  })

  it('cannot include an archived type unless the endpoint already had it; such an endpoint can be changed otherwise', async () => {
    await put(ANY)
    const id = await bench.endpoint({ types: ['T'] })
    await bench.types.archive('T')
    const refused = await refusal(bench.endpoint({ types: ['T'] }))
    expect([refused.code, refused.fields.map(({ field }) => field)]).toEqual(['event_type_archived', ['/types/0']])
    const { endpoint, warnings } = await bench.endpoints.update('acme', id, { description: 'x' })
    expect(endpoint.types).toEqual(['T'])
    expect(warnings.map(({ code }) => code)).toContain('event_type_archived')
    await bench.endpoints.update('acme', id, { types: ['T', 'COVER_REFERENCE'] })
    await bench.endpoints.update('acme', id, { types: ['COVER_REFERENCE'] })
    expect((await refusal(bench.endpoints.update('acme', id, { types: ['T'] }))).code).toBe('event_type_archived')
    const both = await refusal(bench.endpoint({ types: ['T'], url: 'http://x' }))
    expect(both.code).toBe('invalid')
  })
})

describe('the filter of an endpoint', () => {
  it('is checked with the other fields, and can be changed and removed', async () => {
    const refused = await refusal(bench.endpoint({ filter: { status: 'Quoted' }, timeoutMs: -1 }))
    expect(refused.fields.map(({ field }) => field)).toEqual(['/filter/status', '/timeoutMs'])
    const id = await bench.endpoint({ filter: { status: ['Quoted'] } })
    expect((await bench.endpoints.get('acme', id)).filter).toEqual({ status: ['Quoted'] })
    await bench.endpoints.update('acme', id, { description: 'x' })
    expect((await bench.endpoints.get('acme', id)).filter).toEqual({ status: ['Quoted'] })
    await bench.endpoints.update('acme', id, { filter: null })
    expect((await bench.endpoints.get('acme', id)).filter).toBeNull()
  })

  it('selects events, and the response counts the endpoints whose filter excluded an event', async () => {
    await put(ANY)
    await bench.endpoint({ types: ['T'], filter: { status: ['Quoted'] } })
    await bench.endpoint({ types: ['T'], filter: { n: { gte: 5 } } })
    await bench.endpoint({ types: ['COVER_REFERENCE'] })
    const { events } = await bench.publish([
      { type: 'T', payload: { id: 1, status: 'Quoted', n: 5 } },
      { type: 'T', payload: { id: 1, status: 'Quoted' } },
      { type: 'T', payload: { id: 1 } },
    ])
    expect(events.map(({ deliveries, notSent }) => [deliveries, notSent])).toEqual([
      [2, { type: 1 }],
      [1, { type: 1, filter: 1 }],
      [0, { type: 1, filter: 2 }],
    ])
  })
})

describe('a dry run of a change', () => {
  it('stores nothing, and says how many recent events the new schema accepts', async () => {
    const dryRun = { dryRun: true }
    const fresh = await put(ANY, dryRun)
    expect([fresh.created, fresh.judged, fresh.type.name]).toEqual([true, null, 'T'])
    expect((await refusal(bench.types.get('T'))).code).toBe('not_found')
    await put(ANY)
    await publish({ id: '1', status: 'Quoted' })
    await publish({ id: '2', status: 'Lost' })
    const wider = define({ status: { type: 'string' } })
    const accepted = await put(wider, dryRun)
    expect([accepted.created, accepted.judged, accepted.type.schema]).toEqual([false, 2, wider.schema])
    expect((await bench.types.get('T')).schema).toEqual(ANY.schema)
    expect((await refusal(put(define({ status: { enum: ['Quoted'] } }), dryRun))).code).toBe('schema_conflict')
    expect((await put(ANY, dryRun)).judged).toBeNull()
    expect((await put(define({ status: { enum: ['Quoted'] } }), { ...dryRun, force: true })).judged).toBeNull()
    expect((await put(wider)).judged).toBe(2)
  })
})
