/**
 * C3: which URLs an endpoint can have, and which addresses its requests can go to.
 *
 * The text is checked twice. First as written, because the URL parser (WHATWG URL §4.4) silently drops tabs and line
 * feeds, turns `\` into `/`, adds missing slashes and drops empty user info: another parser might find another host in
 * the same text. Then the authority as parsed, because only the parser knows that `0x7f.1` is 127.0.0.1. Path and query
 * are never parsed, only encoded (request-target.ts). Use the returned `url`, never the text.
 */
import { formatCount } from '../base/counts.ts'
import { isLoopbackAddress, parseAddress, parseIpv4, parseIpv6 } from './address.ts'
import { contains, type PortRange, portRangeText } from './ports.ts'
import { addressRefusal, type Opened } from './refusal.ts'
import { encodedCharacters, encodeTarget } from './request-target.ts'

export type TargetPolicy = Opened & {
  /** Development mode: http and https to loopback on any port, `localhost` and `*.localhost` by name. Default false. */
  readonly dev: boolean
  /** The ports that a target can have. Default: `CONTRACT_PORTS`. */
  readonly targetPorts: readonly PortRange[]
}

/** The maximum length of a URL in characters, both as written and as sent. */
export const MAX_URL_LENGTH = 2_048

export type TargetRefusal =
  | 'too_long'
  | 'bad_character'
  | 'not_absolute'
  | 'scheme'
  | 'user_info'
  | 'no_host'
  | 'host_malformed'
  | 'host_special_use'
  | 'host_single_label'
  | 'address_not_public'
  | 'port'
  | 'fragment'

/** A URL that an endpoint can have. */
export type Target = {
  readonly ok: true
  /** The URL to store, to show and to send to: the authority as parsed, path and query as written but for `encoded`. */
  readonly url: string
  /** The characters of path and query that were percent-encoded, each once. */
  readonly encoded: readonly string[]
  /** A name in lower-case ASCII, or an address without brackets. */
  readonly host: string
  readonly port: number
  /** The host if it is an address. An address is never looked up, so no lookup checks it. */
  readonly literal: string | undefined
}

export type RefusedTarget = {
  readonly ok: false
  readonly reason: TargetRefusal
  /** What to do, in one sentence. */
  readonly detail: string
}

/**
 * Names that no public host can have: IANA's Special-Use Domain Names (RFC 6761, 6762, 7686, 8375, 9476), and
 * `internal`, which ICANN reserved for private use (2024-07-29). All of `arpa` is included, because it is only for
 * infrastructure (RFC 3172) and contains half the registry. example.com, .net and .org are in the registry, but exist.
 */
const SPECIAL_USE = ['alt', 'arpa', 'example', 'internal', 'invalid', 'local', 'localhost', 'onion', 'test']

/**
 * Not reserved, but used in private networks (RFC 6762 Appendix G) and never delegated, so refusing them excludes no
 * public receiver. They are accepted if the operator has allowed a network, because its hosts might have such names.
 */
const PRIVATE_TLDS = ['corp', 'home', 'intranet', 'lan', 'private']

/** Control characters, invisible characters and spaces of all scripts, lone surrogates, and the backslash. */
const BAD_CHARACTER = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}\\]/u
/** The same in path and query, where a plain space and a backslash can be encoded; a space at the end is a mistake. */
const BAD_IN_TARGET = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}| $/u
/** What comes before path and query. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/** A label of a host name (RFC 1123 §2.1), or one with underscores, which people can use with wildcard certificates. */
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/

