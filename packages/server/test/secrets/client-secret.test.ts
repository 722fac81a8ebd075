import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/base/durations.ts'
import {
  adviseOnSecret,
  checkClientSecret,
  jwtExpiryMs,
  MAX_SECRET_LENGTH,
  type WarningCode,
} from '../../src/secrets/client-secret.ts'

type TokenVectors = {
  valid: { token: string; why: string }[]
  invalid: { token?: string; repeat?: string; times?: number; at: number; why: string }[]
}
type AdviceVectors = {
  now: string
  cases: { secret: string; warnings: WarningCode[]; why: string; otherEndpointHasIt?: boolean; types?: string[] }[]
}

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as T
}

const tokens = vectors<TokenVectors>('tokens')
const advice = vectors<AdviceVectors>('advice')
const NOW_MS = Date.parse(advice.now)

const encode = (text: string) => Buffer.from(text).toString('base64url')
const jwtOf = (payload: string, header = '{"alg":"HS256"}') => `${encode(header)}.${encode(payload)}.c2lnbmF0dXJl`
const jwt = (claims: object) => jwtOf(JSON.stringify(claims))
const seconds = (iso: string) => Date.parse(iso) / 1_000

function codes(secret: string, use: { typeCount?: number; allTypes?: boolean; nowMs?: number } = {}): WarningCode[] {
  const warnings = adviseOnSecret({ secret, typeCount: 1, otherEndpointHasIt: false, nowMs: NOW_MS, ...use })
  return warnings.map(warning => warning.code)
}

describe('checkClientSecret', () => {
  it.each(tokens.valid)('C7: accepts $why', ({ token }) => {
    expect(checkClientSecret(token)).toEqual({ ok: true })
  })

  it.each(tokens.invalid)('C7: refuses $why at $at', ({ token, repeat = '', times = 0, at }) => {
    const secret = token ?? repeat.repeat(times)
    const check = checkClientSecret(secret)
    expect(check).toMatchObject({ ok: false, position: at })
  })

  it('C7: accepts 4,096 characters, padding included', () => {
    expect(checkClientSecret('a'.repeat(MAX_SECRET_LENGTH))).toEqual({ ok: true })
    expect(checkClientSecret(`a${'='.repeat(4_095)}`)).toEqual({ ok: true })
    expect(checkClientSecret(`a${'='.repeat(4_096)}`)).toMatchObject({ ok: false, position: 4_096 })
  })

  it('C7: reports the first of two faults', () => {
    expect(checkClientSecret(`ab ${'c'.repeat(5_000)}`)).toMatchObject({ position: 2 })
    expect(checkClientSecret(`${'c'.repeat(5_000)} `)).toMatchObject({ position: 4_096 })
  })

  it('C7: gives a hint if the secret begins with the scheme, in upper or lower case', () => {
    for (const secret of ['Bearer abcdefghijklmnop', 'bearer abc', 'BEARER ']) {
      expect(checkClientSecret(secret)).toMatchObject({ position: 6, detail: expect.stringContaining('"Bearer"') })
    }
    expect(checkClientSecret('abc def')).not.toMatchObject({ detail: expect.stringContaining('Bearer') })
    expect(checkClientSecret('Bearer')).toEqual({ ok: true })
  })

  it('C7: accepts exactly what the grammar of RFC 6750 §2.1 accepts', () => {
    const grammar = /^[A-Za-z0-9\-._~+/]+=*$/
    const accepts = (text: string) => checkClientSecret(text).ok
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-zA-Z0-9._~+/=-]{0,9}$/)), text => {
        // Without the m flag, JavaScript's $ matches only at the very end.
        expect(accepts(text)).toBe(grammar.test(text))
      }),
      { numRuns: 2_000 },
    )
    for (let code = 0; code < 0x250; code++) {
      const text = `a${String.fromCharCode(code)}b`
      expect(accepts(text)).toBe(grammar.test(text))
    }
  })

  it('C7 C14: shows no part of a refused secret', () => {
    for (const secret of [
      'correct-horse-battery staple',
      'Bearer correct-horse',
      `correct-horse${'x'.repeat(5_000)}`,
    ]) {
      expect(JSON.stringify(checkClientSecret(secret))).not.toMatch(/correct|horse|staple|xx/)
    }
  })
})

