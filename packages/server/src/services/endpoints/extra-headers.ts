/** Headers that an endpoint adds to its requests: which it may, and why not the others. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import { isRecord } from '../checks/values.ts'

const MAX_HEADERS = 20
const MAX_NAME_CHARACTERS = 128
const MAX_VALUE_CHARACTERS = 1_024

/** A token (RFC 9110 §5.6.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Names that are taken, each group for one reason; a `*` at the end stands for anything. */
const RESERVED: readonly { readonly why: string; readonly names: readonly string[] }[] = [
  {
    // These values are kept and shown in clear (C14).
    why: 'credentials belong into clientSecret, which is encrypted',
    names: ['authorization', 'cookie', 'proxy-*'],
  },
  {
    why: 'Posthorn sets it, and receivers rely on that',
    names: ['user-agent', 'x-apiversion', 'webhook-*', 'x-posthorn-*'],
  },
  {
    // The body is the payload, byte for byte (C5): no header may say that it is something else.
    why: 'it describes the body, which is always the payload as JSON',
    names: ['content-*'],
  },
  {
    // The stuff of request smuggling: a proxy on the way would see another request than the one that was sent.
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
    why: 'it would claim that the request comes from somebody else',
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
    why: 'some servers take it for the path',
    names: ['x-original-url', 'x-rewrite-url'],
  },
  {
    why: 'a request is always a POST',
    names: ['x-http-method', 'x-http-method-override', 'x-method-override'],
  },
  {
    // One fixed trace would join all deliveries of an endpoint into a single, endless one.
    why: 'its value must differ from request to request',
    names: ['date', 'traceparent', 'tracestate'],
  },
]

/** Checks headers and answers them with lower-case names; faults are added to `faults`. */
export function checkExtraHeaders(headers: unknown, field: string, faults: FieldError[]): Record<string, string> {
  if (!isRecord(headers)) {
    faults.push({ field, detail: 'Headers must be an object of names and texts.' })
    return {}
  }
  const entries = Object.entries(headers)
  if (entries.length > MAX_HEADERS) {
    faults.push({ field, detail: `There may be at most ${MAX_HEADERS} headers.` })
    return {}
  }
  const lowerCase = new Map<string, string>()
  for (const [name, value] of entries) {
    const lower = name.toLowerCase()
    const at = `${field}/${pointerToken(name)}`
    // Servers that hand headers on as variables (CGI, WSGI) take an underscore for a hyphen.
    checkName(name, lower.replaceAll('_', '-'), at, faults)
    if (lowerCase.has(lower)) faults.push({ field: at, detail: 'The header is there twice: case makes no difference.' })
    checkValue(value, at, faults)
    lowerCase.set(lower, String(value))
  }
  // Not by assignment, which would drop a header called __proto__.
  return Object.fromEntries(lowerCase)
}

function checkName(name: string, lower: string, field: string, faults: FieldError[]): void {
  if (name.length > MAX_NAME_CHARACTERS || !NAME.test(name)) {
    const detail = `A header's name has 1 to ${MAX_NAME_CHARACTERS} letters, digits and !#$%&'*+-.^_\`|~ only.`
    faults.push({ field, detail, reason: 'header_name' })
    return
  }
  for (const { why, names } of RESERVED) {
    if (!names.some(reserved => isNamed(lower, reserved))) continue
    faults.push({ field, detail: `Leave this header out: ${why}.`, reason: 'header_reserved' })
  }
}

function isNamed(name: string, reserved: string): boolean {
  return reserved.endsWith('*') ? name.startsWith(reserved.slice(0, -1)) : name === reserved
}

/** The detail never has the value, which may be a key of the receiver's. */
function checkValue(value: unknown, field: string, faults: FieldError[]): void {
  if (typeof value !== 'string' || value.length > MAX_VALUE_CHARACTERS) {
    faults.push({ field, detail: `A header's value is a text of at most ${MAX_VALUE_CHARACTERS} characters.` })
    return
  }
  const position = value.search(/[^\t -~]|^[\t ]|[\t ]$/)
  if (position < 0) return
  const detail = 'A value has visible ASCII characters, with spaces and tabs between them but not around them.'
  faults.push({ field, detail, position, reason: 'header_value' })
}
