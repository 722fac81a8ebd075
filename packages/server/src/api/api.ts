/**
 * The HTTP API: authentication, limits and refusals, which all routes share. Each resource has a file of its own.
 * There are few hooks and no log line per request, because publishing is the hot path.
 */
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { PosthornError } from '../base/errors.ts'
import { type Access, maySeePayloads } from './http/access.ts'
import { takeJson } from './http/bodies.ts'
import { answerClientError, completeServer } from './http/client-errors.ts'
import type { Examples } from './http/examples.ts'
import { Gate } from './http/gate.ts'
import { findHttpFault, toOriginForm } from './http/http-faults.ts'
import { Idempotency } from './http/idempotency.ts'
import { KnownPaths } from './http/known-paths.ts'
import { type Call, Load } from './http/load.ts'
import { describeRoutes } from './http/openapi.ts'
import { MethodNotAllowed, type ProblemContext, sendProblem } from './http/problem.ts'
import { ProblemSchema } from './http/problem-schema.ts'
import { type Api, createRoutes, requireComponents } from './http/routes.ts'
import { idOf } from './http/shapes.ts'
import { compileValidator } from './http/validation.ts'
import type { ApiOptions } from './options.ts'
import { RESOURCES, type Services } from './resource-list.ts'

/** How long the headers of a request can take to arrive, and how long the whole request. */
const HEADERS_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 120_000
/** A connection without traffic for this long is closed: a response that the client doesn't read takes memory. */
const SILENCE_TIMEOUT_MS = 180_000
/** Longer than the 60 seconds that proxies commonly use, so that the proxy is the one to close an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** At least as long as any path can be, so that an overlong id is reported as not found like any unknown one. */
const MAX_PARAM_CHARACTERS = 16_384

export type CreatedApi = {
  readonly api: Api
  /** Resolves when no call is in progress. */
  untilIdle(): Promise<void>
  /** Calls with a wrong key since startup. */
  failedAuthentications(): number
}

export function createApi(services: Services, options: ApiOptions): CreatedApi {
  const gate = new Gate(options)
  const load = new Load(options)
  const paths = new KnownPaths()
  const idempotency = new Idempotency(services.idempotentCalls)
  let isClosing = false
  const context: ProblemContext = { logger: options.logger, isDraining: () => isClosing || options.isDraining() }
  const api = createServer(options, gate, context)
  api.setNotFoundHandler((request, reply) => sendProblem(context, unknownPath(paths, request), request, reply))
  api.addHook('onRoute', ({ url, method, config }) => {
    if (config?.access === undefined)
      throw new Error(`${method} ${url} doesn't say which keys can call it: set its access`)
    paths.add(url, method)
  })
  api.addHook('preClose', done => {
    isClosing = true
    gate.close()
    done()
  })
  addCallers(api, gate)
  addAdmission(api, gate, load, paths, () => isClosing)
  // Decided when the response is sent, not when the request arrives: a connection kept alive by a call that was in
  // progress at shutdown would delay the close.
  api.addHook('onSend', (request, reply, payload, done) => {
    idempotency.end(request)
    if (context.isDraining()) reply.header('connection', 'close')
    done(null, payload)
  })
  takeJson(api)
  addResources(api, services, options, idempotency)
  return {
    api,
    untilIdle: () => load.untilNone(),
    failedAuthentications: () => gate.failedAuthentications,
  }
}

