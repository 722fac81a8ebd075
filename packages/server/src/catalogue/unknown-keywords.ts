/** Finds misspelt keywords in a schema that was refused for one. */
import type { FieldError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { keywordsOf, OPENAPI_KEYWORDS } from './schema-keywords.ts'

/** Of JSON Schema 2020-12. */
const KEYWORDS: readonly string[] = (
  '$id $schema $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment $defs allOf anyOf oneOf not if then else ' +
  'dependentSchemas prefixItems items contains properties patternProperties additionalProperties propertyNames ' +
  'unevaluatedItems unevaluatedProperties type enum const multipleOf maximum exclusiveMaximum minimum ' +
  'exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains maxProperties ' +
  'minProperties required dependentRequired title description default deprecated readOnly writeOnly examples format ' +
  'contentEncoding contentMediaType contentSchema'
).split(' ')
/** Accepted, but not worth suggesting. */
const OTHERS: readonly string[] = [...OPENAPI_KEYWORDS, 'definitions', 'nullable']
const MAX_FAULTS = 20

/** @param at a JSON Pointer to the schema */
export function findUnknownKeywords(schema: unknown, at: string): FieldError[] {
  const faults: FieldError[] = []
  for (const { name, pointer } of keywordsOf(schema)) {
    if (KEYWORDS.includes(name) || OTHERS.includes(name) || name.startsWith('x-')) continue
    const near = nearest(name, KEYWORDS) ?? nearest(name, OTHERS)
    const question = near === undefined ? '' : ` Did you mean \`${near}\`?`
    const detail = `Unknown keyword.${question} Valid keywords are ${KEYWORDS.join(', ')}, and those that begin with x-.`
    faults.push({ field: `${at}${pointer}`, detail, reason: 'unknown' })
    if (faults.length === MAX_FAULTS) break
  }
  return faults
}
