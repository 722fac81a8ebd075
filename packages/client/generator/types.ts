/** Turns schemas into types. */
import { comment } from './comments.ts'
import type { Document, Schema } from './document.ts'
import { type Place, Shapes } from './shapes.ts'
import { memberOf } from './words.ts'

/** What the generator understands, or can ignore. It refuses any other keyword, so that no type is silently wrong. */
const KEYWORDS = new Set(
  '$ref type format description enum const anyOf items properties required additionalProperties default minimum maximum minLength maxLength minItems maxItems pattern deprecated examples example x-checked-by-handler x-not-empty'.split(
    ' ',
  ),
)

/** `in`: what calls send. `out`: what responses contain. */
export type Way = 'in' | 'out'

export class TypeWriter {
  readonly #document: Document
  readonly #shapes: Shapes
  /** Names of models that were mentioned since the last call of `takeMentioned`. */
  #mentioned = new Set<string>()

  constructor(document: Document) {
    this.#document = document
    this.#shapes = new Shapes(document)
  }

  takeMentioned(): string[] {
    const names = [...this.#mentioned].sort()
    this.#mentioned = new Set()
    return names
  }

  /** All models: the document's components, and the shapes and lists of words that it repeats. */
  models(): string {
    const components = Object.entries(this.#document.components.schemas)
    const repeated = [...this.#shapes.named()].map(([name, schema, way]) => this.declaration(name, schema, way, []))
    const models = components.map(([name, schema], index) => {
      const earlier = components.slice(0, index)
      return this.declaration(name, schema, 'out', [schema.description], earlier)
    })
    return [...models, ...repeated].join('\n')
  }

  /** @param earlier types that this one might extend: one that has all their members, and more */
  declaration(
    name: string,
    schema: Schema,
    way: Way,
    about: readonly (string | undefined)[],
    earlier: readonly (readonly [string, Schema])[] = [],
  ): string {
    const base = baseOf(schema, earlier)
    const place = { owner: name, member: '', isDeclared: true }
    const own = base === undefined ? schema : without(schema, base[1])
    const text = this.type(own, way, place)
    return `${comment(about, '')}export type ${name} = ${base === undefined ? '' : `${base[0]} & `}${text}\n`
  }

  type(schema: Schema, way: Way, place: Place & { isDeclared?: boolean }): string {
    for (const keyword of Object.keys(schema)) {
      if (!KEYWORDS.has(keyword))
        throw new Error(`${place.owner}.${place.member}: the generator doesn't know ${keyword}`)
    }
    if (schema.$ref !== undefined) return this.#mention(schema.$ref.replace('#/components/schemas/', ''))
    const name = place.isDeclared === true ? undefined : this.#shapes.nameOf(schema)
    const isNullable = [schema.type].flat().includes('null') || schema.enum?.includes(null) === true
    if (name !== undefined) return this.#mention(name) + (isNullable ? ' | null' : '')
    if (schema.enum !== undefined) return this.#words(schema.enum)
    if (schema.const !== undefined) return JSON.stringify(schema.const)
    if (schema.anyOf !== undefined && !isTime(schema)) return this.#alternatives(schema.anyOf, way, place)
    if (schema.type === undefined) return 'unknown'
    return [schema.type]
      .flat()
      .map(type => this.#single(type, schema, way, place))
      .join(' | ')
  }

  #mention(name: string): string {
    this.#mentioned.add(name)
    return name
  }

  #words(values: NonNullable<Schema['enum']>): string {
    if (values.length === 2 && values.includes('true') && values.includes('false')) return 'boolean'
    return values.map(value => (typeof value === 'string' ? `'${value}'` : String(value))).join(' | ')
  }

  #alternatives(anyOf: readonly Schema[], way: Way, place: Place): string {
    const [first, second] = anyOf
    // A list in a query: one item or several.
    if (way === 'in' && anyOf.length === 2 && first?.type === 'string' && second?.type === 'array') {
      const item = this.type(second.items ?? {}, way, place)
      return `${item} | readonly ${group(item)}[]`
    }
    return [...new Set(anyOf.map(schema => this.type(schema, way, place)))].join(' | ')
  }

  #single(type: string, schema: Schema, way: Way, place: Place): string {
    switch (type) {
      case 'string':
        if (way === 'out') return schema.format === 'date-time' ? this.#mention('Timestamp') : 'string'
        return isTime(schema) ? this.#mention('Time') : 'string'
      case 'integer':
      case 'number':
        return 'number'
      case 'boolean':
      case 'null':
        return type
      case 'array': {
        const item = this.type(schema.items ?? {}, way, place)
        const list = `${item.startsWith('readonly ') ? `(${item})` : group(item)}[]`
        return way === 'in' ? `readonly ${list}` : list
      }
      case 'object':
        return this.#object(schema, way, place)
      default:
        throw new Error(`${place.owner}.${place.member}: the generator doesn't know the type ${type}`)
    }
  }

