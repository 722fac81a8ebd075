import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/guard/address.ts'
import { EMBEDDING_FORMS, embeddedIn, parseNat64Prefix } from '../../src/guard/embedded.ts'
import { addressRefusal } from '../../src/guard/refusal.ts'

/** 32 bits as text. */
const bitsOf = (ipv4: string) =>
  ipv4
    .split('.')
    .map(part => Number(part).toString(2).padStart(8, '0'))
    .join('')

/** Eight full groups from 128 bits. */
function textOf(bits: string): string {
  expect(bits).toHaveLength(128)
  return bits
    .match(/.{16}/g)!
    .map(group => Number.parseInt(group, 2).toString(16))
    .join(':')
}

const bits = (count: number) =>
  fc.array(fc.constantFrom('0', '1'), { minLength: count, maxLength: count }).map(all => all.join(''))
const zeros = (count: number) => '0'.repeat(count)
const groups = (...values: number[]) => values.map(value => value.toString(2).padStart(16, '0')).join('')
const inverted = (text: string) => text.replaceAll(/[01]/g, bit => (bit === '0' ? '1' : '0'))

/** RFC 6052 §2.2, from the text of the standard: prefix, IPv4 address, with eight zero bits from bit 64 on, suffix. */
function translated(prefix: string, ipv4: string, suffix = ''): string {
  if (prefix.length === 96) return textOf(prefix + bitsOf(ipv4))
  const without = prefix + bitsOf(ipv4)
  return textOf((without.slice(0, 64) + zeros(8) + without.slice(64)).concat(suffix).padEnd(128, '0').slice(0, 128))
}

/** Refused and public addresses, in about equal parts. */
const ipv4 = fc.oneof(
  fc.ipV4(),
  fc.constantFrom('10.0.0.1', '127.0.0.1', '169.254.169.254', '192.168.1.1', '0.0.0.0', '255.255.255.255'),
  fc.constantFrom('8.8.8.8', '1.1.1.1', '203.0.112.1'),
)

/** How each form carries an IPv4 address, written independently of the table under test. */
const FORMS: Record<string, fc.Arbitrary<(ipv4: string) => string>> = {
  'IPv4-mapped': fc.constant(ip => textOf(zeros(80) + groups(0xffff) + bitsOf(ip))),
  'IPv4-compatible': fc.constant(ip => textOf(zeros(96) + bitsOf(ip))),
  'IPv4-translated': fc.constant(ip => textOf(zeros(64) + groups(0xffff, 0) + bitsOf(ip))),
  '6to4': bits(80).map(rest => ip => textOf(groups(0x2002) + bitsOf(ip) + rest)),
  'Teredo client': bits(64).map(rest => ip => textOf(groups(0x2001, 0) + rest + inverted(bitsOf(ip)))),
  'Teredo server': bits(64).map(rest => ip => textOf(groups(0x2001, 0) + bitsOf(ip) + rest)),
  ISATAP: fc.tuple(bits(57), fc.constantFrom(0, 0x200, 0x100, 0x300)).map(
    ([prefix, flags]) =>
      ip =>
        textOf(`0010101${prefix}${groups(flags, 0x5efe)}${bitsOf(ip)}`),
  ),
  NAT64: fc.constant(ip => textOf(groups(0x64, 0xff9b, 0, 0, 0, 0) + bitsOf(ip))),
  'local NAT64 of 96 bits': bits(16).map(subnet => ip => translated(groups(0x64, 0xff9b, 1) + subnet + zeros(32), ip)),
  'local NAT64 of 64 bits': bits(16).map(subnet => ip => translated(groups(0x64, 0xff9b, 1) + subnet, ip)),
  'local NAT64 of 56 bits': bits(8).map(subnet => ip => translated(groups(0x64, 0xff9b, 1) + subnet, ip)),
  'local NAT64 of 48 bits': bits(80).map(rest => ip => translated(groups(0x64, 0xff9b, 1), ip, rest)),
}

const anyForm = fc.constantFrom(...Object.keys(FORMS)).chain(name => FORMS[name]!)

/** A prefix of a translator: its bits, and as it is written in the setting. */
const anyPrefix = fc.constantFrom(32, 40, 48, 56, 64, 96).chain(length =>
  bits(length - 7).map(random => {
    // Public, and no other form by chance.
    const prefix = `0010101${random}`.slice(0, Math.min(length, 64)) + (length === 96 ? zeros(32) : '')
    return { prefix, text: `${textOf(prefix.padEnd(128, '0'))}/${length}` }
  }),
)

const opening = (allowTarget: string[], nat64Prefix: string[] = []) => ({ allowTarget, nat64Prefix })

