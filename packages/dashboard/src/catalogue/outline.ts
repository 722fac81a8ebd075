/**
 * A JSON Schema (2020-12) as an outline: what a developer reads in place of the schema itself. `$ref` and `allOf` are
 * merged into the place where they apply, `oneOf` and `anyOf` become variants, or a union of types where they are no
 * more than that.
 */

type Schema = Readonly<Record<string, unknown>>

/** A value that is allowed, as JSON, and what it means. */
export type OutlineValue = { readonly json: string; readonly description: string | null }

/** A keyword that limits values, such as `maxLength`. The words for it are `catalogue.rules`. */
export type OutlineRule = { readonly keyword: string; readonly value: unknown }

export type OutlineLabel =
  | { readonly kind: 'root' }
  | { readonly kind: 'property'; readonly name: string }
  /** Each item of an array, or the item at a position. */
  | { readonly kind: 'items'; readonly index: number | null }
  /** Properties whose name matches a pattern, or all others. */
  | { readonly kind: 'others'; readonly pattern: string | null }
  | { readonly kind: 'variant'; readonly title: string | null; readonly number: number }

type Typed = {
  readonly types: readonly string[]
  readonly items: Typed | null
  readonly format: string | null
}

export type OutlineNode = {
  /** Unique in the outline. */
  readonly key: string
  /** Where it is in a payload: `*` stands for any item or name. Null if it has no place of its own. */
  readonly path: readonly string[]
  readonly label: OutlineLabel
  readonly isRequired: boolean
  /** JSON's names of types, `integer`, or empty for any value. */
  readonly types: readonly string[]
  /** For arrays with one schema for all items: their types. */
  readonly items: Typed | null
  readonly format: string | null
  readonly title: string | null
  readonly description: string | null
  readonly isDeprecated: boolean
  /** The only values that are allowed. Null if there is no such list. */
  readonly values: readonly OutlineValue[] | null
  readonly rules: readonly OutlineRule[]
  readonly children: readonly OutlineNode[]
  readonly variants: { readonly kind: 'oneOf' | 'anyOf'; readonly nodes: readonly OutlineNode[] } | null
  /** The name of the schema that this place repeats, so that it has no children here. */
  readonly repeats: string | null
  /** Nothing is allowed here. */
  readonly isNever: boolean
  /** There was too much to go on. */
  readonly isCut: boolean
}

const MAX_NODES = 1_200
const MAX_DEPTH = 40

/** Limits that are shown as they are. The order is that in which they are read. */
const RULES = [
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'exclusiveMinimum',
  'maximum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'dependentRequired',
  'contentEncoding',
  'contentMediaType',
  'default',
  'examples',
  'contains',
  'propertyNames',
  'dependentSchemas',
  'if',
  'then',
  'else',
  'not',
] as const

export function outlineOf(schema: unknown): OutlineNode {
  const context = { root: schema, left: MAX_NODES, anchors: anchorsIn(schema) }
  return build(context, [schema], { key: '', path: [], label: { kind: 'root' }, isRequired: true, above: [] })
}

type Context = { readonly root: unknown; left: number; readonly anchors: ReadonlyMap<string, unknown> }

type Place = Pick<OutlineNode, 'key' | 'path' | 'label' | 'isRequired'> & {
  /** The schemas that this place is in, to recognise those that contain themselves. */
  readonly above: readonly Schema[]
}

/** All schemas that apply to a place, and what came up while they were gathered. */
type Gathered = {
  readonly parts: Schema[]
  readonly alternatives: { readonly kind: 'oneOf' | 'anyOf'; readonly list: readonly unknown[] }[]
  repeats: string | null
  /** The types of what is repeated. */
  repeatedTypes: readonly string[]
  isNever: boolean
  isNullable: boolean
}

function nothingFound(): Gathered {
  return { parts: [], alternatives: [], repeats: null, repeatedTypes: [], isNever: false, isNullable: false }
}

