/**
 * C3: names are looked up only here, and every resolved address is checked. A single refused address refuses the name,
 * because any of them might be connected to. The checked addresses are the ones passed to the socket, so a name server
 * that changes its response between check and use changes nothing (no DNS rebinding).
 */
import { type LookupAddress, type LookupAllOptions, type LookupOptions, lookup as systemLookup } from 'node:dns'
import type { TenantId } from '../base/model.ts'
import { parseAddress } from './address.ts'
import { addressAllowed, type TargetPolicy } from './target.ts'

/** The code of the error that a refused lookup passes to its socket. */
export const POSTHORN_TARGET_REFUSED = 'POSTHORN_TARGET_REFUSED'

/** A name resolves to, or a socket is connected to, an address that C3 refuses. */
export class TargetRefusedError extends Error {
  readonly code = POSTHORN_TARGET_REFUSED
  /** The address that was refused. */
  readonly address: string
  /** Why it was refused, usually the name of its range. */
  readonly reason: string

  constructor(address: string, reason: string) {
    super(`${address} is not a public address (${reason})`)
    this.name = 'TargetRefusedError'
    this.address = address
    this.reason = reason
  }
}

/** For whom a name is looked up, and what ends the look-up. Both are optional: see names/names.ts. */
export type LookupFor = { readonly tenant?: TenantId; readonly signal?: AbortSignal }

/** Resolves a name to all its addresses, as `dns.lookup` does. */
export type Resolver = (
  hostname: string,
  options: LookupAllOptions & LookupFor,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** A `lookup` for `net.connect` and `tls.connect`. */
export type GuardedLookup = (
  hostname: string,
  options: LookupOptions & LookupFor,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

export type Resolution =
  | { readonly addresses: string[] }
  | { readonly refused: string; readonly address: string }
  /** `code`: the resolver's, such as ENOTFOUND. */
  | { readonly unresolved: true; readonly code: string }

/** What a host resolves to now, for registration: a name that doesn't resolve is accepted with a warning. */
export function resolveTarget(
  host: string,
  policy: TargetPolicy,
  resolver: Resolver = systemLookup,
  lookupFor: LookupFor = {},
): Promise<Resolution> {
  const literal = parseAddress(host) ? [{ address: host }] : undefined
  if (literal) return Promise.resolve(judged(host, literal, policy))
  return new Promise<LookupAddress[]>((resolve, reject) => {
    resolver(host, { ...lookupFor, all: true }, (error, answers) => (error ? reject(error) : resolve(answers)))
  }).then(
    answers => (answers.length === 0 ? { unresolved: true, code: 'ENOTFOUND' } : judged(host, answers, policy)),
    (error: NodeJS.ErrnoException) => ({ unresolved: true, code: error.code ?? 'EAI_FAIL' }),
  )
}

/**
 * The `lookup` of every outgoing socket. It always requests all addresses, whatever its caller requests, and refuses
 * all if one is refused. A host that is an address is never looked up: check it with `checkTargetUrl`, and the socket's
 * `remoteAddress` with `addressAllowed`.
 */
export function guardedLookup(policy: TargetPolicy, resolver: Resolver = systemLookup): GuardedLookup {
  return (hostname, options, callback) => {
    resolver(hostname, { ...options, all: true }, (error, answers) => {
      if (error) return callback(error, [])
      const first = answers[0]
      if (!first) return callback(notFound(hostname), [])
      const resolution = judged(hostname, answers, policy)
      if ('refused' in resolution) return callback(new TargetRefusedError(resolution.address, resolution.refused), [])
      if (options.all) return callback(null, answers)
      callback(null, first.address, first.family)
    })
  }
}

function judged(
  host: string,
  answers: readonly { readonly address: string }[],
  policy: TargetPolicy,
): { addresses: string[] } | { refused: string; address: string } {
  for (const { address } of answers) {
    const refused = addressAllowed(address, policy, host)
    if (refused !== undefined) return { refused, address }
  }
  return { addresses: answers.map(answer => answer.address) }
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname })
}
