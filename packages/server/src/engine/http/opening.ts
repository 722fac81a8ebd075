import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import type { TenantId } from '../../base/model.ts'
import { type Resolver, TargetRefusedError } from '../../guard/lookup.ts'
import { addressAllowed, type TargetPolicy } from '../../guard/target.ts'
import { FedStream } from './fed-stream.ts'
import type { Handshake, Handshakes } from './handshakes.ts'
import type { TryEvents } from './race.ts'
import type { Identity, TlsSetup } from './tls.ts'
import { type OutgoingProxy, openTunnel } from './tunnel.ts'

/** Where to connect, and as whom. */
export type DialTarget = {
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** Whose request it is. Its name is looked up in that tenant's turn. */
  readonly tenant: TenantId
  readonly identity: Identity | null
}

/** A connection that is ready for requests. */
export type Link = {
  readonly socket: Socket
  /** `address:port` */
  readonly address: string
  /** Gets what arrives, which is valid only during the call. */
  receive: (bytes: Buffer) => void
  /** TLS: the receiver has asked for a client certificate. */
  readonly isCertificateAsked: boolean
  /**
   * TLS: whether a close that came now, with the request written, could be the receiver's refusal of the client
   * certificate. Under TLS 1.2 it refuses it within the handshake. Under TLS 1.3 the handshake is over before it has seen
   * the certificate, so that for a moment it can be.
   */
  canRefuseCertificate(): boolean
}

/** Why there is no connection. */
export type DialFailure = {
  readonly error: Error
  /** `address:port` that TCP was connected to. Null if it was to none. */
  readonly address: string | null
  /** TLS: the receiver has presented its certificate. */
  readonly isIdentified: boolean
  /** TLS: the receiver has asked for a client certificate. */
  readonly isCertificateAsked: boolean
}

export type OpeningOptions = {
  readonly policy: TargetPolicy
  readonly tls: TlsSetup
  /** Null: directly. */
  readonly proxy: OutgoingProxy | null
  /** Resolves the name of the proxy. Default: the system's. */
  readonly proxyResolver?: Resolver | undefined
  readonly clock: Clock
}

/** The other side closed the connection before it was ready. */
class ClosedEarly extends Error {
  readonly code = 'POSTHORN_CLOSED'
}

/** Longer than a round trip: under TLS 1.3, the verdict on a client certificate arrives this soon after the handshake. */
const VERDICT_MS = 1_000

/** All sockets read into it, one after the other: each would take 64 KiB otherwise. */
const SHARED = Buffer.allocUnsafeSlow(65_536)

/** One try at one address: TCP, perhaps a tunnel, perhaps TLS. */
export class Opening {
  readonly #target: DialTarget
  readonly #ip: string
  readonly #options: OpeningOptions
  readonly #handshakes: Handshakes
  readonly #events: TryEvents<Link, DialFailure>
  readonly #link: Pick<Link, 'receive'> = { receive: () => {} }
  #handshake: Handshake | undefined
  #socket: Socket | undefined
  #address: string | null = null
  #isLinked = false
  #isIdentified = false
  #isCertificateAsked = false

  /** @param ip the address to try, which the guard has allowed */
  constructor(
    target: DialTarget,
    ip: string,
    options: OpeningOptions,
    handshakes: Handshakes,
    events: TryEvents<Link, DialFailure>,
  ) {
    this.#target = target
    this.#ip = ip
    this.#options = options
    this.#handshakes = handshakes
    this.#events = events
  }

  /** `address:port` that TCP is connected to. Null if it isn't. */
  get address(): string | null {
    return this.#address
  }

