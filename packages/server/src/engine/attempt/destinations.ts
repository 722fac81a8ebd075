import { FairCache } from '../../base/fair-cache.ts'
import type { Endpoint, EndpointId, ExtraHeaders, TenantId } from '../../base/model.ts'
import { commonHeaders, isSameTemplate, type SenderIdentity } from '../../base/webhook-request.ts'
import { splitUrl } from '../../guard/request-target.ts'
import {
  type Credentials,
  changesAtMs,
  clientSecretAt,
  liveSigning,
  readCredentials,
} from '../../secrets/credentials.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import { templateOf } from '../../secrets/request-template.ts'
import { createSigner, type Signer } from '../../secrets/signer.ts'
import type { Sendable } from '../../store/operations/endpoints/endpoints.ts'
import type { Store } from '../../store/store.ts'
import type { Identity } from '../http/tls.ts'
import type { Exchange } from './outcome.ts'
import { createRedactor, type Recorded } from './redaction.ts'
import type { Route } from './route.ts'
import type { TokenClient } from './tokens.ts'

/** What an attempt needs to know of an endpoint besides its request. The rest, such as its metadata, can be large. */
export type AttemptedEndpoint = Pick<
  Endpoint,
  'id' | 'tenant' | 'partition' | 'url' | 'schedule' | 'rateLimit' | 'ordered' | 'signatureHeaders'
>

/** An endpoint as an attempt needs it. Created once and used until the endpoint or the secret in effect changes. */
export type Destination = {
  readonly endpoint: AttemptedEndpoint
  /** The version of what its requests carry. */
  readonly requestVersion: number
  /** Of a listener, nothing is connected to: its origin only says what has a share of its own. */
  readonly route: Route
  readonly path: string
  /** Whether its requests go to those who listen (decision 54). */
  readonly isListener: boolean
  /** Headers common to all requests, names and values alternately (C6, C10), without an OAuth bearer. */
  readonly headers: readonly string[]
  readonly sign: Signer
  /** Where the bearer token comes from. Null if it is the clientSecret. */
  readonly oauth: TokenClient | null
  readonly timeoutMs: number
  /** False if the secret can't be decrypted, so that nothing can be sent. */
  readonly isReadable: boolean
  readonly record: (exchange: Exchange) => Recorded
  /** Values of secret headers, besides the bearer token, which are blanked in responses. */
  readonly headerSecrets: readonly string[]
  /** Names of the headers that have a secret, in lower case. */
  readonly secretNames: readonly string[]
  /** Store time in milliseconds at which another secret takes effect. Infinity: not until the endpoint is changed. */
  readonly untilMs: number
}

type EndpointOfTenant = { readonly endpoint: EndpointId; readonly tenant: TenantId }

/** What was read, and the estimated size of the destination. */
type Read = { readonly destination: Destination; readonly endpoint: Endpoint; readonly bytes: number }

export type DestinationOptions = SenderIdentity & { readonly responseTimeoutMs: number }

/** Estimated size of the destinations that are kept: of some twenty thousand usual endpoints. */
const BYTES_KEPT = 64 * 1024 * 1024
/** Of a destination without what its endpoint's tenant chose, and of the absence of one. */
const BYTES_EACH = 2_000
const BYTES_OF_NONE = 200
/** A shorter value of a secret header is not sought in responses: it would be found in ordinary words. */
const SHORTEST_BLANKED = 4

/** Endpoints by id, read when first needed. `get` returns undefined until `load` has read them. */
export class Destinations {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #options: DestinationOptions
  /** Null for an endpoint that is gone or disabled. */
  readonly #known: FairCache<EndpointId, Destination | null>
  /** Destinations that were handed out and whose endpoints have changed since. */
  readonly #outdated = new WeakSet<Destination>()
  readonly #loading = new Map<EndpointId, Promise<Read | null>>()
  readonly #onRead: (endpoint: Endpoint) => void

