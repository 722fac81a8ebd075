import { describe, expect, it } from 'vitest'
import { OPERATIONAL_TYPES } from '../../src/catalogue/operational-types.ts'
import { isProvenQuick } from '../../src/catalogue/schema-cost.ts'
import { starterCatalogue } from '../../src/catalogue/starter-catalogue.ts'

/** Each definition refers twice to the one before. */
const chain = (length: number) => ({
  $ref: `#/$defs/${length}`,
  $defs: Object.fromEntries(
    Array.from({ length: length + 1 }, (_, at) => [
      at,
      at === 0 ? {} : { allOf: [{ $ref: `#/$defs/${at - 1}` }, { $ref: `#/$defs/${at - 1}` }] },
    ]),
  ),
})
const many = (count: number) => Array.from({ length: count }, (_, at) => `value-${at}`)
const propertiesOf = (count: number) => Object.fromEntries(many(count).map(name => [name, {}]))

describe('a schema is proven to be quick', () => {
  it.each([...starterCatalogue, ...OPERATIONAL_TYPES].map(({ name, schema }) => [name, schema]))(
    '%s',
    (_name, schema) => {
      expect(isProvenQuick(schema)).toBe(true)
    },
  )

  it.each([
    ['a short chain of references', chain(4)],
    ['a definition that nothing refers to', { $defs: { a: { pattern: '^(a+)+$' } } }],
    ['a property called pattern', { properties: { pattern: {}, $ref: {} } }],
    ['a value that looks like a pattern', { const: { pattern: '^(a+)+$' }, 'x-note': { pattern: '^(a+)+$' } }],
    ['many values in a list', { items: { enum: many(250) } }],
    ['many properties of the payload', { properties: propertiesOf(300) }],
    ['an email address', { properties: { a: { format: 'email' } } }],
  ])('%s', (_name, schema) => {
    expect(isProvenQuick(schema)).toBe(true)
  })
})

describe('a schema is not proven to be quick', () => {
  it.each([
    ['a pattern', { properties: { a: { pattern: '^(a+)+$' } } }],
    ['a pattern in a definition', { $ref: '#/$defs/a', $defs: { a: { items: { pattern: '^(a+)+$' } } } }],
    ['a pattern of names', { patternProperties: { '^(a+)+$': {} } }],
    ['a pattern for names', { propertyNames: { pattern: '^(a+)+$' } }],
    ['a long chain of references', chain(20)],
    ['a reference to itself', { properties: { a: { $ref: '#' } } }],
    ['references in a circle', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }],
    ['a dynamic reference', { $dynamicAnchor: 'a', properties: { a: { $dynamicRef: '#a' } } }],
    ['a reference that can not be found', { $ref: '#/$defs/none' }],
    ['a reference to a part with an id', { $ref: '#/$defs/a', $defs: { a: { $id: 'urn:a', properties: {} } } }],
    ['many properties of each item', { items: { properties: propertiesOf(300) } }],
    ['many required properties of each item', { items: { required: many(300) } }],
    ['many patterns of names of each item', { items: { patternProperties: propertiesOf(30) } }],
    ['many alternatives for each item', { items: { anyOf: many(300).map(value => ({ const: value })) } }],
    ['very many parts', { properties: propertiesOf(2_000) }],
    ['a format that takes long', { properties: { a: { format: 'url' } } }],
  ])('%s', (_name, schema) => {
    expect(isProvenQuick(schema)).toBe(false)
  })
})
