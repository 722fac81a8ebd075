/**
 * JSON Schemas of event types, compiled: 2020-12, formats asserted, nothing fetched (C1).
 *
 * A schema is checked strictly, because what JSON Schema ignores is mostly a slip: a keyword that does not exist
 * (`requierd`) would validate nothing. Keywords that begin with `x-` are annotations.
 */
import { Ajv2020, type ErrorObject, MissingRefError, type ValidateFunction } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'

/** One thing that is wrong with a payload. */
export type SchemaFault = {
  /** Where in the payload, as a JSON Pointer; of a property that is missing or not allowed, the property's own. */
  readonly pointer: string
  readonly detail: string
}

export type CompiledSchema =
  /** `validate` never throws, and answers with at most 20 faults; none: the payload is sound. */
  | { readonly ok: true; readonly validate: (value: unknown) => SchemaFault[] }
  | { readonly ok: false; readonly detail: string }

/** Of a schema and of an example, as JSON text. */
const MAX_JSON_CHARACTERS = 65_536
/** Objects and arrays inside one another, in a schema or an example: as many as a payload may have. */
const MAX_DEPTH = 64
const MAX_FAULTS = 20
/** Values in a payload up to which all faults are sought: a validator collects them without a limit of its own. */
const MAX_VALUES_FOR_ALL_FAULTS = 1000
const MAX_POINTER_CHARACTERS = 1024
const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** Own properties only, or `{}` would have the required property `constructor`. */
const OPTIONS = {
  strictSchema: true,
  strictNumbers: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowMatchingProperties: true,
  // 19.99 is a multiple of 0.01, although a division of binary fractions says otherwise.
  multipleOfPrecision: 9,
  ownProperties: true,
  logger: false,
  formats: {
    ...fullFormats,
    // As RFC 3339 has it: the library takes a space for the `T`, and `urn:uuid:` before a UUID.
    'date-time': (text: string) => /^.{10}T/i.test(text) && libraryDateTime(text),
    uuid: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
  },
} as const

/** Checks schemas against the dialect's own. One for all, since compiling that takes longer than any schema. */
let dialect: Ajv2020 | undefined

/** Whether two schemas, parsed from JSON, are the same but for the order of members. */
export const isSameSchema = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)

/** Compiles a schema, parsed from JSON. Each is on its own: an `$id` never meets that of another type. */
export function compileSchema(schema: unknown): CompiledSchema {
  const fault = faultOfSchema(schema)
  if (fault !== undefined) return { ok: false, detail: fault }
  try {
    const first = compile(schema as object, false)
    if ('$async' in first) return { ok: false, detail: 'The schema must not have the keyword "$async".' }
    let all: ValidateFunction | undefined
    const validate = (value: unknown): SchemaFault[] => {
      try {
        if (first(value)) return []
        if (!isSmall(value)) return describeFaults(first.errors)
        all ??= compile(schema as object, true)
        all(value)
        return describeFaults(all.errors)
      } catch (error) {
        // The stack ends where a schema refers to itself without going deeper into the payload.
        if (!(error instanceof RangeError)) throw error
        return [{ pointer: '', detail: "The type's schema refers to itself without end." }]
      }
    }
    return { ok: true, validate }
  } catch (error) {
    return { ok: false, detail: describeRefusal(error) }
  }
}

function compile(schema: object, allErrors: boolean): ValidateFunction {
  const ajv = new Ajv2020({ ...OPTIONS, allErrors, validateSchema: false })
  // `$anchor` works, but the library's strict mode does not know it.
  // The library's own compares each item with each: 20,000 objects took it twelve seconds.
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isAsked: boolean, items: unknown[]) => !isAsked || new Set(items.map(canonical)).size === items.length,
    error: { message: 'must not have the same item twice' },
  })
  ajv.addVocabulary(['$anchor', 'example', ...annotationsOf(schema)])
  return ajv.compile(schema)
}

function faultOfSchema(schema: unknown): string | undefined {
  if (typeof schema === 'boolean') return undefined
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'A schema must be an object.'
  const fault = faultOfSize(schema)
  if (fault !== undefined) return `The schema ${fault}.`
  const { $schema } = schema as { $schema?: unknown }
  if ($schema !== undefined && $schema !== DIALECT && $schema !== `${DIALECT}#`) {
    return `Schemas are JSON Schema 2020-12: leave $schema out, or make it ${DIALECT}.`
  }
  for (const name of annotationsOf(schema)) {
    if (!/^x-[A-Za-z0-9_:-]*$/.test(name)) {
      return `The keyword ${JSON.stringify(name)} may have letters, digits, "_", ":" and "-" only.`
    }
  }
  dialect ??= new Ajv2020({ ...OPTIONS, allErrors: false })
  if (dialect.validate(DIALECT, schema)) return undefined
  const [first] = describeFaults(dialect.errors)
  return `The schema is not JSON Schema 2020-12: at ${first?.pointer || 'its root'}: ${first?.detail}`
}

