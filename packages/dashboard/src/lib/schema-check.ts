import { type OutputUnit, type Schema, Validator } from '@cfworker/json-schema'
import { json } from '../strings/en/json.ts'

/**
 * Checks a value against a JSON Schema (2020-12) in the browser, without `eval`, in words. The server's check decides:
 * this one is there so that mistakes are seen while they are made.
 */

export type Problem = {
  /** JSON Pointer to the value concerned. */
  readonly pointer: string
  /** What is wrong with it. One sentence. */
  readonly text: string
}

export type Check = (value: unknown) => readonly Problem[]

/** How many choices of an `enum` are named. */
const NAMED = 6

const words = json.schema

/** A check by this schema. Throws if the schema can't be used, such as for a `$ref` that leads nowhere. */
export function checkBy(schema: unknown): Check {
  // The library writes into the schema.
  const own = structuredClone(schema) as Schema
  const validator = new Validator(own, '2020-12', false)
  return value => {
    const { errors } = validator.validate(value)
    const problems = told(errors, own, value)
    const seen = new Set<string>()
    return problems.filter(({ pointer, text }) => {
      const key = `${pointer}\n${text}`
      return !seen.has(key) && seen.add(key)
    })
  }
}

/** The check by a schema, or null if it can't be used here. */
export function checkIfPossible(schema: unknown): Check | null {
  try {
    const check = checkBy(schema)
    // What a `$ref` leads to is looked up only when it is reached.
    check({})
    return value => {
      try {
        return check(value)
      } catch {
        return []
      }
    }
  } catch {
    return null
  }
}

/** Keywords that only pass on what is wrong deeper down. */
const PASSING = new Set([
  '$ref',
  '$recursiveRef',
  '$dynamicRef',
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'allOf',
  'if',
  'dependentSchemas',
])

function told(errors: readonly OutputUnit[], schema: Schema, value: unknown): Problem[] {
  const problems: Problem[] = []
  for (let at = 0; at < errors.length; at++) {
    const error = errors[at]!
    const { keyword } = error
    if (PASSING.has(keyword)) continue
    const below = lengthBelow(errors, at)
    const inner = errors.slice(at + 1, at + 1 + below)
    at += below
    if (keyword === 'anyOf' || keyword === 'oneOf') problems.push(...ofChoice(error, inner, schema, value))
    else if (!isNullable(error, schema, value))
      problems.push({ pointer: placeOf(error), text: wordsFor(error, schema, value) })
  }
  return problems
}

/** How many of the errors that follow belong to this one. The library gives `false` no place of its own. */
function lengthBelow(errors: readonly OutputUnit[], at: number): number {
  const { keyword, keywordLocation } = errors[at]!
  if (keyword !== 'anyOf' && keyword !== 'oneOf' && keyword !== 'contains' && keyword !== 'propertyNames') return 0
  let end = at + 1
  while (end < errors.length) {
    const { keyword: inner, keywordLocation: place } = errors[end]!
    if (!place.startsWith(`${keywordLocation}/`) && inner !== 'false') break
    end++
  }
  return end - at - 1
}

/** Of several forms, the one that was meant: the only one whose kind of value fits. */
function ofChoice(error: OutputUnit, inner: readonly OutputUnit[], schema: Schema, value: unknown): Problem[] {
  const general = [{ pointer: pointerOf(error), text: words[error.keyword as 'anyOf' | 'oneOf']() }]
  const forms = Map.groupBy(
    inner,
    ({ keywordLocation }) => keywordLocation.slice(error.keywordLocation.length + 1).split('/', 1)[0],
  )
  const meant = [...forms.values()].filter(
    of =>
      !of.some(
        ({ keyword, instanceLocation }) =>
          instanceLocation === error.instanceLocation && ['type', 'const', 'enum', 'false'].includes(keyword),
      ),
  )
  if (meant.length !== 1) {
    const wanted = new Set(inner.filter(({ keyword }) => keyword === 'type').flatMap(kindsWanted))
    const isOnlyKind = inner.every(one => one.keyword === 'type' && one.instanceLocation === error.instanceLocation)
    if (!isOnlyKind || wanted.size === 0) return general
    const got = kindOf(valueAt(value, pointerOf(error)))
    return [{ pointer: pointerOf(error), text: words.type([...wanted].map(kindWords).join(json.or), kindWords(got)) }]
  }
  const problems = told(meant[0]!, schema, value)
  return problems.length === 0 ? general : problems
}

