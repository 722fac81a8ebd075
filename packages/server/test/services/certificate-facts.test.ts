import { X509Certificate } from 'node:crypto'
import { createAuthority } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { factsOf } from '../../src/services/endpoints/certificate-facts.ts'

describe('what a certificate says', () => {
  it('is read once for equal contents, and kept of a thousand', async () => {
    const { certPem } = await (await createAuthority()).issue({ names: ['client'], use: 'client' })
    const first = factsOf(certPem)
    const { fingerprint256, validToDate } = new X509Certificate(certPem)
    expect(first).toMatchObject({ fingerprint: fingerprint256, expiresAtMs: validToDate.getTime() })
    for (let n = 1; n < 1_000; n++) factsOf(`${certPem}${'\n'.repeat(n)}`)
    expect(factsOf(`${certPem}`)).toBe(first)
    const second = factsOf(`${certPem}\n`)
    // Used longest ago: the third.
    factsOf(`${certPem}${'\n'.repeat(1_000)}`)
    expect(factsOf(certPem)).toBe(first)
    expect(factsOf(`${certPem}\n`)).toBe(second)
    const third = factsOf(`${certPem}\n\n`)
    expect(factsOf(`${certPem}\n\n`)).toBe(third)
    for (let n = 1_001; n < 2_001; n++) factsOf(`${certPem}${'\n'.repeat(n)}`)
    expect(factsOf(certPem)).not.toBe(first)
  })

  it('is not kept if it is none', () => {
    for (let n = 0; n < 2; n++) expect(() => factsOf('no certificate')).toThrow()
  })
})
