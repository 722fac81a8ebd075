import type { FieldError } from '../base/errors.ts'
import { shorten } from '../base/json-scanner.ts'
import { nearest } from '../base/nearest.ts'

/**
 * What is wrong with the name of an event type that is not in the catalogue.
 *
 * @param known the names to look for the nearest one in; none: no suggestion
 */
export function unknownType(name: unknown, known: Iterable<string> = []): Omit<FieldError, 'field'> {
  const near = typeof name === 'string' ? nearest(name, known) : undefined
  const question = near === undefined ? '' : ` Did you mean \`${near}\`?`
  const quoted = typeof name === 'string' ? ` ${JSON.stringify(shorten(name))}` : ''
  const detail = `Unknown event type${quoted}.${question} GET /v1/event-types lists all event types.`
  return { detail, reason: 'unknown_type' }
}
