/** What `/etc/resolv.conf` says, read as the C library reads it (resolv.conf(5)). */
import { isIP } from 'node:net'

export type ResolvConf = {
  /** Addresses of name servers, in order; an IPv6 address can have a zone. */
  readonly servers: readonly string[]
  /** The domains to search, in order. An empty one is the root. */
  readonly search: readonly string[]
  /** A name with at least this number of dots is tried as it is before it is searched. */
  readonly ndots: number
  /** How long to wait for a name server, in milliseconds, and how often to ask. */
  readonly timeoutMs: number
  readonly attempts: number
  /** Ask the servers in turn. */
  readonly rotate: boolean
  /** Ask for no IPv6 addresses (`no-aaaa`). */
  readonly skipsIpv6: boolean
}

/** Variables that change how names are resolved (resolv.conf(5)). */
export type ResolverEnvironment = {
  readonly LOCALDOMAIN?: string | undefined
  readonly RES_OPTIONS?: string | undefined
}

const MAX_SERVERS = 3
const MAX_NDOTS = 15
const MAX_TIMEOUT_SECONDS = 30
const MAX_ATTEMPTS = 5

/** @param hostName of this machine; its domain is searched if nothing else is configured */
export function parseResolvConf(text: string, environment: ResolverEnvironment, hostName: string): ResolvConf {
  const servers: string[] = []
  const options: string[] = []
  let search: string[] | undefined
  for (const line of text.split('\n')) {
    const [, keyword, rest = ''] = /^(\w+)[ \t]+(.*)$/.exec(line) ?? []
    const words = rest.split(/[ \t\r]+/).filter(word => word !== '')
    if (keyword === 'nameserver' && words[0] !== undefined && servers.length < MAX_SERVERS) {
      if (isIP(words[0].replace(/%.*/, '')) !== 0) servers.push(words[0])
    } else if (keyword === 'search') search = words
    else if (keyword === 'domain') search = words.slice(0, 1)
    else if (keyword === 'options') options.push(...words)
  }
  if (environment.LOCALDOMAIN !== undefined) search = environment.LOCALDOMAIN.split(/\s+/).filter(word => word !== '')
  options.push(...(environment.RES_OPTIONS ?? '').split(/\s+/))
  const domain = /\.(.+)$/.exec(hostName)?.[1]
  search ??= domain === undefined ? [] : [domain]
  return {
    servers: servers.length > 0 ? servers : ['127.0.0.1'],
    search: search.map(each => each.replace(/^\.|\.$/g, '')),
    ndots: numberOf(options, 'ndots', 1, MAX_NDOTS),
    timeoutMs: Math.max(1, numberOf(options, 'timeout', 5, MAX_TIMEOUT_SECONDS)) * 1_000,
    attempts: Math.max(1, numberOf(options, 'attempts', 2, MAX_ATTEMPTS)),
    rotate: options.includes('rotate'),
    skipsIpv6: options.includes('no-aaaa'),
  }
}

/** The last value wins. */
function numberOf(options: readonly string[], name: string, otherwise: number, most: number): number {
  const value = options.findLast(option => option.startsWith(`${name}:`))?.slice(name.length + 1)
  return value === undefined ? otherwise : Math.min(Number.parseInt(value, 10) || 0, most)
}

/** The full names to ask for, in order, as `res_search` does: as it is first only if it has enough dots. */
export function namesToAsk(name: string, { search, ndots }: ResolvConf): string[] {
  const dots = name.split('.').length - 1
  if (name.endsWith('.')) return [name]
  const searched = search.map(domain => (domain === '' ? name : `${name}.${domain}`))
  const all = dots >= ndots ? [name, ...searched] : [...searched, name]
  return [...new Set(all)]
}
