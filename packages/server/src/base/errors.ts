/**
 * Every error that the API returns: code → HTTP status and title. A test compares them with `docs/errors.md`. Codes are
 * stable, so clients can depend on them; titles and details can change.
 */
export const ERRORS = {
  bad_json: { status: 400, title: 'The request body cannot be read as JSON' },
  bad_request: { status: 400, title: 'The request is malformed' },
  unauthorized: { status: 401, title: 'A valid API key is required' },
  session_ended: { status: 401, title: 'The session has ended' },
  forbidden: { status: 403, title: 'The API key does not allow this' },
  insecure_origin: { status: 403, title: 'Signing in needs an encrypted connection' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  conflict: { status: 409, title: 'The request conflicts with the current state' },
  idempotency_conflict: { status: 409, title: 'The key was already used for a different request' },
  call_in_flight: { status: 409, title: 'The same call is still being processed' },
  already_made: { status: 409, title: 'The call was already made, and its response is no longer shown' },
  event_type_archived: { status: 409, title: 'The event type is archived' },
  schema_conflict: { status: 409, title: 'The schema would reject recent events' },
  body_too_large: { status: 413, title: 'The request body is too large' },
  unsupported_media_type: { status: 415, title: 'The request body must be application/json' },
  expectation_failed: { status: 417, title: 'The expectation cannot be met' },
  invalid: { status: 422, title: 'One or more values are invalid' },
  rate_limited: { status: 429, title: 'Too many requests with this API key' },
  headers_too_large: { status: 431, title: 'The request headers are too large' },
  internal: { status: 500, title: 'Internal server error' },
  not_implemented: { status: 501, title: 'The server does not support this' },
  issuer_unavailable: { status: 502, title: 'The issuer of single sign-on is unavailable' },
  store_unavailable: { status: 503, title: 'The store is unavailable' },
  shutting_down: { status: 503, title: 'The server is shutting down' },
  overloaded: { status: 503, title: 'The server is overloaded' },
  busy: { status: 503, title: 'Another open transaction is blocking this one' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof ERRORS

/** A problem with one field of a request. */
export type FieldError = {
  /** A JSON Pointer (RFC 6901) into the request body, or the name of a parameter (and a pointer into its JSON). */
  readonly field: string
  /** What is wrong and what to do about it, in one sentence. */
  readonly detail: string
  /** Zero-based index of the first invalid character, if the value was refused because of one (C7). */
  readonly position?: number
  /** A stable identifier for the kind of fault, for fields that can have several kinds. */
  readonly reason?: string
}

/** The error code for a list of faults: `event_type_archived` if all of them are of that kind, otherwise `invalid`. */
export function codeOfFaults(faults: readonly FieldError[]): 'event_type_archived' | 'invalid' {
  const areArchived = faults.length > 0 && faults.every(({ reason }) => reason === 'event_type_archived')
  return areArchived ? 'event_type_archived' : 'invalid'
}

/** A refusal whose detail the caller can see. Any other error becomes `internal`, without its message. */
export class PosthornError extends Error {
  readonly code: ErrorCode
  readonly fields: readonly FieldError[]
  readonly retryAfterSeconds: number | undefined
  /** With `already_made`: id of what the call made. */
  readonly made: string | undefined

  constructor(
    code: ErrorCode,
    detail: string,
    options: { fields?: readonly FieldError[]; retryAfterSeconds?: number; made?: string; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause })
    this.name = 'PosthornError'
    this.code = code
    this.fields = options.fields ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
    this.made = options.made
  }
}
