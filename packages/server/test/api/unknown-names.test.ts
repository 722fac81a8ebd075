import { describe, expect, it } from 'vitest'
import { SECRET } from '../services/setup.ts'
import { type Answer, type Json, useApi } from './setup.ts'

// cspell:ignore xyzzy paylod REFERNCE tpye requierd discriminater

const bench = useApi()
const NAME = 'xyzzy'

/** The example of a call's body, in which nothing is missing: a body's faults are reported before a query's. */
function exampleOf({ requestBody }: Json): Json {
  const { example, examples = {} } = requestBody?.content['application/json'] ?? {}
  return example ?? (Object.values(examples) as Json[])[0]?.value
}

/** The fault of a field, or undefined. */
const faultAt = ({ body }: Answer, field: string): Json =>
  (body.errors ?? []).find((fault: Json) => fault.field === field)

type Place = { readonly id: string; readonly url: string; readonly method: string; readonly operation: Json }

/** All paths but those that exist for sessions only. */
const ofKeys = () =>
  Object.entries(bench.document.paths).filter(
    ([path]) =>
      !/^\/v1\/(((portal-)?session(-state)?|portal-looks|sign-in-options|single-sign-on(\/sign-out)?)$|public-event-types)/.test(
        path,
      ),
  )

const places = (): Place[] =>
  ofKeys().flatMap(([path, item]) =>
    Object.entries(item as Json).map(([method, operation]: [string, Json]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      url: path.replace('{tenant}', 'acme').replace(/\{\w+\}/g, 'nobody'),
      operation,
    })),
  )

/** Every closed object in a body's schema: a pointer to it, its members, and a body that has it. */
function objectsIn(
  schema: Json,
  at = '',
  wrap = (inner: Json): Json => inner,
): { at: string; names: string[]; body: Json }[] {
  const names = Object.keys(schema.properties ?? {})
  const own = schema.additionalProperties === false ? [{ at, names, body: wrap({ [NAME]: 1 }) }] : []
  const others: Json[] = typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []
  return [
    ...own,
    ...others.flatMap(other => objectsIn(other, `${at}/any`, inner => wrap({ any: inner }))),
    ...names.flatMap(name => objectsIn(schema.properties[name], `${at}/${name}`, inner => wrap({ [name]: inner }))),
  ]
}

describe('an unknown parameter', () => {
  it('is refused by every call, with the list of the valid ones', async () => {
    for (const { id, method, url, operation } of places()) {
      if (!url.startsWith('/v1')) continue
      const names = (operation.parameters ?? []).flatMap((one: Json) => (one.in === 'query' ? [one.name] : []))
      const body = exampleOf(operation)
      const answer = await bench.send(method, `${url}?${NAME}=1`, body === undefined ? {} : { body })
      const fault = faultAt(answer, NAME)
      expect([id, answer.status, fault?.reason]).toEqual([id, 422, 'unknown'])
      for (const name of names) expect(fault.detail, id).toContain(name)
      if (names.length === 0) expect(fault.detail, id).toBe('Unknown parameter. No parameter is valid here. Remove it.')
    }
  })

  it('is refused by calls that take none', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.json']) {
      const { status, body } = await bench.get(`${path}?x=1`)
      expect([status, body.errors[0].field, body.errors[0].reason]).toEqual([422, 'x', 'unknown'])
      expect((await bench.get(path)).status).toBe(200)
    }
  })

  it('is refused with the nearest valid one', async () => {
    const { body } = await bench.get('/v1/tenants/acme/replays?stat=running')
    expect(body.detail).toBe(
      'stat: Unknown parameter. Did you mean `state`? Valid parameters are state, cursor, limit.',
    )
  })
})

describe('an unknown member of a body', () => {
  it('is refused by every call, in nested objects too, with the list of the valid ones', async () => {
    const checked: string[] = []
    for (const { id, method, url, operation } of places()) {
      const schema = operation.requestBody?.content['application/json']?.schema
      if (schema === undefined || id === 'publishEvents') continue
      for (const { at, names, body } of objectsIn(schema)) {
        const answer = await bench.send(method, url, { body })
        const fault = faultAt(answer, `${at}/${NAME}`)
        expect([id, at, answer.status, fault?.reason]).toEqual([id, at, 422, 'unknown'])
        for (const name of names) expect(fault.detail, id).toContain(name)
        checked.push(`${id} ${at}`)
      }
    }
    expect(checked).toEqual(
      expect.arrayContaining([
        'createEndpoint /oauth',
        'createEndpoint /headers/any',
        'putTenant /retention',
        'cancelReplay ',
      ]),
    )
  })

  it('is refused with the nearest valid one', async () => {
    const detailOf = async (answer: Promise<Answer>) => (await answer).body.detail
    expect(await detailOf(bench.post('/v1/tenants/acme/replays', { type: ['A'] }))).toMatch(
      /^\/type: Unknown field\. Did you mean `types`\? Valid fields are .*endpoint, .*dryRun\.$/,
    )
    const retention = { payloadDay: 1 }
    expect(await detailOf(bench.put('/v1/tenants/acme', { retention }))).toBe(
      '/retention/payloadDay: Unknown field. Did you mean `payloadDays`? Valid fields are days, payloadDays, answerDays.',
    )
    expect(await detailOf(bench.post('/v1/tenants/acme/endpoints/x/disable', { held: 'release' }))).toBe(
      '/held: Unknown field. No field is valid here. Remove it.',
    )
  })

  it('is refused in an event that is published, too', async () => {
    const { body, status } = await bench.post('/v1/tenants/acme/events', [{ type: 'A', payload: {}, paylod: 1 }])
    expect([status, body.errors[0]]).toEqual([
      422,
      { field: '/0/paylod', detail: expect.stringContaining('Did you mean `payload`?'), reason: 'unknown' },
    ])
    expect(body.errors[0].detail).toContain('Valid fields are type, ')
  })
})

