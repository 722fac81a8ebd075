/**
 * What an event type's schema says about the members of payloads: which ones it mentions, and which values they can have.
 * For advice, not for validation: there is no payload, and whatever is uncertain counts as allowed.
 *
 * Arrays are looked through, as filters do: the members of an array are those of its items.
 */
import { ANY_SCALAR, type Values } from './filter/values.ts'
import { SchemaDocument, UNCLEAR } from './schema-document.ts'
import {
  canBe,
  choicesOf,
  hasOtherItems,
  isSchema,
  itemsOf,
  type ScalarType,
  type Schema,
  schemasIn,
  sometimesOf,
  valuesOf,
} from './schema-parts.ts'
import { canHave } from './schema-possible.ts'

/** What a schema says about a member. */
type Found =
  /** It describes the member, by this schema. */
  | { readonly kind: 'mentioned'; readonly schema: Schema }
  /** It allows the member without mentioning it. */
  | { readonly kind: 'open' }
  | { readonly kind: 'ruled out' }

const OPEN: Found = { kind: 'open' }
const RULED_OUT: Found = { kind: 'ruled out' }

/** Keywords by which a schema mentions members without their names. */
const OTHERS = ['patternProperties', 'additionalProperties', 'unevaluatedProperties']

const OBJECT_KEYWORDS = ['properties', 'patternProperties', 'additionalProperties']

/** Patterns are the operator's, names a tenant's: a long one could take a pattern very long. */
const MAX_MATCHED_NAME = 256

/** A place in the payloads of one type. */
export class SchemaPlace {
  readonly #document: SchemaDocument
  readonly #schema: Schema
  readonly #children = new Map<string, SchemaPlace>()
  #mentioned: Mentioned | undefined
  #isObject: boolean | undefined

  private constructor(document: SchemaDocument, schema: Schema) {
    this.#document = document
    this.#schema = schema
  }

  /** The payload itself. */
  static root(schema: Schema): SchemaPlace {
    return new SchemaPlace(new SchemaDocument(schema), schema)
  }

  /** The place of a member. Undefined if the schema doesn't mention the member, or rules it out. */
  member(name: string): SchemaPlace | undefined {
    const known = this.#children.get(name)
    if (known !== undefined) return known
    const { names, isAnyOther } = this.#mention()
    if (!isAnyOther && !names.has(name)) return undefined
    const found = new Search(this.#document).member(this.#schema, name)
    if (found.kind !== 'mentioned') return undefined
    const place = new SchemaPlace(this.#document, found.schema)
    // Names that only match a pattern are not remembered: there is no end of them.
    if (names.has(name)) this.#children.set(name, place)
    return place
  }

  /** The members that the schema mentions by name. */
  get names(): ReadonlySet<string> {
    return this.#mention().names
  }

  #mention(): Mentioned {
    this.#mentioned ??= new Search(this.#document).mentioned(this.#schema)
    return this.#mentioned
  }

  /** Whether a value can stand here, or among the items of an array here: one of this type that `isMeant`. */
  allows(type: ScalarType, isMeant: (value: unknown) => boolean): boolean {
    return new Search(this.#document).allows(this.#schema, type, isMeant)
  }

  /**
   * Whether one of these values can stand here, or among the items of an array here, going by what limits single values.
   *
   * @param orArray whether any array will do as well
   */
  canHave(values: Values, orArray = false): boolean {
    return canHave(this.#document, this.#schema, values, orArray)
  }

  /** Whether only objects can stand here, and no arrays. */
  get isObject(): boolean {
    this.#isObject ??= !this.canHave(ANY_SCALAR, true)
    return this.#isObject
  }

  /** Whether every object here has the member. */
  requires(name: string): boolean {
    return new Search(this.#document).requires(this.#schema, name)
  }
}

/** Members that a schema mentions by name, and whether it may mention others otherwise. */
type Mentioned = { readonly names: ReadonlySet<string>; readonly isAnyOther: boolean }

const NONE: Mentioned = { names: new Set(), isAnyOther: false }

/** One question about a schema. */
class Search {
  readonly #document: SchemaDocument
  readonly #answers = new Map<Schema, unknown>()

  constructor(document: SchemaDocument) {
    this.#document = document
  }

  /** Asks a schema once. A schema that refers to itself gets `otherwise` within its own answer. */
  #within<Answer>(schema: Schema, otherwise: Answer, answer: () => Answer): Answer {
    if (this.#answers.has(schema)) return this.#answers.get(schema) as Answer
    this.#answers.set(schema, otherwise)
    const found = answer()
    this.#answers.set(schema, found)
    return found
  }

  member(schema: Schema, name: string): Found {
    if (typeof schema === 'boolean') return schema ? OPEN : RULED_OUT
    if (schema === UNCLEAR) return { kind: 'mentioned', schema }
    return this.#within(schema, OPEN, () => {
      const found = all([
        this.#own(schema, name),
        ...this.#document.inAll(schema).map(each => this.member(each, name)),
        ...choicesOf(schema).map(choice => any(choice.map(each => this.member(each, name)))),
        ...sometimesOf(schema).map(each => any([this.member(each, name), OPEN])),
      ])
      return found.kind === 'open' ? bySchema(schema.unevaluatedProperties) : found
    })
  }

  /** What the schema's own keywords say. */
  #own(schema: Readonly<Record<string, unknown>>, name: string): Found {
    const values = valuesOf(schema)
    if (values !== undefined) {
      const inner = values.flatMap(value => membersOf(value, name))
      return inner.length === 0 ? RULED_OUT : { kind: 'mentioned', schema: { enum: inner } }
    }
    const items = itemsOf(schema)
    const isOfArrays = items.length > 0
    const isOfObjects = OBJECT_KEYWORDS.some(keyword => Object.hasOwn(schema, keyword))
    if (!isOfArrays && !isOfObjects) return canBe(schema, 'object') || canBe(schema, 'array') ? OPEN : RULED_OUT
    // Without a type, a schema is taken to be about what it has keywords for.
    const objects = isOfObjects && canBe(schema, 'object') ? [ofProperties(schema, name)] : []
    const arrays = isOfArrays && canBe(schema, 'array') ? items.map(each => this.member(each, name)) : []
    return objects.length + arrays.length === 0 ? RULED_OUT : any([...objects, ...arrays])
  }

  mentioned(schema: Schema): Mentioned {
    if (typeof schema === 'boolean') return NONE
    return this.#within(schema, NONE, () => {
      const inner = [
        ...itemsOf(schema),
        ...this.#document.inAll(schema),
        ...choicesOf(schema).flat(),
        ...sometimesOf(schema),
      ].map(each => this.mentioned(each))
      const own = Object.keys(schemasIn(schema.properties))
      const isOpen = schema === UNCLEAR || valuesOf(schema) !== undefined || OTHERS.some(each => isSaying(schema[each]))
      return {
        names: new Set([...own, ...inner.flatMap(({ names }) => [...names])]),
        isAnyOther: isOpen || inner.some(({ isAnyOther }) => isAnyOther),
      }
    })
  }

  allows(schema: Schema, type: ScalarType, isMeant: (value: unknown) => boolean): boolean {
    if (typeof schema === 'boolean') return schema
    if (schema === UNCLEAR) return true
    const among = (some: readonly Schema[]) => some.some(each => this.allows(each, type, isMeant))
    return this.#within(schema, true, () => {
      const values = valuesOf(schema)
      if (values !== undefined && !values.flat(Number.POSITIVE_INFINITY).some(isMeant)) return false
      const isAmongItems = hasOtherItems(schema) || among(itemsOf(schema))
      const isAllowed = canBe(schema, type) || (canBe(schema, 'array') && isAmongItems)
      return isAllowed && this.#document.inAll(schema).every(each => among([each])) && choicesOf(schema).every(among)
    })
  }

  requires(schema: Schema, name: string): boolean {
    if (typeof schema === 'boolean') return false
    return this.#within(schema, false, () => {
      const { required } = schema
      if (Array.isArray(required) && required.includes(name)) return true
      const among = (choice: readonly Schema[]) => choice.every(each => this.requires(each, name))
      return this.#document.inAll(schema).some(each => this.requires(each, name)) || choicesOf(schema).some(among)
    })
  }
}