  #object({ properties, required = [], additionalProperties = true }: Schema, way: Way, place: Place): string {
    if (properties === undefined) {
      const of = typeof additionalProperties === 'object' ? this.type(additionalProperties, way, place) : 'unknown'
      return way === 'in' ? `Readonly<Record<string, ${of}>>` : `Record<string, ${of}>`
    }
    const members = Object.entries(properties).map(([name, schema]) => {
      const isRequired = required.includes(name)
      const type = this.type(schema, way, { owner: place.owner, member: name })
      // A caller with exactOptionalPropertyTypes can pass undefined, which JSON leaves out.
      const optional = !isRequired && way === 'in' && type !== 'unknown' ? ' | undefined' : ''
      return `${aboutMember(schema, way)}${memberOf(name)}${isRequired ? '' : '?'}: ${type}${optional}`
    })
    return `{\n${members.join('\n')}\n}`
  }
}

/** A time in a call: a string with a format of RFC 3339. */
const isTime = ({ anyOf, format }: Schema) =>
  format === 'date-time' || (anyOf?.every(one => Object.keys(one).join() === 'format') ?? false)

const group = (type: string) => (/[|&]/.test(type) && !type.startsWith('{') ? `(${type})` : type)

function aboutMember(schema: Schema, way: Way): string {
  const { description, deprecated } = schema
  const limits = way === 'in' ? limitsOf(schema) : undefined
  const text = [description, limits].filter(one => one !== undefined).join(' ')
  if (deprecated === true) return comment([`@deprecated ${text}`], '  ')
  return comment([text], '  ')
}

/** Limits and default in words. */
function limitsOf({ minimum, maximum, maxLength, maxItems, default: value }: Schema): string | undefined {
  const limits = [
    minimum !== undefined && maximum !== undefined
      ? `From ${number(minimum)} to ${number(maximum)}.`
      : minimum !== undefined
        ? `At least ${number(minimum)}.`
        : undefined,
    maxLength === undefined ? undefined : `At most ${number(maxLength)} characters.`,
    maxItems === undefined ? undefined : `At most ${number(maxItems)} items.`,
    value === undefined ? undefined : `Default: ${typeof value === 'number' ? number(value) : String(value)}.`,
  ].filter(limit => limit !== undefined)
  return limits.length === 0 ? undefined : limits.join(' ')
}

const number = (value: number) => value.toLocaleString('en-GB')

/** The largest earlier type of which a schema has all members, unchanged. */
function baseOf(schema: Schema, earlier: readonly (readonly [string, Schema])[]) {
  const isBase = ([, { properties, required = [] }]: readonly [string, Schema]) =>
    properties !== undefined &&
    sizeOf(properties) >= 3 &&
    sizeOf(properties) < sizeOf(schema.properties) &&
    Object.entries(properties).every(
      ([name, member]) =>
        JSON.stringify(member) === JSON.stringify(schema.properties?.[name]) &&
        required.includes(name) === (schema.required ?? []).includes(name),
    )
  return earlier.filter(isBase).sort(([, a], [, b]) => sizeOf(b.properties) - sizeOf(a.properties))[0]
}

const sizeOf = (members: object | undefined) => Object.keys(members ?? {}).length

function without(schema: Schema, base: Schema): Schema {
  const rest = Object.entries(schema.properties ?? {}).filter(([name]) => base.properties?.[name] === undefined)
  return { ...schema, properties: Object.fromEntries(rest) }
}
