import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Erasure } from '../../src/background/erasure.ts'
import { atOnce, log } from '../background/setup.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { ApiBench, type Json } from './setup.ts'

const bench = new ApiBench()
const known: Record<string, string[]> = {}
let operations: { method: string; path: string; operation: Json }[]

beforeAll(async () => {
  await bench.openApi()
  const endpoint = await bench.endpoint()
  const { body } = await bench.post('/v1/tenants/acme/events', `{"type":"${TYPE}","payload":${PAYLOAD}}`)
  const delivery = (await bench.get('/v1/tenants/acme/deliveries')).body.data[0].id
  known.tenant = ['acme']
  known.name = [TYPE]
  known.id = [endpoint, body.id, delivery, (await bench.apiKeys.create({ name: 'k', scope: 'all' })).key.id]
  operations = Object.entries(bench.document.paths).flatMap(([path, item]) =>
    Object.entries(item as object).map(([method, operation]) => ({ method, path, operation })),
  )
})
afterAll(() => bench.closeApi())

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1 and has every route with an id, a tag and its responses', () => {
    expect(bench.document.openapi).toBe('3.1.0')
    const names = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()
    expect(names).toMatchSnapshot()
    const operationIds = operations.map(({ operation }) => operation.operationId)
    expect(new Set(operationIds).size).toBe(operations.length)
    for (const { path, operation } of operations) {
      expect(operation.tags).toHaveLength(1)
      expect(Object.keys(operation.responses).some(status => status < '300')).toBe(true)
      expect(JSON.stringify(operation)).not.toContain('Default Response')
      if (path.startsWith('/v1') || path === '/metrics') expect(Object.keys(operation.responses)).toContain('401')
      else expect(operation.security).toEqual([])
    }
  })

  it('names shared schemas, and every reference can be resolved', () => {
    const text = JSON.stringify(bench.document)
    const names = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(match => match[1]!))
    for (const name of names) expect(bench.document.components.schemas).toHaveProperty(name)
    expect([...text.matchAll(/"\$ref":"([^"]+)"/g)].every(match => match[1]!.startsWith('#/components/'))).toBe(true)
  })

  it('has schemas that are valid in the dialect 2020-12', () => {
    const dialect = new Ajv2020({ strict: false })
    const { schemas } = bench.document.components
    const used = operations.flatMap(({ operation: { parameters = [], requestBody } }) => [
      ...parameters.map(({ schema }: Json) => schema),
      ...Object.values(requestBody?.content ?? {}).map(({ schema }: Json) => schema),
    ])
    expect(used.length).toBeGreaterThan(operations.length)
    for (const schema of [...used, ...Object.values(schemas)]) {
      dialect.validateSchema(schema as object)
      expect(dialect.errors ?? [], JSON.stringify(schema)).toEqual([])
    }
  })

  it('says which bodies can be omitted, and shows how to publish', () => {
    const { paths } = bench.document
    const ONE = '/v1/tenants/{tenant}/endpoints/{id}'
    expect(paths[`${ONE}/enable`].post.requestBody.required).toBe(false)
    expect(paths['/v1/tenants/{tenant}/endpoints'].post.requestBody.required).toBe(true)
    expect(paths['/v1/tenants/{tenant}/events'].post.requestBody.required).toBe(true)
    const media = paths['/v1/tenants/{tenant}/events'].post.requestBody.content['application/json']
    expect(Object.keys(media.examples)).toHaveLength(2)
  })
})

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\0', '..', '%', '__proto__', 'constructor', 'a'.repeat(300), '2026-01-01T00:00:00Z', TYPE),
)
const times = fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-31', '2126-12-31T23:59:60+01:00', '0000-01-01')
const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), text)

/** Values for a schema: mostly valid, sometimes not. */
function arbitraryOf(schema: Json): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 6, arbitrary: fitting(schema) }, { weight: 1, arbitrary: anything })
}

