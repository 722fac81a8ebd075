/**
 * The `traceparent` that a request carried, if any: the one thing of a request that differs from attempt to attempt and
 * can't be computed. It is stored in front of the response's headers, as one without a name, which no response has: so
 * attempts that aren't traced pay nothing for it. It is removed together with the response.
 */

const NAMELESS = ''
/** The request carried the event's own, which is in the event's row. */
const AS_PUBLISHED = ''

/**
 * @param headers the response's, names and values alternately
 * @param sent null for none
 * @param published the event's own; null for none
 */
export const withTrace = (
  headers: readonly string[],
  sent: string | null,
  published: string | null,
): readonly string[] => (sent === null ? headers : [NAMELESS, sent === published ? AS_PUBLISHED : sent, ...headers])

/** The response's headers out of what `withTrace` returned. */
export const withoutTrace = (stored: readonly string[]): readonly string[] =>
  stored[0] === NAMELESS ? stored.slice(2) : stored

/** The request's `traceparent` out of what `withTrace` returned. */
export function sentTrace(stored: readonly string[], published: string | null): string | null {
  if (stored[0] !== NAMELESS) return null
  return stored[1] === AS_PUBLISHED ? published : stored[1]!
}
