/** Checks the credentials that a tenant sets for an endpoint, and applies them to the stored ones. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { FieldError } from '../../base/errors.ts'
import type { Target, TargetPolicy } from '../../guard/target.ts'
import { checkClientSecret } from '../../secrets/client-secret.ts'
import {
  type ClientCertificate,
  type Credentials,
  makeSigningSecret,
  type OAuthClient,
  parseSigningSecret,
  replaceClientSecret,
  type SigningSecret,
} from '../../secrets/credentials.ts'
import { isRecord } from '../checks/values.ts'
import { checkOAuth, type OAuthInput } from './oauth-input.ts'

export type CredentialsInput = {
  readonly clientSecret?: string
  /** When a new clientSecret takes effect, in milliseconds since 1970; null: immediately. */
  readonly switchAtMs?: number | null
  /** `whsec_…`. Default: a generated one. */
  readonly signingSecret?: string
  /** Version of a generated signing secret. Default: v1. */
  readonly signatureVersion?: SigningSecret['version']
  /** null: no client certificate. */
  readonly clientCertificate?: ClientCertificate | null
  /** null: requests carry the clientSecret. */
  readonly oauth?: OAuthInput | null
}

/** The checked input. Members that were not given are absent. */
export type CheckedCredentials = {
  readonly clientSecret?: string
  readonly switchAtMs?: number | null
  readonly signing?: SigningSecret
  readonly clientCertificate?: ClientCertificate | null
  readonly oauth?: OAuthClient | null
  /** Where tokens come from, to be resolved. */
  readonly tokenTarget?: Target
}

const MAX_PEM_CHARACTERS = 32_768
const MAX_CHAIN_CERTIFICATES = 10
/**
 * Each TLS handshake signs with the key on the main thread. That takes about 5 ms with 4,096 bits, and nearly half a
 * second with 16,384 bits, so ten deliveries would block a node for more than four seconds.
 */
const RSA_BITS = { min: 2_048, max: 4_096 }
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
/** Without the beginning of another one in it: a thousand beginnings without an end took 30 ms. */
const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(?:(?!-----BEGIN)[\s\S])+?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** Adds problems to `faults`. Their details never contain any part of a secret. */
export function checkCredentials(
  input: CredentialsInput,
  policy: TargetPolicy,
  nowMs: number,
  faults: FieldError[],
): CheckedCredentials {
  const { clientSecret, switchAtMs, signingSecret, signatureVersion = 'v1', clientCertificate, oauth } = input
  const checked: { -readonly [Name in keyof CheckedCredentials]: CheckedCredentials[Name] } = {}
  if (clientSecret !== undefined) checked.clientSecret = checkSecret(clientSecret, faults)
  if (switchAtMs !== undefined && switchAtMs !== null) {
    checked.switchAtMs = switchAtMs
    if (clientSecret === undefined) {
      faults.push({
        field: '/switchAt',
        detail: 'switchAt says when a new clientSecret takes effect. Send a clientSecret with it.',
      })
    }
  }
  if (signingSecret !== undefined) {
    const parsed = typeof signingSecret === 'string' ? parseSigningSecret(signingSecret, nowMs) : undefined
    if (parsed !== undefined) checked.signing = parsed
    else
      faults.push({
        field: '/signingSecret',
        detail: 'The signingSecret must be whsec_ followed by 24 to 64 bytes in Base64.',
      })
    if (signatureVersion !== 'v1') {
      faults.push({ field: '/signatureVersion', detail: 'Posthorn generates the keys for v1a. Omit signingSecret.' })
    }
  } else if (input.signatureVersion !== undefined) checked.signing = makeSigningSecret(signatureVersion, nowMs)
  if (clientCertificate !== undefined) {
    checked.clientCertificate = clientCertificate === null ? null : checkCertificate(clientCertificate, faults)
  }
  if (oauth !== undefined) {
    const { client = null, target } = (oauth === null ? null : checkOAuth(oauth, policy, faults)) ?? {}
    checked.oauth = client
    if (target !== undefined) checked.tokenTarget = target
  }
  return checked
}

