/** Reads the keywords of a schema. */
export type Keywords = Readonly<Record<string, unknown>>

export type Schema = boolean | Keywords

/** A kind of value that is neither an object nor an array. */
export type ScalarType = 'string' | 'number' | 'boolean' | 'null'

export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value))

export const listOf = (value: unknown): Schema[] => (Array.isArray(value) ? value.filter(isSchema) : [])

export const schemasIn = (value: unknown): Readonly<Record<string, Schema>> =>
  isSchema(value) && typeof value === 'object' ? (value as Readonly<Record<string, Schema>>) : {}

export const choicesOf = ({ anyOf, oneOf }: Keywords): Schema[][] =>
  [listOf(anyOf), listOf(oneOf)].filter(choice => choice.length > 0)

/** Schemas that hold for some payloads. */
export const sometimesOf = (schema: Keywords): Schema[] => [
  ...[schema.if, schema.then, schema.else].filter(isSchema),
  ...Object.values(schemasIn(schema.dependentSchemas)),
]

export const itemsOf = ({ prefixItems, items, contains, unevaluatedItems }: Keywords): Schema[] => [
  ...listOf(prefixItems),
  ...[items, contains, unevaluatedItems].filter(isSchema),
]

/** Whether an array can have items that none of `itemsOf` describes. */
export const hasOtherItems = ({ items, unevaluatedItems }: Keywords): boolean =>
  !isSchema(items) && !isSchema(unevaluatedItems)

/** All values that a schema allows, if it lists them. */
export const valuesOf = (schema: Keywords): unknown[] | undefined =>
  Object.hasOwn(schema, 'const') ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : undefined

export function canBe({ type, nullable }: Keywords, wanted: ScalarType | 'object' | 'array'): boolean {
  if (type === undefined || (wanted === 'null' && nullable === true)) return true
  const types = [type].flat()
  return types.includes(wanted) || (wanted === 'number' && types.includes('integer'))
}
