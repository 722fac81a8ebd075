/** The extra headers of an endpoint's requests: which names are allowed, and why the others are not. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import { isRecord } from '../checks/values.ts'

const MAX_HEADERS = 20
const MAX_NAME_CHARACTERS = 128
const MAX_VALUE_CHARACTERS = 1_024

/** A token (RFC 9110 §5.6.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Reserved names, grouped by reason. A `*` at the end matches anything. */
const RESERVED: readonly { readonly why: string; readonly names: readonly string[] }[] = [
  {
    // The values of extra headers are stored and returned in plain text (C14).
    why: 'credentials belong in clientSecret, which is encrypted',
    names: ['authorization', 'cookie', 'proxy-*'],
  },
  {
    why: 'Posthorn sets it, and receivers rely on its value',
    names: ['user-agent', 'x-apiversion', 'webhook-*', 'x-posthorn-*'],
  },
  {
    // The body is the payload, byte for byte (C5). No header can say otherwise.
    why: 'it describes the body, which is always the payload as JSON',
    names: ['content-*'],
  },
  {
    // These allow request smuggling: a proxy could see a different request from the one that was sent.
    why: 'it belongs to the connection',
    names: [
      'host',
      'connection',
      'keep-alive',
      'transfer-encoding',
      'te',
      'trailer',
      'upgrade',
      'expect',
      'http2-settings',
      'max-forwards',
      'accept-encoding',
    ],
  },
  {
    why: 'it would claim that the request comes from someone else',
    names: [
      'forwarded',
      'x-forwarded-*',
      'x-real-ip',
      'true-client-ip',
      'x-client-ip',
      'x-cluster-client-ip',
      'cf-*',
      'via',
      'sec-*',
    ],
  },
  {
    why: 'some servers use it as the path',
    names: ['x-original-url', 'x-rewrite-url'],
  },
  {
    why: 'a request is always a POST',
    names: ['x-http-method', 'x-http-method-override', 'x-method-override'],
  },
  {
    // A fixed value would join all deliveries of an endpoint into a single, endless trace.
    why: 'its value must differ from request to request',
    names: ['date', 'traceparent', 'tracestate'],
  },
]

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
    // Servers that pass headers on as variables (CGI, WSGI) treat an underscore like a hyphen.
    checkName(name, lower.replaceAll('_', '-'), at, faults)
    if (lowerCase.has(lower))
      faults.push({ field: at, detail: 'The header is given twice. Header names are not case-sensitive.' })
    checkValue(value, at, faults)
    lowerCase.set(lower, String(value))
  }
  // Assigning the members one by one would drop a header named __proto__.
  return Object.fromEntries(lowerCase)
}

function checkName(name: string, lower: string, field: string, faults: FieldError[]): void {
  if (name.length > MAX_NAME_CHARACTERS || !NAME.test(name)) {
    const detail = `A header name must be 1 to ${MAX_NAME_CHARACTERS} letters, digits and !#$%&'*+-.^_\`|~ characters.`
    faults.push({ field, detail, reason: 'header_name' })
    return
  }
  for (const { why, names } of RESERVED) {
    if (!names.some(reserved => isNamed(lower, reserved))) continue
    faults.push({ field, detail: `Remove this header: ${why}.`, reason: 'header_reserved' })
  }
}

function isNamed(name: string, reserved: string): boolean {
  return reserved.endsWith('*') ? name.startsWith(reserved.slice(0, -1)) : name === reserved
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
