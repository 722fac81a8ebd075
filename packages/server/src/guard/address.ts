/**
 * C3: the IP addresses that webhooks can go to. An address is refused unless it is a public unicast address.
 *
 * The parser and the table are our own, because each of the existing libraries we tried lets something through:
 * `net.BlockList` misses `::a.b.c.d`, `64:ff9b::` and `2002::`; `ipaddr.js` calls `::7f00:1` and `100:0:0:1::1`
 * unicast; `private-ip` lets `::ffff:7f00:1` through.
 */

/** A range that no request is sent to, unless the operator allows the network (refusal.ts). */
export type RefusedRange = {
  /** In CIDR notation. */
  readonly range: string
  /** The purpose of the range, as its registry calls it. */
  readonly name: string
  /** The document that reserves it. */
  readonly source: string
}

/** A parsed network in CIDR notation. */
export type Network = {
  /** The network's first address: 4 bytes (IPv4) or 16 bytes (IPv6). */
  readonly bytes: Uint8Array
  /** The length of the prefix, in bits. */
  readonly prefixBits: number
}

/**
 * All refused ranges: the IANA IPv4 and IPv6 Special-Purpose Address Registries (as of 2025-10-09), whether or not they
 * call an entry globally reachable; multicast; and all of IPv6 outside 2000::/3. If ranges overlap, the narrowest one
 * gives the name.
 */