  /**
   * @param onRead called with each endpoint that was read
   * @param bytesKept see BYTES_KEPT; for tests
   */
  constructor(
    store: Store,
    keyring: Keyring,
    options: DestinationOptions,
    onRead: (endpoint: Endpoint) => void,
    bytesKept = BYTES_KEPT,
  ) {
    this.#known = new FairCache(bytesKept)
    this.#onRead = onRead
    this.#store = store
    this.#keyring = keyring
    this.#options = options
  }

  get(endpoint: EndpointId): Destination | null | undefined {
    const known = this.#known.get(endpoint)
    if (known === undefined || known === null || known.untilMs === Number.POSITIVE_INFINITY) return known
    if (known.untilMs > this.#store.now()) return known
    this.#known.delete(endpoint)
    return undefined
  }

  /** Forgets an endpoint that changed, so that it is read again before the next attempt. */
  forget(endpoint: EndpointId): void {
    const known = this.#known.get(endpoint)
    if (known) this.#outdated.add(known)
    this.#known.delete(endpoint)
    this.#loading.delete(endpoint)
  }

  /** Forgets the endpoints of these partitions, and returns their ids. */
  forgetIn(partitions: ReadonlySet<number>): EndpointId[] {
    const ids = [...this.#known].flatMap(([id, destination]) => {
      return destination === null || partitions.has(destination.endpoint.partition) ? [id] : []
    })
    for (const id of ids) this.forget(id)
    // The partitions of these aren't known yet.
    this.#loading.clear()
    return ids
  }

  forgetAll(): void {
    this.#known.clear()
    this.#loading.clear()
  }

  /** Whether the endpoint hasn't changed since the destination was created, as far as is known here. */
  isCurrent(destination: Destination): boolean {
    return !this.#outdated.has(destination)
  }