  start(): void {
    if (this.#target.isSecure) this.#handshake = this.#handshakes.begin(this.#target.tenant)
    if (this.#options.proxy === null) this.#openDirectly()
    else this.#openThrough(this.#options.proxy)
  }

  /** Ends the try, unless it was successful. */
  end(): void {
    this.#handshake?.end()
    if (!this.#isLinked) this.#socket?.on('error', () => {}).destroy()
  }

  #openDirectly(): void {
    const link = this.#link
    const callback = (size: number) => {
      link.receive(SHARED.subarray(0, size))
      return true
    }
    const [to, onread] = [
      { host: this.#ip, port: this.#target.port },
      { buffer: SHARED, callback },
    ]
    const { isSecure } = this.#target
    const isMeasured = this.#handshake?.isMeasured === true
    const options = { ...to, onread } as TcpNetConnectOpts
    const socket = isMeasured
      ? this.#watch(connectTcp(to))
      : isSecure
        ? this.#speakTls(options)
        : this.#watch(connectTcp(options))
    socket.once('connect', () => {
      if (!this.#isAllowed(socket)) return
      this.#events.progressed()
      if (isMeasured) this.#speakThrough(socket)
      else if (!isSecure) this.#ready(socket)
    })
  }

  #openThrough(proxy: OutgoingProxy): void {
    const { port, isSecure } = this.#target
    const { tls, proxyResolver: resolver } = this.#options
    const options = { proxy, address: this.#ip, port, tls, resolver }
    this.#socket = openTunnel(options, {
      connected: () => this.#events.progressed(),
      failed: error => this.#fail(error),
      open: tunnel => {
        this.#address = formatAddress(this.#ip, port)
        this.#events.progressed()
        if (isSecure) return this.#speakThrough(tunnel)
        this.#pass(this.#watch(tunnel))
        this.#ready(tunnel)
      },
    })
  }

  /** Speaks TLS through what is connected. */
  #speakThrough(connected: Socket): void {
    const { host, tenant } = this.#target
    const isMeasured = this.#handshake?.isMeasured === true
    const feed = (step: () => void) => this.#handshakes.feed(tenant, step)
    const stream = isMeasured ? new FedStream(connected, feed) : connected
    const socket = this.#speakTls({ socket: stream, host }, true)
    if (stream instanceof FedStream) socket.once('secureConnect', () => stream.finishHandshake())
    this.#pass(socket)
  }

  #pass(socket: Socket): void {
    const link = this.#link
    socket.on('data', (bytes: Buffer) => link.receive(bytes))
  }

  /** @param isChecked whether what it goes through is allowed. Default: this is what connects */
  #speakTls(way: ConnectionOptions, isChecked = false): Socket {
    const { host, port, identity } = this.#target
    const { tls } = this.#options
    const socket = connectTls({ ...tls.optionsFor(host, port, identity), ...way })
    socket.once('secureConnect', () => {
      if (identity === null) tls.keepSessions(socket, host, port)
      if (isChecked || this.#isAllowed(socket)) this.#ready(socket)
    })
    // Before Node's own listener, which closes the socket.
    socket.prependOnceListener('end', () => this.#noteIdentity())
    return this.#watch(socket)
  }

  #watch(socket: Socket): Socket {
    this.#socket = socket
    socket.on('error', error => this.#fail(error))
    socket.once('close', () => this.#fail(new ClosedEarly('The connection was closed before it was ready')))
    return socket
  }

  /** Checks what a socket is really connected to, which the guard might not have seen. */
  #isAllowed(socket: Socket): boolean {
    const ip = socket.remoteAddress ?? ''
    const reason = addressAllowed(ip, this.#options.policy, this.#target.host)
    if (reason === undefined) {
      this.#address = formatAddress(ip, socket.remotePort)
      return true
    }
    socket.destroy()
    this.#fail(new TargetRefusedError(ip, reason))
    return false
  }

  /** Whether certificates were presented and asked for, which the socket forgets when it is closed. */
  #noteIdentity(): void {
    const socket = this.#socket
    if (!(socket instanceof TLSSocket)) return
    this.#isCertificateAsked ||= isCertificateAsked(socket)
    this.#isIdentified ||= Object.keys(socket.getPeerCertificate() ?? {}).length > 0
  }

  #ready(socket: Socket): void {
    this.#isLinked = true
    this.#handshake?.end()
    const { clock } = this.#options
    const readyAtMs = clock.monotonicMs()
    const isLate = socket instanceof TLSSocket && socket.getProtocol() === 'TLSv1.3'
    const link: Link = Object.assign(this.#link, {
      socket,
      address: this.#address!,
      isCertificateAsked: socket instanceof TLSSocket && isCertificateAsked(socket),
      canRefuseCertificate: () => isLate && clock.monotonicMs() - readyAtMs < VERDICT_MS,
    })
    this.#events.ready(link)
  }

  #fail(error: Error): void {
    if (this.#isLinked) return
    this.#handshake?.end()
    this.#noteIdentity()
    const [isIdentified, isAsked] = [this.#isIdentified, this.#isCertificateAsked]
    this.#events.failed({ error, address: this.#address, isIdentified, isCertificateAsked: isAsked })
  }
}

/** A receiver that asks for a certificate says which signatures it takes, and otherwise nothing of that kind. */
const isCertificateAsked = (socket: TLSSocket): boolean => (socket.getSharedSigalgs() ?? []).length > 0

const formatAddress = (ip: string, port: number | undefined): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
