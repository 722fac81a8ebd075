/** What is worth a warning about an event type's schema that can be used nevertheless. */
import { nearest } from '../base/nearest.ts'
import { KNOWN_FORMATS } from './schema-formats.ts'
import { keywordsOf, OPENAPI_KEYWORDS } from './schema-keywords.ts'

export type SchemaWarning = {
  readonly code: 'schema_keyword_ignored' | 'schema_keyword_outdated' | 'schema_format_unknown'
  readonly detail: string
  /** A JSON Pointer. */
  readonly field: string
}

const MAX_WARNINGS = 20
const MAX_SHOWN = 64

/**
 * Warns of keywords and formats that payloads are not checked by.
 *
 * @param schema one that compiles
 * @param at a JSON Pointer to it
 */
export function adviseOnSchema(schema: unknown, at: string): SchemaWarning[] {
  const warnings: SchemaWarning[] = []
  for (const { name, value, pointer } of keywordsOf(schema)) {
    if (warnings.length === MAX_WARNINGS) break
    const field = `${at}${pointer}`
    if ((OPENAPI_KEYWORDS as readonly string[]).includes(name)) {
      const detail = `\`${name}\` is a keyword of OpenAPI. It is kept, but payloads are not checked by it.`
      warnings.push({ code: 'schema_keyword_ignored', detail, field })
    } else if (name === 'nullable') {
      warnings.push({ code: 'schema_keyword_outdated', detail: NULLABLE, field })
    } else if (name === 'format' && typeof value === 'string' && !KNOWN_FORMATS.has(value)) {
      warnings.push({ code: 'schema_format_unknown', detail: describeFormat(value), field })
    }
  }
  return warnings
}

const NULLABLE =
  '`nullable` is a keyword of OpenAPI 3.0. It is respected, but JSON Schema has `"null"` in `type` instead.'

function describeFormat(format: string): string {
  const shown = format.length > MAX_SHOWN ? `${format.slice(0, MAX_SHOWN)}…` : format
  const near = nearest(format, KNOWN_FORMATS)
  const hint = near === undefined ? '' : ` Did you mean \`${near}\`?`
  return `Unknown format \`${shown}\`: payloads are not checked by it.${hint}`
}
