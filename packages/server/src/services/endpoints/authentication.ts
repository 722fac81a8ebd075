/** Describes how an endpoint authenticates, without any secret, and warns of problems (C8). */
import { DAY_MS } from '../../base/durations.ts'
import type { CredentialExpiry, Endpoint } from '../../base/model.ts'
import { isPattern } from '../../catalogue/type-pattern.ts'
import { adviseOnSecret, jwtExpiryMs } from '../../secrets/client-secret.ts'
import {
  type Credentials,
  clientSecretAt,
  liveSigning,
  type OAuthClient,
  type SigningSecret,
  verificationKeyOf,
} from '../../secrets/credentials.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import type { Warning } from '../checks/warnings.ts'
import { type CertificateFacts, factsOf } from './certificate-facts.ts'
import type { HealthReport } from './health-report.ts'

export type Authentication = {
  /** Fingerprint of the current clientSecret; null: there is none, or it can't be decrypted. */
  readonly secretFingerprint: string | null
  /** When the current clientSecret expires, if it is a JWT that says so; null: it isn't known, or never. */
  readonly secretExpiresAtMs: number | null
  /** The clientSecret that will replace the current one; null: none. */
  readonly nextSecret: {
    readonly fingerprint: string
    readonly switchAtMs: number
    readonly expiresAtMs: number | null
  } | null
  /** Newest first. */
  readonly signing: readonly {
    readonly version: SigningSecret['version']
    readonly fingerprint: string
    /** `whpk_…`; null for `v1`, whose key is secret. */
    readonly publicKey: string | null
    readonly createdAtMs: number
    readonly untilMs: number | null
  }[]
  readonly clientCertificate: CertificateFacts | null
  readonly oauth: Omit<OAuthClient, 'clientSecret'> | null
}

export type Described = {
  readonly authentication: Authentication
  readonly warnings: readonly Warning[]
  /** Time in the future before which the receiver wants no request (Retry-After); null: none. */
  readonly pausedUntilMs: number | null
  readonly report: HealthReport
}

const FINGERPRINT_CHARACTERS = 8
const EXPIRES_SOON_MS = 30 * DAY_MS

const UNREADABLE: Omit<Described, 'pausedUntilMs' | 'report'> = {
  authentication: {
    secretFingerprint: null,
    secretExpiresAtMs: null,
    nextSecret: null,
    signing: [],
    clientCertificate: null,
    oauth: null,
  },
  warnings: [{ code: 'secret_unreadable', detail: 'The stored secret cannot be decrypted. Set a new clientSecret.' }],
}

/** @param credentials undefined if they can't be decrypted */
export function describeAuthentication(
  endpoint: Endpoint,
  credentials: Credentials | undefined,
  keyring: Keyring,
  isShared: boolean,
  nowMs: number,
): Omit<Described, 'pausedUntilMs' | 'report'> {
  if (credentials === undefined) return UNREADABLE
  const fingerprintOf = (secret: string) =>
    Buffer.from(keyring.digest(secret)).toString('hex').slice(0, FINGERPRINT_CHARACTERS)
  const { next, oauth } = credentials
  const secret = clientSecretAt(credentials, nowMs)
  const isToCome = next !== null && next.fromMs > nowMs
  const clientCertificate = describeCertificate(credentials)
  const authentication: Authentication = {
    secretFingerprint: secret === null ? null : fingerprintOf(secret),
    secretExpiresAtMs: secret === null ? null : (jwtExpiryMs(secret) ?? null),
    nextSecret: isToCome
      ? {
          fingerprint: fingerprintOf(next.clientSecret),
          switchAtMs: next.fromMs,
          expiresAtMs: jwtExpiryMs(next.clientSecret) ?? null,
        }
      : null,
    signing: liveSigning(credentials, nowMs).map(live => ({
      version: live.version,
      createdAtMs: live.createdAtMs,
      untilMs: live.untilMs,
      fingerprint: fingerprintOf(live.key),
      publicKey: live.version === 'v1a' ? verificationKeyOf(live) : null,
    })),
    clientCertificate,
    oauth: oauth === null ? null : withoutSecret(oauth),
  }
  const warnings = [
    ...adviseOnBearer(endpoint, isToCome ? next.clientSecret : secret, isShared, nowMs),
    ...adviseOnCertificate(clientCertificate?.expiresAtMs, nowMs),
  ]
  return { authentication, warnings }
}

/** Warnings about the newest clientSecret, because it is the one that can still be changed in time. */
function adviseOnBearer({ types }: Endpoint, secret: string | null, isShared: boolean, nowMs: number): Warning[] {
  if (secret === null) return []
  const typeCount = types?.length ?? 0
  // A pattern stands for several types, no matter how many match it now.
  const allTypes = types === null || types.some(isPattern)
  return adviseOnSecret({ secret, typeCount, allTypes, otherEndpointHasIt: isShared, nowMs })
}

const withoutSecret = ({ clientSecret: _hidden, ...shown }: OAuthClient): Authentication['oauth'] => shown

function describeCertificate({ clientCertificate }: Credentials): Authentication['clientCertificate'] {
  if (clientCertificate === null) return null
  return factsOf(clientCertificate.certificate)
}

/**
 * When the credentials expire. Uses the next clientSecret if there is one, unless the current one expires before the
 * switch: that gap comes first.
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
  return [{ code: 'certificate_expires_soon', detail: `The client certificate expires at ${when}. Replace it.` }]
}
