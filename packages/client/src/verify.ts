import { isOneOf } from './constant-time.ts'
import { headerOf, type IncomingRequest, readBody } from './incoming.ts'
import { isSigned, parseSigningSecret, type SigningKey } from './signature.ts'
import { VerificationError } from './verification-error.ts'

export type VerifyOptions = {
  /** What you registered the endpoint with. Two while you replace one: the new one and the old one. */
  readonly clientSecret?: string | readonly string[]
  /** `whsec_…` (or `whpk_…`), as the sender shows it. Two while it is being replaced. */
  readonly signingSecret?: string | readonly string[]
  /** How far the time of the attempt may be from now, either way, in seconds. Default: 300. */
  readonly toleranceSeconds?: number
  /** Larger bodies are refused unread. Default: 2 MiB. */
  readonly maxBodyBytes?: number
  /** Now, in milliseconds since 1970. Default: the clock. */
  readonly now?: () => number
}

/** A request that is what it says. */
export type Webhook = {
  /** The event's: the same at each attempt. Keep the ids of some days, and pass over what you know. */
  readonly id: string
  /** True for a test, which means nothing. */
  readonly test: boolean
  /** As it was published, byte for byte. */
  readonly body: Uint8Array
  /** The body, parsed. Throws VerificationError if it is no JSON. */
  json<Payload = unknown>(): Payload
}

const DEFAULT_TOLERANCE_SECONDS = 300
const DEFAULT_MAX_BODY_BYTES = 2 * 1024 * 1024

/**
 * Checks a request: the bearer token if a `clientSecret` is given, time and signature if a `signingSecret` is; give
 * both where you have both. The body is read after what needs no body has passed.
 *
 * Throws VerificationError for a request that doesn't pass, TypeError for options that can't be used.
 */
export async function verify(request: IncomingRequest, options: VerifyOptions): Promise<Webhook> {
  const clientSecrets = secretsIn(options, 'clientSecret')
  const keys = secretsIn(options, 'signingSecret').map(parseSigningSecret)
  if (clientSecrets.length + keys.length === 0) {
    throw new TypeError('Give a clientSecret or a signingSecret: without one, nothing is checked.')
  }
  if (clientSecrets.length > 0) await checkBearer(request, clientSecrets)
  if (keys.length > 0) checkTimestamp(request, options)
  const body = await readBody(request, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES)
  if (keys.length > 0) await checkSignature(request, body, keys)
  return {
    id: headerOf(request, 'webhook-id') ?? '',
    test: headerOf(request, 'x-posthorn-test') === 'true',
    body,
    json: <Payload>() => parse(body) as Payload,
  }
}

async function checkBearer(request: IncomingRequest, secrets: readonly string[]): Promise<void> {
  const token = /^bearer +(\S+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]
  if (token === undefined) throw new VerificationError('bearer', 'missing')
  if (!(await isOneOf(token, secrets))) throw new VerificationError('bearer', 'mismatch')
}

function checkTimestamp(request: IncomingRequest, { toleranceSeconds, now = Date.now }: VerifyOptions): void {
  const timestamp = headerOf(request, 'webhook-timestamp')
  if (timestamp === null) throw new VerificationError('timestamp', 'missing')
  if (!/^\d{1,12}$/.test(timestamp)) throw new VerificationError('timestamp', 'malformed')
  const awaySeconds = Math.abs(now() / 1_000 - Number(timestamp))
  // Not `>`: a tolerance or a clock that is no number must not let everything through.
  if (!(awaySeconds <= (toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS))) {
    throw new VerificationError('timestamp', 'expired')
  }
}

async function checkSignature(request: IncomingRequest, body: Uint8Array, keys: readonly SigningKey[]): Promise<void> {
  const id = headerOf(request, 'webhook-id')
  const signatures = headerOf(request, 'webhook-signature')
  if (!id || !signatures) throw new VerificationError('signature', 'missing')
  const timestamp = headerOf(request, 'webhook-timestamp')!
  if (!(await isSigned({ id, timestamp, body, signatures }, keys))) throw new VerificationError('signature', 'mismatch')
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
  } catch {
    throw new VerificationError('body', 'malformed')
  }
}

/**
 * An environment variable that isn't set must neither become a secret that everybody knows, nor switch a check off: a
 * member that is there must have a secret, or two.
 */
function secretsIn(options: VerifyOptions, name: 'clientSecret' | 'signingSecret'): readonly string[] {
  if (!(name in options)) return []
  const secrets: unknown = options[name]
  const list: readonly unknown[] = Array.isArray(secrets) ? secrets : [secrets]
  if (list.length > 0 && list.every(secret => typeof secret === 'string' && secret !== '')) return list as string[]
  throw new TypeError(`The ${name} is empty or not a text: set it, or leave the member out.`)
}
