/** The IP address that a call came from. */
import { isIPv4 } from 'node:net'
import { type Network, networkContains, parseAddress } from '../../guard/address.ts'

const MAPPED = /^::ffff:(?=\d+\.)/i

/** An address as a socket reports it, an IPv4-mapped one (RFC 4291 §2.5.5.2) as IPv4, and without a zone. */
export function plainAddress(address: string): string {
  return address.replace(MAPPED, '').replace(/%.*$/, '')
}

/**
 * The address that a call came from: the socket's or, if that is a trusted proxy, the right-most address in
 * `X-Forwarded-For` that is not a trusted proxy. Anything to the left of it was written by the caller and can't be
 * trusted. An entry that can't be parsed ends the search.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | readonly string[] | undefined,
  trustedProxies: readonly Network[],
): string | null {
  if (peer === undefined) return null
  let address = plainAddress(peer)
  if (trustedProxies.length === 0 || forwardedFor === undefined) return address
  const hops = [forwardedFor].flat().join(',').split(',')
  while (isTrusted(address, trustedProxies)) {
    const before = readHop(hops.pop())
    if (before === undefined) break
    address = before
  }
  return address
}

export function isTrusted(address: string, trustedProxies: readonly Network[]): boolean {
  const bytes = parseAddress(address)
  return bytes !== undefined && trustedProxies.some(network => networkContains(network, bytes))
}

/** An address with or without a port, IPv6 with or without brackets; undefined for anything else. */
function readHop(hop: string | undefined): string | undefined {
  const text = hop?.trim() ?? ''
  const address = (/^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1')).replace(
    MAPPED,
    '',
  )
  return parseAddress(address) === undefined ? undefined : address
}

const BYTES_OF_A_NETWORK = 8

/**
 * The key that failures are counted by: an IPv4 address, or the /64 of an IPv6 address, which one customer controls.
 */
export function networkOf(address: string): string {
  const bytes = isIPv4(address) ? undefined : parseAddress(address)
  return bytes === undefined ? address : `${Buffer.from(bytes.subarray(0, BYTES_OF_A_NETWORK)).toString('hex')}/64`
}