function build(context: Context, schemas: readonly unknown[], place: Place): OutlineNode {
  const { key, path, label, isRequired, above } = place
  const found = nothingFound()
  for (const schema of schemas) gather(context, schema, above, found)
  const merged = mergeAlternatives(context, found, above)
  const { parts, isNever } = found
  const isCut = context.left-- <= 0 || above.length > MAX_DEPTH
  const typed = typeOf(context, found, merged, above)
  const shared = {
    key,
    path,
    label,
    isRequired,
    ...typed,
    title: firstText(parts, 'title'),
    description: firstText(parts, 'description'),
    isDeprecated: parts.some(part => part.deprecated === true),
    values: valuesOf(parts) ?? merged.values,
    rules: rulesOf(parts),
    repeats: found.repeats,
    isNever,
  }
  if (isCut || found.repeats !== null) return { ...shared, isCut, children: [], variants: null }
  const inside = [...above, ...parts]
  const variants = merged.variants.map(({ kind, list }) => ({
    kind,
    nodes: list.map((one, index) => {
      const title = firstText([one].filter(isSchema), 'title') ?? refName(one)
      const variant: Place = {
        key: `${key}|${index}`,
        path,
        label: { kind: 'variant', title, number: index + 1 },
        isRequired: false,
        above: inside,
      }
      return build(context, [one], variant)
    }),
  }))
  const nodes = variants.flatMap(group => group.nodes)
  return {
    ...shared,
    // What its forms agree on, where the place itself says nothing.
    types: typed.types.length > 0 ? typed.types : unionOf(nodes),
    isCut,
    children: [...propertiesOf(context, parts, place, inside), ...itemsOf(context, parts, place, inside)],
    // More than one group at a place is rare: the second is then listed under the first one's variants.
    variants: variants.length === 0 ? null : { kind: variants[0]!.kind, nodes },
  }
}

function gather(context: Context, schema: unknown, above: readonly Schema[], found: Gathered, name?: string): void {
  if (schema === false) found.isNever = true
  if (!isSchema(schema) || found.parts.includes(schema)) return
  if (above.includes(schema)) {
    found.repeats = name ?? '#'
    found.repeatedTypes = listOf(schema.type)
    found.isNullable ||= schema.nullable === true
    return
  }
  found.parts.push(schema)
  for (const keyword of ['$ref', '$dynamicRef']) {
    const reference = schema[keyword]
    if (typeof reference === 'string') {
      gather(context, resolve(context, reference), above, found, refName(schema) ?? reference)
    }
  }
  if (Array.isArray(schema.allOf)) for (const one of schema.allOf) gather(context, one, above, found)
  for (const kind of ['oneOf', 'anyOf'] as const) {
    const list = schema[kind]
    if (Array.isArray(list) && list.length > 0) found.alternatives.push({ kind, list })
  }
}

type Merged = {
  readonly variants: readonly { readonly kind: 'oneOf' | 'anyOf'; readonly list: readonly unknown[] }[]
  readonly values: readonly OutlineValue[] | null
  readonly types: readonly string[] | null
}

/** Alternatives that are no more than "or null", a list of values, or a union of types are said that way. */
function mergeAlternatives(context: Context, found: Gathered, above: readonly Schema[]): Merged {
  const variants: { kind: 'oneOf' | 'anyOf'; list: readonly unknown[] }[] = []
  let values: OutlineValue[] | null = null
  let types: string[] | null = null
  // The list can grow while the only alternative left is gathered in.
  for (let index = 0; index < found.alternatives.length; index++) {
    const { kind, list } = found.alternatives[index]!
    const rest = list.filter(one => !isNullOnly(one))
    if (rest.length < list.length) found.isNullable = true
    if (rest.length === 1) gather(context, rest[0], above, found)
    else if (rest.every(isValueOnly)) values = (rest as Schema[]).flatMap(valuesIn)
    else if (rest.every(isTypeOnly)) types = [...new Set((rest as Schema[]).flatMap(one => listOf(one.type)))]
    else if (rest.length > 0) variants.push({ kind, list: rest })
  }
  return { variants, values, types }
}

function typeOf(context: Context, found: Gathered, merged: Merged, above: readonly Schema[]): Typed {
  const { parts, repeatedTypes } = found
  let types = merged.types ?? (repeatedTypes.length > 0 ? repeatedTypes : null)
  for (const part of parts) {
    const own = listOf(part.type)
    if (own.length === 0) continue
    types = types === null ? own : types.flatMap(one => meet(one, own))
  }
  const values = valuesOf(parts) ?? merged.values
  if (types === null && values !== null) types = [...new Set(values.map(({ json }) => typeOfJson(json)))]
  if (types === null && parts.some(part => isSchema(part.properties) || 'patternProperties' in part)) types = ['object']
  if (types === null && parts.some(part => 'items' in part || 'prefixItems' in part)) types = ['array']
  const isNullable = found.isNullable || parts.some(part => part.nullable === true)
  if (isNullable && types !== null && !types.includes('null')) types = [...types, 'null']
  const itemSchemas = itemSchemasOf(parts)
  let items: Typed | null = null
  if (itemSchemas.length > 0 && above.length <= MAX_DEPTH) {
    const inner = nothingFound()
    for (const schema of itemSchemas) gather(context, schema, [...above, ...parts], inner)
    const merged = mergeAlternatives(context, inner, above)
    items = typeOf(context, inner, merged, [...above, ...parts])
  }
  return { types: types ?? [], items, format: firstText(parts, 'format') }
}

