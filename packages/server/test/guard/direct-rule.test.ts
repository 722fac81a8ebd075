import { describe, expect, it } from 'vitest'
import { type DirectRule, isDirectAddress, isDirectHost, parseDirectRule } from '../../src/guard/direct-rule.ts'

const rules = (...texts: string[]): DirectRule[] => texts.map(text => parseDirectRule(text)!)

describe('a receiver that needs no proxy', () => {
  it.each([
    'hooks.example.com',
    'Hooks.Example.COM',
    'intranet',
    'my_host.example.com',
    '.example.com',
    '.internal:8443',
    'hooks.example.com:443',
    '192.0.2.1',
    '192.0.2.1:8443',
    '10.2.0.0/16',
    '10.2.0.0/16:8443',
    '2001:db8::1',
    '2001:db8::/32',
    '[2001:db8::1]',
    '[2001:db8::/32]:8443',
    '0.0.0.0/0',
    '::/0',
  ])('can be written %s', text => {
    expect(parseDirectRule(text)).toBeDefined()
  })

  it.each([
    '',
    '.',
    '*',
    '*.example.com',
    'https://example.com',
    'example.com/path',
    'example.com.',
    'example .com',
    '-a.example.com',
    'a..example.com',
    'ä.example.com',
    `${'a'.repeat(64)}.example.com`,
    'example.com:0',
    'example.com:065',
    'example.com:65536',
    'example.com:',
    '10.2.3.4/16',
    '10.2.0.0/33',
    '10.2.0',
    '256.1.1.1',
    '[192.0.2.1]:443',
    '2001:db8::1:443:1:1:1:1:1',
    '[2001:db8::1',
    '[2001:db8::1]x',
    '[example.com]:443',
  ])('cannot be written %j', text => {
    expect(parseDirectRule(text)).toBeUndefined()
  })

  it('is meant by its name, without regard to case', () => {
    const own = rules('Hooks.Example.com', '.internal.example', 'other.example.com:8443')
    for (const [host, port, isDirect] of [
      ['hooks.example.com', 443, true],
      ['HOOKS.example.com', 9_000, true],
      ['a.hooks.example.com', 443, false],
      ['not-hooks.example.com', 443, false],
      ['example.com', 443, false],
      ['a.internal.example', 443, true],
      ['a.b.INTERNAL.example', 443, true],
      ['internal.example', 443, false],
      ['not-internal.example', 443, false],
      ['other.example.com', 8_443, true],
      ['other.example.com', 443, false],
    ] as const) {
      expect(isDirectHost(own, host, port), `${host}:${port}`).toBe(isDirect)
    }
    expect(isDirectHost([], 'hooks.example.com', 443)).toBe(false)
  })

  it('is meant by its address, whether that is its name or what its name leads to', () => {
    const own = rules('10.2.0.0/16', '192.0.2.1:8443', '[2001:db8::/32]:8443')
    for (const [address, port, isDirect] of [
      ['10.2.3.4', 443, true],
      ['10.3.0.0', 443, false],
      ['192.0.2.1', 8_443, true],
      ['192.0.2.1', 443, false],
      ['2001:db8:1::1', 8_443, true],
      ['2001:db9::1', 8_443, false],
      ['::ffff:10.2.3.4', 443, false],
    ] as const) {
      expect(isDirectAddress(own, address, port), `${address}:${port}`).toBe(isDirect)
      expect(isDirectHost(own, address, port), `${address}:${port}`).toBe(isDirect)
    }
    expect(isDirectAddress(rules('.2.3.4', 'hooks.example.com'), 'hooks.example.com', 443)).toBe(false)
  })
})
