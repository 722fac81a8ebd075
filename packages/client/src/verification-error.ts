/**
 * What was found wrong with a request. `bearer`: the `Authorization` header; `timestamp` and `signature`: the headers of
 * Standard Webhooks; `body`: what came could not be read.
 */
export type FailedCheck = 'bearer' | 'timestamp' | 'signature' | 'body'

/** `expired`: older than the tolerance, or as far in the future. `parsed`: something else has read and changed it. */
export type FailureReason = 'missing' | 'malformed' | 'mismatch' | 'expired' | 'too_large' | 'parsed'

const DETAILS: Readonly<Record<string, string>> = {
  'bearer missing': 'The request has no Authorization header with a bearer token.',
  'bearer mismatch': 'The bearer token is none of the clientSecrets.',
  'timestamp missing': 'The request has no webhook-timestamp header.',
  'timestamp malformed': 'The webhook-timestamp header is no whole number of seconds.',
  'timestamp expired': 'The webhook-timestamp is too far from now: check the clock of this machine.',
  'signature missing': 'The request lacks a webhook-signature or a webhook-id header.',
  'signature mismatch': 'No signature of the request was made with one of the signingSecrets over this body.',
  'body too_large': 'The body is larger than maxBodyBytes.',
  'body malformed': 'The body is no JSON in UTF-8.',
  'body missing': 'The body was read before: verify first, or hand it in as rawBody.',
  'body parsed':
    'The body was parsed before: the signature is over its bytes, so keep them (see the raw body parsers).',
}

/** The request is not to be believed. Says which check failed, and nothing of any secret. */
export class VerificationError extends Error {
  readonly check: FailedCheck
  readonly reason: FailureReason
  /** What to answer: 401, or 413 and 400 where the body is at fault; 500 where the receiver's own set-up is. */
  readonly status: 400 | 401 | 413 | 500

  constructor(check: FailedCheck, reason: FailureReason) {
    super(DETAILS[`${check} ${reason}`] ?? `The check of the ${check} failed (${reason}).`)
    this.name = 'VerificationError'
    this.check = check
    this.reason = reason
    this.status = check === 'body' ? (BODY_STATUS[reason] ?? 400) : 401
  }
}

const BODY_STATUS: Partial<Record<FailureReason, 413 | 500>> = { too_large: 413, parsed: 500, missing: 500 }
