import { describe, expect, it } from 'vitest'
import { CONTRACT_PORTS } from '../../src/guard/ports.ts'
import { addressAllowed, checkTargetUrl, type TargetPolicy, type TargetRefusal } from '../../src/guard/target.ts'

const STRICT: TargetPolicy = { dev: false, targetPorts: CONTRACT_PORTS, allowTarget: [] }
const DEV: TargetPolicy = { ...STRICT, dev: true }
const WITH_NETWORK: TargetPolicy = { ...STRICT, allowTarget: ['10.2.0.0/16', 'fd00:1::/32'] }

function reasonOf(text: string, policy: TargetPolicy): TargetRefusal | 'accepted' {
  const result = checkTargetUrl(text, policy)
  return result.ok ? 'accepted' : result.reason
}

describe('checkTargetUrl under a policy', () => {
  it('C3: allows only the ports that the operator has narrowed them to', () => {
    const policy = { ...STRICT, targetPorts: [{ first: 8443, last: 8444 }] }
    expect(reasonOf('https://example.com/', policy)).toBe('port')
    expect(reasonOf('https://example.com:8442/', policy)).toBe('port')
    expect(reasonOf('https://example.com:8443/', policy)).toBe('accepted')
    expect(reasonOf('https://example.com:8444/', policy)).toBe('accepted')
    expect(reasonOf('https://example.com:8445/', policy)).toBe('port')
  })

  it('C3: allows a network that the operator has opened, and no address outside it', () => {
    expect(reasonOf('https://10.2.0.0/', WITH_NETWORK)).toBe('accepted')
    expect(reasonOf('https://10.2.255.255/', WITH_NETWORK)).toBe('accepted')
    expect(reasonOf('https://[fd00:1::5]:8443/', WITH_NETWORK)).toBe('accepted')
    expect(reasonOf('https://hooks.lan/', WITH_NETWORK)).toBe('accepted')
    expect(reasonOf('https://10.3.0.0/', WITH_NETWORK)).toBe('address_not_public')
    expect(reasonOf('https://10.1.255.255/', WITH_NETWORK)).toBe('address_not_public')
    expect(reasonOf('https://[::ffff:10.2.0.1]/', WITH_NETWORK)).toBe('address_not_public')
    expect(reasonOf('https://[fd00:2::5]/', WITH_NETWORK)).toBe('address_not_public')
    expect(reasonOf('http://10.2.0.1/', WITH_NETWORK)).toBe('scheme')
    expect(reasonOf('https://10.2.0.1:22/', WITH_NETWORK)).toBe('port')
    expect(reasonOf('https://localhost/', WITH_NETWORK)).toBe('host_special_use')
    expect(reasonOf('https://a.internal/', WITH_NETWORK)).toBe('host_special_use')
  })

  it('C3: throws for a network that cannot be parsed', () => {
    const policy = { ...STRICT, allowTarget: ['10.2.0.0/33'] }
    expect(() => checkTargetUrl('https://10.2.0.1/', policy)).toThrow('10.2.0.0/33 is not a network')
  })

  it('C3: allows an address behind a translator of the operator if the IPv4 address in it is allowed', () => {
    const policy = { ...WITH_NETWORK, nat64Prefix: ['2a00:64::/96', 'fd64::/48', '64:ff9b:1::/96'] }
    const accepted = ['2a00:64::8.8.8.8', '2a00:64::10.2.0.1', 'fd64:0:0:808:8:800::', '64:ff9b:1::8.8.8.8']
    const refused = ['2a00:64::10.3.0.1', 'fd64:0:0:a9fe:a9:fe00::', 'fd64::8.8.8.8', '64:ff9b:1::127.0.0.1']
    for (const address of accepted) expect(reasonOf(`https://[${address}]/`, policy), address).toBe('accepted')
    for (const address of refused) expect(reasonOf(`https://[${address}]/`, policy), address).toBe('address_not_public')
  })

  it('C3: throws for a prefix of a translator that RFC 6052 does not allow', () => {
    const policy = { ...STRICT, nat64Prefix: ['2a00:64::/80'] }
    expect(() => checkTargetUrl('https://[2a00:64::1]/', policy)).toThrow('2a00:64::/80 is not a network')
  })

  it.each([
    'http://localhost/',
    'http://localhost:3000/hook',
    'https://localhost:22/',
    'http://LOCALHOST:1/',
    'http://receiver.localhost:8080/',
    'http://127.0.0.1:8080/',
    'http://127.255.255.255/',
    'https://127.0.0.1:80/',
    'http://[::1]:8080/',
    'https://example.com/',
  ])('C3: accepts %s in development mode', text => {
    expect(reasonOf(text, DEV)).toBe('accepted')
  })

  it.each([
    ['http://example.com/', 'scheme'],
    ['http://8.8.8.8/', 'scheme'],
    ['ftp://localhost/', 'scheme'],
    ['http://10.0.0.1/', 'address_not_public'],
    ['https://192.168.0.1/', 'address_not_public'],
    ['http://0.0.0.0/', 'address_not_public'],
    ['http://[::]/', 'address_not_public'],
    ['http://[::ffff:127.0.0.1]/', 'address_not_public'],
    ['http://2130706433/', 'host_malformed'],
    ['http://localhost./', 'host_malformed'],
    ['http://printer.local/', 'host_special_use'],
    ['http://localhost.example.com/', 'scheme'],
    ['http://notlocalhost/', 'host_single_label'],
    ['https://example.com:80/', 'port'],
    ['http://user@localhost/', 'user_info'],
    ['http://localhost:0/', 'port'],
  ])('C3: refuses %s even in development mode, as %s', (text, reason) => {
    expect(reasonOf(text, DEV)).toBe(reason)
  })

  it('C3: uses port 80 as the default for http in development mode', () => {
    expect(checkTargetUrl('http://localhost/', DEV)).toMatchObject({ port: 80, literal: undefined })
    expect(checkTargetUrl('https://localhost/', DEV)).toMatchObject({ port: 443 })
  })
})

