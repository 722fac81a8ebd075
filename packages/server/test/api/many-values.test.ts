import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseJson } from '../../src/api/http/json.ts'
import { PosthornError } from '../../src/base/errors.ts'
import { refused, useApi } from './setup.ts'

const { put } = useApi()

it('a body with more than 20,000 values is refused before it is parsed', async () => {
  const fits = { metadata: { a: 'x,[{'.repeat(10_000) } }
  expect(refused(await put('/v1/tenants/acme', fits))).not.toContain('body_too_large')
  for (const many of [Array(20_001).fill(1), Object.fromEntries(Array.from({ length: 20_001 }, (_, at) => [at, 1]))]) {
    const { status, body } = await put('/v1/tenants/acme', { metadata: many })
    expect([status, body.code, body.detail]).toEqual([
      413,
      'body_too_large',
      'The request body has more than 20,000 values. Send less at a time.',
    ])
  }
})

it('numbers that lose digits are refused, and no others', () => {
  const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,3})?([eE][+-]?\d{1,3})?$/)
  fc.assert(
    fc.property(digits, fc.constantFrom('[?]', '{"a":?}', '[1,?,"x"]', ' ? '), (number, around) => {
      const value = Number(number)
      const isLost = !Number.isFinite(value) || (/^-?\d{16,}$/.test(number) && BigInt(value) !== BigInt(number))
      let isRefused = false
      try {
        parseJson(Buffer.from(around.replace('?', number)))
      } catch (error) {
        if (!(error instanceof PosthornError)) throw error
        isRefused = true
      }
      expect(isRefused).toBe(isLost)
    }),
    { numRuns: 3_000 },
  )
})
