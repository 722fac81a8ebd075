import { ERROR_CODES } from '../api/codes.ts'
import type { FieldError, Problem } from '../api/models.ts'
import { brand } from '../brand.ts'
import { noteOn } from '../version.ts'

/** A stable error code of the API. A newer server can have codes that are not in this list. */
export type ErrorCode = Problem['code']

/** What a call was, as errors show it: method and path, without the query, which can contain parts of payloads. */
export type CallName = { readonly method: string; readonly path: string }

type Details = {
  readonly code: string
  readonly status?: number
  readonly requestId?: string | null
  readonly retryAfterMs?: number | null
  readonly serverVersion?: string | null
  readonly cause?: unknown
}

/**
 * Base class of the errors of a call. Neither it nor its subclasses ever contain the API key. If a program has several
 * copies of this package, `instanceof` recognises the errors of all of them.
 */
export class PosthornError extends Error {
  static {
    brand(PosthornError, 'PosthornError')
  }

  override readonly name: string = 'PosthornError'
  readonly code: string
  /** HTTP status of the response. Null if there was none. */
  readonly status: number | null
  /** The header `X-Request-Id` of the response, which proxies add. Null if there was none. */
  readonly requestId: string | null
  /** How long the server asks to wait before the next call, in milliseconds (`Retry-After`). Null if it doesn't. */
  readonly retryAfterMs: number | null
  /** The version of the server that responded. Null if there was no response, or if it doesn't say. */
  readonly serverVersion: string | null

  constructor({ method, path }: CallName, message: string, details: Details) {
    super(`${method} ${path}: ${message}`, details.cause === undefined ? {} : { cause: details.cause })
    this.code = details.code
    this.status = details.status ?? null
    this.requestId = details.requestId ?? null
    this.retryAfterMs = details.retryAfterMs ?? null
    this.serverVersion = details.serverVersion ?? null
  }
}

/** The server refused the call, or failed, and said why: a problem document (RFC 9457). */
export class ApiError extends PosthornError {
  static {
    brand(ApiError, 'ApiError')
  }

  override readonly name: string = 'ApiError'
  declare readonly code: ErrorCode
  declare readonly status: number
  readonly title: string
  /** What is wrong, with what, and what to do. Texts can change: depend on `code`. */
  readonly detail: string
  /** The fields that are wrong. Empty if it is not about single fields. */
  readonly fields: readonly FieldError[]
  /** The first of `fields`: a JSON Pointer into the body, or the name of a parameter. Null if there is none. */
  readonly field: string | null
  /** Only with `already_made`: id of what the call made. Otherwise null. */
  readonly made: string | null

  constructor(call: CallName, problem: Problem, details: Omit<Details, 'code'>) {
    super(call, messageOf(problem, details.serverVersion ?? null), { ...details, code: problem.code })
    this.title = problem.title
    this.detail = problem.detail
    this.fields = problem.errors ?? []
    this.field = this.fields[0]?.field ?? null
    this.made = problem.made ?? null
  }
}

/** Something responded, but not as this API does: a proxy in between, or another server (`unexpected_response`). */
export class ResponseError extends PosthornError {
  static {
    brand(ResponseError, 'ResponseError')
  }

  override readonly name: string = 'ResponseError'
  declare readonly code: 'unexpected_response'
  declare readonly status: number
  /** The body, if it is JSON. Otherwise undefined. */
  readonly body: unknown

  constructor(
    call: CallName,
    message: string,
    { body, ...details }: Omit<Details, 'code'> & { readonly body?: unknown },
  ) {
    super(call, message, { ...details, code: 'unexpected_response' })
    this.body = body
  }
}

/** There was no response, or it broke off (`connection_failed`). The call might have been carried out. */
export class ConnectionError extends PosthornError {
  static {
    brand(ConnectionError, 'ConnectionError')
  }

  override readonly name: string = 'ConnectionError'
  declare readonly code: 'connection_failed'
}

/** The response took longer than `timeoutMs` (`timed_out`). The call might have been carried out. */
export class TimeoutError extends PosthornError {
  static {
    brand(TimeoutError, 'TimeoutError')
  }

  override readonly name: string = 'TimeoutError'
  declare readonly code: 'timed_out'
}

const UNKNOWN: readonly (string | undefined)[] = ['unknown', 'unknown_path']

/** The detail, and both versions if one of them doesn't know what the other does. */
function messageOf(problem: Problem, serverVersion: string | null): string {
  const { code, errors = [] } = problem
  const isUnknown =
    code === 'method_not_allowed' ||
    !(ERROR_CODES as readonly string[]).includes(code) ||
    errors.some(error => UNKNOWN.includes(error?.reason))
  const note = isUnknown ? noteOn(serverVersion) : undefined
  return [problem.detail, ...severalOf(errors), ...(note === undefined ? [] : [note])].join(' ')
}

/** More are in `fields`: a message is a line in a log. */
const MAX_NAMED_FIELDS = 3

/** What is wrong with each of several fields. What is wrong with a single one, the problem's detail says already. */
function severalOf(errors: readonly (FieldError | null)[]): string[] {
  const known = errors.filter(error => typeof error?.field === 'string' && typeof error.detail === 'string')
  if (known.length < 2) return []
  const named = known.slice(0, MAX_NAMED_FIELDS).map(error => `${error!.field}: ${error!.detail}`)
  return known.length > MAX_NAMED_FIELDS ? [...named, '…'] : named
}
