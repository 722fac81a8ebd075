/** Receivers that requests go to directly, although the operator has a proxy (setting `noProxy`). */
import { type Network, networkContains, parseAddress, parseNetwork } from './address.ts'

export type DirectRule = {
  /** A host name, in lower case; a name with a dot before it stands for all names below it. */
  readonly target: { readonly name: string } | { readonly network: Network }
  /** null: any. */
  readonly port: number | null
  /** The rule as it was written, in lower case. */
  readonly text: string
}

/** Parts of 1 to 63 letters, digits, hyphens and underscores. A host of a private network can have a single one. */
const NAME = /^\.?[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/**
 * Reads `hooks.example.com`, `.example.com`, `192.0.2.1`, `10.2.0.0/16`, `2001:db8::/32`, each with or without a port:
 * `.example.com:8443`, `10.2.0.0/16:8443`, `[2001:db8::/32]:8443`. Undefined for anything else.
 */
export function parseDirectRule(text: string): DirectRule | undefined {
  // An IPv6 address without brackets has no port: its last part could be one.
  const bare = parseNetwork(text)
  if (bare !== undefined) return { target: { network: bare }, port: null, text: text.toLowerCase() }
  const [, bracketed, plain = '', portText] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([1-9]\d{0,4}))?$/.exec(text) ?? []
  const port = portText === undefined ? null : Number(portText)
  if (port !== null && port > 65_535) return undefined
  const network = parseNetwork(bracketed ?? plain)
  if (network !== undefined) {
    const isIpv6 = network.bytes.length === 16
    return isIpv6 === (bracketed !== undefined) ? { target: { network }, port, text: text.toLowerCase() } : undefined
  }
  const name = plain.toLowerCase()
  // Text that looks like an IPv4 address, and is none, is a mistake.
  return NAME.test(name) && !/^[\d.]+$/.test(name) && name.length <= 254
    ? { target: { name }, port, text: text.toLowerCase() }
    : undefined
}

/**
 * Whether a rule is for this host, by its name, or by its address if it has no name. The addresses that a name leads to
 * are judged by `isDirectAddress`.
 */
export function isDirectHost(rules: readonly DirectRule[], host: string, port: number): boolean {
  const name = host.toLowerCase()
  return isDirectAddress(rules, host, port) || ofPort(rules, port).some(({ target }) => isNamed(target, name))
}

export function isDirectAddress(rules: readonly DirectRule[], address: string, port: number): boolean {
  const bytes = parseAddress(address)
  if (bytes === undefined) return false
  return ofPort(rules, port).some(({ target }) => 'network' in target && networkContains(target.network, bytes))
}

const ofPort = (rules: readonly DirectRule[], port: number) =>
  rules.filter(rule => rule.port === null || rule.port === port)

function isNamed(target: DirectRule['target'], host: string): boolean {
  if (!('name' in target)) return false
  return target.name.startsWith('.') ? host.endsWith(target.name) : host === target.name
}
