/**
 * The HTTP API: authentication, limits and refusals, which all routes share. Each resource has a file of its own.
 * There are few hooks and no log line per request, because publishing is the hot path.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { CountedLines } from '../base/counted-lines.ts'
import { PosthornError } from '../base/errors.ts'
import { sessionKindOf } from './dashboard/pages.ts'
import type { ReadLooks } from './dashboard/portal-page.ts'
import { type Access, doorOf, elsewhere, isOpen, isSigningIn, isVisiting, maySeePayloads } from './http/access.ts'
import { takeJson } from './http/bodies.ts'
import { answerClientError, completeServer } from './http/client-errors.ts'
import { BODY_MS, type CloseReason, Connections, FIRST_HEAD_MS } from './http/connections.ts'
import { CostlyCalls } from './http/costly-calls.ts'
import { Doors, PREFIXES, type SessionKind } from './http/doors.ts'
import type { Examples } from './http/examples.ts'
import { type Caller, Gate, WrongCredentials } from './http/gate.ts'
import { findHttpFault } from './http/http-faults.ts'
import { Idempotency } from './http/idempotency.ts'
import { Intake } from './http/intake.ts'
import { KnownPaths } from './http/known-paths.ts'
import { type Call, Load } from './http/load.ts'
import { describeRoutes } from './http/openapi.ts'
import { partyOf } from './http/party.ts'
import { MethodNotAllowed, type ProblemContext, sendProblem, TooManyConnections } from './http/problem.ts'
import { ProblemSchema } from './http/problem-schema.ts'
import { type Api, createRoutes, requireComponents } from './http/routes.ts'
import { SessionDoor } from './http/session-door.ts'
import { idOf } from './http/shapes.ts'
import { refuseSmallChunks } from './http/small-chunks.ts'
import { beginAsTenant } from './http/tenant-calls.ts'
import { Turns } from './http/turns.ts'
import { compileValidator } from './http/validation.ts'
import type { ApiOptions } from './options.ts'
import { RESOURCES, type Services } from './resource-list.ts'
import { readShownLooks } from './resources/portal-looks.ts'

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
  /** Creates a server for a further address to listen on: one more of the API's, or the dashboard's own. */
  createServer(of: Address): Server
  /** Handles a request that another server has received. */
  readonly handle: RequestListener
}

type Address = 'api' | 'dashboard'