describe('adviseOnSecret', () => {
  it.each(advice.cases)('C8: warns of $warnings: $why', ({ secret, warnings, otherEndpointHasIt = false, types }) => {
    const given = adviseOnSecret({ secret, typeCount: types?.length ?? 1, otherEndpointHasIt, nowMs: NOW_MS })
    expect(given.map(warning => warning.code)).toEqual(warnings)
    for (const { detail } of given) {
      expect(detail).toMatch(/^[A-Z].*\.$/)
      expect(detail).not.toContain(secret)
      for (const part of secret.split('.')) expect(detail).not.toContain(part)
    }
  })

  it('C8: treats all types as several', () => {
    expect(codes('abcdefghijklmnop', { typeCount: 0, allTypes: true })).toEqual(['secret_for_several_types'])
    expect(codes('abcdefghijklmnop', { typeCount: 0 })).toEqual([])
    expect(codes('abcdefghijklmnop', { typeCount: 3 })).toEqual(['secret_for_several_types'])
  })

  it('C8: gives every warning that applies', () => {
    const use = { typeCount: 2, otherEndpointHasIt: true, nowMs: NOW_MS }
    expect(adviseOnSecret({ ...use, secret: 'short' }).map(warning => warning.code)).toEqual([
      'secret_shared_between_endpoints',
      'secret_for_several_types',
      'secret_short',
    ])
    expect(codes(jwt({ exp: 1, scope: 'all' }))).toEqual(['token_expired', 'token_carries_access'])
  })

  it.each([
    [-1, ['token_expired']],
    [0, ['token_expired']],
    [1, ['token_expires_soon']],
    [30 * DAY_MS, ['token_expires_soon']],
    [30 * DAY_MS + 1, ['token_expires_within_six_months_of_issue']],
  ])('C8: with %d ms left gives %j, and only one warning about the expiry', (leftMs, expected) => {
    const nowMs = seconds('2026-06-01T00:00:00Z') * 1_000 - leftMs
    const secret = jwt({ iat: seconds('2026-01-01T00:00:00Z'), exp: seconds('2026-06-01T00:00:00Z') })
    expect(codes(secret, { nowMs })).toEqual(expected)
  })

  it.each([
    ['2026-08-31T12:00:00Z', '2027-02-28T12:00:00Z'],
    ['2027-08-31T12:00:00Z', '2028-02-29T12:00:00Z'],
    ['2026-08-29T00:00:00Z', '2027-02-28T00:00:00Z'],
    ['2026-05-31T00:00:00Z', '2026-11-30T00:00:00Z'],
    ['2026-06-30T23:59:59Z', '2026-12-30T23:59:59Z'],
    ['2026-07-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['2026-12-31T00:00:00Z', '2027-06-30T00:00:00Z'],
  ])('C8: counts six calendar months from %s to %s', (issued, sixMonthsOn) => {
    const iat = seconds(issued)
    const exp = seconds(sixMonthsOn)
    const nowMs = iat * 1_000
    expect(codes(jwt({ iat, exp }), { nowMs })).toEqual([])
    expect(codes(jwt({ iat, exp: exp - 1 }), { nowMs })).toEqual(['token_expires_within_six_months_of_issue'])
    // Without a usable iat, the six months are counted from now.
    expect(codes(jwt({ exp }), { nowMs })).toEqual([])
    expect(codes(jwt({ iat: issued, exp: exp - 1 }), { nowMs })).toEqual(['token_expires_within_six_months_of_issue'])
  })

  it.each([
    [{ scope: 'a b' }, true],
    [{ scp: 'a' }, true],
    [{ roles: { admin: true } }, true],
    [{ permissions: [''] }, true],
    [{ roles: 1 }, true],
    [{ LoggedInAs: 'ADMIN' }, true],
    [{ LoggedInAs: ['reader', 'SystemAdministrator'] }, true],
    [{ scope: '' }, false],
    [{ scope: '  ', scp: [], roles: {}, permissions: null }, false],
    [{ permissions: false }, false],
    [{ LoggedInAs: 7 }, false],
    [{ LoggedInAs: '' }, false],
    [{ sub: 'admin', role: 'none' }, false],
  ])('C8: reads %j as carrying access: %s', (claims, carries) => {
    expect(codes(jwt(claims))).toEqual(carries ? ['token_carries_access'] : [])
  })
})

describe('jwtExpiryMs', () => {
  it('C8 C9: reads the expiry of a token, to the millisecond', () => {
    expect(jwtExpiryMs(jwt({ exp: 1_782_777_600 }))).toBe(1_782_777_600_000)
    expect(jwtExpiryMs(jwt({ exp: 1_782_777_600.5 }))).toBe(1_782_777_600_500)
    expect(jwtExpiryMs(jwt({ exp: 0.0005 }))).toBe(0)
    expect(jwtExpiryMs(`${encode('{}')}.${encode('{"exp":2}')}.`)).toBe(2_000)
    expect(jwtExpiryMs(jwt({ exp: 8.64e12 }))).toBe(8.64e15)
  })

  it('C8: treats times before 1970 as expired, and times beyond the range of Date as never', () => {
    for (const exp of ['-1', '-1e400', '-1e300']) {
      expect(jwtExpiryMs(jwtOf(`{"exp":${exp}}`))).toBe(0)
      expect(codes(jwtOf(`{"exp":${exp}}`))).toEqual(['token_expired'])
    }
    for (const exp of ['1e400', '1e300', '8640000000000.001']) {
      expect(jwtExpiryMs(jwtOf(`{"exp":${exp}}`))).toBeUndefined()
      expect(codes(jwtOf(`{"exp":${exp}}`))).toEqual([])
    }
  })

  it.each([
    '{"exp":"1"}',
    '{"exp":NaN}',
    '{"exp":null}',
    '{"exp":[1]}',
    '{"exp":{}}',
    '{"exp":true}',
    '{"Exp":1}',
    '{}',
    '[{"exp":1}]',
    '"exp"',
    '1',
    'null',
    '',
    '{"exp":1',
    '{"__proto__":{"exp":1}}',
    '{"constructor":{"exp":1}}',
    '['.repeat(2_000),
  ])('C8: finds no expiry in the payload %s', payload => {
    expect(jwtExpiryMs(jwtOf(payload))).toBeUndefined()
    expect(codes(jwtOf(payload)).filter(code => code.startsWith('token_expire'))).toEqual([])
  })

  it.each([
    ['two parts', `${encode('{}')}.${encode('{"exp":1}')}`],
    ['four parts', `${jwt({ exp: 1 })}.a`],
    ['a header that is a list', jwtOf('{"exp":1}', '[]')],
    ['a header that is null', jwtOf('{"exp":1}', 'null')],
    ['a header that is not JSON', jwtOf('{"exp":1}', 'alg')],
    ['an empty header', jwtOf('{"exp":1}', '')],
    ['padding inside', `${encode('{}')}=.${encode('{"exp":1}')}.a`],
    ['the other alphabet', `${encode('{}')}.${Buffer.from('{"exp":1,"a":"~~~???"}').toString('base64')}.a`],
    [
      'bytes that are not UTF-8',
      `${encode('{}')}.${Buffer.from('{"exp":1,"a":"\xff"}', 'latin1').toString('base64url')}.a`,
    ],
    ['more characters than a secret can have', jwt({ exp: 1, a: 'a'.repeat(4_096) })],
    ['ten million characters', 'a.'.repeat(5_000_000)],
  ])('C8: does not recognise a token with %s', (_what, secret) => {
    expect(jwtExpiryMs(secret)).toBeUndefined()
  })

  it('C8: never throws, whatever the claims and the clock', () => {
    const token = fc.tuple(fc.json(), fc.json()).map(([header, payload]) => jwtOf(payload, header))
    const number = fc.double().map(value => (Number.isFinite(value) ? String(value) : '-1e400'))
    const claim = fc.oneof(number, fc.json())
    const dated = fc.tuple(claim, claim).map(([exp, iat]) => jwtOf(`{"exp":${exp},"iat":${iat}}`))
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), token, dated), secret => {
        codes(secret)
        const expiryMs = jwtExpiryMs(secret)
        expect(expiryMs === undefined || Number.isSafeInteger(expiryMs)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
    for (const iat of ['8.64e12', '-1e400', '1e400', '"x"', '8639999999999']) {
      expect(() => codes(jwtOf(`{"exp":8640000000000,"iat":${iat}}`))).not.toThrow()
    }
  })

  it('C8: is not affected by prototype pollution in the claims', () => {
    codes(jwtOf('{"__proto__":{"scope":"all","exp":1}}'))
    expect(({} as { scope?: string }).scope).toBeUndefined()
    expect(codes(jwtOf('{"__proto__":{"scope":"all"}}'))).toEqual([])
  })
})