/** The types of several nodes. Nothing if one of them can be any value. */
function unionOf(nodes: readonly OutlineNode[]): readonly string[] {
  return nodes.some(({ types }) => types.length === 0) ? [] : [...new Set(nodes.flatMap(({ types }) => types))]
}

function meet(type: string, others: readonly string[]): string[] {
  if (others.includes(type)) return [type]
  if (type === 'number' && others.includes('integer')) return ['integer']
  if (type === 'integer' && others.includes('number')) return ['integer']
  return []
}

function propertiesOf(context: Context, parts: readonly Schema[], place: Place, above: readonly Schema[]) {
  const required = new Set(parts.flatMap(part => listOf(part.required)))
  const byName = new Map<string, unknown[]>()
  const byPattern = new Map<string, unknown[]>()
  const others: unknown[] = []
  for (const part of parts) {
    for (const [name, schema] of membersOf(part.properties)) byName.set(name, [...(byName.get(name) ?? []), schema])
    for (const [name, schema] of membersOf(part.patternProperties)) {
      byPattern.set(name, [...(byPattern.get(name) ?? []), schema])
    }
    const rest = part.additionalProperties ?? part.unevaluatedProperties
    if (isSchema(rest)) others.push(rest)
  }
  // A property that is required and described nowhere still has to be there.
  for (const name of required) if (!byName.has(name)) byName.set(name, [])
  const { key, path } = place
  const named = [...byName].map(([name, schemas]) =>
    build(context, schemas, {
      key: `${key}/${name}`,
      path: [...path, name],
      label: { kind: 'property', name },
      isRequired: required.has(name),
      above,
    }),
  )
  const matched = [...byPattern].map(([pattern, schemas]) =>
    build(context, schemas, {
      key: `${key}~${pattern}`,
      path: [...path, '*'],
      label: { kind: 'others', pattern },
      isRequired: false,
      above,
    }),
  )
  const rest =
    others.length === 0
      ? []
      : [
          build(context, others, {
            key: `${key}~`,
            path: [...path, '*'],
            label: { kind: 'others', pattern: null },
            isRequired: false,
            above,
          }),
        ]
  return [...named, ...matched, ...rest]
}

function itemsOf(context: Context, parts: readonly Schema[], place: Place, above: readonly Schema[]): OutlineNode[] {
  const { key, path } = place
  const tuple = parts.flatMap(part => (Array.isArray(part.prefixItems) ? (part.prefixItems as unknown[]) : []))
  const positions = tuple.map((schema, index) =>
    build(context, [schema], {
      key: `${key}[${index}]`,
      path: [...path, String(index)],
      label: { kind: 'items', index },
      isRequired: false,
      above,
    }),
  )
  const schemas = itemSchemasOf(parts)
  if (schemas.length === 0) return positions
  const each = build(context, schemas, {
    key: `${key}[]`,
    path: [...path, '*'],
    label: { kind: 'items', index: null },
    isRequired: false,
    above,
  })
  if (positions.length > 0) return [...positions, each]
  // "array of objects" says it already: the properties of an item follow right away.
  return isPlain(each) ? [...each.children] : [each]
}

/** Whether a node says nothing that the name of its type doesn't. */
function isPlain({ values, rules, variants, description, title, repeats, types, children, isNever }: OutlineNode) {
  const isBare = values === null && rules.length === 0 && variants === null && repeats === null && !isNever
  const isArray = types.includes('array')
  return isBare && description === null && title === null && !(isArray && children.length > 0)
}

function itemSchemasOf(parts: readonly Schema[]): unknown[] {
  return parts.map(part => part.items).filter(items => isSchema(items))
}

