/** One issuer of OpenID Connect: its metadata, kept for a while, and the calls to it. */
import { hash } from 'node:crypto'
import * as oidc from 'openid-client'
import type { Clock } from '../../base/clock.ts'
import { PosthornError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { IssuerSettings } from '../../config/issuers.ts'
import { isLoopbackHost } from '../../guard/target.ts'

/** How long a call to an issuer can take. */
const TIMEOUT_SECONDS = 10
/** Tolerated difference of the clocks. */
const TOLERANCE_SECONDS = 30
const CLIENT = { [oidc.clockTolerance]: TOLERANCE_SECONDS }
/** How long metadata are used without being read again. */
const FRESH_MS = 600_000
/** How long an issuer is taken to be as it was, where someone is about to be sent to it. */
const KNOWN_MS = 10_000
/** How long the pages wait for an issuer where they can do without it: one that hangs must not hide the others. */
const PATIENCE_MS = 2_000
/** How long an issuer that failed is not asked again. */
const PAUSE_MS = 3_000
/** The shortest time between two log lines with the same message: anyone can make sign-ins fail, as often as they like. */
const LINE_EVERY_MS = 1_000

/** A call to an issuer had no response, or none that can be read. */
export class IssuerUnreachable extends Error {}

export type IssuerParts = {
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>
  readonly logger: Pick<Logger, 'warn'>
  /** Makes the calls: with its limits of size, and the certificates to trust. */
  readonly fetch: oidc.CustomFetch
}

type Known = { readonly configuration: oidc.Configuration; readonly atMs: number }

/**
 * A hash of what the settings say of an issuer, as far as it decides who gets in and what they can do. A new client
 * secret or name ends no session.
 */
export function markOf({ id, issuer, clientId, grants, endsWithToken }: IssuerSettings): string {
  const rows = grants.map(({ claim, value, scope, tenant, payloads }) => [claim, value, scope, tenant, payloads])
  return hash('sha256', JSON.stringify([id, issuer, clientId, endsWithToken, rows]))
}

export class Issuer {
  readonly settings: IssuerSettings
  readonly mark: string
  readonly #parts: IssuerParts
  #known: Known | undefined
  #failedAtMs: number | undefined
  #reading: Promise<oidc.Configuration> | undefined
  readonly #warnings = new Map<string, { readonly atMs: number; unwritten: number }>()

  constructor(settings: IssuerSettings, parts: IssuerParts) {
    this.settings = settings
    this.mark = markOf(settings)
    this.#parts = parts
  }

  /** Its metadata. Throws `issuer_unavailable` if there are none that are fresh enough. */
  async configuration(freshMs = FRESH_MS): Promise<oidc.Configuration> {
    const nowMs = this.#parts.clock.monotonicMs()
    if (this.#known !== undefined && nowMs - this.#known.atMs < freshMs) return this.#known.configuration
    if (this.#failedAtMs !== undefined && nowMs - this.#failedAtMs < PAUSE_MS) throw this.unavailable()
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /**
   * Its metadata for one sign-in, which reads the issuer's keys again: tokens can be signed with a new one at any time.
   * Throws `issuer_unavailable` if there are none that are fresh enough.
   */
  async forSignIn(): Promise<oidc.Configuration> {
    const metadata = (await this.configuration()).serverMetadata()
    const own = new oidc.Configuration(metadata, this.settings.clientId, CLIENT, this.#authentication())
    own[oidc.customFetch] = this.#parts.fetch
    own.timeout = TIMEOUT_SECONDS
    for (const check of this.#checks()) check(own)
    return own
  }

  /** Its metadata, if it responds now, or did a few seconds ago. Throws `issuer_unavailable`. */
  reach(): Promise<oidc.Configuration> {
    return this.configuration(KNOWN_MS)
  }

  /** Whether it responds now, or did a few seconds ago. One that takes long counts as unavailable until it has responded. */
  async isAvailable(): Promise<boolean> {
    return (await this.#soon(KNOWN_MS)) !== undefined
  }

  /** Its metadata. Undefined if there are none that are fresh enough, or not soon enough for someone who waits. */
  async #soon(freshMs?: number): Promise<oidc.Configuration | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = this.#parts.clock.after(PATIENCE_MS, () => resolve(undefined))
    const found = this.configuration(freshMs).catch(() => undefined)
    return Promise.race([found, late]).finally(() => timer.cancel())
  }

  unavailable(): PosthornError {
    const remedy = 'Try again later, or sign in with an API key.'
    return new PosthornError('issuer_unavailable', `${this.settings.name} is not responding as it should. ${remedy}`)
  }

  /** The issuer's own sign-out. Null if it has none, or is unavailable. */
  async signOutUrl(parameters: Record<string, string>): Promise<string | null> {
    const configuration = this.#known?.configuration ?? (await this.#soon())
    const { end_session_endpoint: endpoint } = configuration?.serverMetadata() ?? {}
    if (configuration === undefined || !this.#isForBrowsers(endpoint)) return null
    return oidc.buildEndSessionUrl(configuration, parameters).href
  }

  async #read(): Promise<oidc.Configuration> {
    const { issuer, clientId } = this.settings
    try {
      const configuration = await oidc.discovery(new URL(issuer), clientId, CLIENT, this.#authentication(), {
        [oidc.customFetch]: this.#parts.fetch,
        timeout: TIMEOUT_SECONDS,
        execute: this.#checks(),
      })
      const metadataOf = configuration.serverMetadata()
      const { authorization_endpoint: authorize, token_endpoint: token, jwks_uri: keys } = metadataOf
      // The library accepts a template for some issuers, which then stands for anyone's directory.
      if (new URL(metadataOf.issuer).href !== new URL(issuer).href) throw new Error('its metadata name another issuer')
      if (!this.#isForBrowsers(authorize) || token === undefined || keys === undefined) {
        throw new Error('its metadata lack authorization_endpoint, token_endpoint or jwks_uri')
      }
      this.#known = { configuration, atMs: this.#parts.clock.monotonicMs() }
      this.#failedAtMs = undefined
      return configuration
    } catch (error) {
      this.#failedAtMs = this.#parts.clock.monotonicMs()
      this.warn(error, 'issuer of single sign-on unavailable')
      throw this.unavailable()
    }
  }

  /** Whether a page can lead to it: another scheme would run a script in the page. */
  #isForBrowsers(endpoint: string | undefined): boolean {
    const url = endpoint === undefined ? null : URL.parse(endpoint)
    if (url === null) return false
    const isLocal = /^http:/i.test(this.settings.issuer) && isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''))
    return url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)
  }

  /** Signatures are checked although tokens come by TLS (decision 56). */
  #checks(): ((configuration: oidc.Configuration) => void)[] {
    const isInsecure = /^http:/i.test(this.settings.issuer)
    return [oidc.enableNonRepudiationChecks, ...(isInsecure ? [oidc.allowInsecureRequests] : [])]
  }

  #authentication(): oidc.ClientAuth {
    const { clientSecret, clientAuthentication } = this.settings
    if (clientSecret === null) return oidc.None()
    return (clientAuthentication === 'basic' ? oidc.ClientSecretBasic : oidc.ClientSecretPost)(clientSecret.reveal())
  }

  /** Logs why a call failed, in words that contain no token. `count`: this one, and those before it that were left out. */
  warn(error: unknown, message: 'issuer of single sign-on unavailable' | 'single sign-on failed'): void {
    const atMs = this.#parts.clock.monotonicMs()
    const last = this.#warnings.get(message)
    if (last !== undefined && atMs - last.atMs < LINE_EVERY_MS) {
      last.unwritten++
      return
    }
    this.#warnings.set(message, { atMs, unwritten: 0 })
    const count = 1 + (last?.unwritten ?? 0)
    this.#parts.logger.warn({ issuer: this.settings.id, reason: reasonOf(error), count }, message)
  }
}

/** The messages of an error and its causes. The library's own never contain what was received. */
function reasonOf(error: unknown): string {
  const reasons: string[] = []
  for (let each = error; each instanceof Error && reasons.length < 4; each = each.cause) {
    const { code } = each as { code?: unknown }
    reasons.push(typeof code === 'string' ? `${each.message} (${code})` : each.message)
  }
  return reasons.join(': ').slice(0, 500)
}