describe('an unknown event type', () => {
  it('is refused with the nearest one, wherever a call names one that must exist', async () => {
    const endpoint = await bench.endpoint()
    const TYPO = 'COVER_REFERNCE'
    const answers = [
      await bench.post('/v1/tenants/acme/events', { type: TYPO, payload: {} }),
      await bench.post('/v1/tenants/acme/endpoints', {
        url: 'https://hooks.example.com/a',
        clientSecret: SECRET,
        types: [TYPO],
      }),
      await bench.patch(`/v1/tenants/acme/endpoints/${endpoint}`, { types: [TYPO] }),
      await bench.post(`/v1/tenants/acme/endpoints/${endpoint}/test`, { type: TYPO }),
      await bench.get(`/v1/schedule-preview?type=${TYPO}`),
      await bench.get(`/v1/tenants/acme/endpoints/${endpoint}/schedule?type=${TYPO}`),
    ]
    for (const { status, body } of answers) {
      const [{ detail, reason }] = body.errors
      expect([status, reason]).toEqual([422, 'unknown_type'])
      expect(detail).toBe(
        'Unknown event type "COVER_REFERNCE". Did you mean `COVER_REFERENCE`? GET /v1/event-types lists all event types.',
      )
    }
  })

  it('of very many in one call has a suggestion for the first only', async () => {
    const events = Array.from({ length: 1_000 }, (_, index) => ({ type: `COVER_REFERENCE${index}`, payload: {} }))
    const { body, status } = await bench.post('/v1/tenants/acme/events', events)
    const suggested = body.errors.filter(({ detail }: Json) => detail.includes('Did you mean'))
    expect([status, body.errors.length, suggested.length]).toEqual([422, 1_000, 20])
  })
})

describe('a value of the wrong length', () => {
  it('is refused in a sentence', async () => {
    const detailOf = async (path: string) => (await bench.get(path)).body.errors[0].detail
    expect(await detailOf('/v1/search?q=')).toBe('The value must not be empty.')
    expect(await detailOf(`/v1/search?q=${'x'.repeat(513)}`)).toBe('The value must have at most 512 characters.')
    const { body } = await bench.post('/v1/tenants/acme/filter-trials', { filter: { a: [1] }, events: [] })
    expect(body.errors[0].detail).toBe('The value must not be empty.')
  })
})

describe('a keyword that JSON Schema does not have', () => {
  const put = (properties: object) => {
    const schema = { type: 'object', required: ['id'], properties }
    return bench.put('/v1/event-types/MADE', { group: 'g', description: 'd', schema, example: { id: 1 } })
  }

  it('is refused with its place, the nearest one and all valid ones', async () => {
    const tpye = { items: { tpye: 'string' } }
    const answer = await put({ id: {}, 'a/b': tpye, requierd: { discriminater: {}, 'x-a': { tpye: 1 } } })
    expect([answer.status, answer.body.errors.map(({ field, reason }: Json) => [field, reason])]).toEqual([
      422,
      [
        ['/schema/properties/a~1b/items/tpye', 'unknown'],
        ['/schema/properties/requierd/discriminater', 'unknown'],
      ],
    ])
    const [first, second] = answer.body.errors
    expect(first.detail).toMatch(/^Unknown keyword\. Did you mean `type`\? Valid keywords are \$id, .*, type, enum, /)
    expect(second.detail).toContain('Did you mean `discriminator`?')
  })

  it('is warned of where OpenAPI 3.0 has it and it is respected', async () => {
    const { status, body } = await put({ id: {}, a: { type: 'string', nullable: true } })
    expect([status, body.warnings]).toMatchObject([
      201,
      [{ code: 'schema_keyword_outdated', field: '/schema/properties/a/nullable' }],
    ])
  })
})
