import { brand } from './brand.ts'

/**
 * The check that failed. `bearer`: the `Authorization` header; `timestamp` and `signature`: the headers of Standard
 * Webhooks; `body`: the body couldn't be read or parsed.
 */
export type FailedCheck = 'bearer' | 'timestamp' | 'signature' | 'body'

/**
 * Why it failed. `expired`: more than the tolerance in the past or in the future. `parsed`: a body parser has replaced
 * the raw bytes.
 */
export type FailureReason = 'missing' | 'malformed' | 'mismatch' | 'expired' | 'too_large' | 'parsed'

const DETAILS: Readonly<Record<string, string>> = {
  'bearer missing': 'The request has no Authorization header with a bearer token.',
  'bearer mismatch': 'The bearer token matches none of the clientSecrets.',
  'timestamp missing': 'The request has no webhook-timestamp header.',
  'timestamp malformed': 'The webhook-timestamp header is not a whole number of seconds.',
  'timestamp expired': 'The webhook-timestamp is too far from the current time. Check the clock of this machine.',
  'signature missing': 'The request has no webhook-signature or no webhook-id header.',
  'signature mismatch': 'No signature in the request matches this body and one of the signingSecrets.',
  'body too_large': 'The body is larger than maxBodyBytes.',
  'body malformed': 'The body is not JSON in UTF-8.',
  'body missing': 'The body was already read. Verify before reading it, or keep its bytes as request.rawBody.',
  'body parsed':
    'The body was already parsed, but the signature covers its raw bytes. Use a raw body parser or verify first.',
}

/** A request failed verification: don't trust it. Names the check that failed, and never contains a secret. */
export class VerificationError extends Error {
  static {
    brand(VerificationError, 'VerificationError')
  }

  readonly check: FailedCheck
  readonly reason: FailureReason
  /** The status to respond with: 401; for a bad body 413 or 400; 500 if the receiver itself is set up wrongly. */
  readonly status: 400 | 401 | 413 | 500

  constructor(check: FailedCheck, reason: FailureReason) {
    super(DETAILS[`${check} ${reason}`] ?? `The ${check} check failed (${reason}).`)
    this.name = 'VerificationError'
    this.check = check
    this.reason = reason
    this.status = check === 'body' ? (BODY_STATUS[reason] ?? 400) : 401
  }
}

const BODY_STATUS: Partial<Record<FailureReason, 413 | 500>> = { too_large: 413, parsed: 500, missing: 500 }
