import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileSchema } from '../../src/catalogue/schema.ts'
import { SchemaPlace } from '../../src/catalogue/schema-places.ts'

/** Whether a schema mentions a member, given by the names on the way to it. */
function mentions(schema: object, path: string): boolean {
  let place: SchemaPlace | undefined = SchemaPlace.root(schema as never)
  for (const name of path.split(' ')) place = place?.member(name)
  return place !== undefined
}
const text = { type: 'string' } as const

describe('a schema mentions a member', () => {
  it.each<[string, object, readonly string[], readonly string[]]>([
    ['by its properties', { properties: { a: { properties: { b: text } } } }, ['a', 'a b'], ['b', 'a a', 'a b c']],
    ['not where it only allows it', { type: 'object' }, [], ['a']],
    [
      'not where it only allows it explicitly',
      { additionalProperties: true, properties: { a: {} } },
      ['a'],
      ['b', 'a b'],
    ],
    ['by a schema of all members', { additionalProperties: { properties: { b: text } } }, ['x', 'x b'], ['x c']],
    ['by a pattern', { patternProperties: { '^x-': { properties: { a: text } } } }, ['x-1', 'x-1 a'], ['y', 'x-1 b']],
    ['not if it rules it out', { properties: { a: false, b: text }, additionalProperties: false }, ['b'], ['a', 'c']],
    [
      'not within a value of another type',
      { properties: { a: text, b: { type: ['string', 'object'], properties: { c: {} } } } },
      ['b c'],
      ['a c'],
    ],
    [
      'of objects that it lists',
      { properties: { a: { enum: ['x', { b: 1 }, [{ c: { d: 1 } }]] }, e: { const: 'x' } } },
      ['a b', 'a c', 'a c d'],
      ['a e', 'a b c', 'e f'],
    ],
    [
      'through arrays',
      { properties: { a: { type: 'array', items: { properties: { b: text } } } } },
      ['a b'],
      ['a c', 'a items'],
    ],
    [
      'through arrays in arrays',
      {
        properties: {
          a: { prefixItems: [{ items: { properties: { b: text } } }], contains: { properties: { c: text } } },
        },
      },
      ['a b', 'a c'],
      ['a d'],
    ],
    [
      'not by properties of an array',
      { properties: { a: { type: 'array', items: text, properties: { b: text } } } },
      ['a'],
      ['a b'],
    ],
    [
      'by allOf, each of which can rule it out',
      {
        allOf: [
          { properties: { a: text } },
          { properties: { b: text } },
          { properties: { a: {}, c: text }, additionalProperties: false },
        ],
      },
      ['a', 'c'],
      ['b'],
    ],
    [
      'by anyOf and oneOf',
      {
        anyOf: [{ properties: { a: text }, additionalProperties: false }, { properties: { b: text } }],
        oneOf: [{ properties: { c: text } }, {}],
      },
      ['a', 'b', 'c'],
      ['d'],
    ],
    [
      'by if, then, else and dependentSchemas',
      {
        if: { properties: { a: text } },
        // biome-ignore lint/suspicious/noThenProperty: a keyword
        then: { properties: { b: text }, additionalProperties: false },
        else: { properties: { c: text } },
        dependentSchemas: { a: { properties: { d: text } } },
      },
      ['a', 'b', 'c', 'd'],
      ['e'],
    ],
    [
      'not if all that is not mentioned is ruled out',
      { allOf: [{ properties: { a: text } }], unevaluatedProperties: false },
      ['a'],
      ['b'],
    ],
    [
      'by a schema of all that is not mentioned',
      { allOf: [{ properties: { a: text } }], unevaluatedProperties: { properties: { c: text } } },
      ['a', 'b', 'b c'],
      ['a c'],
    ],
    [
      'by a reference',
      {
        $defs: { 'x/y': { properties: { b: { $ref: '#/$defs/z' } } }, z: { $anchor: 'z', properties: { c: text } } },
        properties: { a: { $ref: '#/$defs/x~1y' }, d: { $ref: '#z' } },
      },
      ['a b', 'a b c', 'd c'],
      ['a c', 'd e'],
    ],
    [
      'of a schema that refers to itself',
      { properties: { a: { $ref: '#' }, b: { items: { $dynamicRef: '#' } } } },
      ['a', 'a a b b a'],
      ['c', 'a b c'],
    ],
    [
      'by its own identifier',
      {
        $id: 'https://example.com/s',
        $defs: { x: { properties: { b: text } } },
        properties: { a: { $ref: 'https://example.com/s#/$defs/x' } },
      },
      ['a b'],
      ['a c'],
    ],
    [
      'of any name where parts have identifiers of their own',
      { $defs: { x: { $id: 'https://example.com/x' } }, properties: { a: { $ref: '#/$defs/x' } } },
      ['a b', 'a b c'],
      ['b'],
    ],
  ])('%s', (_how, schema, mentioned, others) => {
    expect(compileSchema(schema)).toMatchObject({ ok: true })
    for (const path of mentioned) expect(mentions(schema, path), path).toBe(true)
    for (const path of others) expect(mentions(schema, path), path).toBe(false)
  })

  it('however often its parts refer to each other', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 400 }, (_, at) => [`s${at}`, { allOf: [0, 1].map(() => ({ $ref: `#/$defs/s${at + 1}` })) }]),
    )
    const schema = { $ref: '#/$defs/s0', $defs: { ...$defs, s400: { properties: { a: { properties: { b: text } } } } } }
    expect(mentions(schema, 'a b')).toBe(true)
    expect(mentions(schema, 'b')).toBe(false)
  })
})

