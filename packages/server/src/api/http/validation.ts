/** Validates requests with the schemas that are also their types and documentation. */

import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { FastifySchemaCompiler } from 'fastify'
import { formatCount } from '../../base/counts.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import { describeUnknown } from '../../base/nearest.ts'
import { hasAtMost } from '../../base/value-count.ts'

/** A schema with this member only documents a body; its handler validates it. */
export const UNCHECKED = 'x-checked-by-handler'

/** A body whose schema has this member can't be empty, although no single member is required: its handler says which are. */
export const NOT_EMPTY = 'x-not-empty'

const MAX_FAULTS = 50
/** Up to this many values in a body, all faults are collected. The library has no limit of its own. */
const MAX_VALUES_FOR_ALL_FAULTS = 1000

const OPTIONS = {
  // The tests check that our schemas are valid. Compiling the meta-schema here would take longer than all of them.
  validateSchema: false,
  meta: false,
  removeAdditional: false,
  useDefaults: true,
  strictTypes: false as const,
  ownProperties: true,
  // lists.ts parses times.
  formats: { 'date-time': true as const, date: true as const, uri: true as const },
  keywords: [UNCHECKED, NOT_EMPTY],
  // An error then says which names would be valid.
  verbose: true,
}

const forText = new Ajv2020({ ...OPTIONS, allErrors: true })
const forBodies = new Ajv2020(OPTIONS)
const forSmallBodies = new Ajv2020({ ...OPTIONS, allErrors: true })

/**
 * The framework's validator compiler. Faults are refused as `invalid`, and never contain a value. Each schema is
 * compiled on its first use: compiling all of them would take a fifth of startup.
 */
export const compileValidator: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  if (UNCHECKED in schema) return () => true
  if (httpPart !== 'body') {
    let validate: ValidateFunction | undefined
    const integers = integersOf(schema)
    return value => {
      validate ??= forText.compile(schema)
      readIntegers(value, integers)
      return validate(value) ? { value } : { error: refusal(validate.errors, 'parameter', nameOf) }
    }
  }
  let first: ValidateFunction | undefined
  let all: ValidateFunction | undefined
  return value => {
    first ??= forBodies.compile(schema)
    if (first(value)) return { value }
    if (!hasAtMost(MAX_VALUES_FOR_ALL_FAULTS, value)) return { error: refusal(first.errors, 'field', pointerOf) }
    all ??= forSmallBodies.compile(schema)
    all(value)
    return { error: refusal(all.errors, 'field', pointerOf) }
  }
}

type ObjectSchema = { readonly properties?: Readonly<Record<string, { readonly type?: unknown }>> }

function integersOf({ properties = {} }: ObjectSchema): string[] {
  return Object.keys(properties).filter(name => properties[name]!.type === 'integer')
}

/**
 * Parameters are strings, so integers are parsed here; anything else stays a string and is refused for its type. The
 * library's own coercion would accept `0x10` and `1e999`, and let infinity pass every bound.
 */
function readIntegers(parameters: unknown, names: readonly string[]): void {
  const values = parameters as Record<string, unknown>
  for (const name of names) {
    const text = values[name]
    if (typeof text === 'string' && /^-?\d{1,15}$/.test(text)) values[name] = Number(text)
  }
}

function refusal(
  errors: ValidateFunction['errors'],
  thing: 'field' | 'parameter',
  fieldOf: (error: ErrorObject) => string,
): PosthornError {
  const fields = distinct(errors ?? [])
    .slice(0, MAX_FAULTS)
    .map((error): FieldError => {
      const fault = { field: fieldOf(error), detail: describe(error, thing) }
      return error.keyword === 'additionalProperties' ? { ...fault, reason: 'unknown' } : fault
    })
  const [only] = fields
  const detail =
    fields.length === 1 && only !== undefined
      ? `${only.field === '' ? 'The request body' : only.field}: ${only.detail}`
      : `${fields.length} values are invalid.`
  return new PosthornError('invalid', detail, { fields })
}

/**
 * One fault for each value that is not one of some words: null is neither of their type nor one of them, and naming the
 * words says both.
 */
function distinct(errors: readonly ErrorObject[]): ErrorObject[] {
  const named = new Set(errors.filter(({ keyword }) => keyword === 'enum').map(({ instancePath }) => instancePath))
  return errors.filter(({ keyword, instancePath }) => keyword !== 'type' || !named.has(instancePath))
}

/** A parameter's name. */
function nameOf({ instancePath, params }: ErrorObject): string {
  return pointerToken(params.additionalProperty ?? params.missingProperty ?? instancePath.slice(1))
}

/** A JSON Pointer into the body; for a missing or unknown member, the pointer of that member. */
function pointerOf({ instancePath, params }: ErrorObject): string {
  const own = params.additionalProperty ?? params.missingProperty
  return own === undefined ? instancePath : `${instancePath}/${pointerToken(own)}`
}

function describe({ keyword, params, message, parentSchema }: ErrorObject, thing: 'field' | 'parameter'): string {
  switch (keyword) {
    case 'required':
      return `This ${thing} is required.`
    case 'additionalProperties':
      return describeUnknown(thing, params.additionalProperty, namesIn(parentSchema?.properties ?? {}))
    case 'type':
      return `The value must be of type ${[params.type].flat().join(' or ')}.`
    case 'enum':
      return `The value must be one of ${params.allowedValues.join(', ')}.`
    case 'minimum':
      return `The value must be at least ${formatCount(params.limit)}.`
    case 'maximum':
      return `The value must be at most ${formatCount(params.limit)}.`
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
      return describeCount(keyword, params.limit)
    default:
      return `The value ${message ?? 'is invalid'}.`
  }
}

function describeCount(keyword: string, limit: number): string {
  const what = keyword.endsWith('Length') ? 'character' : 'item'
  if (limit === 1 && keyword.startsWith('min')) return 'The value must not be empty.'
  const count = `${formatCount(limit)} ${what}${limit === 1 ? '' : 's'}`
  return `The value must have at ${keyword.startsWith('min') ? 'least' : 'most'} ${count}.`
}

/** Without deprecated names. */
const namesIn = (properties: Readonly<Record<string, { readonly deprecated?: boolean }>>): string[] =>
  Object.keys(properties).filter(name => properties[name]!.deprecated !== true)
