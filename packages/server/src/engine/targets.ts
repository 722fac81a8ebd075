import type { Keyring } from '../keys.ts'
import type { Endpoint, EndpointId, RetrySchedule } from '../model.ts'
import type { Store } from '../store/store.ts'
import { createBlanker, type Recorded } from './blank.ts'
import type { Exchange } from './outcome.ts'

/** An endpoint as an attempt needs it: made once, used until the endpoint changes. */
export type Target = {
  readonly endpoint: Endpoint
  readonly origin: string
  readonly path: string
  /** The headers that are the same for each request, name and value in turn (C6, C10). */
  readonly headers: readonly string[]
  readonly schedule: RetrySchedule
  readonly timeoutMs: number
  /** False: the secret can't be decrypted, so nothing can be sent. */
  readonly isReadable: boolean
  readonly record: (exchange: Exchange) => Recorded
}

export type TargetOptions = {
  readonly apiVersion: string
  readonly userAgent: string
  readonly retrySchedule: RetrySchedule
  readonly responseTimeoutMs: number
}

const TARGETS_KEPT = 50_000

/** Endpoints by id, read when first needed. `get` answers undefined until `load` has. */
export class Targets {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #options: TargetOptions
  /** null: the endpoint is gone or disabled. */
  readonly #known = new Map<EndpointId, Target | null>()
  /** What was handed out and has changed since. */
  readonly #outdated = new WeakSet<Target>()
  readonly #loading = new Map<EndpointId, Promise<Target | null>>()

  constructor(store: Store, keyring: Keyring, options: TargetOptions) {
    this.#store = store
    this.#keyring = keyring
    this.#options = options
  }

  get(endpoint: EndpointId): Target | null | undefined {
    return this.#known.get(endpoint)
  }

  /** The endpoint changed: it is read again before the next attempt. */
  forget(endpoint: EndpointId): void {
    const known = this.#known.get(endpoint)
    if (known) this.#outdated.add(known)
    this.#known.delete(endpoint)
    this.#loading.delete(endpoint)
  }

  forgetAll(): void {
    this.#known.clear()
    this.#loading.clear()
  }

  /** Whether the endpoint is still as it was when the target was made, as far as is known. */
  isCurrent(target: Target): boolean {
    return !this.#outdated.has(target)
  }

  /** null: it is gone or disabled. Throws StoreUnavailable. */
  async load(id: EndpointId): Promise<Target | null> {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const loading = this.#loading.get(id) ?? this.#read(id)
    this.#loading.set(id, loading)
    try {
      const target = await loading
      // Unless it changed while it was read.
      if (this.#loading.get(id) !== loading) return this.load(id)
      this.#keep(id, target)
      return target
    } finally {
      if (this.#loading.get(id) === loading) this.#loading.delete(id)
    }
  }

  #keep(id: EndpointId, target: Target | null): void {
    if (this.#known.size >= TARGETS_KEPT) {
      const [oldest] = this.#known.keys()
      this.#known.delete(oldest!)
    }
    this.#known.set(id, target)
  }

  async #read(id: EndpointId): Promise<Target | null> {
    const endpoint = await this.#store.read('getEndpoint', { tenant: null, id })
    if (endpoint === null || endpoint.state === 'disabled') return null
    const { origin, pathname, search } = new URL(endpoint.url)
    const secret = this.#open(endpoint)
    const { apiVersion, userAgent, retrySchedule, responseTimeoutMs } = this.#options
    return {
      endpoint,
      origin,
      path: pathname + search,
      headers: [
        'Content-Type',
        'application/json',
        'Authorization',
        `Bearer ${secret ?? ''}`,
        'X-APIVersion',
        apiVersion,
        'User-Agent',
        userAgent,
        ...Object.entries(endpoint.headers).flat(),
      ],
      schedule: endpoint.schedule ?? retrySchedule,
      timeoutMs: endpoint.timeoutMs ?? responseTimeoutMs,
      isReadable: secret !== undefined,
      record: createBlanker(secret ?? ''),
    }
  }

  #open(endpoint: Endpoint): string | undefined {
    try {
      return this.#keyring.open(endpoint.id, endpoint.sealedSecret)
    } catch {
      return undefined
    }
  }
}
