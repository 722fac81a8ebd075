import { describe, expect, it } from 'vitest'
import { MAX_KEPT_BODY_BYTES } from '../../../src/engine/attempt/deliver.ts'
import { createRedactor } from '../../../src/engine/attempt/redaction.ts'

const SECRET = 'a1+b/c-d_e.f~g=='

const exchange = (headers: readonly string[], body: string) => ({
  startedAtMs: 0,
  durationMs: 0,
  status: 400,
  failure: null,
  detail: null,
  reconnected: false,
  address: null,
  headers,
  body: Buffer.from(body),
  truncated: false,
  retryAfter: null,
})
const record = createRedactor(SECRET)

describe('C14: blanking', () => {
  it.each([
    ['as it is', SECRET],
    ['as JSON with escaped slashes', SECRET.replaceAll('/', '\\/')],
    ['as part of a URL', encodeURIComponent(SECRET)],
    ['as part of a URL in lower case', 'a1%2bb%2fc-d_e.f~g%3d%3d'],
    ['as JSON from .NET', 'a1\\u002Bb/c-d_e.f~g\\u003D\\u003D'],
    ['as JSON from Gson', 'a1+b/c-d_e.f~g\\u003d\\u003d'],
    ['as part of a URL that is only partly escaped', 'a1%2Bb/c-d_e.f%7Eg%3D%3D'],
    ['in HTML', 'a1&#43;b&#x2F;c-d_e.f~g&#x3d;='],
    ['in hexadecimal', Buffer.from(SECRET).toString('hex')],
    ['as a decoded form', SECRET.replaceAll('+', ' ')],
    ['in Base64', Buffer.from(SECRET).toString('base64').replace(/=+$/, '')],
    ['in Base64 for URLs', Buffer.from(SECRET).toString('base64url')],
  ])('C14: blanks a secret echoed %s', (_how, echo) => {
    const { headers, body, truncated } = record(exchange(['x-echo', `Bearer ${echo}, ${echo}`], `<${echo}|${echo}>`))
    expect(headers).toEqual(['x-echo', 'Bearer [secret], [secret]'])
    expect([Buffer.from(body).toString(), truncated]).toEqual(['<[secret]|[secret]>', false])
  })

  it('C14: blanks the secret within the Base64 of a longer text', () => {
    for (const before of ['Bearer ', 'x', 'xy', 'xyz']) {
      const { body } = record(exchange([], Buffer.from(`${before}${SECRET} and more`).toString('base64')))
      expect(Buffer.from(body).toString()).toContain('[secret]')
      const shown = Buffer.from(Buffer.from(body).toString().replace('[secret]', ''), 'base64').toString('latin1')
      for (let at = 0; at + 3 <= SECRET.length; at++) expect(shown).not.toContain(SECRET.slice(at, at + 3))
    }
  })

  it('C14: blanks an echo that is cut off at any character', () => {
    for (const spelled of [SECRET, encodeURIComponent(SECRET), SECRET.replaceAll('+', '\\u002B')]) {
      for (let length = 4; length < spelled.length; length++) {
        const cut = { ...exchange([], `{"got":"${spelled.slice(0, length)}`), truncated: true }
        expect(Buffer.from(record(cut).body).toString()).toBe('{"got":"[secret]')
      }
    }
    const whole = record(exchange([], `{"got":"${SECRET.slice(0, 6)}`))
    expect(Buffer.from(whole.body).toString()).toBe(`{"got":"${SECRET.slice(0, 6)}`)
  })

  it('C14: blanks many echoes of the longest possible secret without overflowing the stack', () => {
    const longest = 'aB3+'.repeat(1_024)
    const { body } = createRedactor(longest)({ ...exchange([], `${longest},`.repeat(6)), truncated: true })
    expect(Buffer.from(body).toString()).toBe('[secret],'.repeat(6))
  })

  it('C14: keeps no compressed body, since it could hide a secret', () => {
    for (const encoding of ['gzip', 'br', ' GZIP ']) {
      const { body, truncated } = record(exchange(['Content-Encoding', encoding], 'whatever'))
      expect([body.length, truncated]).toEqual([0, true])
    }
    const { body, truncated } = record(exchange(['content-encoding', 'identity'], 'whatever'))
    expect([Buffer.from(body).toString(), truncated]).toEqual(['whatever', false])
  })

  it('C14: leaves all other bytes unchanged, up to the limit', () => {
    const odd = Buffer.from([0, 0xff, 0xc3, 0x28, 0x80])
    expect(Buffer.from(record({ ...exchange([], ''), body: odd }).body)).toEqual(odd)
    const long = record(exchange([], `${SECRET}${'x'.repeat(MAX_KEPT_BODY_BYTES)}`))
    expect([long.body.length, long.truncated]).toEqual([MAX_KEPT_BODY_BYTES, true])
    expect(Buffer.from(long.body.subarray(0, 9)).toString()).toBe('[secret]x')
  })
})
