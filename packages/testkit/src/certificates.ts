/** A temporary certificate authority for receivers that no one outside this machine is meant to trust. */
import 'reflect-metadata' // the library below uses decorators and throws at import without it
import { randomBytes } from 'node:crypto'
import * as x509 from '@peculiar/x509'

export type Certificate = {
  /** The certificate, PEM. */
  readonly certPem: string
  /** Its private key, PKCS #8, PEM. */
  readonly keyPem: string
}

export type CertificateRequest = Validity & {
  /** DNS names of the certificate; can be empty if `ips` isn't. */
  readonly names: readonly string[]
  /** The common name. Default: the first name or address. */
  readonly commonName?: string
  /** IP addresses of the certificate. Default: none. */
  readonly ips?: readonly string[]
  /** Whether it authenticates a server or, for mutual TLS, a client. Default: server. */
  readonly use?: 'server' | 'client'
}

export type Authority = {
  /** The authority's own certificate, PEM, which clients must trust. */
  readonly caPem: string
  issue(request: CertificateRequest): Promise<Certificate>
  /**
   * Issues a certificate for another authority's name and key, PEM: it makes that one an intermediate authority, or
   * gives it a second way up (a cross-signed certificate).
   */
  certify(other: Authority, validity?: Validity): Promise<string>
}

export type Validity = {
  /** Start of validity. Default: an hour ago for certificates, a day ago for authorities. */
  readonly notBefore?: Date
  /** End of validity. Default: in 30 days for certificates, in a year for authorities. */
  readonly notAfter?: Date
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const EXTENDED_USES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }

/** The global one: where a program knows the DOM's types, as browser tests do, they differ from those of node:crypto. */
type Key = InstanceType<typeof CryptoKey>

x509.cryptoProvider.set(crypto)

/** Creates a new authority (ECDSA P-256) in memory only. */
export async function createAuthority(
  commonName = 'Posthorn test authority',
  validity: Validity = {},
): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  // The suffix distinguishes authorities: with equal names OpenSSL reports a bad signature, not an unknown issuer.
  const name = `CN=${commonName} ${randomBytes(4).toString('hex')}`
  const own = { subject: name, issuer: name, publicKey: keys.publicKey, signingKey: keys.privateKey }
  const certificate = await authorityCertificate(own, validity)
  return {
    caPem: certificate.toString('pem'),
    issue: request => issueCertificate(request, certificate, keys),
    certify: async (other, validity = {}) => {
      const { subject, publicKey } = new x509.X509Certificate(other.caPem)
      const parts = { subject, issuer: name, publicKey: await publicKey.export(), signingKey: keys.privateKey }
      return (await authorityCertificate(parts, validity)).toString('pem')
    },
  }
}

type AuthorityParts = Pick<x509.X509CertificateCreateWithKeyParams, 'subject' | 'issuer' | 'publicKey' | 'signingKey'>

async function authorityCertificate(parts: AuthorityParts, validity: Validity): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create({
    ...parts,
    serialNumber: serialNumber(),
    notBefore: validity.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: validity.notAfter ?? new Date(Date.now() + 365 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(parts.publicKey),
    ],
  })
}

async function issueCertificate(
  request: CertificateRequest,
  issuer: x509.X509Certificate,
  issuerKeys: { readonly publicKey: Key; readonly privateKey: Key },
): Promise<Certificate> {
  const ips = request.ips ?? []
  const subject = request.commonName ?? request.names[0] ?? ips[0]
  if (subject === undefined) throw new Error('A certificate needs at least one name or address.')
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [subject] }],
    issuer: issuer.subject,
    notBefore: request.notBefore ?? new Date(Date.now() - HOUR_MS),
    notAfter: request.notAfter ?? new Date(Date.now() + 30 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuerKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([EXTENDED_USES[request.use ?? 'server']]),
      new x509.SubjectAlternativeNameExtension([
        ...request.names.map(value => ({ type: 'dns' as const, value })),
        ...ips.map(value => ({ type: 'ip' as const, value })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certPem: certificate.toString('pem'), keyPem: x509.PemConverter.encode(key, 'PRIVATE KEY') }
}

function serialNumber(): string {
  // Starts with 01, because DER would pad a negative first byte and strip a zero one.
  return `01${randomBytes(15).toString('hex')}`
}
