/**
 * C3: names are looked up here and nowhere else, and every answer is judged. One bad answer among good ones refuses the
 * name, since any of them may be dialled; and because the answers judged are the answers handed to the socket, a name
 * server that changes its mind between check and use changes nothing.
 */
import { type LookupAddress, type LookupAllOptions, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { parseAddress } from './address.ts'
import { addressAllowed, type TargetPolicy } from './target.ts'

/** Code of the error that a refused look-up gives its socket. */
export const POSTHORN_TARGET_REFUSED = 'POSTHORN_TARGET_REFUSED'

/** A name leads, or a socket is connected, to an address that C3 refuses. */
export class TargetRefusedError extends Error {
  readonly code = POSTHORN_TARGET_REFUSED
  /** The address that was refused. */
  readonly address: string
  /** Why: the name of its range, mostly. */
  readonly reason: string

  constructor(address: string, reason: string) {
    super(`${address} is not a public address (${reason})`)
    this.name = 'TargetRefusedError'
    this.address = address
    this.reason = reason
  }
}

/** Gives all addresses of a name; `dns.lookup` is one. */
export type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** A `lookup` as `net.connect` and `tls.connect` take it. */
export type GuardedLookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

export type Resolution =
  | { readonly addresses: string[] }
  | { readonly refused: string; readonly address: string }
  /** `code`: the resolver's, such as ENOTFOUND. */
  | { readonly unresolved: true; readonly code: string }

/** Where a host leads now, for registration: a name that leads nowhere is accepted with a warning, not refused. */
export function resolveTarget(
  host: string,
  policy: TargetPolicy,
  resolver: Resolver = systemLookup,
): Promise<Resolution> {
  const literal = parseAddress(host) ? [{ address: host }] : undefined
  if (literal) return Promise.resolve(judged(host, literal, policy))
  return new Promise<LookupAddress[]>((resolve, reject) => {
    resolver(host, { all: true }, (error, answers) => (error ? reject(error) : resolve(answers)))
  }).then(
    answers => (answers.length === 0 ? { unresolved: true, code: 'ENOTFOUND' } : judged(host, answers, policy)),
    (error: NodeJS.ErrnoException) => ({ unresolved: true, code: error.code ?? 'EAI_FAIL' }),
  )
}

/**
 * The `lookup` of every outgoing socket. It asks for all addresses whatever its caller asked for, and refuses all if
 * one is refused. An address as host is never looked up: check that with `checkTargetUrl`, and the socket's
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
