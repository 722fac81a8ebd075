/** What `/etc/hosts` says (hosts(5)): every address on every line of a name, in order, whatever its family. */
import type { LookupAddress } from 'node:dns'
import { parseAddress } from '../address.ts'

export type HostsFile = ReadonlyMap<string, readonly LookupAddress[]>

export function parseHosts(text: string): HostsFile {
  const hosts = new Map<string, LookupAddress[]>()
  for (const line of text.split('\n')) {
    const [address, ...names] = line
      .replace(/#.*/, '')
      .split(/[ \t\r]+/)
      .filter(word => word !== '')
    if (address === undefined || parseAddress(address) === undefined) continue
    for (const name of new Set(names.map(each => each.toLowerCase()))) {
      const known = hosts.get(name)
      const entry = { address, family: address.includes(':') ? 6 : 4 }
      if (known === undefined) hosts.set(name, [entry])
      else known.push(entry)
    }
  }
  return hosts
}

/** A name's addresses of some families. To IPv4, the loopback of IPv6 and mapped addresses belong too (glibc). */
export function addressesOf(hosts: HostsFile, name: string, families: readonly (4 | 6)[]): LookupAddress[] {
  const all = hosts.get(name) ?? []
  if (families.length > 1) return [...all]
  if (families[0] === 6) return all.filter(({ family }) => family === 6)
  return all.flatMap(({ address }) => {
    const ipv4 = address === '::1' ? '127.0.0.1' : address.replace(/^::ffff:(?=\d+\.)/i, '')
    return ipv4.includes(':') ? [] : [{ address: ipv4, family: 4 }]
  })
}
