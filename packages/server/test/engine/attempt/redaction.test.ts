import fc from 'fast-check'
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
const record = createRedactor([SECRET])

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
    const { body } = createRedactor([longest])({ ...exchange([], `${longest},`.repeat(6)), truncated: true })
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

describe('C14 masking of several secrets', () => {
  const bodyOf = (secrets: readonly string[], text: string, truncated = false) =>
    Buffer.from(createRedactor(secrets)({ ...exchange([], text), truncated }).body).toString()

  it('C14: masks each of them, also where one contains or overlaps another', () => {
    const secrets = [SECRET, 'header-secret-one', 'secret-one-and-more', 'abc']
    expect(bodyOf(secrets, `${SECRET},header-secret-one,x.abc.x`)).toBe('[secret],[secret],x.[secret].x')
    expect(bodyOf(secrets, 'header-secret-one-and-more.')).toBe('[secret].')
    expect(bodyOf(secrets, '<header-s', true)).toBe('<[secret]')
    expect(bodyOf(['', ''], 'nothing to hide')).toBe('nothing to hide')
  })

  const VALUE = 'Token a%41b&amp;"<c>\'\\u0041\\\\ d\te+f='
  const html = (text: string) => text.replace(/[&<>"']/g, each => `&#${each.charCodeAt(0)};`)
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }
  it.each([
    ['as it is', VALUE],
    ['as JSON', JSON.stringify(VALUE).slice(1, -1)],
    ['as part of a URL', encodeURIComponent(VALUE)],
    ['as a form', new URLSearchParams([['', VALUE]]).toString().slice(1)],
    ['in HTML by number', html(VALUE)],
    ['in HTML by name', VALUE.replace(/[&<>"']/g, each => entities[each as keyof typeof entities])],
    ['in Base64', Buffer.from(VALUE).toString('base64').replace(/=+$/, '')],
    ['in hexadecimal', Buffer.from(VALUE).toString('hex').toUpperCase()],
    ['as JSON in JSON', JSON.stringify({ got: VALUE }).slice(8, -2)],
  ])('C14: masks the value of a header echoed %s, whatever characters it has', (_how, echo) => {
    expect(bodyOf([SECRET, VALUE], `<${echo}|${echo}>`)).toBe('<[secret]|[secret]>')
  })

  it('C14: masks a value echoed without the scheme that it begins with', () => {
    expect(bodyOf(['Token  s3cr3t-of-theirs'], 'you said s3cr3t-of-theirs')).toBe('you said [secret]')
    expect(bodyOf(['Hello you'], 'you said Hello you')).toBe('you said [secret]')
  })

  it('C14: masks any value of a header in any way that a program would write it', () => {
    const value = fc
      .array(
        fc.oneof(
          fc.integer({ min: 32, max: 126 }).map(code => String.fromCharCode(code)),
          fc.constantFrom('%41', '\\u0041', '&lt;', '\t'),
        ),
        {
          minLength: 8,
          maxLength: 30,
        },
      )
      .map(parts => `a${parts.join('')}z`)
    const ways: ((text: string) => string)[] = [
      text => text,
      text => JSON.stringify({ got: text }),
      text => JSON.stringify({ got: JSON.stringify({ text }) }),
      text => encodeURIComponent(text),
      text => new URLSearchParams({ got: text }).toString(),
      text => `<p>${html(text)}</p>`,
      text => Buffer.from(text).toString('base64'),
      text => Buffer.from(text).toString('hex'),
    ]
    fc.assert(
      fc.property(value, fc.constantFrom(...ways), fc.boolean(), (text, write, isCut) => {
        const body = bodyOf([SECRET, text], `, ${write(text)}, and more`, isCut)
        expect(body).toContain('[secret]')
        for (const way of ways) expect(body).not.toContain(way(text))
      }),
      { numRuns: 500 },
    )
  })
})
