/**
 * Every error the API answers with: code → HTTP status and title. `docs/errors.md` lists the same (a test compares).
 * Codes are stable: clients may decide on them; titles and details may change.
 */
export const ERRORS = {
  bad_json: { status: 400, title: 'The body is not the JSON that this call takes' },
  bad_request: { status: 400, title: 'The request is malformed' },
  unauthorized: { status: 401, title: 'An API key is needed' },
  forbidden: { status: 403, title: 'The key may not do this' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'This path does not take that method' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  conflict: { status: 409, title: 'It conflicts with what is there' },
  idempotency_conflict: { status: 409, title: 'The id was used for something else' },
  event_type_archived: { status: 409, title: 'The event type is archived' },
  schema_conflict: { status: 409, title: 'The schema would refuse what is being published' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  invalid: { status: 422, title: 'A value is not acceptable' },
  rate_limited: { status: 429, title: 'The key has made too many calls' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  store_unavailable: { status: 503, title: 'The store is away; nothing was accepted' },
  shutting_down: { status: 503, title: 'This process is shutting down' },
  overloaded: { status: 503, title: 'Too much is under way' },
  busy: { status: 503, title: 'A transaction that has not ended is in the way' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof ERRORS

/** One thing that is wrong with one field of a request. */
export type FieldError = {
  /** Where, as a JSON Pointer (RFC 6901) into the request's body, or the parameter's name. */
  readonly field: string
  /** What is wrong and what to do, one sentence. */
  readonly detail: string
  /** Zero-based index of the first bad character, where a text is refused for one (C7). */
  readonly position?: number
  /** A stable word for the kind of fault, where there are several for one field. */
  readonly reason?: string
}

/** The code of a refusal for such faults: of one kind alone, it is that kind's own. */
export function codeOfFaults(faults: readonly FieldError[]): 'event_type_archived' | 'invalid' {
  const areArchived = faults.length > 0 && faults.every(({ reason }) => reason === 'event_type_archived')
  return areArchived ? 'event_type_archived' : 'invalid'
}

/** A refusal that is meant to be shown to the caller; everything else becomes `internal` without detail. */
export class PosthornError extends Error {
  readonly code: ErrorCode
  readonly fields: readonly FieldError[]
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    detail: string,
    options: { fields?: readonly FieldError[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause })
    this.name = 'PosthornError'
    this.code = code
    this.fields = options.fields ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
