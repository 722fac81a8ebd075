/**
 * The HTTP API: authentication, limits and refusals, which all routes share. Each resource has a file of its own.
 * There are few hooks and no log line per request, because publishing is the hot path.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { CountedLines } from '../base/counted-lines.ts'
import { PosthornError } from '../base/errors.ts'
import { type Access, maySeePayloads } from './http/access.ts'
import { takeJson } from './http/bodies.ts'
import { answerClientError, completeServer } from './http/client-errors.ts'
import { BODY_MS, type CloseReason, Connections, FIRST_HEAD_MS } from './http/connections.ts'
import { CostlyCalls } from './http/costly-calls.ts'
import type { Examples } from './http/examples.ts'
import { Gate } from './http/gate.ts'
import { findHttpFault, toOriginForm } from './http/http-faults.ts'
import { Idempotency } from './http/idempotency.ts'
import { Intake } from './http/intake.ts'
import { KnownPaths } from './http/known-paths.ts'
import { type Call, Load } from './http/load.ts'
import { describeRoutes } from './http/openapi.ts'
import { partyOf } from './http/party.ts'
import { MethodNotAllowed, type ProblemContext, sendProblem, TooManyConnections } from './http/problem.ts'
import { ProblemSchema } from './http/problem-schema.ts'
import { type Api, createRoutes, requireComponents } from './http/routes.ts'
import { idOf } from './http/shapes.ts'
import { refuseSmallChunks } from './http/small-chunks.ts'
import { Turns } from './http/turns.ts'
import { compileValidator } from './http/validation.ts'
import type { ApiOptions } from './options.ts'
import { RESOURCES, type Services } from './resource-list.ts'

/** Longer than the 60 seconds that proxies commonly use, so that the proxy is the one to close an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** Finds peers that are gone without having closed their connection, while it is quiet. */
const PROBE_MS = 60_000
/** At least as long as any path can be, so that an overlong id is reported as not found like any unknown one. */
const MAX_PARAM_CHARACTERS = 16_384

export type CreatedApi = {
  readonly api: Api
  /** Resolves when no call is in progress. */
  untilIdle(): Promise<void>
  /** Calls with a wrong key since startup. */
  failedAuthentications(): number
  /** Open connections. */
  connections(): number
  /** Connections that were closed since startup, by reason. */
  closedConnections(): Readonly<Record<CloseReason, number>>
  closeConnections(): void
  /** Creates a server for a further address to listen on. */
  createServer(): Server
}

export function createApi(services: Services, options: ApiOptions): CreatedApi {
  const lines = new CountedLines(options.logger, options.clock)
  const connections = new Connections(options, lines)
  const intake = new Intake(connections, new Turns(options.clock))
  const gate = new Gate(options, lines)
  const load = new Load(options)
  const paths = new KnownPaths()
  const idempotency = new Idempotency(services.idempotentCalls)
  let isClosing = false
  const context: ProblemContext = { lines, isDraining: () => isClosing || options.isDraining() }
  let createAnother: () => Server
  const api = createFramework(options, gate, context, handler => {
    createAnother = () => createHttpServer(connections, intake, handler)
    return createAnother()
  })
  api.setNotFoundHandler((request, reply) => sendProblem(context, unknownPath(paths, request), request, reply))
  api.addHook('onRoute', ({ url, method, config }) => {
    if (config?.access === undefined)
      throw new Error(`${method} ${url} doesn't say which keys can call it: set its access`)
    paths.add(url, method)
  })
  api.addHook('preClose', done => {
    isClosing = true
    gate.close()
    lines.close()
    done()
  })
  addCallers(api, gate)
  addAdmission(api, { gate, connections, load, paths, isClosing: () => isClosing })
  addCostlyCalls(api)
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
    connections: () => connections.size,
    closedConnections: () => connections.closed,
    closeConnections: () => connections.closeAll(),
    // The framework does the same for the first one.
    createServer: () => createAnother().on('clientError', answerClientError),
  }
}

/**
 * A server whose connections are bounded and whose calls take turns. Node's timeouts are a second line: `Connections`
 * has the deadlines.
 */
function createHttpServer(connections: Connections, intake: Intake, handle: RequestListener): Server {
  const options = {
    // A missing Host header is refused by findHttpFault, with a problem document.
    requireHostHeader: false,
    headersTimeout: FIRST_HEAD_MS,
    requestTimeout: BODY_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_MS,
  }
  const server = createServer(options, (request, response) => {
    connections.begin(request, response)
    intake.begin(request, response)
    handle(request, response)
  })
  connections.watch(server)
  intake.watch(server)
  completeServer(server)
  return server
}

/** The framework instance, with its limits and error handlers. */
function createFramework(
  options: ApiOptions,
  gate: Gate,
  context: ProblemContext,
  serverFactory: (handle: RequestListener) => Server,
): Api {
  const api: Api = fastify({
    serverFactory,
    bodyLimit: options.maxBodyBytes,
    trustProxy: false,
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
  api.decorateRequest('isStillAllowed', function (this: FastifyRequest) {
    return gate.isStillAllowed(this)
  })
  api.decorateRequest('seesPayloads', {
    getter(this: FastifyRequest) {
      if (this.routeOptions.config.payloads !== undefined) return maySeePayloads(this.caller)
      throw new Error(`${this.method} ${this.routeOptions.url} doesn't say that it shows payloads`)
    },
  })
}

type Admission = {
  readonly gate: Gate
  readonly connections: Connections
  readonly load: Load
  readonly paths: KnownPaths
  readonly isClosing: () => boolean
}

/** Lets a party read a few things at a time. A stream would keep its place as long as it lasts, so it takes none. */
function addCostlyCalls(api: Api): void {
  const costly = new CostlyCalls()
  api.addHook('preHandler', (request, reply, done) => {
    const { config } = request.routeOptions
    const isCostly = config.isCostly ?? request.method === 'GET'
    if (!isCostly || request.caller === null) done()
    else costly.take(partyOf(request.caller.key), reply.raw, isGone => (isGone ? done(disconnected()) : done()))
  })
}

/** Checks the key of every call, and refuses calls that there is no room for, before their bodies are read. */
function addAdmission(api: Api, { gate, connections, load, paths, isClosing }: Admission): void {
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
      if (caller === undefined) {
        connections.reject(request.socket)
        return gate.turnAway(request, done)
      }
      request.caller = caller
      if (!connections.accept(request.socket, caller.key)) return done(new TooManyConnections())
    }
    const refused = refusal(request, reply, call, access) ?? (request.is404 ? unknownPath(paths, request) : undefined)
    if (refused === undefined) refuseSmallChunks(request.raw)
    done(refused)
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

function disconnected(): PosthornError {
  return new PosthornError('bad_request', 'The connection was closed before the call was carried out.')
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
