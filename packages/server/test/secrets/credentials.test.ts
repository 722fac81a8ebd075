import { verify } from '@posthorn/client'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  type Credentials,
  changesAtMs,
  clientSecretAt,
  liveSigning,
  makeSigningSecret,
  parseSigningSecret,
  readCredentials,
  replaceClientSecret,
  rotateSigning,
  SIGNING_GRACE_MS,
  verificationKeyOf,
  writeCredentials,
} from '../../src/secrets/credentials.ts'
import { createSigner } from '../../src/secrets/signer.ts'

const NOW_MS = 1_790_000_000_000
const first: Credentials = {
  clientSecret: 'first',
  next: null,
  signing: [makeSigningSecret('v1', NOW_MS)],
  clientCertificate: null,
  oauth: null,
  headers: { 'x-api-key': 'k' },
}

describe('credentials', () => {
  it('are read as they were written', () => {
    expect(readCredentials(writeCredentials(first))).toEqual(first)
    const { headers: _none, ...earlier } = first
    expect(readCredentials(JSON.stringify(earlier))).toEqual({ ...first, headers: {} })
    const client = { tokenUrl: 'https://a.example/', clientId: 'i', clientSecret: 's', scope: null }
    const oauth = { ...client, audience: null, resource: [], credentialsIn: 'header' }
    expect(readCredentials(JSON.stringify({ ...earlier, oauth: client })).oauth).toEqual(oauth)
  })

  it('C6: a clientSecret is replaced immediately, or from a given time on', () => {
    expect(clientSecretAt(replaceClientSecret(first, 'second', null, NOW_MS), NOW_MS)).toBe('second')
    expect(clientSecretAt(replaceClientSecret(first, 'second', NOW_MS, NOW_MS), NOW_MS)).toBe('second')
    const later = replaceClientSecret(first, 'second', NOW_MS + 10, NOW_MS)
    expect([9, 10, 11].map(after => clientSecretAt(later, NOW_MS + after))).toEqual(['first', 'second', 'second'])
    expect(changesAtMs(later, NOW_MS)).toBe(NOW_MS + 10)
    expect(changesAtMs(later, NOW_MS + 10)).toBe(Number.POSITIVE_INFINITY)
  })

  it('C6: the clientSecret in effect stays in effect if it is replaced again before or after a planned switch', () => {
    const later = replaceClientSecret(first, 'second', NOW_MS + 10, NOW_MS)
    const before = replaceClientSecret(later, 'third', NOW_MS + 20, NOW_MS + 5)
    expect([5, 10, 20].map(after => clientSecretAt(before, NOW_MS + after))).toEqual(['first', 'first', 'third'])
    const after = replaceClientSecret(later, 'third', NOW_MS + 20, NOW_MS + 15)
    expect([15, 20].map(ms => clientSecretAt(after, NOW_MS + ms))).toEqual(['second', 'third'])
    expect(clientSecretAt(replaceClientSecret(later, 'third', null, NOW_MS + 5), NOW_MS + 15)).toBe('third')
  })

  it('keep a signing secret valid for a day after it was replaced', () => {
    const second = makeSigningSecret('v1', NOW_MS)
    const rotated = rotateSigning(first, second, NOW_MS)!
    const keysAt = (after: number) => liveSigning(rotated, NOW_MS + after).map(({ key }) => key)
    expect(keysAt(SIGNING_GRACE_MS - 1)).toEqual([second.key, first.signing[0]!.key])
    expect(keysAt(SIGNING_GRACE_MS)).toEqual([second.key])
    expect(changesAtMs(rotated, NOW_MS)).toBe(NOW_MS + SIGNING_GRACE_MS)
    // When ten secrets are valid, there can be no further rotation: each is promised a day.
    let many = rotated
    for (let at = 2; at <= 9; at++) many = rotateSigning(many, makeSigningSecret('v1', NOW_MS), NOW_MS + at)!
    expect(many.signing).toHaveLength(10)
    expect(rotateSigning(many, makeSigningSecret('v1', NOW_MS), NOW_MS + 99)).toBeUndefined()
    const dayLater = NOW_MS + SIGNING_GRACE_MS
    expect(rotateSigning(many, makeSigningSecret('v1', NOW_MS), dayLater)!.signing).toHaveLength(10)
  })

  it('older signing secrets stay valid for the grace period at most, and not at all without one', () => {
    const [second, third] = [makeSigningSecret('v1', NOW_MS), makeSigningSecret('v1', NOW_MS)]
    const [week, minute] = [604_800_000, 60_000]
    const untilOf = (credentials: Credentials) => credentials.signing.map(({ untilMs }) => untilMs)
    const rotated = rotateSigning(first, second, NOW_MS, week)!
    expect(untilOf(rotated)).toEqual([null, NOW_MS + week])
    // The second call neither extends the first promise nor keeps it where it allows less.
    expect(untilOf(rotateSigning(rotated, third, NOW_MS + 5, week)!)).toEqual([null, NOW_MS + 5 + week, NOW_MS + week])
    expect(untilOf(rotateSigning(rotated, third, NOW_MS + 5, minute)!)).toEqual([
      null,
      NOW_MS + 5 + minute,
      NOW_MS + 5 + minute,
    ])
    const dropped = rotateSigning(rotated, third, NOW_MS + 5, 0)!
    expect(dropped.signing).toEqual([third])
    expect(changesAtMs(dropped, NOW_MS + 5)).toBe(Number.POSITIVE_INFINITY)
    let many = first
    for (let at = 1; at <= 9; at++) many = rotateSigning(many, makeSigningSecret('v1', NOW_MS), NOW_MS + at)!
    expect(rotateSigning(many, third, NOW_MS + 20)).toBeUndefined()
    expect(rotateSigning(many, third, NOW_MS + 20, 0)!.signing).toEqual([third])
  })

  it('accept only a whsec_ of 24 to 64 bytes from a tenant', () => {
    for (const [bytes, isTaken] of [
      [23, false],
      [24, true],
      [64, true],
      [65, false],
    ] as const) {
      const text = `whsec_${Buffer.alloc(bytes, 255).toString('base64')}`
      const secret = parseSigningSecret(text, NOW_MS)
      expect(secret !== undefined && verificationKeyOf(secret) === text).toBe(isTaken)
    }
    const good = Buffer.alloc(32).toString('base64')
    for (const text of [good, `whpk_${good}`, `whsec_${good} `, `whsec_${good}=`, `whsec_-_${good}`, 'whsec_', '']) {
      expect(parseSigningSecret(text, NOW_MS)).toBeUndefined()
    }
  })
})