export const REFUSED_RANGES: readonly RefusedRange[] = [
  { range: '0.0.0.0/8', name: 'this network', source: 'RFC 791 §3.2' },
  { range: '0.0.0.0/32', name: 'this host on this network', source: 'RFC 1122 §3.2.1.3' },
  { range: '10.0.0.0/8', name: 'private use', source: 'RFC 1918' },
  { range: '100.64.0.0/10', name: 'shared address space', source: 'RFC 6598' },
  { range: '127.0.0.0/8', name: 'loopback', source: 'RFC 1122 §3.2.1.3' },
  { range: '169.254.0.0/16', name: 'link local', source: 'RFC 3927' },
  { range: '172.16.0.0/12', name: 'private use', source: 'RFC 1918' },
  { range: '192.0.0.0/24', name: 'IETF protocol assignments', source: 'RFC 6890 §2.1' },
  { range: '192.0.0.0/29', name: 'IPv4 service continuity prefix', source: 'RFC 7335' },
  { range: '192.0.0.8/32', name: 'IPv4 dummy address', source: 'RFC 7600' },
  { range: '192.0.0.9/32', name: 'Port Control Protocol anycast', source: 'RFC 7723' },
  { range: '192.0.0.10/32', name: 'TURN anycast', source: 'RFC 8155' },
  { range: '192.0.0.170/32', name: 'NAT64/DNS64 discovery', source: 'RFC 8880, RFC 7050 §2.2' },
  { range: '192.0.0.171/32', name: 'NAT64/DNS64 discovery', source: 'RFC 8880, RFC 7050 §2.2' },
  { range: '192.0.2.0/24', name: 'documentation (TEST-NET-1)', source: 'RFC 5737' },
  { range: '192.31.196.0/24', name: 'AS112-v4', source: 'RFC 7535' },
  { range: '192.52.193.0/24', name: 'AMT', source: 'RFC 7450' },
  { range: '192.88.99.0/24', name: 'deprecated (6to4 relay anycast)', source: 'RFC 7526' },
  { range: '192.88.99.2/32', name: '6a44 relay anycast', source: 'RFC 6751' },
  { range: '192.168.0.0/16', name: 'private use', source: 'RFC 1918' },
  { range: '192.175.48.0/24', name: 'direct delegation AS112 service', source: 'RFC 7534' },
  { range: '198.18.0.0/15', name: 'benchmarking', source: 'RFC 2544' },
  { range: '198.51.100.0/24', name: 'documentation (TEST-NET-2)', source: 'RFC 5737' },
  { range: '203.0.113.0/24', name: 'documentation (TEST-NET-3)', source: 'RFC 5737' },
  { range: '224.0.0.0/4', name: 'multicast', source: 'RFC 5771' },
  { range: '240.0.0.0/4', name: 'reserved', source: 'RFC 1112 §4' },
  { range: '255.255.255.255/32', name: 'limited broadcast', source: 'RFC 8190, RFC 919 §7' },
  { range: '::/128', name: 'unspecified address', source: 'RFC 4291 §2.5.2' },
  { range: '::1/128', name: 'loopback', source: 'RFC 4291 §2.5.3' },
  { range: '::/96', name: 'IPv4-compatible address (deprecated)', source: 'RFC 4291 §2.5.5.1' },
  { range: '::ffff:0:0/96', name: 'IPv4-mapped address', source: 'RFC 4291 §2.5.5.2' },
  { range: '64:ff9b:1::/48', name: 'IPv4-IPv6 translation (local NAT64)', source: 'RFC 8215' },
  { range: '100::/64', name: 'discard-only', source: 'RFC 6666' },
  { range: '100:0:0:1::/64', name: 'dummy IPv6 prefix', source: 'RFC 9780' },
  { range: '2001::/23', name: 'IETF protocol assignments', source: 'RFC 2928' },
  { range: '2001::/32', name: 'Teredo', source: 'RFC 4380, RFC 8190' },
  { range: '2001:1::1/128', name: 'Port Control Protocol anycast', source: 'RFC 7723' },
  { range: '2001:1::2/128', name: 'TURN anycast', source: 'RFC 8155' },
  { range: '2001:1::3/128', name: 'DNS-SD service registration anycast', source: 'RFC 9665' },
  { range: '2001:2::/48', name: 'benchmarking', source: 'RFC 5180, RFC 1752' },
  { range: '2001:3::/32', name: 'AMT', source: 'RFC 7450' },
  { range: '2001:4:112::/48', name: 'AS112-v6', source: 'RFC 7535' },
  { range: '2001:10::/28', name: 'deprecated (ORCHID)', source: 'RFC 4843' },
  { range: '2001:20::/28', name: 'ORCHIDv2', source: 'RFC 7343' },
  { range: '2001:30::/28', name: 'drone remote ID entity tags', source: 'RFC 9374' },
  { range: '2001:db8::/32', name: 'documentation', source: 'RFC 3849' },
  { range: '2002::/16', name: '6to4', source: 'RFC 3056' },
  { range: '2620:4f:8000::/48', name: 'direct delegation AS112 service', source: 'RFC 7534' },
  { range: '3fff::/20', name: 'documentation', source: 'RFC 9637' },
  { range: '5f00::/16', name: 'segment routing (SRv6) SIDs', source: 'RFC 9602' },
  { range: 'fc00::/7', name: 'unique local', source: 'RFC 4193, RFC 8190' },
  { range: 'fe80::/10', name: 'link-local unicast', source: 'RFC 4291 §2.5.6' },
  { range: 'fec0::/10', name: 'site local (deprecated)', source: 'RFC 3879' },
  { range: 'ff00::/8', name: 'multicast', source: 'RFC 4291 §2.7' },
  { range: '::/3', name: 'outside global unicast', source: 'RFC 4291 §2.4, RFC 3587 §3' },
  { range: '4000::/2', name: 'outside global unicast', source: 'RFC 4291 §2.4, RFC 3587 §3' },
  { range: '8000::/1', name: 'outside global unicast', source: 'RFC 4291 §2.4, RFC 3587 §3' },
]

/** What `addressRefusal` returns for text that is not an address: text that can't be parsed is never let through. */
export const NOT_AN_ADDRESS = 'not an IP address'

/**
 * What `addressRefusal` returns for `fe80::1%eth0` and the like (RFC 4007 §11): a zone means nothing outside a host.
 */
export const ZONE_IDENTIFIER = 'address with a zone identifier'

const DOT = 46
const DIGIT_0 = 48
const DIGIT_9 = 57
const LONGEST_IPV6_TEXT = '0000:0000:0000:0000:0000:0000:255.255.255.255'.length
const HEX_GROUP = /^[0-9A-Fa-f]{1,4}$/