describe('addressAllowed', () => {
  it('C3: checks the address, whatever the name', () => {
    expect(addressAllowed('8.8.8.8', STRICT, 'example.com')).toBeUndefined()
    expect(addressAllowed('127.0.0.1', STRICT, 'example.com')).toBe('loopback')
    expect(addressAllowed('10.2.0.1', STRICT, 'example.com')).toBe('private use')
    expect(addressAllowed('10.2.0.1', WITH_NETWORK, 'example.com')).toBeUndefined()
    expect(addressAllowed('10.3.0.1', WITH_NETWORK, 'example.com')).toBe('private use')
    expect(addressAllowed('fd00:1::1', WITH_NETWORK, 'example.com')).toBeUndefined()
    expect(addressAllowed('fd00:1::1%eth0', WITH_NETWORK, 'example.com')).toBe('address with a zone identifier')
    expect(addressAllowed('', WITH_NETWORK, 'example.com')).toBe('not an IP address')
  })

  it('C3: allows loopback in development mode only for hosts that name it, and only loopback for them', () => {
    for (const host of ['localhost', 'a.localhost', 'LOCALHOST', '127.0.0.1', '::1']) {
      expect(addressAllowed('127.0.0.1', DEV, host)).toBeUndefined()
      expect(addressAllowed('::1', DEV, host)).toBeUndefined()
      expect(addressAllowed('8.8.8.8', DEV, host)).toBe('a loopback host at another address')
      expect(addressAllowed('127.0.0.1', STRICT, host)).toBeTypeOf('string')
    }
    expect(addressAllowed('127.0.0.1', DEV, 'example.com')).toBe('loopback')
    expect(addressAllowed('10.0.0.1', DEV, 'example.com')).toBe('private use')
    expect(addressAllowed('8.8.8.8', DEV, 'example.com')).toBeUndefined()
    expect(addressAllowed('127.0.0.1', { ...STRICT, allowTarget: ['127.0.0.0/8'] }, 'localhost')).toBeTypeOf('string')
  })
})
