/**
 * Tunnels through the operator's proxy with CONNECT (RFC 9110 §9.3.6) to an address that the guard has checked. The
 * proxy gets the address, never the name, which it might resolve to a different address.
 */
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Resolver } from '../../guard/lookup.ts'
import { Answer } from './answer.ts'
import type { Head } from './head.ts'
import type { TlsSetup } from './tls.ts'

export type OutgoingProxy = {
  readonly host: string
  readonly port: number
  /** Whether the connection to the proxy itself is encrypted. */
  readonly isSecure: boolean
  /** The value of `Proxy-Authorization`. Null for none. */
  readonly authorization: string | null
}

export type ProxyFault =
  | 'proxy_unreachable'
  | 'proxy_closed'
  /** The proxy requires credentials, or other ones (407). */
  | 'proxy_credentials'
  | 'proxy_refused'
  | 'proxy_malformed'

/** A tunnel to be opened. */
export type TunnelOptions = {
  readonly proxy: OutgoingProxy
  /** Where to, as the guard has checked it. */
  readonly address: string
  readonly port: number
  /** For a proxy that is reached by TLS. */
  readonly tls: TlsSetup
  /** Resolves the name of the proxy, which is the operator's and can have any address. Default: the system's. */
  readonly resolver?: Resolver | undefined
}

/** The proxy was unreachable, or didn't open the tunnel. */
export class ProxyFailed extends Error {
  readonly code = 'POSTHORN_PROXY_FAILED'
  readonly reason: ProxyFault

  /** @param cause for `proxy_refused` the status */
  constructor(reason: ProxyFault, cause?: unknown) {
    super(typeof cause === 'string' ? `${reason}: ${cause}` : reason, { cause })
    this.reason = reason
  }
}

const CREDENTIALS_REQUIRED = 407

/** @param url `http://` or `https://`, with user name and password if the proxy requires them */
export function parseProxy(url: string): OutgoingProxy {
  const { protocol, hostname, port, username, password } = new URL(url)
  const isSecure = protocol === 'https:'
  const user = Buffer.concat([bytesOf(username), Buffer.from(':'), bytesOf(password)])
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    isSecure,
    authorization: username === '' ? null : `Basic ${user.toString('base64')}`,
  }
}

/** Decodes what the URL parser left of a name or password. A `%` that encodes nothing stands for itself. */
const bytesOf = (encoded: string): Buffer =>
  Buffer.from(
    encoded.replaceAll(/%([\dA-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
    'latin1',
  )

export type TunnelEvents = {
  /** The proxy was reached. */
  connected(): void
  open(socket: Socket): void
  failed(error: ProxyFailed): void
}

/**
 * Opens a tunnel, and calls `open` or `failed` once. Destroying the returned socket ends the attempt, however far it has
 * got.
 */
export function openTunnel({ proxy, address, port, tls, resolver }: TunnelOptions, events: TunnelEvents): Socket {
  const authority = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const { host } = proxy
  const to: TcpNetConnectOpts = { host, port: proxy.port, ...(resolver === undefined ? {} : { lookup: all(resolver) }) }
  const socket = proxy.isSecure ? connectTls({ ...tls.optionsFor(host, proxy.port, null), ...to }) : connectTcp(to)
  let status = 0
  const onHead = (head: Head) => {
    status = head.status
    return isSuccess(status)
  }
  const answer = new Answer({ onHead, onBody: () => false }, true)
  const leave = () => socket.off('data', read).off('error', fail).off('close', close)
  const refuse = (reason: ProxyFault, cause?: unknown) => {
    leave()
    socket.on('error', () => {}).destroy()
    events.failed(new ProxyFailed(reason, cause))
  }
  const fail = (cause: Error) => refuse('proxy_unreachable', cause)
  const close = () => refuse('proxy_closed')
  const read = (bytes: Buffer) => {
    answer.read(bytes)
    if (answer.state === 'head') return
    if (status === CREDENTIALS_REQUIRED) return refuse('proxy_credentials')
    if (status !== 0 && !isSuccess(status)) return refuse('proxy_refused', String(status))
    // Bytes behind it are no one's: a TLS server sends nothing before the client does.
    if (answer.state !== 'complete' || answer.hasMore) return refuse('proxy_malformed')
    leave()
    events.open(socket)
  }
  const request = () => {
    events.connected()
    const authorization = proxy.authorization === null ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`)
  }
  socket.on('error', fail).on('close', close).on('data', read)
  socket.once(proxy.isSecure ? 'secureConnect' : 'connect', request)
  return socket
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** A `lookup` for `connect`, which can ask for the first address only. */
const all =
  (resolver: Resolver): NonNullable<TcpNetConnectOpts['lookup']> =>
  (host, options, callback) =>
    resolver(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses
      if (error !== null || first === undefined || options.all === true) callback(error, addresses)
      else callback(null, first.address, first.family)
    })
