/**
 * IPv6 addresses that carry an IPv4 address: a translator, a tunnel or the kernel can take a request for one of them to
 * the IPv4 address inside. So each IPv4 address that an address can be read to carry is judged as if it had been given
 * itself, whatever opened the address around it.
 */
import { type Network, networkContains, parseNetwork } from './address.ts'

/** A form of address that carries an IPv4 address, at a fixed place. */
export type EmbeddingForm = {
  /** In CIDR notation. */
  readonly range: string
  readonly name: string
  /** The document that defines it. */
  readonly source: string
  /** The places of the IPv4 address's bytes. */
  readonly places: Places
  /** Whether the bytes are inverted. Default: false. */
  readonly isInverted?: boolean
}

type Places = readonly [number, number, number, number]

/** An IPv4 address that was found in an IPv6 address. */
export type Embedded = { readonly form: string; readonly ipv4: Uint8Array }

/** The places of the IPv4 address by the length of the prefix, in bits (RFC 6052 §2.2). Byte 8 is left out: it is 0. */
const NAT64_PLACES: ReadonlyMap<number, Places> = new Map<number, Places>([
  [32, [4, 5, 6, 7]],
  [40, [5, 6, 7, 9]],
  [48, [6, 7, 9, 10]],
  [56, [7, 9, 10, 11]],
  [64, [9, 10, 11, 12]],
  [96, [12, 13, 14, 15]],
])
const RESERVED_BYTE = 8
const LAST_FOUR: Places = [12, 13, 14, 15]

/**
 * All forms with a fixed range. The lengths that a prefix inside 64:ff9b:1::/48 can have are all listed, because only
 * the operator knows which one a translator uses (RFC 8215 §4.1).
 */
export const EMBEDDING_FORMS: readonly EmbeddingForm[] = [
  { range: '64:ff9b::/96', name: 'NAT64', source: 'RFC 6052 §2.1', places: LAST_FOUR },
  ...[48, 56, 64, 96].map(bits => ({
    range: '64:ff9b:1::/48',
    name: `local NAT64 of ${bits} bits`,
    source: 'RFC 8215, RFC 6052 §2.2',
    places: NAT64_PLACES.get(bits)!,
  })),
  { range: '::/96', name: 'IPv4-compatible address', source: 'RFC 4291 §2.5.5.1', places: LAST_FOUR },
  { range: '::ffff:0:0/96', name: 'IPv4-mapped address', source: 'RFC 4291 §2.5.5.2', places: LAST_FOUR },
  { range: '::ffff:0:0:0/96', name: 'IPv4-translated address', source: 'RFC 2765 §2.1', places: LAST_FOUR },
  { range: '2002::/16', name: '6to4', source: 'RFC 3056 §2', places: [2, 3, 4, 5] },
  { range: '2001::/32', name: 'Teredo server', source: 'RFC 4380 §4', places: [4, 5, 6, 7] },
  { range: '2001::/32', name: 'Teredo client', source: 'RFC 4380 §4', places: LAST_FOUR, isInverted: true },
]

const COMPILED = EMBEDDING_FORMS.map(form => ({ ...form, network: parseNetwork(form.range)! }))
const WELL_KNOWN = parseNetwork('64:ff9b::/96')!
const LOCAL_USE = parseNetwork('64:ff9b:1::/48')!
/** It looks like a compatible address, but is none (RFC 4291 §2.5.3). */
const LOOPBACK = parseNetwork('::1')!

/** Parses a prefix of a NAT64 translator. Undefined unless RFC 6052 §2.2 allows it. */
export function parseNat64Prefix(text: string): Network | undefined {
  const network = parseNetwork(text)
  if (network?.bytes.length !== 16 || !NAT64_PLACES.has(network.prefixBits)) return undefined
  return network.bytes[RESERVED_BYTE] === 0 ? network : undefined
}

/**
 * Whether the address stands for an IPv4 address behind a translator of which the operator knows, so that the IPv4
 * address alone decides. Bits that are reserved must be 0, as in what a DNS64 makes up (RFC 6052 §2.2).
 *
 * @param nat64 the operator's prefixes
 */
export function isTranslation(address: Uint8Array, nat64: readonly Network[]): boolean {
  if (networkContains(WELL_KNOWN, address)) return true
  return nat64.some(network => {
    if (!networkContains(network, address)) return false
    const last = NAT64_PLACES.get(network.prefixBits)![3]
    return address[RESERVED_BYTE] === 0 && address.subarray(last + 1).every(byte => byte === 0)
  })
}

/**
 * Every IPv4 address that the IPv6 address can be read to carry.
 *
 * @param nat64 the operator's prefixes
 */
export function embeddedIn(address: Uint8Array, nat64: readonly Network[]): Embedded[] {
  const found: Embedded[] = []
  const own = nat64.filter(network => networkContains(network, address))
  for (const { prefixBits } of own) {
    found.push({ form: `NAT64 of ${prefixBits} bits`, ipv4: read(address, NAT64_PLACES.get(prefixBits)!) })
  }
  // The operator has said how long the prefix is.
  const isLocalKnown = own.some(({ prefixBits }) => prefixBits >= LOCAL_USE.prefixBits)
  for (const { network, name, places, isInverted } of COMPILED) {
    if (!networkContains(network, address)) continue
    if (isLocalKnown && networkContains(LOCAL_USE, address)) continue
    if (networkContains(LOOPBACK, address)) continue
    found.push({ form: name, ipv4: read(address, places, isInverted) })
  }
  if (isIsatap(address)) found.push({ form: 'ISATAP', ipv4: read(address, LAST_FOUR) })
  return found
}

/** RFC 5214 §6.1: the interface identifier, under any prefix, whatever its bits u and g are. */
const isIsatap = (address: Uint8Array): boolean =>
  (address[8]! & 0xfc) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe

function read(address: Uint8Array, places: Places, isInverted = false): Uint8Array {
  return Uint8Array.from(places, place => address[place]! ^ (isInverted ? 0xff : 0))
}
