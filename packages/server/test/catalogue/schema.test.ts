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

describe('C1: formats are asserted', () => {
  const valid = (format: string, value: string) => validator({ type: 'string', format })(value).length === 0

  test('a date-time follows RFC 3339, with any number of fractional digits', () => {
    expect(valid('date-time', '2024-11-07T15:18:12.9392875Z')).toBe(true)
    expect(valid('date-time', '2024-11-07T15:18:12+01:00')).toBe(true)
    expect(valid('date-time', '2024-11-07 15:18:12Z')).toBe(false)
    expect(valid('date-time', '2024-11-07T15:18:12')).toBe(false)
    expect(valid('date-time', '2024-02-30T15:18:12Z')).toBe(false)
  })

  test('a uuid has exactly 36 characters', () => {
    expect(valid('uuid', '564200aa-7128-4a26-83a8-cf0201903fcc')).toBe(true)
    expect(valid('uuid', '564200AA-7128-4A26-83A8-CF0201903FCC')).toBe(true)
    expect(valid('uuid', 'urn:uuid:564200aa-7128-4a26-83a8-cf0201903fcc')).toBe(false)
    expect(valid('uuid', 'uuid')).toBe(false)
  })
})

test('C5: a CoverId must be a UUID', () => {
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
    [{ properties: { a: { discriminater: {} } } }, 'unknown keyword'],
    [{ components: { schemas: {} } }, 'unknown keyword'],
    [{ pattern: '(' }, 'Invalid regular expression'],
    [{ $ref: 'https://example.com/schema.json' }, 'nothing is fetched'],
    [{ $ref: '#/$defs/none' }, 'cannot be resolved'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, '2020-12'],
    [{ $async: true }, '$async'],
    [{ 'x-ü': 1 }, '"x-ü"'],
    [{ description: 'x'.repeat(66_000) }, 'at most 65,536 characters'],
    [nested(100), 'more than 64 levels'],
    [[], 'must be an object'],
    [null, 'must be an object'],
  ])('%#: %j', (schema, detail) => {
    expect(refusal(schema)).toContain(detail)
  })
})

function nested(depth: number): object {
  return depth === 0 ? {} : { items: nested(depth - 1) }
}

describe('a schema is accepted', () => {
  test('with annotations, x- keywords, $schema, $anchor and internal references', () => {
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

  test('twice with the same $id, each in isolation', () => {
    const $id = 'https://example.com/a'
    const string = validator({ $id, type: 'string' })
    const number = validator({ $id, type: 'number' })
    expect([string('x'), number(1)]).toEqual([[], []])
    expect([string(1), number('x')].map(faults => faults.length)).toEqual([1, 1])
  })
})

describe('a fault of a payload', () => {
  test('points to the missing or disallowed property with a JSON Pointer', () => {
    const properties = { a: {} }
    expect(pointers({ type: 'object', required: ['x/y'] }, {})).toEqual(['/x~1y'])
    expect(pointers({ type: 'object', properties, additionalProperties: false }, { '~': 1 })).toEqual(['/~0'])
    expect(pointers({ type: 'object', properties, unevaluatedProperties: false }, { b: 1 })).toEqual(['/b'])
    expect(pointers({ type: 'object', dependentRequired: { a: ['b'] } }, { a: 1 })).toEqual(['/b'])
    expect(pointers({ type: 'object', propertyNames: { maxLength: 1 } }, { abc: 1 })).toContain('/abc')
  })

  test('is found by looking only at own properties', () => {
    expect(pointers({ type: 'object', required: ['constructor', '__proto__'] }, {})).toEqual([
      '/constructor',
      '/__proto__',
    ])
  })

  test("never reveals the payload's values", () => {
    const schema = { type: 'object', properties: { a: { enum: ['x'] }, b: { const: 'y' }, c: { pattern: '^z' } } }
    const detail = JSON.stringify(validator(schema)({ a: 'hidden', b: 'hidden', c: 'hidden' }))
    expect(JSON.parse(detail)).toHaveLength(3)
    expect(detail).not.toContain('hidden')
  })

  test('is one of at most 20, and the only one reported for a large payload', () => {
    const schema = { type: 'array', items: { type: 'string' } }
    expect(pointers(schema, Array(3).fill(1))).toEqual(['/0', '/1', '/2'])
    expect(pointers(schema, Array(50).fill(1))).toHaveLength(20)
    expect(pointers(schema, Array(500_000).fill(1))).toEqual(['/0'])
  })

  test('is reported, not thrown, if the schema refers to itself endlessly', () => {
    expect(validator({ $ref: '#' })(1)).toMatchObject([{ pointer: '' }])
  })
})

describe('C1: schemas work as JSON Schema says', () => {
  test('decimal fractions are multiples of decimal fractions', () => {
    expect(pointers({ multipleOf: 0.01 }, 19.99)).toEqual([])
    expect(pointers({ multipleOf: 0.01 }, 19.995)).toEqual([''])
  })

  test('a property or a value that begins with x- is not a keyword', () => {
    const schema = { properties: { 'x-rate limit': { 'x-unit': 's' }, 'x-grün': {} }, const: { 'x-a.b': 1 } }
    expect(pointers(schema, { 'x-a.b': 1 })).toEqual([])
  })

  test('a property can match a pattern as well', () => {
    const schema = { properties: { ab: { type: 'string' } }, patternProperties: { '^a': { minLength: 2 } } }
    expect(pointers(schema, { ab: 'x' })).toEqual(['/ab'])
  })

  test('unique items are compared by value, regardless of the order of members, and quickly', () => {
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
