/**
 * The order in which addresses are tried: RFC 6724 as glibc's `getaddrinfo` applies it, with the machine's own
 * addresses and routes, and gai.conf(5). Rules 3, 4 and 7 (deprecated, home and tunnelled addresses) need what only the
 * kernel's interface for routing tells, and are left out.
 */
import type { LookupAddress } from 'node:dns'
import { networkInterfaces } from 'node:os'
import { type Network, networkContains, parseAddress, parseNetwork } from '../address.ts'
import { sourceOf } from './source-address.ts'

type Entry = { readonly network: Network; readonly value: number }

/** Longest prefix first. */
export type AddressTables = { readonly labels: readonly Entry[]; readonly precedences: readonly Entry[] }

const DEFAULT_LABELS = [
  '::1/128 0',
  '2002::/16 2',
  '::/96 3',
  '::ffff:0:0/96 4',
  'fec0::/10 5',
  'fc00::/7 6',
  '2001::/32 7',
  '::/0 1',
]
const DEFAULT_PRECEDENCES = ['::1/128 50', '::/0 40', '2002::/16 30', '::/96 20', '::ffff:0:0/96 10']

/** A table in gai.conf replaces the default one. */
export function parseGaiConf(text: string): AddressTables {
  const lines = text.split('\n').map(line => line.replace(/#.*/, '').trim().split(/\s+/))
  const table = (keyword: string, otherwise: readonly string[]) => {
    const own = lines.filter(([word]) => word === keyword).map(([, network, value]) => `${network} ${value}`)
    return (own.length > 0 ? own : otherwise)
      .flatMap(toEntry)
      .sort((a, b) => b.network.prefixBits - a.network.prefixBits)
  }
  return { labels: table('label', DEFAULT_LABELS), precedences: table('precedence', DEFAULT_PRECEDENCES) }
}

function toEntry(line: string): Entry[] {
  const [network, value] = line.split(' ')
  const parsed = parseNetwork(network!)
  return parsed === undefined || !/^\d+$/.test(value!) ? [] : [{ network: parsed, value: Number(value) }]
}

/**
 * The families to look for: one if this machine has addresses of that one only, other than loopback (`AI_ADDRCONFIG` of
 * getaddrinfo(3)), else both.
 */
export function usableFamilies(): readonly (4 | 6)[] {
  const own = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  const hasIpv4 = own.some(({ address }) => !address.includes(':') && address !== '127.0.0.1')
  const hasIpv6 = own.some(({ address }) => address.includes(':') && address !== '::1')
  if (hasIpv4 === hasIpv6) return [4, 6]
  return [hasIpv4 ? 4 : 6]
}

type Judged = {
  readonly address: LookupAddress
  readonly bytes: Uint8Array
  readonly scope: number
  readonly precedence: number
  /** How the machine's own address for it compares. Undefined if it can't be reached. */
  readonly source:
    | { readonly hasScope: boolean; readonly hasLabel: boolean; readonly differsFromBit: number }
    | undefined
}

export async function inOrder(addresses: readonly LookupAddress[], tables: AddressTables): Promise<LookupAddress[]> {
  if (addresses.length < 2) return [...addresses]
  const sources = await sourceOf(addresses)
  const own = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  // Without an IPv6 address, glibc doesn't know the networks of its IPv4 addresses either.
  const knowsNetworks = own.some(({ address }) => address.includes(':') && address !== '::1')
  const masks = new Map(knowsNetworks ? own.map(({ address, netmask }) => [address, netmask]) : [])
  const judged = addresses.map((address, index): Judged => {
    const bytes = parseAddress(address.address) ?? new Uint8Array(16)
    const from = sources[index]
    const source = from === undefined ? undefined : compareWith(bytes, from, masks.get(from), tables)
    return { address, bytes, scope: scopeOf(bytes), precedence: rowOf(tables.precedences, bytes, 3), source }
  })
  return judged.sort(compare).map(({ address }) => address)
}

function compareWith(bytes: Uint8Array, own: string, mask: string | undefined, { labels }: AddressTables) {
  const ownBytes = parseAddress(own.replace(/%.*/, '')) ?? new Uint8Array(bytes.length)
  return {
    hasScope: scopeOf(bytes) === scopeOf(ownBytes),
    hasLabel: rowOf(labels, bytes, 1) === rowOf(labels, ownBytes, 1),
    differsFromBit: lastDifference(bytes, ownBytes, mask),
  }
}

/** Array.prototype.sort is stable, which is rule 10. */
function compare(a: Judged, b: Judged): number {
  if ((a.source === undefined) !== (b.source === undefined)) return a.source === undefined ? 1 : -1
  const [one, other] = [a.source, b.source]
  if (one !== undefined && other !== undefined) {
    if (one.hasScope !== other.hasScope) return one.hasScope ? -1 : 1
    if (one.hasLabel !== other.hasLabel) return one.hasLabel ? -1 : 1
  }
  if (a.precedence !== b.precedence) return b.precedence - a.precedence
  if (a.scope !== b.scope) return a.scope - b.scope
  if (one === undefined || other === undefined || a.bytes.length !== b.bytes.length) return 0
  return one.differsFromBit - other.differsFromBit
}

/** IPv4 addresses count as mapped ones (RFC 6724 §2.1). */
function rowOf(entries: readonly Entry[], bytes: Uint8Array, otherwise: number): number {
  const mapped = bytes.length === 16 ? bytes : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...bytes)
  return entries.find(({ network }) => networkContains(network, mapped))?.value ?? otherwise
}

const LINK_LOCAL = 2
const SITE_LOCAL = 5
const GLOBAL = 14

/** RFC 6724 §3.1 and §3.2. */
function scopeOf(bytes: Uint8Array): number {
  const [first, second] = [bytes[0]!, bytes[1]!]
  if (bytes.length === 4) return first === 127 || (first === 169 && second === 254) ? LINK_LOCAL : GLOBAL
  if (first === 0xff) return second & 0xf
  const isLoopback = bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))
  if (isLoopback || (first === 0xfe && (second & 0xc0) === 0x80)) return LINK_LOCAL
  return first === 0xfe && (second & 0xc0) === 0xc0 ? SITE_LOCAL : GLOBAL
}

/** More than the bits of an IPv4 address. */
const OTHER_NETWORK = 33

/**
 * Rule 9: the number of bits from the first one that differs to the end; less is better. For IPv4 only inside the
 * network of the machine's address, as in glibc.
 */
function lastDifference(bytes: Uint8Array, own: Uint8Array, mask: string | undefined): number {
  if (bytes.length === 4) {
    const netmask = parseAddress(mask ?? '255.255.255.255')!
    if (!bytes.every((byte, index) => (byte & netmask[index]!) === (own[index]! & netmask[index]!)))
      return OTHER_NETWORK
  }
  const at = bytes.findIndex((byte, index) => byte !== own[index])
  return at === -1 ? 0 : (bytes.length - at) * 8 - (Math.clz32(bytes[at]! ^ own[at]!) - 24)
}
