/**
 * What authenticates Posthorn to a receiver: one document per endpoint, sealed as a whole (secrets/keyring.ts), so that
 * the store has no part of it in plain text, and rotating the encryption key replaces a single ciphertext.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { MAX_SECRET_BYTES, MIN_SECRET_BYTES } from '@posthorn/client/signature'
import { DAY_MS } from '../base/durations.ts'
import { sentUrl } from '../guard/request-target.ts'

export type Credentials = {
  /** The bearer token of requests (C6). Null if an OAuth token is used instead. */
  readonly clientSecret: string | null
  /** Replaces `clientSecret` from `fromMs` on, in milliseconds since 1970. Null if no change is planned. */
  readonly next: { readonly clientSecret: string; readonly fromMs: number } | null
  /** Newest first. Never empty. */
  readonly signing: readonly SigningSecret[]
  readonly clientCertificate: ClientCertificate | null
  readonly oauth: OAuthClient | null
  /** Values of the secret extra headers, by name in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** The versions of Standard Webhooks: HMAC-SHA256 and Ed25519. */
export const SIGNATURE_VERSIONS = ['v1', 'v1a'] as const

export type SigningSecret = {
  readonly version: (typeof SIGNATURE_VERSIONS)[number]
  /** Base64. For `v1`, 24 to 64 bytes; for `v1a`, the private key (PKCS #8, DER). */
  readonly key: string
  readonly createdAtMs: number
  /** When it expires, in milliseconds since 1970. Null for the newest secret, which doesn't. */
  readonly untilMs: number | null
}

/** For mutual TLS, both PEM. */
export type ClientCertificate = { readonly certificate: string; readonly key: string }

/** Client credentials (RFC 6749 §4.4). */
export type OAuthClient = {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string | null
  readonly audience: string | null
  /** URIs of what the token is for (RFC 8707). */
  readonly resource: readonly string[]
  /** Where token requests carry clientId and clientSecret (RFC 6749 §2.3.1). */
  readonly credentialsIn: (typeof CREDENTIALS_PLACES)[number]
}

/** An `Authorization: Basic` header, or the form in the body. */
export const CREDENTIALS_PLACES = ['header', 'body'] as const

/** How long a signing secret remains valid after it was replaced, unless the call says otherwise. */
export const SIGNING_GRACE_MS = DAY_MS
/** The maximum number of signatures in a request: headers must not grow when a tenant rotates again and again. */
export const MAX_LIVE_SIGNING_SECRETS = 10
const MADE_SECRET_BYTES = 32
/** The DER of an Ed25519 public key (RFC 8410) ends with the key itself. */
const ED25519_KEY_BYTES = 32

export const writeCredentials = (credentials: Credentials): string => JSON.stringify(credentials)
/** Earlier versions stored no headers, less about the token server, and some characters of its URL as they were given. */
export function readCredentials(text: string): Credentials {
  const stored = JSON.parse(text) as Omit<Credentials, 'headers'> & Partial<Credentials>
  const { oauth } = stored
  if (oauth === null) return { headers: {}, ...stored }
  return { headers: {}, ...stored, oauth: { ...OAUTH_DEFAULTS, ...oauth, tokenUrl: sentUrl(oauth.tokenUrl) } }
}

const OAUTH_DEFAULTS = { audience: null, resource: [], credentialsIn: 'header' } as const

export function makeSigningSecret(version: SigningSecret['version'], nowMs: number): SigningSecret {
  const key =
    version === 'v1'
      ? randomBytes(MADE_SECRET_BYTES)
      : generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' })
  return { version, key: key.toString('base64'), createdAtMs: nowMs, untilMs: null }
}

/** Parses a tenant's `whsec_…`. Undefined if it is not `whsec_` and 24 to 64 bytes in Base64. */
export function parseSigningSecret(text: string, nowMs: number): SigningSecret | undefined {
  const key = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(text)?.[1]
  if (key === undefined) return undefined
  const { length } = Buffer.from(key, 'base64')
  if (length < MIN_SECRET_BYTES || length > MAX_SECRET_BYTES) return undefined
  return { version: 'v1', key, createdAtMs: nowMs, untilMs: null }
}

/** The key with which a tenant verifies signatures: `whsec_…`, which is secret, or `whpk_…`, which is public. */
export function verificationKeyOf({ version, key }: SigningSecret): string {
  if (version === 'v1') return `whsec_${key}`
  const privateKey = createPrivateKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'pkcs8' })
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return `whpk_${der.subarray(-ED25519_KEY_BYTES).toString('base64')}`
}

/**
 * Puts a new signing secret into effect immediately. The older ones remain valid for the grace period at most. Returns
 * undefined if the maximum number of secrets is valid already.
 *
 * @param graceMs 0: the older ones stop being valid immediately, whatever was promised for them
 */
export function rotateSigning(
  credentials: Credentials,
  secret: SigningSecret,
  nowMs: number,
  graceMs = SIGNING_GRACE_MS,
): Credentials | undefined {
  const untilMs = nowMs + graceMs
  const live = graceMs === 0 ? [] : liveSigning(credentials, nowMs)
  const before = live.map(older => ({ ...older, untilMs: Math.min(older.untilMs ?? untilMs, untilMs) }))
  return before.length < MAX_LIVE_SIGNING_SECRETS ? { ...credentials, signing: [secret, ...before] } : undefined
}

/**
 * Sets a new `clientSecret`, immediately or from `fromMs` on. An earlier planned change whose time has come is applied
 * first, so that the secret in effect stays in effect until then.
 */
export function replaceClientSecret(
  credentials: Credentials,
  clientSecret: string,
  fromMs: number | null,
  nowMs: number,
): Credentials {
  if (fromMs === null || fromMs <= nowMs) return { ...credentials, clientSecret, next: null }
  return { ...credentials, clientSecret: clientSecretAt(credentials, nowMs), next: { clientSecret, fromMs } }
}

export function clientSecretAt({ clientSecret, next }: Credentials, nowMs: number): string | null {
  return next !== null && next.fromMs <= nowMs ? next.clientSecret : clientSecret
}

export function liveSigning({ signing }: Credentials, nowMs: number): readonly SigningSecret[] {
  return signing.filter(({ untilMs }) => untilMs === null || untilMs > nowMs)
}

/** The next time at which the credentials in effect change, in milliseconds since 1970. Infinity if they never do. */
export function changesAtMs({ next, signing }: Credentials, nowMs: number): number {
  const times = [next?.fromMs, ...signing.map(({ untilMs }) => untilMs)]
  return Math.min(...times.map(ms => (ms !== null && ms !== undefined && ms > nowMs ? ms : Number.POSITIVE_INFINITY)))
}
