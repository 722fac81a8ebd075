/**
 * Turns a JSON Schema (2020-12) into a TypeScript type to which every value that the schema accepts can be assigned. What
 * a type can't express is left out, so that it accepts more than the schema, never less.
 */
import { isObject, type Json, type JsonObject, type Pointer, References } from './references.ts'
import { comment, identifier, indent, memberName, quote } from './text.ts'
import { atom, intersection, listOf, NEVER, type Ts, tupleOf, UNDEFINED, UNKNOWN, union } from './ts.ts'

/** The types of JSON values. Integers are numbers. */
const KINDS = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const
type Kind = (typeof KINDS)[number]
type Kinds = ReadonlySet<Kind>
const ALL: Kinds = new Set(KINDS)

/** Deeper than any schema of a server. What is further inside is `unknown`. */
const MAX_DEPTH = 100
/** Longer ones are lists. */
const MAX_TUPLE = 50

/** Where a part of a type is. */
type Place = {
  /** What the value can be, by the schemas around this one that are about the same value. */
  readonly kinds: Kinds
  readonly depth: number
  /** Whether there is an object or an array around it, in which a type can refer to itself. */
  readonly isInside: boolean
}

export class SchemaTypes {
  readonly #root: Json
  readonly #references: References
  readonly #prefix: string
  readonly #claim: (name: string) => string
  /** Names of the schemas that are referred to. */
  readonly #names = new Map<Pointer, string>()

  /**
   * @param name of what the schema is of
   * @param claim makes a name of a type that no other has
   */
  constructor(root: Json, name: string, claim: (name: string) => string) {
    this.#root = root
    this.#references = new References(root)
    this.#prefix = identifier(name)
    this.#claim = claim
  }

