import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PayloadFilter } from '../../../src/base/model.ts'
import { adviseOnFilter } from '../../../src/catalogue/filter/advice.ts'
import { compileFilter } from '../../../src/catalogue/filter/compile.ts'
import { isObject, wordOf } from '../../../src/catalogue/filter/language.ts'
import { compileSchema } from '../../../src/catalogue/schema.ts'
import { SchemaPlace } from '../../../src/catalogue/schema-places.ts'
import { filters, payloads } from './arbitraries.ts'
import { faultsOf, resultOf } from './setup.ts'

const number = fc.constantFrom(-1, 0, 1, 2, 2.5)
const length = fc.constantFrom(0, 1, 2)
const limits = fc.record(
  {
    type: fc.constantFrom<unknown>('string', 'number', 'integer', 'boolean', ['integer', 'string'], ['object', 'null']),
    minimum: number,
    exclusiveMinimum: number,
    maximum: number,
    exclusiveMaximum: number,
    multipleOf: fc.constantFrom(0.5, 1, 2, 2.5),
    minLength: length,
    maxLength: length,
    pattern: fc.constantFrom('^a', 'a$', '^[ab]+$', '^a{1,2}?b?$', '^[^a]', '^.b', '^(a|b)', 'b', '^\\w*\\-', '^.$'),
    format: fc.constantFrom('uuid', 'date', 'int32', 'unheard-of'),
    enum: fc.constantFrom<unknown[]>(['a', 1, null], [true], ['ab', { a: 'a' }], [['a', 2], 'b'], [false, true, 'ß']),
    nullable: fc.constant(true),
  },
  { requiredKeys: [] },
)
const few = fc
  .tuple(limits, fc.nat({ max: 9 }), fc.nat({ max: 9 }))
  .map(([all, ...at]) => Object.fromEntries(Object.entries(all).filter((_, index) => at.includes(index))))
const name = fc.constantFrom('a', 'a', 'b', '$a')
const schemas = fc.letrec<{ schema: object | boolean; object: object }>(tie => ({
  object: fc.record(
    {
      type: fc.constantFrom('object', ['object', 'array'], ['object', 'string']),
      properties: fc.dictionary(name, tie('schema'), { minKeys: 1 }),
      required: fc.uniqueArray(name, { maxLength: 2 }),
      additionalProperties: fc.boolean(),
      items: tie('schema'),
    },
    { requiredKeys: ['properties'] },
  ),
  schema: fc.oneof(
    { maxDepth: 3 },
    few,
    few,
    tie('object'),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ type: fc.constant('array'), prefixItems: fc.tuple(tie('schema')) }),
    fc.record({ allOf: fc.tuple(tie('schema'), few) }),
    fc.record({ anyOf: fc.tuple(tie('schema'), few), type: fc.constantFrom('string', 'number', 'array', 'object') }),
    fc.record({ oneOf: fc.tuple(few, tie('schema')) }),
    fc.record({ $ref: fc.constantFrom('#', '#/$defs/s'), maximum: number }),
    fc.constantFrom(true, false),
  ),
})) as { schema: fc.Arbitrary<object | boolean>; object: fc.Arbitrary<object> }
const roots = fc.tuple(schemas.object, few).map(([object, s]) => ({ ...object, $defs: { s } }))

/** The part of a filter that a warning is about, as a filter of its own. */
function claimOf(filter: PayloadFilter, field: string): PayloadFilter {
  const names: string[] = []
  let at: unknown = filter
  let claim: unknown = filter
  for (const token of field.split('/').slice(2)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    const value = (at as Record<string, unknown>)[key]
    const word = isObject(at) ? wordOf(key, value, names.length === 0) : undefined
    if (word?.kind === 'member') names.push(key)
    const isTest = word?.kind === 'operator' && !['anyOf', 'not'].includes(word.operator)
    const isNot = word?.kind === 'operator' && word.operator === 'not' && names.length === 0
    claim = isTest || isNot ? { [key]: value } : isObject(value) || Array.isArray(value) ? value : [value]
    at = value
  }
  return names.reduceRight<unknown>((inner, each) => ({ [each]: inner }), claim) as PayloadFilter
}

it('a warning about a value is never wrong: no payload that fits the schema has it', () => {
  let checked = 0
  fc.assert(
    fc.property(
      roots,
      fc.array(filters, { minLength: 8, maxLength: 8 }),
      fc.array(payloads, { minLength: 25, maxLength: 25 }),
      (schema, some, given) => {
        const compiled = compileSchema(schema)
        if (!compiled.ok) return
        const valid = given.filter(payload => compiled.validate(payload).length === 0)
        const place = SchemaPlace.root(schema as never)
        for (const filter of some) {
          if (valid.length === 0 || faultsOf(filter).length > 0) continue
          for (const { code, field } of resultOf(adviseOnFilter(filter, '/filter', [place]))) {
            if (code !== 'filter_value_unknown') continue
            const holds = compileFilter(claimOf(filter, field))
            for (const payload of valid) {
              checked++
              expect(holds(payload), JSON.stringify([schema, filter, field, payload])).toBe(false)
            }
          }
        }
      },
    ),
    { numRuns: 150 },
  )
  expect(checked).toBeGreaterThan(200)
})
