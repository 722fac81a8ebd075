import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adviseOnSecret, checkClientSecret } from '../../server/src/secrets/client-secret.ts'
import { adviseOn, faultOf, generateSecret, readToken } from '../src/lib/jwt.ts'

type Case = { secret: string; warnings: string[]; why: string; otherEndpointHasIt?: boolean; types?: string[] }
const file = new URL('../../server/test/vectors/advice.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { now: string; cases: Case[] }
const now = Date.parse(vectors.now)

function jwt(claims: unknown, header: unknown = { alg: 'none' }): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value) ?? 'undefined').toString('base64url')
  return `${part(header)}.${part(claims)}.c2lnbmF0dXJl`
}

const claim = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('', ' ', 'Administrator', ['user', 'admin'], [], {}, false, true, 0),
  fc.double(),
  // Around the days that decide, in seconds.
  fc.integer({ min: -250, max: 250 }).map(days => now / 1_000 + days * 86_400),
)
const claims = fc.dictionary(
  fc.constantFrom('exp', 'iat', 'scope', 'scp', 'roles', 'permissions', 'LoggedInAs', '__proto__', 'sub'),
  claim,
)
const secret = fc.oneof(
  claims.map(value => jwt(value)),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.base64String({ maxLength: 40 }),
  fc.constantFrom('Bearer abc', 'bearer x', 'a=b', '=', 'a'.repeat(4_096), 'a'.repeat(4_097), `${'a'.repeat(4_096)} `),
  fc.stringMatching(/^[\w-]{1,12}\.[\w-]{1,12}\.[\w-]{0,8}$/),
)

describe('C8: advice on a secret, while it is typed', () => {
  test.each(vectors.cases.filter(one => !one.otherEndpointHasIt))('$why', one => {
    expect(adviseOn(one.secret, one.types, now)).toEqual(one.warnings)
  })

  test('is what the server says after it', () => {
    const types = fc.constantFrom<string[] | null>(['A'], ['A', 'B'], ['A*'], null)
    fc.assert(
      fc.property(secret, types, (secret, types) => {
        const use = {
          secret,
          typeCount: types?.length ?? 0,
          allTypes: types === null || types.some(type => type.includes('*')),
          otherEndpointHasIt: false,
          nowMs: now,
        }
        expect(adviseOn(secret, types, now)).toEqual(adviseOnSecret(use).map(({ code }) => code))
      }),
      { numRuns: 500 },
    )
  })
})

test('C7: a secret that the server refuses is refused with the position of the same character', () => {
  fc.assert(
    fc.property(secret, secret => {
      const check = checkClientSecret(secret)
      expect(faultOf(secret)?.position).toBe(check.ok ? undefined : check.position)
    }),
    { numRuns: 500 },
  )
  expect(faultOf('Bearer abc')).toEqual({ reason: 'bearer', position: 6 })
})

test('a token says when it expires and which claims grant access', () => {
  const token = readToken(jwt({ iat: 1_777_593_600, exp: 1_809_129_600.5, scope: 'all', LoggedInAs: 'Admin' }))
  expect(token).toEqual({
    issuedAt: 1_777_593_600_000,
    expiresAt: 1_809_129_600_500,
    access: ['scope', 'LoggedInAs'],
  })
  expect(readToken(jwt({}))).toEqual({ issuedAt: null, expiresAt: null, access: [] })
  expect(readToken(jwt([]))).toBeNull()
  expect(readToken(jwt({}, 'no header'))).toBeNull()
})

test('a generated secret is allowed, without advice, and another each time', () => {
  const secrets = Array.from({ length: 50 }, generateSecret)
  expect(secrets.map(faultOf).every(fault => fault === null)).toBe(true)
  expect(adviseOn(secrets[0]!, ['A'], now)).toEqual([])
  expect(new Set(secrets).size).toBe(50)
})
