/**
 * Compiles event types' JSON Schemas (2020-12). Formats are asserted, and no reference is fetched (C1).
 *
 * Schemas are checked strictly, because what JSON Schema ignores is mostly a mistake: an unknown keyword (`requierd`)
 * would validate nothing. Keywords that begin with `x-` are annotations. Keywords of OpenAPI and unknown formats are
 * passed over, so that schemas can be taken from an OpenAPI document (schema-advice.ts warns of them).
 */

import { Ajv2020, type ErrorObject, MissingRefError, type ValidateFunction } from 'ajv/dist/2020.js'
import { formatCount } from '../base/counts.ts'
import { hasAtMost } from '../base/value-count.ts'
import { FORMATS, KNOWN_FORMATS } from './schema-formats.ts'
import { annotationsOf, formatsOf, OPENAPI_KEYWORDS } from './schema-keywords.ts'

/** One way in which a payload violates its schema. */
export type SchemaFault = {
  /** A JSON Pointer into the payload. If a property is missing or not allowed, it points to the property itself. */
  readonly pointer: string
  readonly detail: string
}

export type CompiledSchema =
  /** `validate` never throws. It returns up to 20 faults, none if the payload is valid. */
  | {
      readonly ok: true
      readonly validate: (value: unknown) => SchemaFault[]
      /** Compiles what finds all faults of an invalid payload, instead of at the first such payload. */
      readonly compileAll: () => void
    }
  | { readonly ok: false; readonly detail: string }

/**
 * Compiles, with `work`, what finds all faults, at the first invalid payload. It can throw NotCompiledYet, and so does
 * `validate` then.
 */
export type CompileAll = (work: () => void) => void

/** A schema would have to be compiled first, and the caller may not do that now. */
export class NotCompiledYet extends Error {}

/** Maximum length of a schema and of an example, as JSON text. */
const MAX_JSON_CHARACTERS = 65_536
/** Maximum nesting of objects and arrays in a schema or an example, the same as in a payload. */
const MAX_DEPTH = 64
const MAX_FAULTS = 20
/** Of a payload with more values, only the first fault is reported: a validator that collects all has no limit. */
const MAX_VALUES_FOR_ALL_FAULTS = 1000
const MAX_POINTER_CHARACTERS = 1024
const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** Only own properties are validated, or `{}` would have the required property `constructor`. */
const OPTIONS = {
  strictSchema: true,
  strictNumbers: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowMatchingProperties: true,
  // Otherwise 19.99 would not be a multiple of 0.01, since neither is exact in binary.
  multipleOfPrecision: 9,
  ownProperties: true,
  logger: false,
  formats: FORMATS,
} as const

/** Checks schemas against the meta-schema. Shared, since compiling that one takes longer than any schema. */
let dialect: Ajv2020 | undefined

/** Whether two schemas, parsed from JSON, are the same apart from the order of members. */
export const isSameSchema = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)

/**
 * Compiles a schema parsed from JSON, in isolation: an `$id` never collides with that of another type.
 *
 * @param onCompileAll default: compiles at once
 */
export function compileSchema(schema: unknown, onCompileAll: CompileAll = work => work()): CompiledSchema {
  const fault = faultOfSchema(schema)
  if (fault !== undefined) return { ok: false, detail: fault }
  try {
    const first = compile(schema as object, false)
    if ('$async' in first) return { ok: false, detail: 'The schema must not use the keyword "$async".' }
    let all: ValidateFunction | undefined
    const compileAll = () => {
      all ??= compile(schema as object, true)
    }
    const validate = (value: unknown): SchemaFault[] => {
      try {
        if (first(value)) return []
        if (!hasAtMost(MAX_VALUES_FOR_ALL_FAULTS, value)) return describeFaults(first.errors)
        if (all === undefined) onCompileAll(compileAll)
        all!(value)
        return describeFaults(all!.errors)
      } catch (error) {
        // The stack overflows if a schema refers to itself without descending into the payload.
        if (!(error instanceof RangeError)) throw error
        return [{ pointer: '', detail: "The type's schema refers to itself endlessly." }]
      }
    }
    return { ok: true, validate, compileAll }
  } catch (error) {
    return { ok: false, detail: describeRefusal(error) }
  }
}