/** The credentials of a new endpoint. */
export function createCredentials(checked: CheckedCredentials, nowMs: number): Credentials {
  return {
    clientSecret: checked.clientSecret ?? null,
    next: null,
    signing: [checked.signing ?? makeSigningSecret('v1', nowMs)],
    clientCertificate: checked.clientCertificate ?? null,
    oauth: checked.oauth ?? null,
    headers: {},
  }
}

/** Whether the input changes any credentials. */
export function changesCredentials(checked: CheckedCredentials): boolean {
  return Object.keys(checked).length > 0
}

/** Signing secrets are not changed here: they have a call of their own (`rotateSigning`). */
export function changeCredentials(before: Credentials, checked: CheckedCredentials, nowMs: number): Credentials {
  const { clientSecret, switchAtMs = null, clientCertificate, oauth } = checked
  const after = clientSecret === undefined ? before : replaceClientSecret(before, clientSecret, switchAtMs, nowMs)
  return {
    ...after,
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(oauth === undefined ? {} : { oauth }),
  }
}

/** Checks a clientSecret (C7). */
function checkSecret(clientSecret: unknown, faults: FieldError[]): string {
  if (typeof clientSecret !== 'string') {
    faults.push({ field: '/clientSecret', detail: 'The clientSecret must be a string.' })
    return ''
  }
  const check = checkClientSecret(clientSecret)
  if (!check.ok) faults.push({ field: '/clientSecret', detail: check.detail, position: check.position })
  return clientSecret
}

function checkCertificate(given: unknown, faults: FieldError[]): ClientCertificate | null {
  const { certificate, key } = isRecord(given) ? given : {}
  const parsed = parsePem('/clientCertificate/certificate', certificate, parseChain, faults)
  const privateKey = parsePem('/clientCertificate/key', key, text => createPrivateKey(text), faults)
  if (parsed === undefined || privateKey === undefined) return null
  if (!isUsual(privateKey)) {
    const detail = 'The key must be an RSA key of 2,048 to 4,096 bits, or a key on the curve P-256, P-384 or P-521.'
    faults.push({ field: '/clientCertificate/key', detail })
  } else if (!isPair(parsed.first, privateKey)) {
    faults.push({
      field: '/clientCertificate/key',
      detail: 'The private key does not match the certificate (the first one, if there are several).',
    })
  }
  return { certificate: parsed.pem, key: key as string }
}

function parsePem<T>(field: string, text: unknown, parse: (text: string) => T, faults: FieldError[]): T | undefined {
  try {
    if (typeof text === 'string' && text.length <= MAX_PEM_CHARACTERS && !text.includes('\0')) return parse(text)
  } catch {
    // Reported below, without quoting the text.
  }
  faults.push({
    field,
    detail: 'The value must be PEM without a passphrase, with at most 32,768 characters and 10 certificates.',
  })
  return undefined
}

/**
 * The first certificate of the chain, and all of them in PEM, each on lines of its own: OpenSSL reads no others. Throws
 * if there is none or if one is invalid: that would fail every attempt.
 */
function parseChain(text: string): { readonly first: X509Certificate; readonly pem: string } {
  const blocks = text.match(CERTIFICATE) ?? []
  const chain = blocks.map(one => new X509Certificate(one))
  if (chain.length === 0 || chain.length > MAX_CHAIN_CERTIFICATES)
    throw new Error('The text has no certificates, or too many')
  return { first: chain[0]!, pem: `${blocks.join('\n')}\n` }
}

function isUsual({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails
  if (asymmetricKeyType === 'rsa') return modulusLength >= RSA_BITS.min && modulusLength <= RSA_BITS.max
  return asymmetricKeyType === 'ec' && CURVES.has(namedCurve)
}

function isPair(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key)
  } catch {
    return false
  }
}
