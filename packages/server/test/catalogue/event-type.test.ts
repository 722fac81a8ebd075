import { describe, expect, test } from 'vitest'
import { checkEventType, type EventTypeDefinition } from '../../src/catalogue/event-type.ts'
import { compileSchema } from '../../src/catalogue/schema.ts'
import { starterCatalogue } from '../../src/catalogue/starter-catalogue.ts'
import vector from '../vectors/catalogue.json' with { type: 'json' }

function pointers(schema: unknown, value: unknown): string[] {
  const compiled = compileSchema(schema)
  if (!compiled.ok) throw new Error(compiled.detail)
  return compiled.validate(value).map(({ pointer }) => pointer)
}

const sound: EventTypeDefinition = {
  name: 'ORDER_SHIPPED',
  group: 'orders',
  description: 'An order is on its way.',
  schema: { type: 'object', required: ['orderId'], properties: { orderId: { type: 'string' } } },
  example: { orderId: '7' },
}
const faultyFields = (change: Partial<Record<keyof EventTypeDefinition, unknown>>) =>
  checkEventType({ ...sound, ...change } as EventTypeDefinition).map(({ field }) => field)

describe('C1: the starter catalogue', () => {
  test('is the one in the contract', () => {
    expect(starterCatalogue).toEqual(vector.eventTypes)
  })

  test.each(starterCatalogue)('$name is a valid event type and requires an identifying field', type => {
    expect(checkEventType(type)).toEqual([])
    const { required } = type.schema as { required: string[] }
    expect(pointers(type.schema, {})).toEqual(required.map(name => `/${name}`))
  })
})

describe('C1: an event type', () => {
  test('has no faults if it is valid', () => {
    expect(checkEventType(sound)).toEqual([])
  })

  test.each(['', '1A', 'a b', 'é', '_a', 'a'.repeat(129), 5])('cannot have the name %j', name => {
    expect(faultyFields({ name })).toEqual(['/name'])
  })

  test.each(['a', 'order.shipped-v2', 'A_B', 'a'.repeat(128)])('can have the name %j', name => {
    expect(faultyFields({ name })).toEqual([])
  })

  test('has a group and a description of limited length', () => {
    expect(faultyFields({ group: ' ', description: '' })).toEqual(['/group', '/description'])
    expect(faultyFields({ group: 'x'.repeat(65), description: 'x'.repeat(2001) })).toEqual(['/group', '/description'])
  })

  test.each([
    true,
    {},
    { type: 'object' },
    { type: 'object', required: [] },
    { type: ['object', 'null'], required: ['orderId'] },
    { required: ['orderId'] },
  ])('must have a schema that requires a property, unlike %j', schema => {
    expect(faultyFields({ schema })).toEqual(['/schema'])
  })

  test('must have an example that satisfies its schema', () => {
    expect(faultyFields({ example: { orderId: 5 } })).toEqual(['/example/orderId'])
    expect(faultyFields({ example: {} })).toEqual(['/example/orderId'])
    expect(faultyFields({ example: undefined })).toEqual(['/example'])
    expect(faultyFields({ example: { orderId: 'x'.repeat(70_000) } })).toEqual(['/example'])
  })

  test('cannot have a schema that refers to itself endlessly', () => {
    expect(faultyFields({ schema: { ...(sound.schema as object), allOf: [{ $ref: '#' }] } })).toEqual(['/example'])
  })

  test('has all of its faults reported together', () => {
    expect(faultyFields({ name: '', group: '', schema: { type: 'objekt' } })).toEqual(['/name', '/group', '/schema'])
  })
})