function compile(schema: object, allErrors: boolean): ValidateFunction {
  const unknown = [...formatsOf(schema)].filter(format => !KNOWN_FORMATS.has(format))
  const formats = { ...OPTIONS.formats, ...Object.fromEntries(unknown.map(format => [format, true as const])) }
  const ajv = new Ajv2020({ ...OPTIONS, formats, allErrors, validateSchema: false })
  // The library's own keyword compares every item with every other: 20,000 objects took twelve seconds.
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isAsked: boolean, items: unknown[]) => !isAsked || new Set(items.map(canonical)).size === items.length,
    error: { message: 'must not contain the same item twice' },
  })
  // `$anchor` works, but the library's strict mode does not know it.
  ajv.addVocabulary(['$anchor', ...OPENAPI_KEYWORDS, ...annotationsOf(schema)])
  return ajv.compile(schema)
}

function faultOfSchema(schema: unknown): string | undefined {
  if (typeof schema === 'boolean') return undefined
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'A schema must be an object.'
  const fault = faultOfSize(schema)
  if (fault !== undefined) return `The schema ${fault}.`
  const { $schema } = schema as { $schema?: unknown }
  if ($schema !== undefined && $schema !== DIALECT && $schema !== `${DIALECT}#`) {
    return `Schemas must be JSON Schema 2020-12. Leave $schema out, or set it to ${DIALECT}.`
  }
  for (const name of annotationsOf(schema)) {
    if (!/^x-[A-Za-z0-9_:-]*$/.test(name)) {
      return `The keyword ${JSON.stringify(name)} can have only letters, digits, "_", ":" and "-".`
    }
  }
  dialect ??= new Ajv2020({ ...OPTIONS, allErrors: false })
  if (dialect.validate(DIALECT, schema)) return undefined
  const [first] = describeFaults(dialect.errors)
  return `The schema is not valid JSON Schema 2020-12. At ${first?.pointer || 'its root'}: ${first?.detail}`
}

/** What is wrong with the size of a schema or an example, as the end of a sentence. Undefined if nothing is. */
export function faultOfSize(value: unknown): string | undefined {
  if (value === undefined) return 'is missing'
  if (!isShallow(value, MAX_DEPTH)) return `must not nest objects and arrays more than ${MAX_DEPTH} levels deep`
  if (JSON.stringify(value).length <= MAX_JSON_CHARACTERS) return undefined
  return `can have at most ${formatCount(MAX_JSON_CHARACTERS)} characters as JSON`
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every(inner => isShallow(inner, depth - 1))
}

/** JSON text that is the same for equal values: members are sorted, since their order means nothing. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
  return `{${members.sort().join(',')}}`
}

function describeRefusal(error: unknown): string {
  if (error instanceof MissingRefError) {
    const ref = JSON.stringify(shorten(error.missingRef))
    return `The $ref to ${ref} cannot be resolved. A reference can only point into the same schema; nothing is fetched.`
  }
  const message = error instanceof Error ? error.message.replace(/^strict mode: /, '') : 'it cannot be compiled'
  return `The schema cannot be used: ${shorten(message)}.`
}

function describeFaults(errors: ValidateFunction['errors']): SchemaFault[] {
  return (errors ?? []).slice(0, MAX_FAULTS).map(error => {
    const own = ownPropertyOf(error)
    const path = own === undefined ? error.instancePath : `${error.instancePath}/${pointerToken(own)}`
    return { pointer: shorten(path), detail: describeFault(error) }
  })
}

/** The property that a fault is about, if the validator names only the object around it. */
function ownPropertyOf({ params, propertyName }: ErrorObject): string | undefined {
  return params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty ?? propertyName
}

/** Says what is expected, never what was found: a payload's values belong to the tenant alone. */
function describeFault({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return 'This property is required.'
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return 'The schema does not allow this property.'
    case 'type':
      return `The value must be of type ${[params.type].flat().join(' or ')}.`
    case 'enum':
      return `The value must be one of ${shorten(params.allowedValues.map((value: unknown) => JSON.stringify(value)).join(', '))}.`
    case 'const':
      return `The value must be ${shorten(JSON.stringify(params.allowedValue))}.`
    case 'format':
      return `The value must be a valid ${params.format === 'uuid' ? 'UUID' : params.format}.`
    case 'propertyNames':
      return 'The object has a property whose name is not allowed.'
    case 'false schema':
      return 'The schema allows no value here.'
    default:
      return `The value ${shorten(message ?? 'violates the schema')}.`
  }
}

function pointerToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function shorten(text: string): string {
  return text.length > MAX_POINTER_CHARACTERS ? `${text.slice(0, MAX_POINTER_CHARACTERS)}…` : text
}