  /** The type, and the types that it refers to by name. */
  write(): { readonly type: string; readonly named: readonly (readonly [name: string, type: string])[] } {
    const place = { kinds: ALL, depth: 0, isInside: false }
    const root = this.#type(this.#root, place)
    const named: [string, string][] = []
    // Those that are found on the way are added at the end.
    for (const [pointer, name] of this.#names) {
      named.push([name, pointer === '' ? root.text : this.#type(this.#references.at(pointer)!, place).text])
    }
    return { type: this.#names.get('') ?? root.text, named }
  }

  #type(schema: Json, place: Place): Ts {
    if (schema === false) return NEVER
    if (place.depth > MAX_DEPTH) return UNKNOWN
    if (!isObject(schema)) return ofKinds(place.kinds)
    const kinds = this.#kindsOf(schema, place.kinds)
    const inner = { ...place, kinds, depth: place.depth + 1 }
    const own = this.#own(schema, inner)
    const others = [
      this.#reference(schema.$ref, place),
      ...listIn(schema.allOf).map(part => this.#type(part, inner)),
      ...[schema.anyOf, schema.oneOf].flatMap(parts =>
        Array.isArray(parts) && parts.length > 0 ? [union(parts.map(part => this.#type(part, inner)))] : [],
      ),
    ].filter(({ text }) => text !== UNKNOWN.text)
    // That it is an object, and no more, is said by the others already, which know it.
    return intersection(own === undefined && others.length > 0 ? others : [own ?? ofKinds(kinds), ...others])
  }

  /** What a value can be: what all schemas that apply to it allow. */
  #kindsOf(schema: JsonObject, kinds: Kinds): Kinds {
    const target = this.#references.resolve(schema.$ref)
    const parts = [schema, ...listIn(schema.allOf), ...(target === undefined ? [] : [this.#references.at(target)!])]
    const allowed = parts.filter(isObject).map(kindsIn)
    return new Set([...kinds].filter(kind => allowed.every(each => each.has(kind))))
  }

  #reference(ref: Json | undefined, { isInside }: Place): Ts {
    const pointer = this.#references.resolve(ref)
    if (pointer === undefined || (!isInside && this.#references.isEndless(pointer))) return UNKNOWN
    let name = this.#names.get(pointer)
    if (name === undefined) {
      const last = pointer === '' ? '' : identifier(pointer.slice(pointer.lastIndexOf('/') + 1))
      name = this.#claim(`${this.#prefix}${last}`)
      this.#names.set(pointer, name)
    }
    return atom(name)
  }

  /** What the keywords of a schema say themselves. Undefined if they say no more than what kind of value it is. */
  #own(schema: JsonObject, place: Place): Ts | undefined {
    const { kinds } = place
    if (Array.isArray(schema.enum))
      return union(schema.enum.filter(value => kinds.has(kindOf(value))).map(value => literal(value)))
    if (Object.hasOwn(schema, 'const')) return kinds.has(kindOf(schema.const!)) ? literal(schema.const!) : NEVER
    const says = (keywords: readonly string[]) => keywords.some(keyword => Object.hasOwn(schema, keyword))
    const isObjectDescribed = kinds.has('object') && says(OBJECT_KEYWORDS)
    const isArrayDescribed = kinds.has('array') && says(ARRAY_KEYWORDS)
    if (!isObjectDescribed && !isArrayDescribed) return undefined
    const inside = { kinds: ALL, depth: place.depth, isInside: true }
    return union(
      KINDS.filter(kind => kinds.has(kind)).map(kind => {
        if (kind === 'object' && isObjectDescribed) return this.#object(schema, inside)
        return kind === 'array' && isArrayDescribed ? this.#array(schema, inside) : PLAIN[kind]
      }),
    )
  }

  #object(schema: JsonObject, place: Place): Ts {
    const properties = isObject(schema.properties) ? Object.entries(schema.properties) : []
    const required = new Set(listIn(schema.required).filter(name => typeof name === 'string'))
    const members = properties.map(([name, property]) => {
      const isRequired = required.delete(name)
      // Every object has such a member, so far as the compiler is concerned: a function.
      const type = !isRequired && OF_EVERY_OBJECT.includes(name) ? UNKNOWN : this.#type(property, place)
      return { name, property, isRequired, type: isRequired ? type : union([type, UNDEFINED]) }
    })
    for (const name of required) members.push({ name, property: true, isRequired: true, type: UNKNOWN })
    const index = this.#index(
      schema,
      members.map(({ type }) => type),
      place,
    )
    if (members.length === 0) return index === undefined ? PLAIN.object : { text: `{ ${indexText(index)} }`, level: 0 }
    const lines = members.map(({ name, property, isRequired, type }) => {
      const { description, deprecated } = isObject(property) ? property : {}
      return `${comment(description, deprecated === true)}${memberName(name)}${isRequired ? '' : '?'}: ${type.text};\n`
    })
    const text = `{\n${indent([...lines, ...(index === undefined ? [] : [`${indexText(index)}\n`])].join(''))}}`
    // If all are optional, a value with none of them could not be assigned without `object`.
    const isWeak = index === undefined && members.every(({ isRequired }) => !isRequired)
    return isWeak ? { text: `${text} & object`, level: 2 } : atom(text)
  }

  /**
   * The type of members that are not named. Undefined if there can't be any, or if the schema doesn't speak of them: they
   * are then allowed, but in a literal most likely a mistake, which the compiler reports.
   */
  #index(schema: JsonObject, members: readonly Ts[], place: Place): Ts | undefined {
    const { additionalProperties: others, patternProperties } = schema
    const patterns = isObject(patternProperties) ? Object.values(patternProperties) : []
    if (patterns.length === 0 && (others === undefined || (others === false && members.length > 0))) return undefined
    const types = patterns.map(pattern => this.#type(pattern, place))
    // A type's named members have to fit its index.
    return union([...types, ...members, this.#type(others ?? true, place)])
  }

  #array(schema: JsonObject, place: Place): Ts {
    const { items, prefixItems, minItems } = schema
    const first = listIn(prefixItems)
    const rest = items === undefined || Array.isArray(items) ? UNKNOWN : this.#type(items, place)
    if (first.length === 0) return listOf(rest)
    if (first.length > MAX_TUPLE) return listOf(UNKNOWN)
    const types = first.map(item => this.#type(item, place))
    const required = typeof minItems === 'number' ? minItems : 0
    return tupleOf(types, required, items === false ? undefined : rest)
  }
}

const OF_EVERY_OBJECT: readonly string[] = [
  'constructor',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'toLocaleString',
  'toString',
  'valueOf',
]
const OBJECT_KEYWORDS = ['properties', 'required', 'additionalProperties', 'patternProperties']
const ARRAY_KEYWORDS = ['items', 'prefixItems']

const PLAIN: Readonly<Record<Kind, Ts>> = {
  object: atom('{ [member: string]: unknown }'),
  array: listOf(UNKNOWN),
  string: atom('string'),
  number: atom('number'),
  boolean: atom('boolean'),
  null: atom('null'),
}

function ofKinds(kinds: Kinds): Ts {
  return kinds.size === KINDS.length ? UNKNOWN : union(KINDS.filter(kind => kinds.has(kind)).map(kind => PLAIN[kind]))
}

const indexText = ({ text }: Ts) => `[member: string]: ${text};`
const listIn = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])

function kindsIn({ type, nullable }: JsonObject): Kinds {
  if (type === undefined) return ALL
  const kinds = [type].flat().map(name => (name === 'integer' ? 'number' : name))
  if (!kinds.every(name => KINDS.includes(name as Kind))) return ALL
  return new Set([...(kinds as Kind[]), ...(nullable === true ? (['null'] as const) : [])])
}

function kindOf(value: Json): Kind {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : (typeof value as Kind)
}

/** The type of one value. */
function literal(value: Json, depth = 0): Ts {
  if (depth > MAX_DEPTH) return UNKNOWN
  if (typeof value === 'string') return atom(quote(value))
  // JavaScript reads a number that is too large for it as infinite.
  if (typeof value === 'number') return { text: Number.isFinite(value) ? String(value) : 'number', level: 1 }
  if (typeof value !== 'object' || value === null) return atom(String(value))
  const parts = Object.entries(value).map(([name, inner]) => [name, literal(inner, depth + 1)] as const)
  if (Array.isArray(value)) {
    return tupleOf(
      parts.map(([, type]) => type),
      parts.length,
      undefined,
    )
  }
  if (parts.length === 0) return atom('{ [member: string]: never }')
  return atom(`{ ${parts.map(([name, { text }]) => `${memberName(name)}: ${text};`).join(' ')} }`)
}
