import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTraceparent, writeTraceparent } from '../../src/base/trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
    .filter(text => /[^0]/.test(text))

describe('traceparent', () => {
  it('is read and written', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, isSampled) => {
        const context = { traceId, spanId, isSampled }
        expect(parseTraceparent(writeTraceparent(context))).toEqual(context)
      }),
    )
  })

  it.each([
    ['', 'empty'],
    [`00-${TRACE}-${SPAN}`, 'no flags'],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, 'upper case'],
    [`00-${'0'.repeat(32)}-${SPAN}-01`, 'no trace'],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, 'no span'],
    [`ff-${TRACE}-${SPAN}-01`, 'forbidden version'],
    [`00-${TRACE}-${SPAN}-01-more`, 'more than version 00 allows'],
    [`00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`, 'two values'],
    [`00-${TRACE}-${SPAN}-0g`, 'invalid flags'],
  ])('ignores %j: %s', header => {
    expect(parseTraceparent(header)).toBeNull()
  })

  it('reads the fields that a later version shares with this one', () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-03-what-comes`)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      isSampled: true,
    })
  })

  it('never throws, whatever the header', () => {
    fc.assert(fc.property(fc.string(), text => void parseTraceparent(text)))
    expect(parseTraceparent(undefined)).toBeNull()
    expect(parseTraceparent(['a'])).toBeNull()
  })
})
