/** The extra headers of an endpoint's requests. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import type { ExtraHeader, ExtraHeaders } from '../../base/model.ts'
import { isSecretName } from '../../secrets/secret-headers.ts'
import { isRecord } from '../checks/values.ts'
import { whyReserved } from './reserved-headers.ts'

const MAX_HEADERS = 20
/** Every response is searched for each of them, which takes about a millisecond for a long response. */
const MAX_SECRET_HEADERS = 10
const MAX_NAME_CHARACTERS = 128
const MAX_VALUE_CHARACTERS = 1_024

/** A token (RFC 9110 §5.6.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** As a caller gives it: a value, or a value that is secret whatever its name. */
export type HeaderInput = string | { readonly value?: string; readonly secret?: boolean }

/** A header that an endpoint is to have. Its name is in lower case. */
export type WantedHeader = {
  readonly name: string
  readonly secret: boolean
  /** null: the stored value is kept. */
  readonly value: string | null
}

/**
 * Checks headers and adds problems to `faults`.
 *
 * @param before the endpoint's headers until now: names among them that were reserved since can stay, with their values
 */
export function checkExtraHeaders(headers: unknown, before: ExtraHeaders, faults: FieldError[]): WantedHeader[] {
  const field = '/headers'
  if (!isRecord(headers)) {
    faults.push({ field, detail: 'The headers must be an object whose values are strings or objects.' })
    return []
  }
  const entries = Object.entries(headers)
  if (entries.length > MAX_HEADERS) {
    faults.push({ field, detail: `There must not be more than ${MAX_HEADERS} headers.` })
    return []
  }
  const known = new Map(Object.entries(before))
  const wanted = new Map<string, WantedHeader>()
  for (const [given, input] of entries) {
    const name = given.toLowerCase()
    const at = `${field}/${pointerToken(given)}`
    if (wanted.has(name))
      faults.push({ field: at, detail: 'The header is given twice. Header names are not case-sensitive.' })
    const header = toWanted(name, input, known.get(name), at, faults)
    wanted.set(name, header)
    const isKept = header.value === null || header.value === known.get(name)?.value
    const fault = isKept ? undefined : (malformedName(given) ?? reservedName(given))
    if (fault !== undefined) faults.push({ field: at, ...fault })
  }
  const headersWanted = [...wanted.values()]
  if (headersWanted.filter(({ secret }) => secret).length > MAX_SECRET_HEADERS) {
    faults.push({ field, detail: `There must not be more than ${MAX_SECRET_HEADERS} secret headers.` })
  }
  return headersWanted
}

function toWanted(
  name: string,
  input: unknown,
  before: ExtraHeader | undefined,
  field: string,
  faults: FieldError[],
): WantedHeader {
  if (!isRecord(input)) {
    checkValue(input, field, faults)
    return { name, secret: isSecretName(name), value: String(input) }
  }
  const { value, secret = isSecretName(name) } = input as Exclude<HeaderInput, string>
  if (value !== undefined) {
    checkValue(value, `${field}/value`, faults)
    return { name, secret, value }
  }
  if (before === undefined) {
    faults.push({ field, detail: 'The endpoint has no value for this header yet. Give one.' })
  } else if (before.secret && !secret) {
    // Otherwise anyone who can change the endpoint could have the secret shown.
    faults.push({ field, detail: 'A secret header becomes an ordinary one only if its value is given again.' })
  }
  return { name, secret, value: null }
}

export function malformedName(name: string): Omit<FieldError, 'field'> | undefined {
  if (name.length <= MAX_NAME_CHARACTERS && NAME.test(name)) return undefined
  const detail = `A header name must be 1 to ${MAX_NAME_CHARACTERS} letters, digits and !#$%&'*+-.^_\`|~ characters.`
  return { detail, reason: 'header_name' }
}

function reservedName(name: string): Omit<FieldError, 'field'> | undefined {
  const why = whyReserved(name)
  return why === undefined ? undefined : { detail: `Remove this header: ${why}.`, reason: 'header_reserved' }
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