describe('an IPv6 address that carries an IPv4 address', () => {
  it('C3: is refused if the IPv4 address is, even if all of IPv6 is allowed', () => {
    fc.assert(
      fc.property(anyForm, ipv4, (embed, ip) => {
        const refusal = addressRefusal(ip)
        const address = embed(ip)
        // ::1 is no compatible address, and the network opens it.
        fc.pre(refusal !== undefined && address !== '0:0:0:0:0:0:0:1')
        expect(addressRefusal(address, opening(['::/0']))).toBeTypeOf('string')
      }),
      { numRuns: 2_000 },
    )
  })

  it('C3: is allowed in an allowed network if the IPv4 address is public or allowed', () => {
    const simple = fc.constantFrom('IPv4-mapped', 'IPv4-compatible', 'IPv4-translated', '6to4', 'NAT64', 'ISATAP')
    fc.assert(
      fc.property(
        simple.chain(name => FORMS[name]!),
        ipv4,
        fc.boolean(),
        (embed, ip, isOpened) => {
          const networks = isOpened ? [`${ip}/32`] : []
          const address = embed(ip)
          // The rest of a 6to4 address is random, but not by chance another form.
          const expected = addressRefusal(ip, opening(networks))
          const verdict = addressRefusal(address, opening(['::/0', ...networks]))
          const isSpecial = parseAddress(address)!
            .subarray(0, 15)
            .every(byte => byte === 0)
          if (expected === undefined && !isSpecial) expect(verdict).toBeUndefined()
          else if (!isSpecial) expect(verdict).toContain(`${expected}, embedded by `)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('C3: is judged like the IPv4 address alone behind 64:ff9b::/96 and behind a prefix of the operator', () => {
    const allowed = fc.subarray(['10.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', 'fd00::/8', '::/0'])
    fc.assert(
      fc.property(anyPrefix, ipv4, allowed, ({ prefix, text }, ip, allowTarget) => {
        const verdict = (address: string) => addressRefusal(address, opening(allowTarget, [text]))
        const own = addressRefusal(ip, opening(allowTarget))
        const by = (form: string) => (own === undefined ? undefined : `${own}, embedded by ${form}`)
        expect(verdict(translated(prefix, ip))).toBe(by(`NAT64 of ${prefix.length} bits`))
        expect(verdict(`64:ff9b::${ip}`)).toBe(by('NAT64'))
      }),
      { numRuns: 2_000 },
    )
  })

  it('C3: behind a prefix of the operator is refused if the IPv4 address is, whatever its reserved bits are', () => {
    fc.assert(
      fc.property(anyPrefix, ipv4, bits(64), ({ prefix, text }, ip, suffix) => {
        fc.pre(addressRefusal(ip) !== undefined)
        expect(addressRefusal(translated(prefix, ip, suffix), opening(['::/0'], [text]))).toBeTypeOf('string')
      }),
    )
  })

  it('C3: a private prefix of a translator opens no address that is no translation', () => {
    const verdict = (address: string) => addressRefusal(address, opening([], ['fd64::/64']))
    expect(verdict('fd64::8:808:800:0')).toBeUndefined()
    expect(verdict('fd64::8:808:800:1')).toBe('unique local')
    expect(verdict('fd64::108:808:800:0')).toBe('unique local')
    expect(verdict('fd64:0:0:1:8:808:800:0')).toBe('unique local')
  })

  it('C3: in 64:ff9b:1::/48 must be allowed in every reading, unless the operator says how long the prefix is', () => {
    const address = '64:ff9b:1::8.8.8.8'
    expect(addressRefusal(address)).toBe('IPv4-IPv6 translation (local NAT64)')
    expect(addressRefusal(address, opening(['64:ff9b:1::/48']))).toBe(
      'this host on this network, embedded by local NAT64 of 48 bits',
    )
    expect(addressRefusal(address, opening([], ['64:ff9b:1::/96']))).toBeUndefined()
    // 169.254.169.254 for a prefix of 48 bits, and 8.8.8.8 for one of 96.
    const twofold = '64:ff9b:1:a9fe:a9:fe00:808:808'
    expect(addressRefusal(twofold, opening(['64:ff9b:1::/48']))).toContain('link local')
    expect(addressRefusal(twofold, opening([], ['64:ff9b:1::/48']))).toBeTypeOf('string')
  })

  it('C3: is found in every form of the table', () => {
    for (const { name, range } of EMBEDDING_FORMS) {
      const key = Object.keys(FORMS).find(form => name.startsWith(form))
      const embed = fc.sample(FORMS[key!]!, { numRuns: 1, seed: 17 })[0]!
      const found = embeddedIn(parseAddress(embed('198.51.100.7'))!, []).filter(({ form }) => form === name)
      expect(
        found.map(({ ipv4: bytes }) => bytes.join('.')),
        range,
      ).toEqual(['198.51.100.7'])
    }
    expect(embeddedIn(parseAddress('::1')!, [])).toEqual([])
    expect(embeddedIn(parseAddress('2606:4700::1111')!, [])).toEqual([])
  })

  it.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::192.0.2.33'],
  ])('C3: of the prefix %s is read as in RFC 6052 §2.4', (prefix, address) => {
    const found = embeddedIn(parseAddress(address)!, [parseNat64Prefix(prefix)!])
    expect(found.map(({ ipv4: bytes }) => bytes.join('.'))).toEqual(['192.0.2.33'])
  })
})

describe('the prefix of a translator', () => {
  it.each(['10.0.0.0/8', '64:ff9b::', '2001:db8::/33', '2001:db8::/0', '2001:db8::/128', '2001:db8::1/96', 'x', ''])(
    'C3: cannot be %j',
    text => expect(parseNat64Prefix(text)).toBeUndefined(),
  )

  it('C3: must have zero in the bits 64 to 71', () => {
    expect(parseNat64Prefix('2001:db8:0:0:100::/96')).toBeUndefined()
    expect(parseNat64Prefix('2001:db8:0:0:1::/96')).toBeDefined()
  })
})
