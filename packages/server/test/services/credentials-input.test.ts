import { generateKeyPairSync } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { createAuthority } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import type { FieldError } from '../../src/base/errors.ts'
import { factsOf } from '../../src/services/endpoints/certificate-facts.ts'
import { checkCredentials } from '../../src/services/endpoints/credentials-input.ts'
import { policy } from './setup.ts'

function faultsOf(clientCertificate: { certificate: string; key: string }): string[] {
  const faults: FieldError[] = []
  checkCredentials({ clientCertificate }, policy(), Date.now(), faults)
  return faults.map(({ field, detail }) => `${field} ${detail}`)
}

const pem = (pair: { privateKey: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer } }) =>
  String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))

describe('a client certificate', () => {
  it('is refused with a key that costs many milliseconds per handshake, or that TLS rarely supports', async () => {
    const { certPem: certificate } = await (await createAuthority()).issue({ names: ['client'], use: 'client' })
    const unusual = [
      generateKeyPairSync('rsa', { modulusLength: 1_024 }),
      generateKeyPairSync('rsa', { modulusLength: 4_104 }),
      generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed25519'),
      generateKeyPairSync('dsa', { modulusLength: 2_048, divisorLength: 256 }),
    ]
    for (const pair of unusual) {
      expect(faultsOf({ certificate, key: pem(pair) })).toEqual([
        expect.stringContaining('/key The key must be an RSA key of'),
      ])
    }
    // These kinds of keys are accepted, but don't belong to the certificate.
    for (const pair of [
      generateKeyPairSync('rsa', { modulusLength: 2_048 }),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    ]) {
      expect(faultsOf({ certificate, key: pem(pair) })).toEqual([
        expect.stringContaining('does not match the certificate'),
      ])
    }
  })

  it('can have a chain of up to ten certificates, which must all be valid', async () => {
    const authority = await createAuthority()
    const { certPem, keyPem: key } = await authority.issue({ names: ['client'], use: 'client' })
    expect(faultsOf({ certificate: certPem + authority.caPem, key })).toEqual([])
    const garbage = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    const beginnings = '-----BEGIN CERTIFICATE-----'.repeat(1_200)
    for (const certificate of [certPem + garbage, garbage, certPem + authority.caPem.repeat(10), 'x', '', beginnings]) {
      expect(faultsOf({ certificate, key })).toEqual([expect.stringContaining('/certificate The value must be PEM')])
    }
  })

  it('is read and sent as a chain whose certificates each have lines of their own, whatever is between them', async () => {
    const authority = await createAuthority()
    const { certPem, keyPem: key } = await authority.issue({ names: ['client'], use: 'client' })
    const [first, second] = [certPem.trim(), authority.caPem.trim()]
    for (const certificate of [first + second, `${first}subject=x${second}`, `# mine\n${first}\n\n${second}\n#`]) {
      const faults: FieldError[] = []
      const { clientCertificate } = checkCredentials({ clientCertificate: { certificate, key } }, policy(), 1, faults)
      expect(faults).toEqual([])
      expect(clientCertificate!.certificate).toBe(`${first}\n${second}\n`)
      expect(factsOf(clientCertificate!.certificate).subject).toContain('client')
      expect(() => createSecureContext({ cert: clientCertificate!.certificate, key })).not.toThrow()
    }
  })
})
