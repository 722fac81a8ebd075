import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect } from 'vitest'
import { type CreatedApi, createApi } from '../../src/api/api.ts'
import type { Api } from '../../src/api/http/routes.ts'
import type { ApiOptions } from '../../src/api/options.ts'
import type { Services } from '../../src/api/resource-list.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/logger.ts'
import { Bench, KEY, NODE } from '../services/setup.ts'
import { checkerOf } from './answer-checker.ts'

export { KEY }

type Sent = {
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** null: no key. */
  readonly key?: string | null
}

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  /** The body, if it is JSON. */
  readonly body: Json
}

// biome-ignore lint/suspicious/noExplicitAny: the content of a response is what the test is about
export type Json = any

/** The API with the real services and SQLite. Every response is checked against the API's own OpenAPI document. */
export class ApiBench extends Bench {
  api!: Api
  log: string[] = []
  draining = false
  created!: CreatedApi
  ready = true
  readiness = { publishing: true, reading: true, isReady: true }
  #checker!: ReturnType<typeof checkerOf>
  #paths = { basePath: '/', hasSessions: true }

  async openApi(services: Partial<Services> = {}, options: Partial<ApiOptions> = {}): Promise<void> {
    await this.open()
    await this.useServices(services, options)
  }

  /** Replaces the API with one that has other services. */
  async useServices(services: Partial<Services>, options: Partial<ApiOptions> = {}): Promise<void> {
    await this.api?.close()
    this.draining = false
    this.ready = true
    this.readiness = { publishing: true, reading: true, isReady: true }
    this.log = []
    this.created = this.createApi(services, options)
    this.api = this.created.api
    await this.api.ready()
    this.#checker = checkerOf(options, () => this.api.swagger() as Json)
    this.#paths = { basePath: options.basePath ?? '/', hasSessions: options.dashboard !== 'none' }
  }

  /** An API that is not ready yet. */
  createApi(services: Partial<Services> = {}, options: Partial<ApiOptions> = {}): CreatedApi {
    return createApi(
      {
        publisher: this.publisher,
        endpoints: this.endpoints,
        endpointLists: this.endpointLists,
        tenants: this.tenants,
        eventTypes: this.types,
        deliveries: this.deliveries,
        events: this.events,
        auditLog: this.auditLog,
        filterTrials: this.filterTrials,
        replays: this.replays,
        replayBatches: this.replayBatches,
        apiKeys: this.apiKeys,
        sessions: this.sessions,
        singleSignOn: this.singleSignOn,
        portalLinks: this.portalLinks,
        portalLooks: this.portalLooks,
        keyRotation: this.keyRotation,
        notifications: this.notifications,
        search: this.search,
        stats: this.stats,
        streams: this.streams,
        listenerAnswers: this.listenerAnswers,
        nodes: this.nodes,
        overview: this.overview,
        tenantRanks: this.tenantRanks,
        retrySchedules: this.retrySchedules,
        exports: this.exports,
        idempotentCalls: this.idempotentCalls,
        ...services,
      },
      {
        identify: this.identify,
        basePath: '/',
        dashboard: 'shared',
        portal: true,
        publicUrl: () => 'http://127.0.0.1:8470/',
        portalUrl: () => 'http://127.0.0.1:8470/',
        givenUrl: null,
        sessions: this.sessionCache,
        pages: null,
        trustedProxies: [],
        clock: systemClock,
        egressAddresses: ['192.0.2.1'],
        version: '0.0.0-test',
        takesCalls: true,
        maxBodyBytes: 1_048_576,
        bodyMemoryBytes: 134_217_728,
        maxConnections: 100,
        maxConnectionsPerAddress: 100,
        isShared: () => this.store.isShared,
        isReady: () => this.ready,
        isDraining: () => this.draining,
        readiness: async () => this.readiness,
        metrics: async () => ({ type: 'text/plain; version=0.0.4; charset=utf-8', text: '# HELP x\n' }),
        metricsOpen: false,
        nodeId: NODE,
        settings: () => [],
        checks: async () => ({ findings: [], checkedAtMs: Date.now(), durationMs: 0 }),
        logger: createLogger({ level: 'info', stdout: { write: line => this.log.push(line) } }).logger,
        ...options,
      },
    )
  }

  failedAuthentications = () => this.created.failedAuthentications()

  /** Listens on a free port, and returns it. */
  async listen(host = '127.0.0.1'): Promise<number> {
    await this.api.listen({ port: 0, host })
    return (this.api.server.address() as AddressInfo).port
  }

  async closeApi(): Promise<void> {
    // In the order of a shutdown.
    const closed = this.api.close()
    this.streams.refuse()
    void this.created.untilIdle().then(() => this.created.closeConnections())
    await closed
    await this.close()
  }

  get document(): Json {
    return this.api.swagger()
  }

  /** Sends a request. The body is a string, or a value that is sent as JSON. */
  send = async (method: string, url: string, { body, headers = {}, key = KEY }: Sent = {}): Promise<Answer> => {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
    const response = await this.api.inject({
      method: method as 'GET',
      url,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body) }),
    })
    const text = response.body
    const type = String(response.headers['content-type'] ?? '')
    const answer = {
      status: response.statusCode,
      headers: response.headers,
      text,
      body: /\bjson\b/.test(type) && text !== '' ? JSON.parse(text) : undefined,
    }
    const faults = this.#checker.check(method, this.#documented(url), { ...answer, type })
    expect(faults, `${method} ${url} → ${answer.status} ${text.slice(0, 300)}`).toEqual([])
    return answer
  }

  /** The path in the document: without `publicUrl`'s path, and, as sessions have the same paths, without their door. */
  #documented(url: string): string {
    const { basePath, hasSessions } = this.#paths
    const path = url.startsWith(basePath) ? url.slice(basePath.length - 1) : url
    return hasSessions ? path.replace(/^\/(?:session|portal)(?=\/v1\/)/, '') : path
  }

  get = (url: string, sent?: Sent) => this.send('GET', url, sent)
  post = (url: string, body?: unknown, sent?: Sent) => this.send('POST', url, { ...sent, body })
  put = (url: string, body?: unknown, sent?: Sent) => this.send('PUT', url, { ...sent, body })
  patch = (url: string, body?: unknown, sent?: Sent) => this.send('PATCH', url, { ...sent, body })
  remove = (url: string, sent?: Sent) => this.send('DELETE', url, sent)
}

export function useApi(): ApiBench {
  const bench = new ApiBench()
  beforeEach(() => bench.openApi())
  afterEach(() => bench.closeApi())
  return bench
}

/** Status, code and the fields in `errors`. */
export function refused({ status, body }: Answer): [number, string, string[]] {
  return [status, body.code, (body.errors ?? []).map(({ field }: Json) => field)]
}
