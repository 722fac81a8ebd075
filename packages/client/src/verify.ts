import { isOneOf } from './constant-time.ts'
import type { ReceivedEvent } from './event-payloads.ts'
import { headerOf, type IncomingRequest, readBody } from './incoming.ts'
import { isSigned, parseSigningSecret, type SigningKey } from './signature.ts'
import { VerificationError } from './verification-error.ts'

export type VerifyOptions = {
  /** The secret you registered the endpoint with. While you replace it, pass both: the new one and the old one. */
  readonly clientSecret?: string | readonly string[]
  /** `whsec_…` (or `whpk_…`), as the sender shows it. While it is being replaced, pass both. */
  readonly signingSecret?: string | readonly string[]
  /**
   * Other names of the three headers, if your provider sends them under such: what `signatureHeaders` of your endpoint
   * says. Null: the default names.
   */
  readonly signatureHeaders?: {
    /** Null or omitted: `webhook-id`. */
    readonly id?: string | null | undefined
    /** Null or omitted: `webhook-timestamp`. */
    readonly timestamp?: string | null | undefined
    /** Null or omitted: `webhook-signature`. */
    readonly signature?: string | null | undefined
  } | null
  /** How far the timestamp can be in the past or future, in seconds. Default: 300. */
  readonly toleranceSeconds?: number
  /** Maximum size of a body, in bytes. Larger bodies are refused without being read in full. Default: 2 MiB. */
  readonly maxBodyBytes?: number
  /** Returns the current time, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
}

/**
 * A verified request. With generated types (`npx @posthorn/client types`), a `switch` over `type` narrows `payload`.
 * `type` is null if the provider's server is too old to send it.
 */
export type Webhook = VerifiedRequest & (ReceivedEvent | { readonly type: null; readonly payload: unknown })

/** What a verified request has, whatever its type. */
export type VerifiedRequest = {
  /** The event's id, the same at every attempt. Remember the ids of the last few days and skip those you know. */
  readonly id: string
  /** True for a test request, which carries no real event. */
  readonly test: boolean
  /** The payload as it was published, byte for byte. */
  readonly body: Uint8Array
  /** Returns the parsed body. Throws VerificationError if it is not JSON. */
  json<Payload = unknown>(): Payload
}

const DEFAULT_TOLERANCE_SECONDS = 300
const DEFAULT_MAX_BODY_BYTES = 2 * 1024 * 1024

/**
 * Verifies a request and returns the webhook. Checks the bearer token if you pass a `clientSecret`, and the timestamp
 * and signature if you pass a `signingSecret`; pass both if you have both. Reads the body only after the checks that
 * don't need it have passed.
 *
 * Throws VerificationError if the request fails a check, TypeError if the options are unusable.
 */
export async function verify(request: IncomingRequest, options: VerifyOptions): Promise<Webhook> {
  const clientSecrets = secretsIn(options, 'clientSecret')
  const keys = secretsIn(options, 'signingSecret').map(parseSigningSecret)
  if (clientSecrets.length + keys.length === 0) {
    throw new TypeError('Pass a clientSecret or a signingSecret; without either, nothing is checked.')
  }
  const names = namesIn(options)
  if (clientSecrets.length > 0) await checkBearer(request, clientSecrets)
  if (keys.length > 0) checkTimestamp(request, names, options)
  const body = await readBody(request, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES)
  if (keys.length > 0) await checkSignature(request, names, body, keys)
  let parsed: { readonly value: unknown } | undefined
  return {
    id: headerOf(request, names.id) ?? '',
    type: headerOf(request, 'x-posthorn-type'),
    test: headerOf(request, 'x-posthorn-test') === 'true',
    body,
    get payload() {
      parsed ??= { value: parse(body) }
      return parsed.value
    },
    json: <Payload>() => parse(body) as Payload,
  } as Webhook
}

async function checkBearer(request: IncomingRequest, secrets: readonly string[]): Promise<void> {
  const token = /^bearer +(\S+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]
  if (token === undefined) throw new VerificationError('bearer', 'missing')
  if (!(await isOneOf(token, secrets))) throw new VerificationError('bearer', 'mismatch')
}

type HeaderNames = { readonly id: string; readonly timestamp: string; readonly signature: string }

/** In lower case, as Node has them. */
function namesIn({ signatureHeaders }: VerifyOptions): HeaderNames {
  return {
    id: (signatureHeaders?.id ?? 'webhook-id').toLowerCase(),
    timestamp: (signatureHeaders?.timestamp ?? 'webhook-timestamp').toLowerCase(),
    signature: (signatureHeaders?.signature ?? 'webhook-signature').toLowerCase(),
  }
}

function checkTimestamp(
  request: IncomingRequest,
  names: HeaderNames,
  { toleranceSeconds, now = Date.now }: VerifyOptions,
): void {
  const timestamp = headerOf(request, names.timestamp)
  if (timestamp === null) throw new VerificationError('timestamp', 'missing')
  if (!/^\d{1,12}$/.test(timestamp)) throw new VerificationError('timestamp', 'malformed')
  const awaySeconds = Math.abs(now() / 1_000 - Number(timestamp))
  // Not `>`: a tolerance or clock that is NaN must not let every request through.
  if (!(awaySeconds <= (toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS))) {
    throw new VerificationError('timestamp', 'expired')
  }
}

async function checkSignature(
  request: IncomingRequest,
  names: HeaderNames,
  body: Uint8Array,
  keys: readonly SigningKey[],
): Promise<void> {
  const id = headerOf(request, names.id)
  const signatures = headerOf(request, names.signature)
  if (!id || !signatures) throw new VerificationError('signature', 'missing')
  const timestamp = headerOf(request, names.timestamp)!
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
 * An unset environment variable must neither become a secret that everyone knows nor switch a check off, so an option
 * that is present must hold at least one secret.
 */
function secretsIn(options: VerifyOptions, name: 'clientSecret' | 'signingSecret'): readonly string[] {
  if (!(name in options)) return []
  const secrets: unknown = options[name]
  const list: readonly unknown[] = Array.isArray(secrets) ? secrets : [secrets]
  if (list.length > 0 && list.every(secret => typeof secret === 'string' && secret !== '')) return list as string[]
  throw new TypeError(`The ${name} is empty or not a string. Set it, or leave the option out.`)
}
