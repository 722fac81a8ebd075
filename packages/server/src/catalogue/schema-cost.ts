/**
 * Whether validating payloads by a schema provably takes time in proportion to the payload, with a small factor. A
 * schema for which that isn't proven is only ever compiled and used where that can be ended (publish/checking/).
 */
import { isProvenLinear } from './pattern-cost.ts'
import { SchemaDocument, UNCLEAR } from './schema-document.ts'
import { isAnnotation, MAPS_OF_SCHEMAS, VALUES } from './schema-keywords.ts'
import type { Keywords, Schema } from './schema-parts.ts'

/** Parts of a schema, with those that references repeat. A payload that is small takes about as many steps. */
const MAX_PARTS = 500
/** What one value is compared with, if a payload can have as many such values as it likes. */
const MAX_WIDTH = 200
/** Patterns of one object's property names: each name is matched by each. */
const PATTERN_WIDTH = 8
/** Comparing a value with one of a list costs less than looking for a property. */
const ENUM_VALUES_A_WIDTH = 4

/** Formats whose check takes time that grows faster than the text (20,000 characters took the first 400 ms). */
const SLOW_FORMATS: ReadonlySet<unknown> = new Set(['url', 'regex'])

/** Keywords whose schemas apply to the same value as the schema around them. */
const IN_PLACE: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
])
/** Keywords whose schemas apply to as many values as a payload has. */
const REPEATED: ReadonlySet<string> = new Set([
  'items',
  'contains',
  'additionalProperties',
  'patternProperties',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
])
const DEFINITIONS: ReadonlySet<string> = new Set(['$defs', 'definitions'])

/** What is not proven. */
class Unproven extends Error {}

/** @param schema parsed from JSON, nested no deeper than `faultOfSize` allows; not necessarily valid */
export function isProvenQuick(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return true
  try {
    new Weighing(schema as Keywords).weigh()
    return true
  } catch (error) {
    if (error instanceof Unproven) return false
    throw error
  }
}

type Weight = {
  /** Parts, with those of the schemas in it and of those that it refers to. */
  readonly parts: number
  /** What one value is compared with. */
  readonly width: number
}

const UNKNOWN: Weight = { parts: 0, width: 0 }

class Weighing {
  readonly #root: Keywords
  readonly #document: SchemaDocument
  /** Without an entry: not weighed yet. Null: being weighed, so that a reference to it is recursive. */
  readonly #weights = [new Map<object, Weight | null>(), new Map<object, Weight | null>()] as const

  constructor(root: Keywords) {
    this.#root = root
    this.#document = new SchemaDocument(root)
  }

  weigh(): void {
    this.#of(this.#root, false)
  }

  /** @param isRepeated whether a payload can have any number of values that it applies to */
  #of(schema: unknown, isRepeated: boolean): Weight {
    if (typeof schema !== 'object' || schema === null) return UNKNOWN
    const known = this.#weights[isRepeated ? 1 : 0]
    const before = known.get(schema)
    if (before === null) throw new Unproven()
    if (before !== undefined) return before
    known.set(schema, null)
    let [parts, width] = [1, 1]
    for (const [name, value] of Object.entries(schema)) {
      const more = this.#ofKeyword(name, value, isRepeated)
      parts += more.parts
      width += more.width
    }
    if (parts > MAX_PARTS || (isRepeated && width > MAX_WIDTH)) throw new Unproven()
    const weight = { parts, width }
    known.set(schema, weight)
    return weight
  }

  #ofKeyword(name: string, value: unknown, isRepeated: boolean): Weight {
    if (name === '$dynamicRef') throw new Unproven()
    if (name === '$ref') return this.#ofReference(value, isRepeated)
    if (name === 'pattern') requireLinear(value)
    if (name === 'format' && SLOW_FORMATS.has(value)) throw new Unproven()
    const count = Array.isArray(value) ? value.length : 0
    if (name === 'required') return { parts: count, width: count }
    if (name === 'enum') return { parts: count, width: count / ENUM_VALUES_A_WIDTH }
    if (VALUES.has(name) || isAnnotation(name)) return UNKNOWN
    // What is only defined has no weight until something refers to it.
    if (DEFINITIONS.has(name)) return UNKNOWN
    const isMap = MAPS_OF_SCHEMAS.has(name)
    if (name === 'patternProperties') for (const pattern of Object.keys(value ?? {})) requireLinear(pattern)
    const inner =
      typeof value !== 'object' || value === null ? [] : isMap || Array.isArray(value) ? Object.values(value) : [value]
    const weights = inner.map(each => this.#of(each, isRepeated || REPEATED.has(name)))
    const parts = weights.reduce((sum, each) => sum + each.parts, 0)
    if (IN_PLACE.has(name)) return { parts, width: weights.reduce((sum, each) => sum + each.width, 0) }
    return { parts, width: name === 'patternProperties' ? PATTERN_WIDTH * inner.length : inner.length }
  }

  #ofReference(value: unknown, isRepeated: boolean): Weight {
    const target: Schema = typeof value === 'string' ? this.#document.resolve(value) : UNCLEAR
    if (target === UNCLEAR) throw new Unproven()
    return this.#of(target, isRepeated)
  }
}

function requireLinear(pattern: unknown): void {
  if (typeof pattern === 'string' && !isProvenLinear(pattern)) throw new Unproven()
}