function ofProperties(schema: Readonly<Record<string, unknown>>, name: string): Found {
  const { properties, patternProperties, additionalProperties } = schema
  const own = schemasIn(properties)
  const found = Object.hasOwn(own, name) ? [own[name]!] : []
  for (const [pattern, inner] of Object.entries(schemasIn(patternProperties))) {
    if (name.length > MAX_MATCHED_NAME) found.push(UNCLEAR)
    else if (new RegExp(pattern, 'u').test(name)) found.push(inner)
  }
  if (found.length === 0) return bySchema(additionalProperties)
  return all(found.map((inner): Found => (inner === false ? RULED_OUT : { kind: 'mentioned', schema: inner })))
}

/** By a schema of all members that are not mentioned by name. One that allows everything mentions nothing. */
function bySchema(schema: unknown): Found {
  if (schema === false) return RULED_OUT
  return isSaying(schema) ? { kind: 'mentioned', schema } : OPEN
}

const isSaying = (schema: unknown): schema is Readonly<Record<string, unknown>> =>
  isSchema(schema) && typeof schema === 'object' && Object.keys(schema).length > 0

/** What several schemas say that all hold. */
function all(found: readonly Found[]): Found {
  if (found.some(({ kind }) => kind === 'ruled out')) return RULED_OUT
  const schemas = mentionedIn(found)
  return schemas.length === 0 ? OPEN : { kind: 'mentioned', schema: together('allOf', schemas) }
}

/** What several schemas say one of which holds. */
function any(found: readonly Found[]): Found {
  const schemas = mentionedIn(found)
  const isOpen = found.some(({ kind }) => kind === 'open')
  if (schemas.length > 0) return { kind: 'mentioned', schema: together('anyOf', isOpen ? [...schemas, true] : schemas) }
  return isOpen ? OPEN : RULED_OUT
}

const mentionedIn = (found: readonly Found[]): Schema[] =>
  found.flatMap(each => (each.kind === 'mentioned' ? [each.schema] : []))

const together = (keyword: 'allOf' | 'anyOf', schemas: readonly Schema[]): Schema =>
  schemas.length === 1 ? schemas[0]! : { [keyword]: schemas }

// Reading keywords. A schema in use is sound; these take any value, so that none can do harm.

function membersOf(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap(each => membersOf(each, name))
  const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
  return isThere ? [(value as Readonly<Record<string, unknown>>)[name]] : []
}
