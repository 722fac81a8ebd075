/** Keywords that schemas can have besides those of JSON Schema: annotations, and what they have from OpenAPI documents. */
import { pointerToken } from '../base/json-scanner.ts'

/** Keywords that OpenAPI adds to JSON Schema (3.1, Schema Object). None of them makes a payload valid or invalid here. */
export const OPENAPI_KEYWORDS = ['discriminator', 'xml', 'externalDocs', 'example'] as const

/** Keywords that map names chosen by the schema's author to schemas. */
export const MAPS_OF_SCHEMAS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependentRequired',
])
/** Keywords that hold values, not schemas. */
export const VALUES: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', ...OPENAPI_KEYWORDS])

/** A keyword where it has a meaning, not a property or a value that is called so. */
export type Keyword = {
  readonly name: string
  readonly value: unknown
  /** A JSON Pointer into the schema. */
  readonly pointer: string
}

/** All keywords of a schema and of the schemas in it. */
export function* keywordsOf(schema: unknown, at = ''): Generator<Keyword> {
  if (typeof schema !== 'object' || schema === null) return
  for (const [name, value] of Object.entries(schema)) {
    const pointer = `${at}/${pointerToken(name)}`
    if (Array.isArray(schema)) yield* keywordsOf(value, pointer)
    else {
      yield { name, value, pointer }
      if (MAPS_OF_SCHEMAS.has(name)) {
        for (const [key, inner] of Object.entries(value ?? {})) {
          yield* keywordsOf(inner, `${pointer}/${pointerToken(key)}`)
        }
      } else if (!VALUES.has(name) && !isAnnotation(name)) yield* keywordsOf(value, pointer)
    }
  }
}

export const isAnnotation = (keyword: string): boolean => keyword.startsWith('x-')

/** The keywords that begin with `x-`. */
export const annotationsOf = (schema: unknown): Set<string> =>
  new Set([...keywordsOf(schema)].map(({ name }) => name).filter(isAnnotation))

/** The formats that a schema names. */
export const formatsOf = (schema: unknown): Set<string> =>
  new Set(
    [...keywordsOf(schema)].flatMap(({ name, value }) =>
      name === 'format' && typeof value === 'string' ? [value] : [],
    ),
  )
