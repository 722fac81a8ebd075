/** The extra headers of an endpoint's requests. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import { isRecord } from '../checks/values.ts'
import { whyReserved } from './reserved-headers.ts'

const MAX_HEADERS = 20
const MAX_NAME_CHARACTERS = 128
const MAX_VALUE_CHARACTERS = 1_024

/** A token (RFC 9110 §5.6.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Checks headers and returns them with names in lower case. Adds problems to `faults`. */
export function checkExtraHeaders(headers: unknown, field: string, faults: FieldError[]): Record<string, string> {
  if (!isRecord(headers)) {
    faults.push({ field, detail: 'The headers must be an object whose values are strings.' })
    return {}
  }
  const entries = Object.entries(headers)
  if (entries.length > MAX_HEADERS) {
    faults.push({ field, detail: `There must not be more than ${MAX_HEADERS} headers.` })
    return {}
  }
  const lowerCase = new Map<string, string>()
  for (const [name, value] of entries) {
    const lower = name.toLowerCase()
    const at = `${field}/${pointerToken(name)}`
    checkName(name, at, faults)
    if (lowerCase.has(lower))
      faults.push({ field: at, detail: 'The header is given twice. Header names are not case-sensitive.' })
    checkValue(value, at, faults)
    lowerCase.set(lower, String(value))
  }
  // Assigning the members one by one would drop a header named __proto__.
  return Object.fromEntries(lowerCase)
}

function checkName(name: string, field: string, faults: FieldError[]): void {
  if (name.length > MAX_NAME_CHARACTERS || !NAME.test(name)) {
    const detail = `A header name must be 1 to ${MAX_NAME_CHARACTERS} letters, digits and !#$%&'*+-.^_\`|~ characters.`
    faults.push({ field, detail, reason: 'header_name' })
    return
  }
  const why = whyReserved(name)
  if (why !== undefined) faults.push({ field, detail: `Remove this header: ${why}.`, reason: 'header_reserved' })
}

/** The detail never contains the value, which might be one of the receiver's keys. */
function checkValue(value: unknown, field: string, faults: FieldError[]): void {
  if (typeof value !== 'string' || value.length > MAX_VALUE_CHARACTERS) {
    faults.push({ field, detail: `A header value must be a string of at most ${MAX_VALUE_CHARACTERS} characters.` })
    return
  }
  const position = value.search(/[^\t -~]|^[\t ]|[\t ]$/)
  if (position < 0) return
  const detail = 'A header value must consist of visible ASCII characters, with spaces and tabs only between them.'
  faults.push({ field, detail, position, reason: 'header_value' })
}