function wordsFor(error: OutputUnit, schema: Schema, value: unknown): string {
  const { keyword, error: said } = error
  const quoted = /"(.*)"/s.exec(said)?.[1] ?? ''
  const figure = /(-?\d[\d.e+-]*?)\)?\.?$/.exec(said)?.[1] ?? ''
  switch (keyword) {
    case 'type':
      return words.type(
        kindsWanted(error).map(kindWords).join(json.or),
        kindWords(kindOf(valueAt(value, pointerOf(error)))),
      )
    case 'required':
      return words.required()
    case 'enum': {
      const values = (JSON.parse(/any of (.*)\.$/s.exec(said)?.[1] ?? '[]') as unknown[]).map(one =>
        JSON.stringify(one),
      )
      const named = values.length > NAMED ? NAMED - 1 : NAMED
      return words.enum(values.slice(0, named), Math.max(0, values.length - named))
    }
    case 'const':
      return words.const(/match (.*)\.$/s.exec(said)?.[1] ?? '')
    case 'format':
      return words.format(json.formats[quoted] ?? json.ofFormat(quoted))
    case 'pattern': {
      const pattern = at(schema, error.keywordLocation)
      return words.pattern(typeof pattern === 'string' ? pattern : null)
    }
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
      return words[keyword](Number(/[<>] (\d+)/.exec(said)?.[1]))
    case 'minProperties':
    case 'maxProperties':
      return words[keyword](Number(/least (\d+)/.exec(said)?.[1]))
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
    case 'multipleOf':
      return words[keyword](figure)
    case 'dependentRequired':
      return words.dependentRequired(/have "([^"]*)"\.$/.exec(said)?.[1] ?? quoted)
    case 'contains':
    case 'minContains':
    case 'maxContains':
      return words.contains()
    case 'propertyNames':
      return words.propertyNames(quoted)
    case 'uniqueItems':
      return words.uniqueItems()
    case 'not':
      return words.not()
    case 'false':
      return words.notAllowed()
    default:
      return words.other(said)
  }
}

function kindsWanted({ error }: OutputUnit): string[] {
  return (/Expected "(.*)"\.$/.exec(error)?.[1] ?? '').split('", "')
}

function kindWords(kind: string): string {
  return json.kinds[kind] ?? kind
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

/** OpenAPI 3.0 writes `nullable` where JSON Schema has a list of types; the server respects it. */
function isNullable(error: OutputUnit, schema: Schema, value: unknown): boolean {
  if (!['type', 'enum', 'const'].includes(error.keyword)) return false
  if (valueAt(value, pointerOf(error)) !== null) return false
  const parent = at(schema, error.keywordLocation.slice(0, error.keywordLocation.lastIndexOf('/')))
  return (parent as Schema | undefined)?.nullable === true
}

/** Where a problem is: for a member that is missing, where it would be. */
function placeOf(error: OutputUnit): string {
  const pointer = pointerOf(error)
  if (error.keyword !== 'required') return pointer
  const name = /"(.*)"/s.exec(error.error)?.[1] ?? ''
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** The library encodes what it puts in a pointer as in a URI. */
function pointerOf({ instanceLocation }: OutputUnit): string {
  return decode(instanceLocation.slice(1))
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function valueAt(value: unknown, pointer: string): unknown {
  let found = value
  for (const part of pointer.split('/').slice(1)) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return found
}

/** What a schema has at a place, if no reference lies on the way that leads elsewhere than into `$defs`. */
function at(schema: Schema, location: string): unknown {
  let found: unknown = schema
  for (const part of location.slice(2).split('/')) {
    if (part === '$ref') {
      const ref = (found as Schema | undefined)?.$ref
      if (typeof ref !== 'string' || !ref.startsWith('#')) return undefined
      found = valueAt(schema, decode(ref.slice(1)))
    } else found = valueAt(found, `/${decode(part)}`)
  }
  return found
}
