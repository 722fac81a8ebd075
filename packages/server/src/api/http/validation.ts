/** One schema is type, validation and documentation: here is how it validates. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { FastifySchemaCompiler } from 'fastify'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'

/** A schema with this member documents a body that its handler reads itself. */
export const UNCHECKED = 'x-checked-by-handler'

const MAX_FAULTS = 50
/** Values in a body up to which all faults are sought: the library collects them without a limit of its own. */
const MAX_VALUES_FOR_ALL_FAULTS = 1000

const OPTIONS = {
  // The schemas are ours, and the tests hold them to the dialect: to compile that takes longer than all of them.
  validateSchema: false,
  removeAdditional: false,
  useDefaults: true,
  strictTypes: false as const,
  ownProperties: true,
  // lists.ts reads times itself.
  formats: { 'date-time': true as const, uri: true as const },
  keywords: [UNCHECKED],
}

const forText = new Ajv2020({ ...OPTIONS, allErrors: true })
const forBodies = new Ajv2020(OPTIONS)
const forSmallBodies = new Ajv2020({ ...OPTIONS, allErrors: true })

/**
 * The framework's validator compiler. Faults are refused as `invalid`, never with a value in them. A schema is compiled
 * at its first call: all of them would be a fifth of a start.
 */
export const compileValidator: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  if (UNCHECKED in schema) return () => true
  if (httpPart !== 'body') {
    let validate: ValidateFunction | undefined
    const integers = integersOf(schema)
    return value => {
      validate ??= forText.compile(schema)
      readIntegers(value, integers)
      return validate(value) ? { value } : { error: refusal(validate.errors, nameOf) }
    }
  }
  let first: ValidateFunction | undefined
  let all: ValidateFunction | undefined
  return value => {
    first ??= forBodies.compile(schema)
    if (first(value)) return { value }
    if (!isSmall(value)) return { error: refusal(first.errors, pointerOf) }
    all ??= forSmallBodies.compile(schema)
    all(value)
    return { error: refusal(all.errors, pointerOf) }
  }
}

type ObjectSchema = { readonly properties?: Readonly<Record<string, { readonly type?: unknown }>> }

function integersOf({ properties = {} }: ObjectSchema): string[] {
  return Object.keys(properties).filter(name => properties[name]!.type === 'integer')
}

/**
 * A parameter is text, so integers are read from it; what isn't one stays text and is refused for its type. By hand,
 * because the library's coercion takes `0x10` and `1e999`, and lets infinity pass every bound.
 */
function readIntegers(parameters: unknown, names: readonly string[]): void {
  const values = parameters as Record<string, unknown>
  for (const name of names) {
    const text = values[name]
    if (typeof text === 'string' && /^-?\d{1,15}$/.test(text)) values[name] = Number(text)
  }
}

function refusal(errors: ValidateFunction['errors'], fieldOf: (error: ErrorObject) => string): PosthornError {
  const fields = (errors ?? []).slice(0, MAX_FAULTS).map((error): FieldError => {
    const fault = { field: fieldOf(error), detail: describe(error) }
    return error.keyword === 'additionalProperties' ? { ...fault, reason: 'unknown' } : fault
  })
  const [only] = fields
  const detail =
    fields.length === 1 && only !== undefined
      ? `${only.field === '' ? 'The body' : only.field}: ${only.detail}`
      : `${fields.length} values are not acceptable.`
  return new PosthornError('invalid', detail, { fields })
}

/** A parameter's name. */
function nameOf({ instancePath, params }: ErrorObject): string {
  return pointerToken(params.additionalProperty ?? params.missingProperty ?? instancePath.slice(1))
}

/** A JSON Pointer into the body; for a member that is missing or unknown, the member's own. */
function pointerOf({ instancePath, params }: ErrorObject): string {
  const own = params.additionalProperty ?? params.missingProperty
  return own === undefined ? instancePath : `${instancePath}/${pointerToken(own)}`
}

function describe({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case 'required':
      return 'It is missing.'
    case 'additionalProperties':
      return 'There is nothing of that name: check the spelling, or leave it out.'
    case 'type':
      return `It must be of type ${[params.type].flat().join(' or ')}.`
    case 'enum':
      return `It must be one of ${params.allowedValues.join(', ')}.`
    default:
      return `It ${message ?? 'is not acceptable'}.`
  }
}

function isSmall(value: unknown): boolean {
  let left = MAX_VALUES_FOR_ALL_FAULTS
  const visit = (inner: unknown): boolean => {
    if (--left < 0) return false
    return typeof inner !== 'object' || inner === null || Object.values(inner).every(visit)
  }
  return visit(value)
}
