/**
 * Filters: which events, of the types that it wants, an endpoint gets, depending on the payload. A filter is evaluated
 * once, when the event is published, and never changes what is sent.
 *
 *   filter    := { member: condition, … }      all conditions must hold; "anyOf" and "$not" can stand among them
 *   condition := [value, …]                    equals one of these strings, numbers, booleans or null
 *              | { operator or member: …, … }  all must hold
 *   operators    "$exists": boolean · "$gt", "$gte", "$lt", "$lte": number
 *                "$prefix", "$suffix", "$contains", "$equalsIgnoreCase", "$wildcard": string or list of strings
 *                "anyOf": [value or condition, …]: at least one must hold · "$not": condition: it must not hold
 *
 * Every name that begins with `$` is an operator; a member whose name begins with `$` is written with one more. The
 * operators of the first release (exists, prefix, gt, gte, lt, lte) can be written without `$`. Their value is never an
 * object, so a member with such a name can still be reached: `{"a": {"prefix": {"anyOf": ["x"]}}}`.
 *
 * A missing member satisfies only `"$exists": false` and `"$not"`. An array satisfies `"$exists": true`, and every
 * condition that one of its elements satisfies; all conditions of one object apply to the same element, except that
 * `"$not"` always applies to the whole array: none of its elements may satisfy the condition. Values are compared as
 * `JSON.parse` reads them, so numbers are doubles: a list cannot contain numbers too large for a double to tell apart.
 */
export { checkFilter } from './filter/check.ts'
export { compileFilter } from './filter/compile.ts'
