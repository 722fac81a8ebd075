import { describe, expect, it } from 'vitest'
import { clientAddress, networkOf } from '../../src/api/http/client-address.ts'
import { parseNetwork } from '../../src/guard/address.ts'

describe('the address of a call', () => {
  const trusted = ['10.0.0.0/8', '2001:db8::/32'].map(text => parseNetwork(text)!)

  it.each([
    ['192.0.2.1', '198.51.100.1', '192.0.2.1', 'not from a trusted proxy'],
    ['10.0.0.1', undefined, '10.0.0.1', 'no header'],
    ['10.0.0.1', '198.51.100.1', '198.51.100.1', 'one address'],
    ['::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1', 'a mapped peer'],
    ['10.0.0.1', '6.6.6.6, 198.51.100.1', '198.51.100.1', 'addresses written by the caller are ignored'],
    ['10.0.0.1', '6.6.6.6, 198.51.100.1 , 10.0.0.2', '198.51.100.1', 'two proxies'],
    ['10.0.0.1', ['6.6.6.6', '198.51.100.1'], '198.51.100.1', 'two headers'],
    ['10.0.0.1', '198.51.100.1:4711', '198.51.100.1', 'with a port'],
    ['2001:db8::1', '[2001:4860::8]:443', '2001:4860::8', 'IPv6'],
    ['10.0.0.1', 'unknown', '10.0.0.1', 'an entry that is not an address ends the search'],
    ['10.0.0.1', '198.51.100.1, nonsense, 10.0.0.9', '10.0.0.9', 'an invalid entry in the middle does too'],
    ['10.0.0.1', '', '10.0.0.1', 'empty header'],
    ['10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.2', 'proxies only'],
    [undefined, '198.51.100.1', null, 'no peer'],
  ])('of a request from %s with X-Forwarded-For %j is %s: %s', (peer, forwarded, expected, _why) => {
    expect(clientAddress(peer, forwarded, trusted)).toBe(expected)
    expect(clientAddress(peer, forwarded, [])).toBe(peer === undefined ? null : peer.replace('::ffff:', ''))
  })

  it('is counted by its /64 network for IPv6', () => {
    expect(networkOf('2001:db8::1')).toBe(networkOf('2001:db8:0:0:9::1'))
    expect(networkOf('2001:db8::1')).not.toBe(networkOf('2001:db8:0:1::1'))
  })
})
