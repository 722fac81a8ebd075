/** How an endpoint authenticates, told without any secret, and what is worth changing about it (C8). */
import { X509Certificate } from 'node:crypto'
import { DAY_MS } from '../../base/durations.ts'
import type { CredentialExpiry, Endpoint } from '../../base/model.ts'
import { isPattern } from '../../catalogue/type-pattern.ts'
import { adviseOnSecret, jwtExpiryMs } from '../../secrets/client-secret.ts'
import {
  type Credentials,
  clientSecretAt,
  liveSigning,
  type SigningSecret,
  verificationKeyOf,
} from '../../secrets/credentials.ts'
import type { Keyring } from '../../secrets/keyring.ts'

/** Something worth changing about an endpoint that is accepted nevertheless. */
export type Warning = { readonly code: string; readonly detail: string }

export type Authentication = {
  /** Of the clientSecret in force; null: there is none, or it can't be read. */
  readonly secretFingerprint: string | null
  /** The clientSecret that is to come. */
  readonly nextSecret: { readonly fingerprint: string; readonly switchAtMs: number } | null
  /** The newest first. */
  readonly signing: readonly {
    readonly version: SigningSecret['version']
    readonly fingerprint: string
    /** `whpk_…`; null for `v1`, whose key is a secret. */
    readonly publicKey: string | null
    readonly createdAtMs: number
    readonly untilMs: number | null
  }[]
  readonly clientCertificate: {
    readonly subject: string
    /** SHA-256, hexadecimal with colons. */
    readonly fingerprint: string
    readonly expiresAtMs: number
  } | null
  readonly oauth: { readonly tokenUrl: string; readonly clientId: string; readonly scope: string | null } | null
}

export type Described = {
  readonly authentication: Authentication
  readonly warnings: readonly Warning[]
  /** Its receiver wants no request before that (Retry-After), and that is to come; null: it wants any. */
  readonly pausedUntilMs: number | null
}

const FINGERPRINT_CHARACTERS = 8
const EXPIRES_SOON_MS = 30 * DAY_MS

const UNREADABLE: Omit<Described, 'pausedUntilMs'> = {
  authentication: { secretFingerprint: null, nextSecret: null, signing: [], clientCertificate: null, oauth: null },
  warnings: [
    { code: 'secret_unreadable', detail: 'The stored secret cannot be decrypted; give the endpoint a new one.' },
  ],
}

/** @param credentials undefined: they can't be decrypted */
export function describeAuthentication(
  endpoint: Endpoint,
  credentials: Credentials | undefined,
  keyring: Keyring,
  isShared: boolean,
  nowMs: number,
): Omit<Described, 'pausedUntilMs'> {
  if (credentials === undefined) return UNREADABLE
  const fingerprintOf = (secret: string) =>
    Buffer.from(keyring.digest(secret)).toString('hex').slice(0, FINGERPRINT_CHARACTERS)
  const { next, oauth } = credentials
  const secret = clientSecretAt(credentials, nowMs)
  const isToCome = next !== null && next.fromMs > nowMs
  const clientCertificate = describeCertificate(credentials)
  const authentication: Authentication = {
    secretFingerprint: secret === null ? null : fingerprintOf(secret),
    nextSecret: isToCome ? { fingerprint: fingerprintOf(next.clientSecret), switchAtMs: next.fromMs } : null,
    signing: liveSigning(credentials, nowMs).map(live => ({
      version: live.version,
      createdAtMs: live.createdAtMs,
      untilMs: live.untilMs,
      fingerprint: fingerprintOf(live.key),
      publicKey: live.version === 'v1a' ? verificationKeyOf(live) : null,
    })),
    clientCertificate,
    oauth: oauth === null ? null : { tokenUrl: oauth.tokenUrl, clientId: oauth.clientId, scope: oauth.scope },
  }
  const warnings = [
    ...adviseOnBearer(endpoint, isToCome ? next.clientSecret : secret, isShared, nowMs),
    ...adviseOnCertificate(clientCertificate?.expiresAtMs, nowMs),
  ]
  return { authentication, warnings }
}

/** Of the newest: that is the one that can still be changed at leisure. */
function adviseOnBearer({ types }: Endpoint, secret: string | null, isShared: boolean, nowMs: number): Warning[] {
  if (secret === null) return []
  const typeCount = types?.length ?? 0
  // A pattern stands for several types, however many fit it now.
  const allTypes = types === null || types.some(isPattern)
  return adviseOnSecret({ secret, typeCount, allTypes, otherEndpointHasIt: isShared, nowMs })
}

function describeCertificate({ clientCertificate }: Credentials): Authentication['clientCertificate'] {
  if (clientCertificate === null) return null
  const { subject, fingerprint256, validToDate } = new X509Certificate(clientCertificate.certificate)
  return { subject: subject ?? '', fingerprint: fingerprint256, expiresAtMs: validToDate.getTime() }
}

/**
 * When what authenticates expires. Of the clientSecret that is to come, unless the one in force expires before it comes:
 * then that is what is missing first.
 */
export function expiryOf(credentials: Credentials, nowMs: number): CredentialExpiry {
  const { next } = credentials
  const secret = credentials.oauth === null ? clientSecretAt(credentials, nowMs) : null
  const ownMs = secret === null ? undefined : jwtExpiryMs(secret)
  const isToCome = next !== null && next.fromMs > nowMs
  const isGap = isToCome && ownMs !== undefined && ownMs < next.fromMs
  const secretMs = isToCome && !isGap && secret !== null ? jwtExpiryMs(next.clientSecret) : ownMs
  return { secretMs: secretMs ?? null, certificateMs: describeCertificate(credentials)?.expiresAtMs ?? null }
}

function adviseOnCertificate(expiresAtMs: number | undefined, nowMs: number): Warning[] {
  if (expiresAtMs === undefined || expiresAtMs > nowMs + EXPIRES_SOON_MS) return []
  const when = new Date(expiresAtMs).toISOString()
  return [{ code: 'certificate_expires_soon', detail: `The client certificate expires at ${when}; replace it.` }]
}
