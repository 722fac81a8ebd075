import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { packHeaders, unpackHeaders } from '../../src/store/operations/deliveries/answer-headers.ts'

const header = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ maxLength: 20_000, size: 'max' }),
  fc.constantFrom('date', 'Date', 'DATE', 'Content-Type', 'keep-alive', 'close', '', 'ETag', 'text/html', '*'),
  fc.date({ noInvalidDate: true }).map(date => date.toUTCString()),
  fc.date({ noInvalidDate: true }).map(date => date.toUTCString().replace('GMT', 'UTC')),
  fc.constantFrom('Tue, 24 Nov 2026 21:38:38 GMT', 'Mon, 24 Nov 2026 21:38:38 GMT', 'Tue, 24 Nov 2026 24:00:00 GMT'),
)

describe('packed response headers', () => {
  test('are restored exactly, whatever they contain', () => {
    fc.assert(
      fc.property(fc.array(header), headers => {
        expect(unpackHeaders(packHeaders(headers))).toEqual(headers)
      }),
    )
  })

  test('are small if they are what most receivers send', () => {
    const usual = ['Date', 'Tue, 24 Nov 2026 21:38:38 GMT', 'Connection', 'keep-alive', 'Keep-Alive', 'timeout=60']
    expect(packHeaders(usual)).toHaveLength(10)
    expect(packHeaders([])).toHaveLength(0)
  })

  test('can be read as an earlier version stored them: a code never changes its meaning', () => {
    const stored = '02016b0603de05830b930007582d4f7468657200026f6b5ca3'
    expect(unpackHeaders(Buffer.from(stored, 'hex'))).toEqual([
      'date',
      'Tue, 24 Nov 2026 21:38:38 GMT',
      'Connection',
      'close',
      'Content-Type',
      'application/problem+json',
      'X-Other',
      'ok',
      'access-control-allow-methods',
      '1; mode=block',
    ])
  })
})