/** The framework instance, with its limits and error handlers. */
function createServer(options: ApiOptions, gate: Gate, context: ProblemContext): Api {
  const api: Api = fastify({
    bodyLimit: options.maxBodyBytes,
    trustProxy: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SILENCE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // A missing Host header is refused by findHttpFault, with a problem document.
    http: { headersTimeout: HEADERS_TIMEOUT_MS, requireHostHeader: false },
    forceCloseConnections: 'idle',
    // `addAdmission` refuses these calls instead, with a problem document like all others.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    clientErrorHandler: answerClientError,
    rewriteUrl: ({ url = '/' }) => toOriginForm(url),
    frameworkErrors: (error, request, reply) => {
      const fault = findHttpFault(request.raw)
      if (fault !== undefined) sendProblem(context, fault, request, reply)
      else if (!isUnderV1(request) || gate.authenticate(request)) sendProblem(context, error, request, reply)
      else gate.turnAway(request, refusal => sendProblem(context, refusal, request, reply))
    },
  })
  api.server.maxConnections = options.maxConnections
  completeServer(api.server)
  api.setValidatorCompiler(compileValidator)
  // Response schemas are documentation; the tests check responses against them. A serializer generated from them would
  // drop members that a schema forgets, and is no faster where it has to try alternatives.
  api.setSerializerCompiler(() => JSON.stringify)
  api.setErrorHandler((error, request, reply) => sendProblem(context, error, request, reply))
  return api
}

function addCallers(api: Api, gate: Gate): void {
  api.decorateRequest('caller', null)
  api.decorateRequest('once', null)
  api.decorateRequest('bodyBytes', null)
  api.decorateRequest('actor', {
    getter(this: FastifyRequest) {
      return gate.actorOf(this)
    },
  })
  api.decorateRequest('seesPayloads', {
    getter(this: FastifyRequest) {
      if (this.routeOptions.config.payloads !== undefined) return maySeePayloads(this.caller)
      throw new Error(`${this.method} ${this.routeOptions.url} doesn't say that it shows payloads`)
    },
  })
}

/** Checks the key of every call, and refuses calls that there is no room for, before their bodies are read. */
function addAdmission(api: Api, gate: Gate, load: Load, paths: KnownPaths, isClosing: () => boolean): void {
  const refusal = (request: FastifyRequest, reply: FastifyReply, call: Call, access: Access) => {
    const refused = request.caller === null ? undefined : gate.refusal(request.caller, access, request, reply)
    if (refused !== undefined) return refused
    if (isClosing() && !request.is404)
      return new PosthornError('shutting_down', 'The server is shutting down. Try again.')
    return access === 'open' || load.admit(call, request) ? undefined : overloaded()
  }
  api.addHook('onRequest', (request, reply, done) => {
    const call = load.begin(reply.raw)
    const fault = findHttpFault(request.raw)
    if (fault !== undefined) return done(fault)
    // Unknown paths under /v1 need a key too; any valid key will do.
    const { access = 'open' } = request.routeOptions.config
    if (request.is404 ? isUnderV1(request) : access !== 'open') {
      const caller = gate.authenticate(request)
      if (caller === undefined) return gate.turnAway(request, done)
      request.caller = caller
    }
    done(refusal(request, reply, call, access) ?? (request.is404 ? unknownPath(paths, request) : undefined))
  })
}

function addResources(api: Api, services: Services, options: ApiOptions, idempotency: Idempotency): void {
  const examples: Examples = Object.assign({}, ...RESOURCES.map(resource => resource.examples))
  describeRoutes(api, options.version, [...new Set(RESOURCES.map(({ tag }) => tag))], examples)
  const components = [ProblemSchema, ...RESOURCES.flatMap(resource => resource.components)]
  for (const component of components) api.addSchema(component)
  for (const component of components) requireComponents(api, `The component ${idOf(component)}`, component)
  api.register(async scope => {
    for (const resource of RESOURCES) {
      if (!options.takesCalls && resource.isOnEveryNode !== true) continue
      resource.add(createRoutes(scope as Api, resource.tag, idempotency), services, options)
    }
  })
}

function overloaded(): PosthornError {
  return new PosthornError('overloaded', 'The server is processing too many requests. Try again.')
}

/**
 * Judged by the URL as sent, so that it covers unknown paths: callers without a key can't find out which paths exist.
 */
function isUnderV1({ url }: FastifyRequest): boolean {
  return /^\/v1(?:[/?#]|$)/.test(url)
}

function unknownPath(paths: KnownPaths, { url }: FastifyRequest): PosthornError {
  const allow = paths.allow(url.split(/[?#]/, 1)[0]!)
  if (allow !== undefined) return new MethodNotAllowed(allow)
  return new PosthornError('not_found', 'Unknown path. GET /openapi.json lists all paths.')
}
