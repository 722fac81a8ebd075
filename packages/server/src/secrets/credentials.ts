/**
 * What authenticates Posthorn to a receiver: one document for each endpoint, sealed as a whole (secrets/keyring.ts), so that
 * nothing of it is in the store in clear, and one ciphertext is all that a new encryption key has to replace.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { MAX_SECRET_BYTES, MIN_SECRET_BYTES } from '@posthorn/client/signature'
import { DAY_MS } from '../base/durations.ts'

export type Credentials = {
  /** What requests bear (C6). null: a token by OAuth stands in for it. */
  readonly clientSecret: string | null
  /** Replaces `clientSecret` from that time on, in milliseconds since 1970; null: nothing is going to. */
  readonly next: { readonly clientSecret: string; readonly fromMs: number } | null
  /** The newest first. There is always one. */
  readonly signing: readonly SigningSecret[]
  readonly clientCertificate: ClientCertificate | null
  readonly oauth: OAuthClient | null
  /** Values of the secret extra headers, by name in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** As Standard Webhooks calls them: HMAC-SHA256 and Ed25519. */
export const SIGNATURE_VERSIONS = ['v1', 'v1a'] as const

export type SigningSecret = {
  readonly version: (typeof SIGNATURE_VERSIONS)[number]
  /** Base64: of `v1` 24 to 64 bytes, of `v1a` the private key (PKCS #8, DER). */
  readonly key: string
  readonly createdAtMs: number
  /** When it stops to count, in milliseconds since 1970; null: it is the one in force. */
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

/** How long a signing secret stays valid after another has replaced it, unless the call says otherwise. */
export const SIGNING_GRACE_MS = DAY_MS
/** Signatures in a request, at most: a tenant that rotates without a pause must not make its headers grow. */
export const MAX_LIVE_SIGNING_SECRETS = 10
const MADE_SECRET_BYTES = 32
/** The DER of an Ed25519 public key (RFC 8410) ends in the key itself. */
const ED25519_KEY_BYTES = 32

export const writeCredentials = (credentials: Credentials): string => JSON.stringify(credentials)
/** Earlier versions stored no headers, and less about the token server. */
export function readCredentials(text: string): Credentials {
  const stored = JSON.parse(text) as Omit<Credentials, 'headers'> & Partial<Credentials>
  const { oauth } = stored
  return { headers: {}, ...stored, oauth: oauth === null ? null : { ...OAUTH_DEFAULTS, ...oauth } }
}

const OAUTH_DEFAULTS = { audience: null, resource: [], credentialsIn: 'header' } as const

export function makeSigningSecret(version: SigningSecret['version'], nowMs: number): SigningSecret {
  const key =
    version === 'v1'
      ? randomBytes(MADE_SECRET_BYTES)
      : generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' })
  return { version, key: key.toString('base64'), createdAtMs: nowMs, untilMs: null }
}

/** The secret in a `whsec_…` that a tenant gives; undefined: it is none of 24 to 64 bytes in Base64. */
export function parseSigningSecret(text: string, nowMs: number): SigningSecret | undefined {
  const key = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(text)?.[1]
  if (key === undefined) return undefined
  const { length } = Buffer.from(key, 'base64')
  if (length < MIN_SECRET_BYTES || length > MAX_SECRET_BYTES) return undefined
  return { version: 'v1', key, createdAtMs: nowMs, untilMs: null }
}

/** What a tenant checks signatures with: `whsec_…`, which is a secret, or `whpk_…`, which is not. */
export function verificationKeyOf({ version, key }: SigningSecret): string {
  if (version === 'v1') return `whsec_${key}`
  const privateKey = createPrivateKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'pkcs8' })
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return `whpk_${der.subarray(-ED25519_KEY_BYTES).toString('base64')}`
}

/**
 * A new signing secret takes effect immediately, and no older one stays valid for longer than the grace period. undefined:
 * as many as there can be are valid already.
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
 * A new `clientSecret`, at once or from a time on. One that was to come and has come by then takes its place first, so
 * that what is in force is never skipped.
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

/** The next time at which something else is in force than now, milliseconds since 1970; Infinity: never. */
export function changesAtMs({ next, signing }: Credentials, nowMs: number): number {
  const times = [next?.fromMs, ...signing.map(({ untilMs }) => untilMs)]
  return Math.min(...times.map(ms => (ms !== null && ms !== undefined && ms > nowMs ? ms : Number.POSITIVE_INFINITY)))
}