/** C3: whether an endpoint can have this URL. Names are not looked up: see `resolveTarget` and `guardedLookup`. */
export function checkTargetUrl(text: string, policy: TargetPolicy): Target | RefusedTarget {
  if (text.length > MAX_URL_LENGTH)
    return refuse('too_long', `Use a URL of at most ${formatCount(MAX_URL_LENGTH)} characters.`)
  const [origin] = ORIGIN.exec(text) ?? [text]
  const target = text.slice(origin.length)
  if (BAD_CHARACTER.test(origin)) {
    return refuse('bad_character', 'Remove spaces, control characters and backslashes before the path of the URL.')
  }
  if (BAD_IN_TARGET.test(target)) {
    return refuse('bad_character', 'Remove or percent-encode control and invisible characters, and a space at the end.')
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return refuse('not_absolute', 'Use an absolute URL, such as https://example.com/hook.')
  if (scheme !== 'https' && !(scheme === 'http' && policy.dev)) return refuse('scheme', 'Use an https:// URL.')
  if (!text.startsWith('//', scheme.length + 1)) return refuse('not_absolute', `Write two slashes after ${scheme}:.`)
  const authority = /^[^/?#]*/.exec(text.slice(scheme.length + 3))![0]
  if (authority.includes('@')) {
    return refuse('user_info', 'Remove the part before @ in the URL: the secret is not part of it.')
  }
  if (text.includes('#')) return refuse('fragment', 'Remove # and everything after it; it would never be sent.')

  const written = /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(authority)
  if (!written) return refuse('host_malformed', 'Write an IPv6 address in square brackets.')
  const [, writtenHost = '', writtenPort] = written
  if (writtenHost === '') return refuse('no_host', 'Give a host after the two slashes.')
  if (writtenPort !== undefined && !isPortText(writtenPort)) {
    return refuse('port', 'Write the port as a plain number from 1 to 65535, or leave out the port and its colon.')
  }
  const url = URL.parse(`${scheme}://${authority}`)
  if (!url || url.hostname === '') return refuse('host_malformed', 'Correct the host name in the URL.')
  if (url.username !== '' || url.password !== '') return refuse('user_info', 'Remove the user name and password.')
  const href = url.origin + (target.startsWith('/') ? '' : '/') + encodeTarget(target)
  if (href.length > MAX_URL_LENGTH) {
    return refuse(
      'too_long',
      `Use a URL of at most ${formatCount(MAX_URL_LENGTH)} characters, counted after percent-encoding.`,
    )
  }
  const checked = checkAuthority(url, writtenHost, policy)
  return checked.ok ? { ...checked, url: href, encoded: encodedCharacters(target) } : checked
}

type Authority = Pick<Target, 'ok' | 'host' | 'port' | 'literal'>

/** The second check: the authority as parsed. */
function checkAuthority(url: URL, writtenHost: string, policy: TargetPolicy): Authority | RefusedTarget {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  const literal = parseAddress(host) ? host : undefined
  const refusal = literal === undefined ? nameRefusal(host, policy) : literalRefusal(literal, writtenHost, policy)
  if (refusal) return refusal

  const isDevLoopback = policy.dev && isLoopbackHost(host)
  if (url.protocol !== 'https:' && !isDevLoopback) {
    return refuse('scheme', 'Use https://; even in development mode, http:// is only allowed for loopback.')
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  if (!isDevLoopback && !contains(policy.targetPorts, { first: port, last: port })) {
    return refuse(
      'port',
      `Use one of these ports: ${policy.targetPorts.map(range => portRangeText(range, ' to ')).join(', ')}.`,
    )
  }
  return { ok: true, host, port, literal }
}

function nameRefusal(host: string, policy: TargetPolicy): RefusedTarget | undefined {
  // `localhost.` is localhost: check the name before its spelling, so that the more important reason is reported.
  const name = host.endsWith('.') ? host.slice(0, -1) : host
  const topLabel = name.slice(name.lastIndexOf('.') + 1)
  if (SPECIAL_USE.includes(topLabel) && !(policy.dev && topLabel === 'localhost')) {
    return refuse('host_special_use', `Use a public host name; names in .${topLabel} are reserved for special use.`)
  }
  if (PRIVATE_TLDS.includes(topLabel) && policy.allowTarget.length === 0) {
    return refuse('host_special_use', `Use a public host name; .${topLabel} exists only inside private networks.`)
  }
  // A trailing dot would get into the Host header and the TLS server name, which can't have one (RFC 6066 §3).
  if (name !== host) return refuse('host_malformed', 'Write the host name without a dot at the end.')
  if (host.length > 253 || !host.split('.').every(label => LABEL.test(label))) {
    return refuse(
      'host_malformed',
      'Use a host name of at most 253 characters, with labels of 1 to 63 letters, digits and inner hyphens.',
    )
  }
  if (!host.includes('.') && host !== 'localhost') {
    return refuse('host_single_label', 'Use a full host name, such as hooks.example.com.')
  }
  return undefined
}

function literalRefusal(literal: string, writtenHost: string, policy: TargetPolicy): RefusedTarget | undefined {
  const refusal = addressAllowed(literal, policy, literal)
  if (refusal !== undefined) {
    return refuse('address_not_public', `Use a host with a public address; ${literal} is not one (${refusal}).`)
  }
  // 010.8.8.8 is 8.8.8.8 to this parser and 10.8.8.8 to others: only one spelling of an address is accepted.
  const isPlain = writtenHost.startsWith('[') ? parseIpv6(writtenHost.slice(1, -1)) : parseIpv4(writtenHost)
  return isPlain ? undefined : refuse('host_malformed', `Write the address as ${literal}.`)
}

/**
 * C3, at connect time: returns undefined if a connection for `host` can go to `address`, or else the reason why not.
 * Call it for each resolved address, and again for the address that the socket is connected to.
 *
 * `host` is the name or address in the endpoint's URL. In development mode, only a URL that names loopback can reach it
 * (a stranger's name that resolves to 127.0.0.1 is still refused), and it can reach only loopback (it might be plain
 * http).
 */
export function addressAllowed(address: string, policy: TargetPolicy, host: string): string | undefined {
  if (isLocalhostName(host) || (policy.dev && isLoopbackAddress(host))) {
    if (!policy.dev) return 'localhost outside development mode'
    return isLoopbackAddress(address) ? undefined : 'a loopback host at another address'
  }
  return addressRefusal(address, policy)
}

/** `localhost` and the names below it (RFC 6761 §6.3), with or without a trailing dot. */
function isLocalhostName(host: string): boolean {
  return /(^|\.)localhost\.?$/i.test(host)
}

/** Whether a host names this machine explicitly. */
export function isLoopbackHost(host: string): boolean {
  return isLocalhostName(host) || isLoopbackAddress(host)
}

/** Whether the text is a port without leading zeros, which the URL parser would drop. */
function isPortText(text: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65_535
}

function refuse(reason: TargetRefusal, detail: string): RefusedTarget {
  return { ok: false, reason, detail }
}
