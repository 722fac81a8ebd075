/** Arbitrary JSON Schemas of all kinds that the types are made of, and values that probably satisfy them. */
import fc from 'fast-check'

// biome-ignore lint/suspicious/noExplicitAny: a schema that is looked into
export type Schema = any

/** Names of members, among them those that need quotes, and what could end a string or a comment. */
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', 'id', 'constructor', 'toString') },
  { weight: 2, arbitrary: fc.constantFrom('a-b', '2', "it's", '"', '\\', '*/', '`$', 'ü', '\u2028', '\n', '', '𝌆') },
)
const scalar = fc.oneof(
  fc.constantFrom('x', 'y', "it's", '\\', '`${', '\u2029', 'ü\ud800'),
  fc.integer({ min: -3, max: 3 }).map(value => value + 0),
  fc.constantFrom(1e21, 0.1, -2.5),
  fc.boolean(),
  fc.constant(null),
)
const json = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
  { weight: 1, arbitrary: fc.dictionary(name, scalar, { maxKeys: 2, noNullPrototype: true }) },
)
const kind = fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'boolean', 'null')
const description = fc.option(fc.constantFrom('Text.', 'Ends */ it', '@ts-ignore', '// `$', 'a\nb'), {
  nil: undefined,
})

/** Leaves out what is undefined. */
const compact = (schema: Schema) =>
  typeof schema === 'object'
    ? Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined))
    : schema

const DEFS = ['one', 'two', 'th/ree~ %']
const ref = fc.constantFrom('#', '#/$defs/one', '#/$defs/two', '#/$defs/th~1ree~0%20%25', '#here', '#/properties/a')

const { schema } = fc.letrec<{ schema: Schema; object: Schema; array: Schema }>(tie => {
  const inner = tie('schema')
  const some = (arbitrary: fc.Arbitrary<unknown>, freq = 2) => fc.option(arbitrary, { nil: undefined, freq })
  const members = fc.dictionary(name, inner, { maxKeys: 3, noNullPrototype: true })
  const object = fc
    .record({
      type: some(fc.constant('object'), 6),
      properties: some(members, 8),
      required: some(fc.uniqueArray(name, { maxLength: 2 })),
      additionalProperties: some(fc.oneof(fc.boolean(), inner)),
      patternProperties: some(
        fc.dictionary(fc.constantFrom('^a', '^x-', '.'), inner, { maxKeys: 2, noNullPrototype: true }),
        1,
      ),
      minProperties: some(fc.constant(1), 1),
      description,
      nullable: fc.constant(undefined),
    })
    .map(compact)
  const array = fc
    .record({
      type: some(fc.constant('array'), 6),
      items: some(fc.oneof(inner, fc.boolean()), 6),
      prefixItems: some(fc.array(inner, { minLength: 1, maxLength: 3 })),
      minItems: some(fc.nat({ max: 3 })),
      maxItems: some(fc.integer({ min: 1, max: 4 }), 1),
      uniqueItems: some(fc.boolean(), 1),
      description,
    })
    .map(compact)
  const others = fc
    .record({
      type: some(fc.oneof(kind, fc.uniqueArray(kind, { minLength: 1, maxLength: 3 })), 4),
      enum: some(fc.uniqueArray(json, { minLength: 1, maxLength: 4, selector: value => JSON.stringify(value) }), 1),
      const: some(json, 1),
      description,
    })
    .map(compact)
  const combined = fc
    .record({
      type: some(fc.constantFrom('object', ['object', 'null'], 'string'), 2),
      properties: some(members),
      allOf: some(fc.array(inner, { minLength: 1, maxLength: 2 })),
      anyOf: some(fc.array(inner, { minLength: 1, maxLength: 3 })),
      oneOf: some(fc.array(inner, { minLength: 1, maxLength: 3 }), 1),
      not: some(inner, 1),
      if: some(inner, 1),
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: some(inner, 1),
      $ref: some(ref, 2),
    })
    .map(compact)
  const nullable = fc.constantFrom('string', 'number').map(type => ({ type, nullable: true }))
  return {
    object,
    array,
    schema: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      others,
      { weight: 3, arbitrary: tie('object') },
      tie('array'),
      combined,
      ref.map($ref => ({ $ref })),
      nullable,
      fc.boolean(),
    ),
  }
})

