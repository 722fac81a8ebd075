/**
 * The HTTP API: authentication, limits and refusals, which are the same for all; the resources have a file each.
 * Few hooks and no log line a request, because publishing is the hot path.
 */
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { PosthornError } from '../base/errors.ts'
import { type Access, accessOf } from './access.ts'
import { addApiKeys } from './api-keys.ts'
import { addAudit } from './audit.ts'
import { addDeliveries } from './deliveries.ts'
import { addEgress } from './egress.ts'
import { addEncryptionKeys } from './encryption-keys.ts'
import { addEndpoints } from './endpoints.ts'
import { addEventEndpoints } from './event-endpoints.ts'
import { addEventTypes } from './event-types.ts'
import { addEvents } from './events.ts'
import { Gate } from './gate.ts'
import { addHealth } from './health.ts'
import { parseJson, refuseEncoding } from './json.ts'
import { KnownPaths } from './known-paths.ts'
import { type Call, Load } from './load.ts'
import { addMetrics } from './metrics.ts'
import { addOpenApi } from './openapi.ts'
import { answerClientError, MethodNotAllowed, sendProblem } from './problem.ts'
import { addReplays } from './replays.ts'
import { addRetrySchedules } from './retry-schedules.ts'
import type { Api, ApiOptions, Services } from './services.ts'
import { addStats } from './stats.ts'
import { addTenantData } from './tenant-data.ts'
import { addTenants } from './tenants.ts'
import { compileValidator } from './validation.ts'

export type { ApiOptions, Services } from './services.ts'

/** How long the head of a request can take to arrive, and the whole of it. */
const HEADERS_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 120_000
/** A connection on which nothing moves for so long is closed: an answer that nobody reads takes memory. */
const SILENCE_TIMEOUT_MS = 180_000
/** Longer than the 60 seconds that proxies like, so that it is they who close an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** No shorter than any path can be: an id that is too long is then an unknown one like others. */
const MAX_PARAM_CHARACTERS = 16_384

export type CreatedApi = {
  readonly api: Api
  /** Settles when no call is being answered. */
  untilIdle(): Promise<void>
  /** Calls with a wrong key since the start. */
  failedAuthentications(): number
}

export function createApi(services: Services, options: ApiOptions): CreatedApi {
  const paths = new KnownPaths()
  const load = new Load(options)
  const gate = new Gate(options)
  let isClosing = false
  const state = { logger: options.logger, isDraining: () => isClosing || options.isDraining() }
  const api: Api = fastify({
    bodyLimit: options.maxBodyBytes,
    trustProxy: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SILENCE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    forceCloseConnections: 'idle',
    // Refused below, as a problem like all others.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      if (!isUnderV1(request) || gate.authenticate(request)) sendProblem(state, error, request, reply)
      else gate.turnAway(request, refusal => sendProblem(state, refusal, request, reply))
    },
  })
  api.server.maxConnections = options.maxConnections
  api.setValidatorCompiler(compileValidator)
  // Schemas of answers are documentation; the tests hold answers against them. A serializer made from them would drop
  // what they forget, and is no faster where it has to try alternatives.
  api.setSerializerCompiler(() => JSON.stringify)
  api.setErrorHandler((error, request, reply) => sendProblem(state, error, request, reply))
  api.setNotFoundHandler((request, reply) => sendProblem(state, unknownPath(paths, request), request, reply))

  api.addHook('onRoute', route => {
    paths.add(route.url, route.method)
    route.config = { ...route.config, access: accessOf(route.schema?.operationId, options.metricsOpen) }
  })
  api.addHook('preClose', done => {
    isClosing = true
    gate.close()
    done()
  })
  api.decorateRequest('caller', null)
  api.decorateRequest('actor', {
    getter(this: FastifyRequest) {
      return gate.actorOf(this)
    },
  })
  api.addHook('onRequest', (request, reply, done) => {
    const call = load.begin(reply.raw)
    // An unknown path needs a key under /v1, whichever.
    const { access = 'open' } = request.routeOptions.config
    if (request.is404 ? isUnderV1(request) : access !== 'open') {
      const caller = gate.authenticate(request)
      if (caller === undefined) return gate.turnAway(request, done)
      request.caller = caller
    }
    done(refusal(request, reply, call, access) ?? (request.is404 ? unknownPath(paths, request) : undefined))
  })
  const refusal = (request: FastifyRequest, reply: FastifyReply, call: Call, access: Access) => {
    const refused = request.caller === null ? undefined : gate.refusal(request.caller, access, request, reply)
    if (refused !== undefined) return refused
    if (isClosing && !request.is404)
      return new PosthornError('shutting_down', 'This process is shutting down: try again.')
    return access === 'open' || load.admit(call, request) ? undefined : overloaded()
  }
  // When answering, not when asked: a connection that was kept for a call under way would hold up the close.
  api.addHook('onSend', (_request, reply, payload, done) => {
    if (state.isDraining()) reply.header('connection', 'close')
    done(null, payload)
  })

  api.removeAllContentTypeParsers()
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      const fault = refuseEncoding(request.headers['content-encoding'])
      if (fault !== undefined) throw fault
      done(null, parseJson(body))
    } catch (error) {
      done(error as Error)
    }
  })
  addRoutes(api, services, options)
  return {
    api,
    untilIdle: () => load.untilNone(),
    failedAuthentications: () => gate.failedAuthentications,
  }
}

function addRoutes(api: Api, services: Services, options: ApiOptions): void {
  addOpenApi(api, options.version)
  api.register(async scope => {
    addHealth(scope as Api, options)
    addMetrics(scope as Api, options)
    if (options.takesCalls) addEgress(scope as Api, options.egressAddresses)
  })
  if (!options.takesCalls) return
  api.register(
    async scope => {
      const resources = [
        addEventTypes,
        addTenants,
        addTenantData,
        addEndpoints,
        addEvents,
        addEventEndpoints,
        addDeliveries,
        addReplays,
        addStats,
        addRetrySchedules,
        addApiKeys,
        addAudit,
        addEncryptionKeys,
      ]
      for (const add of resources) {
        add(scope as Api, services, options)
      }
    },
    { prefix: '/v1' },
  )
}

function overloaded(): PosthornError {
  return new PosthornError('overloaded', 'Too much is under way: try again.')
}

/** By what was sent, for paths that lead nowhere: whether one exists is not told to strangers. */
function isUnderV1({ url }: FastifyRequest): boolean {
  return /^\/v1(?:[/?#]|$)/.test(url)
}

function unknownPath(paths: KnownPaths, { url }: FastifyRequest): PosthornError {
  const allow = paths.allow(url.split(/[?#]/, 1)[0]!)
  if (allow !== undefined) return new MethodNotAllowed(allow)
  return new PosthornError('not_found', 'This path leads nowhere: see /openapi.json for those that do.')
}