  /** Returns null if the endpoint is gone or disabled. Throws StoreUnavailable. */
  async load(at: EndpointOfTenant): Promise<Destination | null> {
    const { endpoint: id, tenant } = at
    const known = this.get(id)
    if (known !== undefined) return known
    const loading = this.#loading.get(id) ?? this.#read(at)
    this.#loading.set(id, loading)
    try {
      const read = await loading
      // Read again if it changed in the meantime.
      if (this.#loading.get(id) !== loading) return this.load(at)
      const destination = read?.destination ?? null
      this.#known.set(id, destination, { tenant, cost: read?.bytes ?? BYTES_OF_NONE })
      if (read !== null) this.#onRead(read.endpoint)
      return destination
    } finally {
      if (this.#loading.get(id) === loading) this.#loading.delete(id)
    }
  }

  async #read({ endpoint: id, tenant }: EndpointOfTenant): Promise<Read | null> {
    const found = await this.#store.read('getSendable', { id, tenant })
    if (found === null || found.endpoint.state === 'disabled') return null
    const { endpoint } = found
    const credentials = this.#openCredentials(endpoint)
    const requestVersion = await this.#versionOf(found, credentials)
    // Changed since it was read.
    if (requestVersion === null) return this.#read({ endpoint: id, tenant })
    const destination = toDestination(endpoint, requestVersion, credentials, this.#options, this.#store.now())
    return { destination, endpoint, bytes: bytesOf(destination, credentials) }
  }

  /** The version under which it is written down what is about to be sent. Null if the endpoint has changed since. */
  async #versionOf({ endpoint, version, template }: Sendable, credentials: Credentials | undefined) {
    if (credentials === undefined) return version
    const own = templateOf(endpoint, credentials)
    if (template !== null && isSameTemplate(template, own)) return version
    // Rare: from before there were versions, or changed by an older node.
    return this.#store.write('recordTemplate', { endpoint, template: own, nowMs: this.#store.now() })
  }

  #openCredentials(endpoint: Endpoint): Credentials | undefined {
    try {
      return readCredentials(this.#keyring.open(endpoint.id, endpoint.sealedCredentials))
    } catch {
      return undefined
    }
  }
}

function toDestination(
  endpoint: Endpoint,
  requestVersion: number,
  credentials: Credentials | undefined,
  options: DestinationOptions,
  nowMs: number,
): Destination {
  const isListener = endpoint.url === null
  const { origin, target } = splitUrl(endpoint.url ?? `listener://${endpoint.id}`)
  const secret = credentials === undefined || credentials.oauth !== null ? null : clientSecretAt(credentials, nowMs)
  const extra = openHeaders(endpoint.headers, credentials)
  const headerSecrets = extra.secrets.filter(value => value.length >= SHORTEST_BLANKED)
  return {
    endpoint: attemptedOf(endpoint),
    requestVersion,
    route: {
      origin,
      tenant: endpoint.tenant,
      identity: credentials === undefined ? null : identityOf(endpoint, credentials),
    },
    path: target,
    isListener,
    headers: commonHeaders(options, secret, extra.headers),
    sign: createSigner(credentials === undefined ? [] : liveSigning(credentials, nowMs)),
    oauth: credentials === undefined ? null : tokenClientOf(endpoint, credentials),
    timeoutMs: endpoint.timeoutMs ?? options.responseTimeoutMs,
    isReadable: extra.isComplete && credentials !== undefined && (secret !== null || credentials.oauth !== null),
    record: createRedactor([secret ?? '', ...headerSecrets]),
    headerSecrets,
    secretNames: ['authorization', ...extra.secretNames],
    untilMs: credentials === undefined ? Number.POSITIVE_INFINITY : changesAtMs(credentials, nowMs),
  }
}

function attemptedOf(endpoint: Endpoint): AttemptedEndpoint {
  const { id, tenant, partition, url, schedule, rateLimit, ordered, signatureHeaders } = endpoint
  return { id, tenant, partition, url, schedule, rateLimit, ordered, signatureHeaders }
}

/** About how much memory a destination takes, a character counting as a byte: all of them are ASCII. */
function bytesOf({ headers, path, endpoint, oauth }: Destination, credentials: Credentials | undefined): number {
  const texts = [...headers, path, endpoint.url ?? '', credentials?.clientSecret ?? '']
  const { certificate, key } = credentials?.clientCertificate ?? { certificate: '', key: '' }
  const ofOAuth = oauth === null ? 0 : JSON.stringify(oauth).length
  return BYTES_EACH + certificate.length + key.length + ofOAuth + texts.reduce((sum, text) => sum + text.length, 0)
}

/** Extra headers with their values, the secret ones last; incomplete if a sealed value is missing. */
function openHeaders(headers: ExtraHeaders, credentials: Credentials | undefined) {
  const sealed = new Map(Object.entries(credentials?.headers ?? {}))
  const opened = Object.entries(headers).map(([name, { secret, value }]) => {
    return { name, secret, value: value ?? sealed.get(name) ?? null }
  })
  const known = opened.filter((header): header is typeof header & { value: string } => header.value !== null)
  const [clear, secret] = [known.filter(header => !header.secret), known.filter(header => header.secret)]
  return {
    // In the order in which an attempt's request is rebuilt (base/webhook-request.ts).
    headers: [...clear, ...secret].flatMap(({ name, value }) => [name, value]),
    secrets: secret.map(({ value }) => value),
    secretNames: secret.map(({ name }) => name),
    isComplete: known.length === opened.length,
  }
}

/** The name contains the endpoint's last change, so that a replaced certificate is a different identity. */
function identityOf({ id, updatedAtMs }: Endpoint, { clientCertificate }: Credentials): Identity | null {
  return clientCertificate === null ? null : { name: `${id} ${updatedAtMs}`, ...clientCertificate }
}

function tokenClientOf({ id, tenant }: Endpoint, { oauth }: Credentials): TokenClient | null {
  if (oauth === null) return null
  const { tokenUrl, ...client } = oauth
  const { origin, target } = splitUrl(tokenUrl)
  return { endpoint: id, route: { origin, tenant, identity: null }, path: target, ...client }
}