/** Schemas as the catalogue takes them, with parts that all references find. */
export const anySchema: fc.Arbitrary<Schema> = fc
  .record({ root: schema, one: schema, two: schema, three: schema, a: schema })
  .map(({ root, one, two, three, a }) => {
    const isObject = typeof root === 'object' && root.type === 'object'
    const here = { $anchor: 'here', type: ['string', 'object'] }
    return {
      ...(isObject ? root : {}),
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'string' }, a, ...(isObject ? root.properties : { b: root }) },
      $defs: { [DEFS[0]!]: one, [DEFS[1]!]: two, [DEFS[2]!]: three, here },
    }
  })

/** Types can't tell members that every object inherits from missing ones. */
const ownName = name.filter(each => !(each in {}))

/** Schemas that types express in full. */
export const { plain: plainSchema } = fc.letrec<{ plain: Schema }>(tie => ({
  plain: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom('string', 'number', 'boolean', 'null').map(type => ({ type })),
    fc
      .uniqueArray(fc.constantFrom('x', 'y', 1, 2, true, null), { minLength: 1, maxLength: 3 })
      .map(values => ({ enum: values })),
    fc.constantFrom('string', 'number').map(type => ({ type: [type, 'null'] })),
    tie('plain').map(items => ({ type: 'array', items })),
    fc
      .dictionary(ownName, tie('plain'), { minKeys: 1, maxKeys: 3, noNullPrototype: true })
      .chain(properties =>
        fc
          .subarray(Object.keys(properties), { minLength: 1 })
          .map(required => ({ type: 'object', required, properties })),
      ),
  ),
}))

/** A value that tends to satisfy a schema. It can't be relied upon: ask the validator. */
export function valueFor(schema: Schema, root: Schema, random: () => number, depth = 0): unknown {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
  if (typeof schema !== 'object' || depth > 8) return pick(['x', 1, true, null])
  if (schema.enum !== undefined) return pick(schema.enum)
  if ('const' in schema) return schema.const
  const inner = (one: Schema) => valueFor(one, root, random, depth + 1)
  const parts = [
    ...(schema.$ref === undefined ? [] : [target(schema.$ref, root)]),
    ...(schema.allOf ?? []),
    ...[schema.anyOf, schema.oneOf].filter(Boolean).map(pick),
  ]
  const merged: Schema = { ...schema }
  for (const part of parts) {
    if (typeof part === 'object') Object.assign(merged, { ...part, ...merged, parts: part })
  }
  if (parts.length > 0 && schema.properties === undefined && schema.type === undefined) return inner(pick(parts))
  const types = [merged.type ?? guess(merged)].flat()
  const type = pick(merged.nullable === true ? [...types, 'null'] : types)
  switch (type) {
    case 'object': {
      const properties = { ...merged.properties, ...merged.parts?.properties }
      const required: string[] = [...(merged.required ?? []), ...(merged.parts?.required ?? [])]
      const names = [...Object.keys(properties).filter(() => random() < 0.6), ...required]
      const extra = random() < 0.3 ? [[pick(['x-1', 'other', 'a1']), inner(merged.additionalProperties ?? true)]] : []
      const entries = names.map(key => [key, Object.hasOwn(properties, key) ? inner(properties[key]) : pick(['x', 1])])
      return Object.fromEntries([...entries, ...extra])
    }
    case 'array': {
      const { prefixItems = [], items = true, minItems = 0 } = merged
      const count = Math.max(minItems, Math.floor(random() * (prefixItems.length + 2)))
      return Array.from({ length: items === false ? Math.min(count, prefixItems.length) : count }, (_item, index) =>
        inner(prefixItems[index] ?? items),
      )
    }
    case 'string':
      return pick(['x', 'y', '', 'ü', "it's"])
    case 'integer':
      return pick([0, 1, -7, 12345678901])
    case 'number':
      return pick([0.5, 1, -2e21])
    case 'boolean':
      return random() < 0.5
    case 'null':
      return null
    default:
      return pick(['x', 1, true, null])
  }
}

function guess({ properties, required, items, prefixItems }: Schema): string {
  if (properties !== undefined || required !== undefined) return 'object'
  return items !== undefined || prefixItems !== undefined ? 'array' : 'any'
}

function target(ref: string, root: Schema): Schema {
  if (ref === '#here') return root.$defs.here
  const path = decodeURIComponent(ref).split('/').slice(1)
  return path.reduce((value, part) => value?.[part.replaceAll('~1', '/').replaceAll('~0', '~')], root) ?? true
}

/** Numbers between 0 and 1 that a seed determines (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