describe('signer', () => {
  const id = 'evt_01m86ab741etc96zvjzydbbv1x'
  const timestamp = String(NOW_MS / 1_000)
  const headersOf = (signature: string) => ({
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
  })

  it('signs so that our library can verify with either of two keys', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async text => {
        const body = JSON.stringify({ text })
        const [older, newer] = [makeSigningSecret('v1', NOW_MS), makeSigningSecret('v1a', NOW_MS)]
        const signature = createSigner([newer, older])(id, timestamp, Buffer.from(body))
        expect(signature).toMatch(/^v1a,\S+ v1,\S+$/)
        for (const secret of [older, newer]) {
          const request = new Request('https://receiver.example', {
            method: 'POST',
            body,
            headers: headersOf(signature),
          })
          await verify(request, { signingSecret: verificationKeyOf(secret), now: () => NOW_MS })
        }
      }),
      { numRuns: 25 },
    )
  })

  it('makes the same v1 signature as the Standard Webhooks library', () => {
    const secret = makeSigningSecret('v1', NOW_MS)
    const body = '{"status":"Quoted", "big":12345678901234567890}'
    const theirs = new Webhook(verificationKeyOf(secret)).sign(id, new Date(NOW_MS), body)
    expect(createSigner([secret])(id, timestamp, Buffer.from(body))).toBe(theirs)
  })
})