/** What is wrong with the size of a schema or an example, as the end of a sentence; undefined: nothing. */
export function faultOfSize(value: unknown): string | undefined {
  if (value === undefined) return 'is missing'
  if (!isShallow(value, MAX_DEPTH)) return `may have at most ${MAX_DEPTH} objects and arrays inside one another`
  if (JSON.stringify(value).length <= MAX_JSON_CHARACTERS) return undefined
  return `may have at most ${MAX_JSON_CHARACTERS} characters`
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every(inner => isShallow(inner, depth - 1))
}

function isSmall(value: unknown): boolean {
  let left = MAX_VALUES_FOR_ALL_FAULTS
  const visit = (inner: unknown): boolean => {
    if (--left < 0) return false
    return typeof inner !== 'object' || inner === null || Object.values(inner).every(visit)
  }
  return visit(value)
}

/** Keywords whose members are named by the schema's author, each a schema. */
const MAPS_OF_SCHEMAS = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependentRequired',
])
/** Keywords that hold values, not schemas. */
const VALUES = new Set(['const', 'enum', 'default', 'example', 'examples'])

/** All keywords that begin with `x-`. */
function annotationsOf(schema: unknown, found = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return found
  if (Array.isArray(schema)) {
    for (const inner of schema) annotationsOf(inner, found)
    return found
  }
  for (const [keyword, inner] of Object.entries(schema)) {
    if (keyword.startsWith('x-')) found.add(keyword)
    else if (MAPS_OF_SCHEMAS.has(keyword)) for (const one of Object.values(inner ?? {})) annotationsOf(one, found)
    else if (!VALUES.has(keyword)) annotationsOf(inner, found)
  }
  return found
}

/** JSON that is the same for equal values: members sorted, since their order means nothing. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
  return `{${members.sort().join(',')}}`
}

function libraryDateTime(text: string): boolean {
  const format = fullFormats['date-time'] as { validate: (text: string) => boolean }
  return format.validate(text)
}

function describeRefusal(error: unknown): string {
  if (error instanceof MissingRefError) {
    const ref = JSON.stringify(shorten(error.missingRef))
    return `$ref to ${ref} leads nowhere: a reference can only be to a part of the same schema, nothing is fetched.`
  }
  const message = error instanceof Error ? error.message.replace(/^strict mode: /, '') : 'it cannot be compiled'
  return `The schema is not usable: ${shorten(message)}.`
}

function describeFaults(errors: ValidateFunction['errors']): SchemaFault[] {
  return (errors ?? []).slice(0, MAX_FAULTS).map(error => {
    const own = ownPropertyOf(error)
    const path = own === undefined ? error.instancePath : `${error.instancePath}/${pointerToken(own)}`
    return { pointer: shorten(path), detail: describeFault(error) }
  })
}

/** The property that a fault is about, where the validator names the object around it. */
function ownPropertyOf({ params, propertyName }: ErrorObject): string | undefined {
  return params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty ?? propertyName
}

/** Says what should be, never what is there: a payload's values are nobody's but the tenant's. */
function describeFault({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return 'This property is required.'
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return 'The schema has no such property.'
    case 'type':
      return `It must be of type ${[params.type].flat().join(' or ')}.`
    case 'enum':
      return `It must be one of ${shorten(params.allowedValues.map((value: unknown) => JSON.stringify(value)).join(', '))}.`
    case 'const':
      return `It must be ${shorten(JSON.stringify(params.allowedValue))}.`
    case 'format':
      return `It must be a valid ${params.format}.`
    case 'propertyNames':
      return 'It has a property whose name is not allowed.'
    case 'false schema':
      return 'Nothing may be here.'
    default:
      return `It ${shorten(message ?? 'breaks the schema')}.`
  }
}

function pointerToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function shorten(text: string): string {
  return text.length > MAX_POINTER_CHARACTERS ? `${text.slice(0, MAX_POINTER_CHARACTERS)}…` : text
}
