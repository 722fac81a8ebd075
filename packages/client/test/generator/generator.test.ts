import { describe, expect, it } from 'vitest'
import type { Document, Operation, Schema } from '../../generator/document.ts'
import { generate } from '../../generator/files.ts'
import { methodOf, resourceOf } from '../../generator/words.ts'

const text = { type: 'string' }

const operationOf = (operation: Partial<Operation>): Operation => ({
  operationId: 'getThing',
  summary: 'Get a thing',
  tags: ['Things'],
  responses: { 200: { description: 'The thing.', content: { 'application/json': { schema: text } } } },
  ...operation,
})

const documentOf = (operations: readonly Partial<Operation>[], schemas: Record<string, Schema> = {}): Document => ({
  tags: [{ name: 'Things' }],
  paths: Object.fromEntries(
    operations.map((one, index) => [`/v1/things${index}/{id}`, { get: operationOf(withId(one)) }]),
  ),
  components: { schemas },
})

const withId = (operation: Partial<Operation>): Partial<Operation> => ({
  ...operation,
  parameters: [{ name: 'id', in: 'path', required: true, schema: text }, ...(operation.parameters ?? [])],
})

const thing = (schema: Schema) => ({ Thing: { type: 'object', required: ['a'], properties: { a: schema } } })
const modelOf = (schema: Schema) => generate(documentOf([{}], thing(schema))).get('models.ts')!

describe('the generator', () => {
  it('translates every kind of schema', () => {
    const cases: [Schema, string][] = [
      [{ type: ['string', 'null'] }, 'a: string | null'],
      [{ type: 'string', format: 'date-time' }, 'a: Timestamp'],
      [{ type: ['array', 'null'], items: { anyOf: [text, { type: 'null' }] } }, 'a: (string | null)[] | null'],
      [{ type: ['string', 'null'], enum: ['x', 'y', null] }, "a: 'x' | 'y' | null"],
      [{ type: 'object', additionalProperties: { type: 'integer' } }, 'a: Record<string, number>'],
      [{ type: 'object', additionalProperties: true }, 'a: Record<string, unknown>'],
      [{ anyOf: [{ $ref: '#/components/schemas/Thing0' }, { type: 'null' }] }, 'a: Thing0 | null'],
      [{ type: 'boolean', const: true }, 'a: true'],
      [{ description: 'Anything.' }, '/** Anything. */\n  a: unknown'],
      [{ type: 'object', properties: { '2xx': { type: 'integer' } } }, "a: {\n    '2xx'?: number\n  }"],
      [{ type: 'string', description: 'Ends */ a comment.' }, '/** Ends *\\/ a comment. */\n  a: string'],
      [{ type: 'string', description: 'Old.', deprecated: true }, '/** @deprecated Old. */\n  a: string'],
    ]
    const things = cases.map(([schema], index) => [`Thing${index}`, thing(schema).Thing])
    const models = generate(documentOf([{}], Object.fromEntries(things))).get('models.ts')!
    for (const [index, [, expected]] of cases.entries()) {
      expect(models).toContain(`export type Thing${index} = {\n  ${expected}\n}`)
    }
  })

  it('refuses what it does not know, instead of writing a wrong type', () => {
    expect(() => modelOf({ type: 'string', not: {} } as Schema)).toThrow("Thing.a: the generator doesn't know not")
    expect(() => modelOf({ type: 'tuple' })).toThrow("the generator doesn't know the type tuple")
    const responses = { 200: { description: 'A film.', content: { 'video/mp4': { schema: text } } } }
    expect(() => generate(documentOf([{ responses }]))).toThrow("getThing: the generator doesn't know video/mp4")
  })

  it('refuses two operations with the same method name', () => {
    expect(() => generate(documentOf([{}, { operationId: 'getThings' }]))).toThrow(
      "Two operations would be the method get: change one's operationId or tag",
    )
  })

  it('writes a shape that is repeated once, and a type that has all members of another as an extension', () => {
    const fault = {
      type: 'object',
      required: ['field', 'detail'],
      properties: { field: text, detail: { ...text, description: 'What is wrong.' } },
    }
    const members = { a: text, b: text, faults: { type: 'array', items: fault } }
    const models = generate(
      documentOf([{}], {
        Thing: { type: 'object', properties: members },
        BigThing: { type: 'object', properties: { ...members, c: fault } },
      }),
    ).get('models.ts')!
    expect(models).toContain('faults?: Fault[]')
    expect(models).toContain('export type BigThing = Thing & {\n  c?: Fault\n}')
    expect(models.match(/detail: string/g)).toHaveLength(1)
  })

  it('translates queries to what a caller has: lists, booleans and times', () => {
    const parameter = (name: string, schema: Schema) => ({ name, in: 'query', schema })
    const file = generate(
      documentOf([
        {
          parameters: [
            parameter('state', { anyOf: [text, { type: 'array', items: { ...text, enum: ['on', 'off'] } }] }),
            parameter('counts', { ...text, enum: ['true', 'false'] }),
            parameter('from', { ...text, anyOf: [{ format: 'date-time' }, { format: 'date' }] }),
            parameter('limit', { type: 'integer', minimum: 1, maximum: 1000, default: 50 }),
          ],
        },
      ]),
    ).get('things.ts')!
    expect(file).toContain("state?: 'on' | 'off' | readonly ('on' | 'off')[] | undefined")
    expect(file).toContain('counts?: boolean | undefined')
    expect(file).toContain('from?: Time | undefined')
    expect(file).toContain('/** From 1 to 1,000. Default: 50. */')
  })

  it.each([
    ['listEndpoints', 'Endpoints', 'list'],
    ['listAllEndpoints', 'Endpoints', 'listAll'],
    ['createApiKey', 'API keys', 'create'],
    ['listEventEndpoints', 'Events', 'listEndpoints'],
    ['retryDelivery', 'Deliveries', 'retry'],
    ['rotateSigningSecret', 'Endpoints', 'rotateSigningSecret'],
    ['search', 'Search', 'search'],
    ['getEgress', 'Egress', 'get'],
  ])('calls %s of %s: %s', (operationId, tag, method) => {
    expect(methodOf(operationId, tag)).toBe(method)
  })

  it('names resources after their tags', () => {
    expect(['API keys', 'Event types', 'Audit'].map(resourceOf)).toEqual(['apiKeys', 'eventTypes', 'audit'])
  })
})
