import type { FieldError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'

/** A text that could be a name, and can be quoted in a sentence. */
const NAME = /^[\w.-]{1,128}$/

/**
 * What is wrong with the name of an event type that is not in the catalogue.
 *
 * @param known the names to look for the nearest one in; none: no suggestion
 */
export function unknownType(name: unknown, known: Iterable<string> = []): Omit<FieldError, 'field'> {
  const near = typeof name === 'string' ? nearest(name, known) : undefined
  const question = near === undefined ? '' : ` Did you mean \`${near}\`?`
  const quoted = typeof name === 'string' && NAME.test(name) ? ` \`${name}\`` : ''
  return { detail: `Unknown event type${quoted}.${question} GET /v1/event-types lists them.`, reason: 'unknown_type' }
}