export function createApi(services: Services, options: ApiOptions): CreatedApi {
  const lines = new CountedLines(options.logger, options.clock)
  const connections = new Connections(options, lines)
  const intake = new Intake(connections, new Turns(options.clock))
  const gate = new Gate(options, lines)
  const doors = new Doors(options)
  const load = new Load(options)
  const paths = new KnownPaths()
  const idempotency = new Idempotency(services.idempotentCalls)
  let isClosing = false
  const context: ProblemContext = { lines, isDraining: () => isClosing || options.isDraining() }
  let createAnother: (of: Address) => Server
  let handle: RequestListener
  const api = createFramework(options, { gate, doors, connections }, context, handler => {
    handle = handler
    const handleAtDashboard: RequestListener = (request, response) => {
      doors.arriveAtDashboard(request)
      handler(request, response)
    }
    createAnother = of => createHttpServer(connections, intake, of === 'api' ? handler : handleAtDashboard)
    return createAnother('api')
  })
  const pages = new PageAnswers(options.pages, doors, () => readShownLooks(services.portalLooks, options))
  api.setNotFoundHandler((request, reply) => {
    const refuse = () => sendProblem(context, unknownPath(paths, request), request, reply)
    if (!pages.takes(request)) return refuse()
    return pages.answer(request, reply, refuse)
  })
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
  const sessions = {
    session: new SessionDoor('session', options.sessions),
    portal: new SessionDoor('portal', options.sessions),
  }
  addCallers(api, gate, sessions)
  addAdmission(api, {
    gate,
    doors,
    sessions,
    pages,
    connections,
    load,
    paths,
    isClosing: () => isClosing,
  })
  addCostlyCalls(api)
  // The last of these hooks: the handler is a part of the call.
  api.addHook('preHandler', beginAsTenant(options, disconnected))
  const { basePath, version } = options
  addEndings(api, { doors, idempotency, basePath, version, isDraining: context.isDraining })
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
    createServer: of => createAnother(of).on('clientError', answerClientError),
    handle: (request, response) => handle(request, response),
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

type Endings = {
  readonly doors: Doors
  readonly idempotency: Idempotency
  readonly basePath: string
  readonly version: string
  readonly isDraining: () => boolean
}

/** What each response gets when it is sent. */
function addEndings(api: Api, { doors, idempotency, basePath, version, isDraining }: Endings): void {
  api.addHook('onSend', (request, reply, payload, done) => {
    idempotency.end(request)
    // Only to callers: operators that keep `/openapi.json` from strangers don't want it to be said here.
    if (request.caller !== null) reply.header('posthorn-version', version)
    // Decided here, not when the request arrives: a connection kept alive by a call that was in progress at shutdown
    // would delay the close.
    if (isDraining()) reply.header('connection', 'close')
    const kind = doors.kindOf(request.raw)
    if (kind !== undefined) reply.headers(FOR_BROWSERS)
    if (kind !== undefined || basePath !== '/') completeLocation(reply, basePath, kind)
    done(null, payload)
  })
}

/** What is said to browsers with each response of the API: keep nothing, and show nothing of it as a page. */
const FOR_BROWSERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

/** Handlers know a new thing by its path under `/v1`: adds what the caller has to put before it. */
function completeLocation(reply: FastifyReply, basePath: string, kind: SessionKind | undefined): void {
  const path = reply.getHeader('location')
  if (typeof path !== 'string') return
  reply.header('location', `${basePath.slice(0, -1)}${kind === undefined ? '' : PREFIXES[kind]}${path}`)
}

type Entrance = { readonly gate: Gate; readonly doors: Doors; readonly connections: Connections }

/** The framework instance, with its limits and error handlers. */
function createFramework(
  options: ApiOptions,
  { gate, doors, connections }: Entrance,
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
    rewriteUrl: raw => doors.enter(raw),
    frameworkErrors: (error, request, reply) => {
      const fault = findHttpFault(request.raw)
      if (fault !== undefined) sendProblem(context, fault, request, reply)
      else if (!isUnderV1(request) || doors.kindOf(request.raw) !== undefined || gate.authenticate(request))
        sendProblem(context, error, request, reply)
      else gate.turnAway(request, refusal => sendProblem(context, refusal, request, reply))
    },
  })
  api.setValidatorCompiler(compileValidator)
  // Response schemas are documentation; the tests check responses against them. A serializer generated from them would
  // drop members that a schema forgets, and is no faster where it has to try alternatives.
  api.setSerializerCompiler(() => JSON.stringify)
  api.setErrorHandler((error, request, reply) => {
    const refuse = () => sendProblem(context, error, request, reply)
    if (!(error instanceof WrongCredentials)) return refuse()
    connections.reject(request.socket)
    gate.delay(request, refuse)
  })
  return api
}

function addCallers(api: Api, gate: Gate, sessions: Readonly<Record<SessionKind, SessionDoor>>): void {
  api.decorateRequest('caller', null)
  api.decorateRequest('once', null)
  api.decorateRequest('bodyBytes', null)
  api.decorateRequest('actor', {
    getter(this: FastifyRequest) {
      return gate.actorOf(this)
    },
  })
  api.decorateRequest('isStillAllowed', function (this: FastifyRequest) {
    const session = this.caller?.session
    return gate.isStillAllowed(
      this,
      session === undefined
        ? gate.authenticate(this)
        : sessions[this.caller?.portal === undefined ? 'session' : 'portal'].still(session),
    )
  })
  api.decorateRequest('clientAddress', {
    getter(this: FastifyRequest) {
      return gate.addressOf(this)
    },
  })
  api.decorateRequest('isLocal', {
    getter(this: FastifyRequest) {
      return gate.isLocal(this)
    },
  })
  api.decorateRequest('seesPayloads', {
    getter(this: FastifyRequest) {
      if (this.routeOptions.config.payloads !== undefined) return maySeePayloads(this.caller)
      throw new Error(`${this.method} ${this.routeOptions.url} doesn't say that it shows payloads`)
    },
  })
}