/** The four bytes of canonical dotted-decimal text. Undefined for any other notation (no octal, hex or short forms). */
export function parseIpv4(text: string): Uint8Array | undefined {
  if (text.length < 7 || text.length > 15) return undefined
  const bytes = new Uint8Array(4)
  let part = 0
  let value = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === DOT) {
      if (value < 0 || part === 3) return undefined
      bytes[part++] = value
      value = -1
    } else {
      // Some parsers read a number with a leading zero as octal, others as decimal.
      if (code < DIGIT_0 || code > DIGIT_9 || value === 0) return undefined
      value = value < 0 ? code - DIGIT_0 : value * 10 + code - DIGIT_0
      if (value > 255) return undefined
    }
  }
  if (part !== 3 || value < 0) return undefined
  bytes[3] = value
  return bytes
}

/** The sixteen bytes of IPv6 text (RFC 4291 §2.2), which can end in IPv4. Undefined for anything else, even a zone. */
export function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length < 2 || text.length > LONGEST_IPV6_TEXT) return undefined
  const gap = text.indexOf('::')
  const bytes = new Uint8Array(16)
  if (gap === -1) {
    const groups = groupBytes(text, true)
    if (groups?.length !== 16) return undefined
    bytes.set(groups)
    return bytes
  }
  if (text.indexOf('::', gap + 1) !== -1) return undefined
  const head = groupBytes(text.slice(0, gap), false)
  const tail = groupBytes(text.slice(gap + 2), true)
  // '::' stands for at least one group of zeros.
  if (!head || !tail || head.length + tail.length > 14) return undefined
  bytes.set(head)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** The bytes of colon-separated groups. Only the end of an address can be written as IPv4 (`mayEndInIpv4`). */
function groupBytes(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  const bytes: number[] = []
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!
    if (HEX_GROUP.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 255)
    } else {
      const ipv4 = mayEndInIpv4 && i === groups.length - 1 ? parseIpv4(group) : undefined
      if (!ipv4) return undefined
      bytes.push(...ipv4)
    }
  }
  return bytes
}

/** The 4 or 16 bytes of an IP address. Undefined if the text is not an IP address. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/**
 * Parses a network in CIDR notation, or a single address. Undefined if it is malformed or has bits set after the
 * prefix: `10.2.3.4/16` might have been meant as a narrower network.
 */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const bytes = parseAddress(slash === -1 ? text : text.slice(0, slash))
  if (!bytes) return undefined
  if (slash === -1) return { bytes, prefixBits: bytes.length * 8 }
  const prefixText = text.slice(slash + 1)
  if (!/^(0|[1-9][0-9]{0,2})$/.test(prefixText)) return undefined
  const prefixBits = Number(prefixText)
  if (prefixBits > bytes.length * 8) return undefined
  for (let bit = prefixBits; bit < bytes.length * 8; bit++) {
    if ((bytes[bit >> 3]! & (0x80 >> (bit & 7))) !== 0) return undefined
  }
  return { bytes, prefixBits }
}

/** Whether the address is in the network. An IPv4 address is never in an IPv6 network, nor vice versa. */
export function networkContains(network: Network, address: Uint8Array): boolean {
  if (network.bytes.length !== address.length) return false
  const wholeBytes = network.prefixBits >> 3
  for (let i = 0; i < wholeBytes; i++) {
    if (network.bytes[i] !== address[i]) return false
  }
  const restBits = network.prefixBits & 7
  return restBits === 0 || (network.bytes[wholeBytes]! ^ address[wholeBytes]!) >> (8 - restBits) === 0
}

const COMPILED = REFUSED_RANGES.map(({ range, name }) => {
  const network = parseNetwork(range)
  if (!network) throw new Error(`${range} in REFUSED_RANGES is not a network`)
  return { network, name }
}).sort((a, b) => b.network.prefixBits - a.network.prefixBits)

/** C3: returns undefined for a public unicast address, or else the name of the range that it is refused for. */
export function refusedRange(address: Uint8Array): string | undefined {
  return COMPILED.find(({ network }) => networkContains(network, address))?.name
}

const LOOPBACKS = ['127.0.0.0/8', '::1/128'].map(range => parseNetwork(range)!)

/** Whether the text is a loopback address: 127.0.0.0/8 or ::1, in no translated form. */
export function isLoopbackAddress(address: string): boolean {
  const bytes = parseAddress(address)
  return bytes !== undefined && LOOPBACKS.some(network => networkContains(network, bytes))
}