function valuesOf(parts: readonly Schema[]): OutlineValue[] | null {
  let values: OutlineValue[] | null = null
  for (const part of parts) {
    const own = valuesIn(part)
    if (own.length === 0) continue
    values = values === null ? own : values.filter(({ json }) => own.some(other => other.json === json))
  }
  return values
}

function valuesIn(part: Schema): OutlineValue[] {
  const description = firstText([part], 'description') ?? firstText([part], 'title')
  // Of one schema for a single value, its description is that of the value; of a list, that of the place.
  if ('const' in part) return [{ json: JSON.stringify(part.const), description }]
  return (Array.isArray(part.enum) ? part.enum : []).map(value => ({ json: JSON.stringify(value), description: null }))
}

function rulesOf(parts: readonly Schema[]): OutlineRule[] {
  const rules: OutlineRule[] = []
  const isClosed = (part: Schema) => part.additionalProperties === false || part.unevaluatedProperties === false
  for (const keyword of RULES) {
    const values = parts.filter(part => keyword in part).map(part => part[keyword])
    const [value] = values
    if (value === undefined || (keyword === 'uniqueItems' && value !== true)) continue
    // Of several limits, the tightest one counts.
    const numbers = values.filter(one => typeof one === 'number')
    if (numbers.length < 2 || keyword === 'multipleOf') rules.push({ keyword, value })
    else if (/^min|Minimum/.test(keyword)) rules.push({ keyword, value: Math.max(...numbers) })
    else rules.push({ keyword, value: Math.min(...numbers) })
  }
  if (parts.some(isClosed)) rules.push({ keyword: 'closed', value: true })
  return rules
}

function resolve({ root, anchors }: Context, reference: string): unknown {
  const [id = '', fragment = ''] = reference.split('#', 2)
  const document = id === '' ? root : anchors.get(id)
  if (fragment === '') return document
  if (!fragment.startsWith('/')) return anchors.get(`#${fragment}`)
  let at: unknown = document
  for (const part of fragment.slice(1).split('/')) {
    const name = decode(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Schema)[name]
  }
  return at
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Every schema with `$id` (as it is written) or `$anchor` (as `#name`). */
function anchorsIn(schema: unknown): ReadonlyMap<string, unknown> {
  const anchors = new Map<string, unknown>()
  const waiting = [schema]
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (typeof one !== 'object' || one === null) continue
    const { $id, $anchor, $dynamicAnchor } = one as Schema
    if (typeof $id === 'string') anchors.set($id, one)
    for (const name of [$anchor, $dynamicAnchor]) if (typeof name === 'string') anchors.set(`#${name}`, one)
    waiting.push(...Object.values(one).filter(inner => typeof inner === 'object' && inner !== null))
  }
  return anchors
}

/** The last part of what a schema refers to: `Address` of `#/$defs/Address`. */
function refName(schema: unknown): string | null {
  const reference = isSchema(schema) ? (schema.$ref ?? schema.$dynamicRef) : undefined
  if (typeof reference !== 'string') return null
  return decode(reference.split(/[#/]/).findLast(part => part !== '') ?? '#')
}

function isSchema(schema: unknown): schema is Schema {
  return typeof schema === 'object' && schema !== null && !Array.isArray(schema)
}

/** Words about a schema that allow no more and no less. */
const WORDS = new Set(['title', 'description', '$comment', 'examples', 'deprecated'])

function hasOnly(schema: unknown, ...keywords: readonly string[]): schema is Schema {
  return isSchema(schema) && Object.keys(schema).every(keyword => WORDS.has(keyword) || keywords.includes(keyword))
}

function isNullOnly(schema: unknown): boolean {
  return isSchema(schema) && (schema.type === 'null' || ('const' in schema && schema.const === null))
}

function isValueOnly(schema: unknown): boolean {
  return hasOnly(schema, 'type', 'const', 'enum') && ('const' in schema || Array.isArray(schema.enum))
}

function isTypeOnly(schema: unknown): boolean {
  return hasOnly(schema, 'type') && 'type' in schema && firstText([schema], 'description') === null
}

function typeOfJson(json: string): string {
  const value: unknown = JSON.parse(json)
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

function firstText(parts: readonly Schema[], keyword: string): string | null {
  const text = parts.map(part => part[keyword]).find(one => typeof one === 'string' && one.trim() !== '')
  return typeof text === 'string' ? text : null
}

function listOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value]
  return list.filter(one => typeof one === 'string')
}

function membersOf(value: unknown): [string, unknown][] {
  return isSchema(value) ? Object.entries(value) : []
}