function fitting(schema: Json): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf?.[0].format === 'date-time') return fc.oneof(times, text)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(arbitraryOf))
  switch ([schema.type].flat()[0]) {
    case 'object': {
      const members = Object.entries(schema.properties ?? {}).map(
        ([name, inner]) => [name, arbitraryOf(inner)] as const,
      )
      const named = fc.record(Object.fromEntries(members), { requiredKeys: [] })
      const extra = fc.dictionary(text, anything, { maxKeys: 2 })
      return fc.oneof(
        { weight: 4, arbitrary: named },
        fc.tuple(named, extra).map(([a, b]) => ({ ...b, ...a })),
      )
    }
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}), { maxLength: 4 })
    case 'string':
      return text
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer(), fc.double())
    case 'boolean':
      return fc.boolean()
    default:
      return anything
  }
}

/** Doesn't call `String()`, because an object can have a member named `toString`. */
const toText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** Unpaired surrogates, and segments that a client takes out of a path, which then is another one. */
const UNSENDABLE = /[\ud800-\udfff]|^\.\.?$/

function requestsOf(operation: Json): fc.Arbitrary<{ path: Json; query: Json; body: unknown }> {
  const parameters: Json[] = operation.parameters ?? []
  const pathOnes = parameters.filter(one => one.in === 'path')
  const queryOnes = parameters.filter(one => one.in === 'query')
  const value = (name: string) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...(known[name] ?? ['x'])) },
      text.map(one => one.toWellFormed() || 'x'),
    )
  const record = (ones: Json[], of: (one: Json) => fc.Arbitrary<unknown>, requiredKeys: string[]) =>
    fc.record<Json>(Object.fromEntries(ones.map(one => [one.name, of(one)])), { requiredKeys })
  const schema = operation.requestBody?.content['application/json'].schema
  const raw = fc.constantFrom('', '{', '[[[[', 'null', '{"a":1,"a":2}', '{"__proto__":1}', '\ufeff{}')
  return fc.record({
    path: record(
      pathOnes,
      ({ name }) => value(name),
      pathOnes.map(({ name }) => name),
    ),
    query: record(queryOnes, ({ schema: one }) => arbitraryOf(one).map(toText), []),
    body: schema === undefined ? fc.constant(undefined) : fc.oneof({ weight: 8, arbitrary: arbitraryOf(schema) }, raw),
  })
}

function urlOf(template: string, path: Json, query: Json): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_match, name) => encodeURIComponent(path[name]))
  const search = new URLSearchParams(query).toString()
  return search === '' ? filled : `${filled}?${search}`
}

describe('for arbitrary requests', () => {
  it('no response is a 5xx, and the document declares every response', async () => {
    // Streams would have no end.
    const ending = setInterval(() => bench.streams.endAll(), 5)
    onTestFinished(() => clearInterval(ending))
    for (const { method, path: template, operation } of operations) {
      // Without the tenant, the other operations would have nothing to work on.
      const runs = ['deleteTenant', 'eraseTenant'].includes(operation.operationId) ? 5 : 60
      await fc.assert(
        fc.asyncProperty(requestsOf(operation), async ({ path, query, body }) => {
          if (Object.values(path).some(one => UNSENDABLE.test(String(one)))) return
          const url = urlOf(template, path, query)
          const { status } = await bench.send(method.toUpperCase(), url, body === undefined ? {} : { body })
          expect(status, `${method} ${url}`).toBeLessThan(500)
          if (status === 204 && operation.operationId !== 'deleteTenant') await bench.tenants.put('acme', {})
        }),
        { numRuns: runs },
      )
      await new Erasure(bench.store, log).run(atOnce)
      await bench.tenants.put('acme', {})
    }
  }, 120_000)

  it('no response to a raw path is a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('/', 'v1', 'tenants', 'acme', 'events', '%2f', '%', '..', '?', '#', ';', '%00')),
        async parts => {
          const { status } = await bench.get(`/${parts.join('')}`)
          expect(status).toBeLessThan(500)
        },
      ),
      { numRuns: 300 },
    )
  })
})
