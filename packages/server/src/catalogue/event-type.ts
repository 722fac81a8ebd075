/** Checks the definitions of event types (C1). */
import { formatCount } from '../base/counts.ts'
import type { FieldError } from '../base/errors.ts'
import { compileSchema, faultOfSize } from './schema.ts'
import { findUnknownKeywords } from './unknown-keywords.ts'

export type EventTypeDefinition = {
  readonly name: string
  readonly group: string
  readonly description: string
  /** JSON Schema 2020-12. */
  readonly schema: unknown
  /** A payload that satisfies the schema. */
  readonly example: unknown
}

const EVENT_TYPE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/
const MAX_GROUP_CHARACTERS = 64
const MAX_DESCRIPTION_CHARACTERS = 2000

/** Finds everything wrong with an event type's definition. Fields are JSON Pointers such as `/name` and `/schema`. */
export function checkEventType(definition: EventTypeDefinition): FieldError[] {
  const { name, group, description, schema, example } = definition
  const errors: FieldError[] = []
  if (typeof name !== 'string' || !EVENT_TYPE_NAME.test(name)) {
    const detail = 'A name must begin with a letter and have up to 128 characters: letters, digits, "_", "." and "-".'
    errors.push({ field: '/name', detail })
  }
  checkText(group, '/group', 1, MAX_GROUP_CHARACTERS, errors)
  checkText(description, '/description', 1, MAX_DESCRIPTION_CHARACTERS, errors)
  const exampleFault = faultOfSize(example)
  if (exampleFault !== undefined) errors.push({ field: '/example', detail: `The example ${exampleFault}.` })
  const compiled = compileSchema(schema)
  if (!compiled.ok) {
    const unknown = compiled.detail.includes('unknown keyword') ? findUnknownKeywords(schema, '/schema') : []
    return [...errors, ...(unknown.length > 0 ? unknown : [{ field: '/schema', detail: compiled.detail }])]
  }
  const rootFault = faultOfRoot(schema)
  if (rootFault !== undefined) errors.push({ field: '/schema', detail: rootFault })
  if (exampleFault !== undefined) return errors
  for (const { pointer, detail } of compiled.validate(example)) {
    errors.push({ field: `/example${pointer}`, detail: `The example must satisfy the schema. ${detail}` })
  }
  return errors
}

function faultOfRoot(schema: unknown): string | undefined {
  const { type, required } = schema as { type?: unknown; required?: unknown }
  if (type === 'object' && Array.isArray(required) && required.length > 0) return undefined
  return 'The schema must have "type": "object" at its root, and require the property that identifies the resource.'
}

function checkText(text: unknown, field: string, min: number, max: number, errors: FieldError[]): void {
  if (typeof text === 'string' && text.trim().length >= min && text.length <= max) return
  errors.push({ field, detail: `The value must be a string of ${min} to ${formatCount(max)} characters.` })
}