type Admission = Entrance & {
  readonly sessions: Readonly<Record<SessionKind, SessionDoor>>
  readonly pages: PageAnswers
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

/** Checks the key or session of every call, and refuses calls that there is no room for, before their bodies are read. */
function addAdmission(api: Api, parts: Admission): void {
  const { gate, doors, sessions, pages, connections, load, paths, isClosing } = parts
  const refusal = (request: FastifyRequest, reply: FastifyReply, call: Call, access: Access) => {
    const refused = request.caller === null ? undefined : gate.refusal(request.caller, access, request, reply)
    if (refused !== undefined) return refused
    if (isClosing() && !request.is404)
      return new PosthornError('shutting_down', 'The server is shutting down. Try again.')
    // A sign-in has a small body and no key yet, and a visitor no body: there is one at a time on a connection.
    const isFree = isOpen(access) || isSigningIn(access) || isVisiting(access)
    return isFree || load.admit(call, request) ? undefined : overloaded()
  }
  /** @param caller null: the call needs no key */
  const admit = (entering: Entering, caller: Caller | null) => {
    const { request, reply, call, access, done } = entering
    request.caller = caller
    if (caller !== null && !connections.accept(request.socket, caller.key)) return done(new TooManyConnections())
    const refused = refusal(request, reply, call, access) ?? unknownOf(request)
    if (refused === undefined) refuseSmallChunks(request.raw)
    done(refused)
  }
  const unknownOf = (request: FastifyRequest) =>
    request.is404 && !pages.takes(request) ? unknownPath(paths, request) : undefined
  const admitSession = (entering: Entering, kind: SessionKind) => {
    const { request, access, done } = entering
    const door = sessions[kind]
    const only = doorOf(access) ?? kind
    if (only !== kind) return done(elsewhere(only))
    if (access === 'portal-open') return admit(entering, null)
    if (isSigningIn(access)) {
      const fault = door.faultOfSignIn(request)
      return fault === undefined ? admit(entering, null) : done(fault)
    }
    if (isVisiting(access)) {
      return door.enterAsVisitor(request, result => {
        if ('error' in result) return done(result.error)
        if (result.isGuess) gate.delay(request, () => admit(entering, null))
        else admit(entering, result.caller)
      })
    }
    door.enter(request, result => {
      if (!('error' in result)) return admit(entering, result)
      connections.reject(request.socket)
      if (result.isGuess) gate.delay(request, () => done(result.error))
      else done(result.error)
    })
  }
  api.addHook('onRequest', (request, reply, done) => {
    const call = load.begin(reply.raw)
    const fault = findHttpFault(request.raw)
    if (fault !== undefined) return done(fault)
    // Unknown paths under /v1 need a key too; any valid key will do.
    const { access = 'open' } = request.routeOptions.config
    const entering = { request, reply, call, access, done }
    if (doors.isPagesOnly(request.raw) && (!request.is404 || isUnderV1(request))) return done(notHere())
    if (request.is404 ? !isUnderV1(request) : access === 'open') return admit(entering, null)
    const kind = doors.kindOf(request.raw)
    if (kind !== undefined) return admitSession(entering, kind)
    const caller = gate.authenticate(request)
    if (caller !== undefined) return admit(entering, caller)
    connections.reject(request.socket)
    gate.turnAway(request, done)
  })
}

/** A request on its way in. */
type Entering = {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly call: Call
  readonly access: Access
  readonly done: (error?: Error) => void
}

/** Which requests the dashboard's pages answer: those of paths that are not the API's, where there is a dashboard. */
class PageAnswers {
  readonly #pages: ApiOptions['pages']
  readonly #doors: Doors
  readonly #readLooks: ReadLooks

  constructor(pages: ApiOptions['pages'], doors: Doors, readLooks: ReadLooks) {
    this.#pages = pages
    this.#doors = doors
    this.#readLooks = readLooks
  }

  /** For a request whose path is unknown to the router. */
  takes({ method, raw, url }: FastifyRequest): boolean {
    if (this.#pages === null || (method !== 'GET' && method !== 'HEAD')) return false
    const path = pathOf(url)
    return this.#doors.has(sessionKindOf(path), raw) && this.#pages.takes(path)
  }

  answer(request: FastifyRequest, reply: FastifyReply, refuse: () => void): Promise<void> {
    return this.#pages!.answer(pathOf(request.url), request, reply, refuse, this.#readLooks)
  }
}

function addResources(api: Api, services: Services, options: ApiOptions, idempotency: Idempotency): void {
  const examples: Examples = Object.assign({}, ...RESOURCES.map(resource => resource.examples))
  describeRoutes(api, options, [...new Set(RESOURCES.map(({ tag }) => tag))], examples)
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

function notHere(): PosthornError {
  return new PosthornError(
    'not_found',
    'This address has only the dashboard. The API is at the address in `host` and `port`.',
  )
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

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0]!

function unknownPath(paths: KnownPaths, { url }: FastifyRequest): PosthornError {
  const allow = paths.allow(pathOf(url))
  if (allow !== undefined) return new MethodNotAllowed(allow)
  const detail = 'Unknown path. GET /openapi.json lists all paths.'
  // Tells it from an unknown id: a client of another version explains it.
  return new PosthornError('not_found', detail, { fields: [{ field: '', detail, reason: 'unknown_path' }] })
}