describe('a schema allows a value', () => {
  const allows = (schema: object, value: string | number | boolean | null) => {
    const type = value === null ? 'null' : (typeof value as 'string')
    return SchemaPlace.root({ properties: { a: schema } })
      .member('a')!
      .allows(type, each => each === value)
  }

  it('by type, enum and const, also among the items of an array', () => {
    expect(allows({ type: 'string' }, 'x')).toBe(true)
    expect(allows({ type: 'string' }, 7)).toBe(false)
    expect(allows({ type: ['integer', 'null'] }, 7)).toBe(true)
    expect(allows({ type: ['integer', 'null'] }, null)).toBe(true)
    expect(allows({ type: 'string', nullable: true }, null)).toBe(true)
    expect(allows({ type: 'object' }, 'x')).toBe(false)
    expect(allows({}, true)).toBe(true)
    expect(allows({ enum: ['x', ['y']] }, 'y')).toBe(true)
    expect(allows({ enum: ['x'] }, 'y')).toBe(false)
    expect(allows({ const: 'x' }, 'x')).toBe(true)
    expect(allows({ type: 'array' }, 'x')).toBe(true)
    expect(allows({ type: 'array', items: { type: 'array', items: { type: 'number' } } }, 'x')).toBe(false)
    expect(allows({ type: 'array', items: { type: 'array', items: { type: 'number' } } }, 1)).toBe(true)
    expect(allows({ allOf: [{ type: 'string' }, { enum: ['x', 1] }] }, 1)).toBe(false)
    expect(allows({ anyOf: [{ type: 'string' }, { const: 1 }] }, 1)).toBe(true)
    expect(allows({ oneOf: [{ type: 'string' }, { const: 1 }] }, 2)).toBe(false)
  })

  it('if a payload with it is valid, whatever the schema', () => {
    const leaf = fc.constantFrom<object>(
      {},
      { type: 'string' },
      { enum: ['x', 1, null, ['y']] },
      { const: 'x' },
      { type: ['null', 'integer'] },
    )
    const schemas = fc.letrec<{ schema: object }>(tie => ({
      schema: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
        fc.record({
          anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
          type: fc.constantFrom('string', 'array', 'object'),
        }),
        fc.record({ type: fc.constant('array'), items: tie('schema') }),
        fc.record({
          type: fc.constant('object'),
          properties: fc.dictionary(fc.constantFrom('a', 'b'), tie('schema')),
          additionalProperties: fc.constantFrom(false, true),
        }),
        // biome-ignore lint/suspicious/noThenProperty: a keyword
        fc.record({ if: tie('schema'), then: tie('schema') }),
      ),
    })).schema
    const values = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<unknown>('x', 'y', 1, null, true),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 2 }),
      ),
    })).value
    let checked = 0
    fc.assert(
      fc.property(schemas, values, (schema, payload) => {
        const compiled = compileSchema(schema)
        if (!compiled.ok || compiled.validate(payload).length > 0) return
        walk(payload, SchemaPlace.root(schema as never))
      }),
      { numRuns: 1_000 },
    )
    expect(checked).toBeGreaterThan(100)

    /** Wherever a schema mentions what a valid payload has, it allows it. */
    function walk(value: unknown, place: SchemaPlace): void {
      if (Array.isArray(value)) for (const each of value) walk(each, place)
      else if (typeof value === 'object' && value !== null) {
        for (const [name, inner] of Object.entries(value)) {
          const next = place.member(name)
          if (next !== undefined) walk(inner, next)
        }
      } else {
        checked++
        const type = value === null ? 'null' : (typeof value as 'string')
        expect(place.allows(type, each => each === value)).toBe(true)
      }
    }
  })
})
