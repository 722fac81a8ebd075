/** TLS to receivers (C3): which versions, which authorities, which names, as whom. */
import { isIP } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  DEFAULT_CIPHERS,
  getCACertificates,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'
import type { Clock } from '../../base/clock.ts'

/** A client certificate and its key, both PEM. */
export type Identity = {
  /** Equal only for the same certificate of the same endpoint. */
  readonly name: string
  readonly certificate: string
  readonly key: string
}

/** No DHE: servers choose the group, and one of 10,000 bits blocks this thread for a third of a second each time. */
const CIPHERS = `${DEFAULT_CIPHERS}:!kDHE:!DHE`
const IDENTITIES_KEPT = 1_000
const SESSIONS_KEPT = 500
/** Usually a few kilobytes. A receiver decides how large its ticket is. */
const MAX_SESSION_BYTES = 16_384
/** A resumed session is not verified again, so this limits how late an expired certificate is noticed. */
const LONGEST_SESSION_MS = 600_000

/** The certificate names its host only as common name, which no client has to look at (RFC 9110 §4.3.4). */
class CommonNameOnly extends Error {
  readonly code = 'POSTHORN_CERTIFICATE_COMMON_NAME'
}

type Session = { readonly bytes: Buffer; readonly untilMs: number }

/** What connections by TLS have in common. */
export class TlsSetup {
  readonly #trust: SecureContextOptions
  readonly #anonymous: SecureContext
  readonly #contexts = new Map<string, SecureContext>()
  /** By host and port, the oldest first. */
  readonly #sessions = new Map<string, Session>()
  readonly #clock: Clock

  /** @param extraCa certificates of authorities to trust in addition to the default ones, as PEM */
  constructor(extraCa: readonly string[], clock: Clock) {
    this.#clock = clock
    // Created once: reading a hundred and fifty certificates for each connection would take milliseconds.
    const ca = extraCa.length > 0 ? { ca: [...getCACertificates('default'), ...extraCa] } : {}
    this.#trust = { minVersion: 'TLSv1.2', ciphers: CIPHERS, ...ca }
    this.#anonymous = createSecureContext(this.#trust)
  }

  /**
   * Options to connect with. Only connections without an identity are resumed: a session has the identity that it was
   * started with.
   */
  optionsFor(host: string, port: number, identity: Identity | null): ConnectionOptions {
    const session = identity === null ? this.#sessions.get(`${host} ${port}`) : undefined
    return {
      secureContext: this.#contextOf(identity),
      // An address is not a server name (RFC 6066 §3).
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      checkServerIdentity: checkName,
      ...(session === undefined || session.untilMs <= this.#clock.monotonicMs() ? {} : { session: session.bytes }),
    }
  }

  /** Keeps the sessions of a connection that was verified. */
  keepSessions(socket: TLSSocket, host: string, port: number): void {
    const keep = (bytes: Buffer) => {
      if (bytes.length > MAX_SESSION_BYTES) return
      const key = `${host} ${port}`
      this.#sessions.delete(key)
      this.#sessions.set(key, { bytes, untilMs: this.#clock.monotonicMs() + LONGEST_SESSION_MS })
      if (this.#sessions.size > SESSIONS_KEPT) this.#sessions.delete(this.#sessions.keys().next().value!)
    }
    // TLS 1.2 has its session by now; TLS 1.3 sends tickets afterwards.
    const first = socket.isSessionReused() || socket.getProtocol() === 'TLSv1.3' ? undefined : socket.getSession()
    if (first !== undefined) keep(first)
    socket.on('session', keep)
  }

  #contextOf(identity: Identity | null): SecureContext {
    if (identity === null) return this.#anonymous
    let context = this.#contexts.get(identity.name)
    if (context === undefined) {
      if (this.#contexts.size >= IDENTITIES_KEPT) this.#contexts.clear()
      context = createSecureContext({ ...this.#trust, cert: identity.certificate, key: identity.key })
      this.#contexts.set(identity.name, context)
    }
    return context
  }
}

/** Node falls back to the common name if there is no subjectAltName of the right kind. This doesn't. */
function checkName(host: string, certificate: PeerCertificate): Error | undefined {
  const kind = isIP(host) === 0 ? 'DNS:' : 'IP Address:'
  if (!(certificate.subjectaltname ?? '').includes(kind)) {
    return new CommonNameOnly('The certificate has no subjectAltName for its host')
  }
  return checkServerIdentity(host, certificate)
}
