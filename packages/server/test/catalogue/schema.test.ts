import { describe, expect, test } from 'vitest'
import { compileSchema } from '../../src/catalogue/schema.ts'
import { starterCatalogue } from '../../src/catalogue/starter-catalogue.ts'

function validator(schema: unknown) {
  const compiled = compileSchema(schema)
  if (!compiled.ok) throw new Error(compiled.detail)
  return compiled.validate
}

function refusal(schema: unknown): string {
  const compiled = compileSchema(schema)
  return compiled.ok ? 'it compiles' : compiled.detail
}

const pointers = (schema: unknown, value: unknown) => validator(schema)(value).map(({ pointer }) => pointer)

describe('C1 formats are asserted', () => {
  const valid = (format: string, value: string) => validator({ type: 'string', format })(value).length === 0

  test('a date-time is that of RFC 3339, with any number of digits after the second', () => {
    expect(valid('date-time', '2024-11-07T15:18:12.9392875Z')).toBe(true)
    expect(valid('date-time', '2024-11-07T15:18:12+01:00')).toBe(true)
    expect(valid('date-time', '2024-11-07 15:18:12Z')).toBe(false)
    expect(valid('date-time', '2024-11-07T15:18:12')).toBe(false)
    expect(valid('date-time', '2024-02-30T15:18:12Z')).toBe(false)
  })

  test('a uuid is 36 characters', () => {
    expect(valid('uuid', '564200aa-7128-4a26-83a8-cf0201903fcc')).toBe(true)
    expect(valid('uuid', '564200AA-7128-4A26-83A8-CF0201903FCC')).toBe(true)
    expect(valid('uuid', 'urn:uuid:564200aa-7128-4a26-83a8-cf0201903fcc')).toBe(false)
    expect(valid('uuid', 'uuid')).toBe(false)
  })
})

test('C5 a CoverId must be a UUID', () => {
  const { schema } = starterCatalogue.find(({ name }) => name === 'COVER_REFERENCE')!
  expect(pointers(schema, { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' })).toEqual([])
  expect(pointers(schema, { CoverId: 'x' })).toEqual(['/CoverId'])
  expect(pointers(schema, { coverId: '564200aa-7128-4a26-83a8-cf0201903fcc' })).toEqual(['/CoverId'])
  expect(pointers(schema, 5)).toEqual([''])
})

describe('a schema is refused', () => {
  test.each([
    [{ requierd: ['a'] }, 'unknown keyword: "requierd"'],
    [{ type: 'objekt' }, '/type'],
    [{ format: 'shoe-size' }, 'unknown format'],
    [{ pattern: '(' }, 'Invalid regular expression'],
    [{ $ref: 'https://example.com/schema.json' }, 'nothing is fetched'],
    [{ $ref: '#/$defs/none' }, 'leads nowhere'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, '2020-12'],
    [{ $async: true }, '$async'],
    [{ 'x-ü': 1 }, '"x-ü"'],
    [{ description: 'x'.repeat(66_000) }, 'at most 65536 characters'],
    [nested(100), 'at most 64 objects'],
    [[], 'must be an object'],
    [null, 'must be an object'],
  ])('%#: %j', (schema, detail) => {
    expect(refusal(schema)).toContain(detail)
  })
})

function nested(depth: number): object {
  return depth === 0 ? {} : { items: nested(depth - 1) }
}

describe('a schema is taken', () => {
  test('with annotations, x- keywords, $schema, $anchor and references within', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      'x-owner': 'billing',
      title: 'T',
      example: 1,
      examples: [1],
      deprecated: true,
      $defs: { node: { $anchor: 'node', type: 'object', properties: { next: { $ref: '#node' } } } },
      $ref: '#node',
    }
    expect(pointers(schema, { next: { next: 1 } })).toEqual(['/next/next'])
  })

  test('twice with one $id, each on its own', () => {
    const $id = 'https://example.com/a'
    const string = validator({ $id, type: 'string' })
    const number = validator({ $id, type: 'number' })
    expect([string('x'), number(1)]).toEqual([[], []])
    expect([string(1), number('x')].map(faults => faults.length)).toEqual([1, 1])
  })
})

describe('a fault of a payload', () => {
  test('names the property that is missing or too many, as a JSON Pointer', () => {
    const properties = { a: {} }
    expect(pointers({ type: 'object', required: ['x/y'] }, {})).toEqual(['/x~1y'])
    expect(pointers({ type: 'object', properties, additionalProperties: false }, { '~': 1 })).toEqual(['/~0'])
    expect(pointers({ type: 'object', properties, unevaluatedProperties: false }, { b: 1 })).toEqual(['/b'])
    expect(pointers({ type: 'object', dependentRequired: { a: ['b'] } }, { a: 1 })).toEqual(['/b'])
    expect(pointers({ type: 'object', propertyNames: { maxLength: 1 } }, { abc: 1 })).toContain('/abc')
  })

  test('is sought among own properties only', () => {
    expect(pointers({ type: 'object', required: ['constructor', '__proto__'] }, {})).toEqual([
      '/constructor',
      '/__proto__',
    ])
  })

  test('never says what the payload has', () => {
    const schema = { type: 'object', properties: { a: { enum: ['x'] }, b: { const: 'y' }, c: { pattern: '^z' } } }
    const detail = JSON.stringify(validator(schema)({ a: 'hidden', b: 'hidden', c: 'hidden' }))
    expect(JSON.parse(detail)).toHaveLength(3)
    expect(detail).not.toContain('hidden')
  })

  test('is one of 20 at most, and the only one of a large payload', () => {
    const schema = { type: 'array', items: { type: 'string' } }
    expect(pointers(schema, Array(3).fill(1))).toEqual(['/0', '/1', '/2'])
    expect(pointers(schema, Array(50).fill(1))).toHaveLength(20)
    expect(pointers(schema, Array(500_000).fill(1))).toEqual(['/0'])
  })

  test('is given for a schema that never ends, and nothing is thrown', () => {
    expect(validator({ $ref: '#' })(1)).toMatchObject([{ pointer: '' }])
  })
})

describe('C1 what JSON Schema takes is taken', () => {
  test('decimal fractions are multiples of decimal fractions', () => {
    expect(pointers({ multipleOf: 0.01 }, 19.99)).toEqual([])
    expect(pointers({ multipleOf: 0.01 }, 19.995)).toEqual([''])
  })

  test('a property or a value that begins with x- is no keyword', () => {
    const schema = { properties: { 'x-rate limit': { 'x-unit': 's' }, 'x-grün': {} }, const: { 'x-a.b': 1 } }
    expect(pointers(schema, { 'x-a.b': 1 })).toEqual([])
  })

  test('a property may match a pattern too', () => {
    const schema = { properties: { ab: { type: 'string' } }, patternProperties: { '^a': { minLength: 2 } } }
    expect(pointers(schema, { ab: 'x' })).toEqual(['/ab'])
  })

  test('unique items are equal by value, whatever the order of their members, and quickly told', () => {
    const schema = { uniqueItems: true }
    expect(pointers(schema, [{ a: 1, b: [1, 2] }, { b: [1, 2], a: 2 }, 1, '1', null])).toEqual([])
    expect(pointers(schema, [{ a: 1, b: [1, 2] }, 0, { b: [1, 2], a: 1 }])).toEqual([''])
    expect(pointers({ uniqueItems: false }, [1, 1])).toEqual([])
    expect(
      pointers(
        schema,
        Array.from({ length: 50_000 }, (_, at) => ({ at })),
      ),
    ).toEqual([])
  })
})
