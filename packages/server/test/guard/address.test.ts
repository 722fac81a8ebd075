import { readFileSync } from 'node:fs'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isLoopbackAddress,
  NOT_AN_ADDRESS,
  networkContains,
  parseAddress,
  parseIpv4,
  parseIpv6,
  parseNetwork,
  REFUSED_RANGES,
  ZONE_IDENTIFIER,
} from '../../src/guard/address.ts'
import { refusedAddressesDocs } from '../../src/guard/docs.ts'
import { addressRefusal } from '../../src/guard/refusal.ts'

/** The first and last address of every refused range, listed independently of the table under test. */
const RANGES: readonly [range: string, first: string, last: string][] = [
  ['0.0.0.0/8', '0.0.0.0', '0.255.255.255'],
  ['0.0.0.0/32', '0.0.0.0', '0.0.0.0'],
  ['10.0.0.0/8', '10.0.0.0', '10.255.255.255'],
  ['100.64.0.0/10', '100.64.0.0', '100.127.255.255'],
  ['127.0.0.0/8', '127.0.0.0', '127.255.255.255'],
  ['169.254.0.0/16', '169.254.0.0', '169.254.255.255'],
  ['172.16.0.0/12', '172.16.0.0', '172.31.255.255'],
  ['192.0.0.0/24', '192.0.0.0', '192.0.0.255'],
  ['192.0.0.0/29', '192.0.0.0', '192.0.0.7'],
  ['192.0.0.8/32', '192.0.0.8', '192.0.0.8'],
  ['192.0.0.9/32', '192.0.0.9', '192.0.0.9'],
  ['192.0.0.10/32', '192.0.0.10', '192.0.0.10'],
  ['192.0.0.170/32', '192.0.0.170', '192.0.0.170'],
  ['192.0.0.171/32', '192.0.0.171', '192.0.0.171'],
  ['192.0.2.0/24', '192.0.2.0', '192.0.2.255'],
  ['192.31.196.0/24', '192.31.196.0', '192.31.196.255'],
  ['192.52.193.0/24', '192.52.193.0', '192.52.193.255'],
  ['192.88.99.0/24', '192.88.99.0', '192.88.99.255'],
  ['192.88.99.2/32', '192.88.99.2', '192.88.99.2'],
  ['192.168.0.0/16', '192.168.0.0', '192.168.255.255'],
  ['192.175.48.0/24', '192.175.48.0', '192.175.48.255'],
  ['198.18.0.0/15', '198.18.0.0', '198.19.255.255'],
  ['198.51.100.0/24', '198.51.100.0', '198.51.100.255'],
  ['203.0.113.0/24', '203.0.113.0', '203.0.113.255'],
  ['224.0.0.0/4', '224.0.0.0', '239.255.255.255'],
  ['240.0.0.0/4', '240.0.0.0', '255.255.255.255'],
  ['255.255.255.255/32', '255.255.255.255', '255.255.255.255'],
  ['::/128', '::', '::'],
  ['::1/128', '::1', '::1'],
  ['::/96', '::', '::ffff:ffff'],
  ['::ffff:0:0/96', '::ffff:0:0', '::ffff:ffff:ffff'],
  ['64:ff9b:1::/48', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['100::/64', '100::', '100::ffff:ffff:ffff:ffff'],
  ['100:0:0:1::/64', '100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff'],
  ['2001::/23', '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001::/32', '2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:1::1/128', '2001:1::1', '2001:1::1'],
  ['2001:1::2/128', '2001:1::2', '2001:1::2'],
  ['2001:1::3/128', '2001:1::3', '2001:1::3'],
  ['2001:2::/48', '2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff'],
  ['2001:3::/32', '2001:3::', '2001:3:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:4:112::/48', '2001:4:112::', '2001:4:112:ffff:ffff:ffff:ffff:ffff'],
  ['2001:10::/28', '2001:10::', '2001:1f:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:20::/28', '2001:20::', '2001:2f:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:30::/28', '2001:30::', '2001:3f:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:db8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2002::/16', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2620:4f:8000::/48', '2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff'],
  ['3fff::/20', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['5f00::/16', '5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fc00::/7', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fe80::/10', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fec0::/10', 'fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['ff00::/8', 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['::/3', '::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['4000::/2', '4000::', '7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['8000::/1', '8000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
]

type Interval = { family: 4 | 6; first: bigint; last: bigint; range: string }

/** An address as a number, parsed by the URL parser and not by ours. */
function toNumber(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const tailGroups = tail === '' ? [] : tail.split(':')
    groups.push(...Array<string>(8 - groups.length - tailGroups.length).fill('0'), ...tailGroups)
  }
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

function toText(value: bigint, family: 4 | 6): string {
  const part = family === 4 ? 8n : 16n
  const parts: string[] = []
  for (let i = family === 4 ? 3n : 7n; i >= 0n; i--) {
    parts.push(((value >> (i * part)) & ((1n << part) - 1n)).toString(family === 4 ? 10 : 16))
  }
  return parts.join(family === 4 ? '.' : ':')
}

const INTERVALS: Interval[] = RANGES.map(([range, first, last]) => ({
  family: first.includes(':') ? 6 : 4,
  first: toNumber(first),
  last: toNumber(last),
  range,
}))

/** The expected name for an address: that of the narrowest range that contains it. */
function expectedName(value: bigint, family: 4 | 6): string | undefined {
  const around = INTERVALS.filter(i => i.family === family && i.first <= value && value <= i.last)
  around.sort((a, b) => Number(b.range.split('/')[1]) - Number(a.range.split('/')[1]))
  return REFUSED_RANGES.find(row => row.range === around[0]?.range)?.name
}

describe('refused ranges', () => {
  it('C3: docs/refused-addresses.md matches the table (if not, run packages/server/scripts/write-docs.ts)', () => {
    const page = readFileSync(new URL('../../../../docs/refused-addresses.md', import.meta.url), 'utf8')
    expect(page).toBe(refusedAddressesDocs())
  })

  it('C3: the table has each range of the registries once, with a name and a source', () => {
    expect(REFUSED_RANGES.map(row => row.range).sort()).toEqual(RANGES.map(([range]) => range).sort())
    for (const row of REFUSED_RANGES) {
      expect(row.name).not.toBe('')
      expect(row.source).toMatch(/RFC \d+/)
    }
  })

  it.each(INTERVALS)('C3: refuses $range from its first to its last address, and no address around it', interval => {
    const { family, first, last } = interval
    const end = family === 4 ? 2n ** 32n : 2n ** 128n
    for (const value of [first, first + 1n, (first + last) / 2n, last - 1n, last]) {
      if (value < first || value > last) continue
      expect(addressRefusal(toText(value, family))).toBe(expectedName(value, family))
      expect(addressRefusal(toText(value, family))).toBeTypeOf('string')
    }
    for (const value of [first - 1n, last + 1n]) {
      if (value < 0n || value >= end) continue
      expect(addressRefusal(toText(value, family))).toBe(expectedName(value, family))
    }
  })

  it('C3: refuses exactly the addresses in these ranges', () => {
    const near = fc.tuple(fc.constantFrom(...INTERVALS), fc.bigInt(-3n, 3n), fc.boolean()).map(([i, by, atEnd]) => {
      const size = i.family === 4 ? 2n ** 32n : 2n ** 128n
      return { family: i.family, value: ((atEnd ? i.last : i.first) + by + size) % size }
    })
    const any4 = fc.bigInt(0n, 2n ** 32n - 1n).map(value => ({ family: 4 as const, value }))
    const any6 = fc.bigInt(0n, 2n ** 128n - 1n).map(value => ({ family: 6 as const, value }))
    fc.assert(
      fc.property(fc.oneof(near, any4, any6), ({ family, value }) => {
        expect(addressRefusal(toText(value, family))).toBe(expectedName(value, family))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    '1.0.0.0',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.0.3.0',
    '223.255.255.255',
    '2000::',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2606:4700:4700::1111',
    '2A00:1450:4001:81b::200E',
    '3fff:1000::',
    '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ])('C3: allows the public address %s', address => {
    expect(addressRefusal(address)).toBeUndefined()
  })

  it.each([
    ['::7f00:1', 'IPv4-compatible address (deprecated)'],
    ['::127.0.0.1', 'IPv4-compatible address (deprecated)'],
    ['::8.8.8.8', 'IPv4-compatible address (deprecated)'],
    ['::ffff:7f00:1', 'IPv4-mapped address'],
    ['::ffff:8.8.8.8', 'IPv4-mapped address'],
    ['0:0:0:0:0:ffff:10.0.0.1', 'IPv4-mapped address'],
    ['::ffff:0:127.0.0.1', 'outside global unicast'],
    ['64:ff9b::127.0.0.1', 'loopback, embedded by NAT64'],
    ['2606:4700::5efe:127.0.0.1', 'loopback, embedded by ISATAP'],
    ['64:ff9b:1::7f00:1', 'IPv4-IPv6 translation (local NAT64)'],
    ['2002:7f00:1::', '6to4'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'Teredo'],
    ['200::1', 'outside global unicast'],
    ['fd00:ec2::254', 'unique local'],
  ])('C3: refuses %s, which can contain another address, as %s', (address, name) => {
    expect(addressRefusal(address)).toBe(name)
  })

  it.each(['fe80::1%eth0', '2606:4700::1%1', '8.8.8.8%eth0', '::1%'])('C3: refuses the zone identifier in %s', text => {
    expect(addressRefusal(text)).toBe(ZONE_IDENTIFIER)
  })
})

const NO_ADDRESSES = [
  '',
  '.',
  '1',
  '8.8.8',
  '8.8.8.',
  '.8.8.8.8',
  '8.8.8.8.',
  '8.8.8.8.8',
  '8..8.8',
  '08.8.8.8',
  '8.8.8.00',
  '010.1.1.1',
  '256.1.1.1',
  '1.1.1.256',
  '1.1.1.1111',
  '0x8.8.8.8',
  '134744072',
  '+8.8.8.8',
  '-1.8.8.8',
  ' 8.8.8.8',
  '8.8.8.8 ',
  '8.8.8.8\n',
  '8.8.8.8\0',
  '8.8.8.８',
  '8.8.8.٨',
  '8,8,8,8',
  '1e1.8.8.8',
  '8.8.8.8/32',
  'example.com',
  ':',
  ':::',
  '2606',
  '2606:',
  ':2606',
  '2606::1::2',
  '2606:::1',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '::1:2:3:4:5:6:7:8',
  '1:2:3:4::5:6:7:8',
  '2606::12345',
  '2606::g',
  '2606::1 ',
  ' 2606::1',
  '[2606::1]',
  '2606::1/64',
  '2606::1.2.3',
  '2606::1.2.3.256',
  '2606::01.2.3.4',
  '1.2.3.4::',
  '2606:1.2.3.4::1',
  '2606::1.2.3.4:1',
  '2606::0x1',
  '2606::-1',
  '2606::+1',
  '2606::1\n',
  '1:2:3:4:5:6:7:1.2.3.4',
  `2606::${'0'.repeat(64)}1`,
  '::１',
]

describe('parsing', () => {
  it.each(NO_ADDRESSES)('C3: does not parse %j as an address, so refuses it', text => {
    expect(parseAddress(text)).toBeUndefined()
    expect(addressRefusal(text)).toBe(NOT_AN_ADDRESS)
  })

  it('C3: parses the spellings of RFC 4291 §2.2', () => {
    const bytes = [0x26, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]
    for (const text of ['2606::102:304', '2606:0:0:0:0:0:1.2.3.4', '2606::1.2.3.4', '2606:0000::0:0102:0304']) {
      expect([...parseIpv6(text)!]).toEqual(bytes)
    }
    expect([...parseIpv6('1:2:3:4:5:6:7::')!]).toEqual([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0])
    expect([...parseIpv6('::aBcD')!].slice(14)).toEqual([0xab, 0xcd])
    expect([...parseIpv4('1.20.255.0')!]).toEqual([1, 20, 255, 0])
  })

  it('C3: agrees with Node on what an address is, and with the URL parser on its value', () => {
    const addressLike = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9.]{1,16}$/),
      fc.stringMatching(/^[0-9a-fA-F:.]{1,45}$/),
      fc.string(),
    )
    fc.assert(
      fc.property(addressLike, text => {
        const isZoned = text.includes('%')
        expect(parseIpv4(text) !== undefined).toBe(isIPv4(text))
        expect(parseIpv6(text) !== undefined).toBe(!isZoned && isIPv6(text))
        const bytes = parseAddress(text)
        if (!bytes) return
        const value = [...bytes].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
        expect(value).toBe(toNumber(text))
        expect(bytes.length).toBe(isIP(text) === 4 ? 4 : 16)
      }),
      { numRuns: 3_000 },
    )
  })

  it('C3: never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), text => void addressRefusal(text)))
  })
})

describe('networks', () => {
  it('C3: parses networks, and single addresses as networks of one', () => {
    expect(parseNetwork('10.2.0.0/16')?.prefixBits).toBe(16)
    expect(parseNetwork('10.2.0.1')?.prefixBits).toBe(32)
    expect(parseNetwork('fd00::/8')?.prefixBits).toBe(8)
    expect(parseNetwork('fd00::1')?.prefixBits).toBe(128)
    expect(parseNetwork('0.0.0.0/0')?.prefixBits).toBe(0)
  })

  it.each(['', '/', '10.2.0.0/', '/16', '10.2.0.0/33', '10.2.0.0/016', '10.2.0.0/-1', '10.2.0.0/16/16', '10.2/16'])(
    'C3: does not parse %j as a network',
    text => expect(parseNetwork(text)).toBeUndefined(),
  )

  it.each(['10.2.3.4/16', '10.2.0.1/31', 'fd00::1/64', '::/129', '10.0.0.0/ 8', 'fe80::%1/64'])(
    'C3: does not parse %j as a network either',
    text => expect(parseNetwork(text)).toBeUndefined(),
  )

  it('C3: keeps IPv4 and IPv6 apart, and compares bits within a byte', () => {
    const odd = parseNetwork('10.2.8.0/21')!
    expect(networkContains(odd, parseAddress('10.2.15.255')!)).toBe(true)
    expect(networkContains(odd, parseAddress('10.2.16.0')!)).toBe(false)
    expect(networkContains(odd, parseAddress('10.2.7.255')!)).toBe(false)
    expect(networkContains(parseNetwork('::/0')!, parseAddress('10.2.8.0')!)).toBe(false)
    expect(networkContains(parseNetwork('0.0.0.0/0')!, parseAddress('::')!)).toBe(false)
  })

  it('C3: takes only 127/8 and ::1 as loopback', () => {
    for (const address of ['127.0.0.0', '127.0.0.1', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1']) {
      expect(isLoopbackAddress(address)).toBe(true)
    }
    for (const address of [
      '126.255.255.255',
      '128.0.0.0',
      '::',
      '::2',
      '::ffff:127.0.0.1',
      '::127.0.0.1',
      'localhost',
    ]) {
      expect(isLoopbackAddress(address)).toBe(false)
    }
  })
})
