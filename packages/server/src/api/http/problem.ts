/**
 * Every refusal is a problem document (RFC 9457), whether it comes from a service, the framework or the HTTP parser. An
 * error not known to be safe to show to the caller becomes `internal`, without its message, and is logged.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CountedLines } from '../../base/counted-lines.ts'
import { ERRORS, type ErrorCode, PosthornError } from '../../base/errors.ts'
import { refusalOfStore } from '../../services/checks/store-refusals.ts'
import { SEND_JSON } from './bodies.ts'
import { PROBLEM_TYPE, type Problem } from './problem-schema.ts'

/** The rest of a refused body is read and discarded up to this many bytes, so that the connection can be kept. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024
/** What reading a chunk counts as, however small it is. */
const CHUNK_COST_BYTES = 1024
/** For a refusal that doesn't say when to try again. */
const RETRY_SECONDS = 1

export function problemOf(error: PosthornError): Problem {
  const { code, message: detail, fields, made } = error
  const { status, title } = ERRORS[code]
  const problem: Problem = { type: `urn:posthorn:error:${code}`, title, status, detail, code }
  if (made !== undefined) problem.made = made
  return fields.length === 0 ? problem : { ...problem, errors: [...fields] }
}

export type ProblemContext = { readonly lines: CountedLines; readonly isDraining: () => boolean }

/** Responds to any error. Used as the framework's error handler, and by its router for paths that it can't parse. */
export function sendProblem(
  { lines, isDraining }: ProblemContext,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const error = toPosthornError(thrown, request.routeOptions.config?.tooLarge)
  const problem = problemOf(error)
  const isClosing = thrown instanceof ClosingError
  if (problem.status >= 500 && !isClosing) logFault(lines, request, problem, thrown)
  // The framework sets this header after refusing a body.
  if (!drainBody(request) || isDraining() || isClosing) reply.header('connection', 'close')
  else reply.removeHeader('connection')
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer')
  if (problem.status === 503 || problem.status === 429 || error.retryAfterSeconds !== undefined)
    reply.header('retry-after', String(error.retryAfterSeconds ?? RETRY_SECONDS))
  if (thrown instanceof MethodNotAllowed) reply.header('allow', thrown.allow)
  // Sent as bytes: the framework would add a charset to a string, which this content type does not have.
  reply
    .code(problem.status)
    .header('content-type', PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(problem)))
}

/** A known path requested with a method that it does not support. */
export class MethodNotAllowed extends PosthornError {
  /** The methods that the path supports, as in the `Allow` header. */
  readonly allow: string

  constructor(allow: string) {
    super('method_not_allowed', `This path supports ${allow}.`)
    this.allow = allow
  }
}

/** A refusal of what the client did, after which the connection is closed. It is not logged, whatever its status is. */
export class ClosingError extends PosthornError {}

/** A request that is at fault as HTTP (http-faults.ts): what follows on its connection is uncertain. */
export class HttpFault extends ClosingError {}

/** The key has too many connections. This one is closed. */
export class TooManyConnections extends ClosingError {
  constructor() {
    super(
      'rate_limited',
      'This API key has too many open connections, and all of them have calls in progress. Wait for responses, and reuse connections.',
    )
  }
}

/** The framework's own refusals. Any other framework error is a bug, in the framework or in Posthorn. */
const FRAMEWORK_ERRORS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'The request body is too large. Send less at a time.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', SEND_JSON],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'bad_request',
    'The length of the request body differs from its Content-Length header.',
  ],
  FST_ERR_BAD_URL: [
    'bad_request',
    'The path contains a % that does not start a percent-encoded character of UTF-8. Write %25 for a percent sign.',
  ],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'Not found: no id is that long.'],
}

/** @param tooLarge what the route says about a body that is too large */
function toPosthornError(thrown: unknown, tooLarge: string | undefined): PosthornError {
  if (thrown instanceof PosthornError) return thrown
  const ofStore = refusalOfStore(thrown)
  if (ofStore !== undefined) return ofStore
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown }
  const known = typeof code === 'string' ? FRAMEWORK_ERRORS[code] : undefined
  if (known !== undefined) {
    const isTooLarge = known[0] === 'body_too_large' && tooLarge !== undefined
    return new PosthornError(known[0], isTooLarge ? tooLarge : known[1])
  }
  // A body that broke off. By now the client has usually disconnected.
  if (statusCode === 400) return new PosthornError('bad_request', 'The request arrived incomplete.')
  return new PosthornError('internal', "The server's log has the details.")
}

/**
 * Logs the route's pattern, not the path: a path contains the tenant's data. A refusal is no fault and has no stack: its
 * code says all, and callers can cause thousands in a second.
 */
function logFault(lines: CountedLines, request: FastifyRequest, { status, code }: Problem, thrown: unknown): void {
  const { method, routeOptions } = request
  const line = { method, route: routeOptions.url, status, code }
  if (code === 'internal') lines.add(`${method} ${line.route}`, 'error', 'request failed', { err: thrown, ...line })
  else lines.add(code, 'warn', 'request refused', { ...line, reason: (thrown as Error).message })
}

/**
 * Reads and discards the rest of a refused request's body, within bounds. The framework would close the connection
 * instead, which would also fail the other requests of a client that shares a few connections. False if the connection
 * must be closed.
 */
function drainBody({ raw, headers }: FastifyRequest): boolean {
  if (raw.complete) return true
  if (Number(headers['content-length'] ?? 0) > MAX_DRAINED_BYTES) return false
  let left = MAX_DRAINED_BYTES
  raw.on('data', (chunk: Buffer) => {
    left -= Math.max(chunk.length, CHUNK_COST_BYTES)
    if (left < 0) raw.destroy()
  })
  return true
}
