/** C3: the verdict on an address, with what the operator has opened. */
import {
  type Network,
  NOT_AN_ADDRESS,
  networkContains,
  parseAddress,
  parseNetwork,
  refusedRange,
  ZONE_IDENTIFIER,
} from './address.ts'
import { embeddedIn, isTranslation, parseNat64Prefix } from './embedded.ts'

/** What an operator says about the networks around a node. */
export type Opened = {
  /** Networks (CIDR, `parseNetwork`) that can be reached although they are not public. */
  readonly allowTarget: readonly string[]
  /** Prefixes of NAT64 translators (`parseNat64Prefix`), besides the well-known one. Default: none. */
  readonly nat64Prefix?: readonly string[]
}

const NONE: readonly string[] = []
const NOTHING_OPENED: Opened = { allowTarget: NONE }

/**
 * Returns undefined if requests can go to the address, or else the name of the range that it is refused for. An address
 * must be open itself: public, in a network that the operator allows, or behind a known NAT64 translator. And so must
 * every IPv4 address in it, which a network around it never opens. Called for each connection.
 */
export function addressRefusal(address: string, opened: Opened = NOTHING_OPENED): string | undefined {
  const bytes = parseAddress(address)
  if (!bytes) return address.includes('%') ? ZONE_IDENTIFIER : NOT_AN_ADDRESS
  const allowed = parsedOnce(opened.allowTarget, parseNetwork)
  const nat64 = parsedOnce(opened.nat64Prefix ?? NONE, parseNat64Prefix)
  if (bytes.length === 4) return refusedUnlessAllowed(bytes, allowed)
  const outer = isTranslation(bytes, nat64) ? undefined : refusedUnlessAllowed(bytes, allowed)
  if (outer !== undefined) return outer
  for (const { form, ipv4 } of embeddedIn(bytes, nat64)) {
    const inner = refusedUnlessAllowed(ipv4, allowed)
    // Without the address, which could reveal something about the internal network.
    if (inner !== undefined) return `${inner}, embedded by ${form}`
  }
  return undefined
}

function refusedUnlessAllowed(bytes: Uint8Array, allowed: readonly Network[]): string | undefined {
  const range = refusedRange(bytes)
  if (range === undefined || allowed.some(network => networkContains(network, bytes))) return undefined
  return range
}

const parsedLists = new WeakMap<readonly string[], readonly Network[]>()

/** A policy lives as long as the process and is used for each connection. */
function parsedOnce(texts: readonly string[], parse: (text: string) => Network | undefined): readonly Network[] {
  let networks = parsedLists.get(texts)
  if (!networks) {
    networks = texts.map(text => {
      const network = parse(text)
      if (!network) throw new TypeError(`${text} is not a network that can be used here; write it like 10.2.0.0/16`)
      return network
    })
    parsedLists.set(texts, networks)
  }
  return networks
}
